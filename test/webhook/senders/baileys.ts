import { baileys, evolution } from '../../../src/webhook/index.ts'
import { type Case, elements, isObject, own, type Sender } from './sender.ts'

const ANN = '79001234567@s.whatsapp.net'
const GROUP = '120363041234567890@g.us'
const LID = '18853212345678@lid'

/** A message as WhatsApp has it. */
const message = (content: unknown, more: object = {}, key: object = {}) => ({
  key: { remoteJid: ANN, fromMe: false, id: '3EB0C767D26A1F2A0E50', ...key },
  pushName: 'Анна',
  message: content,
  messageTimestamp: 1_749_416_383,
  ...more,
})

const image = {
  url: 'https://mmg.whatsapp.net/o1/v/t62/f2/m231/x.enc',
  mimetype: 'image/jpeg',
  caption: 'Вот так',
  fileLength: '84213',
  mediaKey: 'b1VfPWoN1J4HDzCnS0kXxQ==',
  contextInfo: { stanzaId: '3EB0ASKED', participant: ANN },
}

const EDIT = {
  key: { remoteJid: '15550783881@s.whatsapp.net', fromMe: true, id: '3EB0FIRST' },
  type: 'MESSAGE_EDIT',
  editedMessage: { extendedTextMessage: { text: 'В 18:00' } },
  timestampMs: '1749416390123',
}

/** What a message is, with its content. */
const KINDS: [what: string, content: unknown, found: object][] = [
  ['a text', { conversation: 'На завтра' }, { text: 'На завтра', type: 'conversation', content: undefined }],
  [
    'a text with an answer',
    { extendedTextMessage: { text: 'Да', contextInfo: { stanzaId: '3EB0ASKED' } } },
    { text: 'Да', replyTo: '3EB0ASKED' },
  ],
  [
    'a picture',
    { imageMessage: image, messageContextInfo: { deviceListMetadataVersion: 2 } },
    {
      text: 'Вот так',
      type: 'imageMessage',
      replyTo: '3EB0ASKED',
      media: {
        id: '3EB0C767D26A1F2A0E50',
        url: image.url,
        mimeType: 'image/jpeg',
        size: 84_213,
        key: 'b1VfPWoN1J4HDzCnS0kXxQ==',
      },
    },
  ],
  [
    'a picture that may be seen once, with its key in bytes',
    {
      viewOnceMessageV2: {
        message: { imageMessage: { mediaKey: { type: 'Buffer', data: [1, 2, 255] }, fileLength: { low: 7, high: 1, unsigned: true } } },
      },
    },
    { type: 'imageMessage', media: { id: '3EB0C767D26A1F2A0E50', key: 'AQL/', size: 2 ** 32 + 7 } },
  ],
  [
    'a voice message',
    { audioMessage: { ptt: true, mediaKey: { 0: 1, 1: 2 } } },
    { text: '', media: { id: '3EB0C767D26A1F2A0E50', voice: true, key: 'AQI=' } },
  ],
  [
    'a document with words',
    { documentWithCaptionMessage: { message: { documentMessage: { fileName: 'план.pdf', caption: 'Смотрите' } } } },
    { text: 'Смотрите', type: 'documentMessage', media: { id: '3EB0C767D26A1F2A0E50', name: 'план.pdf' } },
  ],
  ['a disappearing text', { ephemeralMessage: { message: { extendedTextMessage: { text: 'Тс' } } } }, { text: 'Тс' }],
  [
    'a place',
    { locationMessage: { degreesLatitude: 55.75, degreesLongitude: 37.61 } },
    { text: '', content: { degreesLatitude: 55.75, degreesLongitude: 37.61 } },
  ],
  ['a pressed button', { buttonsResponseMessage: { selectedButtonId: 'yes', selectedDisplayText: 'Да' } }, { text: 'Да', choice: 'yes' }],
  [
    'a row of a list',
    { listResponseMessage: { title: 'В 18:00', singleSelectReply: { selectedRowId: 'slot-18' } } },
    { text: 'В 18:00', choice: 'slot-18' },
  ],
  [
    'a button of a template',
    { templateButtonReplyMessage: { selectedId: 'no', selectedDisplayText: 'Нет' } },
    { text: 'Нет', choice: 'no' },
  ],
  [
    'a button of a flow',
    {
      interactiveResponseMessage: { body: { text: 'Да' }, nativeFlowResponseMessage: { name: 'quick_reply', paramsJson: '{"id":"yes"}' } },
    },
    { text: 'Да', choice: 'yes' },
  ],
  [
    'a button of a flow that cannot be read',
    { interactiveResponseMessage: { nativeFlowResponseMessage: { paramsJson: '{"id"' } } },
    { text: '', choice: undefined },
  ],
  [
    'contacts',
    { contactsArrayMessage: { contacts: [{ vcard: 'BEGIN:VCARD' }] } },
    { text: '', content: { contacts: [{ vcard: 'BEGIN:VCARD' }] } },
  ],
  ['a kind to come', { hologramMessage: { size: 3 } }, { text: '', type: 'hologramMessage', content: { size: 3 } }],
  ['an edit', { protocolMessage: EDIT }, { text: 'В 18:00', type: 'extendedTextMessage', edits: '3EB0FIRST' }],
  [
    'an edit in an envelope',
    { editedMessage: { message: { protocolMessage: { ...EDIT, type: 14 } } } },
    { text: 'В 18:00', edits: '3EB0FIRST' },
  ],
  ['a withdrawal', { protocolMessage: { key: { id: '3EB0FIRST' }, type: 0 } }, { text: '', withdraws: '3EB0FIRST' }],
]

const NOTHING: [what: string, given: object][] = [
  ['an own message', message({ conversation: 'x' }, {}, { fromMe: true })],
  ['a status', message({ conversation: 'x' }, {}, { remoteJid: 'status@broadcast', participant: ANN })],
  ['a reaction', message({ reactionMessage: { key: { id: '3EB0ASKED' }, text: '👍' } })],
  ['a notice of a group', message(undefined, { messageStubType: 27, messageStubParameters: [ANN] })],
  ['keys of a group', message({ senderKeyDistributionMessage: { groupId: GROUP } })],
  ['a setting', message({ protocolMessage: { type: 3, ephemeralExpiration: 86_400 } })],
  ['the frame of an album', message({ albumMessage: { expectedImageCount: 3 } })],
]

/** How many messages of people are among these. */
const countOf = (messages: any[]) =>
  messages.filter((each) => {
    const content = own(each, 'message')
    if (own(each, 'key', 'fromMe') === true || own(each, 'key', 'remoteJid') === 'status@broadcast') return false
    // What devices tell each other is no message, unless it changes one.
    if (JSON.stringify(content ?? null).includes('"protocolMessage":{')) return false
    return isObject(content) || !own(each, 'messageStubType')
  }).length

const cases = (wrap: (given: object) => unknown, source: string, account: string): Case[] => [
  ...KINDS.map(
    ([what, content, data]): Case => [
      what,
      wrap(message(content)),
      [
        {
          key: `${source}:${account}:${ANN}`,
          data: { source, chat: ANN, from: ANN, userId: ANN, name: 'Анна', sentAt: 1_749_416_383_000, ...data },
        },
      ],
    ],
  ),
  ...NOTHING.map(([what, given]): Case => [what, wrap(given), []]),
  ['a text, by its id', wrap(message({ conversation: 'x' })), [{ id: '3EB0C767D26A1F2A0E50' }]],
  ['what is edited', wrap(message({ conversation: 'В 17:00' }, {}, { id: '3EB0FIRST' })), [{ id: '3EB0FIRST' }]],
  ['an edit, by an id of its own', wrap(message({ protocolMessage: EDIT })), [{ id: '3EB0FIRST:edit:1749416390123' }]],
  [
    'a withdrawal, by an id of its own',
    wrap(message({ protocolMessage: { key: { id: '3EB0FIRST' }, type: 'REVOKE' } })),
    [{ id: '3EB0FIRST:revoke' }],
  ],
  [
    'a message that was not decrypted, which comes again under its id',
    wrap(message(undefined, { messageStubType: 2 })),
    [{ id: '3EB0C767D26A1F2A0E50:ciphertext', data: { type: 'ciphertext', text: '' } }],
  ],
  [
    'a reaction that is wanted',
    wrap(message({ reactionMessage: { key: { id: '3EB0ASKED' }, text: '👍' } })),
    [{ data: { text: '👍', type: 'reactionMessage', replyTo: '3EB0ASKED' } }],
    { reactions: true },
  ],
  [
    'a person whose number is hidden, and known',
    wrap(message({ conversation: 'x' }, {}, { remoteJid: LID, remoteJidAlt: ANN })),
    [{ key: `${source}:${account}:${ANN}`, data: { from: ANN, userId: LID } }],
  ],
  [
    'a person whose number is hidden',
    wrap(message({ conversation: 'x' }, {}, { remoteJid: LID })),
    [{ key: `${source}:${account}:${LID}`, data: { from: LID, userId: LID } }],
  ],
  [
    'a member of a group',
    wrap(message({ conversation: 'x' }, {}, { remoteJid: GROUP, participant: LID, participantAlt: '79001234567:3@s.whatsapp.net' })),
    [{ key: `${source}:${account}:${GROUP}`, data: { chat: GROUP, from: ANN, userId: LID } }],
  ],
  [
    'a member of a group, alone',
    wrap(message({ conversation: 'x' }, {}, { remoteJid: GROUP, participant: ANN })),
    [{ key: `${source}:${account}:${GROUP}:${ANN}` }],
    { groups: 'sender' },
  ],
  [
    'what the provider sent, when it is wanted',
    wrap(message({ conversation: 'x' })),
    [{ data: { raw: message({ conversation: 'x' }) } }],
    { raw: true },
  ],
  [
    'a message of which nothing is known but that there is one',
    wrap({ key: { remoteJid: ANN, fromMe: false, id: '1' } }),
    [{ id: '1', data: { text: '', type: 'unknown', content: { key: { remoteJid: ANN, fromMe: false, id: '1' } } } }],
  ],
]

export const baileysSender: Sender = {
  name: 'Baileys',
  make: baileys,
  proof: 'sender',
  cases: [
    ...cases((given) => ({ messages: [given], type: 'notify' }), 'baileys', ''),
    ['one that is posted alone', message({ conversation: 'x' }), [{ data: { text: 'x' } }]],
    [
      'one of an account of several',
      message({ conversation: 'x' }),
      [{ key: `baileys:salon:${ANN}`, data: { to: 'salon' } }],
      { account: 'salon' },
    ],
    [
      'several, in the order they were sent in',
      {
        messages: [2, 1].map((n) =>
          message({ conversation: `${n}` }, { messageTimestamp: { low: n, high: 0, unsigned: true } }, { id: `${n}` }),
        ),
        type: 'append',
      },
      [{ id: '1', data: { sentAt: 1000 } }, { id: '2' }],
    ],
  ],
  count: (payload) => countOf(Array.isArray(own(payload, 'messages')) ? own(payload, 'messages') : [payload]),
}

/** An event as Evolution API posts it. */
const event = (name: string, data: unknown) => ({
  event: name,
  instance: 'salon',
  data,
  destination: 'https://bot.example/webhook/whatsapp/batched',
  date_time: '2025-06-08T20:59:43.000Z',
  sender: '15550783881@s.whatsapp.net',
  server_url: 'http://localhost:8080',
  apikey: 'B6D711FCDE4D4FD5936544120E713976',
})

const upsert = (given: object) => event('messages.upsert', { ...given, messageType: 'conversation', instanceId: 'a1', source: 'android' })

export const evolutionSender: Sender = {
  name: 'Evolution API',
  make: ({ account: _, ...options } = {}) => evolution(options),
  proof: 'gateway',
  cases: [
    ...cases((given) => event('messages.upsert', given), 'evolution', 'salon'),
    ['an event with its other members', upsert(message({ conversation: 'x' })), [{ data: { to: 'salon', text: 'x' } }]],
    ['events by their names in capitals', event('MESSAGES_UPSERT', message({ conversation: 'x' })), [{ data: { text: 'x' } }]],
    ['several', event('messages.upsert', { messages: [message({ conversation: 'x' })] }), [{ data: { text: 'x' } }]],
    [
      'media that Evolution API keeps',
      event('messages.upsert', message({ audioMessage: { url: 'x' }, mediaUrl: 'https://s3.example/a.ogg', base64: 'T2dn' })),
      [{ data: { type: 'audioMessage', media: { id: '3EB0C767D26A1F2A0E50', url: 'https://s3.example/a.ogg' } } }],
    ],
    [
      'an edit in a group',
      event('messages.edited', { ...EDIT, key: { remoteJid: GROUP, fromMe: true, id: '3EB0FIRST' } }),
      [
        {
          key: `evolution:salon:${GROUP}`,
          id: '3EB0FIRST:edit:1749416390123',
          data: { text: 'В 18:00', edits: '3EB0FIRST', sentAt: 1_749_416_390_123 },
        },
      ],
    ],
    [
      'an edit of which it does not show whose it is, in a conversation of its own',
      event('messages.edited', EDIT),
      [{ key: 'evolution:salon::3EB0FIRST', data: { text: 'В 18:00', edits: '3EB0FIRST' } }],
    ],
    [
      'an edit with the message as it is now',
      event('messages.edited', { ...message({ conversation: 'В 18:00' }) }),
      [{ key: `evolution:salon:${ANN}`, data: { text: 'В 18:00', edits: '3EB0C767D26A1F2A0E50' } }],
    ],
    ['an edit of our own', event('messages.edited', { ...EDIT, key: { remoteJid: ANN, fromMe: true, id: 'x' } }), []],
    [
      'a withdrawal',
      event('messages.delete', { remoteJid: ANN, fromMe: false, id: '3EB0FIRST', status: 'DELETED' }),
      [{ key: `evolution:salon:${ANN}`, id: '3EB0FIRST:revoke', data: { withdraws: '3EB0FIRST', text: '' } }],
    ],
    [
      'a withdrawal with its key',
      event('messages.delete', { key: { remoteJid: ANN, fromMe: false, id: '3EB0FIRST' } }),
      [{ id: '3EB0FIRST:revoke' }],
    ],
    ['a withdrawal of our own', event('messages.delete', { remoteJid: ANN, fromMe: true, id: 'x' }), []],
    ['a change of state', event('messages.update', { keyId: 'x', remoteJid: ANN, status: 'READ' }), []],
    ['what we have sent', event('send.message', message({ conversation: 'x' })), []],
    ['a connection', event('connection.update', { state: 'open' }), []],
    ['a presence', event('presence.update', { id: ANN, presences: {} }), []],
  ],
  count: (payload) => {
    const name = String(own(payload, 'event')).toLowerCase().replaceAll('_', '.')
    if (name !== 'messages.upsert') return 0
    const data = own(payload, 'data')
    const several = Array.isArray(data) ? data : own(data, 'messages')
    return countOf(elements(Array.isArray(several) ? several : [data]).filter(isObject))
  },
  conversation: (account, chat) => ({
    ...event('messages.upsert', message({ conversation: 'x' }, {}, { remoteJid: `${chat}@g.us` })),
    instance: account,
  }),
}
