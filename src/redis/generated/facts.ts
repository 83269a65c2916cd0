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
  [105, 'lua/lib/args.lua'],
  [166, 'lua/lib/clock.lua'],
  [173, 'lua/lib/keys.lua'],
  [213, 'lua/lib/queue.lua'],
  [305, 'lua/lib/layout.lua'],
  [367, 'lua/lib/batch.lua'],
  [646, 'lua/lib/ahead.lua'],
  [721, 'lua/lib/index.lua'],
  [793, 'lua/lib/watch.lua'],
  [832, 'lua/lib/nonce.lua'],
  [892, 'lua/lib/claim.lua'],
  [1138, 'lua/functions/conversation/add.lua'],
  [1504, 'lua/functions/health/check.lua'],
  [1623, 'lua/functions/batch/claim_ready.lua'],
  [1699, 'lua/functions/batch/complete.lua'],
  [1761, 'lua/functions/dead/dead.lua'],
  [1814, 'lua/functions/dead/drop.lua'],
  [1866, 'lua/functions/batch/extend.lua'],
  [1922, 'lua/functions/batch/fail.lua'],
  [2028, 'lua/functions/batch/forward.lua'],
  [2164, 'lua/functions/layout/layout.lua'],
  [2209, 'lua/functions/layout/partition.lua'],
  [2299, 'lua/functions/conversation/peek.lua'],
  [2353, 'lua/functions/queue/policy.lua'],
  [2480, 'lua/functions/batch/release.lua'],
  [2535, 'lua/functions/health/repair.lua'],
  [2685, 'lua/functions/layout/repartition.lua'],
  [2792, 'lua/functions/dead/requeue.lua'],
  [2881, 'lua/functions/queue/stats.lua'],
  [2939, 'lua/functions/health/version.lua'],
]
