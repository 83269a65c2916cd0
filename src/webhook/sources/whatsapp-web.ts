import type { NewMessage } from '../../options.ts'
import {
  type AccountOptions,
  type ChatMessage,
  checkAccount,
  conversationKey,
  digest,
  inOrder,
  isObject,
  kind,
  list,
  type Media,
  member,
  milliseconds,
  type Source,
  size,
  text,
} from './message.ts'

const MEDIA = new Set(['image', 'video', 'ptv', 'audio', 'ptt', 'document', 'sticker', 'album'])

/** In the others `body` is a thumbnail, a contact card or the like. */
const WRITTEN = new Set([
  'chat',
  'oversized',
  'list_response',
  'buttons_response',
  'template_button_reply',
  'native_flow',
  'interactive',
  'poll_creation',
  'scheduled_event_creation',
])

/** What WhatsApp shows between the messages. */
export const NO_MESSAGE: ReadonlySet<string> = new Set([
  'broadcast_notification',
  'call_log',
  'debug',
  'e2e_notification',
  'gp2',
  'group_notification',
  'newsletter_notification',
  'notification',
  'notification_template',
])

/** Of orders, products, polls, events, invitations to groups: what the libraries tell of them, beside a thumbnail. */
const DETAILS = [
  ...['orderId', 'token', 'orderTitle', 'itemCount', 'sellerJid', 'totalAmount1000', 'totalCurrencyCode'],
  ...['productId', 'title', 'description', 'businessOwnerJid', 'retailerId', 'priceAmount1000', 'currencyCode', 'url'],
  ...['pollName', 'pollOptions', 'eventName', 'eventDescription', 'eventLocation', 'eventStartTime', 'eventEndTime'],
  ...['inviteV4', 'inviteCode', 'inviteGrp', 'inviteGrpName'],
]

const WITH_DETAILS = new Set(['order', 'product', 'poll_creation', 'scheduled_event_creation', 'event_creation', 'groups_v4_invite'])

/**
 * Message objects of venom-bot and whatsapp-web.js, one or an array of them, as `JSON.stringify` writes them. Messages sent by
 * the account itself, statuses and notifications are ignored, and so are reactions unless `reactions` is set. The key is
 * `whatsapp-web:<your number>:<chat>`, the chat such as `79001234567@c.us`.
 *
 * @throws RapidfireError `BAD_OPTION`
 */
export function whatsappWeb(options: AccountOptions = {}): Source<ChatMessage> {
  checkAccount('whatsappWeb', options)
  const whose = { ...options, source: 'whatsapp-web' }
  return {
    name: 'whatsapp-web',
    proof: 'sender',
    read(payload) {
      const elements: unknown[] = Array.isArray(payload) ? payload : [payload]
      if (elements.length === 0 || !elements.every((element) => isMessage(element) || isReaction(element))) return undefined
      const found = elements.map((element) => readWeb(element, whose))
      return inOrder(found.filter((each) => each !== undefined))
    },
  }
}

/** Whose messages they are: the source that reads them, and the options of that. */
export interface WebOptions extends AccountOptions {
  source: string
}

/** A message, or a reaction, in the form that these libraries share; undefined when nobody else has written anything. */
export const readWeb = (element: unknown, options: WebOptions): NewMessage<ChatMessage> | undefined =>
  isReaction(element) && !isMessage(element) ? readReaction(element, options) : readMessage(element, options)

/** An id that one library gives as a text and the other as an object. */
export const serialized = (value: unknown): string | undefined => text(value) ?? text(member(value, '_serialized'))

const isMessage = (element: unknown): boolean =>
  !!serialized(member(element, 'id')) && !!serialized(member(element, 'from')) && !!(member(element, 'type') ?? member(element, 'body'))

/** What the event `message_reaction` of whatsapp-web.js brings. */
const isReaction = (element: unknown): boolean =>
  !!serialized(member(element, 'msgId')) && !!serialized(member(element, 'senderId')) && text(member(element, 'reaction')) !== undefined

/** A member of a message; whatsapp-web.js keeps what it has no name for in `_data`. */
const inside = (message: unknown, name: string): unknown => member(message, name) ?? member(member(message, '_data'), name)

const isOwn = (message: unknown) => member(message, 'fromMe') === true || member(member(message, 'id'), 'fromMe') === true

function keyOf(chat: string, from: string, to: string | undefined, { source, account, groups }: WebOptions, id?: string): string {
  // Of whom nobody knows who they are, no two may share a conversation.
  const whose = chat === '' ? id : chat.endsWith('@g.us') && groups === 'sender' ? from : undefined
  return conversationKey(source, account ?? to ?? '', chat, whose)
}

/** Undefined when nobody else has written anything. */
function readMessage(message: unknown, options: WebOptions): NewMessage<ChatMessage> | undefined {
  const given = member(message, 'type')
  const type = given === undefined ? 'chat' : (kind(given) ?? 'unknown')
  const chat = serialized(member(message, 'from')) ?? ''
  if (isOwn(message) || NO_MESSAGE.has(type) || chat === 'status@broadcast' || (type === 'reaction' && !options.reactions)) return undefined
  const id = serialized(member(message, 'id')) || digest(message)
  const change = readChange(message, type, id)
  if (type === 'protocol' && !change) return undefined
  const sender = member(message, 'sender')
  const from = chat.endsWith('@g.us') ? (serialized(member(message, 'author')) ?? serialized(member(sender, 'id')) ?? chat) : chat
  const to = serialized(member(message, 'to'))
  const data: ChatMessage = {
    source: options.source,
    chat,
    text: '',
    type,
    from,
    userId: from,
    name: text(inside(message, 'notifyName')) ?? text(member(sender, 'pushname')),
    to,
    sentAt: milliseconds(member(message, 't') ?? member(message, 'timestamp')),
    replyTo: text(inside(message, 'quotedStanzaID')),
  }
  if (change) Object.assign(data, change.data)
  if (data.withdraws === undefined) readContent(message, id, data)
  if (options.raw) data.raw = message
  return { key: keyOf(chat, from, to, options, id), id: id + (change?.mark ?? ''), data }
}

/** What a message changes that came before, and what its id needs then beside its own, which may be that of the other. */
function readChange(message: unknown, type: string, id: string): { data: Partial<ChatMessage>; mark: string } | undefined {
  if (isObject(inside(message, 'latestEditMsgKey'))) {
    return { data: { edits: id }, mark: `:${size(inside(message, 'latestEditSenderTimestampMs')) ?? 'edit'}` }
  }
  // It comes again under the same id when it could be decrypted.
  if (type === 'ciphertext') return { data: {}, mark: ':ciphertext' }
  if (type !== 'revoked' && type !== 'protocol') return undefined
  const other = serialized(inside(message, 'protocolMessageKey')) ?? id
  const what = type === 'protocol' ? text(inside(message, 'subtype')) : type
  if (what === 'message_edit') return { data: { type: 'chat', edits: other }, mark: ':edit' }
  return what === 'revoked' || /^(sender|admin)_revoke$/.test(what ?? '') ? { data: { withdraws: other }, mark: ':revoked' } : undefined
}

/** What a message says, into `data`. */
function readContent(message: unknown, id: string, data: ChatMessage): void {
  const { type } = data
  const words = readWords(message, type)
  data.text = words ?? ''
  if (type === 'chat' && words !== undefined) return
  data.choice = readChoice(message)
  if (type === 'reaction') data.replyTo = serialized(inside(message, 'reactionParentKey'))
  if (MEDIA.has(type) || member(message, 'hasMedia') === true) data.media = readMedia(message, id, type)
  else if (type === 'location') data.content = readPlace(message)
  else if (WITH_DETAILS.has(type)) data.content = readDetails(message)
  else if (!WRITTEN.has(type)) data.content = readCards(message) ?? text(member(message, 'body'))
  // Where neither words nor anything else is known, the whole message is what was said.
  if (words === undefined && !data.media && data.content === undefined) data.content = message
}

/** The words of a message; undefined when it has none. */
function readWords(message: unknown, type: string): string | undefined {
  const body = text(member(message, 'body'))
  if (WRITTEN.has(type)) return body
  if (type === 'order') return text(inside(message, 'message'))
  if (type === 'reaction') return text(inside(message, 'reactionText'))
  // Beside media venom-bot has the thumbnail in `body` and the words in `caption`; whatsapp-web.js has the words in `body`, and `hasMedia`.
  return text(member(message, 'caption')) ?? (member(message, 'hasMedia') === true ? body : undefined)
}

export const readChoice = (message: unknown): string | undefined =>
  text(inside(message, 'selectedButtonId')) ??
  text(inside(message, 'selectedRowId')) ??
  text(inside(message, 'selectedId')) ??
  text(member(member(inside(message, 'listResponse'), 'singleSelectReply'), 'selectedRowId'))

const readMedia = (message: unknown, id: string, type: string): Media => ({
  id,
  // wppconnect-server and open-wa may have put the file into a bucket.
  url:
    text(member(message, 'fileUrl')) ??
    text(member(message, 'cloudUrl')) ??
    text(inside(message, 'clientUrl')) ??
    text(inside(message, 'deprecatedMms3Url')),
  mimeType: text(inside(message, 'mimetype')),
  name: text(inside(message, 'filename')),
  size: size(inside(message, 'size')),
  key: text(inside(message, 'mediaKey')),
  voice: type === 'ptt' ? true : undefined,
})

const readPlace = (message: unknown) =>
  member(message, 'location') ?? {
    latitude: member(message, 'lat'),
    longitude: member(message, 'lng'),
    description: member(message, 'loc'),
  }

function readDetails(message: unknown): object | undefined {
  const details = DETAILS.map((name) => [name, inside(message, name)]).filter(([, value]) => value !== undefined)
  return details.length > 0 ? Object.fromEntries(details) : undefined
}

/** Several contact cards: a list of them from one library, of objects that have them from the other. */
function readCards(message: unknown): string[] | undefined {
  const cards = [...list(member(message, 'vCards')), ...list(member(message, 'vcardList'))].flatMap(
    (card) => text(card) ?? text(member(card, 'vcard')) ?? [],
  )
  return cards.length > 1 ? cards : undefined
}

function readReaction(reaction: unknown, options: WebOptions): NewMessage<ChatMessage> | undefined {
  if (!options.reactions || isOwn(reaction)) return undefined
  const asked = serialized(member(reaction, 'msgId')) as string
  const from = serialized(member(reaction, 'senderId')) as string
  const chat = serialized(member(member(reaction, 'msgId'), 'remote')) ?? from
  const emoji = member(reaction, 'reaction') as string
  const sentAt = milliseconds(member(reaction, 'timestamp'))
  const data: ChatMessage = { source: options.source, chat, text: emoji, type: 'reaction', from, userId: from, sentAt, replyTo: asked }
  if (options.raw) data.raw = reaction
  return { key: keyOf(chat, from, undefined, options), id: `${asked}:${from}:${sentAt ?? ''}:${emoji}`, data }
}
