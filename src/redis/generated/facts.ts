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
  [1253, 'lua/lib/dead.lua'],
  [1373, 'lua/lib/list.lua'],
  [1578, 'lua/lib/conversation.lua'],
  [1995, 'lua/lib/dedupe.lua'],
  [2130, 'lua/lib/layout.lua'],
  [2200, 'lua/lib/nonce.lua'],
  [2267, 'lua/lib/recover.lua'],
  [2402, 'lua/lib/ends.lua'],
  [2446, 'lua/lib/stream.lua'],
  [2501, 'lua/lib/claim.lua'],
  [2833, 'lua/functions/batch/claim_ready.lua'],
  [2920, 'lua/functions/batch/complete.lua'],
  [2976, 'lua/functions/batch/extend.lua'],
  [3034, 'lua/functions/batch/fail.lua'],
  [3180, 'lua/functions/batch/forward.lua'],
  [3300, 'lua/functions/batch/release.lua'],
  [3374, 'lua/functions/conversation/add.lua'],
  [3744, 'lua/functions/conversation/erase.lua'],
  [3935, 'lua/functions/conversation/peek.lua'],
  [4007, 'lua/functions/dead/dead.lua'],
  [4060, 'lua/functions/dead/drop.lua'],
  [4101, 'lua/functions/dead/requeue.lua'],
  [4184, 'lua/lib/laws.lua'],
  [4467, 'lua/lib/look.lua'],
  [4553, 'lua/lib/mend.lua'],
  [4637, 'lua/functions/health/check.lua'],
  [4683, 'lua/functions/health/repair.lua'],
  [4718, 'lua/functions/health/rights.lua'],
  [4766, 'lua/functions/health/version.lua'],
  [4782, 'lua/functions/layout/layout.lua'],
  [4827, 'lua/functions/layout/partition.lua'],
  [4922, 'lua/functions/layout/repartition.lua'],
  [5039, 'lua/functions/queue/leave.lua'],
  [5073, 'lua/functions/queue/policy.lua'],
  [5208, 'lua/functions/queue/present.lua'],
  [5281, 'lua/functions/queue/stats.lua'],
]
