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
  [596, 'lua/lib/claim_record.lua'],
  [689, 'lua/lib/clock.lua'],
  [703, 'lua/lib/dead.lua'],
  [796, 'lua/lib/watch.lua'],
  [903, 'lua/lib/figures.lua'],
  [994, 'lua/lib/list.lua'],
  [1193, 'lua/lib/conversation.lua'],
  [1590, 'lua/lib/nonce.lua'],
  [1657, 'lua/lib/recover.lua'],
  [1800, 'lua/lib/dedupe.lua'],
  [1950, 'lua/lib/layout.lua'],
  [2019, 'lua/lib/queue.lua'],
  [2131, 'lua/lib/claim.lua'],
  [2426, 'lua/lib/ends.lua'],
  [2450, 'lua/functions/batch/claim_ready.lua'],
  [2524, 'lua/functions/batch/complete.lua'],
  [2580, 'lua/functions/batch/extend.lua'],
  [2638, 'lua/functions/batch/fail.lua'],
  [2784, 'lua/functions/batch/forward.lua'],
  [2931, 'lua/functions/batch/release.lua'],
  [3005, 'lua/functions/conversation/add.lua'],
  [3307, 'lua/functions/conversation/peek.lua'],
  [3377, 'lua/functions/dead/dead.lua'],
  [3430, 'lua/functions/dead/drop.lua'],
  [3471, 'lua/functions/dead/requeue.lua'],
  [3554, 'lua/lib/laws.lua'],
  [3835, 'lua/lib/look.lua'],
  [3927, 'lua/lib/mend.lua'],
  [4008, 'lua/functions/health/check.lua'],
  [4054, 'lua/functions/health/repair.lua'],
  [4089, 'lua/functions/health/version.lua'],
  [4105, 'lua/functions/layout/layout.lua'],
  [4150, 'lua/functions/layout/partition.lua'],
  [4241, 'lua/functions/layout/repartition.lua'],
  [4351, 'lua/functions/queue/leave.lua'],
  [4385, 'lua/functions/queue/policy.lua'],
  [4514, 'lua/functions/queue/present.lua'],
  [4587, 'lua/functions/queue/stats.lua'],
]
