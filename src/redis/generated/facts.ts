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
  [203, 'lua/lib/texts.lua'],
  [234, 'lua/lib/keys.lua'],
  [279, 'lua/lib/message.lua'],
  [363, 'lua/lib/window.lua'],
  [447, 'lua/lib/claim_record.lua'],
  [530, 'lua/lib/clock.lua'],
  [544, 'lua/lib/dead.lua'],
  [620, 'lua/lib/watch.lua'],
  [727, 'lua/lib/figures.lua'],
  [818, 'lua/lib/list.lua'],
  [950, 'lua/lib/conversation.lua'],
  [1329, 'lua/lib/nonce.lua'],
  [1396, 'lua/lib/recover.lua'],
  [1538, 'lua/lib/dedupe.lua'],
  [1682, 'lua/lib/layout.lua'],
  [1751, 'lua/lib/queue.lua'],
  [1869, 'lua/lib/claim.lua'],
  [2131, 'lua/functions/batch/claim_ready.lua'],
  [2204, 'lua/functions/batch/complete.lua'],
  [2260, 'lua/functions/batch/extend.lua'],
  [2318, 'lua/functions/batch/fail.lua'],
  [2411, 'lua/functions/batch/forward.lua'],
  [2558, 'lua/functions/batch/release.lua'],
  [2614, 'lua/functions/conversation/add.lua'],
  [2892, 'lua/functions/conversation/peek.lua'],
  [2948, 'lua/functions/dead/dead.lua'],
  [3001, 'lua/functions/dead/drop.lua'],
  [3042, 'lua/functions/dead/requeue.lua'],
  [3124, 'lua/lib/laws.lua'],
  [3405, 'lua/lib/look.lua'],
  [3493, 'lua/lib/mend.lua'],
  [3561, 'lua/functions/health/check.lua'],
  [3607, 'lua/functions/health/repair.lua'],
  [3638, 'lua/functions/health/version.lua'],
  [3654, 'lua/functions/layout/layout.lua'],
  [3699, 'lua/functions/layout/partition.lua'],
  [3789, 'lua/functions/layout/repartition.lua'],
  [3898, 'lua/functions/queue/leave.lua'],
  [3932, 'lua/functions/queue/policy.lua'],
  [4060, 'lua/functions/queue/present.lua'],
  [4133, 'lua/functions/queue/stats.lua'],
]
