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
  [196, 'lua/lib/texts.lua'],
  [244, 'lua/lib/reply.lua'],
  [300, 'lua/lib/keys.lua'],
  [360, 'lua/lib/message.lua'],
  [465, 'lua/lib/window.lua'],
  [669, 'lua/lib/claim_record.lua'],
  [770, 'lua/lib/args.lua'],
  [838, 'lua/lib/clock.lua'],
  [849, 'lua/lib/events.lua'],
  [898, 'lua/lib/queue.lua'],
  [1096, 'lua/lib/watch.lua'],
  [1251, 'lua/lib/figures.lua'],
  [1363, 'lua/lib/list.lua'],
  [1590, 'lua/lib/dead.lua'],
  [1729, 'lua/lib/conversation.lua'],
  [2153, 'lua/lib/dedupe.lua'],
  [2310, 'lua/lib/nonce.lua'],
  [2377, 'lua/lib/recover.lua'],
  [2515, 'lua/lib/serving.lua'],
  [2537, 'lua/lib/ends.lua'],
  [2581, 'lua/lib/stream.lua'],
  [2631, 'lua/lib/archive.lua'],
  [2739, 'lua/lib/claim.lua'],
  [3045, 'lua/functions/batch/claim_ready.lua'],
  [3185, 'lua/functions/batch/complete.lua'],
  [3294, 'lua/functions/batch/extend.lua'],
  [3352, 'lua/functions/batch/fail.lua'],
  [3513, 'lua/functions/batch/forward.lua'],
  [3649, 'lua/functions/batch/release.lua'],
  [3729, 'lua/lib/change.lua'],
  [3798, 'lua/functions/conversation/add.lua'],
  [4199, 'lua/functions/conversation/erase.lua'],
  [4466, 'lua/functions/conversation/peek.lua'],
  [4538, 'lua/functions/dead/dead.lua'],
  [4593, 'lua/functions/dead/drop.lua'],
  [4634, 'lua/functions/dead/requeue.lua'],
  [4720, 'lua/lib/laws.lua'],
  [5012, 'lua/lib/look.lua'],
  [5105, 'lua/lib/mend.lua'],
  [5207, 'lua/functions/health/check.lua'],
  [5253, 'lua/functions/health/repair.lua'],
  [5289, 'lua/functions/health/rights.lua'],
  [5337, 'lua/functions/health/version.lua'],
  [5352, 'lua/lib/layout.lua'],
  [5399, 'lua/functions/layout/layout.lua'],
  [5444, 'lua/functions/layout/partition.lua'],
  [5542, 'lua/functions/layout/repartition.lua'],
  [5662, 'lua/functions/queue/archived.lua'],
  [5750, 'lua/functions/queue/events.lua'],
  [5829, 'lua/functions/queue/leave.lua'],
  [5866, 'lua/functions/queue/policy.lua'],
  [5999, 'lua/functions/queue/present.lua'],
  [6073, 'lua/functions/queue/stats.lua'],
]
