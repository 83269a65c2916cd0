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
  [541, 'lua/lib/window.lua'],
  [745, 'lua/lib/claim_record.lua'],
  [846, 'lua/lib/clock.lua'],
  [857, 'lua/lib/events.lua'],
  [907, 'lua/lib/queue.lua'],
  [1108, 'lua/lib/watch.lua'],
  [1263, 'lua/lib/figures.lua'],
  [1375, 'lua/lib/list.lua'],
  [1602, 'lua/lib/dead.lua'],
  [1741, 'lua/lib/conversation.lua'],
  [2165, 'lua/lib/dedupe.lua'],
  [2322, 'lua/lib/nonce.lua'],
  [2389, 'lua/lib/recover.lua'],
  [2527, 'lua/lib/serving.lua'],
  [2549, 'lua/lib/ends.lua'],
  [2593, 'lua/lib/stream.lua'],
  [2643, 'lua/lib/archive.lua'],
  [2746, 'lua/lib/claim.lua'],
  [3052, 'lua/functions/batch/claim_ready.lua'],
  [3192, 'lua/functions/batch/complete.lua'],
  [3314, 'lua/functions/batch/extend.lua'],
  [3372, 'lua/functions/batch/fail.lua'],
  [3533, 'lua/functions/batch/forward.lua'],
  [3669, 'lua/functions/batch/release.lua'],
  [3749, 'lua/lib/change.lua'],
  [3818, 'lua/functions/conversation/add.lua'],
  [4227, 'lua/functions/conversation/erase.lua'],
  [4494, 'lua/functions/conversation/peek.lua'],
  [4564, 'lua/functions/conversation/trace.lua'],
  [4832, 'lua/functions/dead/dead.lua'],
  [4887, 'lua/functions/dead/drop.lua'],
  [4928, 'lua/functions/dead/requeue.lua'],
  [5014, 'lua/lib/laws.lua'],
  [5306, 'lua/lib/look.lua'],
  [5399, 'lua/lib/mend.lua'],
  [5501, 'lua/functions/health/check.lua'],
  [5547, 'lua/functions/health/repair.lua'],
  [5583, 'lua/functions/health/rights.lua'],
  [5631, 'lua/functions/health/version.lua'],
  [5646, 'lua/lib/layout.lua'],
  [5690, 'lua/functions/layout/layout.lua'],
  [5735, 'lua/functions/layout/partition.lua'],
  [5833, 'lua/functions/layout/repartition.lua'],
  [5953, 'lua/functions/queue/archived.lua'],
  [6041, 'lua/functions/queue/events.lua'],
  [6120, 'lua/functions/queue/leave.lua'],
  [6157, 'lua/functions/queue/policy.lua'],
  [6290, 'lua/functions/queue/present.lua'],
  [6364, 'lua/functions/queue/stats.lua'],
]
