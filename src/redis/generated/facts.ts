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
  [28, 'lua/lib/texts.lua'],
  [58, 'lua/lib/limits.lua'],
  [141, 'lua/lib/args.lua'],
  [202, 'lua/lib/clock.lua'],
  [209, 'lua/lib/keys.lua'],
  [249, 'lua/lib/queue.lua'],
  [343, 'lua/lib/layout.lua'],
  [405, 'lua/lib/message.lua'],
  [478, 'lua/lib/window.lua'],
  [556, 'lua/lib/claim_record.lua'],
  [637, 'lua/lib/nonce.lua'],
  [697, 'lua/lib/list.lua'],
  [810, 'lua/lib/dedupe.lua'],
  [908, 'lua/lib/watch.lua'],
  [955, 'lua/lib/figures.lua'],
  [1025, 'lua/lib/dead.lua'],
  [1089, 'lua/lib/conversation.lua'],
  [1409, 'lua/lib/recover.lua'],
  [1541, 'lua/lib/claim.lua'],
  [1739, 'lua/functions/conversation/add.lua'],
  [1989, 'lua/functions/health/check.lua'],
  [2108, 'lua/functions/batch/claim_ready.lua'],
  [2179, 'lua/functions/batch/complete.lua'],
  [2232, 'lua/functions/dead/dead.lua'],
  [2285, 'lua/functions/dead/drop.lua'],
  [2326, 'lua/functions/batch/extend.lua'],
  [2382, 'lua/functions/batch/fail.lua'],
  [2475, 'lua/functions/batch/forward.lua'],
  [2617, 'lua/functions/layout/layout.lua'],
  [2662, 'lua/functions/layout/partition.lua'],
  [2752, 'lua/functions/conversation/peek.lua'],
  [2806, 'lua/functions/queue/policy.lua'],
  [2933, 'lua/functions/batch/release.lua'],
  [2987, 'lua/functions/health/repair.lua'],
  [3084, 'lua/functions/layout/repartition.lua'],
  [3191, 'lua/functions/dead/requeue.lua'],
  [3266, 'lua/functions/queue/stats.lua'],
  [3314, 'lua/functions/health/version.lua'],
]
