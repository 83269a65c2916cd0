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
  [1030, 'lua/lib/watch.lua'],
  [1175, 'lua/lib/figures.lua'],
  [1281, 'lua/lib/list.lua'],
  [1482, 'lua/lib/dead.lua'],
  [1616, 'lua/lib/conversation.lua'],
  [2038, 'lua/lib/dedupe.lua'],
  [2177, 'lua/lib/layout.lua'],
  [2247, 'lua/lib/nonce.lua'],
  [2314, 'lua/lib/recover.lua'],
  [2451, 'lua/lib/ends.lua'],
  [2495, 'lua/lib/stream.lua'],
  [2550, 'lua/lib/claim.lua'],
  [2884, 'lua/functions/batch/claim_ready.lua'],
  [2971, 'lua/functions/batch/complete.lua'],
  [3027, 'lua/functions/batch/extend.lua'],
  [3085, 'lua/functions/batch/fail.lua'],
  [3231, 'lua/functions/batch/forward.lua'],
  [3351, 'lua/functions/batch/release.lua'],
  [3425, 'lua/functions/conversation/add.lua'],
  [3796, 'lua/functions/conversation/erase.lua'],
  [3987, 'lua/functions/conversation/peek.lua'],
  [4059, 'lua/functions/dead/dead.lua'],
  [4112, 'lua/functions/dead/drop.lua'],
  [4153, 'lua/functions/dead/requeue.lua'],
  [4236, 'lua/lib/laws.lua'],
  [4519, 'lua/lib/look.lua'],
  [4605, 'lua/lib/mend.lua'],
  [4689, 'lua/functions/health/check.lua'],
  [4735, 'lua/functions/health/repair.lua'],
  [4770, 'lua/functions/health/rights.lua'],
  [4818, 'lua/functions/health/version.lua'],
  [4834, 'lua/functions/layout/layout.lua'],
  [4879, 'lua/functions/layout/partition.lua'],
  [4974, 'lua/functions/layout/repartition.lua'],
  [5091, 'lua/functions/queue/leave.lua'],
  [5125, 'lua/functions/queue/policy.lua'],
  [5253, 'lua/functions/queue/present.lua'],
  [5326, 'lua/functions/queue/stats.lua'],
]
