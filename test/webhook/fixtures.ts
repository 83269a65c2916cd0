/** Payloads as the providers send them. Times are those of the demo's conversation. */

export const TEXTS = ['Запишите на стрижку меня', 'На завтра', 'В 18:00', 'К Бари']

const SENT = [1_749_416_383, 1_749_416_386, 1_749_416_391, 1_749_416_395]

export const CLOUD_ERRORS = [
  {
    code: 131051,
    title: 'Message type unknown',
    message: 'Message type unknown',
    error_data: { details: 'Message type is not supported.' },
  },
]

/** A message of the Cloud API as it stands in `messages`. */
export const cloudText = (n: number, from = '79001234567') => ({
  from,
  id: `wamid.HBgLNzkwMDEyMzQ1NjcVAgASGBQzQTRBNjU5OUFFRTAzODEwMTQ0${n}A=`,
  timestamp: String(SENT[n]),
  type: 'text',
  text: { body: TEXTS[n] },
})

export const cloudValue = (messages: unknown[]) => ({
  messaging_product: 'whatsapp',
  metadata: { display_phone_number: '15550783881', phone_number_id: '106540352242922' },
  contacts: [
    { profile: { name: 'Анна Каренина' }, wa_id: '79001234567' },
    { profile: { name: 'Bari' }, wa_id: '16505551234' },
  ],
  messages,
})

export const cloudPayload = (...values: unknown[]) => ({
  object: 'whatsapp_business_account',
  entry: values.map((value) => ({ id: '102290129340398', changes: [{ value, field: 'messages' }] })),
})

export const cloudStatus = {
  messaging_product: 'whatsapp',
  metadata: { display_phone_number: '15550783881', phone_number_id: '106540352242922' },
  statuses: [
    {
      id: 'wamid.HBgLMTY1MDU1NTEyMzQVAgARGBI5QTNDQTVCM0Q0Q0Q2RTY3RTcA',
      status: 'delivered',
      timestamp: '1749416390',
      recipient_id: '16505551234',
      pricing: { billable: true, pricing_model: 'PMP', category: 'service' },
    },
  ],
}

export const cloudImage = {
  from: '16505551234',
  id: 'wamid.image',
  timestamp: '1749416400',
  type: 'image',
  image: {
    caption: 'Like this one',
    mime_type: 'image/jpeg',
    sha256: 'SfInY0gGKTsJlUWbwxC1k+FAD0FZHvzwfpvO0zX0GUI=',
    id: '1003383421387256',
  },
}

export const cloudOthers = [
  {
    from: '16505551234',
    id: 'wamid.voice',
    timestamp: '1749416401',
    type: 'audio',
    audio: { mime_type: 'audio/ogg; codecs=opus', id: '884', voice: true },
  },
  {
    from: '16505551234',
    id: 'wamid.button',
    timestamp: '1749416402',
    type: 'interactive',
    context: { from: '15550783881', id: 'wamid.asked' },
    interactive: { type: 'list_reply', list_reply: { id: 'slot-18', title: 'В 18:00', description: 'free' } },
  },
  { from: '16505551234', id: 'wamid.quick', timestamp: '1749416403', type: 'button', button: { payload: 'YES', text: 'Да' } },
  {
    from: '16505551234',
    id: 'wamid.place',
    timestamp: '1749416404',
    type: 'location',
    location: { latitude: 55.75, longitude: 37.61, name: 'Salon' },
  },
  {
    from: '16505551234',
    id: 'wamid.reaction',
    timestamp: '1749416405',
    type: 'reaction',
    reaction: { message_id: 'wamid.asked', emoji: '👍' },
  },
  {
    from: '16505551234',
    id: 'wamid.unsupported',
    timestamp: '1749416406',
    type: 'unsupported',
    errors: CLOUD_ERRORS,
  },
]

/** What changes an earlier message. */
export const cloudChanges = [
  {
    from: '16505551234',
    id: 'wamid.edit',
    timestamp: '1749416407',
    type: 'edit',
    edit: { original_message_id: 'wamid.image', message: { type: 'text', text: { body: 'Like that one' } } },
  },
  { from: '16505551234', id: 'wamid.revoke', timestamp: '1749416408', type: 'revoke', revoke: { original_message_id: 'wamid.image' } },
]

/** What a venom-bot message serialises to. */
export const venomText = (n: number, from = '79001234567@c.us') => ({
  id: `false_${from}_3EB0C767D26A1F2A0E5${n}`,
  body: TEXTS[n],
  type: 'chat',
  t: SENT[n],
  notifyName: 'Анна',
  from,
  to: '15550783881@c.us',
  self: 'in',
  ack: -1,
  invis: false,
  isNewMsg: true,
  star: false,
  fromMe: false,
  chatId: from,
  isGroupMsg: false,
  isMMS: false,
  isMedia: false,
  sender: { id: from, name: 'Анна К.', pushname: 'Анна', type: 'in', isUser: true },
  timestamp: SENT[n],
  content: TEXTS[n],
})

export const venomGroup = (author: string, n = 0) => ({
  ...venomText(n, '120363041234567890@g.us'),
  id: `false_120363041234567890@g.us_3EB0${author}${n}`,
  author: `${author}@c.us`,
  isGroupMsg: true,
})

export const venomImage = {
  ...venomText(0),
  id: 'false_79001234567@c.us_IMAGE',
  type: 'image',
  body: '/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAYEBQYFBAYGBQYHBwYIChAKCgkJChQODwwQFxQYGBcUFhYaHSUfGhsjHBYW',
  caption: 'Вот так',
  mimetype: 'image/jpeg',
  size: 84213,
  clientUrl: 'https://mmg.whatsapp.net/v/t62.7118-24/1.enc',
  mediaKey: 'b1VfPWoN1J4HDzCnS0kXxQ==',
  isMedia: true,
  isMMS: true,
  content: '/9j/4AAQSkZJRgABAQAAAQABAAD',
}

/** What a whatsapp-web.js message serialises to. */
export const webJsText = {
  _data: { notifyName: 'Bari', type: 'chat' },
  id: { fromMe: false, remote: '16505551234@c.us', id: '3A4A6599AEE03810144F', _serialized: 'false_16505551234@c.us_3A4A6599AEE03810144F' },
  ack: 1,
  hasMedia: false,
  body: 'Does it come in another color?',
  type: 'chat',
  timestamp: 1_749_416_383,
  from: '16505551234@c.us',
  to: '15550783881@c.us',
  deviceType: 'android',
  isForwarded: false,
  isStatus: false,
  isStarred: false,
  fromMe: false,
  hasQuotedMsg: false,
  vCards: [],
  mentionedIds: [],
  links: [],
}

export const webJsImage = {
  ...webJsText,
  id: { ...webJsText.id, _serialized: 'false_16505551234@c.us_MEDIA' },
  type: 'image',
  hasMedia: true,
  body: 'with a caption',
}

export const webJsChanges = [
  { ...webJsText, body: 'В 19:00', latestEditMsgKey: webJsText.id, latestEditSenderTimestampMs: 1_749_416_390_123 },
  {
    ...webJsText,
    id: { ...webJsText.id, _serialized: 'false_16505551234@c.us_GONE' },
    type: 'revoked',
    body: '',
    protocolMessageKey: webJsText.id,
  },
]

/** An edit as venom-bot has it. */
export const venomEdit = {
  ...venomText(2),
  id: 'new',
  type: 'protocol',
  subtype: 'message_edit',
  protocolMessageKey: { _serialized: 'old' },
}

export const telegramUpdate = (n: number, chat: object = { id: 987654321, type: 'private', first_name: 'Anna', last_name: 'K' }) => ({
  update_id: 10_000 + n,
  message: {
    message_id: 1365 + n,
    from: { id: 987654321, is_bot: false, first_name: 'Anna', last_name: 'K', username: 'anna', language_code: 'ru' },
    chat,
    date: SENT[n],
    text: TEXTS[n],
  },
})

export const telegramPhoto = {
  update_id: 10_010,
  message: {
    ...telegramUpdate(0).message,
    message_id: 1400,
    text: undefined,
    caption: 'Вот так',
    photo: [
      { file_id: 'small', file_unique_id: 's', file_size: 1024, width: 90, height: 67 },
      { file_id: 'large', file_unique_id: 'l', file_size: 90_210, width: 1280, height: 960 },
    ],
  },
}

export const telegramPress = {
  update_id: 10_011,
  callback_query: {
    id: '4382bfdwdsb323b2d9',
    from: { id: 987654321, is_bot: false, first_name: 'Anna' },
    message: {
      message_id: 1410,
      from: { id: 5, is_bot: true, first_name: 'Salon' },
      chat: { id: 987654321, type: 'private' },
      date: 1_749_416_383,
      text: 'When?',
      reply_markup: { inline_keyboard: [[{ text: 'At 18', callback_data: 'slot-18' }]] },
    },
    chat_instance: '-35',
    data: 'slot-18',
  },
}

/** What changes an earlier message, and what people write to a business. */
const business = { ...telegramUpdate(1).message, business_connection_id: 'b1' }

export const telegramChanges = [
  { update_id: 10_012, edited_message: { ...telegramUpdate(0).message, text: 'На послезавтра', edit_date: 1_749_416_400 } },
  { update_id: 10_013, business_message: business },
  { update_id: 10_014, edited_business_message: { ...business, text: 'В 19:00', edit_date: 1_749_416_401 } },
  { update_id: 10_015, deleted_business_messages: { business_connection_id: 'b1', chat: business.chat, message_ids: [1366, 1367] } },
]
