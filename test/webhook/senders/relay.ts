import { whatsappRelay } from '../../../src/webhook/index.ts'
import * as given from '../fixtures.ts'
import { elements, isObject, own, type Sender } from './sender.ts'

const value = given.cloudValue([given.cloudText(0)])
const change = { field: 'messages', value }
const key = 'whatsapp-relay:106540352242922:79001234567'
const found = [
  {
    key,
    id: given.cloudText(0).id,
    data: { source: 'whatsapp-relay', text: given.TEXTS[0] as string, from: '79001234567', name: 'Анна Каренина' },
  },
]
const { messaging_product: _, ...bare } = value

const valuesOf = (payload: any): any[] => {
  if (own(payload, 'messaging_product') === 'whatsapp' || own(payload, 'contacts')) return [payload]
  const changes = own(payload, 'field') ? [payload] : elements(own(payload, 'entry')).flatMap((entry) => elements(own(entry, 'changes')))
  return changes.filter((each) => own(each, 'field') === 'messages').map((each) => own(each, 'value'))
}

export const relaySender: Sender = {
  name: 'WhatsApp Cloud API, passed on',
  make: ({ account: _, ...options } = {}) => whatsappRelay(options),
  proof: 'gateway',
  cases: [
    ['a value', value, found],
    ['a value that does not say what it is of', bare, found],
    ['a change', change, found],
    ['the whole', given.cloudPayload(value), found],
    ['several', [value, change], [...found, ...found]],
    [
      'other kinds',
      given.cloudValue([given.cloudImage, ...given.cloudChanges]),
      [{ data: { type: 'image' } }, { data: { edits: 'wamid.image' } }, { data: { withdraws: 'wamid.image' } }],
    ],
    ['receipts', given.cloudStatus, []],
    ['a change of another field', { field: 'account_update', value: { messaging_product: 'whatsapp' } }, []],
  ],
  count: (payload) =>
    (Array.isArray(payload) ? payload : [payload])
      .flatMap(valuesOf)
      .flatMap((each) => elements(own(each, 'messages')))
      .filter((each) => isObject(each) && !['system', 'request_welcome', 'reaction'].includes(own(each, 'type'))).length,
  conversation: (account, chat) => ({ ...given.cloudValue([given.cloudText(0, chat)]), metadata: { phone_number_id: account } }),
}
