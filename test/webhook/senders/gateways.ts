import { openWa, wppconnect } from '../../../src/webhook/index.ts'
import * as given from '../fixtures.ts'
import { isObject, own, type Sender } from './sender.ts'

const ANN = '79001234567@c.us'
const GROUP = '120363041234567890@g.us'
const text = given.venomText(0)

/** Whether one of these messages is of somebody else, and no notice. */
const isOfPerson = (message: any): boolean => {
  const from = own(message, 'from')
  const isNotice = /notification|call_log|debug|gp2|protocol|reaction/.test(JSON.stringify(own(message, 'type') ?? null))
  const isOurs = own(message, 'fromMe') === true || own(message, 'id', 'fromMe') === true
  return !(isNotice || isOurs || from === 'status@broadcast' || own(from, '_serialized') === 'status@broadcast')
}

const wpp = (event: string, message: object, session = 'salon') => ({ event, session, ...message })

export const wppconnectSender: Sender = {
  name: 'wppconnect-server',
  make: ({ account: _, ...options } = {}) => wppconnect(options),
  proof: 'gateway',
  // Messages are those of venom-bot, with two members more.
  also: 'sender',
  cases: [
    [
      'a text',
      wpp('onmessage', text),
      [
        {
          key: `wppconnect:salon:${ANN}`,
          id: text.id,
          data: {
            source: 'wppconnect',
            chat: ANN,
            from: ANN,
            userId: ANN,
            name: 'Анна',
            text: given.TEXTS[0] as string,
            type: 'chat',
            sentAt: 1_749_416_383_000,
          },
        },
      ],
    ],
    ['what came while it was away', wpp('unreadmessages', text), [{ data: { text: given.TEXTS[0] as string } }]],
    [
      'a picture',
      wpp('onmessage', given.venomImage),
      [
        {
          data: {
            text: 'Вот так',
            type: 'image',
            media: {
              id: given.venomImage.id,
              url: given.venomImage.clientUrl,
              mimeType: 'image/jpeg',
              size: 84_213,
              key: given.venomImage.mediaKey,
            },
          },
        },
      ],
    ],
    [
      'a picture in a bucket',
      wpp('onmessage', { ...given.venomImage, fileUrl: 'https://s3.example/1.jpg' }),
      [
        {
          data: {
            media: {
              id: given.venomImage.id,
              url: 'https://s3.example/1.jpg',
              mimeType: 'image/jpeg',
              size: 84_213,
              key: given.venomImage.mediaKey,
            },
          },
        },
      ],
    ],
    ['a group', wpp('onmessage', given.venomGroup('1')), [{ key: `wppconnect:salon:${GROUP}`, data: { from: '1@c.us' } }]],
    [
      'a member of a group, alone',
      wpp('onmessage', given.venomGroup('1')),
      [{ key: `wppconnect:salon:${GROUP}:1@c.us` }],
      { groups: 'sender' },
    ],
    ['a message of nobody', wpp('onmessage', { id: 'x', body: 'Hi' }), [{ key: 'wppconnect:salon::x', data: { text: 'Hi' } }]],
    [
      'a withdrawal',
      wpp('onrevokedmessage', { id: 'new', refId: text.id, from: ANN, to: 'x@c.us', author: ANN }),
      [{ key: `wppconnect:salon:${ANN}`, data: { text: '', withdraws: text.id } }],
    ],
    [
      'a reaction that is wanted',
      wpp('onreactionmessage', {
        id: { fromMe: false, remote: ANN, _serialized: 'r' },
        msgId: { fromMe: true, remote: ANN, _serialized: 'asked' },
        reactionText: '👍',
        timestamp: 1_749_416_383_456,
      }),
      [{ key: `wppconnect:salon:${ANN}`, data: { text: '👍', replyTo: 'asked', sentAt: 1_749_416_383_000 } }],
      { reactions: true },
    ],
    ['a reaction', wpp('onreactionmessage', { id: { remote: ANN }, msgId: { remote: ANN, _serialized: 'asked' }, reactionText: '👍' }), []],
    ['an own message', wpp('onselfmessage', { ...text, fromMe: true }), []],
    ['a receipt', wpp('onack', { id: { _serialized: 'x' }, ack: 3 }), []],
    ['a state', wpp('status-find', { status: 'inChat' }), []],
    ['a presence', wpp('onpresencechanged', { id: ANN, state: 'composing' }), []],
  ],
  count: (payload) => (['onmessage', 'unreadmessages'].includes(own(payload, 'event')) && isOfPerson(payload) ? 1 : 0),
  conversation: (account, chat) => wpp('onmessage', given.venomText(0, chat), account),
}

const event = (name: string, data: unknown, sessionId = 'salon') => ({ ts: 1_749_416_383_456, sessionId, id: 'a1', event: name, data })

export const openWaSender: Sender = {
  name: 'open-wa',
  make: ({ account: _, ...options } = {}) => openWa(options),
  proof: 'gateway',
  cases: [
    [
      'a text',
      event('onMessage', text),
      [
        {
          key: `open-wa:salon:${ANN}`,
          id: text.id,
          data: { source: 'open-wa', chat: ANN, from: ANN, userId: ANN, name: 'Анна', text: given.TEXTS[0] as string, type: 'chat' },
        },
      ],
    ],
    ['a text, told as any message', event('onAnyMessage', text), [{ data: { text: given.TEXTS[0] as string } }]],
    ['what came while it was away', event('onUnreadMessage', [text]), [{ data: { text: given.TEXTS[0] as string } }]],
    [
      'a voice message in a bucket',
      event('onMessage', { ...given.venomImage, type: 'ptt', cloudUrl: 'https://s3.example/1.ogg' }),
      [
        {
          data: {
            type: 'ptt',
            media: {
              id: given.venomImage.id,
              url: 'https://s3.example/1.ogg',
              mimeType: 'image/jpeg',
              size: 84_213,
              key: given.venomImage.mediaKey,
              voice: true,
            },
          },
        },
      ],
    ],
    [
      'a withdrawal',
      event('onMessageDeleted', text),
      [{ key: `open-wa:salon:${ANN}`, id: `${text.id}:revoked`, data: { text: '', withdraws: text.id } }],
    ],
    ['what the provider sent, when it is wanted', event('onMessage', text), [{ data: { raw: text } }], { raw: true }],
    ['an own message', event('onAnyMessage', { ...text, fromMe: true }), []],
    ['a receipt', event('onAck', { id: 'x' }), []],
    ['a state', event('onStateChanged', 'CONNECTED'), []],
  ],
  count: (payload) =>
    ['onMessage', 'onAnyMessage'].includes(own(payload, 'event')) && isObject(own(payload, 'data')) && isOfPerson(own(payload, 'data'))
      ? 1
      : 0,
  conversation: (account, chat) => event('onMessage', given.venomText(0, chat), account),
}
