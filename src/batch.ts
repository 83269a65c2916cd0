import { isUtf8 } from 'node:buffer'
import { RapidfireError } from './errors.ts'

/** What closed a batch: quiet for `wait`, `maxWait` since the first message, `maxSize` messages, or a flush. */
export type Reason = 'wait' | 'maxWait' | 'size' | 'flush'

/** One message of a batch. */
export interface Message<T = unknown> {
  /** The id it was added with, or undefined. */
  id: string | undefined
  data: T
  /** When Redis stored it, ms since 1970. */
  receivedAt: number
}

/** The messages of one key, handed over together. */
export interface Batch<T = unknown> {
  /** Stable over all attempts. */
  id: string
  /** The conversation. */
  key: string
  /** 1 for the first time, one more for each time that it was handed over again. */
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
  /** `<batch id>:<attempt>` of an active batch, or of the attempt that failed before a retry; else undefined. */
  token: string | undefined
  /** Messages of the batch at the head. */
  count: number
  /** Messages of the key. */
  size: number
  /** Oldest first, at most `limit`. */
  messages: Message<T>[]
}

/** A batch whose attempts are used up. Times in ms since 1970. */
export interface DeadBatch {
  id: string
  key: string
  diedAt: number
  /** The attempt that was the last. */
  attempt: number
  reason: Reason
  deadline: number
  /** What the last attempt failed with. */
  error: string
  /** Number of messages. */
  size: number
  /** Only when asked for by id. Data that is not JSON, perhaps the cause of death, is given as its text. */
  messages: Message[]
}

/** A batch as it came from Redis: what proves the claim, and the messages still undecoded. */
export interface Claim {
  /** The bytes of the key: it may not be valid UTF-8. */
  key: Buffer
  token: string
  reason: Reason
  deadline: number
  messages: Buffer[]
}

const SPACE = 0x20

interface RawMessage {
  id: string | undefined
  text: string
  receivedAt: number
}

interface Header {
  receivedAt: number
  idLength: number
  /** Where id and data begin. */
  end: number
}

/**
 * Reads what stands before id and data, as `lua/lib/batch.lua` writes it: `<receivedAt> <id length>[,options] `. Byte by byte, since each
 * message of each batch comes by here: to have the blanks looked for costs more than all of this.
 */
function readHeader(bytes: Buffer): Header | undefined {
  let at = 0
  const number = () => {
    let value = 0
    for (; at < bytes.length; at += 1) {
      const digit = (bytes[at] as number) - 0x30
      if (digit < 0 || digit > 9) break
      value = value * 10 + digit
    }
    while (at < bytes.length && bytes[at] !== SPACE) at += 1
    at += 1
    return value
  }
  const header = { receivedAt: number(), idLength: number(), end: at }
  return at > bytes.length ? undefined : header
}

function readMessage(bytes: Buffer): RawMessage | undefined {
  const header = readHeader(bytes)
  if (!header) return undefined
  const { receivedAt, idLength, end } = header
  const start = end + idLength
  return { id: idLength === 0 ? undefined : bytes.toString('utf8', end, start), text: bytes.toString('utf8', start), receivedAt }
}

/** Decodes a message. Throws `BAD_DATA` when its data is not JSON. */
export function decodeMessage<T>(bytes: Buffer): Message<T> {
  const raw = readMessage(bytes)
  if (!raw) throw new RapidfireError('BAD_DATA', 'a message was not written by rapidfire')
  try {
    return { id: raw.id, data: JSON.parse(raw.text) as T, receivedAt: raw.receivedAt }
  } catch (error) {
    throw new RapidfireError('BAD_DATA', `a message is not JSON: ${(error as Error).message.slice(0, 100)}`, { cause: error })
  }
}

/** Decodes a message for somebody who looks at it: data that is not JSON is given as its text. */
export function decodeLeniently(bytes: Buffer): Message {
  try {
    return decodeMessage(bytes)
  } catch {
    const raw = readMessage(bytes) ?? { id: undefined, text: bytes.toString(), receivedAt: 0 }
    return { id: raw.id, data: raw.text, receivedAt: raw.receivedAt }
  }
}

/** Keys that are not valid UTF-8: the string in the batch would not find them again. */
const rawKeys = new WeakMap<object, Buffer>()

/** The key of a batch as Redis has it. */
export const keyBytes = (batch: { key: string }): string | Buffer => rawKeys.get(batch) ?? batch.key

/** Decodes a claimed batch. Throws `BAD_DATA` when a message is not JSON. */
export function decodeBatch<T>(claim: Claim): Batch<T> {
  const messages = claim.messages.map((message) => decodeMessage<T>(message))
  const colon = claim.token.lastIndexOf(':')
  const batch: Batch<T> = {
    id: claim.token.slice(0, colon),
    key: claim.key.toString(),
    attempt: Number(claim.token.slice(colon + 1)),
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
