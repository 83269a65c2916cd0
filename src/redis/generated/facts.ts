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
  [180, 'lua/lib/texts.lua'],
  [210, 'lua/lib/keys.lua'],
  [250, 'lua/lib/message.lua'],
  [326, 'lua/lib/window.lua'],
  [409, 'lua/lib/claim_record.lua'],
  [492, 'lua/lib/clock.lua'],
  [499, 'lua/lib/dead.lua'],
  [563, 'lua/lib/watch.lua'],
  [610, 'lua/lib/figures.lua'],
  [691, 'lua/lib/list.lua'],
  [804, 'lua/lib/conversation.lua'],
  [1132, 'lua/lib/nonce.lua'],
  [1192, 'lua/lib/recover.lua'],
  [1324, 'lua/lib/layout.lua'],
  [1386, 'lua/lib/queue.lua'],
  [1499, 'lua/lib/claim.lua'],
  [1764, 'lua/functions/batch/claim_ready.lua'],
  [1836, 'lua/functions/batch/complete.lua'],
  [1892, 'lua/functions/batch/extend.lua'],
  [1948, 'lua/functions/batch/fail.lua'],
  [2041, 'lua/functions/batch/forward.lua'],
  [2183, 'lua/functions/batch/release.lua'],
  [2238, 'lua/lib/dedupe.lua'],
  [2339, 'lua/functions/conversation/add.lua'],
  [2602, 'lua/functions/conversation/peek.lua'],
  [2658, 'lua/functions/dead/dead.lua'],
  [2711, 'lua/functions/dead/drop.lua'],
  [2752, 'lua/functions/dead/requeue.lua'],
  [2828, 'lua/lib/laws.lua'],
  [3105, 'lua/lib/look.lua'],
  [3188, 'lua/lib/mend.lua'],
  [3254, 'lua/functions/health/check.lua'],
  [3300, 'lua/functions/health/repair.lua'],
  [3331, 'lua/functions/health/version.lua'],
  [3347, 'lua/functions/layout/layout.lua'],
  [3392, 'lua/functions/layout/partition.lua'],
  [3482, 'lua/functions/layout/repartition.lua'],
  [3591, 'lua/functions/queue/policy.lua'],
  [3718, 'lua/functions/queue/stats.lua'],
]
