import { readBaileys } from './baileys-message.ts'
import { type AccountOptions, type ChatMessage, checkAccount, inOrder, isObject, member, type Source, text } from './message.ts'

/**
 * What Baileys gives with `messages.upsert`, as `JSON.stringify` writes it: `{ messages, type }`, or one of the messages. Those sent by the account
 * itself, statuses and notices are ignored, and so are reactions unless `reactions` is set. The key is `baileys:<account>:<chat>`, the chat such as
 * `79001234567@s.whatsapp.net`: Baileys does not say to whom a message came, so give an `account` where several share a queue.
 *
 * @throws RapidfireError `BAD_OPTION`
 */
export function baileys(options: AccountOptions = {}): Source<ChatMessage> {
  checkAccount('baileys', options)
  const whose = { ...options, source: 'baileys', to: options.account }
  return {
    name: 'baileys',
    proof: 'sender',
    read(payload) {
      const given = member(payload, 'messages')
      const messages: unknown[] = Array.isArray(given) ? given : [payload]
      if (messages.length === 0 || !messages.every(isMessage)) return undefined
      return inOrder(messages.map((message) => readBaileys(message, whose)).filter((found) => found !== undefined))
    },
  }
}

const isMessage = (message: unknown): boolean =>
  isObject(member(message, 'key')) && text(member(member(message, 'key'), 'remoteJid')) !== undefined
