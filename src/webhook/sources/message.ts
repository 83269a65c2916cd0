import type { NewMessage } from '../../options.ts'
import { LIMITS, OPTIONS } from '../../redis/generated/limits.ts'

/**
 * Reads a payload of a provider: the messages in it, none when it tells of something else (a status, an edit), or undefined when it has
 * not the form that this source knows. The name of the function stands for the source where its new conversations are counted; of those without a
 * name it is their place in the list.
 *
 * @example (payload: any) => (payload.order ? [{ key: payload.phone, id: payload.order, data: { text: payload.note } }] : undefined)
 */
export type Source<T> = (payload: any) => readonly NewMessage<T>[] | undefined

/** How the conversations of a group chat are told apart. */
export interface GroupOptions {
  /** One batch for the whole chat, or one for each of its members. @default 'chat' */
  groups?: 'chat' | 'sender'
}

/** A message as the sources for WhatsApp and Telegram give it. */
export interface ChatMessage {
  /** The text, the caption of media, or the title of the button that was pressed; empty when there are no words. */
  text: string
  /** The kind of message as the provider calls it, such as `text`, `chat`, `image`, `voice`. */
  type: string
  /** Who wrote it, by the provider's id. */
  from: string
  /** The name that the sender goes by. */
  name?: string | undefined
  /** The number or account of yours that it was sent to. */
  to?: string | undefined
  /** When it was sent by the provider's clock, ms since 1970. */
  sentAt?: number | undefined
  /** The id of the message that it answers. */
  replyTo?: string | undefined
  /** How to fetch what was attached; never the bytes. */
  media?: Media | undefined
  /** The provider's own object for a location, a contact, a reaction and the like. */
  content?: unknown
}

export interface Media {
  /** The provider's id of the file, or of the message that it hangs on. */
  id?: string | undefined
  url?: string | undefined
  mimeType?: string | undefined
  /** Name of the file. */
  name?: string | undefined
  /** Bytes. */
  size?: number | undefined
  /** The key to decrypt it with (venom-bot). */
  key?: string | undefined
}

/** A member of a JSON object; undefined when there is none. Never one that is inherited, such as `constructor`. */
export const member = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined

export const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)

export const size = (value: unknown): number | undefined => (Number.isSafeInteger(value) ? (value as number) : undefined)

export const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])

/** Turns seconds since 1970, a number or digits, into ms. */
export function milliseconds(value: unknown): number | undefined {
  const seconds = typeof value === 'string' && /^\d{1,11}$/.test(value) ? Number(value) : size(value)
  return seconds !== undefined && seconds > 0 && seconds < 1e11 ? seconds * 1000 : undefined
}

/** A kind of message; hostile payloads have anything in its place. */
export const kind = (value: unknown): string | undefined => (typeof value === 'string' && /^\w{1,40}$/.test(value) ? value : undefined)

/** Whether a text can be a key or an id in Redis. Halves of surrogate pairs would all become the same. */
export const fits = (value: unknown, bytes: number): value is string =>
  typeof value === 'string' && value !== '' && Buffer.byteLength(value) <= bytes && !/\p{Surrogate}/u.test(value)

export const fitsKey = (value: unknown): value is string => fits(value, LIMITS.key)

export const fitsId = (value: unknown): value is string => fits(value, OPTIONS.id.bytes)

/** The key of a message in a group chat. */
export const groupKey = (chat: string, sender: string, { groups = 'chat' }: GroupOptions): string =>
  groups === 'sender' ? `${chat}:${sender}` : chat

/** Leaves out what is no message, and puts the others into the order they were sent in: within one payload they may be mixed up. */
export function inOrder(found: readonly (NewMessage<ChatMessage> | undefined)[]): NewMessage<ChatMessage>[] {
  const messages = found.filter((each) => each !== undefined && fitsKey(each.key) && fitsId(each.id)) as NewMessage<ChatMessage>[]
  if (messages.length < 2 || messages.some(({ data }) => data.sentAt === undefined)) return messages
  return messages.sort((a, b) => (a.data.sentAt as number) - (b.data.sentAt as number))
}
