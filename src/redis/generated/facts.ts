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
  [201, 'lua/lib/texts.lua'],
  [232, 'lua/lib/keys.lua'],
  [277, 'lua/lib/message.lua'],
  [361, 'lua/lib/window.lua'],
  [445, 'lua/lib/claim_record.lua'],
  [528, 'lua/lib/clock.lua'],
  [542, 'lua/lib/dead.lua'],
  [618, 'lua/lib/watch.lua'],
  [717, 'lua/lib/figures.lua'],
  [808, 'lua/lib/list.lua'],
  [940, 'lua/lib/conversation.lua'],
  [1319, 'lua/lib/nonce.lua'],
  [1386, 'lua/lib/recover.lua'],
  [1528, 'lua/lib/dedupe.lua'],
  [1672, 'lua/lib/layout.lua'],
  [1741, 'lua/lib/queue.lua'],
  [1859, 'lua/lib/claim.lua'],
  [2121, 'lua/functions/batch/claim_ready.lua'],
  [2194, 'lua/functions/batch/complete.lua'],
  [2250, 'lua/functions/batch/extend.lua'],
  [2308, 'lua/functions/batch/fail.lua'],
  [2401, 'lua/functions/batch/forward.lua'],
  [2548, 'lua/functions/batch/release.lua'],
  [2604, 'lua/functions/conversation/add.lua'],
  [2867, 'lua/functions/conversation/peek.lua'],
  [2923, 'lua/functions/dead/dead.lua'],
  [2976, 'lua/functions/dead/drop.lua'],
  [3017, 'lua/functions/dead/requeue.lua'],
  [3099, 'lua/lib/laws.lua'],
  [3380, 'lua/lib/look.lua'],
  [3468, 'lua/lib/mend.lua'],
  [3536, 'lua/functions/health/check.lua'],
  [3582, 'lua/functions/health/repair.lua'],
  [3613, 'lua/functions/health/version.lua'],
  [3629, 'lua/functions/layout/layout.lua'],
  [3674, 'lua/functions/layout/partition.lua'],
  [3764, 'lua/functions/layout/repartition.lua'],
  [3873, 'lua/functions/queue/leave.lua'],
  [3910, 'lua/functions/queue/policy.lua'],
  [4038, 'lua/functions/queue/present.lua'],
  [4115, 'lua/functions/queue/stats.lua'],
]
