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
  [775, 'lua/lib/watch.lua'],
  [907, 'lua/lib/figures.lua'],
  [1013, 'lua/lib/dead.lua'],
  [1133, 'lua/lib/list.lua'],
  [1336, 'lua/lib/conversation.lua'],
  [1731, 'lua/lib/nonce.lua'],
  [1798, 'lua/lib/recover.lua'],
  [1941, 'lua/lib/dedupe.lua'],
  [2091, 'lua/lib/ends.lua'],
  [2131, 'lua/lib/layout.lua'],
  [2200, 'lua/lib/queue.lua'],
  [2321, 'lua/lib/stream.lua'],
  [2373, 'lua/lib/claim.lua'],
  [2679, 'lua/functions/batch/claim_ready.lua'],
  [2765, 'lua/functions/batch/complete.lua'],
  [2821, 'lua/functions/batch/extend.lua'],
  [2879, 'lua/functions/batch/fail.lua'],
  [3025, 'lua/functions/batch/forward.lua'],
  [3147, 'lua/functions/batch/release.lua'],
  [3221, 'lua/functions/conversation/add.lua'],
  [3536, 'lua/functions/conversation/erase.lua'],
  [3727, 'lua/functions/conversation/peek.lua'],
  [3798, 'lua/functions/dead/dead.lua'],
  [3851, 'lua/functions/dead/drop.lua'],
  [3892, 'lua/functions/dead/requeue.lua'],
  [3975, 'lua/lib/laws.lua'],
  [4258, 'lua/lib/look.lua'],
  [4344, 'lua/lib/mend.lua'],
  [4428, 'lua/functions/health/check.lua'],
  [4474, 'lua/functions/health/repair.lua'],
  [4509, 'lua/functions/health/rights.lua'],
  [4557, 'lua/functions/health/version.lua'],
  [4573, 'lua/functions/layout/layout.lua'],
  [4618, 'lua/functions/layout/partition.lua'],
  [4712, 'lua/functions/layout/repartition.lua'],
  [4825, 'lua/functions/queue/leave.lua'],
  [4862, 'lua/functions/queue/policy.lua'],
  [4994, 'lua/functions/queue/present.lua'],
  [5068, 'lua/functions/queue/stats.lua'],
]
