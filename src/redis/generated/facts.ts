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
  | 'stats'
  | 'version'

/** Functions that write nothing. */
export const READS: ReadonlySet<FunctionName> = new Set(['check', 'dead', 'layout', 'peek', 'stats', 'version'])

/** Where each Lua file begins in both builds: [first line, path], in order. */
export const LINES: readonly (readonly [number, string])[] = [
  [5, 'lua/lib/reply.lua'],
  [28, 'lua/lib/args.lua'],
  [93, 'lua/lib/limits.lua'],
  [207, 'lua/lib/texts.lua'],
  [238, 'lua/lib/keys.lua'],
  [283, 'lua/lib/message.lua'],
  [371, 'lua/lib/window.lua'],
  [563, 'lua/lib/claim_record.lua'],
  [646, 'lua/lib/clock.lua'],
  [660, 'lua/lib/dead.lua'],
  [736, 'lua/lib/watch.lua'],
  [843, 'lua/lib/figures.lua'],
  [934, 'lua/lib/list.lua'],
  [1066, 'lua/lib/conversation.lua'],
  [1460, 'lua/lib/nonce.lua'],
  [1527, 'lua/lib/recover.lua'],
  [1669, 'lua/lib/dedupe.lua'],
  [1813, 'lua/lib/layout.lua'],
  [1882, 'lua/lib/queue.lua'],
  [1994, 'lua/lib/claim.lua'],
  [2290, 'lua/functions/batch/claim_ready.lua'],
  [2364, 'lua/functions/batch/complete.lua'],
  [2420, 'lua/functions/batch/extend.lua'],
  [2478, 'lua/functions/batch/fail.lua'],
  [2571, 'lua/functions/batch/forward.lua'],
  [2718, 'lua/functions/batch/release.lua'],
  [2774, 'lua/functions/conversation/add.lua'],
  [3062, 'lua/functions/conversation/peek.lua'],
  [3119, 'lua/functions/dead/dead.lua'],
  [3172, 'lua/functions/dead/drop.lua'],
  [3213, 'lua/functions/dead/requeue.lua'],
  [3295, 'lua/lib/laws.lua'],
  [3576, 'lua/lib/look.lua'],
  [3664, 'lua/lib/mend.lua'],
  [3732, 'lua/functions/health/check.lua'],
  [3778, 'lua/functions/health/repair.lua'],
  [3809, 'lua/functions/health/version.lua'],
  [3825, 'lua/functions/layout/layout.lua'],
  [3870, 'lua/functions/layout/partition.lua'],
  [3961, 'lua/functions/layout/repartition.lua'],
  [4071, 'lua/functions/queue/leave.lua'],
  [4105, 'lua/functions/queue/policy.lua'],
  [4234, 'lua/functions/queue/present.lua'],
  [4307, 'lua/functions/queue/stats.lua'],
]
