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
  [183, 'lua/lib/keys.lua'],
  [227, 'lua/lib/texts.lua'],
  [257, 'lua/lib/message.lua'],
  [333, 'lua/lib/window.lua'],
  [411, 'lua/lib/claim_record.lua'],
  [492, 'lua/lib/clock.lua'],
  [499, 'lua/lib/dead.lua'],
  [563, 'lua/lib/watch.lua'],
  [656, 'lua/lib/figures.lua'],
  [735, 'lua/lib/list.lua'],
  [848, 'lua/lib/conversation.lua'],
  [1177, 'lua/lib/nonce.lua'],
  [1237, 'lua/lib/recover.lua'],
  [1370, 'lua/lib/layout.lua'],
  [1432, 'lua/lib/queue.lua'],
  [1544, 'lua/lib/claim.lua'],
  [1736, 'lua/functions/batch/claim_ready.lua'],
  [1807, 'lua/functions/batch/complete.lua'],
  [1863, 'lua/functions/batch/extend.lua'],
  [1919, 'lua/functions/batch/fail.lua'],
  [2012, 'lua/functions/batch/forward.lua'],
  [2154, 'lua/functions/batch/release.lua'],
  [2209, 'lua/lib/dedupe.lua'],
  [2310, 'lua/functions/conversation/add.lua'],
  [2573, 'lua/functions/conversation/peek.lua'],
  [2629, 'lua/functions/dead/dead.lua'],
  [2682, 'lua/functions/dead/drop.lua'],
  [2723, 'lua/functions/dead/requeue.lua'],
  [2799, 'lua/lib/laws.lua'],
  [3076, 'lua/lib/look.lua'],
  [3159, 'lua/lib/mend.lua'],
  [3226, 'lua/functions/health/check.lua'],
  [3272, 'lua/functions/health/repair.lua'],
  [3303, 'lua/functions/health/version.lua'],
  [3319, 'lua/functions/layout/layout.lua'],
  [3364, 'lua/functions/layout/partition.lua'],
  [3454, 'lua/functions/layout/repartition.lua'],
  [3563, 'lua/functions/queue/leave.lua'],
  [3599, 'lua/functions/queue/policy.lua'],
  [3726, 'lua/functions/queue/stats.lua'],
]
