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
  | 'partition'
  | 'peek'
  | 'policy'
  | 'release'
  | 'repair'
  | 'repartition'
  | 'requeue'
  | 'stats'
  | 'version'

/** Where each Lua file begins in both builds: [first line, path], in order. */
export const LINES: readonly (readonly [number, string])[] = [
  [5, 'lua/lib/reply.lua'],
  [28, 'lua/lib/limits.lua'],
  [111, 'lua/lib/args.lua'],
  [172, 'lua/lib/clock.lua'],
  [179, 'lua/lib/keys.lua'],
  [219, 'lua/lib/queue.lua'],
  [313, 'lua/lib/layout.lua'],
  [375, 'lua/lib/message.lua'],
  [454, 'lua/lib/window.lua'],
  [532, 'lua/lib/claim_record.lua'],
  [613, 'lua/lib/nonce.lua'],
  [673, 'lua/lib/list.lua'],
  [786, 'lua/lib/dedupe.lua'],
  [895, 'lua/lib/watch.lua'],
  [942, 'lua/lib/figures.lua'],
  [1011, 'lua/lib/dead.lua'],
  [1075, 'lua/lib/conversation.lua'],
  [1395, 'lua/lib/mend.lua'],
  [1527, 'lua/lib/claim.lua'],
  [1726, 'lua/functions/conversation/add.lua'],
  [1976, 'lua/functions/health/check.lua'],
  [2095, 'lua/functions/batch/claim_ready.lua'],
  [2166, 'lua/functions/batch/complete.lua'],
  [2219, 'lua/functions/dead/dead.lua'],
  [2272, 'lua/functions/dead/drop.lua'],
  [2313, 'lua/functions/batch/extend.lua'],
  [2369, 'lua/functions/batch/fail.lua'],
  [2462, 'lua/functions/batch/forward.lua'],
  [2604, 'lua/functions/layout/layout.lua'],
  [2649, 'lua/functions/layout/partition.lua'],
  [2739, 'lua/functions/conversation/peek.lua'],
  [2793, 'lua/functions/queue/policy.lua'],
  [2920, 'lua/functions/batch/release.lua'],
  [2974, 'lua/functions/health/repair.lua'],
  [3071, 'lua/functions/layout/repartition.lua'],
  [3178, 'lua/functions/dead/requeue.lua'],
  [3253, 'lua/functions/queue/stats.lua'],
  [3301, 'lua/functions/health/version.lua'],
]
