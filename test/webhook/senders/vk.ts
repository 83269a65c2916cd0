import { vk } from '../../../src/webhook/index.ts'
import { isObject, own, type Sender } from './sender.ts'

const event = (type: string, object: unknown, group: unknown = 55) => ({ type, event_id: 'e0a1', v: '5.199', object, group_id: group })

const message = (more: object = {}) => ({
  date: 1_749_416_383,
  from_id: 4711,
  id: 901,
  out: 0,
  version: 1002,
  attachments: [],
  conversation_message_id: 17,
  fwd_messages: [],
  important: false,
  is_hidden: false,
  peer_id: 4711,
  random_id: 0,
  text: 'На завтра',
  ...more,
})

const said = (more: object = {}) => event('message_new', { message: message(more), client_info: { keyboard: true } })
const photo = {
  type: 'photo',
  photo: {
    id: 3,
    owner_id: 4711,
    sizes: [
      { url: 'https://vk.example/b', width: 9, height: 9 },
      { url: 'https://vk.example/s', width: 1, height: 1 },
    ],
  },
}
const wall = { type: 'wall', wall: { id: 1 } }
const CHAT = 2_000_000_001

export const vkSender: Sender = {
  name: 'VK',
  make: ({ account: _, ...options } = {}) => vk({ ...options, confirmation: 'a1b2c3' }),
  proof: 'vk',
  cases: [
    [
      'a text',
      said(),
      [
        {
          key: 'vk:55:4711',
          id: '4711:17',
          data: {
            source: 'vk',
            chat: '4711',
            from: '4711',
            userId: '4711',
            to: '55',
            text: 'На завтра',
            type: 'text',
            sentAt: 1_749_416_383_000,
            content: undefined,
          },
        },
      ],
    ],
    ['a text of an old version', event('message_new', message()), [{ key: 'vk:55:4711', data: { text: 'На завтра' } }]],
    [
      'a chat of several',
      said({ peer_id: CHAT, id: 0 }),
      [{ key: `vk:55:${CHAT}`, id: `${CHAT}:17`, data: { chat: String(CHAT), from: '4711' } }],
    ],
    ['a member of a chat, alone', said({ peer_id: CHAT }), [{ key: `vk:55:${CHAT}:4711` }], { groups: 'sender' }],
    [
      'a pressed button of the keyboard',
      said({ text: 'Да', payload: '{"button":"1"}' }),
      [{ data: { text: 'Да', choice: '{"button":"1"}' } }],
    ],
    ['an answer', said({ reply_message: { conversation_message_id: 16 } }), [{ data: { replyTo: '16' } }]],
    [
      'a photo, the largest of its sizes',
      said({ text: '', attachments: [photo] }),
      [{ data: { text: '', type: 'photo', media: { id: 'photo4711_3', url: 'https://vk.example/b' }, content: undefined } }],
    ],
    ['several attachments', said({ attachments: [photo, wall] }), [{ data: { type: 'photo', content: [photo, wall] } }]],
    ['a post of a wall', said({ text: '', attachments: [wall] }), [{ data: { type: 'wall', content: [wall] } }]],
    [
      'a voice message',
      said({
        text: '',
        attachments: [{ type: 'audio_message', audio_message: { id: 5, owner_id: 4711, link_ogg: 'https://vk.example/v.ogg' } }],
      }),
      [{ data: { type: 'audio_message', media: { id: 'audio_message4711_5', url: 'https://vk.example/v.ogg', voice: true } } }],
    ],
    [
      'a place',
      said({ text: '', geo: { coordinates: { latitude: 1, longitude: 2 } } }),
      [{ data: { type: 'geo', content: { coordinates: { latitude: 1, longitude: 2 } } } }],
    ],
    ['forwarded messages', said({ text: '', fwd_messages: [{ text: 'x' }] }), [{ data: { text: '', content: [{ text: 'x' }] } }]],
    ['who comes by a link', said({ ref: 'ad7', ref_source: 'x' }), [{ data: { referral: { ref: 'ad7', ref_source: 'x' } } }]],
    ['an empty message', said({ text: '' }), [{ data: { text: '', content: message({ text: '' }) } }]],
    [
      'an edit',
      event('message_edit', message({ text: 'В 18:00', update_time: 1_749_416_400 })),
      [{ key: 'vk:55:4711', id: '4711:17:edit:1749416400', data: { text: 'В 18:00', edits: '4711:17', sentAt: 1_749_416_400_000 } }],
    ],
    [
      'a pressed button',
      event('message_event', { user_id: 4711, peer_id: 4711, event_id: 'p1', payload: { slot: 18 }, conversation_message_id: 16 }),
      [{ key: 'vk:55:4711', id: 'callback:p1', data: { text: '', choice: '{"slot":18}', replyTo: '16', type: 'message_event' } }],
    ],
    [
      'a reaction that is wanted',
      event('message_reaction_event', { reacted_id: 4711, peer_id: 4711, cmid: 16, reaction_id: 2 }),
      [{ key: 'vk:55:4711', data: { text: '2', replyTo: '16' } }],
      { reactions: true },
    ],
    ['what the provider sent, when it is wanted', event('message_new', message()), [{ data: { raw: message() } }], { raw: true }],
    ['a reaction', event('message_reaction_event', { reacted_id: 4711, peer_id: 4711, cmid: 16, reaction_id: 2 }), []],
    ['what the community has written', event('message_reply', message({ out: 1, from_id: -55 })), []],
    ['what the community has changed', event('message_edit', message({ from_id: -55 })), []],
    ['somebody who was invited', said({ text: '', peer_id: CHAT, action: { type: 'chat_invite_user', member_id: 1 } }), []],
    ['a sign of typing', event('message_typing_state', { state: 'typing', from_id: 4711, to_id: -55 }), []],
    ['a post', event('wall_post_new', { id: 1 }), []],
    ['the question for the confirmation', { type: 'confirmation', group_id: 55 }, []],
  ],
  count: (payload) => {
    const object = own(payload, 'object')
    if (own(payload, 'type') !== 'message_new' || !isObject(object)) return 0
    const given = isObject(own(object, 'message')) ? own(object, 'message') : object
    const isOurs = own(given, 'out') === 1 || [own(given, 'from_id'), own(given, 'user_id')].includes(-own(payload, 'group_id'))
    return isOurs || isObject(own(given, 'action')) ? 0 : 1
  },
}
