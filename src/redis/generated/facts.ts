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
export const READS: ReadonlySet<FunctionName> = new Set(['check', 'dead', 'layout', 'peek', 'rights', 'stats', 'version'])

/** Where each Lua file begins in both builds: [first line, path], in order. */
export const LINES: readonly (readonly [number, string])[] = [
  [10, 'lua/lib/texts.lua'],
  [50, 'lua/lib/reply.lua'],
  [87, 'lua/lib/args.lua'],
  [159, 'lua/lib/limits.lua'],
  [308, 'lua/lib/keys.lua'],
  [357, 'lua/lib/message.lua'],
  [454, 'lua/lib/window.lua'],
  [657, 'lua/lib/claim_record.lua'],
  [758, 'lua/lib/clock.lua'],
  [775, 'lua/lib/watch.lua'],
  [897, 'lua/lib/figures.lua'],
  [1003, 'lua/lib/dead.lua'],
  [1123, 'lua/lib/list.lua'],
  [1326, 'lua/lib/conversation.lua'],
  [1721, 'lua/lib/nonce.lua'],
  [1788, 'lua/lib/recover.lua'],
  [1931, 'lua/lib/dedupe.lua'],
  [2081, 'lua/lib/ends.lua'],
  [2121, 'lua/lib/layout.lua'],
  [2190, 'lua/lib/queue.lua'],
  [2311, 'lua/lib/stream.lua'],
  [2363, 'lua/lib/claim.lua'],
  [2669, 'lua/functions/batch/claim_ready.lua'],
  [2755, 'lua/functions/batch/complete.lua'],
  [2811, 'lua/functions/batch/extend.lua'],
  [2869, 'lua/functions/batch/fail.lua'],
  [3015, 'lua/functions/batch/forward.lua'],
  [3137, 'lua/functions/batch/release.lua'],
  [3211, 'lua/functions/conversation/add.lua'],
  [3526, 'lua/functions/conversation/erase.lua'],
  [3717, 'lua/functions/conversation/peek.lua'],
  [3788, 'lua/functions/dead/dead.lua'],
  [3841, 'lua/functions/dead/drop.lua'],
  [3882, 'lua/functions/dead/requeue.lua'],
  [3965, 'lua/lib/laws.lua'],
  [4248, 'lua/lib/look.lua'],
  [4334, 'lua/lib/mend.lua'],
  [4418, 'lua/functions/health/check.lua'],
  [4464, 'lua/functions/health/repair.lua'],
  [4499, 'lua/functions/health/rights.lua'],
  [4547, 'lua/functions/health/version.lua'],
  [4563, 'lua/functions/layout/layout.lua'],
  [4608, 'lua/functions/layout/partition.lua'],
  [4702, 'lua/functions/layout/repartition.lua'],
  [4815, 'lua/functions/queue/leave.lua'],
  [4849, 'lua/functions/queue/policy.lua'],
  [4981, 'lua/functions/queue/present.lua'],
  [5054, 'lua/functions/queue/stats.lua'],
]
