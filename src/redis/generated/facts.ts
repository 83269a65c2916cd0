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
  [5, 'lua/lib/reply.lua'],
  [37, 'lua/lib/args.lua'],
  [102, 'lua/lib/limits.lua'],
  [238, 'lua/lib/texts.lua'],
  [269, 'lua/lib/keys.lua'],
  [314, 'lua/lib/message.lua'],
  [411, 'lua/lib/window.lua'],
  [613, 'lua/lib/claim_record.lua'],
  [706, 'lua/lib/clock.lua'],
  [722, 'lua/lib/dead.lua'],
  [819, 'lua/lib/watch.lua'],
  [926, 'lua/lib/figures.lua'],
  [1017, 'lua/lib/list.lua'],
  [1218, 'lua/lib/conversation.lua'],
  [1615, 'lua/lib/nonce.lua'],
  [1682, 'lua/lib/recover.lua'],
  [1825, 'lua/lib/dedupe.lua'],
  [1975, 'lua/lib/layout.lua'],
  [2043, 'lua/lib/queue.lua'],
  [2157, 'lua/lib/claim.lua'],
  [2452, 'lua/lib/ends.lua'],
  [2476, 'lua/functions/batch/claim_ready.lua'],
  [2550, 'lua/functions/batch/complete.lua'],
  [2606, 'lua/functions/batch/extend.lua'],
  [2664, 'lua/functions/batch/fail.lua'],
  [2810, 'lua/functions/batch/forward.lua'],
  [2957, 'lua/functions/batch/release.lua'],
  [3031, 'lua/functions/conversation/add.lua'],
  [3333, 'lua/functions/conversation/peek.lua'],
  [3403, 'lua/functions/dead/dead.lua'],
  [3456, 'lua/functions/dead/drop.lua'],
  [3497, 'lua/functions/dead/requeue.lua'],
  [3580, 'lua/lib/laws.lua'],
  [3861, 'lua/lib/look.lua'],
  [3947, 'lua/lib/mend.lua'],
  [4031, 'lua/functions/health/check.lua'],
  [4077, 'lua/functions/health/repair.lua'],
  [4112, 'lua/functions/health/rights.lua'],
  [4155, 'lua/functions/health/version.lua'],
  [4171, 'lua/functions/layout/layout.lua'],
  [4216, 'lua/functions/layout/partition.lua'],
  [4307, 'lua/functions/layout/repartition.lua'],
  [4417, 'lua/functions/queue/leave.lua'],
  [4451, 'lua/functions/queue/policy.lua'],
  [4580, 'lua/functions/queue/present.lua'],
  [4653, 'lua/functions/queue/stats.lua'],
]
