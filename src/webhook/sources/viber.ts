import type { NewMessage } from '../../options.ts'
import { membersOf } from './exact.ts'
import {
  type AccountOptions,
  type ChatMessage,
  checkAccount,
  conversationKey,
  digest,
  idText,
  inOrder,
  instant,
  isObject,
  kind,
  type Media,
  member,
  type Source,
  size,
  text,
} from './message.ts'

const MEDIA = new Set(['picture', 'video', 'file', 'sticker'])

/**
 * Callbacks of Viber bots: messages. Receipts, subscriptions and opened chats are ignored; Viber tells of no edits, and of no reactions. The key is
 * `viber:<account>:<person>`: Viber does not say to which bot a message came, so give an `account` where several share a queue.
 *
 * @throws RapidfireError `BAD_OPTION`
 */
export function viber(options: AccountOptions = {}): Source<ChatMessage> {
  checkAccount('viber', options)
  return {
    name: 'viber',
    proof: 'viber',
    read(payload, json) {
      const event = text(member(payload, 'event'))
      if (event === undefined || member(payload, 'message_token') === undefined || member(payload, 'timestamp') === undefined)
        return undefined
      return event === 'message' ? inOrder([readMessage(payload, json, options)]) : []
    },
  }
}

function readMessage(payload: unknown, json: string | undefined, { account, raw }: AccountOptions): NewMessage<ChatMessage> {
  const [sender, message] = [member(payload, 'sender'), member(payload, 'message')]
  const from = text(member(sender, 'id')) ?? ''
  const type = kind(member(message, 'type')) ?? 'unknown'
  const data: ChatMessage = {
    source: 'viber',
    chat: from,
    text: text(member(message, 'text')) ?? '',
    type,
    from,
    userId: from,
    name: text(member(sender, 'name')),
    to: account,
    sentAt: instant(member(payload, 'timestamp')),
    choice: text(member(message, 'tracking_data')) || undefined,
  }
  const id = tokenOf(payload, json) ?? digest(payload)
  const media = MEDIA.has(type) ? mediaOf(message) : undefined
  if (media) data.media = media
  else if (!(type === 'text' && data.text !== '')) data.content = contentOf(message, type, payload)
  if (raw) data.raw = payload
  return { key: conversationKey('viber', account ?? '', from, from === '' ? id : undefined), id, data }
}

/** It has 19 digits, more than a number of JavaScript keeps. */
function tokenOf(payload: unknown, json: string | undefined): string | undefined {
  const [exact = ''] = json === undefined ? [] : membersOf(json, 'message_token')
  return /^\d{1,32}$/.test(exact) ? exact : idText(member(payload, 'message_token')) || undefined
}

/** Undefined when there is nothing by which to fetch it. */
function mediaOf(message: unknown): Media | undefined {
  const [id, url] = [idText(member(message, 'sticker_id')), text(member(message, 'media'))]
  if (id === undefined && url === undefined) return undefined
  return { id, url, name: text(member(message, 'file_name')), size: size(member(message, 'size') ?? member(message, 'file_size')) }
}

function contentOf(message: unknown, type: string, payload: unknown): unknown {
  if (type === 'url') return member(message, 'media')
  return member(message, type) ?? (isObject(message) ? message : payload)
}
