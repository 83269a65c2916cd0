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
  [1002, 'lua/lib/list.lua'],
  [1203, 'lua/lib/dead.lua'],
  [1335, 'lua/lib/conversation.lua'],
  [1731, 'lua/lib/nonce.lua'],
  [1798, 'lua/lib/recover.lua'],
  [1943, 'lua/lib/dedupe.lua'],
  [2093, 'lua/lib/ends.lua'],
  [2133, 'lua/lib/layout.lua'],
  [2202, 'lua/lib/queue.lua'],
  [2323, 'lua/lib/stream.lua'],
  [2375, 'lua/lib/claim.lua'],
  [2681, 'lua/functions/batch/claim_ready.lua'],
  [2767, 'lua/functions/batch/complete.lua'],
  [2823, 'lua/functions/batch/extend.lua'],
  [2881, 'lua/functions/batch/fail.lua'],
  [3027, 'lua/functions/batch/forward.lua'],
  [3149, 'lua/functions/batch/release.lua'],
  [3223, 'lua/functions/conversation/add.lua'],
  [3538, 'lua/functions/conversation/erase.lua'],
  [3729, 'lua/functions/conversation/peek.lua'],
  [3800, 'lua/functions/dead/dead.lua'],
  [3853, 'lua/functions/dead/drop.lua'],
  [3894, 'lua/functions/dead/requeue.lua'],
  [3977, 'lua/lib/laws.lua'],
  [4260, 'lua/lib/look.lua'],
  [4346, 'lua/lib/mend.lua'],
  [4430, 'lua/functions/health/check.lua'],
  [4476, 'lua/functions/health/repair.lua'],
  [4511, 'lua/functions/health/rights.lua'],
  [4559, 'lua/functions/health/version.lua'],
  [4575, 'lua/functions/layout/layout.lua'],
  [4620, 'lua/functions/layout/partition.lua'],
  [4714, 'lua/functions/layout/repartition.lua'],
  [4827, 'lua/functions/queue/leave.lua'],
  [4861, 'lua/functions/queue/policy.lua'],
  [4993, 'lua/functions/queue/present.lua'],
  [5066, 'lua/functions/queue/stats.lua'],
]
