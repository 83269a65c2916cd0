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

const MEDIA = new Set(['image', 'video', 'audio', 'voice', 'document', 'sticker'])

/** What Meta puts among the messages though nobody has written anything. */
const NO_MESSAGE = new Set(['system', 'request_welcome'])

/**
 * Webhooks of the WhatsApp Cloud API: every message of every entry. Statuses and the other fields of an account are ignored, and so are reactions
 * unless `reactions` is set. The key is `whatsapp:<phone number id>:<from>`, the sender's phone number (the user id of people who hide it) or the
 * group; the id Meta's `wamid`.
 *
 * @throws RapidfireError `BAD_OPTION`
 */
export function whatsappCloud(options: ChatOptions = {}): Source<ChatMessage> {
  checkChat('whatsappCloud', options)
  const whose = { ...options, source: 'whatsapp' }
  return {
    name: 'whatsapp',
    proof: 'app',
    read(payload) {
      if (member(payload, 'object') !== 'whatsapp_business_account') return undefined
      return inOrder(valuesOf(payload).flatMap((value) => readValue(value, whose)))
    },
  }
}

/**
 * The same as middlemen pass it on, who cannot sign as Meta does: the whole, or only a `change` or its `value`, one of them or an array. The key is
 * `whatsapp-relay:<phone number id>:<from>`.
 *
 * @throws RapidfireError `BAD_OPTION`
 */
export function whatsappRelay(options: ChatOptions = {}): Source<ChatMessage> {
  checkChat('whatsappRelay', options)
  const whose = { ...options, source: 'whatsapp-relay' }
  return {
    name: 'whatsapp-relay',
    proof: 'gateway',
    read(payload) {
      const elements: unknown[] = Array.isArray(payload) ? payload : [payload]
      const values = elements.map((element) => (isValue(element) ? [element] : passedOn(element)))
      if (values.length === 0 || !values.every((each) => each !== undefined)) return undefined
      return inOrder(values.flat().flatMap((value) => readValue(value, whose)))
    },
  }
}

const valuesOf = (payload: unknown): unknown[] =>
  list(member(payload, 'entry')).flatMap((entry) => list(member(entry, 'changes')).flatMap((change) => changed(change)))

const changed = (change: unknown): unknown[] => (member(change, 'field') === 'messages' ? [member(change, 'value')] : [])

/** Some leave out what all of them have. */
const isValue = (value: unknown): boolean =>
  member(value, 'messaging_product') === 'whatsapp' ||
  (Array.isArray(member(value, 'contacts')) && Array.isArray(member(value, 'messages')))

/** The values of a whole payload, or that of a change; undefined for what is neither. */
function passedOn(element: unknown): unknown[] | undefined {
  if (member(element, 'object') === 'whatsapp_business_account') return valuesOf(element)
  return text(member(element, 'field')) !== undefined && isValue(member(element, 'value')) ? changed(element) : undefined
}

/** What is read, and for which of the sources. */
interface Whose extends ChatOptions {
  source: string
}

function readValue(value: unknown, options: Whose): NewMessage<ChatMessage>[] {
  const people = peopleOf(value)
  const to = text(member(member(value, 'metadata'), 'phone_number_id'))
  const found: NewMessage<ChatMessage>[] = []
  for (const message of list(member(value, 'messages'))) {
    const type = kind(member(message, 'type')) ?? 'unknown'
    if (!isObject(message) || NO_MESSAGE.has(type) || (type === 'reaction' && !options.reactions)) continue
    found.push(readMessage(message, type, to, people, options))
  }
  return found
}

interface Person {
  phone: string | undefined
  userId: string | undefined
  name: string | undefined
}

/** By both of their ids, and under `undefined` the only one who can have written what does not say by whom it is. */
function peopleOf(value: unknown): Map<string | undefined, Person> {
  const people = new Map<string | undefined, Person>()
  const contacts = list(member(value, 'contacts'))
  for (const contact of contacts) {
    const name = text(member(member(contact, 'profile'), 'name'))
    const person = { phone: text(member(contact, 'wa_id')), userId: text(member(contact, 'user_id')), name }
    if (person.phone !== undefined) people.set(person.phone, person)
    if (person.userId !== undefined) people.set(person.userId, person)
    if (contacts.length === 1) people.set(undefined, person)
  }
  return people
}

function readMessage(
  message: unknown,
  type: string,
  to: string | undefined,
  people: Map<string | undefined, Person>,
  { source, groups, raw }: Whose,
): NewMessage<ChatMessage> {
  const id = text(member(message, 'id')) || digest(message)
  const phone = text(member(message, 'from'))
  const givenId = text(member(message, 'from_user_id'))
  const person = people.get(phone ?? givenId) ?? people.get(givenId)
  const userId = givenId ?? person?.userId
  const from = phone ?? person?.phone ?? userId ?? ''
  const group = text(member(message, 'group_id'))
  const chat = group ?? from
  const context = member(message, 'context')
  const data: ChatMessage = {
    source,
    chat,
    text: '',
    type,
    from,
    userId,
    name: person?.name,
    to,
    sentAt: milliseconds(member(message, 'timestamp')),
    replyTo: text(member(context, 'id')),
    referral: member(message, 'referral'),
    product: member(context, 'referred_product'),
    errors: member(message, 'errors'),
  }
  readContent(message, type, data)
  if (raw) data.raw = message
  // Of whom nobody knows who they are, no two may share a conversation.
  const whose = chat === '' ? id : group && groups === 'sender' ? from : undefined
  // Without a number of yours the place of it stays, or a chat could be taken for one.
  return { key: conversationKey(source, to ?? '', chat, whose), id, data }
}

/** What a message says, into `data`: `{ type, [type]: content }`, of which some of the content, or all, may be missing. */
function readContent(message: unknown, type: string, data: ChatMessage): void {
  const content = member(message, type)
  if (type === 'edit') {
    readEdit(content, data)
    return
  }
  const words = readWords(type, content)
  data.text = words ?? ''
  if (type === 'revoke') data.withdraws = text(member(content, 'original_message_id'))
  if (type === 'reaction') data.replyTo = text(member(content, 'message_id'))
  const media = MEDIA.has(type) ? readMedia(content) : undefined
  if (media) data.media = media
  else if (type === 'text' && words !== undefined) return
  // Where the kind of content is missing, and no error says why, the whole message is what the provider said.
  else data.content = content ?? (data.errors === undefined ? message : undefined)
  data.choice = readChoice(content)
}

/** `{ original_message_id, message }`, the message in its new form. */
function readEdit(edit: unknown, data: ChatMessage): void {
  const message = member(edit, 'message')
  const type = kind(member(message, 'type'))
  data.edits = text(member(edit, 'original_message_id'))
  data.replyTo = text(member(member(message, 'context'), 'id')) ?? data.replyTo
  if (type === undefined || type === 'edit') {
    data.content = edit
    return
  }
  data.type = type
  readContent(message, type, data)
}

/** Undefined when there is nothing by which to fetch it. */
function readMedia(content: unknown): Media | undefined {
  const [id, url] = [text(member(content, 'id')), text(member(content, 'url'))]
  if (!(id || url)) return undefined
  const voice = member(content, 'voice') === true ? true : undefined
  return { id, url, mimeType: text(member(content, 'mime_type')), name: text(member(content, 'filename')), voice }
}

/** A pressed button: `{ type: 'button_reply', button_reply: { id, title } }`. */
const replyOf = (content: unknown): unknown => member(content, kind(member(content, 'type')) ?? '')

function readWords(type: string, content: unknown): string | undefined {
  if (type === 'text') return text(member(content, 'body'))
  if (type === 'reaction') return text(member(content, 'emoji'))
  if (MEDIA.has(type)) return text(member(content, 'caption'))
  const reply = replyOf(content)
  return text(member(reply, 'title')) ?? text(member(reply, 'body')) ?? text(member(content, 'text'))
}

/** The id of a button or row; a button of a template has a `payload`. */
const readChoice = (content: unknown): string | undefined => text(member(replyOf(content), 'id')) ?? text(member(content, 'payload'))
