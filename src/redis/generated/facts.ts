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
  | 'stats'
  | 'version'

/** Functions that write nothing. */
export const READS: ReadonlySet<FunctionName> = new Set(['check', 'dead', 'layout', 'peek', 'stats', 'version'])

/** Where each Lua file begins in both builds: [first line, path], in order. */
export const LINES: readonly (readonly [number, string])[] = [
  [5, 'lua/lib/reply.lua'],
  [28, 'lua/lib/args.lua'],
  [93, 'lua/lib/limits.lua'],
  [230, 'lua/lib/texts.lua'],
  [261, 'lua/lib/keys.lua'],
  [310, 'lua/lib/message.lua'],
  [407, 'lua/lib/window.lua'],
  [609, 'lua/lib/claim_record.lua'],
  [702, 'lua/lib/clock.lua'],
  [718, 'lua/lib/dead.lua'],
  [818, 'lua/lib/watch.lua'],
  [925, 'lua/lib/figures.lua'],
  [1017, 'lua/lib/list.lua'],
  [1220, 'lua/lib/conversation.lua'],
  [1614, 'lua/lib/nonce.lua'],
  [1681, 'lua/lib/recover.lua'],
  [1824, 'lua/lib/dedupe.lua'],
  [1974, 'lua/lib/ends.lua'],
  [2014, 'lua/lib/layout.lua'],
  [2083, 'lua/lib/queue.lua'],
  [2193, 'lua/lib/stream.lua'],
  [2245, 'lua/lib/claim.lua'],
  [2541, 'lua/functions/batch/claim_ready.lua'],
  [2615, 'lua/functions/batch/complete.lua'],
  [2671, 'lua/functions/batch/extend.lua'],
  [2729, 'lua/functions/batch/fail.lua'],
  [2875, 'lua/functions/batch/forward.lua'],
  [2994, 'lua/functions/batch/release.lua'],
  [3068, 'lua/functions/conversation/add.lua'],
  [3370, 'lua/functions/conversation/erase.lua'],
  [3561, 'lua/functions/conversation/peek.lua'],
  [3631, 'lua/functions/dead/dead.lua'],
  [3684, 'lua/functions/dead/drop.lua'],
  [3725, 'lua/functions/dead/requeue.lua'],
  [3808, 'lua/lib/laws.lua'],
  [4089, 'lua/lib/look.lua'],
  [4181, 'lua/lib/mend.lua'],
  [4265, 'lua/functions/health/check.lua'],
  [4311, 'lua/functions/health/repair.lua'],
  [4346, 'lua/functions/health/version.lua'],
  [4362, 'lua/functions/layout/layout.lua'],
  [4407, 'lua/functions/layout/partition.lua'],
  [4498, 'lua/functions/layout/repartition.lua'],
  [4608, 'lua/functions/queue/leave.lua'],
  [4642, 'lua/functions/queue/policy.lua'],
  [4771, 'lua/functions/queue/present.lua'],
  [4844, 'lua/functions/queue/stats.lua'],
]
