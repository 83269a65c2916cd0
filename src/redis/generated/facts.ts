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
  [459, 'lua/lib/args.lua'],
  [539, 'lua/lib/window.lua'],
  [743, 'lua/lib/claim_record.lua'],
  [844, 'lua/lib/clock.lua'],
  [855, 'lua/lib/events.lua'],
  [905, 'lua/lib/queue.lua'],
  [1106, 'lua/lib/watch.lua'],
  [1261, 'lua/lib/figures.lua'],
  [1373, 'lua/lib/list.lua'],
  [1600, 'lua/lib/dead.lua'],
  [1739, 'lua/lib/conversation.lua'],
  [2163, 'lua/lib/dedupe.lua'],
  [2320, 'lua/lib/nonce.lua'],
  [2387, 'lua/lib/recover.lua'],
  [2525, 'lua/lib/serving.lua'],
  [2547, 'lua/lib/ends.lua'],
  [2591, 'lua/lib/stream.lua'],
  [2641, 'lua/lib/archive.lua'],
  [2749, 'lua/lib/claim.lua'],
  [3055, 'lua/functions/batch/claim_ready.lua'],
  [3195, 'lua/functions/batch/complete.lua'],
  [3304, 'lua/functions/batch/extend.lua'],
  [3362, 'lua/functions/batch/fail.lua'],
  [3523, 'lua/functions/batch/forward.lua'],
  [3659, 'lua/functions/batch/release.lua'],
  [3739, 'lua/lib/change.lua'],
  [3808, 'lua/functions/conversation/add.lua'],
  [4217, 'lua/functions/conversation/erase.lua'],
  [4484, 'lua/functions/conversation/peek.lua'],
  [4554, 'lua/functions/conversation/trace.lua'],
  [4822, 'lua/functions/dead/dead.lua'],
  [4877, 'lua/functions/dead/drop.lua'],
  [4918, 'lua/functions/dead/requeue.lua'],
  [5004, 'lua/lib/laws.lua'],
  [5296, 'lua/lib/look.lua'],
  [5389, 'lua/lib/mend.lua'],
  [5491, 'lua/functions/health/check.lua'],
  [5537, 'lua/functions/health/repair.lua'],
  [5573, 'lua/functions/health/rights.lua'],
  [5621, 'lua/functions/health/version.lua'],
  [5636, 'lua/lib/layout.lua'],
  [5680, 'lua/functions/layout/layout.lua'],
  [5725, 'lua/functions/layout/partition.lua'],
  [5823, 'lua/functions/layout/repartition.lua'],
  [5943, 'lua/functions/queue/archived.lua'],
  [6031, 'lua/functions/queue/events.lua'],
  [6110, 'lua/functions/queue/leave.lua'],
  [6147, 'lua/functions/queue/policy.lua'],
  [6280, 'lua/functions/queue/present.lua'],
  [6354, 'lua/functions/queue/stats.lua'],
]
