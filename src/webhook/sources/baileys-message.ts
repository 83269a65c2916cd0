import type { NewMessage } from '../../options.ts'
import {
  type AccountOptions,
  type ChatMessage,
  conversationKey,
  digest,
  idText,
  instant,
  isObject,
  kind,
  list,
  type Media,
  member,
  milliseconds,
  size,
  text,
} from './message.ts'

// A message as WhatsApp itself has it, which Baileys passes on: `{ key, message: { <type>: content }, messageTimestamp, pushName, … }`.

/** What may stand around a message; what it says is in their `message`. */
const WRAPPERS = new Set([
  'associatedChildMessage',
  'botInvokeMessage',
  'deviceSentMessage',
  'documentWithCaptionMessage',
  'editedMessage',
  'ephemeralMessage',
  'groupMentionedMessage',
  'lottieStickerMessage',
  'viewOnceMessage',
  'viewOnceMessageV2',
  'viewOnceMessageV2Extension',
])

/** What stands beside the content, some of it put there by Evolution API. */
const BESIDE = new Set(['messageContextInfo', 'contextInfo', 'base64', 'mediaUrl', 'senderKeyDistributionMessage', 'speechToText'])

/** What is no message of anybody: the photos of an album come by themselves. */
const NOTICES = new Set(['albumMessage', 'callLogMesssage', 'keepInChatMessage', 'pinInChatMessage', 'senderKeyDistributionMessage'])

const MEDIA = new Set(['imageMessage', 'videoMessage', 'ptvMessage', 'audioMessage', 'documentMessage', 'stickerMessage'])

const REACTIONS = new Set(['reactionMessage', 'encReactionMessage'])

/** As text, and as the number that it has within WhatsApp. */
const REVOKE: readonly unknown[] = ['REVOKE', 0]
const EDIT: readonly unknown[] = ['MESSAGE_EDIT', 14]
const CIPHERTEXT: readonly unknown[] = ['CIPHERTEXT', 2]

/** Whose messages they are: the source that reads them, and the account of yours that they were sent to. */
export interface Whose extends AccountOptions {
  source: string
  to?: string | undefined
}

/** Without the number of the device. */
const jidOf = (value: unknown): string | undefined => text(value)?.replace(/:\d+@(s\.whatsapp\.net|lid)$/, '@$1')

const isPhone = (jid: string | undefined) => jid?.endsWith('@s.whatsapp.net') === true

/** Of a person's several names the phone number where there is one, and the id that stays. */
function personOf(...jids: unknown[]): { from: string; userId: string } {
  const known = jids.map(jidOf).filter((jid) => jid !== undefined && jid !== '') as string[]
  return { from: known.find(isPhone) ?? known[0] ?? '', userId: known.find((jid) => jid.endsWith('@lid')) ?? known[0] ?? '' }
}

/** Where and by whom something was written, of the key of a message. */
function placeOf(key: unknown, { source, to, account, groups }: Whose) {
  const remote = personOf(member(key, 'remoteJid'), member(key, 'remoteJidAlt'), member(key, 'senderPn'))
  const given = jidOf(member(key, 'remoteJid')) ?? ''
  const isGroup = given.endsWith('@g.us')
  const author = personOf(member(key, 'participant'), member(key, 'participantAlt'), member(key, 'participantPn'), member(key, 'senderPn'))
  const { from, userId } = isGroup ? (author.from === '' ? { from: given, userId: given } : author) : remote
  const chat = isGroup ? given : remote.from
  const id = idText(member(key, 'id')) || undefined
  // Of whom nobody knows who they are, no two may share a conversation.
  const whose = chat === '' ? (id ?? digest(key)) : isGroup && groups === 'sender' ? from : undefined
  return { key: conversationKey(source, account ?? to ?? '', chat, whose), id, chat, from, userId }
}

/** What a message says, out of what stands around it. */
function contentOf(message: unknown): { type: string | undefined; content: unknown; outer: unknown } {
  let outer = message
  for (let depth = 0; depth < 10; depth += 1) {
    const names = isObject(outer) ? Object.keys(outer as object).filter((name) => member(outer, name) != null) : []
    const name = names.find((each) => !BESIDE.has(each)) ?? names.find((each) => NOTICES.has(each))
    if (name === undefined) return { type: undefined, content: undefined, outer }
    const content = member(outer, name)
    if (!WRAPPERS.has(name) || !isObject(member(content, 'message'))) return { type: name, content, outer }
    outer = member(content, 'message')
  }
  return { type: undefined, content: outer, outer }
}

/** Undefined when nobody else has written anything. */
export function readBaileys(given: unknown, whose: Whose): NewMessage<ChatMessage> | undefined {
  const key = member(given, 'key')
  if (member(key, 'fromMe') === true || member(key, 'remoteJid') === 'status@broadcast') return undefined
  const { type, content, outer } = contentOf(member(given, 'message'))
  const isUnread = CIPHERTEXT.includes(member(given, 'messageStubType'))
  // Without content, what WhatsApp says of a group, or a message that could not be decrypted.
  if (type === undefined && member(given, 'messageStubType') && !isUnread && !isObject(member(given, 'message'))) return undefined
  if (type !== undefined && NOTICES.has(type)) return undefined
  if (type !== undefined && REACTIONS.has(type) && !whose.reactions) return undefined
  const place = placeOf(key, whose)
  const data: ChatMessage = {
    source: whose.source,
    chat: place.chat,
    text: '',
    type: kind(type) ?? (isUnread ? 'ciphertext' : 'unknown'),
    from: place.from,
    userId: place.userId,
    name: text(member(given, 'pushName')),
    to: whose.to,
    sentAt: timeOf(member(given, 'messageTimestamp')),
    replyTo: text(member(member(content, 'contextInfo') ?? member(given, 'contextInfo'), 'stanzaId')),
  }
  const own = place.id ?? digest(given)
  if (whose.raw) data.raw = given
  if (type === 'protocolMessage' && isObject(content)) return readProtocol(content, { key: place.key, id: own, data })
  const url = text(member(outer, 'mediaUrl')) ?? text(member(member(given, 'message'), 'mediaUrl'))
  readContent(type, content, { id: own, url }, data)
  if (data.text === '' && !data.media && data.content === undefined && !isText(type, content)) data.content = given
  // It comes again under the same id when it could be decrypted.
  return { key: place.key, id: isUnread ? `${own}:ciphertext` : own, data }
}

const isText = (type: string | undefined, content: unknown) =>
  (type === 'conversation' && text(content) !== undefined) ||
  (type === 'extendedTextMessage' && text(member(content, 'text')) !== undefined)

/** A message that is taken back, or its new form; undefined for other things that devices tell each other. */
function readProtocol(protocol: unknown, found: NewMessage<ChatMessage>): NewMessage<ChatMessage> | undefined {
  const type = member(protocol, 'type')
  const other = idText(member(member(protocol, 'key'), 'id'))
  const { data } = found
  // Where nothing else is said, zero, which is to take back, is left out of what WhatsApp sends.
  const isRevoke = REVOKE.includes(type) || (type === undefined && other !== undefined && !member(protocol, 'editedMessage'))
  if (isRevoke) {
    return { ...found, id: `${other ?? found.id}:revoke`, data: { ...data, withdraws: other ?? found.id } }
  }
  if (!EDIT.includes(type) && !isObject(member(protocol, 'editedMessage'))) return undefined
  const { type: now, content } = contentOf(member(protocol, 'editedMessage'))
  data.type = kind(now) ?? data.type
  const edited = other ?? found.id ?? digest(protocol)
  data.edits = edited
  readContent(now, content, { id: edited, url: undefined }, data)
  if (data.text === '' && !data.media && data.content === undefined && !isText(now, content)) data.content = protocol
  const time = whole(member(protocol, 'timestampMs')) ?? found.id
  return { ...found, id: `${edited}:edit:${time}` }
}

/** An edit of which nothing but the new form is told, as Evolution API tells it. */
export function readEdit(protocol: unknown, whose: Whose): NewMessage<ChatMessage> | undefined {
  const place = placeOf(member(protocol, 'key'), whose)
  const { chat, from, userId } = place
  const data: ChatMessage = { source: whose.source, chat, text: '', type: 'unknown', from, userId, name: undefined, to: whose.to }
  data.sentAt = instant(whole(member(protocol, 'timestampMs')))
  if (whose.raw) data.raw = protocol
  const edit = { type: 'MESSAGE_EDIT', ...(protocol as object) }
  return readProtocol(edit, { key: place.key, id: place.id ?? digest(protocol), data })
}

/** A message of which nothing but that it was taken back is told. */
export function readDeleted(key: unknown, whose: Whose): NewMessage<ChatMessage> | undefined {
  if (member(key, 'fromMe') === true || member(key, 'remoteJid') === 'status@broadcast') return undefined
  const { key: conversation, id: given, chat, from, userId } = placeOf(key, whose)
  const id = given ?? digest(key)
  const data: ChatMessage = { source: whose.source, chat, text: '', type: 'protocolMessage', from, userId, to: whose.to, withdraws: id }
  if (whose.raw) data.raw = key
  return { key: conversation, id: `${id}:revoke`, data }
}

/** Into `data`. */
function readContent(type: string | undefined, content: unknown, { id, url }: Pick<Media, 'id' | 'url'>, data: ChatMessage): void {
  data.text = wordsOf(type, content) ?? ''
  if (type === undefined || isText(type, content)) return
  data.choice = choiceOf(content)
  if (REACTIONS.has(type)) data.replyTo = text(member(member(content, 'key') ?? member(content, 'targetMessageKey'), 'id'))
  if (MEDIA.has(type) && isObject(content)) data.media = { ...mediaOf(type, content), id, url: url ?? text(member(content, 'url')) }
  else data.content = content
}

function wordsOf(type: string | undefined, content: unknown): string | undefined {
  if (type === 'conversation') return text(content)
  const names = ['text', 'caption', 'selectedDisplayText', 'title', 'conversation']
  return (
    names.map((name) => text(member(content, name))).find((each) => each !== undefined) ?? text(member(member(content, 'body'), 'text'))
  )
}

/** The id of the button or row that was pressed; of some it stands in a JSON of its own. */
function choiceOf(content: unknown): string | undefined {
  const row = text(member(member(content, 'singleSelectReply'), 'selectedRowId'))
  const parameters = text(member(member(content, 'nativeFlowResponseMessage'), 'paramsJson'))
  return row ?? text(member(content, 'selectedButtonId')) ?? text(member(content, 'selectedId')) ?? (parameters && idOf(parameters))
}

function idOf(json: string): string | undefined {
  try {
    return text(member(JSON.parse(json), 'id'))
  } catch {
    return undefined
  }
}

const mediaOf = (type: string, content: unknown): Media => ({
  mimeType: text(member(content, 'mimetype')),
  name: text(member(content, 'fileName')),
  size: whole(member(content, 'fileLength')),
  key: keyOf(member(content, 'mediaKey')),
  voice: type === 'audioMessage' && member(content, 'ptt') === true ? true : undefined,
})

/** A key in base64, of a text, or of bytes as `JSON.stringify` writes a Buffer or a Uint8Array. */
function keyOf(value: unknown): string | undefined {
  const given = member(value, 'data')
  const bytes = typeof given === 'string' ? [] : list(given ?? (isObject(value) ? Object.values(value as object) : undefined))
  const isBytes = bytes.length > 0 && bytes.length <= 64 && bytes.every((byte) => Number.isInteger(byte) && (byte as number) >> 8 === 0)
  return text(value) ?? text(given) ?? (isBytes ? Buffer.from(bytes as number[]).toString('base64') : undefined)
}

/** A number, digits, or a number of 64 bits in halves, as `JSON.stringify` writes that of protobuf. */
function whole(value: unknown): number | undefined {
  if (typeof value === 'string' && /^\d{1,15}$/.test(value)) return Number(value)
  const [low, high] = [size(member(value, 'low')), size(member(value, 'high'))]
  return size(low === undefined ? value : (high ?? 0) * 2 ** 32 + (low >>> 0))
}

const timeOf = (value: unknown): number | undefined => milliseconds(whole(value))
