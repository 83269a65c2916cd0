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
  [12, 'lua/lib/texts.lua'],
  [71, 'lua/lib/reply.lua'],
  [108, 'lua/lib/args.lua'],
  [180, 'lua/lib/limits.lua'],
  [347, 'lua/lib/keys.lua'],
  [407, 'lua/lib/message.lua'],
  [504, 'lua/lib/window.lua'],
  [708, 'lua/lib/claim_record.lua'],
  [809, 'lua/lib/clock.lua'],
  [829, 'lua/lib/queue.lua'],
  [1023, 'lua/lib/watch.lua'],
  [1178, 'lua/lib/figures.lua'],
  [1288, 'lua/lib/list.lua'],
  [1489, 'lua/lib/dead.lua'],
  [1623, 'lua/lib/conversation.lua'],
  [2045, 'lua/lib/dedupe.lua'],
  [2184, 'lua/lib/layout.lua'],
  [2257, 'lua/lib/nonce.lua'],
  [2324, 'lua/lib/recover.lua'],
  [2461, 'lua/lib/ends.lua'],
  [2505, 'lua/lib/stream.lua'],
  [2560, 'lua/lib/claim.lua'],
  [2893, 'lua/functions/batch/claim_ready.lua'],
  [2980, 'lua/functions/batch/complete.lua'],
  [3036, 'lua/functions/batch/extend.lua'],
  [3094, 'lua/functions/batch/fail.lua'],
  [3240, 'lua/functions/batch/forward.lua'],
  [3360, 'lua/functions/batch/release.lua'],
  [3434, 'lua/functions/conversation/add.lua'],
  [3805, 'lua/functions/conversation/erase.lua'],
  [3996, 'lua/functions/conversation/peek.lua'],
  [4068, 'lua/functions/dead/dead.lua'],
  [4121, 'lua/functions/dead/drop.lua'],
  [4162, 'lua/functions/dead/requeue.lua'],
  [4245, 'lua/lib/laws.lua'],
  [4528, 'lua/lib/look.lua'],
  [4614, 'lua/lib/mend.lua'],
  [4698, 'lua/functions/health/check.lua'],
  [4744, 'lua/functions/health/repair.lua'],
  [4779, 'lua/functions/health/rights.lua'],
  [4827, 'lua/functions/health/version.lua'],
  [4843, 'lua/functions/layout/layout.lua'],
  [4888, 'lua/functions/layout/partition.lua'],
  [4983, 'lua/functions/layout/repartition.lua'],
  [5100, 'lua/functions/queue/leave.lua'],
  [5137, 'lua/functions/queue/policy.lua'],
  [5265, 'lua/functions/queue/present.lua'],
  [5339, 'lua/functions/queue/stats.lua'],
]
