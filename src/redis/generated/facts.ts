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
  [22, 'lua/lib/args.lua'],
  [77, 'lua/lib/clock.lua'],
  [84, 'lua/lib/keys.lua'],
  [124, 'lua/lib/policy.lua'],
  [249, 'lua/lib/message.lua'],
  [322, 'lua/lib/window.lua'],
  [392, 'lua/lib/claim_record.lua'],
  [442, 'lua/lib/batch.lua'],
  [582, 'lua/lib/ahead.lua'],
  [648, 'lua/lib/index.lua'],
  [721, 'lua/lib/watch.lua'],
  [760, 'lua/lib/nonce.lua'],
  [820, 'lua/lib/claim.lua'],
  [1068, 'lua/functions/conversation/add.lua'],
  [1438, 'lua/functions/health/check.lua'],
  [1557, 'lua/functions/batch/claim_ready.lua'],
  [1639, 'lua/functions/batch/complete.lua'],
  [1701, 'lua/functions/dead/dead.lua'],
  [1759, 'lua/functions/dead/drop.lua'],
  [1811, 'lua/functions/batch/extend.lua'],
  [1867, 'lua/functions/batch/fail.lua'],
  [1978, 'lua/functions/batch/forward.lua'],
  [2120, 'lua/functions/layout/layout.lua'],
  [2166, 'lua/functions/layout/partition.lua'],
  [2259, 'lua/functions/conversation/peek.lua'],
  [2313, 'lua/functions/queue/policy.lua'],
  [2444, 'lua/functions/batch/release.lua'],
  [2499, 'lua/functions/health/repair.lua'],
  [2649, 'lua/functions/layout/repartition.lua'],
  [2758, 'lua/functions/dead/requeue.lua'],
  [2847, 'lua/functions/queue/stats.lua'],
  [2905, 'lua/functions/health/version.lua'],
]
