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
  [11, 'lua/lib/reply.lua'],
  [48, 'lua/lib/args.lua'],
  [120, 'lua/lib/limits.lua'],
  [257, 'lua/lib/texts.lua'],
  [288, 'lua/lib/keys.lua'],
  [333, 'lua/lib/message.lua'],
  [430, 'lua/lib/window.lua'],
  [632, 'lua/lib/claim_record.lua'],
  [725, 'lua/lib/clock.lua'],
  [732, 'lua/lib/watch.lua'],
  [840, 'lua/lib/figures.lua'],
  [945, 'lua/lib/dead.lua'],
  [1051, 'lua/lib/list.lua'],
  [1252, 'lua/lib/conversation.lua'],
  [1649, 'lua/lib/nonce.lua'],
  [1716, 'lua/lib/recover.lua'],
  [1859, 'lua/lib/dedupe.lua'],
  [2009, 'lua/lib/layout.lua'],
  [2077, 'lua/lib/queue.lua'],
  [2196, 'lua/lib/claim.lua'],
  [2501, 'lua/lib/ends.lua'],
  [2525, 'lua/functions/batch/claim_ready.lua'],
  [2609, 'lua/functions/batch/complete.lua'],
  [2665, 'lua/functions/batch/extend.lua'],
  [2723, 'lua/functions/batch/fail.lua'],
  [2869, 'lua/functions/batch/forward.lua'],
  [3016, 'lua/functions/batch/release.lua'],
  [3090, 'lua/functions/conversation/add.lua'],
  [3392, 'lua/functions/conversation/peek.lua'],
  [3462, 'lua/functions/dead/dead.lua'],
  [3515, 'lua/functions/dead/drop.lua'],
  [3556, 'lua/functions/dead/requeue.lua'],
  [3639, 'lua/lib/laws.lua'],
  [3920, 'lua/lib/look.lua'],
  [4006, 'lua/lib/mend.lua'],
  [4090, 'lua/functions/health/check.lua'],
  [4136, 'lua/functions/health/repair.lua'],
  [4171, 'lua/functions/health/rights.lua'],
  [4214, 'lua/functions/health/version.lua'],
  [4230, 'lua/functions/layout/layout.lua'],
  [4275, 'lua/functions/layout/partition.lua'],
  [4366, 'lua/functions/layout/repartition.lua'],
  [4476, 'lua/functions/queue/leave.lua'],
  [4510, 'lua/functions/queue/policy.lua'],
  [4639, 'lua/functions/queue/present.lua'],
  [4712, 'lua/functions/queue/stats.lua'],
]
