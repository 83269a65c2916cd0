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
  [230, 'lua/lib/window.lua'],
  [308, 'lua/lib/claim_record.lua'],
  [389, 'lua/lib/clock.lua'],
  [396, 'lua/lib/args.lua'],
  [457, 'lua/lib/dead.lua'],
  [521, 'lua/lib/watch.lua'],
  [568, 'lua/lib/figures.lua'],
  [637, 'lua/lib/list.lua'],
  [750, 'lua/lib/conversation.lua'],
  [1143, 'lua/lib/ahead.lua'],
  [1204, 'lua/lib/nonce.lua'],
  [1264, 'lua/lib/layout.lua'],
  [1326, 'lua/lib/queue.lua'],
  [1439, 'lua/lib/claim.lua'],
  [1638, 'lua/functions/batch/claim_ready.lua'],
  [1709, 'lua/functions/batch/complete.lua'],
  [1762, 'lua/functions/batch/extend.lua'],
  [1818, 'lua/functions/batch/fail.lua'],
  [1911, 'lua/functions/batch/forward.lua'],
  [2053, 'lua/functions/batch/release.lua'],
  [2108, 'lua/lib/dedupe.lua'],
  [2218, 'lua/functions/conversation/add.lua'],
  [2468, 'lua/functions/conversation/peek.lua'],
  [2524, 'lua/functions/dead/dead.lua'],
  [2577, 'lua/functions/dead/drop.lua'],
  [2618, 'lua/functions/dead/requeue.lua'],
  [2694, 'lua/lib/laws.lua'],
  [2964, 'lua/lib/look.lua'],
  [3048, 'lua/lib/mend.lua'],
  [3114, 'lua/functions/health/check.lua'],
  [3160, 'lua/functions/health/repair.lua'],
  [3191, 'lua/functions/health/version.lua'],
  [3207, 'lua/functions/layout/layout.lua'],
  [3252, 'lua/functions/layout/partition.lua'],
  [3342, 'lua/functions/layout/repartition.lua'],
  [3451, 'lua/functions/queue/policy.lua'],
  [3578, 'lua/functions/queue/stats.lua'],
]
