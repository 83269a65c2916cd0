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
  [256, 'lua/lib/texts.lua'],
  [287, 'lua/lib/keys.lua'],
  [332, 'lua/lib/message.lua'],
  [429, 'lua/lib/window.lua'],
  [631, 'lua/lib/claim_record.lua'],
  [724, 'lua/lib/clock.lua'],
  [731, 'lua/lib/watch.lua'],
  [839, 'lua/lib/figures.lua'],
  [944, 'lua/lib/dead.lua'],
  [1050, 'lua/lib/list.lua'],
  [1251, 'lua/lib/conversation.lua'],
  [1648, 'lua/lib/nonce.lua'],
  [1715, 'lua/lib/recover.lua'],
  [1858, 'lua/lib/dedupe.lua'],
  [2008, 'lua/lib/layout.lua'],
  [2076, 'lua/lib/queue.lua'],
  [2195, 'lua/lib/claim.lua'],
  [2490, 'lua/lib/ends.lua'],
  [2514, 'lua/functions/batch/claim_ready.lua'],
  [2588, 'lua/functions/batch/complete.lua'],
  [2644, 'lua/functions/batch/extend.lua'],
  [2702, 'lua/functions/batch/fail.lua'],
  [2848, 'lua/functions/batch/forward.lua'],
  [2995, 'lua/functions/batch/release.lua'],
  [3069, 'lua/functions/conversation/add.lua'],
  [3371, 'lua/functions/conversation/peek.lua'],
  [3441, 'lua/functions/dead/dead.lua'],
  [3494, 'lua/functions/dead/drop.lua'],
  [3535, 'lua/functions/dead/requeue.lua'],
  [3618, 'lua/lib/laws.lua'],
  [3899, 'lua/lib/look.lua'],
  [3985, 'lua/lib/mend.lua'],
  [4069, 'lua/functions/health/check.lua'],
  [4115, 'lua/functions/health/repair.lua'],
  [4150, 'lua/functions/health/rights.lua'],
  [4193, 'lua/functions/health/version.lua'],
  [4209, 'lua/functions/layout/layout.lua'],
  [4254, 'lua/functions/layout/partition.lua'],
  [4345, 'lua/functions/layout/repartition.lua'],
  [4455, 'lua/functions/queue/leave.lua'],
  [4489, 'lua/functions/queue/policy.lua'],
  [4618, 'lua/functions/queue/present.lua'],
  [4691, 'lua/functions/queue/stats.lua'],
]
