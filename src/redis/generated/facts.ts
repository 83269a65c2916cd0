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
  [347, 'lua/lib/keys.lua'],
  [407, 'lua/lib/message.lua'],
  [505, 'lua/lib/window.lua'],
  [709, 'lua/lib/claim_record.lua'],
  [810, 'lua/lib/clock.lua'],
  [821, 'lua/lib/events.lua'],
  [870, 'lua/lib/queue.lua'],
  [1066, 'lua/lib/watch.lua'],
  [1221, 'lua/lib/figures.lua'],
  [1331, 'lua/lib/list.lua'],
  [1532, 'lua/lib/dead.lua'],
  [1670, 'lua/lib/conversation.lua'],
  [2093, 'lua/lib/dedupe.lua'],
  [2249, 'lua/lib/nonce.lua'],
  [2316, 'lua/lib/recover.lua'],
  [2454, 'lua/lib/serving.lua'],
  [2476, 'lua/lib/ends.lua'],
  [2520, 'lua/lib/stream.lua'],
  [2573, 'lua/lib/claim.lua'],
  [2879, 'lua/functions/batch/claim_ready.lua'],
  [3015, 'lua/functions/batch/complete.lua'],
  [3077, 'lua/functions/batch/extend.lua'],
  [3135, 'lua/functions/batch/fail.lua'],
  [3296, 'lua/functions/batch/forward.lua'],
  [3432, 'lua/functions/batch/release.lua'],
  [3510, 'lua/functions/conversation/add.lua'],
  [3881, 'lua/functions/conversation/erase.lua'],
  [4118, 'lua/functions/conversation/peek.lua'],
  [4190, 'lua/functions/dead/dead.lua'],
  [4245, 'lua/functions/dead/drop.lua'],
  [4286, 'lua/functions/dead/requeue.lua'],
  [4372, 'lua/lib/laws.lua'],
  [4655, 'lua/lib/look.lua'],
  [4741, 'lua/lib/mend.lua'],
  [4826, 'lua/functions/health/check.lua'],
  [4872, 'lua/functions/health/repair.lua'],
  [4908, 'lua/functions/health/rights.lua'],
  [4956, 'lua/functions/health/version.lua'],
  [4971, 'lua/lib/layout.lua'],
  [5018, 'lua/functions/layout/layout.lua'],
  [5063, 'lua/functions/layout/partition.lua'],
  [5159, 'lua/functions/layout/repartition.lua'],
  [5277, 'lua/functions/queue/events.lua'],
  [5356, 'lua/functions/queue/leave.lua'],
  [5393, 'lua/functions/queue/policy.lua'],
  [5523, 'lua/functions/queue/present.lua'],
  [5597, 'lua/functions/queue/stats.lua'],
]
