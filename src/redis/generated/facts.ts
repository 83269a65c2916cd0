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
  | 'trace'
  | 'version'

/** Functions that write nothing. */
export const READS: ReadonlySet<FunctionName> = new Set(['check', 'dead', 'events', 'layout', 'peek', 'rights', 'stats', 'trace', 'version'])

/** Where each Lua file begins in both builds: [first line, path], in order. */
export const LINES: readonly (readonly [number, string])[] = [
  [11, 'lua/lib/texts.lua'],
  [59, 'lua/lib/reply.lua'],
  [96, 'lua/lib/args.lua'],
  [168, 'lua/lib/limits.lua'],
  [349, 'lua/lib/keys.lua'],
  [409, 'lua/lib/message.lua'],
  [507, 'lua/lib/window.lua'],
  [711, 'lua/lib/claim_record.lua'],
  [812, 'lua/lib/clock.lua'],
  [823, 'lua/lib/events.lua'],
  [873, 'lua/lib/queue.lua'],
  [1072, 'lua/lib/watch.lua'],
  [1227, 'lua/lib/figures.lua'],
  [1337, 'lua/lib/list.lua'],
  [1538, 'lua/lib/dead.lua'],
  [1676, 'lua/lib/conversation.lua'],
  [2099, 'lua/lib/dedupe.lua'],
  [2255, 'lua/lib/nonce.lua'],
  [2322, 'lua/lib/recover.lua'],
  [2460, 'lua/lib/serving.lua'],
  [2482, 'lua/lib/ends.lua'],
  [2526, 'lua/lib/stream.lua'],
  [2579, 'lua/lib/claim.lua'],
  [2885, 'lua/functions/batch/claim_ready.lua'],
  [3021, 'lua/functions/batch/complete.lua'],
  [3083, 'lua/functions/batch/extend.lua'],
  [3141, 'lua/functions/batch/fail.lua'],
  [3302, 'lua/functions/batch/forward.lua'],
  [3438, 'lua/functions/batch/release.lua'],
  [3516, 'lua/functions/conversation/add.lua'],
  [3887, 'lua/functions/conversation/erase.lua'],
  [4124, 'lua/functions/conversation/peek.lua'],
  [4194, 'lua/functions/conversation/trace.lua'],
  [4462, 'lua/functions/dead/dead.lua'],
  [4517, 'lua/functions/dead/drop.lua'],
  [4558, 'lua/functions/dead/requeue.lua'],
  [4644, 'lua/lib/laws.lua'],
  [4927, 'lua/lib/look.lua'],
  [5013, 'lua/lib/mend.lua'],
  [5098, 'lua/functions/health/check.lua'],
  [5144, 'lua/functions/health/repair.lua'],
  [5180, 'lua/functions/health/rights.lua'],
  [5228, 'lua/functions/health/version.lua'],
  [5243, 'lua/lib/layout.lua'],
  [5287, 'lua/functions/layout/layout.lua'],
  [5332, 'lua/functions/layout/partition.lua'],
  [5428, 'lua/functions/layout/repartition.lua'],
  [5546, 'lua/functions/queue/events.lua'],
  [5625, 'lua/functions/queue/leave.lua'],
  [5662, 'lua/functions/queue/policy.lua'],
  [5792, 'lua/functions/queue/present.lua'],
  [5866, 'lua/functions/queue/stats.lua'],
]
