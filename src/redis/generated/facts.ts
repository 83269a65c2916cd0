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
  [5, 'lua/lib/limits.lua'],
  [88, 'lua/lib/reply.lua'],
  [111, 'lua/lib/keys.lua'],
  [151, 'lua/lib/message.lua'],
  [224, 'lua/lib/window.lua'],
  [305, 'lua/lib/claim_record.lua'],
  [362, 'lua/lib/clock.lua'],
  [369, 'lua/lib/args.lua'],
  [430, 'lua/lib/dead.lua'],
  [494, 'lua/lib/list.lua'],
  [607, 'lua/lib/watch.lua'],
  [654, 'lua/lib/conversation.lua'],
  [1012, 'lua/lib/ahead.lua'],
  [1073, 'lua/lib/figures.lua'],
  [1138, 'lua/lib/nonce.lua'],
  [1209, 'lua/lib/claim.lua'],
  [1407, 'lua/lib/dedupe.lua'],
  [1514, 'lua/lib/layout.lua'],
  [1576, 'lua/lib/queue.lua'],
  [1670, 'lua/functions/conversation/add.lua'],
  [1921, 'lua/functions/health/check.lua'],
  [2040, 'lua/functions/batch/claim_ready.lua'],
  [2111, 'lua/functions/batch/complete.lua'],
  [2164, 'lua/functions/dead/dead.lua'],
  [2217, 'lua/functions/dead/drop.lua'],
  [2258, 'lua/functions/batch/extend.lua'],
  [2314, 'lua/functions/batch/fail.lua'],
  [2406, 'lua/functions/batch/forward.lua'],
  [2546, 'lua/functions/layout/layout.lua'],
  [2591, 'lua/functions/layout/partition.lua'],
  [2681, 'lua/functions/conversation/peek.lua'],
  [2735, 'lua/functions/queue/policy.lua'],
  [2862, 'lua/functions/batch/release.lua'],
  [2916, 'lua/functions/health/repair.lua'],
  [3013, 'lua/functions/layout/repartition.lua'],
  [3120, 'lua/functions/dead/requeue.lua'],
  [3195, 'lua/functions/queue/stats.lua'],
  [3243, 'lua/functions/health/version.lua'],
]
