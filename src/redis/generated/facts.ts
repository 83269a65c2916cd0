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
  [343, 'lua/lib/keys.lua'],
  [408, 'lua/lib/message.lua'],
  [505, 'lua/lib/window.lua'],
  [709, 'lua/lib/claim_record.lua'],
  [810, 'lua/lib/clock.lua'],
  [830, 'lua/lib/queue.lua'],
  [1032, 'lua/lib/watch.lua'],
  [1177, 'lua/lib/figures.lua'],
  [1283, 'lua/lib/list.lua'],
  [1484, 'lua/lib/dead.lua'],
  [1618, 'lua/lib/conversation.lua'],
  [2040, 'lua/lib/dedupe.lua'],
  [2179, 'lua/lib/layout.lua'],
  [2252, 'lua/lib/nonce.lua'],
  [2319, 'lua/lib/recover.lua'],
  [2456, 'lua/lib/ends.lua'],
  [2500, 'lua/lib/stream.lua'],
  [2555, 'lua/lib/claim.lua'],
  [2889, 'lua/functions/batch/claim_ready.lua'],
  [2976, 'lua/functions/batch/complete.lua'],
  [3032, 'lua/functions/batch/extend.lua'],
  [3090, 'lua/functions/batch/fail.lua'],
  [3236, 'lua/functions/batch/forward.lua'],
  [3356, 'lua/functions/batch/release.lua'],
  [3430, 'lua/functions/conversation/add.lua'],
  [3801, 'lua/functions/conversation/erase.lua'],
  [3992, 'lua/functions/conversation/peek.lua'],
  [4064, 'lua/functions/dead/dead.lua'],
  [4117, 'lua/functions/dead/drop.lua'],
  [4158, 'lua/functions/dead/requeue.lua'],
  [4241, 'lua/lib/laws.lua'],
  [4524, 'lua/lib/look.lua'],
  [4610, 'lua/lib/mend.lua'],
  [4694, 'lua/functions/health/check.lua'],
  [4740, 'lua/functions/health/repair.lua'],
  [4775, 'lua/functions/health/rights.lua'],
  [4823, 'lua/functions/health/version.lua'],
  [4839, 'lua/functions/layout/layout.lua'],
  [4884, 'lua/functions/layout/partition.lua'],
  [4979, 'lua/functions/layout/repartition.lua'],
  [5096, 'lua/functions/queue/leave.lua'],
  [5130, 'lua/functions/queue/policy.lua'],
  [5258, 'lua/functions/queue/present.lua'],
  [5331, 'lua/functions/queue/stats.lua'],
]
