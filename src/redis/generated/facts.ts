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
  [187, 'lua/lib/texts.lua'],
  [217, 'lua/lib/keys.lua'],
  [257, 'lua/lib/message.lua'],
  [333, 'lua/lib/window.lua'],
  [416, 'lua/lib/claim_record.lua'],
  [499, 'lua/lib/clock.lua'],
  [506, 'lua/lib/dead.lua'],
  [581, 'lua/lib/watch.lua'],
  [628, 'lua/lib/figures.lua'],
  [709, 'lua/lib/list.lua'],
  [822, 'lua/lib/conversation.lua'],
  [1194, 'lua/lib/nonce.lua'],
  [1254, 'lua/lib/recover.lua'],
  [1386, 'lua/lib/dedupe.lua'],
  [1528, 'lua/lib/layout.lua'],
  [1590, 'lua/lib/queue.lua'],
  [1703, 'lua/lib/claim.lua'],
  [1970, 'lua/functions/batch/claim_ready.lua'],
  [2043, 'lua/functions/batch/complete.lua'],
  [2099, 'lua/functions/batch/extend.lua'],
  [2157, 'lua/functions/batch/fail.lua'],
  [2250, 'lua/functions/batch/forward.lua'],
  [2397, 'lua/functions/batch/release.lua'],
  [2453, 'lua/functions/conversation/add.lua'],
  [2718, 'lua/functions/conversation/peek.lua'],
  [2774, 'lua/functions/dead/dead.lua'],
  [2827, 'lua/functions/dead/drop.lua'],
  [2868, 'lua/functions/dead/requeue.lua'],
  [2946, 'lua/lib/laws.lua'],
  [3223, 'lua/lib/look.lua'],
  [3306, 'lua/lib/mend.lua'],
  [3372, 'lua/functions/health/check.lua'],
  [3418, 'lua/functions/health/repair.lua'],
  [3449, 'lua/functions/health/version.lua'],
  [3465, 'lua/functions/layout/layout.lua'],
  [3510, 'lua/functions/layout/partition.lua'],
  [3600, 'lua/functions/layout/repartition.lua'],
  [3709, 'lua/functions/queue/policy.lua'],
  [3837, 'lua/functions/queue/stats.lua'],
]
