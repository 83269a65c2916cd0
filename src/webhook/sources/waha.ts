import type { NewMessage } from '../../options.ts'
import {
  type ChatMessage,
  type ChatOptions,
  checkChat,
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
  text,
} from './message.ts'
import { NO_MESSAGE, readChoice } from './whatsapp-web.ts'

/**
 * Events of WAHA: messages, edits, withdrawals and, with `reactions`, reactions. The others are ignored, as are messages of the account itself. The
 * key is `waha:<session>:<chat>`, the chat such as `79001234567@c.us`.
 *
 * @throws RapidfireError `BAD_OPTION`
 */
export function waha(options: ChatOptions = {}): Source<ChatMessage> {
  checkChat('waha', options)
  return {
    name: 'waha',
    proof: 'gateway',
    read(payload) {
      const [event, session] = [text(member(payload, 'event')), text(member(payload, 'session'))]
      const said = member(payload, 'payload')
      if (event === undefined || session === undefined || said === undefined) return undefined
      const read = READERS.get(event)
      const found = read && isObject(said) ? read(said, { ...options, session }) : undefined
      if (found && options.raw) found.data.raw = said
      return found ? inOrder([found]) : []
    },
  }
}

type Found = NewMessage<ChatMessage>
type Given = ChatOptions & { session: string }

const READERS: ReadonlyMap<string, (said: unknown, options: Given) => Found | undefined> = new Map([
  ['message', readMessage],
  ['message.any', readMessage],
  ['message.edited', readEdit],
  ['message.revoked', readRevoked],
  ['message.reaction', readReaction],
])

/** An id of WhatsApp itself as those that WAHA tells it with. */
const jidOf = (value: unknown): string | undefined => text(value)?.replace(/(:\d+)?@s\.whatsapp\.net$/, '@c.us')

const inside = (said: unknown, ...path: string[]): unknown => path.reduce(member, member(said, '_data'))

/** Who wrote a message, and where; undefined when it was nobody else. */
function start(said: unknown, type: string, { session, groups }: Given): Found | undefined {
  const given = jidOf(member(said, 'from')) ?? ''
  if (member(said, 'fromMe') === true || given === 'status@broadcast') return undefined
  const isGroup = given.endsWith('@g.us')
  const author = isGroup ? (jidOf(member(said, 'participant') ?? member(said, 'author')) ?? given) : given
  const other = jidOf(inside(said, 'key', isGroup ? 'participantAlt' : 'remoteJidAlt') ?? inside(said, 'Info', 'SenderAlt'))
  // A hidden number is known to some of its engines.
  const from = author.endsWith('@lid') && other?.endsWith('@c.us') ? other : author
  const chat = isGroup ? given : from
  const id = text(member(said, 'id')) || digest(said)
  const whose = chat === '' ? id : isGroup && groups === 'sender' ? from : undefined
  const data: ChatMessage = {
    source: 'waha',
    chat,
    text: '',
    type,
    from,
    userId: author,
    name: text(inside(said, 'notifyName') ?? inside(said, 'pushName') ?? inside(said, 'Info', 'PushName')),
    to: session,
    sentAt: milliseconds(member(said, 'timestamp')),
    replyTo: text(member(member(said, 'replyTo'), 'id')),
  }
  return { key: conversationKey('waha', session, chat, whose), id, data }
}

function readMessage(said: unknown, options: Given): Found | undefined {
  const type = kind(inside(said, 'type')) ?? kindOf(said)
  if (NO_MESSAGE.has(type)) return undefined
  const found = start(said, type, options)
  if (found) readContent(said, found.data)
  return found
}

function kindOf(said: unknown): string {
  const type = text(member(member(said, 'media'), 'mimetype'))?.split('/')[0] ?? ''
  if (['image', 'video', 'audio'].includes(type)) return type
  if (member(said, 'hasMedia') === true) return 'document'
  return isObject(member(said, 'location')) ? 'location' : list(member(said, 'vCards')).length > 0 ? 'vcard' : 'chat'
}

function readContent(said: unknown, data: ChatMessage): void {
  const words = text(member(said, 'body'))
  data.text = words ?? ''
  data.choice = readChoice(said)
  if (member(said, 'hasMedia') === true) data.media = mediaOf(said, data.type)
  const cards = list(member(said, 'vCards'))
  if (isObject(member(said, 'location'))) data.content = member(said, 'location')
  else if (cards.length > 0) data.content = cards
  else if (!words && !data.media) data.content = said
}

function mediaOf(said: unknown, type: string): Media {
  const media = member(said, 'media')
  return {
    id: text(member(said, 'id')),
    url: text(member(media, 'url')),
    mimeType: text(member(media, 'mimetype')),
    name: text(member(media, 'filename')),
    voice: type === 'ptt' || inside(said, 'message', 'audioMessage', 'ptt') === true ? true : undefined,
  }
}

/** The id of a message that another tells of, by its last part or as a whole: with the chat before it, and in groups the author after it. */
function fullId(short: string, like: string | undefined): string {
  const parts = like?.split('_') ?? []
  return short.includes('_') || parts.length < 3 ? short : [...parts.slice(0, 2), short, ...parts.slice(3)].join('_')
}

function readEdit(said: unknown, options: Given): Found | undefined {
  const found = readMessage(said, options)
  if (!found) return undefined
  const id = found.id as string
  const edits = fullId(text(member(said, 'editedMessageId')) || id, id)
  return { ...found, id: `${edits}:edit:${digest([member(said, 'body'), member(said, 'timestamp')])}`, data: { ...found.data, edits } }
}

function readRevoked(said: unknown, options: Given): Found | undefined {
  const [before, after] = [member(said, 'before'), member(said, 'after')].map((each) => (isObject(each) ? each : undefined))
  const about = after ?? before ?? said
  const found = start(about, 'revoked', options)
  if (!found) return undefined
  const short = text(member(said, 'revokedMessageId'))
  const withdraws = text(member(before, 'id')) || (short ? fullId(short, found.id) : (found.id as string))
  return { ...found, id: `${withdraws}:revoked`, data: { ...found.data, withdraws } }
}

function readReaction(said: unknown, options: Given): Found | undefined {
  const found = options.reactions ? start(said, 'reaction', options) : undefined
  if (!found) return undefined
  const reaction = member(said, 'reaction')
  const data = { ...found.data, text: text(member(reaction, 'text')) ?? '', replyTo: text(member(reaction, 'messageId')) }
  return { ...found, id: `${found.id}:${data.sentAt ?? ''}:${data.text}`, data }
}
