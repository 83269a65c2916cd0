import type { NewMessage } from '../../options.ts'
import { readBaileys, readDeleted, readEdit, type Whose } from './baileys-message.ts'
import { type ChatMessage, type ChatOptions, checkChat, digest, inOrder, isObject, member, type Source, text } from './message.ts'

/**
 * Events of Evolution API: messages, edits and withdrawals. All other events are ignored, as are messages sent by the account itself and, unless
 * `reactions` is set, reactions. The key is `evolution:<instance>:<chat>`, the chat such as `79001234567@s.whatsapp.net`.
 *
 * @throws RapidfireError `BAD_OPTION`
 */
export function evolution(options: ChatOptions = {}): Source<ChatMessage> {
  checkChat('evolution', options)
  return {
    name: 'evolution',
    proof: 'gateway',
    read(payload) {
      const [event, instance] = [text(member(payload, 'event')), text(member(payload, 'instance'))]
      if (event === undefined || instance === undefined || !Object.hasOwn(payload, 'data')) return undefined
      const whose = { ...options, source: 'evolution', to: instance }
      const read = READERS.get(event.toLowerCase().replaceAll('_', '.'))
      if (!read) return []
      const data = member(payload, 'data')
      const several = Array.isArray(data) ? data : member(data, 'messages')
      const elements = (Array.isArray(several) ? several : [data]).filter(isObject)
      return inOrder(elements.map((element) => read(element, whose, payload)).filter((found) => found !== undefined))
    },
  }
}

type Reader = (data: unknown, whose: Whose, payload: unknown) => NewMessage<ChatMessage> | undefined

const READERS: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ['messages.upsert', readBaileys],
  ['messages.edited', readEdited],
  ['messages.delete', (data, whose) => readDeleted(isObject(member(data, 'key')) ? member(data, 'key') : data, whose)],
])

/** The new form alone, with the key as its author has it: their own, in a chat with your number. So who it is does not show. */
function readEdited(data: unknown, whose: Whose, payload: unknown): NewMessage<ChatMessage> | undefined {
  const key = member(data, 'key')
  const remote = text(member(key, 'remoteJid')) ?? ''
  const isOurs = remote === member(payload, 'sender')
  if (member(key, 'fromMe') === true && !isOurs && remote.endsWith('@s.whatsapp.net')) return undefined
  if (isObject(member(data, 'message'))) {
    const found = readBaileys(data, whose)
    return found && { ...found, id: `${found.id}:edit:${digest(member(data, 'message'))}`, data: { ...found.data, edits: found.id } }
  }
  return readEdit(isOurs ? { ...(data as object), key: { id: member(key, 'id') } } : data, whose)
}
