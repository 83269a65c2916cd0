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
  [5, 'lua/lib/claim_record.lua'],
  [55, 'lua/lib/limits.lua'],
  [138, 'lua/lib/reply.lua'],
  [155, 'lua/lib/keys.lua'],
  [195, 'lua/lib/message.lua'],
  [268, 'lua/lib/window.lua'],
  [338, 'lua/lib/batch.lua'],
  [478, 'lua/lib/ahead.lua'],
  [544, 'lua/lib/args.lua'],
  [605, 'lua/lib/clock.lua'],
  [612, 'lua/lib/index.lua'],
  [685, 'lua/lib/nonce.lua'],
  [745, 'lua/lib/watch.lua'],
  [784, 'lua/lib/claim.lua'],
  [1031, 'lua/lib/layout.lua'],
  [1093, 'lua/lib/queue.lua'],
  [1186, 'lua/functions/conversation/add.lua'],
  [1551, 'lua/functions/health/check.lua'],
  [1670, 'lua/functions/batch/claim_ready.lua'],
  [1746, 'lua/functions/batch/complete.lua'],
  [1808, 'lua/functions/dead/dead.lua'],
  [1861, 'lua/functions/dead/drop.lua'],
  [1913, 'lua/functions/batch/extend.lua'],
  [1969, 'lua/functions/batch/fail.lua'],
  [2075, 'lua/functions/batch/forward.lua'],
  [2211, 'lua/functions/layout/layout.lua'],
  [2256, 'lua/functions/layout/partition.lua'],
  [2346, 'lua/functions/conversation/peek.lua'],
  [2400, 'lua/functions/queue/policy.lua'],
  [2527, 'lua/functions/batch/release.lua'],
  [2582, 'lua/functions/health/repair.lua'],
  [2732, 'lua/functions/layout/repartition.lua'],
  [2839, 'lua/functions/dead/requeue.lua'],
  [2928, 'lua/functions/queue/stats.lua'],
  [2986, 'lua/functions/health/version.lua'],
]
