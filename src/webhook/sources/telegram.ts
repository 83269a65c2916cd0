import {
  type AccountOptions,
  type ChatMessage,
  checkAccount,
  conversationKey,
  inOrder,
  list,
  type Media,
  member,
  milliseconds,
  type Source,
  size,
  text,
} from './message.ts'

const MEDIA = ['photo', 'voice', 'audio', 'video', 'video_note', 'animation', 'document', 'sticker']

const CONTENT = [
  'location',
  'venue',
  'contact',
  'poll',
  'checklist',
  'dice',
  'game',
  'story',
  'paid_media',
  'web_app_data',
  'successful_payment',
]

/**
 * Updates of the Telegram Bot API with a new message, a channel post or a message of a business account. Edits, button presses and
 * the other updates are ignored, and so are the notices that Telegram puts into a chat. The key is `telegram:<chat>`, with the `account`, or the
 * business connection, between the two; the id of a message is `<chat>:<message>`.
 *
 * @throws RapidfireError `BAD_OPTION`
 */
export function telegram(options: AccountOptions = {}): Source<ChatMessage> {
  checkAccount('telegram', options)
  return {
    name: 'telegram',
    proof: 'telegram',
    read(payload) {
      if (size(member(payload, 'update_id')) === undefined) return undefined
      const message = member(payload, 'message') ?? member(payload, 'channel_post') ?? member(payload, 'business_message')
      return inOrder([readMessage(message, options)])
    },
  }
}

/** An id as text: Telegram's are numbers. */
const idOf = (value: unknown): string | undefined => size(member(value, 'id'))?.toString()

function readMessage(message: unknown, { account, groups }: AccountOptions) {
  const chat = member(message, 'chat')
  const chatId = idOf(chat)
  const messageId = size(member(message, 'message_id'))
  if (chatId === undefined || messageId === undefined) return undefined
  const mediaKind = MEDIA.find((name) => member(message, name) !== undefined)
  const contentKind = CONTENT.find((name) => member(message, name) !== undefined)
  const media = mediaKind && readMedia(member(message, mediaKind))
  const words = text(member(message, 'text')) ?? text(member(message, 'caption'))
  if (words === undefined && !media && !contentKind) return undefined
  // The business account numbers its messages by itself, and its chat with a person is another one than the bot's.
  const business = text(member(message, 'business_connection_id'))
  const sender = member(message, 'from') ?? member(message, 'sender_chat')
  const from = idOf(sender) ?? chatId
  // What the business itself writes to a person comes as well.
  if (business && from !== chatId) return undefined
  const data: ChatMessage = {
    source: 'telegram',
    chat: chatId,
    text: words ?? '',
    type: (media && mediaKind) ?? (words === undefined ? contentKind : undefined) ?? 'text',
    from,
    userId: from,
    to: business ?? account,
    name: nameOf(sender),
    sentAt: milliseconds(member(message, 'date')),
    replyTo: size(member(member(message, 'reply_to_message'), 'message_id'))?.toString(),
  }
  if (media) data.media = media
  else if (contentKind) data.content = member(message, contentKind)
  const whose = member(chat, 'type') !== 'private' && groups === 'sender' ? from : undefined
  const id = [...(business ? [business] : []), chatId, messageId].join(':')
  return { key: conversationKey('telegram', data.to, chatId, whose), id, data }
}

function nameOf(sender: unknown): string | undefined {
  const names = [text(member(sender, 'first_name')), text(member(sender, 'last_name'))].filter((name) => name !== undefined)
  return names.length > 0 ? names.join(' ') : text(member(sender, 'title'))
}

function readMedia(given: unknown): Media | undefined {
  // A photo comes in several sizes, the largest last.
  const file = Array.isArray(given) ? list(given).at(-1) : given
  const id = text(member(file, 'file_id'))
  if (id === undefined) return undefined
  return { id, mimeType: text(member(file, 'mime_type')), name: text(member(file, 'file_name')), size: size(member(file, 'file_size')) }
}
