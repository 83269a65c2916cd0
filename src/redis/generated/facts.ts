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
  [227, 'lua/lib/texts.lua'],
  [258, 'lua/lib/keys.lua'],
  [303, 'lua/lib/message.lua'],
  [400, 'lua/lib/window.lua'],
  [596, 'lua/lib/claim_record.lua'],
  [689, 'lua/lib/clock.lua'],
  [705, 'lua/lib/dead.lua'],
  [802, 'lua/lib/watch.lua'],
  [909, 'lua/lib/figures.lua'],
  [1000, 'lua/lib/list.lua'],
  [1199, 'lua/lib/conversation.lua'],
  [1596, 'lua/lib/nonce.lua'],
  [1663, 'lua/lib/recover.lua'],
  [1806, 'lua/lib/dedupe.lua'],
  [1956, 'lua/lib/layout.lua'],
  [2025, 'lua/lib/queue.lua'],
  [2137, 'lua/lib/claim.lua'],
  [2432, 'lua/lib/ends.lua'],
  [2456, 'lua/functions/batch/claim_ready.lua'],
  [2530, 'lua/functions/batch/complete.lua'],
  [2586, 'lua/functions/batch/extend.lua'],
  [2644, 'lua/functions/batch/fail.lua'],
  [2790, 'lua/functions/batch/forward.lua'],
  [2937, 'lua/functions/batch/release.lua'],
  [3011, 'lua/functions/conversation/add.lua'],
  [3313, 'lua/functions/conversation/peek.lua'],
  [3383, 'lua/functions/dead/dead.lua'],
  [3436, 'lua/functions/dead/drop.lua'],
  [3477, 'lua/functions/dead/requeue.lua'],
  [3560, 'lua/lib/laws.lua'],
  [3841, 'lua/lib/look.lua'],
  [3933, 'lua/lib/mend.lua'],
  [4017, 'lua/functions/health/check.lua'],
  [4063, 'lua/functions/health/repair.lua'],
  [4098, 'lua/functions/health/version.lua'],
  [4114, 'lua/functions/layout/layout.lua'],
  [4159, 'lua/functions/layout/partition.lua'],
  [4250, 'lua/functions/layout/repartition.lua'],
  [4360, 'lua/functions/queue/leave.lua'],
  [4394, 'lua/functions/queue/policy.lua'],
  [4523, 'lua/functions/queue/present.lua'],
  [4596, 'lua/functions/queue/stats.lua'],
]
