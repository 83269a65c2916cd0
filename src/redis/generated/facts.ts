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
  [656, 'lua/lib/claim_record.lua'],
  [757, 'lua/lib/clock.lua'],
  [774, 'lua/lib/watch.lua'],
  [896, 'lua/lib/figures.lua'],
  [1002, 'lua/lib/dead.lua'],
  [1122, 'lua/lib/list.lua'],
  [1330, 'lua/lib/conversation.lua'],
  [1725, 'lua/lib/nonce.lua'],
  [1792, 'lua/lib/recover.lua'],
  [1937, 'lua/lib/dedupe.lua'],
  [2087, 'lua/lib/ends.lua'],
  [2127, 'lua/lib/layout.lua'],
  [2196, 'lua/lib/queue.lua'],
  [2317, 'lua/lib/stream.lua'],
  [2369, 'lua/lib/claim.lua'],
  [2675, 'lua/functions/batch/claim_ready.lua'],
  [2761, 'lua/functions/batch/complete.lua'],
  [2817, 'lua/functions/batch/extend.lua'],
  [2875, 'lua/functions/batch/fail.lua'],
  [3021, 'lua/functions/batch/forward.lua'],
  [3143, 'lua/functions/batch/release.lua'],
  [3217, 'lua/functions/conversation/add.lua'],
  [3532, 'lua/functions/conversation/erase.lua'],
  [3723, 'lua/functions/conversation/peek.lua'],
  [3794, 'lua/functions/dead/dead.lua'],
  [3847, 'lua/functions/dead/drop.lua'],
  [3888, 'lua/functions/dead/requeue.lua'],
  [3971, 'lua/lib/laws.lua'],
  [4254, 'lua/lib/look.lua'],
  [4340, 'lua/lib/mend.lua'],
  [4424, 'lua/functions/health/check.lua'],
  [4470, 'lua/functions/health/repair.lua'],
  [4505, 'lua/functions/health/rights.lua'],
  [4553, 'lua/functions/health/version.lua'],
  [4569, 'lua/functions/layout/layout.lua'],
  [4614, 'lua/functions/layout/partition.lua'],
  [4708, 'lua/functions/layout/repartition.lua'],
  [4821, 'lua/functions/queue/leave.lua'],
  [4855, 'lua/functions/queue/policy.lua'],
  [4987, 'lua/functions/queue/present.lua'],
  [5060, 'lua/functions/queue/stats.lua'],
]
