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
  | 'partition'
  | 'peek'
  | 'policy'
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
  [89, 'lua/lib/limits.lua'],
  [184, 'lua/lib/keys.lua'],
  [224, 'lua/lib/texts.lua'],
  [254, 'lua/lib/message.lua'],
  [330, 'lua/lib/window.lua'],
  [408, 'lua/lib/claim_record.lua'],
  [489, 'lua/lib/clock.lua'],
  [496, 'lua/lib/dead.lua'],
  [571, 'lua/lib/watch.lua'],
  [618, 'lua/lib/figures.lua'],
  [697, 'lua/lib/list.lua'],
  [808, 'lua/lib/conversation.lua'],
  [1162, 'lua/lib/nonce.lua'],
  [1223, 'lua/lib/recover.lua'],
  [1355, 'lua/lib/dedupe.lua'],
  [1498, 'lua/lib/layout.lua'],
  [1560, 'lua/lib/queue.lua'],
  [1673, 'lua/lib/claim.lua'],
  [1871, 'lua/functions/batch/claim_ready.lua'],
  [1943, 'lua/functions/batch/complete.lua'],
  [1999, 'lua/functions/batch/extend.lua'],
  [2055, 'lua/functions/batch/fail.lua'],
  [2148, 'lua/functions/batch/forward.lua'],
  [2293, 'lua/functions/batch/release.lua'],
  [2349, 'lua/functions/conversation/add.lua'],
  [2612, 'lua/functions/conversation/peek.lua'],
  [2668, 'lua/functions/dead/dead.lua'],
  [2721, 'lua/functions/dead/drop.lua'],
  [2762, 'lua/functions/dead/requeue.lua'],
  [2840, 'lua/lib/laws.lua'],
  [3117, 'lua/lib/look.lua'],
  [3200, 'lua/lib/mend.lua'],
  [3266, 'lua/functions/health/check.lua'],
  [3312, 'lua/functions/health/repair.lua'],
  [3343, 'lua/functions/health/version.lua'],
  [3359, 'lua/functions/layout/layout.lua'],
  [3404, 'lua/functions/layout/partition.lua'],
  [3494, 'lua/functions/layout/repartition.lua'],
  [3603, 'lua/functions/queue/policy.lua'],
  [3731, 'lua/functions/queue/stats.lua'],
]
