import { createHash } from 'node:crypto'
import { RapidfireError } from '../../errors.ts'
import { checkFlag, checkNames, type Names, shown } from '../../given.ts'
import type { NewMessage } from '../../options.ts'
import { LIMITS, OPTIONS } from '../../redis/generated/limits.ts'

/**
 * What shows that a request comes from where it says: a signature made with the app secret of Meta, the token of Telegram, or a signature made with the
 * secret of your own senders.
 */
export type Proof = 'app' | 'telegram' | 'sender'

/**
 * Who posts to a webhook.
 *
 * @example
 * { name: 'orders', proof: 'sender', read: (payload: any) => [{ key: `orders:${payload.phone}`, id: payload.order, data: { text: payload.note } }] }
 */
export interface Source<T> {
  /** 1 to 40 lower-case letters, digits and dashes: for `unsigned`, for what is told of requests, and where its new conversations are counted. */
  name: string
  /** By which of the secrets of the webhook its requests are known. */
  proof: Proof
  /**
   * The messages of a payload, none when it tells of something else (a status, a notice); undefined when it has not the form that this source knows.
   *
   * @param payload the body, parsed
   * @param text its JSON, where numbers have all of their digits
   */
  read(payload: any, text?: string): readonly NewMessage<T>[] | undefined
  /** What the sender wants to hear beside `added` and `duplicates` when all is stored. */
  answer?(payload: any): Record<string, unknown> | undefined
}

/** What is taken of a chat platform, and how. */
export interface ChatOptions {
  /** One batch for the whole group chat, or one for each of its members. @default 'chat' */
  groups?: 'chat' | 'sender'
  /** Takes reactions, and that one is taken back, as messages. @default false */
  reactions?: boolean
  /** Keeps what the provider sent in `data.raw`: up to 64 KiB of JSON, beyond that the message is `truncated`. @default false */
  raw?: boolean
}

/** For providers whose payloads do not always say to which of your accounts a message was sent. */
export interface AccountOptions extends ChatOptions {
  /**
   * Your bot or number, as part of the keys: needed when several of them share a queue. Begins with a letter or `+`, so that it is taken for no
   * chat. @default what the payload says, if anything
   */
  account?: string
}

const CHAT_OPTIONS: Names<ChatOptions> = { groups: true, reactions: true, raw: true }
const ACCOUNT_OPTIONS: Names<AccountOptions> = { ...CHAT_OPTIONS, account: true }

/** @throws RapidfireError `BAD_OPTION` */
export function checkChat(source: string, options: ChatOptions, names: Names<ChatOptions> = CHAT_OPTIONS): void {
  checkNames(source, options, names)
  const { groups, reactions, raw } = options
  for (const [name, flag] of Object.entries({ reactions, raw })) checkFlag(name, flag)
  if (groups === undefined || groups === 'chat' || groups === 'sender') return
  throw new RapidfireError('BAD_OPTION', `groups must be 'chat' or 'sender', got ${shown(groups)}`)
}

/** @throws RapidfireError `BAD_OPTION` */
export function checkAccount(source: string, options: AccountOptions): void {
  checkChat(source, options, ACCOUNT_OPTIONS)
  const { account } = options
  if (account === undefined || (typeof account === 'string' && /^[A-Za-z+][\w.+@-]{0,63}$/.test(account))) return
  throw new RapidfireError('BAD_OPTION', `account must have 1 to 64 letters, digits, _ . + @ -, the first a letter or +, got '${account}'`)
}

/** A message as the sources for WhatsApp and Telegram give it. */
export interface ChatMessage {
  /** The source that it came from, and the chat there, to send the answer to. Messages of your own senders have what these give them. */
  source?: string | undefined
  chat?: string | undefined
  /** The text, the caption of media, the title of the button that was pressed, or the emoji of a reaction; empty when there are no words. */
  text: string
  /** The kind of message as the provider calls it, such as `text`, `chat`, `image`, `voice`; `unknown` when it says none. */
  type: string
  /** Who wrote it: the phone number where the provider tells one, else the provider's id; empty when it tells neither. */
  from: string
  /** The provider's id of who wrote it, where it has one that stays when the phone number changes or is hidden. */
  userId?: string | undefined
  /** The name that the sender goes by. */
  name?: string | undefined
  /** The number or account of yours that it was sent to. */
  to?: string | undefined
  /** The topic or thread of the chat that it stands in, to answer there (Telegram). */
  thread?: string | undefined
  /** When it was sent by the provider's clock, ms since 1970. */
  sentAt?: number | undefined
  /** The id of the message that it answers, or reacts to, as the provider gives it. */
  replyTo?: string | undefined
  /** The `id` of the message in whose place this one comes: its author has changed it. It is its own `id` when that one was still open. */
  edits?: string | undefined
  /** The `id` of the message that its author has taken back, when it was not open any more. */
  withdraws?: string | undefined
  /** The id of the button or list row that was pressed, as your bot gave it. */
  choice?: string | undefined
  /** What the photos and videos of one album have in common (Telegram). */
  album?: string | undefined
  /** Where words of the text lead that are no address themselves (Telegram). */
  links?: readonly { text: string; url: string }[] | undefined
  /** How to fetch what was attached; never the bytes. */
  media?: Media | undefined
  /** The provider's own object for a location, a contact, an order and the like, or for what has no words. */
  content?: unknown
  /** The ad that brought the person here, and the product that they ask about (WhatsApp Cloud API). */
  referral?: unknown
  product?: unknown
  /** Why the provider could not pass the message on, or not all of it (WhatsApp Cloud API). */
  errors?: unknown
  /** What the provider sent, with the option `raw`. */
  raw?: unknown
  /** Whether `raw`, or `content`, was too large to be kept. */
  truncated?: true | undefined
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
  /** The key to decrypt it with (venom-bot, whatsapp-web.js). */
  key?: string | undefined
  /** Whether it was spoken as a voice message. */
  voice?: true | undefined
}

/** A member of a JSON object; undefined when there is none. Never one that is inherited, such as `constructor`. */
export const member = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined

export const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value)

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

/** What keys of conversations begin with that these sources make; no other source may make such. */
export const OWN_KEYS = ['whatsapp:', 'whatsapp-web:', 'telegram:'] as const

const escaped = (part: string) => part.replace(/[%:]/g, encodeURIComponent)

/**
 * The key of a conversation: source, account, chat and, where one chat has several conversations, whose it is. No two conversations share one, of
 * whatever source or account: a colon within a part is written as `%3A`, a percent sign as `%25`.
 */
export const conversationKey = (source: string, ...parts: (string | undefined)[]): string =>
  [source, ...parts.filter((part) => part !== undefined).map(escaped)].join(':')

/** In the place of what is missing, or of what Redis does not take: the same whenever the same comes again. */
export const digest = (value: unknown): string =>
  `#${createHash('sha256')
    .update(JSON.stringify(value) ?? '')
    .digest('base64url')}`

/** Bytes of JSON that are kept of what the provider sent, and of the content: with the text both must fit into a message of the default size. */
const MOST = { raw: 65_536, content: 131_072 } as const

function bound(data: ChatMessage): void {
  for (const [name, most] of Object.entries(MOST) as [keyof typeof MOST, number][]) {
    if (data[name] === undefined || Buffer.byteLength(JSON.stringify(data[name]) ?? '') <= most) continue
    delete data[name]
    data.truncated = true
  }
}

/** Says which message another one changes, by the id that it was stored with. One that would change itself is refused, so it changes none. */
function change(message: NewMessage<ChatMessage>): void {
  const name = message.data.edits === undefined ? 'withdraws' : 'edits'
  const other = message.data[name]
  const id = fitsId(other) ? other : digest(other)
  if (id !== message.id) message[name] = id
}

/**
 * Makes messages that are always taken, since a sender would send one that is refused again and again, and puts them into the order they were sent
 * in: within one payload they may be mixed up.
 */
export function inOrder(messages: NewMessage<ChatMessage>[]): NewMessage<ChatMessage>[] {
  for (const message of messages) {
    const { key, id, data } = message
    if (!fitsKey(key)) message.key = conversationKey(data.source ?? '', digest(key))
    if (!fitsId(id)) message.id = digest(id)
    if (data.edits !== undefined || data.withdraws !== undefined) change(message)
    if (data.raw !== undefined || data.content !== undefined) bound(data)
  }
  if (messages.length < 2 || messages.some(({ data }) => data.sentAt === undefined)) return messages
  return messages.sort((a, b) => (a.data.sentAt as number) - (b.data.sentAt as number))
}
