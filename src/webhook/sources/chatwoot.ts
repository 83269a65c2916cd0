import type { NewMessage } from '../../options.ts'
import {
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
  type Source,
  size,
  text,
} from './message.ts'

const MEDIA = new Set(['image', 'audio', 'video', 'file'])

/** As text in events, and as the number that it has within Chatwoot. */
const INCOMING: readonly unknown[] = ['incoming', 0]

/**
 * Events of Chatwoot: messages of contacts, edits of them, and withdrawals. What agents and bots write is ignored, and so are the other events. The key is
 * `chatwoot:<account>:<conversation>`: Chatwoot says which messages belong together.
 *
 * @throws RapidfireError `BAD_OPTION`
 */
export function chatwoot(options: ChatOptions = {}): Source<ChatMessage> {
  checkChat('chatwoot', options)
  return {
    name: 'chatwoot',
    proof: 'gateway',
    read(payload) {
      const event = text(member(payload, 'event'))
      if (event === undefined || !isObject(member(payload, 'account'))) return undefined
      const found = event === 'message_created' || event === 'message_updated' ? readMessage(payload, event, options) : undefined
      return found ? inOrder([found]) : []
    },
  }
}

/** Undefined for what nobody has written from outside. */
function readMessage(payload: unknown, event: string, { groups, raw }: ChatOptions): NewMessage<ChatMessage> | undefined {
  const type = member(payload, 'message_type')
  if (
    (type !== undefined && type !== null && !INCOMING.includes(type) && ['string', 'number'].includes(typeof type)) ||
    member(payload, 'private') === true
  )
    return undefined
  const [attributes, conversation, sender] = ['content_attributes', 'conversation', 'sender'].map((name) => member(payload, name))
  const isDeleted = member(attributes, 'deleted') === true
  // An update also says that a message was seen, or that a form in it was filled in.
  if (
    event === 'message_updated' &&
    !isDeleted &&
    member(attributes, 'edited') !== true &&
    member(attributes, 'submitted_values') === undefined
  )
    return undefined
  const account = idText(member(member(payload, 'account'), 'id')) ?? ''
  const chat = idText(member(conversation, 'id')) ?? ''
  const from = text(member(sender, 'phone_number')) || idText(member(sender, 'id')) || ''
  const id = idText(member(payload, 'id')) || digest(payload)
  const whose = chat === '' ? id : groups === 'sender' ? from : undefined
  const data: ChatMessage = {
    source: 'chatwoot',
    chat,
    text: text(member(payload, 'content')) ?? '',
    type: kind(member(payload, 'content_type')) ?? 'text',
    from,
    userId: idText(member(sender, 'id')) ?? from,
    name: text(member(sender, 'name')),
    to: account,
    sentAt: timeOf(member(payload, 'created_at')),
    replyTo: idText(member(attributes, 'in_reply_to')),
  }
  if (raw) data.raw = payload
  const found = { key: conversationKey('chatwoot', account, chat, whose), id, data }
  if (isDeleted) return { ...found, id: `${id}:deleted`, data: { ...data, text: '', withdraws: id } }
  readAttachments(payload, data)
  const mark = digest([member(payload, 'content'), attributes])
  return event === 'message_created' ? found : { ...found, id: `${id}:edit:${mark}`, data: { ...data, edits: id } }
}

function readAttachments(payload: unknown, data: ChatMessage): void {
  const attachments = list(member(payload, 'attachments')).filter(isObject)
  const [first] = attachments
  const values = member(member(payload, 'content_attributes'), 'submitted_values')
  if (first !== undefined) {
    data.type = kind(member(first, 'file_type')) ?? 'attachment'
    data.media = MEDIA.has(data.type) ? mediaOf(first) : undefined
    if (!data.media || attachments.length > 1) data.content = attachments
  } else if (values !== undefined) data.content = values
  else if (data.text === '') data.content = payload
}

/** Undefined when there is nothing by which to fetch it. */
function mediaOf(attachment: unknown): Media | undefined {
  const url = text(member(attachment, 'data_url'))
  if (url === undefined) return undefined
  const name = text(member(attachment, 'file_name')) ?? text(member(attachment, 'fallback_title'))
  return { id: idText(member(attachment, 'id')), url, name, size: size(member(attachment, 'file_size')) }
}

/** Seconds, or a date. */
function timeOf(value: unknown): number | undefined {
  const date = typeof value === 'string' && /^\d{4}-/.test(value) ? Date.parse(value) : Number.NaN
  return Number.isNaN(date) ? milliseconds(value) : date
}
