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
  [228, 'lua/lib/texts.lua'],
  [259, 'lua/lib/keys.lua'],
  [304, 'lua/lib/message.lua'],
  [401, 'lua/lib/window.lua'],
  [603, 'lua/lib/claim_record.lua'],
  [696, 'lua/lib/clock.lua'],
  [712, 'lua/lib/dead.lua'],
  [809, 'lua/lib/watch.lua'],
  [916, 'lua/lib/figures.lua'],
  [1007, 'lua/lib/list.lua'],
  [1208, 'lua/lib/conversation.lua'],
  [1605, 'lua/lib/nonce.lua'],
  [1672, 'lua/lib/recover.lua'],
  [1815, 'lua/lib/dedupe.lua'],
  [1965, 'lua/lib/layout.lua'],
  [2034, 'lua/lib/queue.lua'],
  [2146, 'lua/lib/claim.lua'],
  [2451, 'lua/lib/ends.lua'],
  [2475, 'lua/functions/batch/claim_ready.lua'],
  [2559, 'lua/functions/batch/complete.lua'],
  [2615, 'lua/functions/batch/extend.lua'],
  [2673, 'lua/functions/batch/fail.lua'],
  [2819, 'lua/functions/batch/forward.lua'],
  [2966, 'lua/functions/batch/release.lua'],
  [3040, 'lua/functions/conversation/add.lua'],
  [3342, 'lua/functions/conversation/peek.lua'],
  [3412, 'lua/functions/dead/dead.lua'],
  [3465, 'lua/functions/dead/drop.lua'],
  [3506, 'lua/functions/dead/requeue.lua'],
  [3589, 'lua/lib/laws.lua'],
  [3870, 'lua/lib/look.lua'],
  [3962, 'lua/lib/mend.lua'],
  [4046, 'lua/functions/health/check.lua'],
  [4092, 'lua/functions/health/repair.lua'],
  [4127, 'lua/functions/health/version.lua'],
  [4143, 'lua/functions/layout/layout.lua'],
  [4188, 'lua/functions/layout/partition.lua'],
  [4279, 'lua/functions/layout/repartition.lua'],
  [4389, 'lua/functions/queue/leave.lua'],
  [4423, 'lua/functions/queue/policy.lua'],
  [4552, 'lua/functions/queue/present.lua'],
  [4625, 'lua/functions/queue/stats.lua'],
]
