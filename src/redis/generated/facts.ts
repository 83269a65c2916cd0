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
  [409, 'lua/lib/claim_record.lua'],
  [490, 'lua/lib/clock.lua'],
  [497, 'lua/lib/dead.lua'],
  [561, 'lua/lib/watch.lua'],
  [608, 'lua/lib/figures.lua'],
  [687, 'lua/lib/list.lua'],
  [800, 'lua/lib/conversation.lua'],
  [1128, 'lua/lib/nonce.lua'],
  [1188, 'lua/lib/recover.lua'],
  [1320, 'lua/lib/layout.lua'],
  [1382, 'lua/lib/queue.lua'],
  [1495, 'lua/lib/claim.lua'],
  [1715, 'lua/functions/batch/claim_ready.lua'],
  [1786, 'lua/functions/batch/complete.lua'],
  [1842, 'lua/functions/batch/extend.lua'],
  [1898, 'lua/functions/batch/fail.lua'],
  [1991, 'lua/functions/batch/forward.lua'],
  [2133, 'lua/functions/batch/release.lua'],
  [2188, 'lua/lib/dedupe.lua'],
  [2289, 'lua/functions/conversation/add.lua'],
  [2552, 'lua/functions/conversation/peek.lua'],
  [2608, 'lua/functions/dead/dead.lua'],
  [2661, 'lua/functions/dead/drop.lua'],
  [2702, 'lua/functions/dead/requeue.lua'],
  [2778, 'lua/lib/laws.lua'],
  [3055, 'lua/lib/look.lua'],
  [3138, 'lua/lib/mend.lua'],
  [3204, 'lua/functions/health/check.lua'],
  [3250, 'lua/functions/health/repair.lua'],
  [3281, 'lua/functions/health/version.lua'],
  [3297, 'lua/functions/layout/layout.lua'],
  [3342, 'lua/functions/layout/partition.lua'],
  [3432, 'lua/functions/layout/repartition.lua'],
  [3541, 'lua/functions/queue/policy.lua'],
  [3668, 'lua/functions/queue/stats.lua'],
]
