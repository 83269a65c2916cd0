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
  [204, 'lua/lib/texts.lua'],
  [235, 'lua/lib/keys.lua'],
  [280, 'lua/lib/message.lua'],
  [367, 'lua/lib/window.lua'],
  [539, 'lua/lib/claim_record.lua'],
  [622, 'lua/lib/clock.lua'],
  [636, 'lua/lib/dead.lua'],
  [712, 'lua/lib/watch.lua'],
  [819, 'lua/lib/figures.lua'],
  [910, 'lua/lib/list.lua'],
  [1042, 'lua/lib/conversation.lua'],
  [1426, 'lua/lib/nonce.lua'],
  [1493, 'lua/lib/recover.lua'],
  [1635, 'lua/lib/dedupe.lua'],
  [1779, 'lua/lib/layout.lua'],
  [1848, 'lua/lib/queue.lua'],
  [1960, 'lua/lib/claim.lua'],
  [2216, 'lua/functions/batch/claim_ready.lua'],
  [2289, 'lua/functions/batch/complete.lua'],
  [2345, 'lua/functions/batch/extend.lua'],
  [2403, 'lua/functions/batch/fail.lua'],
  [2496, 'lua/functions/batch/forward.lua'],
  [2643, 'lua/functions/batch/release.lua'],
  [2699, 'lua/functions/conversation/add.lua'],
  [2972, 'lua/functions/conversation/peek.lua'],
  [3029, 'lua/functions/dead/dead.lua'],
  [3082, 'lua/functions/dead/drop.lua'],
  [3123, 'lua/functions/dead/requeue.lua'],
  [3205, 'lua/lib/laws.lua'],
  [3486, 'lua/lib/look.lua'],
  [3574, 'lua/lib/mend.lua'],
  [3642, 'lua/functions/health/check.lua'],
  [3688, 'lua/functions/health/repair.lua'],
  [3719, 'lua/functions/health/version.lua'],
  [3735, 'lua/functions/layout/layout.lua'],
  [3780, 'lua/functions/layout/partition.lua'],
  [3871, 'lua/functions/layout/repartition.lua'],
  [3981, 'lua/functions/queue/leave.lua'],
  [4015, 'lua/functions/queue/policy.lua'],
  [4144, 'lua/functions/queue/present.lua'],
  [4217, 'lua/functions/queue/stats.lua'],
]
