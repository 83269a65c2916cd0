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
  [5, 'lua/lib/reply.lua'],
  [28, 'lua/lib/args.lua'],
  [89, 'lua/lib/limits.lua'],
  [180, 'lua/lib/keys.lua'],
  [220, 'lua/lib/texts.lua'],
  [250, 'lua/lib/message.lua'],
  [326, 'lua/lib/window.lua'],
  [404, 'lua/lib/claim_record.lua'],
  [485, 'lua/lib/clock.lua'],
  [492, 'lua/lib/dead.lua'],
  [556, 'lua/lib/watch.lua'],
  [603, 'lua/lib/figures.lua'],
  [682, 'lua/lib/list.lua'],
  [793, 'lua/lib/conversation.lua'],
  [1122, 'lua/lib/nonce.lua'],
  [1183, 'lua/lib/recover.lua'],
  [1315, 'lua/lib/layout.lua'],
  [1377, 'lua/lib/queue.lua'],
  [1490, 'lua/lib/claim.lua'],
  [1688, 'lua/functions/batch/claim_ready.lua'],
  [1759, 'lua/functions/batch/complete.lua'],
  [1815, 'lua/functions/batch/extend.lua'],
  [1871, 'lua/functions/batch/fail.lua'],
  [1964, 'lua/functions/batch/forward.lua'],
  [2106, 'lua/functions/batch/release.lua'],
  [2161, 'lua/lib/dedupe.lua'],
  [2262, 'lua/functions/conversation/add.lua'],
  [2525, 'lua/functions/conversation/peek.lua'],
  [2581, 'lua/functions/dead/dead.lua'],
  [2634, 'lua/functions/dead/drop.lua'],
  [2675, 'lua/functions/dead/requeue.lua'],
  [2751, 'lua/lib/laws.lua'],
  [3028, 'lua/lib/look.lua'],
  [3111, 'lua/lib/mend.lua'],
  [3177, 'lua/functions/health/check.lua'],
  [3223, 'lua/functions/health/repair.lua'],
  [3254, 'lua/functions/health/version.lua'],
  [3270, 'lua/functions/layout/layout.lua'],
  [3315, 'lua/functions/layout/partition.lua'],
  [3405, 'lua/functions/layout/repartition.lua'],
  [3514, 'lua/functions/queue/policy.lua'],
  [3641, 'lua/functions/queue/stats.lua'],
]
