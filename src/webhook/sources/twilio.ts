import type { NewMessage } from '../../options.ts'
import {
  type ChatMessage,
  type ChatOptions,
  checkChat,
  conversationKey,
  digest,
  inOrder,
  type Media,
  member,
  type Source,
  text,
} from './message.ts'

/** Twilio would send what it is answered as a message, if it were words. */
const NOTHING_TO_SAY = '<?xml version="1.0" encoding="UTF-8"?><Response></Response>'

/** At most ten media come with a message. */
const MOST_MEDIA = 10

/**
 * Messages that come to a number of Twilio, by SMS, MMS, WhatsApp or RCS, as forms. What is told of messages that you have sent is ignored. The key is
 * `twilio:<your number>:<sender>`, such as `twilio:whatsapp%3A+15550783881:whatsapp%3A+79001234567`.
 *
 * @throws RapidfireError `BAD_OPTION`
 */
export function twilio(options: ChatOptions = {}): Source<ChatMessage> {
  checkChat('twilio', options)
  return {
    name: 'twilio',
    proof: 'twilio',
    formHeader: 'x-twilio-signature',
    read(payload) {
      const id = text(member(payload, 'MessageSid')) || text(member(payload, 'SmsMessageSid')) || text(member(payload, 'SmsSid'))
      if (id === undefined || id === '' || member(payload, 'AccountSid') === undefined) return undefined
      return isStatus(payload) ? [] : inOrder([readMessage(payload, id, options)])
    },
    answer: () => new Response(NOTHING_TO_SAY, { headers: { 'content-type': 'text/xml; charset=utf-8' } }),
  }
}

/** Of a message that was sent, it says what became of it; one that was received has a body, though it may be empty. */
const isStatus = (payload: unknown): boolean =>
  member(payload, 'Body') === undefined &&
  member(payload, 'NumMedia') === undefined &&
  !['received', 'receiving'].includes(text(member(payload, 'SmsStatus') ?? member(payload, 'MessageStatus')) ?? 'received')

function readMessage(payload: unknown, id: string, { raw }: ChatOptions): NewMessage<ChatMessage> {
  const from = text(member(payload, 'From')) || text(member(payload, 'ExternalUserId')) || ''
  const to = text(member(payload, 'To'))
  const words = text(member(payload, 'Body'))
  const given = text(member(payload, 'MessageType')) ?? ''
  const data: ChatMessage = {
    source: 'twilio',
    chat: from,
    text: words ?? '',
    type: /^\w{1,40}$/.test(given) ? given : 'text',
    from,
    userId: text(member(payload, 'ExternalUserId')) || from,
    name: text(member(payload, 'ProfileName')),
    to,
    replyTo: text(member(payload, 'OriginalRepliedMessageSid')),
    choice: text(member(payload, 'ButtonPayload')) ?? text(member(payload, 'ListId')),
    referral: readSome(payload, /^Referral/),
  }
  const media = readMedia(payload)
  data.media = media[0]
  const place = readSome(payload, /^(Latitude|Longitude|Address|Label)$/)
  if (media.length > 1) data.content = media
  else if (place) data.content = place
  else if (!words && media.length === 0 && data.choice === undefined) data.content = payload
  // The title of a button comes as the body, or by itself.
  data.text ||= text(member(payload, 'ButtonText')) ?? text(member(payload, 'ListTitle')) ?? ''
  if (raw) data.raw = payload
  return { key: conversationKey('twilio', to ?? '', from, from === '' ? digest(id) : undefined), id, data }
}

function readMedia(payload: unknown): Media[] {
  const found: Media[] = []
  for (let n = 0; n < MOST_MEDIA; n += 1) {
    const [url, mimeType] = [text(member(payload, `MediaUrl${n}`)), text(member(payload, `MediaContentType${n}`))]
    if (url !== undefined) found.push({ id: url.split('/').at(-1), url, mimeType })
  }
  return found
}

/** The fields with such names; undefined when there are none. */
function readSome(payload: unknown, names: RegExp): Record<string, unknown> | undefined {
  const fields = Object.entries(payload as object).filter(([name, value]) => names.test(name) && value !== '')
  return fields.length > 0 ? Object.fromEntries(fields) : undefined
}
