import { chatwoot } from '../../../src/webhook/index.ts'
import { own, type Sender } from './sender.ts'

const message = (more: object = {}, event = 'message_created') => ({
  event,
  id: 118,
  content: 'На завтра',
  content_type: 'text',
  content_attributes: {},
  created_at: '2025-06-08T20:59:43.456Z',
  message_type: 'incoming',
  private: false,
  source_id: null,
  sender: { id: 23, name: 'Анна', email: null, phone_number: '+79001234567', type: 'contact' },
  account: { id: 1, name: 'Salon' },
  inbox: { id: 4, name: 'WhatsApp' },
  conversation: { id: 77, inbox_id: 4, status: 'open', channel: 'Channel::Whatsapp' },
  ...more,
})

const image = { id: 3, file_type: 'image', data_url: 'https://chat.example/1.jpg', file_size: 84_213 }
const place = { id: 4, file_type: 'location', coordinates_lat: 1, coordinates_long: 2 }

export const chatwootSender: Sender = {
  name: 'Chatwoot',
  make: ({ account: _, ...options } = {}) => chatwoot(options),
  proof: 'gateway',
  cases: [
    [
      'a text',
      message(),
      [
        {
          key: 'chatwoot:1:77',
          id: '118',
          data: {
            source: 'chatwoot',
            chat: '77',
            from: '+79001234567',
            userId: '23',
            name: 'Анна',
            to: '1',
            text: 'На завтра',
            type: 'text',
            sentAt: 1_749_416_383_456,
            content: undefined,
          },
        },
      ],
    ],
    [
      'a text, with the time in seconds',
      message({ created_at: 1_749_416_383, message_type: 0 }),
      [{ data: { sentAt: 1_749_416_383_000 } }],
    ],
    ['a contact without a number', message({ sender: { id: 23 } }), [{ data: { from: '23', userId: '23' } }]],
    ['an answer', message({ content_attributes: { in_reply_to: 117 } }), [{ data: { replyTo: '117' } }]],
    [
      'a picture',
      message({ content: null, attachments: [image] }),
      [{ data: { text: '', type: 'image', media: { id: '3', url: image.data_url, size: 84_213 }, content: undefined } }],
    ],
    ['several attachments', message({ attachments: [image, place] }), [{ data: { type: 'image', content: [image, place] } }]],
    ['a place', message({ content: '', attachments: [place] }), [{ data: { type: 'location', content: [place] } }]],
    ['an empty message', message({ content: null }), [{ data: { text: '', content: message({ content: null }) } }]],
    ['a message of no conversation', message({ conversation: null }), [{ key: 'chatwoot:1::118' }]],
    [
      'an edit',
      message({ content: 'В 18:00', content_attributes: { edited: true } }, 'message_updated'),
      [{ key: 'chatwoot:1:77', data: { text: 'В 18:00', edits: '118' } }],
    ],
    [
      'a form that was filled in',
      message({ content_attributes: { submitted_values: [{ name: 'x' }] } }, 'message_updated'),
      [{ data: { edits: '118', content: [{ name: 'x' }] } }],
    ],
    [
      'a withdrawal',
      message({ content: 'deleted', content_attributes: { deleted: true } }, 'message_updated'),
      [{ key: 'chatwoot:1:77', id: '118:deleted', data: { text: '', withdraws: '118' } }],
    ],
    ['what the provider sent, when it is wanted', message(), [{ data: { raw: message() } }], { raw: true }],
    ['what an agent has written', message({ message_type: 'outgoing' }), []],
    ['a note', message({ private: true }), []],
    ['what Chatwoot tells', message({ message_type: 'activity' }), []],
    ['a message that was seen', message({}, 'message_updated'), []],
    ['a sign of typing', { event: 'conversation_typing_on', account: { id: 1 }, conversation: { id: 77 } }, []],
    ['a conversation', { event: 'conversation_created', account: { id: 1 }, id: 77 }, []],
  ],
  count: (payload) => {
    const type = own(payload, 'message_type')
    const isOurs = ['string', 'number'].includes(typeof type) && !['incoming', 0].includes(type)
    return own(payload, 'event') === 'message_created' && !isOurs && own(payload, 'private') !== true ? 1 : 0
  },
  conversation: (account, chat) => message({ account: { id: account }, conversation: { id: chat } }),
}
