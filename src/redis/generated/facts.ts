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
  [249, 'lua/lib/batch.lua'],
  [538, 'lua/lib/ahead.lua'],
  [604, 'lua/lib/index.lua'],
  [680, 'lua/lib/watch.lua'],
  [719, 'lua/lib/nonce.lua'],
  [779, 'lua/lib/claim.lua'],
  [1043, 'lua/functions/conversation/add.lua'],
  [1416, 'lua/functions/health/check.lua'],
  [1535, 'lua/functions/batch/claim_ready.lua'],
  [1617, 'lua/functions/batch/complete.lua'],
  [1679, 'lua/functions/dead/dead.lua'],
  [1737, 'lua/functions/dead/drop.lua'],
  [1789, 'lua/functions/batch/extend.lua'],
  [1845, 'lua/functions/batch/fail.lua'],
  [1958, 'lua/functions/batch/forward.lua'],
  [2100, 'lua/functions/layout/layout.lua'],
  [2146, 'lua/functions/layout/partition.lua'],
  [2239, 'lua/functions/conversation/peek.lua'],
  [2293, 'lua/functions/queue/policy.lua'],
  [2424, 'lua/functions/batch/release.lua'],
  [2479, 'lua/functions/health/repair.lua'],
  [2631, 'lua/functions/layout/repartition.lua'],
  [2740, 'lua/functions/dead/requeue.lua'],
  [2829, 'lua/functions/queue/stats.lua'],
  [2887, 'lua/functions/health/version.lua'],
]
