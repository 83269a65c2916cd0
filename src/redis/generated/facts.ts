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
  [348, 'lua/lib/keys.lua'],
  [408, 'lua/lib/message.lua'],
  [509, 'lua/lib/window.lua'],
  [713, 'lua/lib/claim_record.lua'],
  [814, 'lua/lib/clock.lua'],
  [825, 'lua/lib/events.lua'],
  [874, 'lua/lib/queue.lua'],
  [1070, 'lua/lib/watch.lua'],
  [1225, 'lua/lib/figures.lua'],
  [1335, 'lua/lib/list.lua'],
  [1536, 'lua/lib/dead.lua'],
  [1674, 'lua/lib/conversation.lua'],
  [2097, 'lua/lib/dedupe.lua'],
  [2253, 'lua/lib/nonce.lua'],
  [2320, 'lua/lib/recover.lua'],
  [2458, 'lua/lib/serving.lua'],
  [2480, 'lua/lib/ends.lua'],
  [2524, 'lua/lib/stream.lua'],
  [2577, 'lua/lib/claim.lua'],
  [2883, 'lua/functions/batch/claim_ready.lua'],
  [3019, 'lua/functions/batch/complete.lua'],
  [3081, 'lua/functions/batch/extend.lua'],
  [3139, 'lua/functions/batch/fail.lua'],
  [3300, 'lua/functions/batch/forward.lua'],
  [3436, 'lua/functions/batch/release.lua'],
  [3514, 'lua/functions/conversation/add.lua'],
  [3891, 'lua/functions/conversation/erase.lua'],
  [4128, 'lua/functions/conversation/peek.lua'],
  [4200, 'lua/functions/dead/dead.lua'],
  [4255, 'lua/functions/dead/drop.lua'],
  [4296, 'lua/functions/dead/requeue.lua'],
  [4382, 'lua/lib/laws.lua'],
  [4665, 'lua/lib/look.lua'],
  [4751, 'lua/lib/mend.lua'],
  [4836, 'lua/functions/health/check.lua'],
  [4882, 'lua/functions/health/repair.lua'],
  [4918, 'lua/functions/health/rights.lua'],
  [4966, 'lua/functions/health/version.lua'],
  [4981, 'lua/lib/layout.lua'],
  [5028, 'lua/functions/layout/layout.lua'],
  [5073, 'lua/functions/layout/partition.lua'],
  [5169, 'lua/functions/layout/repartition.lua'],
  [5287, 'lua/functions/queue/events.lua'],
  [5366, 'lua/functions/queue/leave.lua'],
  [5403, 'lua/functions/queue/policy.lua'],
  [5533, 'lua/functions/queue/present.lua'],
  [5607, 'lua/functions/queue/stats.lua'],
]
