import { line } from '../../../src/webhook/index.ts'
import { elements, isObject, own, type Sender } from './sender.ts'

const USER = 'U4af4980629'

const event = (more: object) => ({
  type: 'message',
  mode: 'active',
  timestamp: 1_749_416_383_456,
  source: { type: 'user', userId: USER },
  webhookEventId: '01FZ74A0TDDPYRVKNK77XKC3ZR',
  deliveryContext: { isRedelivery: false },
  replyToken: 'nHuyWiB7yP5Zw52FIkcQobQuGDXCTA',
  ...more,
})

const payload = (events: unknown, destination = 'Ubot') => ({ destination, events })
const of = (message: unknown, more: object = {}) => payload([event({ message, ...more })])
const inGroup = { source: { type: 'group', groupId: 'C1', userId: USER } }
const text = { id: '325708', type: 'text', quoteToken: 'q3Plxr4', text: 'На завтра' }

export const lineSender: Sender = {
  name: 'LINE',
  make: ({ account: _, ...options } = {}) => line(options),
  proof: 'line',
  cases: [
    [
      'a text',
      of(text),
      [
        {
          key: `line:Ubot:${USER}`,
          id: '325708',
          data: {
            source: 'line',
            chat: USER,
            from: USER,
            userId: USER,
            to: 'Ubot',
            text: 'На завтра',
            type: 'text',
            sentAt: 1_749_416_383_456,
            replyToken: 'nHuyWiB7yP5Zw52FIkcQobQuGDXCTA',
            content: undefined,
          },
        },
      ],
    ],
    ['an answer', of({ ...text, quotedMessageId: '325700' }), [{ data: { replyTo: '325700' } }]],
    ['a group', of(text, inGroup), [{ key: 'line:Ubot:C1', data: { chat: 'C1', from: USER } }]],
    ['a room', of(text, { source: { type: 'room', roomId: 'R1', userId: USER } }), [{ key: 'line:Ubot:R1' }]],
    ['a member of a group, alone', of(text, inGroup), [{ key: `line:Ubot:C1:${USER}` }], { groups: 'sender' }],
    [
      'a picture of several',
      of({ id: '7', type: 'image', contentProvider: { type: 'line' }, imageSet: { id: 'E0', index: 1, total: 2 } }),
      [{ data: { type: 'image', media: { id: '7' }, album: 'E0' } }],
    ],
    [
      'a file',
      of({ id: '7', type: 'file', fileName: 'план.pdf', fileSize: 2138 }),
      [{ data: { type: 'file', media: { id: '7', name: 'план.pdf', size: 2138 } } }],
    ],
    ['a voice message', of({ id: '7', type: 'audio', duration: 1000 }), [{ data: { type: 'audio', media: { id: '7', voice: true } } }]],
    [
      'a place',
      of({ id: '7', type: 'location', latitude: 1, longitude: 2 }),
      [{ data: { type: 'location', content: { id: '7', type: 'location', latitude: 1, longitude: 2 } } }],
    ],
    ['a message without content', of(undefined), [{ id: '01FZ74A0TDDPYRVKNK77XKC3ZR', data: { type: 'unknown', text: '' } }]],
    [
      'a pressed button',
      payload([event({ type: 'postback', postback: { data: 'slot=18', params: { time: '18:00' } } })]),
      [{ key: `line:Ubot:${USER}`, data: { type: 'postback', choice: 'slot=18', content: { time: '18:00' } } }],
    ],
    [
      'a withdrawal',
      payload([event({ type: 'unsend', unsend: { messageId: '325708' } })]),
      [{ key: `line:Ubot:${USER}`, id: '325708:unsend', data: { text: '', withdraws: '325708' } }],
    ],
    ['an event to come', payload([event({ type: 'hologram' })]), [{ data: { type: 'hologram', content: event({ type: 'hologram' }) } }]],
    [
      'several, in the order they were sent in',
      payload([event({ timestamp: 20, message: { ...text, id: 'b' } }), event({ timestamp: 10, message: { ...text, id: 'a' } })]),
      [{ id: 'a' }, { id: 'b' }],
    ],
    ['what the provider sent, when it is wanted', of(text), [{ data: { raw: event({ message: text }) } }], { raw: true }],
    ['somebody who follows', payload([event({ type: 'follow' })]), []],
    ['the test of the address', payload([]), []],
  ],
  count: (given) => elements(own(given, 'events')).filter((each) => isObject(each) && own(each, 'type') === 'message').length,
  conversation: (account, chat) => payload([event({ message: text, source: { type: 'user', userId: chat } })], account),
}
