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
  [10, 'lua/lib/texts.lua'],
  [50, 'lua/lib/reply.lua'],
  [87, 'lua/lib/args.lua'],
  [159, 'lua/lib/limits.lua'],
  [308, 'lua/lib/keys.lua'],
  [357, 'lua/lib/message.lua'],
  [454, 'lua/lib/window.lua'],
  [656, 'lua/lib/claim_record.lua'],
  [757, 'lua/lib/clock.lua'],
  [774, 'lua/lib/watch.lua'],
  [896, 'lua/lib/figures.lua'],
  [1002, 'lua/lib/dead.lua'],
  [1122, 'lua/lib/list.lua'],
  [1325, 'lua/lib/conversation.lua'],
  [1720, 'lua/lib/nonce.lua'],
  [1787, 'lua/lib/recover.lua'],
  [1930, 'lua/lib/dedupe.lua'],
  [2080, 'lua/lib/ends.lua'],
  [2120, 'lua/lib/layout.lua'],
  [2189, 'lua/lib/queue.lua'],
  [2310, 'lua/lib/stream.lua'],
  [2362, 'lua/lib/claim.lua'],
  [2668, 'lua/functions/batch/claim_ready.lua'],
  [2754, 'lua/functions/batch/complete.lua'],
  [2810, 'lua/functions/batch/extend.lua'],
  [2868, 'lua/functions/batch/fail.lua'],
  [3014, 'lua/functions/batch/forward.lua'],
  [3136, 'lua/functions/batch/release.lua'],
  [3210, 'lua/functions/conversation/add.lua'],
  [3525, 'lua/functions/conversation/erase.lua'],
  [3716, 'lua/functions/conversation/peek.lua'],
  [3787, 'lua/functions/dead/dead.lua'],
  [3840, 'lua/functions/dead/drop.lua'],
  [3881, 'lua/functions/dead/requeue.lua'],
  [3964, 'lua/lib/laws.lua'],
  [4247, 'lua/lib/look.lua'],
  [4333, 'lua/lib/mend.lua'],
  [4417, 'lua/functions/health/check.lua'],
  [4463, 'lua/functions/health/repair.lua'],
  [4498, 'lua/functions/health/rights.lua'],
  [4546, 'lua/functions/health/version.lua'],
  [4562, 'lua/functions/layout/layout.lua'],
  [4607, 'lua/functions/layout/partition.lua'],
  [4701, 'lua/functions/layout/repartition.lua'],
  [4814, 'lua/functions/queue/leave.lua'],
  [4848, 'lua/functions/queue/policy.lua'],
  [4980, 'lua/functions/queue/present.lua'],
  [5053, 'lua/functions/queue/stats.lua'],
]
