import type { NewMessage } from '../../options.ts'
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
  list,
  type Media,
  member,
  type Source,
  size,
  text,
} from './message.ts'

const MEDIA = new Set(['image', 'video', 'audio', 'file', 'sticker'])

const READERS = new Map([
  ['message_created', readMessage],
  ['message_edited', readEdit],
  ['message_removed', readRemoved],
  ['message_callback', readPress],
])

/**
 * Updates of bots of the messenger MAX: messages, edits, withdrawals and pressed buttons. What bots write is ignored, and so are the other updates. The key
 * is `max:<account>:<chat>`: MAX does not say to which bot a message came, so give an `account` where several share a queue.
 *
 * @throws RapidfireError `BAD_OPTION`
 */
export function max(options: AccountOptions = {}): Source<ChatMessage> {
  checkAccount('max', options)
  return {
    name: 'max',
    proof: 'max',
    read(payload) {
      const type = text(member(payload, 'update_type'))
      if (type === undefined || member(payload, 'timestamp') === undefined) return undefined
      const found = READERS.get(type)?.(payload, options)
      if (found && options.raw) found.data.raw = payload
      return found ? inOrder([found]) : []
    },
  }
}

type Found = NewMessage<ChatMessage>

interface Place {
  type: string
  user: unknown
  /** The chat, or undefined for that with the user. */
  chat: unknown
  isGroup: boolean
  id: string
}

function start({ type, user, chat: given, isGroup, id }: Place, payload: unknown, { account, groups }: AccountOptions): Found {
  const from = idText(member(user, 'user_id')) ?? ''
  const chat = idText(given) ?? from
  // Of whom nobody knows who they are, no two may share a conversation.
  const whose = chat === '' ? id : isGroup && groups === 'sender' ? from : undefined
  const names = [text(member(user, 'first_name')), text(member(user, 'last_name'))].filter(Boolean)
  const name = names.length > 0 ? names.join(' ') : text(member(user, 'name'))
  const sentAt = instant(member(payload, 'timestamp'))
  const data: ChatMessage = { source: 'max', chat, text: '', type, from, userId: from, name, to: account, sentAt }
  return { key: conversationKey('max', account ?? '', chat, whose), id, data }
}

/** Where a message stands: that of a pressed button, and one of somebody's own. */
function placeOf(message: unknown): Pick<Place, 'chat' | 'isGroup'> {
  const recipient = member(message, 'recipient')
  return { chat: member(recipient, 'chat_id'), isGroup: member(recipient, 'chat_type') !== 'dialog' }
}

const idOf = (message: unknown): string | undefined => text(member(member(message, 'body'), 'mid')) || undefined

/** Undefined for what a bot has written. */
function readMessage(payload: unknown, options: AccountOptions): Found | undefined {
  const message = member(payload, 'message')
  const sender = member(message, 'sender')
  if (member(sender, 'is_bot') === true) return undefined
  const found = start({ type: 'text', user: sender, ...placeOf(message), id: idOf(message) ?? digest(payload) }, payload, options)
  const { data } = found
  data.sentAt = instant(member(message, 'timestamp')) ?? data.sentAt
  const [body, link] = [member(message, 'body'), member(message, 'link')]
  if (member(link, 'type') === 'reply') data.replyTo = text(member(member(link, 'message'), 'mid'))
  data.text = text(member(body, 'text')) ?? ''
  const attachments = list(member(body, 'attachments')).filter(isObject)
  const [first] = attachments
  if (first !== undefined) {
    data.type = kind(member(first, 'type')) ?? 'attachment'
    data.media = MEDIA.has(data.type) ? mediaOf(first, data.type) : undefined
    if (!data.media || attachments.length > 1) data.content = attachments
  } else if (member(link, 'type') === 'forward') data.content = link
  else if (data.text === '') data.content = isObject(message) ? message : payload
  return found
}

/** Undefined when there is nothing by which to fetch it. */
function mediaOf(attachment: unknown, type: string): Media | undefined {
  const payload = member(attachment, 'payload')
  const names = ['token', 'photo_id', 'code'].map((name) => idText(member(payload, name)))
  const [id, url] = [names.find((name) => name !== undefined), text(member(payload, 'url'))]
  if (id === undefined && url === undefined) return undefined
  const voice = type === 'audio' ? true : undefined
  return { id, url, name: text(member(attachment, 'filename')), size: size(member(attachment, 'size')), voice }
}

function readEdit(payload: unknown, options: AccountOptions): Found | undefined {
  const found = readMessage(payload, options)
  if (!found) return undefined
  found.data.edits = found.id as string
  found.data.sentAt = instant(member(payload, 'timestamp')) ?? found.data.sentAt
  found.id = `${found.id}:edit:${idText(member(payload, 'timestamp')) ?? digest(payload)}`
  return found
}

/** It does not say what kind of chat it is: without a chat it is that with the user. */
function readRemoved(payload: unknown, options: AccountOptions): Found | undefined {
  const id = text(member(payload, 'message_id')) || digest(payload)
  const user = { user_id: member(payload, 'user_id') }
  const chat = member(payload, 'chat_id')
  // Those of groups are below zero.
  const found = start({ type: 'message_removed', user, chat, isGroup: (size(chat) ?? 0) < 0, id }, payload, options)
  found.data.withdraws = id
  found.id = `${id}:removed`
  return found
}

/** A button below a message of the bot. */
function readPress(payload: unknown, options: AccountOptions): Found {
  const [callback, message] = [member(payload, 'callback'), member(payload, 'message')]
  const user = member(callback, 'user')
  const id = `callback:${text(member(callback, 'callback_id')) || digest(payload)}`
  const found = start({ type: 'message_callback', user, ...placeOf(message), id }, payload, options)
  const { data } = found
  data.choice = text(member(callback, 'payload'))
  data.replyTo = idOf(message)
  data.text = buttonOf(message, data.choice) ?? ''
  data.content = callback ?? payload
  return found
}

/** The words on the button with this payload. */
function buttonOf(message: unknown, payload: string | undefined): string | undefined {
  const attachments = list(member(member(message, 'body'), 'attachments'))
  const rows = attachments.flatMap((each) => list(member(member(each, 'payload'), 'buttons')))
  const button = rows.flatMap(list).find((each) => payload !== undefined && member(each, 'payload') === payload)
  return text(member(button, 'text'))
}
