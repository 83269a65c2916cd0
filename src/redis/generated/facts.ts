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
  | 'erase'
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
  | 'rights'
  | 'stats'
  | 'version'

/** Functions that write nothing. */
export const READS: ReadonlySet<FunctionName> = new Set(['check', 'dead', 'layout', 'peek', 'rights', 'stats', 'version'])

/** Where each Lua file begins in both builds: [first line, path], in order. */
export const LINES: readonly (readonly [number, string])[] = [
  [11, 'lua/lib/reply.lua'],
  [48, 'lua/lib/args.lua'],
  [120, 'lua/lib/limits.lua'],
  [271, 'lua/lib/texts.lua'],
  [302, 'lua/lib/keys.lua'],
  [351, 'lua/lib/message.lua'],
  [448, 'lua/lib/window.lua'],
  [650, 'lua/lib/claim_record.lua'],
  [743, 'lua/lib/clock.lua'],
  [760, 'lua/lib/watch.lua'],
  [882, 'lua/lib/figures.lua'],
  [988, 'lua/lib/dead.lua'],
  [1108, 'lua/lib/list.lua'],
  [1311, 'lua/lib/conversation.lua'],
  [1705, 'lua/lib/nonce.lua'],
  [1772, 'lua/lib/recover.lua'],
  [1915, 'lua/lib/dedupe.lua'],
  [2065, 'lua/lib/ends.lua'],
  [2105, 'lua/lib/layout.lua'],
  [2174, 'lua/lib/queue.lua'],
  [2295, 'lua/lib/stream.lua'],
  [2347, 'lua/lib/claim.lua'],
  [2653, 'lua/functions/batch/claim_ready.lua'],
  [2739, 'lua/functions/batch/complete.lua'],
  [2795, 'lua/functions/batch/extend.lua'],
  [2853, 'lua/functions/batch/fail.lua'],
  [2999, 'lua/functions/batch/forward.lua'],
  [3121, 'lua/functions/batch/release.lua'],
  [3195, 'lua/functions/conversation/add.lua'],
  [3510, 'lua/functions/conversation/erase.lua'],
  [3703, 'lua/functions/conversation/peek.lua'],
  [3773, 'lua/functions/dead/dead.lua'],
  [3826, 'lua/functions/dead/drop.lua'],
  [3867, 'lua/functions/dead/requeue.lua'],
  [3950, 'lua/lib/laws.lua'],
  [4231, 'lua/lib/look.lua'],
  [4317, 'lua/lib/mend.lua'],
  [4401, 'lua/functions/health/check.lua'],
  [4447, 'lua/functions/health/repair.lua'],
  [4482, 'lua/functions/health/rights.lua'],
  [4525, 'lua/functions/health/version.lua'],
  [4541, 'lua/functions/layout/layout.lua'],
  [4586, 'lua/functions/layout/partition.lua'],
  [4680, 'lua/functions/layout/repartition.lua'],
  [4793, 'lua/functions/queue/leave.lua'],
  [4827, 'lua/functions/queue/policy.lua'],
  [4959, 'lua/functions/queue/present.lua'],
  [5032, 'lua/functions/queue/stats.lua'],
]
