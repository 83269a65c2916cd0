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
  [5, 'lua/lib/reply.lua'],
  [28, 'lua/lib/args.lua'],
  [89, 'lua/lib/limits.lua'],
  [180, 'lua/lib/keys.lua'],
  [220, 'lua/lib/texts.lua'],
  [250, 'lua/lib/message.lua'],
  [326, 'lua/lib/window.lua'],
  [404, 'lua/lib/claim_record.lua'],
  [485, 'lua/lib/clock.lua'],
  [492, 'lua/lib/dead.lua'],
  [556, 'lua/lib/watch.lua'],
  [603, 'lua/lib/figures.lua'],
  [682, 'lua/lib/list.lua'],
  [795, 'lua/lib/conversation.lua'],
  [1124, 'lua/lib/nonce.lua'],
  [1184, 'lua/lib/recover.lua'],
  [1316, 'lua/lib/layout.lua'],
  [1378, 'lua/lib/queue.lua'],
  [1491, 'lua/lib/claim.lua'],
  [1689, 'lua/functions/batch/claim_ready.lua'],
  [1760, 'lua/functions/batch/complete.lua'],
  [1816, 'lua/functions/batch/extend.lua'],
  [1872, 'lua/functions/batch/fail.lua'],
  [1965, 'lua/functions/batch/forward.lua'],
  [2107, 'lua/functions/batch/release.lua'],
  [2162, 'lua/lib/dedupe.lua'],
  [2263, 'lua/functions/conversation/add.lua'],
  [2526, 'lua/functions/conversation/peek.lua'],
  [2582, 'lua/functions/dead/dead.lua'],
  [2635, 'lua/functions/dead/drop.lua'],
  [2676, 'lua/functions/dead/requeue.lua'],
  [2752, 'lua/lib/laws.lua'],
  [3029, 'lua/lib/look.lua'],
  [3112, 'lua/lib/mend.lua'],
  [3178, 'lua/functions/health/check.lua'],
  [3224, 'lua/functions/health/repair.lua'],
  [3255, 'lua/functions/health/version.lua'],
  [3271, 'lua/functions/layout/layout.lua'],
  [3316, 'lua/functions/layout/partition.lua'],
  [3406, 'lua/functions/layout/repartition.lua'],
  [3515, 'lua/functions/queue/policy.lua'],
  [3642, 'lua/functions/queue/stats.lua'],
]
