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
  [2294, 'lua/lib/nonce.lua'],
  [2361, 'lua/lib/recover.lua'],
  [2499, 'lua/lib/serving.lua'],
  [2521, 'lua/lib/ends.lua'],
  [2565, 'lua/lib/stream.lua'],
  [2618, 'lua/lib/claim.lua'],
  [2924, 'lua/functions/batch/claim_ready.lua'],
  [3060, 'lua/functions/batch/complete.lua'],
  [3122, 'lua/functions/batch/extend.lua'],
  [3180, 'lua/functions/batch/fail.lua'],
  [3341, 'lua/functions/batch/forward.lua'],
  [3477, 'lua/functions/batch/release.lua'],
  [3557, 'lua/lib/change.lua'],
  [3626, 'lua/functions/conversation/add.lua'],
  [4010, 'lua/functions/conversation/erase.lua'],
  [4247, 'lua/functions/conversation/peek.lua'],
  [4319, 'lua/functions/dead/dead.lua'],
  [4374, 'lua/functions/dead/drop.lua'],
  [4415, 'lua/functions/dead/requeue.lua'],
  [4501, 'lua/lib/laws.lua'],
  [4784, 'lua/lib/look.lua'],
  [4870, 'lua/lib/mend.lua'],
  [4955, 'lua/functions/health/check.lua'],
  [5001, 'lua/functions/health/repair.lua'],
  [5037, 'lua/functions/health/rights.lua'],
  [5085, 'lua/functions/health/version.lua'],
  [5100, 'lua/lib/layout.lua'],
  [5147, 'lua/functions/layout/layout.lua'],
  [5192, 'lua/functions/layout/partition.lua'],
  [5288, 'lua/functions/layout/repartition.lua'],
  [5406, 'lua/functions/queue/events.lua'],
  [5485, 'lua/functions/queue/leave.lua'],
  [5522, 'lua/functions/queue/policy.lua'],
  [5652, 'lua/functions/queue/present.lua'],
  [5726, 'lua/functions/queue/stats.lua'],
]
