import { isUtf8 } from 'node:buffer'
import { decodeContext, type TraceContext } from '../messages/trace-context.ts'
import { readHeader, readOptions } from '../protocol/element.ts'
import type { Claim, Reason } from '../protocol/replies.ts'

/** One message of a batch. */
export interface Message<T = unknown> {
  /** The id it was added with, or undefined. */
  id: string | undefined
  /** What was added. Data that is not JSON, which only another program can have put there, is given as its text. */
  data: T
  /** When Redis stored it, ms since 1970; 0 when another program has put it there by itself. */
  receivedAt: number
  /** That with which it was added; not there in a message that has none. */
  traceContext?: TraceContext
}

/**
 * The messages of one key, handed over together. A copy of it, also one that went through JSON, completes or fails it as well, as long as it has
 * `root`, `key` and `token`.
 */
export interface Batch<T = unknown> {
  /** Stable over all attempts. */
  id: string
  /** Where it is: root key in Redis of the queue, or of one of its partitions. @example 'rapid-fire:{whatsapp:3}' */
  root: string
  /** The conversation. A key that is no UTF-8, which only another program can have added, is shown as text, and is lost by JSON. */
  key: string
  /** Proof of the claim, another one each time that the batch is handed over. */
  token: string
  /** 1 for the first time, one more for each attempt since that failed or whose lease ran out. */
  attempt: number
  reason: Reason
  /** When its first message was received, ms since 1970. */
  openedAt: number
  /** When its window ended, ms since 1970. */
  deadline: number
  /**
   * Since when it could be claimed, ms since 1970: since its deadline, or since the batch of its key before it ended, if that was later. When it comes
   * again, since the end of its pause or lease, or since it was given back.
   */
  due: number
  /** Oldest first. */
  messages: Message<T>[]
  /** Whether it is kept in the archive when it is done; only while the policy says so. */
  archived?: true
}

/** Decodes a message. What another program has put there is data as a whole, and text. */
export function decodeMessage<T>(bytes: Buffer): Message<T> {
  const header = readHeader(bytes)
  if (!header) return { id: undefined, data: bytes.toString() as T, receivedAt: 0 }
  const { receivedAt, id, data } = header
  const message: Message<T> = {
    id: id === data ? undefined : bytes.toString('utf8', id, data),
    data: parsed(bytes.toString('utf8', data)) as T,
    receivedAt,
  }
  const { context } = header.special ? readOptions(bytes, header) : NO_OPTIONS
  const traceContext = context === undefined ? undefined : decodeContext(context)
  if (traceContext) message.traceContext = traceContext
  return message
}

const NO_OPTIONS: ReturnType<typeof readOptions> = {}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** The bytes of a key that is no UTF-8: its text would not find it again. A property, so that a copy of the batch has them too. */
const KEY_BYTES = Symbol('the bytes of the key')

/** The key of a batch as Redis has it. */
export const keyOf = (batch: Batch & { [KEY_BYTES]?: Buffer }): string | Buffer => batch[KEY_BYTES] ?? batch.key

/** Decodes a batch that was claimed from a root. */
export function decodeBatch<T>(claim: Claim, root: string): Batch<T> {
  const messages = claim.messages.map((message) => decodeMessage<T>(message))
  const batch: Batch<T> = {
    id: claim.token.slice(0, claim.token.lastIndexOf(':')),
    root,
    key: claim.key.toString(),
    token: claim.token,
    attempt: claim.attempt,
    reason: claim.reason,
    openedAt: messages[0]?.receivedAt ?? 0,
    deadline: claim.deadline,
    due: claim.due,
    messages,
    ...(claim.archived && { archived: true as const }),
  }
  return isUtf8(claim.key) ? batch : Object.assign(batch, { [KEY_BYTES]: claim.key })
}

/**
 * The text of a batch: the words of its messages, joined. Those of a message are the data itself when it is a string, else the first of its `text`,
 * `caption` and `body` that is a text and not empty. Empty when no message has words, as one of voice notes alone.
 *
 * @param separator between two messages, a space by default
 * @example joinText(batch) // 'Hi book me for a haircut'
 */
export function joinText(batch: { messages: readonly { data: unknown }[] }, separator = ' '): string {
  return batch.messages.flatMap(({ data }) => wordsOf(data) ?? []).join(separator)
}

function wordsOf(data: unknown): string | undefined {
  if (typeof data !== 'object' || data === null) return isWords(data) ? data : undefined
  const { text, caption, body, mimetype, hasMedia } = data as Record<string, unknown>
  // Beside a file venom-bot has a small picture in `body`, and whatsapp-web.js, which says hasMedia, the words.
  return [text, caption, mimetype === undefined || hasMedia === true ? body : undefined].find(isWords)
}

const isWords = (value: unknown): value is string => typeof value === 'string' && value !== ''
