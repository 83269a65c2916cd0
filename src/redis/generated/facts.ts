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
  [1014, 'lua/lib/watch.lua'],
  [1159, 'lua/lib/figures.lua'],
  [1265, 'lua/lib/list.lua'],
  [1466, 'lua/lib/dead.lua'],
  [1600, 'lua/lib/conversation.lua'],
  [2022, 'lua/lib/dedupe.lua'],
  [2161, 'lua/lib/layout.lua'],
  [2231, 'lua/lib/nonce.lua'],
  [2298, 'lua/lib/recover.lua'],
  [2435, 'lua/lib/ends.lua'],
  [2479, 'lua/lib/stream.lua'],
  [2534, 'lua/lib/claim.lua'],
  [2868, 'lua/functions/batch/claim_ready.lua'],
  [2955, 'lua/functions/batch/complete.lua'],
  [3011, 'lua/functions/batch/extend.lua'],
  [3069, 'lua/functions/batch/fail.lua'],
  [3215, 'lua/functions/batch/forward.lua'],
  [3335, 'lua/functions/batch/release.lua'],
  [3409, 'lua/functions/conversation/add.lua'],
  [3780, 'lua/functions/conversation/erase.lua'],
  [3971, 'lua/functions/conversation/peek.lua'],
  [4043, 'lua/functions/dead/dead.lua'],
  [4096, 'lua/functions/dead/drop.lua'],
  [4137, 'lua/functions/dead/requeue.lua'],
  [4220, 'lua/lib/laws.lua'],
  [4503, 'lua/lib/look.lua'],
  [4589, 'lua/lib/mend.lua'],
  [4673, 'lua/functions/health/check.lua'],
  [4719, 'lua/functions/health/repair.lua'],
  [4754, 'lua/functions/health/rights.lua'],
  [4802, 'lua/functions/health/version.lua'],
  [4818, 'lua/functions/layout/layout.lua'],
  [4863, 'lua/functions/layout/partition.lua'],
  [4958, 'lua/functions/layout/repartition.lua'],
  [5075, 'lua/functions/queue/leave.lua'],
  [5109, 'lua/functions/queue/policy.lua'],
  [5237, 'lua/functions/queue/present.lua'],
  [5310, 'lua/functions/queue/stats.lua'],
]
