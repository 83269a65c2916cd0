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
  | 'leave'
  | 'partition'
  | 'peek'
  | 'policy'
  | 'present'
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
  [185, 'lua/lib/keys.lua'],
  [230, 'lua/lib/texts.lua'],
  [260, 'lua/lib/message.lua'],
  [336, 'lua/lib/window.lua'],
  [414, 'lua/lib/claim_record.lua'],
  [495, 'lua/lib/clock.lua'],
  [502, 'lua/lib/dead.lua'],
  [566, 'lua/lib/watch.lua'],
  [701, 'lua/lib/figures.lua'],
  [780, 'lua/lib/list.lua'],
  [893, 'lua/lib/conversation.lua'],
  [1222, 'lua/lib/nonce.lua'],
  [1282, 'lua/lib/recover.lua'],
  [1415, 'lua/lib/layout.lua'],
  [1477, 'lua/lib/queue.lua'],
  [1589, 'lua/lib/claim.lua'],
  [1781, 'lua/functions/batch/claim_ready.lua'],
  [1852, 'lua/functions/batch/complete.lua'],
  [1908, 'lua/functions/batch/extend.lua'],
  [1964, 'lua/functions/batch/fail.lua'],
  [2057, 'lua/functions/batch/forward.lua'],
  [2199, 'lua/functions/batch/release.lua'],
  [2254, 'lua/lib/dedupe.lua'],
  [2355, 'lua/functions/conversation/add.lua'],
  [2618, 'lua/functions/conversation/peek.lua'],
  [2674, 'lua/functions/dead/dead.lua'],
  [2727, 'lua/functions/dead/drop.lua'],
  [2768, 'lua/functions/dead/requeue.lua'],
  [2844, 'lua/lib/laws.lua'],
  [3121, 'lua/lib/look.lua'],
  [3204, 'lua/lib/mend.lua'],
  [3271, 'lua/functions/health/check.lua'],
  [3317, 'lua/functions/health/repair.lua'],
  [3348, 'lua/functions/health/version.lua'],
  [3364, 'lua/functions/layout/layout.lua'],
  [3409, 'lua/functions/layout/partition.lua'],
  [3499, 'lua/functions/layout/repartition.lua'],
  [3608, 'lua/functions/queue/leave.lua'],
  [3642, 'lua/functions/queue/policy.lua'],
  [3769, 'lua/functions/queue/present.lua'],
  [3810, 'lua/functions/queue/stats.lua'],
]
