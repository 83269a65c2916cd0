// The Lua functions name arguments by their tokens, as redis-cli writes them. Callers of the client know other names.

/** By token: what the client calls it, and whether it is a time in ms. */
const WORDS: Readonly<Record<string, readonly [name: string, isTime?: true]>> = {
  ID: ['id'],
  EDITS: ['edits'],
  WITHDRAWS: ['withdraws'],
  WAIT: ['wait', true],
  MAXWAIT: ['maxWait', true],
  MAXSIZE: ['maxSize'],
  MAXBACKLOG: ['maxBacklog'],
  MAXMESSAGEBYTES: ['maxMessageBytes'],
  MAXBATCHBYTES: ['maxBatchBytes'],
  DEDUPE: ['dedupe', true],
  MAXDEAD: ['maxDead'],
  MAXDEADAGE: ['maxDeadAge', true],
  MAXKEYS: ['maxKeys'],
  EVENTS: ['events'],
  ARCHIVE: ['archive', true],
  MAXARCHIVED: ['maxArchived'],
  LIMIT: ['limit'],
  OFFSET: ['offset'],
  LEASE: ['lease', true],
  BEFORE: ['before', true],
  ATTEMPTS: ['attempts'],
  DELAY: ['delay', true],
  MAXLEN: ['maxLength'],
  KEEP: ['keep', true],
}

/** What a function has said in refusal, in the words of whoever has called it by the client. */
export function inCallersWords(text: string): string {
  if (/^KEEP must be ascending/.test(text)) return 'messages must be some of the messages of the batch, at least one, none of them twice'
  return text
    .replace(/^([A-Z]+) must be an integer from/, (all, token) => (WORDS[token]?.[1] ? `${token} must be an integer of ms from` : all))
    .replace(/^([A-Z]+) must (be|have|not be)\b/, (all, token, must) => (WORDS[token] ? `${WORDS[token][0]} must ${must}` : all))
    .replace(/^(maxWait must not be shorter than )WAIT\b/, '$1wait')
}
