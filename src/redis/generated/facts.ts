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
  | 'erase'
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
  | 'rights'
  | 'stats'
  | 'version'

/** Functions that write nothing. */
export const READS: ReadonlySet<FunctionName> = new Set(['check', 'dead', 'layout', 'peek', 'rights', 'stats', 'version'])

/** Where each Lua file begins in both builds: [first line, path], in order. */
export const LINES: readonly (readonly [number, string])[] = [
  [10, 'lua/lib/texts.lua'],
  [50, 'lua/lib/reply.lua'],
  [87, 'lua/lib/args.lua'],
  [159, 'lua/lib/limits.lua'],
  [308, 'lua/lib/keys.lua'],
  [357, 'lua/lib/message.lua'],
  [454, 'lua/lib/window.lua'],
  [657, 'lua/lib/claim_record.lua'],
  [758, 'lua/lib/clock.lua'],
  [775, 'lua/lib/watch.lua'],
  [897, 'lua/lib/figures.lua'],
  [1003, 'lua/lib/list.lua'],
  [1204, 'lua/lib/dead.lua'],
  [1336, 'lua/lib/conversation.lua'],
  [1732, 'lua/lib/nonce.lua'],
  [1799, 'lua/lib/recover.lua'],
  [1944, 'lua/lib/dedupe.lua'],
  [2094, 'lua/lib/ends.lua'],
  [2134, 'lua/lib/layout.lua'],
  [2203, 'lua/lib/queue.lua'],
  [2324, 'lua/lib/stream.lua'],
  [2376, 'lua/lib/claim.lua'],
  [2682, 'lua/functions/batch/claim_ready.lua'],
  [2768, 'lua/functions/batch/complete.lua'],
  [2824, 'lua/functions/batch/extend.lua'],
  [2882, 'lua/functions/batch/fail.lua'],
  [3028, 'lua/functions/batch/forward.lua'],
  [3150, 'lua/functions/batch/release.lua'],
  [3224, 'lua/functions/conversation/add.lua'],
  [3539, 'lua/functions/conversation/erase.lua'],
  [3730, 'lua/functions/conversation/peek.lua'],
  [3801, 'lua/functions/dead/dead.lua'],
  [3854, 'lua/functions/dead/drop.lua'],
  [3895, 'lua/functions/dead/requeue.lua'],
  [3978, 'lua/lib/laws.lua'],
  [4261, 'lua/lib/look.lua'],
  [4347, 'lua/lib/mend.lua'],
  [4431, 'lua/functions/health/check.lua'],
  [4477, 'lua/functions/health/repair.lua'],
  [4512, 'lua/functions/health/rights.lua'],
  [4560, 'lua/functions/health/version.lua'],
  [4576, 'lua/functions/layout/layout.lua'],
  [4621, 'lua/functions/layout/partition.lua'],
  [4715, 'lua/functions/layout/repartition.lua'],
  [4828, 'lua/functions/queue/leave.lua'],
  [4862, 'lua/functions/queue/policy.lua'],
  [4994, 'lua/functions/queue/present.lua'],
  [5067, 'lua/functions/queue/stats.lua'],
]
