import { instagram, messenger } from '../../../src/webhook/index.ts'
import { type Case, elements, isObject, own, type Sender } from './sender.ts'

const image = (n: number) => ({ type: 'image', payload: { url: `https://scontent.example/${n}.jpg` } })

function senderOf(name: string, object: string, source: string, make: Sender['make']): Sender {
  const event = (more: object) => ({
    sender: { id: '6543210987654321' },
    recipient: { id: '1122334455' },
    timestamp: 1_749_416_383_456,
    ...more,
  })
  const payload = (...events: object[]) => ({
    object,
    entry: [{ id: '1122334455', time: 1_749_416_383_999, messaging: events.map(event) }],
  })
  const key = `${source}:1122334455:6543210987654321`
  const of = (message: object) => payload({ message: { mid: 'm_1', ...message } })
  const cases: Case[] = [
    [
      'a text',
      of({ text: 'На завтра' }),
      [
        {
          key,
          id: 'm_1',
          data: {
            source,
            chat: '6543210987654321',
            from: '6543210987654321',
            userId: '6543210987654321',
            to: '1122334455',
            text: 'На завтра',
            type: 'text',
            sentAt: 1_749_416_383_456,
          },
        },
      ],
    ],
    ['an answer', of({ text: 'Да', reply_to: { mid: 'm_0' } }), [{ data: { text: 'Да', replyTo: 'm_0' } }]],
    ['a quick reply', of({ text: 'Да', quick_reply: { payload: 'YES' } }), [{ data: { text: 'Да', choice: 'YES' } }]],
    [
      'a picture',
      of({ attachments: [image(1)] }),
      [{ data: { text: '', type: 'image', media: { url: 'https://scontent.example/1.jpg' }, content: undefined } }],
    ],
    [
      'several pictures',
      of({ attachments: [image(1), image(2)] }),
      [{ data: { type: 'image', media: { url: 'https://scontent.example/1.jpg' }, content: [image(1), image(2)] } }],
    ],
    [
      'a voice message',
      of({ attachments: [{ ...image(1), type: 'audio' }] }),
      [{ data: { type: 'audio', media: { url: 'https://scontent.example/1.jpg', voice: true } } }],
    ],
    [
      'a place',
      of({ attachments: [{ type: 'location', payload: { coordinates: { lat: 1, long: 2 } } }] }),
      [{ data: { type: 'location', content: [{ type: 'location', payload: { coordinates: { lat: 1, long: 2 } } }] } }],
    ],
    ['media without an address', of({ attachments: [{ type: 'image' }] }), [{ data: { type: 'image', content: [{ type: 'image' }] } }]],
    [
      'what Meta cannot pass on',
      of({ is_unsupported: true }),
      [{ data: { text: '', type: 'unsupported', content: { mid: 'm_1', is_unsupported: true } } }],
    ],
    ['a message without an id', payload({ message: { text: 'Hi' } }), [{ key, data: { text: 'Hi' } }]],
    [
      'a text after an ad',
      of({ text: 'Hi', referral: { source: 'ADS', ad_id: '7' } }),
      [{ data: { referral: { source: 'ADS', ad_id: '7' } } }],
    ],
    [
      'an edit',
      payload({ message_edit: { mid: 'm_1', text: 'В 18:00', num_edit: 2 } }),
      [{ key, id: 'm_1:edit:2', data: { text: 'В 18:00', edits: 'm_1' } }],
    ],
    ['a withdrawal', of({ is_deleted: true }), [{ key, id: 'm_1:deleted', data: { text: '', withdraws: 'm_1' } }]],
    [
      'a pressed button',
      payload({ postback: { mid: 'm_2', title: 'Да', payload: 'YES' } }),
      [{ key, id: 'postback:m_2', data: { text: 'Да', choice: 'YES', type: 'postback' } }],
    ],
    [
      'a reaction that is wanted',
      payload({ reaction: { mid: 'm_0', action: 'react', reaction: 'love', emoji: '❤' } }),
      [{ data: { text: '❤', type: 'reaction', replyTo: 'm_0' } }],
      { reactions: true },
    ],
    [
      'a reaction that is taken back',
      payload({ reaction: { mid: 'm_0', action: 'unreact', emoji: '❤' } }),
      [{ data: { text: '', replyTo: 'm_0' } }],
      { reactions: true },
    ],
    [
      'several, in the order they were sent in',
      payload({ timestamp: 20, message: { mid: 'b', text: 'b' } }, { timestamp: 10, message: { mid: 'a', text: 'a' } }),
      [{ id: 'a' }, { id: 'b' }],
    ],
    [
      'what another app answers',
      { object, entry: [{ id: '1', standby: [event({ message: { mid: 'm_1', text: 'x' } })] }] },
      [{ data: { text: 'x' } }],
    ],
    [
      'a change',
      { object, entry: [{ id: '1', changes: [{ field: 'messages', value: event({ message: { mid: 'm_1', text: 'x' } }) }] }] },
      [{ key, data: { text: 'x' } }],
    ],
    ['a kind to come', payload({ hologram: { size: 3 } }), [{ key, data: { type: 'unknown', content: event({ hologram: { size: 3 } }) } }]],
    [
      'what the provider sent, when it is wanted',
      of({ text: 'x' }),
      [{ data: { raw: event({ message: { mid: 'm_1', text: 'x' } }) } }],
      { raw: true },
    ],
    ['what the page has sent', of({ text: 'x', is_echo: true }), []],
    ['receipts', payload({ read: { watermark: 1 } }, { delivery: { watermark: 1 } }), []],
    ['a reaction', payload({ reaction: { mid: 'm_0', action: 'react', emoji: '❤' } }), []],
    ['a visit by a link', payload({ referral: { ref: 'x' } }), []],
    ['a comment', { object, entry: [{ id: '1', changes: [{ field: 'feed', value: {} }] }] }, []],
  ]
  return {
    name,
    make,
    proof: 'app',
    cases,
    count: (given) =>
      elements(own(given, 'entry'))
        .flatMap((entry) => [...elements(own(entry, 'messaging')), ...elements(own(entry, 'standby'))])
        .filter((each) => isObject(own(each, 'message')) && own(each, 'message', 'is_echo') !== true).length,
    conversation: (account, chat) => payload({ sender: { id: chat }, recipient: { id: account }, message: { mid: '1', text: 'x' } }),
  }
}

export const messengerSender = senderOf('Messenger', 'page', 'messenger', ({ account: _, ...options } = {}) => messenger(options))
export const instagramSender = senderOf('Instagram', 'instagram', 'instagram', ({ account: _, ...options } = {}) => instagram(options))
