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
  [309, 'lua/lib/message.lua'],
  [382, 'lua/lib/window.lua'],
  [452, 'lua/lib/claim_record.lua'],
  [502, 'lua/lib/batch.lua'],
  [642, 'lua/lib/ahead.lua'],
  [708, 'lua/lib/index.lua'],
  [781, 'lua/lib/watch.lua'],
  [820, 'lua/lib/nonce.lua'],
  [880, 'lua/lib/claim.lua'],
  [1128, 'lua/functions/conversation/add.lua'],
  [1493, 'lua/functions/health/check.lua'],
  [1612, 'lua/functions/batch/claim_ready.lua'],
  [1688, 'lua/functions/batch/complete.lua'],
  [1750, 'lua/functions/dead/dead.lua'],
  [1803, 'lua/functions/dead/drop.lua'],
  [1855, 'lua/functions/batch/extend.lua'],
  [1911, 'lua/functions/batch/fail.lua'],
  [2017, 'lua/functions/batch/forward.lua'],
  [2153, 'lua/functions/layout/layout.lua'],
  [2199, 'lua/functions/layout/partition.lua'],
  [2289, 'lua/functions/conversation/peek.lua'],
  [2343, 'lua/functions/queue/policy.lua'],
  [2471, 'lua/functions/batch/release.lua'],
  [2526, 'lua/functions/health/repair.lua'],
  [2676, 'lua/functions/layout/repartition.lua'],
  [2782, 'lua/functions/dead/requeue.lua'],
  [2871, 'lua/functions/queue/stats.lua'],
  [2929, 'lua/functions/health/version.lua'],
]
