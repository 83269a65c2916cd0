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
  [227, 'lua/lib/texts.lua'],
  [258, 'lua/lib/keys.lua'],
  [303, 'lua/lib/message.lua'],
  [400, 'lua/lib/window.lua'],
  [602, 'lua/lib/claim_record.lua'],
  [695, 'lua/lib/clock.lua'],
  [711, 'lua/lib/dead.lua'],
  [808, 'lua/lib/watch.lua'],
  [915, 'lua/lib/figures.lua'],
  [1006, 'lua/lib/list.lua'],
  [1207, 'lua/lib/conversation.lua'],
  [1604, 'lua/lib/nonce.lua'],
  [1671, 'lua/lib/recover.lua'],
  [1814, 'lua/lib/dedupe.lua'],
  [1964, 'lua/lib/layout.lua'],
  [2033, 'lua/lib/queue.lua'],
  [2145, 'lua/lib/claim.lua'],
  [2440, 'lua/lib/ends.lua'],
  [2464, 'lua/functions/batch/claim_ready.lua'],
  [2538, 'lua/functions/batch/complete.lua'],
  [2594, 'lua/functions/batch/extend.lua'],
  [2652, 'lua/functions/batch/fail.lua'],
  [2798, 'lua/functions/batch/forward.lua'],
  [2945, 'lua/functions/batch/release.lua'],
  [3019, 'lua/functions/conversation/add.lua'],
  [3321, 'lua/functions/conversation/peek.lua'],
  [3391, 'lua/functions/dead/dead.lua'],
  [3444, 'lua/functions/dead/drop.lua'],
  [3485, 'lua/functions/dead/requeue.lua'],
  [3568, 'lua/lib/laws.lua'],
  [3849, 'lua/lib/look.lua'],
  [3941, 'lua/lib/mend.lua'],
  [4025, 'lua/functions/health/check.lua'],
  [4071, 'lua/functions/health/repair.lua'],
  [4106, 'lua/functions/health/version.lua'],
  [4122, 'lua/functions/layout/layout.lua'],
  [4167, 'lua/functions/layout/partition.lua'],
  [4258, 'lua/functions/layout/repartition.lua'],
  [4368, 'lua/functions/queue/leave.lua'],
  [4402, 'lua/functions/queue/policy.lua'],
  [4531, 'lua/functions/queue/present.lua'],
  [4604, 'lua/functions/queue/stats.lua'],
]
