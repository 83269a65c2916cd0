import { RapidfireError } from '../../errors.ts'
import type { NewMessage } from '../../options.ts'
import {
  CHAT_OPTIONS,
  type ChatMessage,
  type ChatOptions,
  checkChat,
  conversationKey,
  digest,
  idText,
  inOrder,
  isObject,
  kind,
  list,
  type Media,
  member,
  milliseconds,
  plain,
  type Source,
  size,
  text,
} from './message.ts'

export interface VkOptions extends ChatOptions {
  /** What VK wants to hear from the server of a community, as its settings show it. @default the address cannot be confirmed */
  confirmation?: string
}

/** Peers from here on are chats of several people. */
const FIRST_CHAT = 2_000_000_000

const READERS = new Map([
  ['message_new', readNew],
  ['message_edit', readEdit],
  ['message_event', readPress],
  ['message_reaction_event', readReaction],
])

/**
 * The Callback API of VK communities: messages, edits, pressed buttons and, with `reactions`, reactions. What the community writes is ignored, and so are
 * the other events. The key is `vk:<community>:<peer>`, the id of a message `<peer>:<number in the conversation>`.
 *
 * @throws RapidfireError `BAD_OPTION`
 */
export function vk(options: VkOptions = {}): Source<ChatMessage> {
  checkChat('vk', options, { ...CHAT_OPTIONS, confirmation: true } as typeof CHAT_OPTIONS)
  const { confirmation } = options
  if (confirmation !== undefined && !(typeof confirmation === 'string' && /^\w{1,64}$/.test(confirmation))) {
    throw new RapidfireError('BAD_OPTION', 'the confirmation of VK must have 1 to 64 letters and digits')
  }
  return {
    name: 'vk',
    proof: 'vk',
    read(payload) {
      const [type, group] = [text(member(payload, 'type')), size(member(payload, 'group_id'))]
      if (type === undefined || group === undefined) return undefined
      if (type === 'confirmation') return confirmation === undefined ? undefined : []
      const [read, said] = [READERS.get(type), member(payload, 'object')]
      if (read && !isObject(said)) return undefined
      const found = read?.(said, { ...options, group, event: text(member(payload, 'event_id')) })
      if (found && options.raw) found.data.raw = said
      return found ? inOrder([found]) : []
    },
    answer: (payload) => plain(member(payload, 'type') === 'confirmation' ? (confirmation ?? '') : 'ok'),
  }
}

type Found = NewMessage<ChatMessage>
type Given = ChatOptions & { group: number; event: string | undefined }

/** @param number of the message within its conversation */
function start(
  said: unknown,
  { type, from, number }: { type: string; from: unknown; number: unknown },
  { group, groups, event }: Given,
): Found {
  const [peer, author] = [size(member(said, 'peer_id')), idText(from) ?? '']
  const chat = peer?.toString() ?? author
  const at = size(number) || undefined
  const id = at === undefined ? (event ?? digest(said)) : `${chat}:${at}`
  const whose = chat === '' ? id : groups === 'sender' && peer !== undefined && peer >= FIRST_CHAT ? author : undefined
  const data: ChatMessage = { source: 'vk', chat, text: '', type, from: author, userId: author, to: String(group) }
  return { key: conversationKey('vk', String(group), chat, whose), id, data }
}

/** Until version 5.103 of the API the message is the object itself. */
function readNew(said: unknown, given: Given): Found | undefined {
  const message = member(said, 'message')
  return readMessage(isObject(message) ? message : said, given)
}

/** Undefined for what the community has written, and for what VK tells of a chat. */
function readMessage(message: unknown, given: Given): Found | undefined {
  const from = member(message, 'from_id') ?? member(message, 'user_id')
  if (member(message, 'out') === 1 || from === -given.group) return undefined
  const words = text(member(message, 'text')) ?? text(member(message, 'body'))
  if (isObject(member(message, 'action')) && !words) return undefined
  const number = member(message, 'conversation_message_id') ?? member(message, 'id')
  const found = start(message, { type: 'text', from, number }, given)
  const { data } = found
  data.text = words ?? ''
  data.sentAt = milliseconds(member(message, 'date'))
  data.choice = text(member(message, 'payload'))
  data.replyTo = idText(member(member(message, 'reply_message'), 'conversation_message_id'))
  data.referral =
    member(message, 'ref') === undefined ? undefined : { ref: member(message, 'ref'), ref_source: member(message, 'ref_source') }
  readAttachments(message, data)
  return found
}

function readAttachments(message: unknown, data: ChatMessage): void {
  const attachments = list(member(message, 'attachments')).filter(isObject)
  const [first] = attachments
  const [geo, forwarded] = [member(message, 'geo'), list(member(message, 'fwd_messages'))]
  if (first !== undefined) {
    data.type = kind(member(first, 'type')) ?? 'attachment'
    data.media = mediaOf(data.type, member(first, data.type))
    if (!data.media || attachments.length > 1) data.content = attachments
  } else if (geo !== undefined) {
    data.type = 'geo'
    data.content = geo
  } else if (forwarded.length > 0) data.content = forwarded
  else if (data.text === '') data.content = message
}

/** Undefined for what has no file, such as a post of a wall. */
function mediaOf(type: string, given: unknown): Media | undefined {
  const sizes = list(member(given, 'sizes') ?? member(given, 'images'))
  // The largest: they come in no certain order.
  const area = (each: unknown) => (size(member(each, 'width')) ?? 0) * (size(member(each, 'height')) ?? 0)
  const largest = sizes.reduce((best, each) => (best === undefined || area(each) > area(best) ? each : best), undefined)
  const url = [member(given, 'link_ogg'), member(given, 'link_mp3'), member(given, 'url'), member(largest, 'url')].map(text).find(Boolean)
  if (url === undefined) return undefined
  const voice = type === 'audio_message' ? true : undefined
  const owner = idText(member(given, 'owner_id'))
  const id = idText(member(given, 'id')) ?? idText(member(given, 'sticker_id'))
  return {
    id: owner && id ? `${type}${owner}_${id}` : id,
    url,
    name: text(member(given, 'title')),
    size: size(member(given, 'size')),
    voice,
  }
}

function readEdit(said: unknown, given: Given): Found | undefined {
  const found = readNew(said, given)
  if (!found) return undefined
  const time = size(member(member(said, 'message') ?? said, 'update_time'))
  found.data.edits = found.id as string
  found.data.sentAt = milliseconds(time) ?? found.data.sentAt
  found.id = `${found.id}:edit:${time ?? given.event ?? digest(said)}`
  return found
}

/** A button below a message of the community, which shows that somebody waits until your bot answers it. */
function readPress(said: unknown, given: Given): Found {
  const found = start(said, { type: 'message_event', from: member(said, 'user_id'), number: undefined }, given)
  const payload = member(said, 'payload')
  found.data.choice = text(payload) ?? (payload === undefined ? undefined : JSON.stringify(payload))
  found.data.replyTo = idText(member(said, 'conversation_message_id'))
  found.data.content = said
  found.id = `callback:${text(member(said, 'event_id')) ?? found.id}`
  return found
}

function readReaction(said: unknown, given: Given): Found | undefined {
  if (!given.reactions || member(said, 'reacted_id') === -given.group) return undefined
  const found = start(said, { type: 'message_reaction_event', from: member(said, 'reacted_id'), number: undefined }, given)
  const reaction = member(said, 'reaction_id')
  found.data.replyTo = idText(member(said, 'cmid'))
  // VK has numbers for them; none is a reaction that was taken back.
  found.data.text = idText(reaction) ?? ''
  found.data.content = said
  found.id = `reaction:${found.id}`
  return found
}
