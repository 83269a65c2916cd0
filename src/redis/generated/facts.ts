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
  [1208, 'lua/lib/claim.lua'],
  [1406, 'lua/lib/dedupe.lua'],
  [1513, 'lua/lib/layout.lua'],
  [1575, 'lua/lib/queue.lua'],
  [1687, 'lua/functions/conversation/add.lua'],
  [1938, 'lua/functions/health/check.lua'],
  [2057, 'lua/functions/batch/claim_ready.lua'],
  [2128, 'lua/functions/batch/complete.lua'],
  [2181, 'lua/functions/dead/dead.lua'],
  [2234, 'lua/functions/dead/drop.lua'],
  [2275, 'lua/functions/batch/extend.lua'],
  [2331, 'lua/functions/batch/fail.lua'],
  [2423, 'lua/functions/batch/forward.lua'],
  [2563, 'lua/functions/layout/layout.lua'],
  [2608, 'lua/functions/layout/partition.lua'],
  [2698, 'lua/functions/conversation/peek.lua'],
  [2752, 'lua/functions/queue/policy.lua'],
  [2879, 'lua/functions/batch/release.lua'],
  [2933, 'lua/functions/health/repair.lua'],
  [3030, 'lua/functions/layout/repartition.lua'],
  [3137, 'lua/functions/dead/requeue.lua'],
  [3212, 'lua/functions/queue/stats.lua'],
  [3260, 'lua/functions/health/version.lua'],
]
