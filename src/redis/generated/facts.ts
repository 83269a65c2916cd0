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
  [28, 'lua/lib/limits.lua'],
  [94, 'lua/lib/args.lua'],
  [155, 'lua/lib/clock.lua'],
  [162, 'lua/lib/keys.lua'],
  [202, 'lua/lib/policy.lua'],
  [316, 'lua/lib/message.lua'],
  [389, 'lua/lib/window.lua'],
  [470, 'lua/lib/claim_record.lua'],
  [527, 'lua/lib/nonce.lua'],
  [598, 'lua/lib/list.lua'],
  [711, 'lua/lib/dedupe.lua'],
  [818, 'lua/lib/watch.lua'],
  [865, 'lua/lib/figures.lua'],
  [930, 'lua/lib/dead.lua'],
  [994, 'lua/lib/conversation.lua'],
  [1352, 'lua/lib/ahead.lua'],
  [1413, 'lua/lib/claim.lua'],
  [1612, 'lua/functions/conversation/add.lua'],
  [1863, 'lua/functions/health/check.lua'],
  [1982, 'lua/functions/batch/claim_ready.lua'],
  [2053, 'lua/functions/batch/complete.lua'],
  [2106, 'lua/functions/dead/dead.lua'],
  [2159, 'lua/functions/dead/drop.lua'],
  [2200, 'lua/functions/batch/extend.lua'],
  [2256, 'lua/functions/batch/fail.lua'],
  [2348, 'lua/functions/batch/forward.lua'],
  [2488, 'lua/functions/layout/layout.lua'],
  [2534, 'lua/functions/layout/partition.lua'],
  [2624, 'lua/functions/conversation/peek.lua'],
  [2678, 'lua/functions/queue/policy.lua'],
  [2806, 'lua/functions/batch/release.lua'],
  [2860, 'lua/functions/health/repair.lua'],
  [2957, 'lua/functions/layout/repartition.lua'],
  [3063, 'lua/functions/dead/requeue.lua'],
  [3138, 'lua/functions/queue/stats.lua'],
  [3186, 'lua/functions/health/version.lua'],
]
