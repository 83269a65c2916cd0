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
  | 'events'
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
  | 'trace'
  | 'version'

/** Functions that write nothing. */
export const READS: ReadonlySet<FunctionName> = new Set(['check', 'dead', 'events', 'layout', 'peek', 'rights', 'stats', 'trace', 'version'])

/** Where each Lua file begins in both builds: [first line, path], in order. */
export const LINES: readonly (readonly [number, string])[] = [
  [11, 'lua/lib/texts.lua'],
  [59, 'lua/lib/reply.lua'],
  [96, 'lua/lib/args.lua'],
  [168, 'lua/lib/limits.lua'],
  [358, 'lua/lib/keys.lua'],
  [418, 'lua/lib/message.lua'],
  [526, 'lua/lib/window.lua'],
  [730, 'lua/lib/claim_record.lua'],
  [831, 'lua/lib/clock.lua'],
  [842, 'lua/lib/events.lua'],
  [892, 'lua/lib/queue.lua'],
  [1091, 'lua/lib/watch.lua'],
  [1246, 'lua/lib/figures.lua'],
  [1358, 'lua/lib/list.lua'],
  [1585, 'lua/lib/dead.lua'],
  [1723, 'lua/lib/conversation.lua'],
  [2144, 'lua/lib/dedupe.lua'],
  [2301, 'lua/lib/nonce.lua'],
  [2368, 'lua/lib/recover.lua'],
  [2506, 'lua/lib/serving.lua'],
  [2528, 'lua/lib/ends.lua'],
  [2572, 'lua/lib/stream.lua'],
  [2625, 'lua/lib/claim.lua'],
  [2931, 'lua/functions/batch/claim_ready.lua'],
  [3067, 'lua/functions/batch/complete.lua'],
  [3129, 'lua/functions/batch/extend.lua'],
  [3187, 'lua/functions/batch/fail.lua'],
  [3348, 'lua/functions/batch/forward.lua'],
  [3484, 'lua/functions/batch/release.lua'],
  [3564, 'lua/lib/change.lua'],
  [3633, 'lua/functions/conversation/add.lua'],
  [4039, 'lua/functions/conversation/erase.lua'],
  [4276, 'lua/functions/conversation/peek.lua'],
  [4346, 'lua/functions/conversation/trace.lua'],
  [4614, 'lua/functions/dead/dead.lua'],
  [4669, 'lua/functions/dead/drop.lua'],
  [4710, 'lua/functions/dead/requeue.lua'],
  [4796, 'lua/lib/laws.lua'],
  [5079, 'lua/lib/look.lua'],
  [5165, 'lua/lib/mend.lua'],
  [5250, 'lua/functions/health/check.lua'],
  [5296, 'lua/functions/health/repair.lua'],
  [5332, 'lua/functions/health/rights.lua'],
  [5380, 'lua/functions/health/version.lua'],
  [5395, 'lua/lib/layout.lua'],
  [5439, 'lua/functions/layout/layout.lua'],
  [5484, 'lua/functions/layout/partition.lua'],
  [5580, 'lua/functions/layout/repartition.lua'],
  [5698, 'lua/functions/queue/events.lua'],
  [5777, 'lua/functions/queue/leave.lua'],
  [5814, 'lua/functions/queue/policy.lua'],
  [5944, 'lua/functions/queue/present.lua'],
  [6018, 'lua/functions/queue/stats.lua'],
]
