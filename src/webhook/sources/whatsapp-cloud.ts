import type { NewMessage } from '../../options.ts'
import {
  type ChatMessage,
  checkGroups,
  conversationKey,
  type GroupOptions,
  inOrder,
  kind,
  list,
  member,
  milliseconds,
  type Source,
  text,
} from './message.ts'

const MEDIA = new Set(['image', 'video', 'audio', 'voice', 'document', 'sticker'])

/** What Meta puts among the messages though nobody has written anything new. */
const NO_MESSAGE = new Set(['system', 'edit', 'revoke', 'request_welcome'])

/**
 * Webhooks of the WhatsApp Cloud API: every message of every entry. Statuses, edits and the other fields of an account are ignored.
 * The key is `whatsapp:<phone number id>:<from>`, the sender's phone number (the user id of people who hide it) or the group; the id Meta's `wamid`.
 *
 * @throws RapidfireError `BAD_OPTION`
 */
export function whatsappCloud(options: GroupOptions = {}): Source<ChatMessage> {
  checkGroups('whatsappCloud', options)
  return {
    name: 'whatsapp',
    proof: 'app',
    read(payload) {
      if (member(payload, 'object') !== 'whatsapp_business_account') return undefined
      const found: (NewMessage<ChatMessage> | undefined)[] = []
      for (const entry of list(member(payload, 'entry'))) {
        for (const change of list(member(entry, 'changes'))) {
          if (member(change, 'field') !== 'messages') continue
          const value = member(change, 'value')
          const names = contactNames(value)
          const to = text(member(member(value, 'metadata'), 'phone_number_id'))
          for (const message of list(member(value, 'messages'))) found.push(readMessage(message, to, names, options))
        }
      }
      return inOrder(found)
    },
  }
}

function contactNames(value: unknown): Map<unknown, string | undefined> {
  const names = new Map<unknown, string | undefined>()
  for (const contact of list(member(value, 'contacts'))) {
    const name = text(member(member(contact, 'profile'), 'name'))
    names.set(member(contact, 'wa_id') ?? member(contact, 'user_id'), name)
  }
  return names
}

function readMessage(message: unknown, to: string | undefined, names: Map<unknown, string | undefined>, { groups }: GroupOptions) {
  const id = text(member(message, 'id'))
  const userId = text(member(message, 'from_user_id'))
  const from = text(member(message, 'from')) ?? userId
  const type = kind(member(message, 'type'))
  if (!id || !from || !type || NO_MESSAGE.has(type)) return undefined
  const content = member(message, type)
  const words = readWords(type, content)
  if (words === undefined) return undefined
  const group = text(member(message, 'group_id'))
  const chat = group ?? from
  const data: ChatMessage = {
    source: 'whatsapp',
    chat,
    text: words,
    type,
    from,
    userId,
    name: names.get(from),
    to,
    sentAt: milliseconds(member(message, 'timestamp')),
    replyTo: text(member(member(message, 'context'), 'id')),
  }
  if (MEDIA.has(type)) {
    data.media = {
      id: text(member(content, 'id')),
      url: text(member(content, 'url')),
      mimeType: text(member(content, 'mime_type')),
      name: text(member(content, 'filename')),
    }
  } else if (type !== 'text') {
    data.content = content
  }
  // Without a number of yours the place of it stays, or a chat could be taken for one.
  return { key: conversationKey('whatsapp', to ?? '', chat, group && groups === 'sender' ? from : undefined), id, data }
}

/** The words of a message, empty when it has none; undefined when it lacks what its kind must have. */
function readWords(type: string, content: unknown): string | undefined {
  // Meta names here what it cannot pass on, and gives nothing else.
  if (type === 'unsupported') return ''
  if (typeof content !== 'object' || content === null) return undefined
  if (type === 'text') return text(member(content, 'body'))
  if (MEDIA.has(type)) {
    const isReachable = text(member(content, 'id')) ?? text(member(content, 'url'))
    return isReachable && (text(member(content, 'caption')) ?? '')
  }
  // A pressed button: { type: 'button_reply', button_reply: { id, title } }.
  const reply = member(content, kind(member(content, 'type')) ?? '')
  return text(member(reply, 'title')) ?? text(member(reply, 'body')) ?? text(member(content, 'text')) ?? ''
}
