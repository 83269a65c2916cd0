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
  | 'stats'
  | 'version'

/** Functions that write nothing. */
export const READS: ReadonlySet<FunctionName> = new Set(['check', 'dead', 'layout', 'peek', 'stats', 'version'])

/** Where each Lua file begins in both builds: [first line, path], in order. */
export const LINES: readonly (readonly [number, string])[] = [
  [5, 'lua/lib/reply.lua'],
  [28, 'lua/lib/args.lua'],
  [93, 'lua/lib/limits.lua'],
  [221, 'lua/lib/texts.lua'],
  [252, 'lua/lib/keys.lua'],
  [297, 'lua/lib/message.lua'],
  [388, 'lua/lib/window.lua'],
  [587, 'lua/lib/claim_record.lua'],
  [670, 'lua/lib/clock.lua'],
  [684, 'lua/lib/dead.lua'],
  [775, 'lua/lib/watch.lua'],
  [882, 'lua/lib/figures.lua'],
  [973, 'lua/lib/list.lua'],
  [1170, 'lua/lib/conversation.lua'],
  [1556, 'lua/lib/nonce.lua'],
  [1623, 'lua/lib/recover.lua'],
  [1766, 'lua/lib/dedupe.lua'],
  [1910, 'lua/lib/layout.lua'],
  [1979, 'lua/lib/queue.lua'],
  [2091, 'lua/lib/claim.lua'],
  [2387, 'lua/functions/batch/claim_ready.lua'],
  [2461, 'lua/functions/batch/complete.lua'],
  [2517, 'lua/functions/batch/extend.lua'],
  [2575, 'lua/functions/batch/fail.lua'],
  [2668, 'lua/functions/batch/forward.lua'],
  [2815, 'lua/functions/batch/release.lua'],
  [2871, 'lua/functions/conversation/add.lua'],
  [3173, 'lua/functions/conversation/peek.lua'],
  [3243, 'lua/functions/dead/dead.lua'],
  [3296, 'lua/functions/dead/drop.lua'],
  [3337, 'lua/functions/dead/requeue.lua'],
  [3420, 'lua/lib/laws.lua'],
  [3701, 'lua/lib/look.lua'],
  [3793, 'lua/lib/mend.lua'],
  [3874, 'lua/functions/health/check.lua'],
  [3920, 'lua/functions/health/repair.lua'],
  [3955, 'lua/functions/health/version.lua'],
  [3971, 'lua/functions/layout/layout.lua'],
  [4016, 'lua/functions/layout/partition.lua'],
  [4107, 'lua/functions/layout/repartition.lua'],
  [4217, 'lua/functions/queue/leave.lua'],
  [4251, 'lua/functions/queue/policy.lua'],
  [4380, 'lua/functions/queue/present.lua'],
  [4453, 'lua/functions/queue/stats.lua'],
]
