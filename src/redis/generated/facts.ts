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
  | 'stats'
  | 'version'

/** Functions that write nothing. */
export const READS: ReadonlySet<FunctionName> = new Set(['check', 'dead', 'layout', 'peek', 'stats', 'version'])

/** Where each Lua file begins in both builds: [first line, path], in order. */
export const LINES: readonly (readonly [number, string])[] = [
  [5, 'lua/lib/reply.lua'],
  [28, 'lua/lib/args.lua'],
  [93, 'lua/lib/limits.lua'],
  [237, 'lua/lib/texts.lua'],
  [268, 'lua/lib/keys.lua'],
  [317, 'lua/lib/message.lua'],
  [414, 'lua/lib/window.lua'],
  [616, 'lua/lib/claim_record.lua'],
  [709, 'lua/lib/clock.lua'],
  [726, 'lua/lib/dead.lua'],
  [836, 'lua/lib/watch.lua'],
  [943, 'lua/lib/figures.lua'],
  [1035, 'lua/lib/list.lua'],
  [1238, 'lua/lib/conversation.lua'],
  [1632, 'lua/lib/nonce.lua'],
  [1699, 'lua/lib/recover.lua'],
  [1842, 'lua/lib/dedupe.lua'],
  [1992, 'lua/lib/ends.lua'],
  [2032, 'lua/lib/layout.lua'],
  [2101, 'lua/lib/queue.lua'],
  [2215, 'lua/lib/stream.lua'],
  [2267, 'lua/lib/claim.lua'],
  [2573, 'lua/functions/batch/claim_ready.lua'],
  [2658, 'lua/functions/batch/complete.lua'],
  [2714, 'lua/functions/batch/extend.lua'],
  [2772, 'lua/functions/batch/fail.lua'],
  [2918, 'lua/functions/batch/forward.lua'],
  [3040, 'lua/functions/batch/release.lua'],
  [3114, 'lua/functions/conversation/add.lua'],
  [3429, 'lua/functions/conversation/erase.lua'],
  [3620, 'lua/functions/conversation/peek.lua'],
  [3690, 'lua/functions/dead/dead.lua'],
  [3743, 'lua/functions/dead/drop.lua'],
  [3784, 'lua/functions/dead/requeue.lua'],
  [3867, 'lua/lib/laws.lua'],
  [4148, 'lua/lib/look.lua'],
  [4240, 'lua/lib/mend.lua'],
  [4324, 'lua/functions/health/check.lua'],
  [4370, 'lua/functions/health/repair.lua'],
  [4405, 'lua/functions/health/version.lua'],
  [4421, 'lua/functions/layout/layout.lua'],
  [4466, 'lua/functions/layout/partition.lua'],
  [4560, 'lua/functions/layout/repartition.lua'],
  [4673, 'lua/functions/queue/leave.lua'],
  [4707, 'lua/functions/queue/policy.lua'],
  [4839, 'lua/functions/queue/present.lua'],
  [4912, 'lua/functions/queue/stats.lua'],
]
