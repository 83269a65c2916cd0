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
  [1033, 'lua/lib/watch.lua'],
  [1188, 'lua/lib/figures.lua'],
  [1298, 'lua/lib/list.lua'],
  [1499, 'lua/lib/dead.lua'],
  [1633, 'lua/lib/conversation.lua'],
  [2055, 'lua/lib/dedupe.lua'],
  [2194, 'lua/lib/layout.lua'],
  [2267, 'lua/lib/nonce.lua'],
  [2334, 'lua/lib/recover.lua'],
  [2471, 'lua/lib/ends.lua'],
  [2515, 'lua/lib/stream.lua'],
  [2570, 'lua/lib/claim.lua'],
  [2904, 'lua/functions/batch/claim_ready.lua'],
  [2991, 'lua/functions/batch/complete.lua'],
  [3047, 'lua/functions/batch/extend.lua'],
  [3105, 'lua/functions/batch/fail.lua'],
  [3251, 'lua/functions/batch/forward.lua'],
  [3371, 'lua/functions/batch/release.lua'],
  [3445, 'lua/functions/conversation/add.lua'],
  [3816, 'lua/functions/conversation/erase.lua'],
  [4007, 'lua/functions/conversation/peek.lua'],
  [4079, 'lua/functions/dead/dead.lua'],
  [4132, 'lua/functions/dead/drop.lua'],
  [4173, 'lua/functions/dead/requeue.lua'],
  [4256, 'lua/lib/laws.lua'],
  [4539, 'lua/lib/look.lua'],
  [4625, 'lua/lib/mend.lua'],
  [4709, 'lua/functions/health/check.lua'],
  [4755, 'lua/functions/health/repair.lua'],
  [4790, 'lua/functions/health/rights.lua'],
  [4838, 'lua/functions/health/version.lua'],
  [4854, 'lua/functions/layout/layout.lua'],
  [4899, 'lua/functions/layout/partition.lua'],
  [4994, 'lua/functions/layout/repartition.lua'],
  [5111, 'lua/functions/queue/leave.lua'],
  [5148, 'lua/functions/queue/policy.lua'],
  [5276, 'lua/functions/queue/present.lua'],
  [5350, 'lua/functions/queue/stats.lua'],
]
