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
  | 'partition'
  | 'peek'
  | 'policy'
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
  [89, 'lua/lib/limits.lua'],
  [182, 'lua/lib/keys.lua'],
  [222, 'lua/lib/texts.lua'],
  [252, 'lua/lib/message.lua'],
  [328, 'lua/lib/window.lua'],
  [406, 'lua/lib/claim_record.lua'],
  [487, 'lua/lib/clock.lua'],
  [494, 'lua/lib/dead.lua'],
  [569, 'lua/lib/watch.lua'],
  [616, 'lua/lib/figures.lua'],
  [695, 'lua/lib/list.lua'],
  [808, 'lua/lib/conversation.lua'],
  [1162, 'lua/lib/nonce.lua'],
  [1222, 'lua/lib/recover.lua'],
  [1354, 'lua/lib/dedupe.lua'],
  [1496, 'lua/lib/layout.lua'],
  [1558, 'lua/lib/queue.lua'],
  [1671, 'lua/lib/claim.lua'],
  [1869, 'lua/functions/batch/claim_ready.lua'],
  [1941, 'lua/functions/batch/complete.lua'],
  [1997, 'lua/functions/batch/extend.lua'],
  [2053, 'lua/functions/batch/fail.lua'],
  [2146, 'lua/functions/batch/forward.lua'],
  [2288, 'lua/functions/batch/release.lua'],
  [2344, 'lua/functions/conversation/add.lua'],
  [2609, 'lua/functions/conversation/peek.lua'],
  [2665, 'lua/functions/dead/dead.lua'],
  [2718, 'lua/functions/dead/drop.lua'],
  [2759, 'lua/functions/dead/requeue.lua'],
  [2837, 'lua/lib/laws.lua'],
  [3114, 'lua/lib/look.lua'],
  [3197, 'lua/lib/mend.lua'],
  [3263, 'lua/functions/health/check.lua'],
  [3309, 'lua/functions/health/repair.lua'],
  [3340, 'lua/functions/health/version.lua'],
  [3356, 'lua/functions/layout/layout.lua'],
  [3401, 'lua/functions/layout/partition.lua'],
  [3491, 'lua/functions/layout/repartition.lua'],
  [3600, 'lua/functions/queue/policy.lua'],
  [3728, 'lua/functions/queue/stats.lua'],
]
