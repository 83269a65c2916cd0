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
  [93, 'lua/lib/limits.lua'],
  [221, 'lua/lib/texts.lua'],
  [252, 'lua/lib/keys.lua'],
  [297, 'lua/lib/message.lua'],
  [388, 'lua/lib/window.lua'],
  [588, 'lua/lib/claim_record.lua'],
  [671, 'lua/lib/clock.lua'],
  [685, 'lua/lib/dead.lua'],
  [776, 'lua/lib/watch.lua'],
  [883, 'lua/lib/figures.lua'],
  [974, 'lua/lib/list.lua'],
  [1171, 'lua/lib/conversation.lua'],
  [1557, 'lua/lib/nonce.lua'],
  [1624, 'lua/lib/recover.lua'],
  [1767, 'lua/lib/dedupe.lua'],
  [1911, 'lua/lib/layout.lua'],
  [1980, 'lua/lib/queue.lua'],
  [2092, 'lua/lib/claim.lua'],
  [2388, 'lua/functions/batch/claim_ready.lua'],
  [2462, 'lua/functions/batch/complete.lua'],
  [2518, 'lua/functions/batch/extend.lua'],
  [2576, 'lua/functions/batch/fail.lua'],
  [2669, 'lua/functions/batch/forward.lua'],
  [2816, 'lua/functions/batch/release.lua'],
  [2872, 'lua/functions/conversation/add.lua'],
  [3174, 'lua/functions/conversation/peek.lua'],
  [3244, 'lua/functions/dead/dead.lua'],
  [3297, 'lua/functions/dead/drop.lua'],
  [3338, 'lua/functions/dead/requeue.lua'],
  [3421, 'lua/lib/laws.lua'],
  [3702, 'lua/lib/look.lua'],
  [3794, 'lua/lib/mend.lua'],
  [3875, 'lua/functions/health/check.lua'],
  [3921, 'lua/functions/health/repair.lua'],
  [3956, 'lua/functions/health/version.lua'],
  [3972, 'lua/functions/layout/layout.lua'],
  [4017, 'lua/functions/layout/partition.lua'],
  [4108, 'lua/functions/layout/repartition.lua'],
  [4218, 'lua/functions/queue/leave.lua'],
  [4252, 'lua/functions/queue/policy.lua'],
  [4381, 'lua/functions/queue/present.lua'],
  [4454, 'lua/functions/queue/stats.lua'],
]
