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
  [11, 'lua/lib/texts.lua'],
  [67, 'lua/lib/reply.lua'],
  [104, 'lua/lib/args.lua'],
  [176, 'lua/lib/limits.lua'],
  [343, 'lua/lib/keys.lua'],
  [408, 'lua/lib/message.lua'],
  [505, 'lua/lib/window.lua'],
  [708, 'lua/lib/claim_record.lua'],
  [809, 'lua/lib/clock.lua'],
  [829, 'lua/lib/queue.lua'],
  [1013, 'lua/lib/watch.lua'],
  [1158, 'lua/lib/figures.lua'],
  [1264, 'lua/lib/list.lua'],
  [1465, 'lua/lib/dead.lua'],
  [1599, 'lua/lib/conversation.lua'],
  [2021, 'lua/lib/dedupe.lua'],
  [2160, 'lua/lib/layout.lua'],
  [2230, 'lua/lib/nonce.lua'],
  [2297, 'lua/lib/recover.lua'],
  [2434, 'lua/lib/ends.lua'],
  [2478, 'lua/lib/stream.lua'],
  [2533, 'lua/lib/claim.lua'],
  [2867, 'lua/functions/batch/claim_ready.lua'],
  [2954, 'lua/functions/batch/complete.lua'],
  [3010, 'lua/functions/batch/extend.lua'],
  [3068, 'lua/functions/batch/fail.lua'],
  [3214, 'lua/functions/batch/forward.lua'],
  [3334, 'lua/functions/batch/release.lua'],
  [3408, 'lua/functions/conversation/add.lua'],
  [3779, 'lua/functions/conversation/erase.lua'],
  [3970, 'lua/functions/conversation/peek.lua'],
  [4042, 'lua/functions/dead/dead.lua'],
  [4095, 'lua/functions/dead/drop.lua'],
  [4136, 'lua/functions/dead/requeue.lua'],
  [4219, 'lua/lib/laws.lua'],
  [4502, 'lua/lib/look.lua'],
  [4588, 'lua/lib/mend.lua'],
  [4672, 'lua/functions/health/check.lua'],
  [4718, 'lua/functions/health/repair.lua'],
  [4753, 'lua/functions/health/rights.lua'],
  [4801, 'lua/functions/health/version.lua'],
  [4817, 'lua/functions/layout/layout.lua'],
  [4862, 'lua/functions/layout/partition.lua'],
  [4957, 'lua/functions/layout/repartition.lua'],
  [5074, 'lua/functions/queue/leave.lua'],
  [5108, 'lua/functions/queue/policy.lua'],
  [5236, 'lua/functions/queue/present.lua'],
  [5309, 'lua/functions/queue/stats.lua'],
]
