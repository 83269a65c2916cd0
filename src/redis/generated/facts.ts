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
  [2450, 'lua/lib/ends.lua'],
  [2474, 'lua/functions/batch/claim_ready.lua'],
  [2555, 'lua/functions/batch/complete.lua'],
  [2611, 'lua/functions/batch/extend.lua'],
  [2669, 'lua/functions/batch/fail.lua'],
  [2815, 'lua/functions/batch/forward.lua'],
  [2962, 'lua/functions/batch/release.lua'],
  [3036, 'lua/functions/conversation/add.lua'],
  [3338, 'lua/functions/conversation/peek.lua'],
  [3408, 'lua/functions/dead/dead.lua'],
  [3461, 'lua/functions/dead/drop.lua'],
  [3502, 'lua/functions/dead/requeue.lua'],
  [3585, 'lua/lib/laws.lua'],
  [3866, 'lua/lib/look.lua'],
  [3958, 'lua/lib/mend.lua'],
  [4042, 'lua/functions/health/check.lua'],
  [4088, 'lua/functions/health/repair.lua'],
  [4123, 'lua/functions/health/version.lua'],
  [4139, 'lua/functions/layout/layout.lua'],
  [4184, 'lua/functions/layout/partition.lua'],
  [4275, 'lua/functions/layout/repartition.lua'],
  [4385, 'lua/functions/queue/leave.lua'],
  [4419, 'lua/functions/queue/policy.lua'],
  [4548, 'lua/functions/queue/present.lua'],
  [4621, 'lua/functions/queue/stats.lua'],
]
