import { isUtf8 } from 'node:buffer'

/** What closed a batch: quiet for `wait`, `maxWait` since the first message, `maxSize` messages, or a flush. */
export type Reason = 'wait' | 'maxWait' | 'size' | 'flush'

/** One message of a batch. */
export interface Message<T = unknown> {
  /** The id it was added with, or undefined. */
  id: string | undefined
  /** What was added. Data that is not JSON, which only another program can have put there, is given as its text. */
  data: T
  /** When Redis stored it, ms since 1970; 0 when another program has put it there by itself. */
  receivedAt: number
}

/** The messages of one key, handed over together. */
export interface Batch<T = unknown> {
  /** Stable over all attempts. */
  id: string
  /** The conversation. */
  key: string
  /** Proof of the claim, another one each time that the batch is handed over. */
  token: string
  /** 1 for the first time, one more for each attempt since that failed or whose lease ran out. */
  attempt: number
  reason: Reason
  /** When its first message was received, ms since 1970. */
  openedAt: number
  /** When it became ready, ms since 1970. */
  deadline: number
  /** Oldest first. */
  messages: Message<T>[]
}

export type State = 'empty' | 'collecting' | 'ready' | 'active' | 'retry'

/** What `peek` shows of a key. Times in ms since 1970. */
export interface Peek<T = unknown> {
  /** `retry`: the batch pauses before its next attempt. */
  state: State
  now: number
  /** True deadline of the batch at the head; undefined when empty. */
  deadline: number | undefined
  /** When the lease or the pause ends; undefined when neither holds. */
  until: number | undefined
  /** Of the claim that holds the batch, or that held it last when it waits for its next attempt or was given back; else undefined. */
  token: string | undefined
  /** Messages of the batch at the head. */
  count: number
  /** Messages of the key. */
  size: number
  /** Oldest first, at most `limit`. */
  messages: Message<T>[]
}

/**
 * Why a batch was given up: it failed in its last attempt, the lease of that ran out, or many claims of it were never heard of again, as when it
 * kills the process that takes it.
 */
export type Cause = 'failed' | 'lease' | 'unacknowledged'

/** A batch that was given up. Times in ms since 1970. */
export interface DeadBatch {
  id: string
  key: string
  diedAt: number
  /** The attempt that was the last. */
  attempt: number
  reason: Reason
  deadline: number
  cause: Cause
  /** What the last attempt failed with. */
  error: string
  /** Number of messages. */
  size: number
  /** Only when asked for by id. */
  messages: Message[]
}

/** A batch as it came from Redis: what proves the claim, and the messages still undecoded. */
export interface Claim {
  /** The bytes of the key: it may not be valid UTF-8. */
  key: Buffer
  token: string
  attempt: number
  reason: Reason
  deadline: number
  messages: Buffer[]
}

const SPACE = 0x20
/** Digits of a time in ms since 1970. */
const TIME = 13

/**
 * Reads what stands before id and data, as `lua/lib/message.lua` writes it: `<receivedAt> <id length>[,options] `. Undefined when something else
 * stands there. Byte by byte, since each message of each batch comes by here: to have the blanks looked for costs more than all of this.
 */
function readHeader(bytes: Buffer): { receivedAt: number; id: number; data: number } | undefined {
  let at = 0
  const number = (most: number) => {
    let value = 0
    for (; at < most; at += 1) {
      const digit = (bytes[at] as number) - 0x30
      if (!(digit >= 0 && digit <= 9)) break
      value = value * 10 + digit
    }
    return value
  }
  const receivedAt = number(TIME)
  if (at !== TIME || bytes[TIME] !== SPACE) return undefined
  at += 1
  const length = number(bytes.length)
  if (at === TIME + 1) return undefined
  while (at < bytes.length && bytes[at] !== SPACE) at += 1
  const id = at + 1
  return id + length > bytes.length ? undefined : { receivedAt, id, data: id + length }
}

/** Decodes a message. What another program has put there is data as a whole, and text. */
export function decodeMessage<T>(bytes: Buffer): Message<T> {
  const header = readHeader(bytes)
  if (!header) return { id: undefined, data: bytes.toString() as T, receivedAt: 0 }
  const { receivedAt, id, data } = header
  return {
    id: id === data ? undefined : bytes.toString('utf8', id, data),
    data: parsed(bytes.toString('utf8', data)) as T,
    receivedAt,
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** Keys that are not valid UTF-8: the string in the batch would not find them again. */
const rawKeys = new WeakMap<object, Buffer>()

/** The key of a batch as Redis has it. */
export const keyBytes = (batch: { key: string }): string | Buffer => rawKeys.get(batch) ?? batch.key

/** Decodes a claimed batch. */
export function decodeBatch<T>(claim: Claim): Batch<T> {
  const messages = claim.messages.map((message) => decodeMessage<T>(message))
  const batch: Batch<T> = {
    id: claim.token.slice(0, claim.token.lastIndexOf(':')),
    key: claim.key.toString(),
    token: claim.token,
    attempt: claim.attempt,
    reason: claim.reason,
    openedAt: messages[0]?.receivedAt ?? 0,
    deadline: claim.deadline,
    messages,
  }
  if (!isUtf8(claim.key)) rawKeys.set(batch, claim.key)
  return batch
}

/**
 * The text of a batch: the messages that are a string, or have a `text` that is one, joined.
 *
 * @param separator between two messages, a space by default
 * @example joinText(batch) // 'Hi book me for a haircut'
 */
export function joinText(batch: { messages: readonly { data: unknown }[] }, separator = ' '): string {
  const texts = batch.messages.map(({ data }) => (typeof data === 'string' ? data : (data as { text?: unknown } | null)?.text))
  return texts.filter((text): text is string => typeof text === 'string' && text !== '').join(separator)
}
