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
  | 'archived'
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
export const READS: ReadonlySet<FunctionName> = new Set(['archived', 'check', 'dead', 'events', 'layout', 'peek', 'rights', 'stats', 'trace', 'version'])

/** Where each Lua file begins in both builds: [first line, path], in order. */
export const LINES: readonly (readonly [number, string])[] = [
  [9, 'lua/lib/limits.lua'],
  [199, 'lua/lib/texts.lua'],
  [247, 'lua/lib/reply.lua'],
  [303, 'lua/lib/keys.lua'],
  [363, 'lua/lib/message.lua'],
  [461, 'lua/lib/args.lua'],
  [542, 'lua/lib/window.lua'],
  [746, 'lua/lib/claim_record.lua'],
  [847, 'lua/lib/clock.lua'],
  [858, 'lua/lib/events.lua'],
  [911, 'lua/lib/queue.lua'],
  [1112, 'lua/lib/watch.lua'],
  [1267, 'lua/lib/figures.lua'],
  [1379, 'lua/lib/list.lua'],
  [1606, 'lua/lib/dead.lua'],
  [1745, 'lua/lib/conversation.lua'],
  [2169, 'lua/lib/dedupe.lua'],
  [2326, 'lua/lib/nonce.lua'],
  [2393, 'lua/lib/recover.lua'],
  [2531, 'lua/lib/serving.lua'],
  [2553, 'lua/lib/ends.lua'],
  [2597, 'lua/lib/stream.lua'],
  [2647, 'lua/lib/archive.lua'],
  [2750, 'lua/lib/claim.lua'],
  [3056, 'lua/functions/batch/claim_ready.lua'],
  [3196, 'lua/functions/batch/complete.lua'],
  [3318, 'lua/functions/batch/extend.lua'],
  [3376, 'lua/functions/batch/fail.lua'],
  [3537, 'lua/functions/batch/forward.lua'],
  [3673, 'lua/functions/batch/release.lua'],
  [3753, 'lua/lib/change.lua'],
  [3822, 'lua/functions/conversation/add.lua'],
  [4231, 'lua/functions/conversation/erase.lua'],
  [4499, 'lua/functions/conversation/peek.lua'],
  [4569, 'lua/functions/conversation/trace.lua'],
  [4840, 'lua/functions/dead/dead.lua'],
  [4895, 'lua/functions/dead/drop.lua'],
  [4936, 'lua/functions/dead/requeue.lua'],
  [5022, 'lua/lib/laws.lua'],
  [5314, 'lua/lib/look.lua'],
  [5407, 'lua/lib/mend.lua'],
  [5509, 'lua/functions/health/check.lua'],
  [5555, 'lua/functions/health/repair.lua'],
  [5591, 'lua/functions/health/rights.lua'],
  [5639, 'lua/functions/health/version.lua'],
  [5654, 'lua/lib/layout.lua'],
  [5698, 'lua/functions/layout/layout.lua'],
  [5743, 'lua/functions/layout/partition.lua'],
  [5841, 'lua/functions/layout/repartition.lua'],
  [5961, 'lua/functions/queue/archived.lua'],
  [6051, 'lua/functions/queue/events.lua'],
  [6130, 'lua/functions/queue/leave.lua'],
  [6167, 'lua/functions/queue/policy.lua'],
  [6300, 'lua/functions/queue/present.lua'],
  [6374, 'lua/functions/queue/stats.lua'],
]
