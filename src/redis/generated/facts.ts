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
  [266, 'lua/lib/texts.lua'],
  [297, 'lua/lib/keys.lua'],
  [346, 'lua/lib/message.lua'],
  [443, 'lua/lib/window.lua'],
  [645, 'lua/lib/claim_record.lua'],
  [738, 'lua/lib/clock.lua'],
  [745, 'lua/lib/watch.lua'],
  [853, 'lua/lib/figures.lua'],
  [959, 'lua/lib/dead.lua'],
  [1079, 'lua/lib/list.lua'],
  [1282, 'lua/lib/conversation.lua'],
  [1676, 'lua/lib/nonce.lua'],
  [1743, 'lua/lib/recover.lua'],
  [1886, 'lua/lib/dedupe.lua'],
  [2036, 'lua/lib/ends.lua'],
  [2076, 'lua/lib/layout.lua'],
  [2145, 'lua/lib/queue.lua'],
  [2266, 'lua/lib/stream.lua'],
  [2318, 'lua/lib/claim.lua'],
  [2624, 'lua/functions/batch/claim_ready.lua'],
  [2709, 'lua/functions/batch/complete.lua'],
  [2765, 'lua/functions/batch/extend.lua'],
  [2823, 'lua/functions/batch/fail.lua'],
  [2969, 'lua/functions/batch/forward.lua'],
  [3091, 'lua/functions/batch/release.lua'],
  [3165, 'lua/functions/conversation/add.lua'],
  [3480, 'lua/functions/conversation/erase.lua'],
  [3671, 'lua/functions/conversation/peek.lua'],
  [3741, 'lua/functions/dead/dead.lua'],
  [3794, 'lua/functions/dead/drop.lua'],
  [3835, 'lua/functions/dead/requeue.lua'],
  [3918, 'lua/lib/laws.lua'],
  [4199, 'lua/lib/look.lua'],
  [4285, 'lua/lib/mend.lua'],
  [4369, 'lua/functions/health/check.lua'],
  [4415, 'lua/functions/health/repair.lua'],
  [4450, 'lua/functions/health/rights.lua'],
  [4493, 'lua/functions/health/version.lua'],
  [4509, 'lua/functions/layout/layout.lua'],
  [4554, 'lua/functions/layout/partition.lua'],
  [4648, 'lua/functions/layout/repartition.lua'],
  [4761, 'lua/functions/queue/leave.lua'],
  [4795, 'lua/functions/queue/policy.lua'],
  [4927, 'lua/functions/queue/present.lua'],
  [5000, 'lua/functions/queue/stats.lua'],
]
