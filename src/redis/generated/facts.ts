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
  | 'events'
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
export const READS: ReadonlySet<FunctionName> = new Set(['check', 'dead', 'events', 'layout', 'peek', 'rights', 'stats', 'version'])

/** Where each Lua file begins in both builds: [first line, path], in order. */
export const LINES: readonly (readonly [number, string])[] = [
  [11, 'lua/lib/texts.lua'],
  [59, 'lua/lib/reply.lua'],
  [96, 'lua/lib/args.lua'],
  [168, 'lua/lib/limits.lua'],
  [354, 'lua/lib/keys.lua'],
  [414, 'lua/lib/message.lua'],
  [519, 'lua/lib/window.lua'],
  [723, 'lua/lib/claim_record.lua'],
  [824, 'lua/lib/clock.lua'],
  [835, 'lua/lib/events.lua'],
  [884, 'lua/lib/queue.lua'],
  [1080, 'lua/lib/watch.lua'],
  [1235, 'lua/lib/figures.lua'],
  [1347, 'lua/lib/list.lua'],
  [1573, 'lua/lib/dead.lua'],
  [1712, 'lua/lib/conversation.lua'],
  [2135, 'lua/lib/dedupe.lua'],
  [2291, 'lua/lib/nonce.lua'],
  [2358, 'lua/lib/recover.lua'],
  [2496, 'lua/lib/serving.lua'],
  [2518, 'lua/lib/ends.lua'],
  [2562, 'lua/lib/stream.lua'],
  [2615, 'lua/lib/claim.lua'],
  [2921, 'lua/functions/batch/claim_ready.lua'],
  [3057, 'lua/functions/batch/complete.lua'],
  [3119, 'lua/functions/batch/extend.lua'],
  [3177, 'lua/functions/batch/fail.lua'],
  [3338, 'lua/functions/batch/forward.lua'],
  [3474, 'lua/functions/batch/release.lua'],
  [3554, 'lua/lib/change.lua'],
  [3623, 'lua/functions/conversation/add.lua'],
  [4007, 'lua/functions/conversation/erase.lua'],
  [4244, 'lua/functions/conversation/peek.lua'],
  [4316, 'lua/functions/dead/dead.lua'],
  [4371, 'lua/functions/dead/drop.lua'],
  [4412, 'lua/functions/dead/requeue.lua'],
  [4498, 'lua/lib/laws.lua'],
  [4781, 'lua/lib/look.lua'],
  [4867, 'lua/lib/mend.lua'],
  [4952, 'lua/functions/health/check.lua'],
  [4998, 'lua/functions/health/repair.lua'],
  [5034, 'lua/functions/health/rights.lua'],
  [5082, 'lua/functions/health/version.lua'],
  [5097, 'lua/lib/layout.lua'],
  [5144, 'lua/functions/layout/layout.lua'],
  [5189, 'lua/functions/layout/partition.lua'],
  [5285, 'lua/functions/layout/repartition.lua'],
  [5403, 'lua/functions/queue/events.lua'],
  [5482, 'lua/functions/queue/leave.lua'],
  [5519, 'lua/functions/queue/policy.lua'],
  [5649, 'lua/functions/queue/present.lua'],
  [5723, 'lua/functions/queue/stats.lua'],
]
