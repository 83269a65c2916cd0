// Generated from lua/ by lua/build. Do not edit: run `npm run build`.

/** Laws of lua/lib/laws.lua: as long as one of them is broken, messages are where they are not counted. */
export const MISPLACING: ReadonlySet<string> = new Set(['list-type', 'index-has-messages', 'messages-indexed', 'alive-or-dead', 'dead-has-batch', 'dead-type', 'dead-indexed', 'dead-has-key', 'dead-has-messages', 'dead-complete', 'index-type'])

/** Those that compare the counters with what is held. */
export const COUNTED: ReadonlySet<string> = new Set(['counters', 'dead-counter'])
