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
  [357, 'lua/lib/keys.lua'],
  [417, 'lua/lib/message.lua'],
  [522, 'lua/lib/window.lua'],
  [726, 'lua/lib/claim_record.lua'],
  [827, 'lua/lib/clock.lua'],
  [838, 'lua/lib/events.lua'],
  [888, 'lua/lib/queue.lua'],
  [1087, 'lua/lib/watch.lua'],
  [1242, 'lua/lib/figures.lua'],
  [1354, 'lua/lib/list.lua'],
  [1581, 'lua/lib/dead.lua'],
  [1719, 'lua/lib/conversation.lua'],
  [2140, 'lua/lib/dedupe.lua'],
  [2297, 'lua/lib/nonce.lua'],
  [2364, 'lua/lib/recover.lua'],
  [2502, 'lua/lib/serving.lua'],
  [2524, 'lua/lib/ends.lua'],
  [2568, 'lua/lib/stream.lua'],
  [2621, 'lua/lib/claim.lua'],
  [2927, 'lua/functions/batch/claim_ready.lua'],
  [3063, 'lua/functions/batch/complete.lua'],
  [3125, 'lua/functions/batch/extend.lua'],
  [3183, 'lua/functions/batch/fail.lua'],
  [3344, 'lua/functions/batch/forward.lua'],
  [3480, 'lua/functions/batch/release.lua'],
  [3560, 'lua/lib/change.lua'],
  [3629, 'lua/functions/conversation/add.lua'],
  [4028, 'lua/functions/conversation/erase.lua'],
  [4265, 'lua/functions/conversation/peek.lua'],
  [4335, 'lua/functions/conversation/trace.lua'],
  [4603, 'lua/functions/dead/dead.lua'],
  [4658, 'lua/functions/dead/drop.lua'],
  [4699, 'lua/functions/dead/requeue.lua'],
  [4785, 'lua/lib/laws.lua'],
  [5068, 'lua/lib/look.lua'],
  [5154, 'lua/lib/mend.lua'],
  [5239, 'lua/functions/health/check.lua'],
  [5285, 'lua/functions/health/repair.lua'],
  [5321, 'lua/functions/health/rights.lua'],
  [5369, 'lua/functions/health/version.lua'],
  [5384, 'lua/lib/layout.lua'],
  [5428, 'lua/functions/layout/layout.lua'],
  [5473, 'lua/functions/layout/partition.lua'],
  [5569, 'lua/functions/layout/repartition.lua'],
  [5687, 'lua/functions/queue/events.lua'],
  [5766, 'lua/functions/queue/leave.lua'],
  [5803, 'lua/functions/queue/policy.lua'],
  [5933, 'lua/functions/queue/present.lua'],
  [6007, 'lua/functions/queue/stats.lua'],
]
