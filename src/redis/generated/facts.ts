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
  [448, 'lua/lib/window.lua'],
  [529, 'lua/lib/claim_record.lua'],
  [599, 'lua/lib/nonce.lua'],
  [659, 'lua/lib/list.lua'],
  [772, 'lua/lib/dedupe.lua'],
  [879, 'lua/lib/watch.lua'],
  [926, 'lua/lib/figures.lua'],
  [991, 'lua/lib/dead.lua'],
  [1055, 'lua/lib/conversation.lua'],
  [1413, 'lua/lib/ahead.lua'],
  [1474, 'lua/lib/claim.lua'],
  [1673, 'lua/functions/conversation/add.lua'],
  [1924, 'lua/functions/health/check.lua'],
  [2043, 'lua/functions/batch/claim_ready.lua'],
  [2114, 'lua/functions/batch/complete.lua'],
  [2167, 'lua/functions/dead/dead.lua'],
  [2220, 'lua/functions/dead/drop.lua'],
  [2261, 'lua/functions/batch/extend.lua'],
  [2317, 'lua/functions/batch/fail.lua'],
  [2409, 'lua/functions/batch/forward.lua'],
  [2549, 'lua/functions/layout/layout.lua'],
  [2594, 'lua/functions/layout/partition.lua'],
  [2684, 'lua/functions/conversation/peek.lua'],
  [2738, 'lua/functions/queue/policy.lua'],
  [2865, 'lua/functions/batch/release.lua'],
  [2919, 'lua/functions/health/repair.lua'],
  [3016, 'lua/functions/layout/repartition.lua'],
  [3123, 'lua/functions/dead/requeue.lua'],
  [3198, 'lua/functions/queue/stats.lua'],
  [3246, 'lua/functions/health/version.lua'],
]
