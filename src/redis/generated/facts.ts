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
  | 'rights'
  | 'stats'
  | 'version'

/** Functions that write nothing. */
export const READS: ReadonlySet<FunctionName> = new Set(['check', 'dead', 'layout', 'peek', 'rights', 'stats', 'version'])

/** Where each Lua file begins in both builds: [first line, path], in order. */
export const LINES: readonly (readonly [number, string])[] = [
  [11, 'lua/lib/reply.lua'],
  [48, 'lua/lib/args.lua'],
  [113, 'lua/lib/limits.lua'],
  [249, 'lua/lib/texts.lua'],
  [280, 'lua/lib/keys.lua'],
  [325, 'lua/lib/message.lua'],
  [422, 'lua/lib/window.lua'],
  [624, 'lua/lib/claim_record.lua'],
  [717, 'lua/lib/clock.lua'],
  [733, 'lua/lib/dead.lua'],
  [830, 'lua/lib/watch.lua'],
  [937, 'lua/lib/figures.lua'],
  [1028, 'lua/lib/list.lua'],
  [1229, 'lua/lib/conversation.lua'],
  [1626, 'lua/lib/nonce.lua'],
  [1693, 'lua/lib/recover.lua'],
  [1836, 'lua/lib/dedupe.lua'],
  [1986, 'lua/lib/layout.lua'],
  [2054, 'lua/lib/queue.lua'],
  [2168, 'lua/lib/claim.lua'],
  [2463, 'lua/lib/ends.lua'],
  [2487, 'lua/functions/batch/claim_ready.lua'],
  [2561, 'lua/functions/batch/complete.lua'],
  [2617, 'lua/functions/batch/extend.lua'],
  [2675, 'lua/functions/batch/fail.lua'],
  [2821, 'lua/functions/batch/forward.lua'],
  [2968, 'lua/functions/batch/release.lua'],
  [3042, 'lua/functions/conversation/add.lua'],
  [3344, 'lua/functions/conversation/peek.lua'],
  [3414, 'lua/functions/dead/dead.lua'],
  [3467, 'lua/functions/dead/drop.lua'],
  [3508, 'lua/functions/dead/requeue.lua'],
  [3591, 'lua/lib/laws.lua'],
  [3872, 'lua/lib/look.lua'],
  [3958, 'lua/lib/mend.lua'],
  [4042, 'lua/functions/health/check.lua'],
  [4088, 'lua/functions/health/repair.lua'],
  [4123, 'lua/functions/health/rights.lua'],
  [4166, 'lua/functions/health/version.lua'],
  [4182, 'lua/functions/layout/layout.lua'],
  [4227, 'lua/functions/layout/partition.lua'],
  [4318, 'lua/functions/layout/repartition.lua'],
  [4428, 'lua/functions/queue/leave.lua'],
  [4462, 'lua/functions/queue/policy.lua'],
  [4591, 'lua/functions/queue/present.lua'],
  [4664, 'lua/functions/queue/stats.lua'],
]
