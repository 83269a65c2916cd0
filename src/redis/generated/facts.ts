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
  | 'trace'
  | 'version'

/** Functions that write nothing. */
export const READS: ReadonlySet<FunctionName> = new Set(['archived', 'check', 'dead', 'events', 'layout', 'peek', 'rights', 'stats', 'trace', 'version'])

/** Where each Lua file begins in both builds: [first line, path], in order. */
export const LINES: readonly (readonly [number, string])[] = [
  [9, 'lua/lib/limits.lua'],
  [199, 'lua/lib/texts.lua'],
  [247, 'lua/lib/reply.lua'],
  [303, 'lua/lib/keys.lua'],
  [363, 'lua/lib/message.lua'],
  [461, 'lua/lib/args.lua'],
  [541, 'lua/lib/window.lua'],
  [745, 'lua/lib/claim_record.lua'],
  [846, 'lua/lib/clock.lua'],
  [857, 'lua/lib/events.lua'],
  [910, 'lua/lib/queue.lua'],
  [1111, 'lua/lib/watch.lua'],
  [1266, 'lua/lib/figures.lua'],
  [1378, 'lua/lib/list.lua'],
  [1605, 'lua/lib/dead.lua'],
  [1744, 'lua/lib/conversation.lua'],
  [2168, 'lua/lib/dedupe.lua'],
  [2325, 'lua/lib/nonce.lua'],
  [2392, 'lua/lib/recover.lua'],
  [2530, 'lua/lib/serving.lua'],
  [2552, 'lua/lib/ends.lua'],
  [2596, 'lua/lib/stream.lua'],
  [2646, 'lua/lib/archive.lua'],
  [2749, 'lua/lib/claim.lua'],
  [3055, 'lua/functions/batch/claim_ready.lua'],
  [3195, 'lua/functions/batch/complete.lua'],
  [3317, 'lua/functions/batch/extend.lua'],
  [3375, 'lua/functions/batch/fail.lua'],
  [3536, 'lua/functions/batch/forward.lua'],
  [3672, 'lua/functions/batch/release.lua'],
  [3752, 'lua/lib/change.lua'],
  [3821, 'lua/functions/conversation/add.lua'],
  [4230, 'lua/functions/conversation/erase.lua'],
  [4497, 'lua/functions/conversation/peek.lua'],
  [4567, 'lua/functions/conversation/trace.lua'],
  [4835, 'lua/functions/dead/dead.lua'],
  [4890, 'lua/functions/dead/drop.lua'],
  [4931, 'lua/functions/dead/requeue.lua'],
  [5017, 'lua/lib/laws.lua'],
  [5309, 'lua/lib/look.lua'],
  [5402, 'lua/lib/mend.lua'],
  [5504, 'lua/functions/health/check.lua'],
  [5550, 'lua/functions/health/repair.lua'],
  [5586, 'lua/functions/health/rights.lua'],
  [5634, 'lua/functions/health/version.lua'],
  [5649, 'lua/lib/layout.lua'],
  [5693, 'lua/functions/layout/layout.lua'],
  [5738, 'lua/functions/layout/partition.lua'],
  [5836, 'lua/functions/layout/repartition.lua'],
  [5956, 'lua/functions/queue/archived.lua'],
  [6044, 'lua/functions/queue/events.lua'],
  [6123, 'lua/functions/queue/leave.lua'],
  [6160, 'lua/functions/queue/policy.lua'],
  [6293, 'lua/functions/queue/present.lua'],
  [6367, 'lua/functions/queue/stats.lua'],
]
