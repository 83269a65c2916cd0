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
  [709, 'lua/lib/claim_record.lua'],
  [810, 'lua/lib/clock.lua'],
  [830, 'lua/lib/queue.lua'],
  [1032, 'lua/lib/watch.lua'],
  [1177, 'lua/lib/figures.lua'],
  [1287, 'lua/lib/list.lua'],
  [1488, 'lua/lib/dead.lua'],
  [1622, 'lua/lib/conversation.lua'],
  [2044, 'lua/lib/dedupe.lua'],
  [2183, 'lua/lib/layout.lua'],
  [2256, 'lua/lib/nonce.lua'],
  [2323, 'lua/lib/recover.lua'],
  [2460, 'lua/lib/ends.lua'],
  [2504, 'lua/lib/stream.lua'],
  [2559, 'lua/lib/claim.lua'],
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
  [5134, 'lua/functions/queue/policy.lua'],
  [5262, 'lua/functions/queue/present.lua'],
  [5335, 'lua/functions/queue/stats.lua'],
]
