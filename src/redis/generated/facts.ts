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
  [205, 'lua/lib/texts.lua'],
  [236, 'lua/lib/keys.lua'],
  [281, 'lua/lib/message.lua'],
  [369, 'lua/lib/window.lua'],
  [561, 'lua/lib/claim_record.lua'],
  [644, 'lua/lib/clock.lua'],
  [658, 'lua/lib/dead.lua'],
  [734, 'lua/lib/watch.lua'],
  [841, 'lua/lib/figures.lua'],
  [932, 'lua/lib/list.lua'],
  [1064, 'lua/lib/conversation.lua'],
  [1458, 'lua/lib/nonce.lua'],
  [1525, 'lua/lib/recover.lua'],
  [1667, 'lua/lib/dedupe.lua'],
  [1811, 'lua/lib/layout.lua'],
  [1880, 'lua/lib/queue.lua'],
  [1992, 'lua/lib/claim.lua'],
  [2288, 'lua/functions/batch/claim_ready.lua'],
  [2362, 'lua/functions/batch/complete.lua'],
  [2418, 'lua/functions/batch/extend.lua'],
  [2476, 'lua/functions/batch/fail.lua'],
  [2569, 'lua/functions/batch/forward.lua'],
  [2716, 'lua/functions/batch/release.lua'],
  [2772, 'lua/functions/conversation/add.lua'],
  [3047, 'lua/functions/conversation/peek.lua'],
  [3104, 'lua/functions/dead/dead.lua'],
  [3157, 'lua/functions/dead/drop.lua'],
  [3198, 'lua/functions/dead/requeue.lua'],
  [3280, 'lua/lib/laws.lua'],
  [3561, 'lua/lib/look.lua'],
  [3649, 'lua/lib/mend.lua'],
  [3717, 'lua/functions/health/check.lua'],
  [3763, 'lua/functions/health/repair.lua'],
  [3794, 'lua/functions/health/version.lua'],
  [3810, 'lua/functions/layout/layout.lua'],
  [3855, 'lua/functions/layout/partition.lua'],
  [3946, 'lua/functions/layout/repartition.lua'],
  [4056, 'lua/functions/queue/leave.lua'],
  [4090, 'lua/functions/queue/policy.lua'],
  [4219, 'lua/functions/queue/present.lua'],
  [4292, 'lua/functions/queue/stats.lua'],
]
