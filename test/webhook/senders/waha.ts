import { waha } from '../../../src/webhook/index.ts'
import { isObject, own, type Sender } from './sender.ts'

const ANN = '79001234567@c.us'
const GROUP = '120363041234567890@g.us'

const event = (name: string, payload: unknown, session = 'salon') => ({
  id: 'evt_01jwkx2y6gq4n3a5v7b9c1d3e5',
  timestamp: 1_749_416_383_120,
  event: name,
  session,
  me: { id: '15550783881@c.us', pushName: 'Salon' },
  payload,
  engine: 'WEBJS',
  environment: { version: '2025.6.1', engine: 'WEBJS', tier: 'CORE' },
})

const message = (more: object = {}) => ({
  id: `false_${ANN}_3EB0C767D26A1F2A0E50`,
  timestamp: 1_749_416_383,
  from: ANN,
  fromMe: false,
  source: 'app',
  to: '15550783881@c.us',
  participant: null,
  body: 'На завтра',
  hasMedia: false,
  media: null,
  ack: 1,
  ackName: 'SERVER',
  vCards: [],
  replyTo: null,
  _data: { notifyName: 'Анна', type: 'chat' },
  ...more,
})

const voice = { url: 'http://localhost:3000/api/files/x.oga', mimetype: 'audio/ogg; codecs=opus', filename: null, error: null }

export const wahaSender: Sender = {
  name: 'WAHA',
  make: ({ account: _, ...options } = {}) => waha(options),
  proof: 'gateway',
  cases: [
    [
      'a text',
      event('message', message()),
      [
        {
          key: `waha:salon:${ANN}`,
          id: `false_${ANN}_3EB0C767D26A1F2A0E50`,
          data: {
            source: 'waha',
            chat: ANN,
            from: ANN,
            userId: ANN,
            name: 'Анна',
            to: 'salon',
            text: 'На завтра',
            type: 'chat',
            sentAt: 1_749_416_383_000,
          },
        },
      ],
    ],
    ['a text, told as any message', event('message.any', message()), [{ data: { text: 'На завтра' } }]],
    ['an answer', event('message', message({ replyTo: { id: '3EB0ASKED', body: 'Когда?' } })), [{ data: { replyTo: '3EB0ASKED' } }]],
    [
      'a voice message',
      event('message', message({ body: '', hasMedia: true, media: voice, _data: { type: 'ptt' } })),
      [
        {
          data: {
            text: '',
            type: 'ptt',
            media: { id: `false_${ANN}_3EB0C767D26A1F2A0E50`, url: voice.url, mimeType: voice.mimetype, voice: true },
          },
        },
      ],
    ],
    [
      'a picture of an engine that has other data',
      event('message', message({ body: 'Вот', hasMedia: true, media: { ...voice, mimetype: 'image/jpeg' }, _data: { pushName: 'Анна' } })),
      [{ data: { text: 'Вот', type: 'image', name: 'Анна' } }],
    ],
    [
      'media that were not fetched',
      event('message', message({ body: null, hasMedia: true, _data: {} })),
      [{ data: { type: 'document', text: '' } }],
    ],
    [
      'a place',
      event('message', message({ body: '', location: { latitude: '55.75', longitude: '37.61' }, _data: {} })),
      [{ data: { type: 'location', content: { latitude: '55.75', longitude: '37.61' } } }],
    ],
    [
      'a contact',
      event('message', message({ vCards: ['BEGIN:VCARD'], _data: {} })),
      [{ data: { type: 'vcard', content: ['BEGIN:VCARD'] } }],
    ],
    [
      'a pressed button',
      event('message', message({ body: 'Да', _data: { type: 'buttons_response', selectedButtonId: 'yes' } })),
      [{ data: { text: 'Да', choice: 'yes', type: 'buttons_response' } }],
    ],
    [
      'a message without words',
      event('message', { id: '1', from: ANN }),
      [{ data: { text: '', type: 'chat', content: { id: '1', from: ANN } } }],
    ],
    [
      'a member of a group',
      event('message', message({ from: GROUP, participant: ANN })),
      [{ key: `waha:salon:${GROUP}`, data: { chat: GROUP, from: ANN } }],
    ],
    [
      'a member of a group, alone',
      event('message', message({ from: GROUP, participant: ANN })),
      [{ key: `waha:salon:${GROUP}:${ANN}` }],
      { groups: 'sender' },
    ],
    [
      'a person whose number is hidden, and known',
      event('message', message({ from: '188@lid', _data: { key: { remoteJidAlt: '79001234567:2@s.whatsapp.net' } } })),
      [{ key: `waha:salon:${ANN}`, data: { from: ANN, userId: '188@lid' } }],
    ],
    ['what is edited', event('message', message({ id: `false_${ANN}_OLD` })), [{ id: `false_${ANN}_OLD` }]],
    [
      'an edit',
      event('message.edited', message({ id: `false_${ANN}_NEW`, body: 'В 18:00', editedMessageId: 'OLD' })),
      [{ key: `waha:salon:${ANN}`, data: { text: 'В 18:00', edits: `false_${ANN}_OLD` } }],
    ],
    [
      'a withdrawal',
      event('message.revoked', { before: message({ id: `false_${ANN}_OLD` }), after: message({ id: `false_${ANN}_NEW`, body: '' }) }),
      [{ key: `waha:salon:${ANN}`, id: `false_${ANN}_OLD:revoked`, data: { text: '', withdraws: `false_${ANN}_OLD` } }],
    ],
    [
      'a withdrawal of what is not known any more',
      event('message.revoked', { before: null, after: message({ id: `false_${ANN}_NEW` }), revokedMessageId: 'OLD' }),
      [{ data: { withdraws: `false_${ANN}_OLD` } }],
    ],
    [
      'a reaction that is wanted',
      event('message.reaction', message({ reaction: { text: '👍', messageId: 'true_x_ASKED' } })),
      [{ data: { text: '👍', type: 'reaction', replyTo: 'true_x_ASKED' } }],
      { reactions: true },
    ],
    ['what the provider sent, when it is wanted', event('message', message()), [{ data: { raw: message() } }], { raw: true }],
    ['a reaction', event('message.reaction', message({ reaction: { text: '👍', messageId: 'x' } })), []],
    ['an own message', event('message.any', message({ fromMe: true })), []],
    ['a status', event('message', message({ from: 'status@broadcast' })), []],
    ['a notice', event('message', message({ _data: { type: 'e2e_notification' } })), []],
    ['a receipt', event('message.ack', message()), []],
    ['a state of the session', event('session.status', { status: 'WORKING' }), []],
  ],
  count: (payload) => {
    const said = own(payload, 'payload')
    if (!['message', 'message.any'].includes(own(payload, 'event')) || !isObject(said)) return 0
    const isNotice = /notification|call_log|debug|gp2/.test(JSON.stringify(own(said, '_data', 'type') ?? null))
    return own(said, 'fromMe') === true || own(said, 'from') === 'status@broadcast' || isNotice ? 0 : 1
  },
  conversation: (account, chat) => event('message', message({ from: `${chat}@g.us` }), account),
}
