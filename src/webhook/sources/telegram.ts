import type { NewMessage } from '../../options.ts'
import {
  type AccountOptions,
  type ChatMessage,
  checkAccount,
  conversationKey,
  inOrder,
  isObject,
  list,
  type Media,
  member,
  milliseconds,
  type Source,
  size,
  text,
} from './message.ts'
import { ENVELOPE, NOTICES } from './telegram-names.ts'

const MEDIA = ['photo', 'voice', 'audio', 'video', 'video_note', 'animation', 'document', 'sticker', 'live_photo']

const MESSAGES = ['message', 'channel_post', 'business_message', 'guest_message']

const EDITS = ['edited_message', 'edited_channel_post', 'edited_business_message']

/**
 * Updates of the Telegram Bot API with a message, a channel post, a message of a business account, a change of one of these, or a pressed button;
 * with `reactions`, reactions too. The other updates are ignored, and so are the notices that Telegram puts into a chat. The key is
 * `telegram:<chat>`, with the `account`, or the business connection, before the chat, and the topic after it; the id of a message is
 * `<chat>:<message>`.
 *
 * @throws RapidfireError `BAD_OPTION`
 */
export function telegram(options: AccountOptions = {}): Source<ChatMessage> {
  checkAccount('telegram', options)
  return {
    name: 'telegram',
    proof: 'telegram',
    read(payload) {
      const update = size(member(payload, 'update_id'))
      if (update === undefined) return undefined
      const found = readUpdate(payload, update, options)
      if (options.raw) for (const { data } of found) data.raw = payload
      return inOrder(found)
    },
    // Without it the button that was pressed would show that somebody is waited for.
    answer(payload) {
      const id = text(member(member(payload, 'callback_query'), 'id'))
      return id === undefined ? undefined : { method: 'answerCallbackQuery', callback_query_id: id }
    },
  }
}

type Found = NewMessage<ChatMessage>

function readUpdate(payload: unknown, update: number, options: AccountOptions): Found[] {
  for (const name of MESSAGES) {
    const message = member(payload, name)
    if (isObject(message)) return optional(readMessage(message, update, options))
  }
  for (const name of EDITS) {
    const message = member(payload, name)
    if (isObject(message)) return optional(readEdit(message, update, options))
  }
  const press = member(payload, 'callback_query')
  if (isObject(press)) return [readPress(press, update, options)]
  const reaction = member(payload, 'message_reaction')
  if (isObject(reaction)) return options.reactions ? [readReaction(reaction, update, options)] : []
  return readDeleted(member(payload, 'deleted_business_messages'), update, options)
}

const optional = (found: Found | undefined): Found[] => (found ? [found] : [])

/** An id as text: Telegram's are numbers. */
const idOf = (value: unknown): string | undefined => size(member(value, 'id'))?.toString()

/**
 * Where and by whom something was written.
 *
 * @param message with `chat`, `message_id` and the thread, as far as they are there
 * @param author with `id` and names
 */
function placeOf(message: unknown, author: unknown, update: number, { account, groups }: AccountOptions) {
  const chat = member(message, 'chat')
  const from = idOf(author) ?? idOf(chat) ?? ''
  const chatId = idOf(chat) ?? from
  // The business account numbers its messages by itself, and its chat with a person is another one than the bot's.
  const business = text(member(message, 'business_connection_id'))
  const to = business ?? account
  const topic = size(member(member(message, 'direct_messages_topic'), 'topic_id'))
  const thread = topic ?? size(member(message, 'message_thread_id'))
  // In a group without topics a thread is but a row of answers.
  const isTopic = topic !== undefined || member(message, 'is_topic_message') === true
  const whose = member(chat, 'type') !== 'private' && groups === 'sender' ? from : undefined
  // Of what nobody knows where it stands, no two may share a conversation.
  const own = chatId === '' ? String(update) : undefined
  const key = conversationKey('telegram', to, chatId, isTopic ? thread?.toString() : undefined, own ?? whose)
  // What stands before the number of a message in its id.
  const before = business === undefined ? `${chatId}:` : `${business}:${chatId}:`
  return { key, before, business, chat: chatId, from, to, name: nameOf(author), thread: thread?.toString() }
}

/** Without a copy of the place: its members would make it slow. */
const newMessage = ({ chat, from, to, name, thread }: ReturnType<typeof placeOf>, words: string, type: string): ChatMessage => ({
  source: 'telegram',
  chat,
  text: words,
  type,
  from,
  userId: from,
  name,
  to,
  thread,
  sentAt: undefined,
  replyTo: undefined,
})

function nameOf(author: unknown): string | undefined {
  const names = [text(member(author, 'first_name')), text(member(author, 'last_name'))].filter((name) => name !== undefined)
  return names.length > 0 ? names.join(' ') : text(member(author, 'title'))
}

/** Undefined for a notice, and for what a business has written itself. */
function readMessage(message: unknown, update: number, options: AccountOptions): Found | undefined {
  const type = kindOf(message)
  if (type === undefined) return undefined
  const place = placeOf(message, member(message, 'from') ?? member(message, 'sender_chat'), update, options)
  if (place.business && place.from !== place.chat) return undefined
  const words = text(member(message, 'text')) ?? text(member(message, 'caption'))
  const data = newMessage(place, words ?? '', type)
  data.sentAt = milliseconds(member(message, 'date'))
  const answered = member(message, 'reply_to_message')
  // What is written into a topic answers the notice of its making, unless it answers a message.
  if (answered && !member(answered, 'forum_topic_created')) data.replyTo = size(member(answered, 'message_id'))?.toString()
  const entities = member(message, 'entities') ?? member(message, 'caption_entities')
  if (words && entities) data.links = readLinks(words, entities)
  if (type !== 'text') readContent(message, type, data)
  // A message that is shown to one person alone, or comes later, has no number of its own.
  const messageId = size(member(message, 'message_id')) || `#${update}`
  return { key: place.key, id: place.before + messageId, data }
}

/** What is no text, into `data`. */
function readContent(message: unknown, type: string, data: ChatMessage): void {
  const content = member(message, type)
  const media = MEDIA.includes(type) ? readMedia(content, type) : undefined
  if (media) data.media = media
  else data.content = content ?? message
  data.album = text(member(message, 'media_group_id'))
}

/** Undefined for a notice. A venue has a location besides. */
function kindOf(message: unknown): string | undefined {
  if (text(member(message, 'text')) !== undefined) return 'text'
  const media = MEDIA.find((name) => member(message, name) !== undefined)
  if (media) return media
  if (member(message, 'venue') !== undefined) return 'venue'
  const names = Object.keys(message as object)
  const content = names.find((name) => /^[a-z_]{1,40}$/.test(name) && !ENVELOPE.has(name) && !NOTICES.has(name))
  if (content) return content
  return names.some((name) => NOTICES.has(name)) && text(member(message, 'caption')) === undefined ? undefined : 'unknown'
}

/** Links that stand behind words. */
function readLinks(words: string, entities: unknown): { text: string; url: string }[] | undefined {
  const links: { text: string; url: string }[] = []
  for (const entity of list(entities)) {
    const [url, offset, length] = [text(member(entity, 'url')), size(member(entity, 'offset')), size(member(entity, 'length'))]
    if (url === undefined || offset === undefined || length === undefined) continue
    links.push({ text: words.slice(offset, offset + length), url })
  }
  return links.length > 0 ? links : undefined
}

function readMedia(given: unknown, type: string): Media | undefined {
  // A photo comes in several sizes, the largest last.
  const file = Array.isArray(given) ? list(given).at(-1) : given
  const id = text(member(file, 'file_id'))
  if (id === undefined) return undefined
  const voice = type === 'voice' ? true : undefined
  return {
    id,
    mimeType: text(member(file, 'mime_type')),
    name: text(member(file, 'file_name')),
    size: size(member(file, 'file_size')),
    voice,
  }
}

/** A message in its new form: a message of its own, since the old one may have been handled. */
function readEdit(message: unknown, update: number, options: AccountOptions): Found | undefined {
  const found = readMessage(message, update, options)
  // Somebody who shares where they are moves on.
  if (!found || found.data.type === 'location') return undefined
  found.data.edits = found.id
  found.data.sentAt = milliseconds(member(message, 'edit_date')) ?? found.data.sentAt
  found.id += `:${update}`
  return found
}

/** A button below a message of the bot. */
function readPress(press: unknown, update: number, options: AccountOptions): Found {
  const { message, from, ...content } = press as Record<string, unknown>
  const place = placeOf(message, from, update, options)
  const choice = text(content.data)
  const rows = list(member(member(message, 'reply_markup'), 'inline_keyboard'))
  const button = choice && rows.flatMap(list).find((each) => member(each, 'callback_data') === choice)
  const data = newMessage(place, text(member(button, 'text')) ?? '', 'callback_query')
  data.replyTo = size(member(message, 'message_id'))?.toString()
  data.choice = choice
  data.content = content
  return { key: place.key, id: `callback:${text(content.id) ?? `#${update}`}`, data }
}

function readReaction(reaction: unknown, update: number, options: AccountOptions): Found {
  const place = placeOf(reaction, member(reaction, 'user') ?? member(reaction, 'actor_chat'), update, options)
  const emojis = list(member(reaction, 'new_reaction')).map((each) => text(member(each, 'emoji')) ?? '')
  const data = newMessage(place, emojis.join(''), 'message_reaction')
  data.sentAt = milliseconds(member(reaction, 'date'))
  data.replyTo = size(member(reaction, 'message_id'))?.toString()
  data.content = member(reaction, 'new_reaction')
  return { key: place.key, id: `${place.before}${data.replyTo ?? ''}:${update}`, data }
}

/** Telegram does not say who of the two has deleted them. */
function readDeleted(deleted: unknown, update: number, options: AccountOptions): Found[] {
  const ids = list(member(deleted, 'message_ids')).flatMap((id) => size(id) ?? [])
  if (ids.length === 0) return []
  const place = placeOf(deleted, member(deleted, 'chat'), update, options)
  return ids.map((messageId) => {
    const data = newMessage(place, '', 'deleted_business_messages')
    data.withdraws = place.before + messageId
    return { key: place.key, id: `${data.withdraws}:${update}`, data }
  })
}
