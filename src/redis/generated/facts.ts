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
  [10, 'lua/lib/texts.lua'],
  [50, 'lua/lib/reply.lua'],
  [87, 'lua/lib/args.lua'],
  [159, 'lua/lib/limits.lua'],
  [301, 'lua/lib/keys.lua'],
  [350, 'lua/lib/message.lua'],
  [447, 'lua/lib/window.lua'],
  [649, 'lua/lib/claim_record.lua'],
  [742, 'lua/lib/clock.lua'],
  [749, 'lua/lib/watch.lua'],
  [857, 'lua/lib/figures.lua'],
  [963, 'lua/lib/dead.lua'],
  [1083, 'lua/lib/list.lua'],
  [1286, 'lua/lib/conversation.lua'],
  [1680, 'lua/lib/nonce.lua'],
  [1747, 'lua/lib/recover.lua'],
  [1890, 'lua/lib/dedupe.lua'],
  [2040, 'lua/lib/ends.lua'],
  [2080, 'lua/lib/layout.lua'],
  [2149, 'lua/lib/queue.lua'],
  [2270, 'lua/lib/stream.lua'],
  [2322, 'lua/lib/claim.lua'],
  [2628, 'lua/functions/batch/claim_ready.lua'],
  [2713, 'lua/functions/batch/complete.lua'],
  [2769, 'lua/functions/batch/extend.lua'],
  [2827, 'lua/functions/batch/fail.lua'],
  [2973, 'lua/functions/batch/forward.lua'],
  [3095, 'lua/functions/batch/release.lua'],
  [3169, 'lua/functions/conversation/add.lua'],
  [3484, 'lua/functions/conversation/erase.lua'],
  [3677, 'lua/functions/conversation/peek.lua'],
  [3747, 'lua/functions/dead/dead.lua'],
  [3800, 'lua/functions/dead/drop.lua'],
  [3841, 'lua/functions/dead/requeue.lua'],
  [3924, 'lua/lib/laws.lua'],
  [4207, 'lua/lib/look.lua'],
  [4293, 'lua/lib/mend.lua'],
  [4377, 'lua/functions/health/check.lua'],
  [4423, 'lua/functions/health/repair.lua'],
  [4458, 'lua/functions/health/rights.lua'],
  [4501, 'lua/functions/health/version.lua'],
  [4517, 'lua/functions/layout/layout.lua'],
  [4562, 'lua/functions/layout/partition.lua'],
  [4656, 'lua/functions/layout/repartition.lua'],
  [4769, 'lua/functions/queue/leave.lua'],
  [4803, 'lua/functions/queue/policy.lua'],
  [4935, 'lua/functions/queue/present.lua'],
  [5008, 'lua/functions/queue/stats.lua'],
]
