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
  [1316, 'lua/lib/dedupe.lua'],
  [1458, 'lua/lib/layout.lua'],
  [1520, 'lua/lib/queue.lua'],
  [1633, 'lua/lib/claim.lua'],
  [1831, 'lua/functions/batch/claim_ready.lua'],
  [1903, 'lua/functions/batch/complete.lua'],
  [1959, 'lua/functions/batch/extend.lua'],
  [2015, 'lua/functions/batch/fail.lua'],
  [2108, 'lua/functions/batch/forward.lua'],
  [2250, 'lua/functions/batch/release.lua'],
  [2306, 'lua/functions/conversation/add.lua'],
  [2569, 'lua/functions/conversation/peek.lua'],
  [2625, 'lua/functions/dead/dead.lua'],
  [2678, 'lua/functions/dead/drop.lua'],
  [2719, 'lua/functions/dead/requeue.lua'],
  [2795, 'lua/lib/laws.lua'],
  [3072, 'lua/lib/look.lua'],
  [3155, 'lua/lib/mend.lua'],
  [3221, 'lua/functions/health/check.lua'],
  [3267, 'lua/functions/health/repair.lua'],
  [3298, 'lua/functions/health/version.lua'],
  [3314, 'lua/functions/layout/layout.lua'],
  [3359, 'lua/functions/layout/partition.lua'],
  [3449, 'lua/functions/layout/repartition.lua'],
  [3558, 'lua/functions/queue/policy.lua'],
  [3686, 'lua/functions/queue/stats.lua'],
]
