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
  [236, 'lua/lib/texts.lua'],
  [267, 'lua/lib/keys.lua'],
  [316, 'lua/lib/message.lua'],
  [413, 'lua/lib/window.lua'],
  [615, 'lua/lib/claim_record.lua'],
  [708, 'lua/lib/clock.lua'],
  [725, 'lua/lib/dead.lua'],
  [832, 'lua/lib/watch.lua'],
  [939, 'lua/lib/figures.lua'],
  [1031, 'lua/lib/list.lua'],
  [1234, 'lua/lib/conversation.lua'],
  [1628, 'lua/lib/nonce.lua'],
  [1695, 'lua/lib/recover.lua'],
  [1838, 'lua/lib/dedupe.lua'],
  [1988, 'lua/lib/ends.lua'],
  [2028, 'lua/lib/layout.lua'],
  [2097, 'lua/lib/queue.lua'],
  [2211, 'lua/lib/stream.lua'],
  [2263, 'lua/lib/claim.lua'],
  [2569, 'lua/functions/batch/claim_ready.lua'],
  [2651, 'lua/functions/batch/complete.lua'],
  [2707, 'lua/functions/batch/extend.lua'],
  [2765, 'lua/functions/batch/fail.lua'],
  [2911, 'lua/functions/batch/forward.lua'],
  [3033, 'lua/functions/batch/release.lua'],
  [3107, 'lua/functions/conversation/add.lua'],
  [3422, 'lua/functions/conversation/erase.lua'],
  [3613, 'lua/functions/conversation/peek.lua'],
  [3683, 'lua/functions/dead/dead.lua'],
  [3736, 'lua/functions/dead/drop.lua'],
  [3777, 'lua/functions/dead/requeue.lua'],
  [3860, 'lua/lib/laws.lua'],
  [4141, 'lua/lib/look.lua'],
  [4233, 'lua/lib/mend.lua'],
  [4317, 'lua/functions/health/check.lua'],
  [4363, 'lua/functions/health/repair.lua'],
  [4398, 'lua/functions/health/version.lua'],
  [4414, 'lua/functions/layout/layout.lua'],
  [4459, 'lua/functions/layout/partition.lua'],
  [4553, 'lua/functions/layout/repartition.lua'],
  [4666, 'lua/functions/queue/leave.lua'],
  [4700, 'lua/functions/queue/policy.lua'],
  [4832, 'lua/functions/queue/present.lua'],
  [4905, 'lua/functions/queue/stats.lua'],
]
