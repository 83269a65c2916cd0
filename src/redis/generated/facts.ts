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
  [219, 'lua/lib/texts.lua'],
  [250, 'lua/lib/keys.lua'],
  [295, 'lua/lib/message.lua'],
  [386, 'lua/lib/window.lua'],
  [585, 'lua/lib/claim_record.lua'],
  [668, 'lua/lib/clock.lua'],
  [682, 'lua/lib/dead.lua'],
  [773, 'lua/lib/watch.lua'],
  [880, 'lua/lib/figures.lua'],
  [971, 'lua/lib/list.lua'],
  [1168, 'lua/lib/conversation.lua'],
  [1554, 'lua/lib/nonce.lua'],
  [1621, 'lua/lib/recover.lua'],
  [1764, 'lua/lib/dedupe.lua'],
  [1908, 'lua/lib/layout.lua'],
  [1977, 'lua/lib/queue.lua'],
  [2089, 'lua/lib/claim.lua'],
  [2385, 'lua/functions/batch/claim_ready.lua'],
  [2459, 'lua/functions/batch/complete.lua'],
  [2515, 'lua/functions/batch/extend.lua'],
  [2573, 'lua/functions/batch/fail.lua'],
  [2666, 'lua/functions/batch/forward.lua'],
  [2813, 'lua/functions/batch/release.lua'],
  [2869, 'lua/functions/conversation/add.lua'],
  [3158, 'lua/functions/conversation/peek.lua'],
  [3228, 'lua/functions/dead/dead.lua'],
  [3281, 'lua/functions/dead/drop.lua'],
  [3322, 'lua/functions/dead/requeue.lua'],
  [3405, 'lua/lib/laws.lua'],
  [3686, 'lua/lib/look.lua'],
  [3778, 'lua/lib/mend.lua'],
  [3859, 'lua/functions/health/check.lua'],
  [3905, 'lua/functions/health/repair.lua'],
  [3940, 'lua/functions/health/version.lua'],
  [3956, 'lua/functions/layout/layout.lua'],
  [4001, 'lua/functions/layout/partition.lua'],
  [4092, 'lua/functions/layout/repartition.lua'],
  [4202, 'lua/functions/queue/leave.lua'],
  [4236, 'lua/functions/queue/policy.lua'],
  [4365, 'lua/functions/queue/present.lua'],
  [4438, 'lua/functions/queue/stats.lua'],
]
