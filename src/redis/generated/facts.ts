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
  | 'version'

/** Functions that write nothing. */
export const READS: ReadonlySet<FunctionName> = new Set(['check', 'dead', 'events', 'layout', 'peek', 'rights', 'stats', 'version'])

/** Where each Lua file begins in both builds: [first line, path], in order. */
export const LINES: readonly (readonly [number, string])[] = [
  [11, 'lua/lib/texts.lua'],
  [59, 'lua/lib/reply.lua'],
  [96, 'lua/lib/args.lua'],
  [168, 'lua/lib/limits.lua'],
  [355, 'lua/lib/keys.lua'],
  [415, 'lua/lib/message.lua'],
  [520, 'lua/lib/window.lua'],
  [724, 'lua/lib/claim_record.lua'],
  [825, 'lua/lib/clock.lua'],
  [836, 'lua/lib/events.lua'],
  [885, 'lua/lib/queue.lua'],
  [1081, 'lua/lib/watch.lua'],
  [1236, 'lua/lib/figures.lua'],
  [1348, 'lua/lib/list.lua'],
  [1575, 'lua/lib/dead.lua'],
  [1714, 'lua/lib/conversation.lua'],
  [2138, 'lua/lib/dedupe.lua'],
  [2295, 'lua/lib/nonce.lua'],
  [2362, 'lua/lib/recover.lua'],
  [2500, 'lua/lib/serving.lua'],
  [2522, 'lua/lib/ends.lua'],
  [2566, 'lua/lib/stream.lua'],
  [2619, 'lua/lib/claim.lua'],
  [2925, 'lua/functions/batch/claim_ready.lua'],
  [3061, 'lua/functions/batch/complete.lua'],
  [3123, 'lua/functions/batch/extend.lua'],
  [3181, 'lua/functions/batch/fail.lua'],
  [3342, 'lua/functions/batch/forward.lua'],
  [3478, 'lua/functions/batch/release.lua'],
  [3558, 'lua/lib/change.lua'],
  [3627, 'lua/functions/conversation/add.lua'],
  [4028, 'lua/functions/conversation/erase.lua'],
  [4265, 'lua/functions/conversation/peek.lua'],
  [4337, 'lua/functions/dead/dead.lua'],
  [4392, 'lua/functions/dead/drop.lua'],
  [4433, 'lua/functions/dead/requeue.lua'],
  [4519, 'lua/lib/laws.lua'],
  [4802, 'lua/lib/look.lua'],
  [4888, 'lua/lib/mend.lua'],
  [4973, 'lua/functions/health/check.lua'],
  [5019, 'lua/functions/health/repair.lua'],
  [5055, 'lua/functions/health/rights.lua'],
  [5103, 'lua/functions/health/version.lua'],
  [5118, 'lua/lib/layout.lua'],
  [5165, 'lua/functions/layout/layout.lua'],
  [5210, 'lua/functions/layout/partition.lua'],
  [5306, 'lua/functions/layout/repartition.lua'],
  [5424, 'lua/functions/queue/events.lua'],
  [5503, 'lua/functions/queue/leave.lua'],
  [5540, 'lua/functions/queue/policy.lua'],
  [5670, 'lua/functions/queue/present.lua'],
  [5744, 'lua/functions/queue/stats.lua'],
]
