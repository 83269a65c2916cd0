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
  [207, 'lua/lib/texts.lua'],
  [238, 'lua/lib/keys.lua'],
  [283, 'lua/lib/message.lua'],
  [373, 'lua/lib/window.lua'],
  [457, 'lua/lib/claim_record.lua'],
  [550, 'lua/lib/clock.lua'],
  [564, 'lua/lib/dead.lua'],
  [641, 'lua/lib/watch.lua'],
  [748, 'lua/lib/figures.lua'],
  [839, 'lua/lib/list.lua'],
  [973, 'lua/lib/conversation.lua'],
  [1363, 'lua/lib/nonce.lua'],
  [1430, 'lua/lib/recover.lua'],
  [1572, 'lua/lib/dedupe.lua'],
  [1716, 'lua/lib/layout.lua'],
  [1785, 'lua/lib/queue.lua'],
  [1903, 'lua/lib/claim.lua'],
  [2158, 'lua/lib/ends.lua'],
  [2182, 'lua/functions/batch/claim_ready.lua'],
  [2255, 'lua/functions/batch/complete.lua'],
  [2311, 'lua/functions/batch/extend.lua'],
  [2369, 'lua/functions/batch/fail.lua'],
  [2513, 'lua/functions/batch/forward.lua'],
  [2660, 'lua/functions/batch/release.lua'],
  [2734, 'lua/functions/conversation/add.lua'],
  [2999, 'lua/functions/conversation/peek.lua'],
  [3055, 'lua/functions/dead/dead.lua'],
  [3108, 'lua/functions/dead/drop.lua'],
  [3149, 'lua/functions/dead/requeue.lua'],
  [3231, 'lua/lib/laws.lua'],
  [3512, 'lua/lib/look.lua'],
  [3600, 'lua/lib/mend.lua'],
  [3668, 'lua/functions/health/check.lua'],
  [3714, 'lua/functions/health/repair.lua'],
  [3745, 'lua/functions/health/version.lua'],
  [3761, 'lua/functions/layout/layout.lua'],
  [3806, 'lua/functions/layout/partition.lua'],
  [3896, 'lua/functions/layout/repartition.lua'],
  [4005, 'lua/functions/queue/leave.lua'],
  [4039, 'lua/functions/queue/policy.lua'],
  [4167, 'lua/functions/queue/present.lua'],
  [4240, 'lua/functions/queue/stats.lua'],
]
