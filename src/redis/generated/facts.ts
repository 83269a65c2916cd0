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
  [306, 'lua/lib/keys.lua'],
  [355, 'lua/lib/message.lua'],
  [452, 'lua/lib/window.lua'],
  [654, 'lua/lib/claim_record.lua'],
  [747, 'lua/lib/clock.lua'],
  [764, 'lua/lib/watch.lua'],
  [886, 'lua/lib/figures.lua'],
  [992, 'lua/lib/dead.lua'],
  [1112, 'lua/lib/list.lua'],
  [1315, 'lua/lib/conversation.lua'],
  [1709, 'lua/lib/nonce.lua'],
  [1776, 'lua/lib/recover.lua'],
  [1919, 'lua/lib/dedupe.lua'],
  [2069, 'lua/lib/ends.lua'],
  [2109, 'lua/lib/layout.lua'],
  [2178, 'lua/lib/queue.lua'],
  [2299, 'lua/lib/stream.lua'],
  [2351, 'lua/lib/claim.lua'],
  [2657, 'lua/functions/batch/claim_ready.lua'],
  [2743, 'lua/functions/batch/complete.lua'],
  [2799, 'lua/functions/batch/extend.lua'],
  [2857, 'lua/functions/batch/fail.lua'],
  [3003, 'lua/functions/batch/forward.lua'],
  [3125, 'lua/functions/batch/release.lua'],
  [3199, 'lua/functions/conversation/add.lua'],
  [3514, 'lua/functions/conversation/erase.lua'],
  [3705, 'lua/functions/conversation/peek.lua'],
  [3775, 'lua/functions/dead/dead.lua'],
  [3828, 'lua/functions/dead/drop.lua'],
  [3869, 'lua/functions/dead/requeue.lua'],
  [3952, 'lua/lib/laws.lua'],
  [4235, 'lua/lib/look.lua'],
  [4321, 'lua/lib/mend.lua'],
  [4405, 'lua/functions/health/check.lua'],
  [4451, 'lua/functions/health/repair.lua'],
  [4486, 'lua/functions/health/rights.lua'],
  [4529, 'lua/functions/health/version.lua'],
  [4545, 'lua/functions/layout/layout.lua'],
  [4590, 'lua/functions/layout/partition.lua'],
  [4684, 'lua/functions/layout/repartition.lua'],
  [4797, 'lua/functions/queue/leave.lua'],
  [4831, 'lua/functions/queue/policy.lua'],
  [4963, 'lua/functions/queue/present.lua'],
  [5036, 'lua/functions/queue/stats.lua'],
]
