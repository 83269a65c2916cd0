import type { NewMessage } from '../../options.ts'
import {
  type ChatMessage,
  type ChatOptions,
  checkChat,
  conversationKey,
  digest,
  idText,
  inOrder,
  instant,
  isObject,
  list,
  type Media,
  member,
  type Source,
  text,
} from './message.ts'

/** Kinds of attachments that are files; of the others the whole attachment is what was said. */
const MEDIA = new Set(['image', 'video', 'audio', 'file'])

/** What is told of, beside what somebody has said. */
const NO_MESSAGE = ['read', 'delivery', 'optin', 'account_linking', 'pass_thread_control', 'take_thread_control', 'request_thread_control']

/**
 * Webhooks of Messenger: messages, edits, withdrawals, pressed buttons and, with `reactions`, reactions. What the page itself has sent is ignored, and
 * so are receipts. The key is `messenger:<page>:<person>`, by the id that the person has for the page.
 *
 * @throws RapidfireError `BAD_OPTION`
 */
export const messenger = (options: ChatOptions = {}): Source<ChatMessage> => metaSource('messenger', 'page', options)

/**
 * Webhooks of Instagram, as those of Messenger. The key is `instagram:<account>:<person>`.
 *
 * @throws RapidfireError `BAD_OPTION`
 */
export const instagram = (options: ChatOptions = {}): Source<ChatMessage> => metaSource('instagram', 'instagram', options)

function metaSource(name: string, object: string, options: ChatOptions): Source<ChatMessage> {
  checkChat(name, options)
  return {
    name,
    proof: 'app',
    read(payload) {
      if (member(payload, 'object') !== object) return undefined
      const found: NewMessage<ChatMessage>[] = []
      for (const entry of list(member(payload, 'entry'))) {
        for (const event of eventsOf(entry)) {
          const message = isObject(event) ? readEvent(event, name, idText(member(entry, 'id')), options) : undefined
          if (message && options.raw) message.data.raw = event
          if (message) found.push(message)
        }
      }
      return inOrder(found)
    },
  }
}

/** Those that another app answers come as `standby`; some of Instagram come as changes. */
const eventsOf = (entry: unknown): unknown[] => [
  ...list(member(entry, 'messaging')),
  ...list(member(entry, 'standby')),
  ...list(member(entry, 'changes')).flatMap((change) => (member(change, 'field') === 'messages' ? [member(change, 'value')] : [])),
]

type Found = NewMessage<ChatMessage>

/** Undefined when nobody else has said anything. */
function readEvent(event: unknown, source: string, account: string | undefined, options: ChatOptions): Found | undefined {
  const message = member(event, 'message')
  if (member(message, 'is_echo') === true || member(message, 'is_self') === true) return undefined
  for (const name of ['message', 'message_edit', 'postback', 'reaction'] as const) {
    const said = member(event, name)
    if (!isObject(said)) continue
    if (name === 'reaction' && !options.reactions) return undefined
    const found = start(event, said, name, source, account)
    READERS[name](said, found)
    return found
  }
  // Somebody comes by a link, which they have not said anything with.
  if (isObject(member(event, 'referral')) || NO_MESSAGE.some((name) => isObject(member(event, name)))) return undefined
  return unknown(event, start(event, event, 'unknown', source, account))
}

function unknown(event: unknown, found: Found): Found {
  found.data.content = event
  return found
}

function start(event: unknown, said: unknown, type: string, source: string, account: string | undefined): Found {
  const sender = member(event, 'sender')
  const from = idText(member(sender, 'id')) ?? idText(member(sender, 'user_ref')) ?? ''
  const to = idText(member(member(event, 'recipient'), 'id')) ?? account
  const id = text(member(said, 'mid')) || digest(event)
  const data: ChatMessage = {
    source,
    chat: from,
    text: '',
    type,
    from,
    userId: from,
    to,
    sentAt: instant(member(event, 'timestamp')),
    replyTo: text(member(member(said, 'reply_to'), 'mid')),
    referral: member(said, 'referral'),
  }
  // Of whom nobody knows who they are, no two may share a conversation.
  return { key: conversationKey(source, to ?? '', from, from === '' ? id : undefined), id, data }
}

const READERS = {
  message: readMessage,
  message_edit(said: unknown, found: Found) {
    const edits = found.id as string
    found.data.text = text(member(said, 'text')) ?? ''
    if (found.data.text === '') found.data.content = said
    found.data.edits = edits
    found.id = `${edits}:edit:${idText(member(said, 'num_edit')) ?? digest(said)}`
  },
  postback(said: unknown, found: Found) {
    found.data.text = text(member(said, 'title')) ?? ''
    found.data.choice = text(member(said, 'payload'))
    if (found.data.text === '' && found.data.choice === undefined) found.data.content = said
    found.id = `postback:${found.id}`
  },
  reaction(said: unknown, found: Found) {
    const isTaken = member(said, 'action') === 'unreact'
    found.data.text = isTaken ? '' : (text(member(said, 'emoji')) ?? text(member(said, 'reaction')) ?? '')
    found.data.replyTo = text(member(said, 'mid'))
    found.id = `reaction:${digest([found.id, found.data.from, found.data.sentAt, member(said, 'action'), found.data.text])}`
  },
} as const

function readMessage(said: unknown, found: Found): void {
  const { data } = found
  data.type = 'text'
  if (member(said, 'is_deleted') === true) {
    data.type = 'deleted'
    data.withdraws = found.id
    found.id = `${found.id}:deleted`
    return
  }
  const words = text(member(said, 'text'))
  const attachments = list(member(said, 'attachments')).filter(isObject)
  data.text = words ?? ''
  data.choice = text(member(member(said, 'quick_reply'), 'payload'))
  data.product = member(member(said, 'referral'), 'product')
  const [first] = attachments
  if (first !== undefined) {
    const type = text(member(first, 'type')) ?? ''
    data.type = /^\w{1,40}$/.test(type) ? type : 'attachment'
    data.media = MEDIA.has(type) ? mediaOf(first, type) : undefined
    // All of several pictures that were sent at once are one message.
    if (!data.media || attachments.length > 1) data.content = attachments
  } else if (member(said, 'is_unsupported') === true || words === undefined) {
    data.type = words === undefined ? 'unsupported' : data.type
    data.content = said
  }
}

function mediaOf(attachment: unknown, type: string): Media | undefined {
  const payload = member(attachment, 'payload')
  const url = text(member(payload, 'url'))
  return url === undefined ? undefined : { id: idText(member(payload, 'sticker_id')), url, voice: type === 'audio' ? true : undefined }
}
