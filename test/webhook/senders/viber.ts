import { viber } from '../../../src/webhook/index.ts'
import { own, type Sender } from './sender.ts'

const callback = (message: unknown, id: unknown = '01234567890A=') => ({
  event: 'message',
  timestamp: 1_749_416_383_456,
  chat_hostname: 'SN-CHAT-05_',
  // The digits of more than 53 bits are in the test of ids.
  message_token: 491_266_184_481,
  sender: { id, name: 'Анна', avatar: 'http://avatar.example/1', country: 'RU', language: 'ru', api_version: 10 },
  message,
  silent: false,
})

const picture = { type: 'picture', media: 'https://viber.example/1.jpg', text: 'Вот так', file_name: '1.jpg', size: 84_213 }

export const viberSender: Sender = {
  name: 'Viber',
  make: viber,
  proof: 'viber',
  cases: [
    [
      'a text',
      callback({ type: 'text', text: 'На завтра' }),
      [
        {
          key: 'viber::01234567890A=',
          id: '491266184481',
          data: {
            source: 'viber',
            chat: '01234567890A=',
            from: '01234567890A=',
            userId: '01234567890A=',
            name: 'Анна',
            text: 'На завтра',
            type: 'text',
            sentAt: 1_749_416_383_456,
            content: undefined,
          },
        },
      ],
    ],
    [
      'a text to one of several bots',
      callback({ type: 'text', text: 'x' }),
      [{ key: 'viber:salon:01234567890A=', data: { to: 'salon' } }],
      { account: 'salon' },
    ],
    [
      'a picture',
      callback(picture),
      [{ data: { text: 'Вот так', type: 'picture', media: { url: picture.media, name: '1.jpg', size: 84_213 } } }],
    ],
    ['a sticker', callback({ type: 'sticker', sticker_id: 46_105 }), [{ data: { text: '', media: { id: '46105' } } }]],
    ['a place', callback({ type: 'location', location: { lat: 1, lon: 2 } }), [{ data: { content: { lat: 1, lon: 2 } } }]],
    [
      'a contact',
      callback({ type: 'contact', contact: { name: 'Bari', phone_number: '1' } }),
      [{ data: { content: { name: 'Bari', phone_number: '1' } } }],
    ],
    ['an address', callback({ type: 'url', media: 'https://example.com' }), [{ data: { type: 'url', content: 'https://example.com' } }]],
    ['media without an address', callback({ type: 'picture' }), [{ data: { type: 'picture', content: { type: 'picture' } } }]],
    ['a pressed button', callback({ type: 'text', text: 'YES', tracking_data: 'q7' }), [{ data: { text: 'YES', choice: 'q7' } }]],
    ['a kind to come', callback({ type: 'hologram', size: 3 }), [{ data: { type: 'hologram', content: { type: 'hologram', size: 3 } } }]],
    ['an empty message', callback(null), [{ data: { type: 'unknown', text: '', content: callback(null) } }]],
    ['what the provider sent, when it is wanted', callback(picture), [{ data: { raw: callback(picture) } }], { raw: true }],
    ['the test of the address', { event: 'webhook', timestamp: 1, message_token: 1 }, []],
    ['an opened chat', { event: 'conversation_started', timestamp: 1, message_token: 1, type: 'open', user: { id: 'x' } }, []],
    ['a receipt', { event: 'seen', timestamp: 1, message_token: 1, user_id: 'x' }, []],
  ],
  count: (payload) => (own(payload, 'event') === 'message' ? 1 : 0),
}
