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
  | 'stats'
  | 'version'

/** Functions that write nothing. */
export const READS: ReadonlySet<FunctionName> = new Set(['check', 'dead', 'layout', 'peek', 'stats', 'version'])

/** Where each Lua file begins in both builds: [first line, path], in order. */
export const LINES: readonly (readonly [number, string])[] = [
  [5, 'lua/lib/reply.lua'],
  [28, 'lua/lib/args.lua'],
  [93, 'lua/lib/limits.lua'],
  [231, 'lua/lib/texts.lua'],
  [262, 'lua/lib/keys.lua'],
  [311, 'lua/lib/message.lua'],
  [408, 'lua/lib/window.lua'],
  [610, 'lua/lib/claim_record.lua'],
  [703, 'lua/lib/clock.lua'],
  [719, 'lua/lib/dead.lua'],
  [819, 'lua/lib/watch.lua'],
  [926, 'lua/lib/figures.lua'],
  [1018, 'lua/lib/list.lua'],
  [1221, 'lua/lib/conversation.lua'],
  [1615, 'lua/lib/nonce.lua'],
  [1682, 'lua/lib/recover.lua'],
  [1825, 'lua/lib/dedupe.lua'],
  [1975, 'lua/lib/ends.lua'],
  [2015, 'lua/lib/layout.lua'],
  [2084, 'lua/lib/queue.lua'],
  [2194, 'lua/lib/stream.lua'],
  [2246, 'lua/lib/claim.lua'],
  [2542, 'lua/functions/batch/claim_ready.lua'],
  [2616, 'lua/functions/batch/complete.lua'],
  [2672, 'lua/functions/batch/extend.lua'],
  [2730, 'lua/functions/batch/fail.lua'],
  [2876, 'lua/functions/batch/forward.lua'],
  [2997, 'lua/functions/batch/release.lua'],
  [3071, 'lua/functions/conversation/add.lua'],
  [3373, 'lua/functions/conversation/erase.lua'],
  [3564, 'lua/functions/conversation/peek.lua'],
  [3634, 'lua/functions/dead/dead.lua'],
  [3687, 'lua/functions/dead/drop.lua'],
  [3728, 'lua/functions/dead/requeue.lua'],
  [3811, 'lua/lib/laws.lua'],
  [4092, 'lua/lib/look.lua'],
  [4184, 'lua/lib/mend.lua'],
  [4268, 'lua/functions/health/check.lua'],
  [4314, 'lua/functions/health/repair.lua'],
  [4349, 'lua/functions/health/version.lua'],
  [4365, 'lua/functions/layout/layout.lua'],
  [4410, 'lua/functions/layout/partition.lua'],
  [4501, 'lua/functions/layout/repartition.lua'],
  [4611, 'lua/functions/queue/leave.lua'],
  [4645, 'lua/functions/queue/policy.lua'],
  [4774, 'lua/functions/queue/present.lua'],
  [4847, 'lua/functions/queue/stats.lua'],
]
