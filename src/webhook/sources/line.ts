import type { NewMessage } from '../../options.ts'
import {
  type ChatMessage,
  type ChatOptions,
  checkChat,
  conversationKey,
  digest,
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

const MEDIA = new Set(['image', 'video', 'audio', 'file', 'sticker'])

/** What changes who is there, and what a machine tells. */
const NO_MESSAGE = new Set([
  'accountLink',
  'activated',
  'beacon',
  'botResumed',
  'botSuspended',
  'deactivated',
  'delivery',
  'follow',
  'join',
  'leave',
  'memberJoined',
  'memberLeft',
  'membership',
  'module',
  'things',
  'unfollow',
  'videoPlayComplete',
])

/**
 * Webhooks of the LINE Messaging API: messages, withdrawals and pressed buttons. LINE tells of no edits, and of no reactions. The key is
 * `line:<your bot>:<chat>`, the chat a user, a group or a room.
 *
 * @throws RapidfireError `BAD_OPTION`
 */
export function line(options: ChatOptions = {}): Source<ChatMessage> {
  checkChat('line', options)
  return {
    name: 'line',
    proof: 'line',
    read(payload) {
      const [destination, events] = [text(member(payload, 'destination')), member(payload, 'events')]
      if (destination === undefined || !Array.isArray(events)) return undefined
      const found = events.filter(isObject).map((event) => readEvent(event, destination, options))
      return inOrder(found.filter((message) => message !== undefined))
    },
  }
}

type Found = NewMessage<ChatMessage>

function readEvent(event: unknown, destination: string, { groups, raw }: ChatOptions): Found | undefined {
  const type = kind(member(event, 'type')) ?? 'unknown'
  if (NO_MESSAGE.has(type)) return undefined
  const [source, message] = [member(event, 'source'), member(event, 'message')]
  const from = text(member(source, 'userId')) ?? ''
  const group = text(member(source, 'groupId')) ?? text(member(source, 'roomId'))
  const chat = group ?? from
  const id = text(member(message, 'id')) || text(member(event, 'webhookEventId')) || digest(event)
  const data: ChatMessage = {
    source: 'line',
    chat,
    text: '',
    type,
    from,
    userId: from,
    to: destination,
    sentAt: instant(member(event, 'timestamp')),
    replyTo: text(member(message, 'quotedMessageId')),
    replyToken: text(member(event, 'replyToken')),
  }
  if (raw) data.raw = event
  // Of whom nobody knows who they are, no two may share a conversation.
  const whose = chat === '' ? id : group && groups === 'sender' ? from : undefined
  const found = { key: conversationKey('line', destination, chat, whose), id, data }
  if (type === 'message') readMessage(message, event, data)
  else if (type === 'postback') readPress(member(event, 'postback'), event, data)
  else if (type === 'unsend') return readUnsend(event, found)
  else data.content = event
  return found
}

function readMessage(message: unknown, event: unknown, data: ChatMessage): void {
  data.type = kind(member(message, 'type')) ?? 'unknown'
  const words = text(member(message, 'text'))
  data.text = words ?? ''
  data.album = text(member(member(message, 'imageSet'), 'id'))
  if (MEDIA.has(data.type)) data.media = mediaOf(message, data.type)
  else if (!(data.type === 'text' && words !== undefined)) data.content = isObject(message) ? message : event
}

/** What a person has uploaded is fetched by the id of its message. */
const mediaOf = (message: unknown, type: string): Media => ({
  id: text(member(message, type === 'sticker' ? 'stickerId' : 'id')),
  url: text(member(member(message, 'contentProvider'), 'originalContentUrl')),
  name: text(member(message, 'fileName')),
  size: size(member(message, 'fileSize')),
  voice: type === 'audio' ? true : undefined,
})

function readPress(postback: unknown, event: unknown, data: ChatMessage): void {
  data.choice = text(member(postback, 'data'))
  data.content = member(postback, 'params') ?? (data.choice === undefined ? event : undefined)
}

function readUnsend(event: unknown, found: Found): Found {
  const id = text(member(member(event, 'unsend'), 'messageId'))
  if (id === undefined) return { ...found, data: { ...found.data, content: event } }
  return { ...found, id: `${id}:unsend`, data: { ...found.data, withdraws: id } }
}
