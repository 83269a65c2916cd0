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

/** Functions that write nothing. */
export const READS: ReadonlySet<FunctionName> = new Set(['check', 'dead', 'layout', 'peek', 'stats', 'version'])

/** Where each Lua file begins in both builds: [first line, path], in order. */
export const LINES: readonly (readonly [number, string])[] = [
  [5, 'lua/lib/limits.lua'],
  [96, 'lua/lib/reply.lua'],
  [119, 'lua/lib/keys.lua'],
  [159, 'lua/lib/message.lua'],
  [238, 'lua/lib/window.lua'],
  [316, 'lua/lib/claim_record.lua'],
  [397, 'lua/lib/clock.lua'],
  [404, 'lua/lib/args.lua'],
  [465, 'lua/lib/dead.lua'],
  [529, 'lua/lib/watch.lua'],
  [576, 'lua/lib/figures.lua'],
  [645, 'lua/lib/list.lua'],
  [758, 'lua/lib/conversation.lua'],
  [1151, 'lua/lib/ahead.lua'],
  [1209, 'lua/lib/nonce.lua'],
  [1269, 'lua/lib/layout.lua'],
  [1331, 'lua/lib/queue.lua'],
  [1444, 'lua/lib/claim.lua'],
  [1640, 'lua/functions/batch/claim_ready.lua'],
  [1711, 'lua/functions/batch/complete.lua'],
  [1764, 'lua/functions/batch/extend.lua'],
  [1820, 'lua/functions/batch/fail.lua'],
  [1913, 'lua/functions/batch/forward.lua'],
  [2055, 'lua/functions/batch/release.lua'],
  [2110, 'lua/lib/dedupe.lua'],
  [2220, 'lua/functions/conversation/add.lua'],
  [2470, 'lua/functions/conversation/peek.lua'],
  [2526, 'lua/functions/dead/dead.lua'],
  [2579, 'lua/functions/dead/drop.lua'],
  [2620, 'lua/functions/dead/requeue.lua'],
  [2696, 'lua/lib/laws.lua'],
  [2966, 'lua/lib/look.lua'],
  [3047, 'lua/lib/mend.lua'],
  [3113, 'lua/functions/health/check.lua'],
  [3159, 'lua/functions/health/repair.lua'],
  [3190, 'lua/functions/health/version.lua'],
  [3206, 'lua/functions/layout/layout.lua'],
  [3251, 'lua/functions/layout/partition.lua'],
  [3341, 'lua/functions/layout/repartition.lua'],
  [3450, 'lua/functions/queue/policy.lua'],
  [3577, 'lua/functions/queue/stats.lua'],
]
