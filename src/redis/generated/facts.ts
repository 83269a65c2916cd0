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
  [2250, 'lua/lib/nonce.lua'],
  [2317, 'lua/lib/recover.lua'],
  [2455, 'lua/lib/serving.lua'],
  [2477, 'lua/lib/ends.lua'],
  [2521, 'lua/lib/stream.lua'],
  [2574, 'lua/lib/claim.lua'],
  [2880, 'lua/functions/batch/claim_ready.lua'],
  [3016, 'lua/functions/batch/complete.lua'],
  [3078, 'lua/functions/batch/extend.lua'],
  [3136, 'lua/functions/batch/fail.lua'],
  [3297, 'lua/functions/batch/forward.lua'],
  [3433, 'lua/functions/batch/release.lua'],
  [3511, 'lua/functions/conversation/add.lua'],
  [3906, 'lua/functions/conversation/erase.lua'],
  [4143, 'lua/functions/conversation/peek.lua'],
  [4215, 'lua/functions/dead/dead.lua'],
  [4270, 'lua/functions/dead/drop.lua'],
  [4311, 'lua/functions/dead/requeue.lua'],
  [4397, 'lua/lib/laws.lua'],
  [4680, 'lua/lib/look.lua'],
  [4766, 'lua/lib/mend.lua'],
  [4851, 'lua/functions/health/check.lua'],
  [4897, 'lua/functions/health/repair.lua'],
  [4933, 'lua/functions/health/rights.lua'],
  [4981, 'lua/functions/health/version.lua'],
  [4996, 'lua/lib/layout.lua'],
  [5043, 'lua/functions/layout/layout.lua'],
  [5088, 'lua/functions/layout/partition.lua'],
  [5184, 'lua/functions/layout/repartition.lua'],
  [5302, 'lua/functions/queue/events.lua'],
  [5381, 'lua/functions/queue/leave.lua'],
  [5418, 'lua/functions/queue/policy.lua'],
  [5548, 'lua/functions/queue/present.lua'],
  [5622, 'lua/functions/queue/stats.lua'],
]
