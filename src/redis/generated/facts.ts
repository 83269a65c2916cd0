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
  [1024, 'lua/lib/watch.lua'],
  [1179, 'lua/lib/figures.lua'],
  [1289, 'lua/lib/list.lua'],
  [1490, 'lua/lib/dead.lua'],
  [1624, 'lua/lib/conversation.lua'],
  [2046, 'lua/lib/dedupe.lua'],
  [2185, 'lua/lib/layout.lua'],
  [2258, 'lua/lib/nonce.lua'],
  [2325, 'lua/lib/recover.lua'],
  [2462, 'lua/lib/ends.lua'],
  [2506, 'lua/lib/stream.lua'],
  [2561, 'lua/lib/claim.lua'],
  [2895, 'lua/functions/batch/claim_ready.lua'],
  [2981, 'lua/functions/batch/complete.lua'],
  [3037, 'lua/functions/batch/extend.lua'],
  [3095, 'lua/functions/batch/fail.lua'],
  [3241, 'lua/functions/batch/forward.lua'],
  [3361, 'lua/functions/batch/release.lua'],
  [3435, 'lua/functions/conversation/add.lua'],
  [3803, 'lua/functions/conversation/erase.lua'],
  [3994, 'lua/functions/conversation/peek.lua'],
  [4066, 'lua/functions/dead/dead.lua'],
  [4119, 'lua/functions/dead/drop.lua'],
  [4160, 'lua/functions/dead/requeue.lua'],
  [4243, 'lua/lib/laws.lua'],
  [4526, 'lua/lib/look.lua'],
  [4612, 'lua/lib/mend.lua'],
  [4696, 'lua/functions/health/check.lua'],
  [4742, 'lua/functions/health/repair.lua'],
  [4777, 'lua/functions/health/rights.lua'],
  [4825, 'lua/functions/health/version.lua'],
  [4841, 'lua/functions/layout/layout.lua'],
  [4886, 'lua/functions/layout/partition.lua'],
  [4981, 'lua/functions/layout/repartition.lua'],
  [5098, 'lua/functions/queue/leave.lua'],
  [5135, 'lua/functions/queue/policy.lua'],
  [5263, 'lua/functions/queue/present.lua'],
  [5337, 'lua/functions/queue/stats.lua'],
]
