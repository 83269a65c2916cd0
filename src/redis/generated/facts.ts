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
  [1011, 'lua/lib/ahead.lua'],
  [1072, 'lua/lib/figures.lua'],
  [1137, 'lua/lib/nonce.lua'],
  [1208, 'lua/lib/layout.lua'],
  [1270, 'lua/lib/queue.lua'],
  [1382, 'lua/lib/claim.lua'],
  [1581, 'lua/functions/batch/claim_ready.lua'],
  [1652, 'lua/functions/batch/complete.lua'],
  [1705, 'lua/functions/batch/extend.lua'],
  [1761, 'lua/functions/batch/fail.lua'],
  [1853, 'lua/functions/batch/forward.lua'],
  [1993, 'lua/functions/batch/release.lua'],
  [2048, 'lua/lib/dedupe.lua'],
  [2156, 'lua/functions/conversation/add.lua'],
  [2407, 'lua/functions/conversation/peek.lua'],
  [2463, 'lua/functions/dead/dead.lua'],
  [2516, 'lua/functions/dead/drop.lua'],
  [2557, 'lua/functions/dead/requeue.lua'],
  [2633, 'lua/lib/laws.lua'],
  [2906, 'lua/lib/look.lua'],
  [2990, 'lua/lib/mend.lua'],
  [3056, 'lua/functions/health/check.lua'],
  [3102, 'lua/functions/health/repair.lua'],
  [3133, 'lua/functions/health/version.lua'],
  [3149, 'lua/functions/layout/layout.lua'],
  [3194, 'lua/functions/layout/partition.lua'],
  [3284, 'lua/functions/layout/repartition.lua'],
  [3393, 'lua/functions/queue/policy.lua'],
  [3520, 'lua/functions/queue/stats.lua'],
]
