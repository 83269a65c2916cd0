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
  [11, 'lua/lib/texts.lua'],
  [67, 'lua/lib/reply.lua'],
  [104, 'lua/lib/args.lua'],
  [176, 'lua/lib/limits.lua'],
  [343, 'lua/lib/keys.lua'],
  [408, 'lua/lib/message.lua'],
  [505, 'lua/lib/window.lua'],
  [709, 'lua/lib/claim_record.lua'],
  [810, 'lua/lib/clock.lua'],
  [830, 'lua/lib/queue.lua'],
  [1031, 'lua/lib/watch.lua'],
  [1186, 'lua/lib/figures.lua'],
  [1292, 'lua/lib/list.lua'],
  [1493, 'lua/lib/dead.lua'],
  [1627, 'lua/lib/conversation.lua'],
  [2049, 'lua/lib/dedupe.lua'],
  [2188, 'lua/lib/layout.lua'],
  [2263, 'lua/lib/nonce.lua'],
  [2330, 'lua/lib/recover.lua'],
  [2467, 'lua/lib/ends.lua'],
  [2511, 'lua/lib/stream.lua'],
  [2566, 'lua/lib/claim.lua'],
  [2900, 'lua/functions/batch/claim_ready.lua'],
  [2987, 'lua/functions/batch/complete.lua'],
  [3043, 'lua/functions/batch/extend.lua'],
  [3101, 'lua/functions/batch/fail.lua'],
  [3247, 'lua/functions/batch/forward.lua'],
  [3367, 'lua/functions/batch/release.lua'],
  [3441, 'lua/functions/conversation/add.lua'],
  [3812, 'lua/functions/conversation/erase.lua'],
  [4003, 'lua/functions/conversation/peek.lua'],
  [4075, 'lua/functions/dead/dead.lua'],
  [4128, 'lua/functions/dead/drop.lua'],
  [4169, 'lua/functions/dead/requeue.lua'],
  [4252, 'lua/lib/laws.lua'],
  [4535, 'lua/lib/look.lua'],
  [4621, 'lua/lib/mend.lua'],
  [4705, 'lua/functions/health/check.lua'],
  [4751, 'lua/functions/health/repair.lua'],
  [4786, 'lua/functions/health/rights.lua'],
  [4834, 'lua/functions/health/version.lua'],
  [4850, 'lua/functions/layout/layout.lua'],
  [4895, 'lua/functions/layout/partition.lua'],
  [4990, 'lua/functions/layout/repartition.lua'],
  [5107, 'lua/functions/queue/leave.lua'],
  [5144, 'lua/functions/queue/policy.lua'],
  [5272, 'lua/functions/queue/present.lua'],
  [5346, 'lua/functions/queue/stats.lua'],
]
