import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { allSources, telegram, whatsappCloud, whatsappWeb } from '../../src/webhook/index.ts'
import * as given from './fixtures.ts'
import { anything, spoiled } from './payloads.ts'
import { post, read, useQueue } from './webhook.ts'

/** What is stored: JSON, without the members that are undefined. */
const stored = (value: unknown) => JSON.parse(JSON.stringify(value))

/** The data of the one message that a source finds. */
const dataOf = (found: ReturnType<ReturnType<typeof telegram>['read']>) => {
  expect(found).toHaveLength(1)
  return stored(found?.[0]?.data)
}

describe('WhatsApp Cloud API', () => {
  const one = (message: object, options = {}, value = {}) =>
    whatsappCloud(options).read(given.cloudPayload({ ...given.cloudValue([message]), ...value }))
  const at = (rest: object) => ({ from: '79001234567', id: 'wamid.x', timestamp: '1749416400', ...rest })

  it.each([
    ['a kind that Meta cannot pass on', { type: 'unsupported', unsupported: { type: 'poll_creation' }, errors: given.CLOUD_ERRORS }],
    ['a kind that Meta does not know', { type: 'unknown', errors: given.CLOUD_ERRORS }],
    ['media that are away', { type: 'image', errors: given.CLOUD_ERRORS }],
  ])('keeps the errors of %s', (_, rest) => {
    expect(dataOf(one(at(rest)))).toMatchObject({ text: '', type: rest.type, errors: given.CLOUD_ERRORS })
  })

  it.each([
    ['a text without a body', { type: 'text', text: {} }, { text: '', type: 'text', content: {} }],
    ['a text without anything', { type: 'text' }, { text: '', content: at({ type: 'text' }) }],
    ['an answer without its button', { type: 'interactive', interactive: 'x' }, { text: '', content: 'x' }],
    ['an answer of no kind', { type: 'interactive' }, { text: '', content: at({ type: 'interactive' }) }],
    ['media without an id', { type: 'image', image: { caption: 'Вот так' } }, { text: 'Вот так', content: { caption: 'Вот так' } }],
    ['a kind to come', { type: 'hologram', hologram: { size: 3 } }, { text: '', type: 'hologram', content: { size: 3 } }],
    ['a kind whose name is none', { type: 'a b', x: 1 }, { text: '', type: 'unknown', content: at({ type: 'a b', x: 1 }) }],
  ])('keeps %s', (_, rest, expected) => {
    expect(dataOf(one(at(rest)))).toMatchObject(expected)
  })

  it('finds who wrote among the contacts when the message does not say', () => {
    const { from: _, ...nameless } = given.cloudText(0)
    const contacts = [{ profile: { name: 'Анна' }, wa_id: '79001234567', user_id: 'RU.1' }]
    const [message] = one(nameless, {}, { contacts }) ?? []
    expect(message?.key).toBe('whatsapp:106540352242922:79001234567')
    expect(message?.data).toMatchObject({ from: '79001234567', userId: 'RU.1', name: 'Анна' })
  })

  it('keeps apart what nobody is known to have written', () => {
    const { from: _, ...nameless } = given.cloudText(0)
    const found = whatsappCloud().read(given.cloudPayload(given.cloudValue([nameless, { ...nameless, id: 'wamid.other' }]))) ?? []
    expect(found.map(({ key }) => key)).toEqual([`whatsapp:106540352242922::${nameless.id}`, 'whatsapp:106540352242922::wamid.other'])
  })

  it('knows a person by both ids, and tells the user id always', () => {
    const contacts = [{ profile: { name: 'Анна' }, wa_id: '79001234567', user_id: 'RU.1' }]
    const named = { from: '79001234567', userId: 'RU.1', name: 'Анна' }
    const { from: _, ...hidden } = at({ from_user_id: 'RU.1', type: 'text', text: { body: 'Hi' } })
    for (const message of [given.cloudText(0), hidden]) expect(dataOf(one(message, {}, { contacts }))).toMatchObject(named)
    const unnumbered = [{ profile: { name: 'Анна' }, user_id: 'RU.1' }]
    expect(dataOf(one(hidden, {}, { contacts: unnumbered }))).toMatchObject({ from: 'RU.1', userId: 'RU.1', name: 'Анна' })
  })

  it('keeps the ad and the product that a message came from, the voice flag, and what was chosen', () => {
    const referral = { source_url: 'https://fb.me/1', source_id: '1', source_type: 'ad', headline: 'Salon', ctwa_clid: 'c' }
    const product = { catalog_id: '9', product_retailer_id: 'sku' }
    const context = { from: '15550783881', id: 'wamid.asked', referred_product: product }
    expect(dataOf(one({ ...given.cloudText(0), referral, context }))).toMatchObject({ referral, product, replyTo: 'wamid.asked' })
    const data = given.cloudOthers.map((message) => one(message)?.[0]?.data)
    expect(data.map((each) => [each?.type, each?.media?.voice, each?.choice])).toEqual([
      ['audio', true, undefined],
      ['interactive', undefined, 'slot-18'],
      ['button', undefined, 'YES'],
      ['location', undefined, undefined],
      [undefined, undefined, undefined],
      ['unsupported', undefined, undefined],
    ])
  })

  it('tells an edit with its new words, and a withdrawal', () => {
    const edit = (message: object) => at({ type: 'edit', edit: { original_message_id: 'wamid.1', message } })
    const written = dataOf(one(edit({ type: 'text', text: { body: 'at 18' }, context: { id: 'wamid.0' } })))
    expect(written).toMatchObject({ text: 'at 18', type: 'text', edits: 'wamid.1', replyTo: 'wamid.0' })
    const shown = dataOf(one(edit({ type: 'image', image: { id: '7', caption: 'This' } })))
    expect(shown).toMatchObject({ text: 'This', type: 'image', media: { id: '7' }, edits: 'wamid.1' })
    expect(dataOf(one(edit({})))).toMatchObject({ text: '', type: 'edit', edits: 'wamid.1' })
    const withdrawn = dataOf(one(at({ type: 'revoke', revoke: { original_message_id: 'wamid.1' } })))
    expect(withdrawn).toMatchObject({ text: '', type: 'revoke', withdraws: 'wamid.1' })
  })

  it('leaves reactions out unless they are wanted', () => {
    const reaction = at({ type: 'reaction', reaction: { message_id: 'wamid.asked', emoji: '👍' } })
    const takenBack = at({ type: 'reaction', reaction: { message_id: 'wamid.asked' } })
    for (const message of [reaction, takenBack]) expect(one(message)).toEqual([])
    const wanted = { reactions: true }
    expect(dataOf(one(reaction, wanted))).toMatchObject({ text: '👍', type: 'reaction', replyTo: 'wamid.asked' })
    expect(dataOf(one(takenBack, wanted))).toMatchObject({ text: '', type: 'reaction', replyTo: 'wamid.asked' })
  })

  it('gives an id to what has none, the same when it comes again', () => {
    const { id: _, ...nameless } = given.cloudText(0)
    const [first, again] = [one(nameless), one(nameless)]
    expect(first?.[0]?.id).toMatch(/^#[\w-]{43}$/)
    expect(again).toEqual(first)
    expect(one({ ...nameless, timestamp: '1749416999' })?.[0]?.id).not.toBe(first?.[0]?.id)
  })
})

describe('Telegram', () => {
  const { text: _, ...bare } = given.telegramUpdate(0).message
  const update = (message: object, options = {}, kind = 'message') =>
    telegram(options).read(stored({ update_id: 10_000, [kind]: { ...bare, ...message } }))

  it('makes a conversation of each topic, and tells the thread', () => {
    const chat = { id: -100, type: 'supergroup', is_forum: true }
    const inTopic = (thread: number) => update({ chat, text: 'Hi', message_thread_id: thread, is_topic_message: true })?.[0]
    expect([inTopic(7)?.key, inTopic(8)?.key]).toEqual(['telegram:-100:7', 'telegram:-100:8'])
    expect(inTopic(7)?.data.thread).toBe('7')
    // A row of answers in a group without topics is no conversation of its own.
    const answer = update({ chat, text: 'Hi', message_thread_id: 7 })?.[0]
    expect([answer?.key, answer?.data.thread]).toEqual(['telegram:-100', '7'])
    const direct = update({ chat, text: 'Hi', direct_messages_topic: { topic_id: 55, user: { id: 5 } } })?.[0]
    expect([direct?.key, direct?.data.thread]).toEqual(['telegram:-100:55', '55'])
    const sender = telegram({ groups: 'sender' }).read({
      update_id: 1,
      message: { ...bare, chat, text: 'Hi', message_thread_id: 7, is_topic_message: true },
    })
    expect(sender?.[0]?.key).toBe('telegram:-100:7:987654321')
  })

  it('takes the first message of a topic for no answer to its making', () => {
    const made = { message_id: 7, forum_topic_created: { name: 'Visits' } }
    expect(dataOf(update({ text: 'Hi', message_thread_id: 7, is_topic_message: true, reply_to_message: made })).replyTo).toBeUndefined()
  })

  it.each([
    ['a venue', { location: { latitude: 1, longitude: 2 }, venue: { title: 'Salon' } }, { type: 'venue', content: { title: 'Salon' } }],
    ['shared users', { users_shared: { request_id: 1, users: [{ user_id: 5 }] } }, { type: 'users_shared' }],
    ['a shared chat', { chat_shared: { request_id: 1, chat_id: 5 } }, { type: 'chat_shared', content: { request_id: 1, chat_id: 5 } }],
    ['a kind to come', { hologram: { size: 3 } }, { type: 'hologram', content: { size: 3 } }],
    ['media without a file', { photo: [] }, { type: 'photo', content: [] }],
    ['paid media with a caption', { paid_media: { star_count: 1 }, caption: 'Hi' }, { text: 'Hi', content: { star_count: 1 } }],
    ['what Telegram cannot show', {}, { type: 'unknown', text: '' }],
    ['a voice message', { voice: { file_id: 'v' } }, { type: 'voice', media: { id: 'v', voice: true } }],
    ['a part of an album', { photo: [{ file_id: 'p' }], media_group_id: '138' }, { type: 'photo', album: '138' }],
  ])('keeps %s', (_, rest, expected) => {
    expect(dataOf(update(rest))).toMatchObject(expected)
  })

  it('keeps where links lead', () => {
    const entities = [
      { type: 'text_link', offset: 3, length: 4, url: 'https://example.org/a' },
      { type: 'bold', offset: 0, length: 2 },
    ]
    const links = [{ text: 'here', url: 'https://example.org/a' }]
    expect(dataOf(update({ text: 'go here', entities })).links).toEqual(links)
    expect(dataOf(update({ photo: [{ file_id: 'p' }], caption: 'go here', caption_entities: entities })).links).toEqual(links)
    expect(dataOf(update({ text: 'go here' })).links).toBeUndefined()
  })

  it('tells edits, each once, but not where somebody moves', () => {
    const edit = (rest: object, id = 10_000) =>
      telegram().read({ update_id: id, edited_message: { ...bare, edit_date: 1_749_416_390, ...rest } })
    expect(dataOf(edit({ text: 'at 18' }))).toMatchObject({
      ...{ text: 'at 18', type: 'text', edits: '987654321:1365', sentAt: 1_749_416_390_000 },
    })
    const ids = [10_000, 10_000, 10_001].map((id) => edit({ text: 'at 18' }, id)?.[0]?.id)
    expect(ids).toEqual(['987654321:1365:10000', '987654321:1365:10000', '987654321:1365:10001'])
    expect(edit({ location: { latitude: 1, longitude: 2, live_period: 60 } })).toEqual([])
    for (const kind of ['edited_channel_post', 'edited_business_message']) expect(update({ text: 'at 18' }, {}, kind)).toHaveLength(1)
  })

  it('tells what was deleted from the chat of a business', () => {
    const deleted = { business_connection_id: 'b1', chat: { id: 987654321, type: 'private' }, message_ids: [5, 6] }
    const found = telegram().read({ update_id: 9, deleted_business_messages: deleted }) ?? []
    expect(found.map(({ key, id, data }) => [key, id, data.withdraws])).toEqual([
      ['telegram:b1:987654321', 'b1:987654321:5:9', 'b1:987654321:5'],
      ['telegram:b1:987654321', 'b1:987654321:6:9', 'b1:987654321:6'],
    ])
  })

  it('keeps which button was pressed, with its title', () => {
    const keyboard = { inline_keyboard: [[{ text: 'At 17', callback_data: 'slot-17' }], [{ text: 'At 18', callback_data: 'slot-18' }]] }
    const message = { message_id: 50, date: 1, chat: { id: 987654321, type: 'private' }, text: 'When?', reply_markup: keyboard }
    const pressed = { update_id: 9, callback_query: { id: '4382', from: { id: 987654321, first_name: 'Anna' }, message, data: 'slot-18' } }
    const [found] = telegram().read(pressed) ?? []
    expect([found?.key, found?.id]).toEqual(['telegram:987654321', 'callback:4382'])
    expect(found?.data).toMatchObject({
      ...{ type: 'callback_query', text: 'At 18', choice: 'slot-18', replyTo: '50', from: '987654321', name: 'Anna' },
      content: { id: '4382', data: 'slot-18' },
    })
    const { message: _, ...inline } = pressed.callback_query
    const elsewhere = telegram().read({ update_id: 9, callback_query: { ...inline, inline_message_id: 'i' } })
    expect([elsewhere?.[0]?.key, elsewhere?.[0]?.data.text]).toEqual(['telegram:987654321', ''])
    const inTopic = { ...message, chat: { id: -100, type: 'supergroup' }, message_thread_id: 7, is_topic_message: true }
    const inGroup = { update_id: 9, callback_query: { ...pressed.callback_query, message: inTopic } }
    expect(telegram({ groups: 'sender' }).read(inGroup)?.[0]?.key).toBe('telegram:-100:7:987654321')
  })

  it('leaves reactions out unless they are wanted', () => {
    const reaction = (news: object[]) => ({
      update_id: 9,
      message_reaction: {
        ...{ chat: bare.chat, message_id: 5, user: bare.from, date: 1_749_416_390 },
        old_reaction: [],
        new_reaction: news,
      },
    })
    const thumb = reaction([{ type: 'emoji', emoji: '👍' }])
    expect(telegram().read(thumb)).toEqual([])
    const read = (payload: unknown) => dataOf(telegram({ reactions: true }).read(payload))
    expect(read(thumb)).toMatchObject({ text: '👍', type: 'message_reaction', replyTo: '5', from: '987654321' })
    expect(read(reaction([]))).toMatchObject({ text: '', replyTo: '5' })
  })

  it('keeps apart what has no number of its own', () => {
    const ids = [1, 2].map((id) => telegram().read({ update_id: id, message: { ...bare, message_id: 0, text: 'Hi' } })?.[0]?.id)
    expect(ids).toEqual(['987654321:#1', '987654321:#2'])
    const { chat: _, from: __, ...nowhere } = { ...bare, text: 'Hi' }
    const keys = [1, 2].map((id) => telegram().read({ update_id: id, message: nowhere })?.[0]?.key)
    expect(keys).toEqual(['telegram::1', 'telegram::2'])
  })
})

describe('venom-bot and whatsapp-web.js', () => {
  const venom = (rest: object, options = {}) => whatsappWeb(options).read(stored({ ...given.venomText(0), ...rest }))
  const webJs = (rest: object, options = {}) => whatsappWeb(options).read(stored({ ...given.webJsText, ...rest }))

  it('keeps what a message answers', () => {
    expect(dataOf(venom({ quotedStanzaID: '3EB0' })).replyTo).toBe('3EB0')
    expect(dataOf(webJs({ hasQuotedMsg: true, _data: { quotedStanzaID: '3EB0' } })).replyTo).toBe('3EB0')
  })

  it('finds what whatsapp-web.js has inside', () => {
    const inside = {
      mimetype: 'application/pdf',
      filename: 'price.pdf',
      size: 9000,
      deprecatedMms3Url: 'https://mmg.example/1',
      mediaKey: 'k',
    }
    const data = dataOf(webJs({ type: 'document', hasMedia: true, body: '', _data: inside }))
    expect(data.media).toMatchObject({ mimeType: 'application/pdf', name: 'price.pdf', size: 9000, url: 'https://mmg.example/1', key: 'k' })
    expect(dataOf(webJs({ type: 'ptt', hasMedia: true, body: '' })).media.voice).toBe(true)
  })

  it.each([
    ['a button', { type: 'buttons_response', body: 'At 18', selectedButtonId: 'slot-18' }, 'slot-18'],
    ['a row', { type: 'list_response', body: 'At 18', selectedRowId: 'slot-18' }, 'slot-18'],
    ['a row of venom-bot', { type: 'list_response', listResponse: { singleSelectReply: { selectedRowId: 'slot-18' } } }, 'slot-18'],
    ['a button of a template', { type: 'template_button_reply', body: 'Yes', _data: { selectedId: 'YES' } }, 'YES'],
  ])('keeps the id of %s', (_, rest, choice) => {
    expect(dataOf(webJs(rest)).choice).toBe(choice)
  })

  it('keeps several cards, orders, products and polls', () => {
    const cards = ['BEGIN:VCARD 1', 'BEGIN:VCARD 2']
    expect(dataOf(webJs({ type: 'multi_vcard', body: '', vCards: cards })).content).toEqual(cards)
    const list = cards.map((vcard) => ({ displayName: 'x', vcard }))
    expect(dataOf(venom({ type: 'multi_vcard', body: undefined, vcardList: list })).content).toEqual(cards)
    const order = dataOf(webJs({ type: 'order', body: '/9j/', orderId: '1', token: 't', _data: { itemCount: 2, message: 'for Friday' } }))
    expect(order).toMatchObject({ text: 'for Friday', content: { orderId: '1', token: 't', itemCount: 2 } })
    const product = dataOf(webJs({ type: 'product', body: '/9j/', productId: '7', title: 'Comb', businessOwnerJid: '1@c.us' }))
    expect(product.content).toEqual({ productId: '7', title: 'Comb', businessOwnerJid: '1@c.us' })
    const poll = dataOf(webJs({ type: 'poll_creation', body: 'When?', pollName: 'When?', pollOptions: [{ name: '17' }] }))
    expect(poll).toMatchObject({ text: 'When?', content: { pollName: 'When?', pollOptions: [{ name: '17' }] } })
  })

  it.each([
    ['no words', { body: undefined }, { text: '', type: 'chat' }],
    ['words that are none', { body: 7 }, { text: '', type: 'chat' }],
    ['no kind', { type: 7 }, { type: 'unknown' }],
    ['a kind to come', { type: 'hologram', body: 'x' }, { text: '', type: 'hologram', content: 'x' }],
    ['nothing but a kind to come', { type: 'hologram', body: undefined, x: 1 }, { type: 'hologram', content: { x: 1 } }],
    ['an order of nothing', { type: 'order', x: 1 }, { text: '', type: 'order', content: { x: 1 } }],
    ['a kind to come, with a file', { type: 'hologram', hasMedia: true }, { type: 'hologram', media: { id: given.venomText(0).id } }],
  ])('keeps a message with %s', (_, rest, expected) => {
    expect(dataOf(venom(rest))).toMatchObject(expected)
  })

  it('keeps a message that cannot be read yet, beside the one that can', () => {
    const [early] = webJs({ type: 'ciphertext', body: '' }) ?? []
    expect(early?.data).toMatchObject({ text: '', type: 'ciphertext' })
    expect(early?.id).not.toBe(webJs({})?.[0]?.id)
  })

  it('tells edits and withdrawals', () => {
    const { _serialized: id } = given.webJsText.id
    const edit = { body: 'at 18', latestEditMsgKey: { _serialized: id }, latestEditSenderTimestampMs: 1_749_416_390_123 }
    const [edited] = webJs(edit) ?? []
    expect([edited?.id, edited?.data.text, edited?.data.edits]).toEqual([`${id}:1749416390123`, 'at 18', id])
    const protocol = { type: 'protocol', subtype: 'message_edit', body: 'at 18', id: 'new', protocolMessageKey: { _serialized: 'old' } }
    expect(dataOf(venom(protocol))).toMatchObject({ text: 'at 18', type: 'chat', edits: 'old' })
    const [revoked] = webJs({ type: 'revoked', body: '', protocolMessageKey: { _serialized: 'old' } }) ?? []
    expect([revoked?.id, revoked?.data.withdraws]).toEqual([`${id}:revoked`, 'old'])
    expect(dataOf(venom({ type: 'revoked' })).withdraws).toBe(given.venomText(0).id)
    expect(dataOf(venom({ ...protocol, subtype: 'sender_revoke' }))).toMatchObject({ text: '', withdraws: 'old' })
    expect(venom({ ...protocol, subtype: 'ephemeral_setting' })).toEqual([])
  })

  it('leaves reactions out unless they are wanted', () => {
    const typed = { type: 'reaction', body: undefined, reactionText: '👍', reactionParentKey: { _serialized: 'asked' } }
    const event = {
      ...{ id: { fromMe: false, _serialized: 'r1' }, orphan: 0, timestamp: 1_749_416_390, reaction: '👍', read: false },
      ...{ msgId: { _serialized: 'asked', remote: '120363@g.us' }, senderId: '79001234567@c.us' },
    }
    const { read } = whatsappWeb({ reactions: true })
    expect([whatsappWeb().read(event), venom(typed)]).toEqual([[], []])
    expect(dataOf(venom(typed, { reactions: true }))).toMatchObject({ text: '👍', type: 'reaction', replyTo: 'asked' })
    expect(dataOf(read(event))).toMatchObject({
      text: '👍',
      type: 'reaction',
      replyTo: 'asked',
      chat: '120363@g.us',
      from: '79001234567@c.us',
    })
    const takenBack = read({ ...event, reaction: '' })
    expect([takenBack?.[0]?.data.text, takenBack?.[0]?.id === read(event)?.[0]?.id]).toEqual(['', false])
    expect(read({ ...event, id: { ...event.id, fromMe: true } })).toEqual([])
  })
})

describe('what the provider sent', () => {
  const sources = () => allSources({ raw: true })
  const rawOf = (payload: unknown) => sources().flatMap((source) => source.read(payload) ?? [])[0]?.data

  it('is kept as it came when that is wanted', () => {
    expect(rawOf(given.cloudPayload(given.cloudValue([given.cloudText(0)])))?.raw).toEqual(given.cloudText(0))
    expect(rawOf(given.telegramUpdate(0))?.raw).toEqual(given.telegramUpdate(0))
    expect(rawOf([given.venomText(0)])?.raw).toEqual(given.venomText(0))
    expect(telegram().read(given.telegramUpdate(0))?.[0]?.data).not.toHaveProperty('raw')
  })

  it('is left out when it is too large, and the message says so', () => {
    const data = rawOf({ ...given.venomText(0), thumbnail: 'я'.repeat(32_769) })
    expect([data?.text, data?.raw, data?.truncated]).toEqual([given.TEXTS[0], undefined, true])
    const content = whatsappWeb().read({ ...given.venomText(0), type: 'hologram', body: 'я'.repeat(65_537) })?.[0]?.data
    expect([content?.type, content?.content, content?.truncated]).toEqual(['hologram', undefined, true])
  })
})

describe('keys and ids that Redis does not take', () => {
  it.each(['x'.repeat(2000), '\ud800', '\udc00'])('are replaced by a digest: %#', (part) => {
    const payload = given.cloudPayload(given.cloudValue([{ ...given.cloudText(0, part), id: `wamid${part}` }]))
    const [message] = whatsappCloud().read(payload) ?? []
    expect(message?.key).toMatch(/^whatsapp:#[\w-]{43}$/)
    expect(message?.id).toMatch(/^(#[\w-]{43})$/)
    expect(message?.data.from).toBe(part)
  })

  it('differ where these differ', () => {
    const keys = ['\ud800', '\udc00', 'x'.repeat(2000)].map(
      (from) => whatsappCloud().read(given.cloudPayload(given.cloudValue([given.cloudText(0, from)])))?.[0]?.key,
    )
    expect(new Set(keys).size).toBe(3)
  })
})

/** How many messages of people a payload has, by what the documentation of its sender says is none. */
const isObject = (value: any): boolean => typeof value === 'object' && value !== null && !Array.isArray(value)
const own = (value: any, name: string): any =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, name) ? value[name] : undefined
const elements = (value: any): any[] => (Array.isArray(value) ? value : [])

function cloudMessages(payload: any): number {
  const changes = elements(own(payload, 'entry')).flatMap((entry) => elements(own(entry, 'changes')))
  const values = changes.filter((change) => own(change, 'field') === 'messages').map((change) => own(change, 'value'))
  const messages = values.flatMap((value) => elements(own(value, 'messages'))).filter(isObject)
  return messages.filter((message) => !['system', 'request_welcome', 'reaction'].includes(own(message, 'type'))).length
}

const telegramMessages = (payload: any): number => {
  const found = (...names: string[]) => names.map((name) => own(payload, name)).find(isObject)
  const said = found('message', 'channel_post', 'business_message')
  const message = said ?? found('edited_message', 'edited_channel_post', 'edited_business_message')
  if (message === undefined) {
    const deleted = elements(own(own(payload, 'deleted_business_messages'), 'message_ids')).filter(Number.isSafeInteger)
    return isObject(own(payload, 'callback_query')) ? 1 : deleted.length
  }
  // A business hears of what it has written itself, too.
  const people = [own(message, 'from') ?? own(message, 'sender_chat'), own(message, 'chat')].map((each) => own(each, 'id'))
  const isOurs = typeof own(message, 'business_connection_id') === 'string' && new Set(people.filter(Number.isSafeInteger)).size > 1
  return isOurs ? 0 : 1
}

const CHANGES = ['message_edit', 'revoked', 'sender_revoke', 'admin_revoke']

const webMessages = (payload: any): number =>
  (Array.isArray(payload) ? payload : [payload]).filter((message) => {
    const isOwn = own(message, 'fromMe') === true || own(own(message, 'id'), 'fromMe') === true
    const from = own(message, 'from')
    // What libraries tell each other, unless it changes a message.
    const isNotice = own(message, 'type') === 'protocol' && !CHANGES.includes(own(message, 'subtype'))
    return !isOwn && !isNotice && from !== 'status@broadcast' && own(from, '_serialized') !== 'status@broadcast'
  }).length

const cloud = given.cloudPayload(
  given.cloudValue([given.cloudText(0), given.cloudImage, ...given.cloudOthers, ...given.cloudChanges]),
  given.cloudStatus,
)
const SENDERS = [
  ['WhatsApp Cloud API', whatsappCloud(), spoiled(cloud), cloudMessages],
  [
    'Telegram',
    telegram({ groups: 'sender' }),
    fc.oneof(...[given.telegramUpdate(0), given.telegramPhoto, given.telegramPress, ...given.telegramChanges].map(spoiled)),
    telegramMessages,
  ],
  [
    'venom-bot',
    whatsappWeb(),
    fc.oneof(...[[given.venomText(0), given.venomGroup('1', 1)], given.venomImage, given.venomEdit].map(spoiled)),
    webMessages,
  ],
  ['whatsapp-web.js', whatsappWeb(), fc.oneof(...[given.webJsText, [given.webJsImage], ...given.webJsChanges].map(spoiled)), webMessages],
] as const

describe('a payload that is damaged', () => {
  it.each(SENDERS)('of %s loses no message of a person', (_, source, payloads, count) => {
    let messages = 0
    fc.assert(
      fc.property(fc.oneof({ arbitrary: payloads, weight: 9 }, { arbitrary: anything, weight: 1 }), (payload) => {
        const body = JSON.parse(JSON.stringify(payload) ?? 'null')
        const found = source.read(body)
        if (found === undefined) return
        expect(found).toHaveLength(count(body))
        messages += found.length
      }),
      { numRuns: 500 },
    )
    expect(messages).toBeGreaterThan(100)
  })

  const queue = useQueue()

  it('is answered 200 only when all of its messages are stored, and else the same whenever it comes', async () => {
    const webhook = queue.webhook()
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(...SENDERS.map(([, source, payloads, count]) => payloads.map((payload) => ({ source, payload, count })))),
        async (each) => {
          await queue.redis.flushdb()
          const body = JSON.parse(JSON.stringify(each.payload) ?? 'null')
          const { status, body: answer } = await read(await webhook(post(body)))
          // With a member named __proto__ it is no payload.
          if (each.source.read(body) === undefined || answer.code === 'BAD_JSON') return
          expect(status).toBe(200)
          const { added, duplicates, changed = 0 } = answer
          expect(added + duplicates + changed).toBe(each.count(body))
          // An edit leaves as many as there were, a withdrawal one less.
          const { messages } = await queue.rapidfire.getStats()
          expect([messages >= added - changed, messages <= added]).toEqual([true, true])
        },
      ),
      { numRuns: 100 },
    )
  })
})
