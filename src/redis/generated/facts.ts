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
  [323, 'lua/lib/window.lua'],
  [401, 'lua/lib/claim_record.lua'],
  [482, 'lua/lib/clock.lua'],
  [489, 'lua/lib/dead.lua'],
  [553, 'lua/lib/watch.lua'],
  [600, 'lua/lib/figures.lua'],
  [670, 'lua/lib/list.lua'],
  [783, 'lua/lib/conversation.lua'],
  [1102, 'lua/lib/nonce.lua'],
  [1162, 'lua/lib/recover.lua'],
  [1294, 'lua/lib/layout.lua'],
  [1356, 'lua/lib/queue.lua'],
  [1469, 'lua/lib/claim.lua'],
  [1664, 'lua/functions/batch/claim_ready.lua'],
  [1735, 'lua/functions/batch/complete.lua'],
  [1788, 'lua/functions/batch/extend.lua'],
  [1844, 'lua/functions/batch/fail.lua'],
  [1937, 'lua/functions/batch/forward.lua'],
  [2079, 'lua/functions/batch/release.lua'],
  [2134, 'lua/lib/dedupe.lua'],
  [2235, 'lua/functions/conversation/add.lua'],
  [2485, 'lua/functions/conversation/peek.lua'],
  [2541, 'lua/functions/dead/dead.lua'],
  [2594, 'lua/functions/dead/drop.lua'],
  [2635, 'lua/functions/dead/requeue.lua'],
  [2711, 'lua/lib/laws.lua'],
  [2988, 'lua/lib/look.lua'],
  [3071, 'lua/lib/mend.lua'],
  [3137, 'lua/functions/health/check.lua'],
  [3183, 'lua/functions/health/repair.lua'],
  [3214, 'lua/functions/health/version.lua'],
  [3230, 'lua/functions/layout/layout.lua'],
  [3275, 'lua/functions/layout/partition.lua'],
  [3365, 'lua/functions/layout/repartition.lua'],
  [3474, 'lua/functions/queue/policy.lua'],
  [3601, 'lua/functions/queue/stats.lua'],
]
