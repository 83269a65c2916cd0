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
  [344, 'lua/lib/keys.lua'],
  [412, 'lua/lib/message.lua'],
  [508, 'lua/lib/window.lua'],
  [703, 'lua/lib/claim_record.lua'],
  [804, 'lua/lib/clock.lua'],
  [824, 'lua/lib/queue.lua'],
  [1004, 'lua/lib/watch.lua'],
  [1147, 'lua/lib/figures.lua'],
  [1253, 'lua/lib/list.lua'],
  [1454, 'lua/lib/dead.lua'],
  [1588, 'lua/lib/conversation.lua'],
  [2006, 'lua/lib/dedupe.lua'],
  [2145, 'lua/lib/layout.lua'],
  [2215, 'lua/lib/nonce.lua'],
  [2282, 'lua/lib/recover.lua'],
  [2419, 'lua/lib/ends.lua'],
  [2463, 'lua/lib/stream.lua'],
  [2518, 'lua/lib/claim.lua'],
  [2850, 'lua/functions/batch/claim_ready.lua'],
  [2937, 'lua/functions/batch/complete.lua'],
  [2993, 'lua/functions/batch/extend.lua'],
  [3051, 'lua/functions/batch/fail.lua'],
  [3197, 'lua/functions/batch/forward.lua'],
  [3317, 'lua/functions/batch/release.lua'],
  [3391, 'lua/functions/conversation/add.lua'],
  [3762, 'lua/functions/conversation/erase.lua'],
  [3953, 'lua/functions/conversation/peek.lua'],
  [4025, 'lua/functions/dead/dead.lua'],
  [4078, 'lua/functions/dead/drop.lua'],
  [4119, 'lua/functions/dead/requeue.lua'],
  [4202, 'lua/lib/laws.lua'],
  [4485, 'lua/lib/look.lua'],
  [4571, 'lua/lib/mend.lua'],
  [4655, 'lua/functions/health/check.lua'],
  [4701, 'lua/functions/health/repair.lua'],
  [4736, 'lua/functions/health/rights.lua'],
  [4784, 'lua/functions/health/version.lua'],
  [4800, 'lua/functions/layout/layout.lua'],
  [4845, 'lua/functions/layout/partition.lua'],
  [4940, 'lua/functions/layout/repartition.lua'],
  [5057, 'lua/functions/queue/leave.lua'],
  [5091, 'lua/functions/queue/policy.lua'],
  [5226, 'lua/functions/queue/present.lua'],
  [5299, 'lua/functions/queue/stats.lua'],
]
