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
  [12, 'lua/lib/texts.lua'],
  [71, 'lua/lib/reply.lua'],
  [108, 'lua/lib/args.lua'],
  [180, 'lua/lib/limits.lua'],
  [347, 'lua/lib/keys.lua'],
  [407, 'lua/lib/message.lua'],
  [504, 'lua/lib/window.lua'],
  [708, 'lua/lib/claim_record.lua'],
  [809, 'lua/lib/clock.lua'],
  [829, 'lua/lib/queue.lua'],
  [1024, 'lua/lib/watch.lua'],
  [1179, 'lua/lib/figures.lua'],
  [1289, 'lua/lib/list.lua'],
  [1490, 'lua/lib/dead.lua'],
  [1625, 'lua/lib/conversation.lua'],
  [2047, 'lua/lib/dedupe.lua'],
  [2186, 'lua/lib/layout.lua'],
  [2259, 'lua/lib/nonce.lua'],
  [2326, 'lua/lib/recover.lua'],
  [2463, 'lua/lib/ends.lua'],
  [2507, 'lua/lib/stream.lua'],
  [2562, 'lua/lib/claim.lua'],
  [2896, 'lua/functions/batch/claim_ready.lua'],
  [2982, 'lua/functions/batch/complete.lua'],
  [3038, 'lua/functions/batch/extend.lua'],
  [3096, 'lua/functions/batch/fail.lua'],
  [3242, 'lua/functions/batch/forward.lua'],
  [3362, 'lua/functions/batch/release.lua'],
  [3436, 'lua/functions/conversation/add.lua'],
  [3804, 'lua/functions/conversation/erase.lua'],
  [3995, 'lua/functions/conversation/peek.lua'],
  [4067, 'lua/functions/dead/dead.lua'],
  [4122, 'lua/functions/dead/drop.lua'],
  [4163, 'lua/functions/dead/requeue.lua'],
  [4246, 'lua/lib/laws.lua'],
  [4529, 'lua/lib/look.lua'],
  [4615, 'lua/lib/mend.lua'],
  [4699, 'lua/functions/health/check.lua'],
  [4745, 'lua/functions/health/repair.lua'],
  [4780, 'lua/functions/health/rights.lua'],
  [4828, 'lua/functions/health/version.lua'],
  [4844, 'lua/functions/layout/layout.lua'],
  [4889, 'lua/functions/layout/partition.lua'],
  [4984, 'lua/functions/layout/repartition.lua'],
  [5101, 'lua/functions/queue/leave.lua'],
  [5138, 'lua/functions/queue/policy.lua'],
  [5266, 'lua/functions/queue/present.lua'],
  [5340, 'lua/functions/queue/stats.lua'],
]
