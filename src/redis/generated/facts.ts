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
  [271, 'lua/lib/texts.lua'],
  [302, 'lua/lib/keys.lua'],
  [351, 'lua/lib/message.lua'],
  [448, 'lua/lib/window.lua'],
  [650, 'lua/lib/claim_record.lua'],
  [743, 'lua/lib/clock.lua'],
  [760, 'lua/lib/watch.lua'],
  [883, 'lua/lib/figures.lua'],
  [989, 'lua/lib/dead.lua'],
  [1109, 'lua/lib/list.lua'],
  [1312, 'lua/lib/conversation.lua'],
  [1706, 'lua/lib/nonce.lua'],
  [1773, 'lua/lib/recover.lua'],
  [1916, 'lua/lib/dedupe.lua'],
  [2066, 'lua/lib/ends.lua'],
  [2106, 'lua/lib/layout.lua'],
  [2175, 'lua/lib/queue.lua'],
  [2296, 'lua/lib/stream.lua'],
  [2348, 'lua/lib/claim.lua'],
  [2654, 'lua/functions/batch/claim_ready.lua'],
  [2740, 'lua/functions/batch/complete.lua'],
  [2796, 'lua/functions/batch/extend.lua'],
  [2854, 'lua/functions/batch/fail.lua'],
  [3000, 'lua/functions/batch/forward.lua'],
  [3122, 'lua/functions/batch/release.lua'],
  [3196, 'lua/functions/conversation/add.lua'],
  [3511, 'lua/functions/conversation/erase.lua'],
  [3704, 'lua/functions/conversation/peek.lua'],
  [3774, 'lua/functions/dead/dead.lua'],
  [3827, 'lua/functions/dead/drop.lua'],
  [3868, 'lua/functions/dead/requeue.lua'],
  [3951, 'lua/lib/laws.lua'],
  [4232, 'lua/lib/look.lua'],
  [4318, 'lua/lib/mend.lua'],
  [4402, 'lua/functions/health/check.lua'],
  [4448, 'lua/functions/health/repair.lua'],
  [4483, 'lua/functions/health/rights.lua'],
  [4526, 'lua/functions/health/version.lua'],
  [4542, 'lua/functions/layout/layout.lua'],
  [4587, 'lua/functions/layout/partition.lua'],
  [4681, 'lua/functions/layout/repartition.lua'],
  [4794, 'lua/functions/queue/leave.lua'],
  [4828, 'lua/functions/queue/policy.lua'],
  [4960, 'lua/functions/queue/present.lua'],
  [5033, 'lua/functions/queue/stats.lua'],
]
