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
  [183, 'lua/lib/texts.lua'],
  [213, 'lua/lib/keys.lua'],
  [253, 'lua/lib/message.lua'],
  [329, 'lua/lib/window.lua'],
  [412, 'lua/lib/claim_record.lua'],
  [495, 'lua/lib/clock.lua'],
  [502, 'lua/lib/dead.lua'],
  [566, 'lua/lib/watch.lua'],
  [613, 'lua/lib/figures.lua'],
  [694, 'lua/lib/list.lua'],
  [807, 'lua/lib/conversation.lua'],
  [1154, 'lua/lib/nonce.lua'],
  [1214, 'lua/lib/recover.lua'],
  [1346, 'lua/lib/layout.lua'],
  [1408, 'lua/lib/queue.lua'],
  [1521, 'lua/lib/claim.lua'],
  [1788, 'lua/functions/batch/claim_ready.lua'],
  [1860, 'lua/functions/batch/complete.lua'],
  [1916, 'lua/functions/batch/extend.lua'],
  [1972, 'lua/functions/batch/fail.lua'],
  [2065, 'lua/functions/batch/forward.lua'],
  [2207, 'lua/functions/batch/release.lua'],
  [2262, 'lua/lib/dedupe.lua'],
  [2363, 'lua/functions/conversation/add.lua'],
  [2626, 'lua/functions/conversation/peek.lua'],
  [2682, 'lua/functions/dead/dead.lua'],
  [2735, 'lua/functions/dead/drop.lua'],
  [2776, 'lua/functions/dead/requeue.lua'],
  [2852, 'lua/lib/laws.lua'],
  [3129, 'lua/lib/look.lua'],
  [3212, 'lua/lib/mend.lua'],
  [3278, 'lua/functions/health/check.lua'],
  [3324, 'lua/functions/health/repair.lua'],
  [3355, 'lua/functions/health/version.lua'],
  [3371, 'lua/functions/layout/layout.lua'],
  [3416, 'lua/functions/layout/partition.lua'],
  [3506, 'lua/functions/layout/repartition.lua'],
  [3615, 'lua/functions/queue/policy.lua'],
  [3742, 'lua/functions/queue/stats.lua'],
]
