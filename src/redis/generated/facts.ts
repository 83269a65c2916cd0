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
  [1067, 'lua/lib/watch.lua'],
  [1222, 'lua/lib/figures.lua'],
  [1332, 'lua/lib/list.lua'],
  [1533, 'lua/lib/dead.lua'],
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
  [3884, 'lua/functions/conversation/erase.lua'],
  [4121, 'lua/functions/conversation/peek.lua'],
  [4193, 'lua/functions/dead/dead.lua'],
  [4246, 'lua/functions/dead/drop.lua'],
  [4287, 'lua/functions/dead/requeue.lua'],
  [4373, 'lua/lib/laws.lua'],
  [4656, 'lua/lib/look.lua'],
  [4742, 'lua/lib/mend.lua'],
  [4827, 'lua/functions/health/check.lua'],
  [4873, 'lua/functions/health/repair.lua'],
  [4909, 'lua/functions/health/rights.lua'],
  [4957, 'lua/functions/health/version.lua'],
  [4972, 'lua/lib/layout.lua'],
  [5019, 'lua/functions/layout/layout.lua'],
  [5064, 'lua/functions/layout/partition.lua'],
  [5160, 'lua/functions/layout/repartition.lua'],
  [5278, 'lua/functions/queue/events.lua'],
  [5357, 'lua/functions/queue/leave.lua'],
  [5394, 'lua/functions/queue/policy.lua'],
  [5524, 'lua/functions/queue/present.lua'],
  [5598, 'lua/functions/queue/stats.lua'],
]
