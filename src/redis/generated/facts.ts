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
  [89, 'lua/lib/limits.lua'],
  [189, 'lua/lib/keys.lua'],
  [234, 'lua/lib/texts.lua'],
  [264, 'lua/lib/message.lua'],
  [340, 'lua/lib/window.lua'],
  [418, 'lua/lib/claim_record.lua'],
  [499, 'lua/lib/clock.lua'],
  [506, 'lua/lib/dead.lua'],
  [581, 'lua/lib/watch.lua'],
  [673, 'lua/lib/figures.lua'],
  [752, 'lua/lib/list.lua'],
  [865, 'lua/lib/conversation.lua'],
  [1219, 'lua/lib/nonce.lua'],
  [1279, 'lua/lib/recover.lua'],
  [1412, 'lua/lib/dedupe.lua'],
  [1554, 'lua/lib/layout.lua'],
  [1616, 'lua/lib/queue.lua'],
  [1728, 'lua/lib/claim.lua'],
  [1920, 'lua/functions/batch/claim_ready.lua'],
  [1992, 'lua/functions/batch/complete.lua'],
  [2048, 'lua/functions/batch/extend.lua'],
  [2104, 'lua/functions/batch/fail.lua'],
  [2197, 'lua/functions/batch/forward.lua'],
  [2342, 'lua/functions/batch/release.lua'],
  [2398, 'lua/functions/conversation/add.lua'],
  [2663, 'lua/functions/conversation/peek.lua'],
  [2719, 'lua/functions/dead/dead.lua'],
  [2772, 'lua/functions/dead/drop.lua'],
  [2813, 'lua/functions/dead/requeue.lua'],
  [2891, 'lua/lib/laws.lua'],
  [3168, 'lua/lib/look.lua'],
  [3251, 'lua/lib/mend.lua'],
  [3318, 'lua/functions/health/check.lua'],
  [3364, 'lua/functions/health/repair.lua'],
  [3395, 'lua/functions/health/version.lua'],
  [3411, 'lua/functions/layout/layout.lua'],
  [3456, 'lua/functions/layout/partition.lua'],
  [3546, 'lua/functions/layout/repartition.lua'],
  [3655, 'lua/functions/queue/leave.lua'],
  [3692, 'lua/functions/queue/policy.lua'],
  [3820, 'lua/functions/queue/present.lua'],
  [3897, 'lua/functions/queue/stats.lua'],
]
