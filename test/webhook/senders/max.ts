import { max } from '../../../src/webhook/index.ts'
import { own, type Sender } from './sender.ts'

const AT = 1_749_416_383_456
const ann = { user_id: 4711, first_name: 'Анна', last_name: 'К', name: 'Анна К', username: null, is_bot: false, last_activity_time: AT }

const message = (body: object, more: object = {}) => ({
  recipient: { chat_id: 900_001, chat_type: 'dialog', user_id: 1 },
  timestamp: AT,
  body: { mid: 'mid.0001', seq: 114_650_001, text: 'На завтра', attachments: [], ...body },
  sender: ann,
  ...more,
})
const update = (type: string, more: object) => ({ update_type: type, timestamp: AT, ...more, user_locale: 'ru' })
const of = (body: object, more: object = {}) => update('message_created', { message: message(body, more) })
const group = { recipient: { chat_id: -68_000_000_000_001, chat_type: 'chat', user_id: null } }
const photo = { type: 'image', payload: { photo_id: 7, token: 'tok', url: 'https://i.example/1.webp' } }
const place = { type: 'location', latitude: 1, longitude: 2 }
const buttons = { type: 'inline_keyboard', payload: { buttons: [[{ type: 'callback', text: 'At 18', payload: 'slot-18' }]] } }

export const maxSender: Sender = {
  name: 'MAX',
  make: max,
  proof: 'max',
  cases: [
    [
      'a text',
      of({}),
      [
        {
          key: 'max::900001',
          id: 'mid.0001',
          data: {
            source: 'max',
            chat: '900001',
            from: '4711',
            userId: '4711',
            name: 'Анна К',
            text: 'На завтра',
            type: 'text',
            sentAt: AT,
            content: undefined,
          },
        },
      ],
    ],
    ['a text to one of several bots', of({}), [{ key: 'max:salon:900001', data: { to: 'salon' } }], { account: 'salon' }],
    ['a group', of({}, group), [{ key: 'max::-68000000000001', data: { from: '4711' } }]],
    ['a member of a group, alone', of({}, group), [{ key: 'max::-68000000000001:4711' }], { groups: 'sender' }],
    ['an answer', of({}, { link: { type: 'reply', message: { mid: 'mid.0000' } } }), [{ data: { replyTo: 'mid.0000' } }]],
    [
      'a forwarded message',
      of({ text: '' }, { link: { type: 'forward', message: { text: 'x' } } }),
      [{ data: { text: '', content: { type: 'forward', message: { text: 'x' } } } }],
    ],
    [
      'a picture',
      of({ text: null, attachments: [photo] }),
      [{ data: { text: '', type: 'image', media: { id: 'tok', url: 'https://i.example/1.webp' }, content: undefined } }],
    ],
    ['several attachments', of({ attachments: [photo, place] }), [{ data: { type: 'image', content: [photo, place] } }]],
    [
      'a file',
      of({ attachments: [{ type: 'file', payload: { token: 't' }, filename: 'план.pdf', size: 9 }] }),
      [{ data: { type: 'file', media: { id: 't', name: 'план.pdf', size: 9 } } }],
    ],
    [
      'a voice message',
      of({ attachments: [{ type: 'audio', payload: { token: 't' } }] }),
      [{ data: { type: 'audio', media: { id: 't', voice: true } } }],
    ],
    ['a place', of({ text: '', attachments: [place] }), [{ data: { type: 'location', content: [place] } }]],
    ['an empty message', of({ text: '' }), [{ data: { text: '', content: message({ text: '' }) } }]],
    [
      'an edit',
      { ...update('message_edited', { message: message({ text: 'В 18:00' }) }), timestamp: AT + 1 },
      [{ key: 'max::900001', id: `mid.0001:edit:${AT + 1}`, data: { text: 'В 18:00', edits: 'mid.0001', sentAt: AT + 1 } }],
    ],
    [
      'a withdrawal',
      update('message_removed', { message_id: 'mid.0001', chat_id: 900_001, user_id: 4711 }),
      [{ key: 'max::900001', id: 'mid.0001:removed', data: { text: '', from: '4711', withdraws: 'mid.0001' } }],
    ],
    [
      'a pressed button',
      update('message_callback', {
        callback: { timestamp: AT, callback_id: 'c1', payload: 'slot-18', user: ann },
        message: message({ attachments: [buttons] }, { sender: { user_id: 1, is_bot: true } }),
      }),
      [
        {
          key: 'max::900001',
          id: 'callback:c1',
          data: { text: 'At 18', choice: 'slot-18', replyTo: 'mid.0001', from: '4711', type: 'message_callback' },
        },
      ],
    ],
    ['what the provider sent, when it is wanted', of({}), [{ data: { raw: of({}) } }], { raw: true }],
    ['what a bot has written', of({}, { sender: { ...ann, is_bot: true } }), []],
    ['somebody who has started the bot', update('bot_started', { chat_id: 1, user: ann, payload: 'x' }), []],
  ],
  count: (payload) => (own(payload, 'update_type') === 'message_created' && own(payload, 'message', 'sender', 'is_bot') !== true ? 1 : 0),
}
