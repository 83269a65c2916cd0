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
  [11, 'lua/lib/reply.lua'],
  [48, 'lua/lib/args.lua'],
  [120, 'lua/lib/limits.lua'],
  [266, 'lua/lib/texts.lua'],
  [297, 'lua/lib/keys.lua'],
  [346, 'lua/lib/message.lua'],
  [443, 'lua/lib/window.lua'],
  [645, 'lua/lib/claim_record.lua'],
  [738, 'lua/lib/clock.lua'],
  [745, 'lua/lib/watch.lua'],
  [853, 'lua/lib/figures.lua'],
  [959, 'lua/lib/dead.lua'],
  [1079, 'lua/lib/list.lua'],
  [1282, 'lua/lib/conversation.lua'],
  [1676, 'lua/lib/nonce.lua'],
  [1743, 'lua/lib/recover.lua'],
  [1886, 'lua/lib/dedupe.lua'],
  [2036, 'lua/lib/ends.lua'],
  [2076, 'lua/lib/layout.lua'],
  [2144, 'lua/lib/queue.lua'],
  [2265, 'lua/lib/stream.lua'],
  [2317, 'lua/lib/claim.lua'],
  [2623, 'lua/functions/batch/claim_ready.lua'],
  [2708, 'lua/functions/batch/complete.lua'],
  [2764, 'lua/functions/batch/extend.lua'],
  [2822, 'lua/functions/batch/fail.lua'],
  [2968, 'lua/functions/batch/forward.lua'],
  [3090, 'lua/functions/batch/release.lua'],
  [3164, 'lua/functions/conversation/add.lua'],
  [3479, 'lua/functions/conversation/erase.lua'],
  [3670, 'lua/functions/conversation/peek.lua'],
  [3740, 'lua/functions/dead/dead.lua'],
  [3793, 'lua/functions/dead/drop.lua'],
  [3834, 'lua/functions/dead/requeue.lua'],
  [3917, 'lua/lib/laws.lua'],
  [4198, 'lua/lib/look.lua'],
  [4284, 'lua/lib/mend.lua'],
  [4368, 'lua/functions/health/check.lua'],
  [4414, 'lua/functions/health/repair.lua'],
  [4449, 'lua/functions/health/rights.lua'],
  [4492, 'lua/functions/health/version.lua'],
  [4508, 'lua/functions/layout/layout.lua'],
  [4553, 'lua/functions/layout/partition.lua'],
  [4647, 'lua/functions/layout/repartition.lua'],
  [4760, 'lua/functions/queue/leave.lua'],
  [4794, 'lua/functions/queue/policy.lua'],
  [4926, 'lua/functions/queue/present.lua'],
  [4999, 'lua/functions/queue/stats.lua'],
]
