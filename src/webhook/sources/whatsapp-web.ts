import type { NewMessage } from '../../options.ts'
import {
  type AccountOptions,
  type ChatMessage,
  checkAccount,
  conversationKey,
  inOrder,
  kind,
  type Media,
  member,
  milliseconds,
  type Source,
  size,
  text,
} from './message.ts'

const MEDIA = new Set(['image', 'video', 'ptv', 'audio', 'ptt', 'document', 'sticker', 'album'])

/** In the others `body` is a thumbnail, a contact card or the like. */
const WRITTEN = new Set(['chat', 'list_response', 'buttons_response', 'template_button_reply', 'native_flow', 'interactive'])

/** What WhatsApp shows between the messages, and what changes earlier ones. */
const NO_MESSAGE = new Set([
  'broadcast_notification',
  'call_log',
  'ciphertext',
  'debug',
  'e2e_notification',
  'gp2',
  'group_notification',
  'newsletter_notification',
  'notification',
  'notification_template',
  'protocol',
  'reaction',
  'revoked',
])

/**
 * Message objects of venom-bot and whatsapp-web.js, one or an array of them, as `JSON.stringify` writes them. Messages sent by
 * the account itself, statuses and notifications are ignored. The key is `whatsapp-web:<your number>:<chat>`, the chat such as `79001234567@c.us`.
 *
 * @throws RapidfireError `BAD_OPTION`
 */
export function whatsappWeb(options: AccountOptions = {}): Source<ChatMessage> {
  checkAccount('whatsappWeb', options)
  return {
    name: 'whatsapp-web',
    proof: 'sender',
    read(payload) {
      const elements: unknown[] = Array.isArray(payload) ? payload : [payload]
      if (elements.length === 0 || !elements.every(isMessage)) return undefined
      return inOrder(elements.map((element) => readMessage(element, options)))
    },
  }
}

/** An id that one library gives as a text and the other as an object. */
const serialized = (value: unknown): string | undefined => text(value) ?? text(member(value, '_serialized'))

const isMessage = (element: unknown): boolean =>
  !!serialized(member(element, 'id')) && !!serialized(member(element, 'from')) && !!(member(element, 'type') ?? member(element, 'body'))

function readMessage(message: unknown, { account, groups }: AccountOptions): NewMessage<ChatMessage> | undefined {
  const given = member(message, 'type')
  const type = given === undefined ? 'chat' : kind(given)
  const chat = serialized(member(message, 'from'))
  const id = serialized(member(message, 'id'))
  const isOwn = member(message, 'fromMe') === true || member(member(message, 'id'), 'fromMe') === true
  if (!type || !chat || !id || isOwn || NO_MESSAGE.has(type) || chat === 'status@broadcast') return undefined
  const words = readWords(message, type)
  if (words === undefined) return undefined
  const sender = member(message, 'sender')
  const isGroup = chat.endsWith('@g.us')
  const from = isGroup ? (serialized(member(message, 'author')) ?? serialized(member(sender, 'id')) ?? chat) : chat
  const to = serialized(member(message, 'to'))
  const data: ChatMessage = {
    source: 'whatsapp-web',
    chat,
    text: words,
    type,
    from,
    userId: from,
    name: text(member(message, 'notifyName')) ?? text(member(member(message, '_data'), 'notifyName')) ?? text(member(sender, 'pushname')),
    to,
    sentAt: milliseconds(member(message, 't') ?? member(message, 'timestamp')),
    replyTo: text(member(message, 'quotedStanzaID')),
  }
  if (MEDIA.has(type)) data.media = readMedia(message, id)
  else if (type === 'location') data.content = readPlace(message)
  else if (!WRITTEN.has(type)) data.content = text(member(message, 'body'))
  return { key: conversationKey('whatsapp-web', account ?? to ?? '', chat, isGroup && groups === 'sender' ? from : undefined), id, data }
}

/** The words of a message, empty when it has none; undefined when a text message lacks its text. */
function readWords(message: unknown, type: string): string | undefined {
  const body = text(member(message, 'body'))
  if (WRITTEN.has(type)) return body
  // Beside media venom-bot has the thumbnail in `body` and the words in `caption`; whatsapp-web.js has the words in `body`, and `hasMedia`.
  return text(member(message, 'caption')) ?? (member(message, 'hasMedia') === true ? body : undefined) ?? ''
}

const readMedia = (message: unknown, id: string): Media => ({
  id,
  url: text(member(message, 'clientUrl')) ?? text(member(message, 'deprecatedMms3Url')),
  mimeType: text(member(message, 'mimetype')),
  name: text(member(message, 'filename')),
  size: size(member(message, 'size')),
  key: text(member(message, 'mediaKey')),
})

const readPlace = (message: unknown) =>
  member(message, 'location') ?? {
    latitude: member(message, 'lat'),
    longitude: member(message, 'lng'),
    description: member(message, 'loc'),
  }
