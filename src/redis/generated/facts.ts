// Generated from lua/ by lua/build. Do not edit: run `npm run build`.

export const VERSION = '0.1.0'

/** Codes of the refusals that the Lua functions return. */
export type LuaErrorCode =
  | 'BACKLOG_FULL'
  | 'BAD_ARGUMENT'
  | 'BAD_ID'
  | 'BAD_KEY'
  | 'BAD_LEASE'
  | 'BAD_POLICY'
  | 'BAD_ROOT'
  | 'MESSAGE_TOO_LARGE'
  | 'MISSING_ARGUMENT'
  | 'REPARTITIONED'
  | 'REPARTITIONING'
  | 'UNKNOWN_ARGUMENT'
  | 'WRONG_TYPE'

export type FunctionName =
  | 'add'
  | 'archived'
  | 'check'
  | 'claim_ready'
  | 'complete'
  | 'dead'
  | 'drop'
  | 'erase'
  | 'events'
  | 'extend'
  | 'fail'
  | 'forward'
  | 'layout'
  | 'leave'
  | 'partition'
  | 'peek'
  | 'policy'
  | 'present'
  | 'release'
  | 'repair'
  | 'repartition'
  | 'requeue'
  | 'rights'
  | 'stats'
  | 'version'

/** Functions that write nothing. */
export const READS: ReadonlySet<FunctionName> = new Set(['archived', 'check', 'dead', 'events', 'layout', 'peek', 'rights', 'stats', 'version'])

/** Where each Lua file begins in both builds: [first line, path], in order. */
export const LINES: readonly (readonly [number, string])[] = [
  [9, 'lua/lib/limits.lua'],
  [188, 'lua/lib/texts.lua'],
  [236, 'lua/lib/reply.lua'],
  [292, 'lua/lib/keys.lua'],
  [352, 'lua/lib/message.lua'],
  [450, 'lua/lib/window.lua'],
  [654, 'lua/lib/claim_record.lua'],
  [755, 'lua/lib/args.lua'],
  [823, 'lua/lib/clock.lua'],
  [834, 'lua/lib/events.lua'],
  [883, 'lua/lib/queue.lua'],
  [1081, 'lua/lib/watch.lua'],
  [1236, 'lua/lib/figures.lua'],
  [1346, 'lua/lib/list.lua'],
  [1547, 'lua/lib/dead.lua'],
  [1685, 'lua/lib/conversation.lua'],
  [2108, 'lua/lib/dedupe.lua'],
  [2264, 'lua/lib/nonce.lua'],
  [2331, 'lua/lib/recover.lua'],
  [2469, 'lua/lib/serving.lua'],
  [2491, 'lua/lib/ends.lua'],
  [2535, 'lua/lib/stream.lua'],
  [2585, 'lua/lib/archive.lua'],
  [2693, 'lua/lib/claim.lua'],
  [2999, 'lua/functions/batch/claim_ready.lua'],
  [3139, 'lua/functions/batch/complete.lua'],
  [3248, 'lua/functions/batch/extend.lua'],
  [3306, 'lua/functions/batch/fail.lua'],
  [3467, 'lua/functions/batch/forward.lua'],
  [3603, 'lua/functions/batch/release.lua'],
  [3681, 'lua/functions/conversation/add.lua'],
  [4052, 'lua/functions/conversation/erase.lua'],
  [4319, 'lua/functions/conversation/peek.lua'],
  [4391, 'lua/functions/dead/dead.lua'],
  [4446, 'lua/functions/dead/drop.lua'],
  [4487, 'lua/functions/dead/requeue.lua'],
  [4573, 'lua/lib/laws.lua'],
  [4865, 'lua/lib/look.lua'],
  [4958, 'lua/lib/mend.lua'],
  [5060, 'lua/functions/health/check.lua'],
  [5106, 'lua/functions/health/repair.lua'],
  [5142, 'lua/functions/health/rights.lua'],
  [5190, 'lua/functions/health/version.lua'],
  [5205, 'lua/lib/layout.lua'],
  [5252, 'lua/functions/layout/layout.lua'],
  [5297, 'lua/functions/layout/partition.lua'],
  [5395, 'lua/functions/layout/repartition.lua'],
  [5515, 'lua/functions/queue/archived.lua'],
  [5603, 'lua/functions/queue/events.lua'],
  [5682, 'lua/functions/queue/leave.lua'],
  [5719, 'lua/functions/queue/policy.lua'],
  [5852, 'lua/functions/queue/present.lua'],
  [5926, 'lua/functions/queue/stats.lua'],
]
