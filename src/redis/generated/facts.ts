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
export const READS: ReadonlySet<FunctionName> = new Set(['check', 'dead', 'events', 'layout', 'peek', 'rights', 'stats', 'trace', 'version'])

/** Where each Lua file begins in both builds: [first line, path], in order. */
export const LINES: readonly (readonly [number, string])[] = [
  [11, 'lua/lib/texts.lua'],
  [59, 'lua/lib/reply.lua'],
  [96, 'lua/lib/args.lua'],
  [168, 'lua/lib/limits.lua'],
  [358, 'lua/lib/keys.lua'],
  [418, 'lua/lib/message.lua'],
  [526, 'lua/lib/window.lua'],
  [730, 'lua/lib/claim_record.lua'],
  [831, 'lua/lib/clock.lua'],
  [842, 'lua/lib/events.lua'],
  [892, 'lua/lib/queue.lua'],
  [1091, 'lua/lib/watch.lua'],
  [1246, 'lua/lib/figures.lua'],
  [1358, 'lua/lib/list.lua'],
  [1585, 'lua/lib/dead.lua'],
  [1724, 'lua/lib/conversation.lua'],
  [2148, 'lua/lib/dedupe.lua'],
  [2305, 'lua/lib/nonce.lua'],
  [2372, 'lua/lib/recover.lua'],
  [2510, 'lua/lib/serving.lua'],
  [2532, 'lua/lib/ends.lua'],
  [2576, 'lua/lib/stream.lua'],
  [2629, 'lua/lib/claim.lua'],
  [2935, 'lua/functions/batch/claim_ready.lua'],
  [3071, 'lua/functions/batch/complete.lua'],
  [3133, 'lua/functions/batch/extend.lua'],
  [3191, 'lua/functions/batch/fail.lua'],
  [3352, 'lua/functions/batch/forward.lua'],
  [3488, 'lua/functions/batch/release.lua'],
  [3568, 'lua/lib/change.lua'],
  [3637, 'lua/functions/conversation/add.lua'],
  [4046, 'lua/functions/conversation/erase.lua'],
  [4283, 'lua/functions/conversation/peek.lua'],
  [4353, 'lua/functions/conversation/trace.lua'],
  [4621, 'lua/functions/dead/dead.lua'],
  [4676, 'lua/functions/dead/drop.lua'],
  [4717, 'lua/functions/dead/requeue.lua'],
  [4803, 'lua/lib/laws.lua'],
  [5086, 'lua/lib/look.lua'],
  [5172, 'lua/lib/mend.lua'],
  [5257, 'lua/functions/health/check.lua'],
  [5303, 'lua/functions/health/repair.lua'],
  [5339, 'lua/functions/health/rights.lua'],
  [5387, 'lua/functions/health/version.lua'],
  [5402, 'lua/lib/layout.lua'],
  [5446, 'lua/functions/layout/layout.lua'],
  [5491, 'lua/functions/layout/partition.lua'],
  [5587, 'lua/functions/layout/repartition.lua'],
  [5705, 'lua/functions/queue/events.lua'],
  [5784, 'lua/functions/queue/leave.lua'],
  [5821, 'lua/functions/queue/policy.lua'],
  [5951, 'lua/functions/queue/present.lua'],
  [6025, 'lua/functions/queue/stats.lua'],
]
