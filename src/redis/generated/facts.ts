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
  [182, 'lua/lib/keys.lua'],
  [222, 'lua/lib/texts.lua'],
  [252, 'lua/lib/message.lua'],
  [328, 'lua/lib/window.lua'],
  [406, 'lua/lib/claim_record.lua'],
  [487, 'lua/lib/clock.lua'],
  [494, 'lua/lib/dead.lua'],
  [569, 'lua/lib/watch.lua'],
  [616, 'lua/lib/figures.lua'],
  [695, 'lua/lib/list.lua'],
  [808, 'lua/lib/conversation.lua'],
  [1137, 'lua/lib/nonce.lua'],
  [1197, 'lua/lib/recover.lua'],
  [1329, 'lua/lib/dedupe.lua'],
  [1471, 'lua/lib/layout.lua'],
  [1533, 'lua/lib/queue.lua'],
  [1646, 'lua/lib/claim.lua'],
  [1844, 'lua/functions/batch/claim_ready.lua'],
  [1916, 'lua/functions/batch/complete.lua'],
  [1972, 'lua/functions/batch/extend.lua'],
  [2028, 'lua/functions/batch/fail.lua'],
  [2121, 'lua/functions/batch/forward.lua'],
  [2263, 'lua/functions/batch/release.lua'],
  [2319, 'lua/functions/conversation/add.lua'],
  [2582, 'lua/functions/conversation/peek.lua'],
  [2638, 'lua/functions/dead/dead.lua'],
  [2691, 'lua/functions/dead/drop.lua'],
  [2732, 'lua/functions/dead/requeue.lua'],
  [2810, 'lua/lib/laws.lua'],
  [3087, 'lua/lib/look.lua'],
  [3170, 'lua/lib/mend.lua'],
  [3236, 'lua/functions/health/check.lua'],
  [3282, 'lua/functions/health/repair.lua'],
  [3313, 'lua/functions/health/version.lua'],
  [3329, 'lua/functions/layout/layout.lua'],
  [3374, 'lua/functions/layout/partition.lua'],
  [3464, 'lua/functions/layout/repartition.lua'],
  [3573, 'lua/functions/queue/policy.lua'],
  [3701, 'lua/functions/queue/stats.lua'],
]
