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
  [201, 'lua/lib/texts.lua'],
  [232, 'lua/lib/keys.lua'],
  [277, 'lua/lib/message.lua'],
  [361, 'lua/lib/window.lua'],
  [445, 'lua/lib/claim_record.lua'],
  [528, 'lua/lib/clock.lua'],
  [542, 'lua/lib/dead.lua'],
  [618, 'lua/lib/watch.lua'],
  [725, 'lua/lib/figures.lua'],
  [816, 'lua/lib/list.lua'],
  [948, 'lua/lib/conversation.lua'],
  [1327, 'lua/lib/nonce.lua'],
  [1394, 'lua/lib/recover.lua'],
  [1536, 'lua/lib/dedupe.lua'],
  [1680, 'lua/lib/layout.lua'],
  [1749, 'lua/lib/queue.lua'],
  [1867, 'lua/lib/claim.lua'],
  [2129, 'lua/functions/batch/claim_ready.lua'],
  [2202, 'lua/functions/batch/complete.lua'],
  [2258, 'lua/functions/batch/extend.lua'],
  [2316, 'lua/functions/batch/fail.lua'],
  [2409, 'lua/functions/batch/forward.lua'],
  [2556, 'lua/functions/batch/release.lua'],
  [2612, 'lua/functions/conversation/add.lua'],
  [2877, 'lua/functions/conversation/peek.lua'],
  [2933, 'lua/functions/dead/dead.lua'],
  [2986, 'lua/functions/dead/drop.lua'],
  [3027, 'lua/functions/dead/requeue.lua'],
  [3109, 'lua/lib/laws.lua'],
  [3390, 'lua/lib/look.lua'],
  [3478, 'lua/lib/mend.lua'],
  [3546, 'lua/functions/health/check.lua'],
  [3592, 'lua/functions/health/repair.lua'],
  [3623, 'lua/functions/health/version.lua'],
  [3639, 'lua/functions/layout/layout.lua'],
  [3684, 'lua/functions/layout/partition.lua'],
  [3774, 'lua/functions/layout/repartition.lua'],
  [3883, 'lua/functions/queue/leave.lua'],
  [3917, 'lua/functions/queue/policy.lua'],
  [4045, 'lua/functions/queue/present.lua'],
  [4118, 'lua/functions/queue/stats.lua'],
]
