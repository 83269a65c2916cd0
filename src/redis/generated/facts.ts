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

/** Where each Lua file begins in both builds: [first line, path], in order. */
export const LINES: readonly (readonly [number, string])[] = [
  [5, 'lua/lib/reply.lua'],
  [22, 'lua/lib/limits.lua'],
  [88, 'lua/lib/args.lua'],
  [149, 'lua/lib/clock.lua'],
  [156, 'lua/lib/keys.lua'],
  [196, 'lua/lib/policy.lua'],
  [309, 'lua/lib/batch.lua'],
  [588, 'lua/lib/ahead.lua'],
  [663, 'lua/lib/index.lua'],
  [735, 'lua/lib/watch.lua'],
  [774, 'lua/lib/nonce.lua'],
  [834, 'lua/lib/claim.lua'],
  [1080, 'lua/functions/conversation/add.lua'],
  [1446, 'lua/functions/health/check.lua'],
  [1565, 'lua/functions/batch/claim_ready.lua'],
  [1641, 'lua/functions/batch/complete.lua'],
  [1703, 'lua/functions/dead/dead.lua'],
  [1756, 'lua/functions/dead/drop.lua'],
  [1808, 'lua/functions/batch/extend.lua'],
  [1864, 'lua/functions/batch/fail.lua'],
  [1970, 'lua/functions/batch/forward.lua'],
  [2106, 'lua/functions/layout/layout.lua'],
  [2152, 'lua/functions/layout/partition.lua'],
  [2242, 'lua/functions/conversation/peek.lua'],
  [2296, 'lua/functions/queue/policy.lua'],
  [2424, 'lua/functions/batch/release.lua'],
  [2479, 'lua/functions/health/repair.lua'],
  [2629, 'lua/functions/layout/repartition.lua'],
  [2735, 'lua/functions/dead/requeue.lua'],
  [2824, 'lua/functions/queue/stats.lua'],
  [2882, 'lua/functions/health/version.lua'],
]
