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
  [205, 'lua/lib/texts.lua'],
  [236, 'lua/lib/keys.lua'],
  [281, 'lua/lib/message.lua'],
  [369, 'lua/lib/window.lua'],
  [560, 'lua/lib/claim_record.lua'],
  [643, 'lua/lib/clock.lua'],
  [657, 'lua/lib/dead.lua'],
  [733, 'lua/lib/watch.lua'],
  [840, 'lua/lib/figures.lua'],
  [931, 'lua/lib/list.lua'],
  [1063, 'lua/lib/conversation.lua'],
  [1457, 'lua/lib/nonce.lua'],
  [1524, 'lua/lib/recover.lua'],
  [1666, 'lua/lib/dedupe.lua'],
  [1810, 'lua/lib/layout.lua'],
  [1879, 'lua/lib/queue.lua'],
  [1991, 'lua/lib/claim.lua'],
  [2287, 'lua/functions/batch/claim_ready.lua'],
  [2361, 'lua/functions/batch/complete.lua'],
  [2417, 'lua/functions/batch/extend.lua'],
  [2475, 'lua/functions/batch/fail.lua'],
  [2568, 'lua/functions/batch/forward.lua'],
  [2715, 'lua/functions/batch/release.lua'],
  [2771, 'lua/functions/conversation/add.lua'],
  [3046, 'lua/functions/conversation/peek.lua'],
  [3103, 'lua/functions/dead/dead.lua'],
  [3156, 'lua/functions/dead/drop.lua'],
  [3197, 'lua/functions/dead/requeue.lua'],
  [3279, 'lua/lib/laws.lua'],
  [3560, 'lua/lib/look.lua'],
  [3648, 'lua/lib/mend.lua'],
  [3716, 'lua/functions/health/check.lua'],
  [3762, 'lua/functions/health/repair.lua'],
  [3793, 'lua/functions/health/version.lua'],
  [3809, 'lua/functions/layout/layout.lua'],
  [3854, 'lua/functions/layout/partition.lua'],
  [3945, 'lua/functions/layout/repartition.lua'],
  [4055, 'lua/functions/queue/leave.lua'],
  [4089, 'lua/functions/queue/policy.lua'],
  [4218, 'lua/functions/queue/present.lua'],
  [4291, 'lua/functions/queue/stats.lua'],
]
