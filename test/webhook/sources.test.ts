import { describe, expect, it } from 'vitest'
import { allSources, generic, telegram, whatsappCloud, whatsappWeb } from '../../src/webhook/index.ts'
import * as given from './fixtures.ts'

/** What is stored: JSON, without the members that are undefined. */
const stored = (value: unknown) => JSON.parse(JSON.stringify(value))

describe('WhatsApp Cloud API', () => {
  const { read } = whatsappCloud()

  it('gives every message of every entry, the oldest first', () => {
    const payload = given.cloudPayload(
      given.cloudValue([given.cloudText(3), given.cloudText(0), given.cloudImage]),
      given.cloudStatus,
      given.cloudValue([given.cloudText(2), given.cloudText(1)]),
    )
    expect(read(payload)?.map(({ key, data }) => [key, data.text])).toEqual([
      ...given.TEXTS.map((text) => ['whatsapp:106540352242922:79001234567', text]),
      ['whatsapp:106540352242922:16505551234', 'Like this one'],
    ])
  })

  it('keeps the order of messages of one second', () => {
    const at = (id: string, timestamp: string) => ({ ...given.cloudText(0), id, timestamp })
    const payload = given.cloudPayload(given.cloudValue([at('c', '11'), at('a', '10'), at('b', '10'), at('d', '11')]))
    expect(read(payload)?.map(({ id }) => id)).toEqual(['a', 'b', 'c', 'd'])
  })

  it('keeps who wrote what when', () => {
    const [message] = read(given.cloudPayload(given.cloudValue([given.cloudText(0)]))) ?? []
    expect(stored(message)).toEqual({
      key: 'whatsapp:106540352242922:79001234567',
      id: given.cloudText(0).id,
      data: {
        source: 'whatsapp',
        chat: '79001234567',
        text: given.TEXTS[0],
        type: 'text',
        from: '79001234567',
        name: 'Анна Каренина',
        to: '106540352242922',
        sentAt: 1_749_416_383_000,
      },
    })
  })

  it('keeps media as references', () => {
    const [message] = read(given.cloudPayload(given.cloudValue([given.cloudImage]))) ?? []
    expect(stored(message?.data.media)).toEqual({ id: '1003383421387256', mimeType: 'image/jpeg' })
    expect(message?.data.text).toBe('Like this one')
  })

  it('takes the words of buttons, and the content of what has none', () => {
    const messages = read(given.cloudPayload(given.cloudValue(given.cloudOthers))) ?? []
    expect(messages.map(({ data }) => [data.type, data.text])).toEqual([
      ['audio', ''],
      ['interactive', 'В 18:00'],
      ['button', 'Да'],
      ['location', ''],
      ['unsupported', ''],
    ])
    expect(messages[1]?.data.replyTo).toBe('wamid.asked')
    expect(messages[3]?.data.content).toEqual({ latitude: 55.75, longitude: 37.61, name: 'Salon' })
  })

  it('knows people who hide their number by their user id', () => {
    const { from: _, ...hidden } = given.cloudText(0)
    const value = {
      ...given.cloudValue([{ ...hidden, from_user_id: 'RU.13491208655302741918' }]),
      contacts: [{ profile: { name: 'Анна', username: 'anna' }, user_id: 'RU.13491208655302741918' }],
    }
    const [message] = read(given.cloudPayload(value)) ?? []
    expect([message?.key, message?.data.name]).toEqual(['whatsapp:106540352242922:RU.13491208655302741918', 'Анна'])
  })

  it('makes one conversation of a group, or one for each member', () => {
    const inGroup = ['79001234567', '16505551234'].map((from, n) => ({ ...given.cloudText(n, from), group_id: 'Y2FwaV9ncm91cDox' }))
    const payload = given.cloudPayload(given.cloudValue(inGroup))
    expect(read(payload)?.map(({ key }) => key)).toEqual([
      'whatsapp:106540352242922:Y2FwaV9ncm91cDox',
      'whatsapp:106540352242922:Y2FwaV9ncm91cDox',
    ])
    expect(
      whatsappCloud({ groups: 'sender' })
        .read(payload)
        ?.map(({ key }) => key),
    ).toEqual(['whatsapp:106540352242922:Y2FwaV9ncm91cDox:79001234567', 'whatsapp:106540352242922:Y2FwaV9ncm91cDox:16505551234'])
  })

  it('leaves out what nobody wrote', () => {
    const messages = ['system', 'request_welcome'].map((type) => ({ from: '1', id: type, timestamp: '1', type, [type]: {} }))
    expect(read(given.cloudPayload(given.cloudValue(messages)))).toEqual([])
    const echoes = {
      object: 'whatsapp_business_account',
      entry: [{ changes: [{ field: 'smb_message_echoes', value: given.cloudValue([given.cloudText(0)]) }] }],
    }
    expect(read(echoes)).toEqual([])
  })
})

describe('venom-bot and whatsapp-web.js', () => {
  const { read } = whatsappWeb()

  it('gives a message, or an array of them in order', () => {
    expect(stored(read(given.venomText(0)))).toEqual([
      {
        key: 'whatsapp-web:15550783881@c.us:79001234567@c.us',
        id: 'false_79001234567@c.us_3EB0C767D26A1F2A0E50',
        data: {
          source: 'whatsapp-web',
          chat: '79001234567@c.us',
          text: given.TEXTS[0],
          type: 'chat',
          from: '79001234567@c.us',
          userId: '79001234567@c.us',
          name: 'Анна',
          to: '15550783881@c.us',
          sentAt: 1_749_416_383_000,
        },
      },
    ])
    expect(read([3, 1, 0, 2].map((n) => given.venomText(n)))?.map(({ data }) => data.text)).toEqual(given.TEXTS)
    expect(stored(read(given.webJsText))).toEqual([
      {
        key: 'whatsapp-web:15550783881@c.us:16505551234@c.us',
        id: 'false_16505551234@c.us_3A4A6599AEE03810144F',
        data: {
          source: 'whatsapp-web',
          chat: '16505551234@c.us',
          text: 'Does it come in another color?',
          type: 'chat',
          from: '16505551234@c.us',
          userId: '16505551234@c.us',
          name: 'Bari',
          to: '15550783881@c.us',
          sentAt: 1_749_416_383_000,
        },
      },
    ])
  })

  it('takes the least that a bot would send', () => {
    expect(stored(read({ id: '1', from: '79001234567@c.us', body: 'Привет' }))).toEqual([
      {
        key: 'whatsapp-web::79001234567@c.us',
        id: '1',
        data: {
          ...{ source: 'whatsapp-web', chat: '79001234567@c.us', text: 'Привет', type: 'chat' },
          ...{ from: '79001234567@c.us', userId: '79001234567@c.us' },
        },
      },
    ])
  })

  it('keeps media as references, and no thumbnail', () => {
    const [message] = read(given.venomImage) ?? []
    expect(message?.data.text).toBe('Вот так')
    expect(message?.data.media).toEqual({
      id: 'false_79001234567@c.us_IMAGE',
      url: 'https://mmg.whatsapp.net/v/t62.7118-24/1.enc',
      mimeType: 'image/jpeg',
      name: undefined,
      size: 84213,
      key: 'b1VfPWoN1J4HDzCnS0kXxQ==',
    })
    expect(JSON.stringify(message)).not.toContain('/9j/')
    expect(read({ ...given.venomImage, caption: undefined })?.[0]?.data.text).toBe('')
    expect(read(given.webJsImage)?.[0]?.data.text).toBe('with a caption')
  })

  it('keeps places and contact cards as content', () => {
    const [place] = read({ ...given.venomText(0), type: 'location', body: '/9j/', lat: 55.75, lng: 37.61, loc: 'Salon' }) ?? []
    expect([place?.data.text, place?.data.content]).toEqual(['', { latitude: 55.75, longitude: 37.61, description: 'Salon' }])
    const [card] = read({ ...given.venomText(0), type: 'vcard', body: 'BEGIN:VCARD' }) ?? []
    expect([card?.data.text, card?.data.content]).toEqual(['', 'BEGIN:VCARD'])
  })

  it('makes one conversation of a group, or one for each member', () => {
    const payload = [given.venomGroup('79001234567'), given.venomGroup('16505551234', 1)]
    expect(read(payload)?.map(({ key, data }) => [key, data.from])).toEqual([
      ['whatsapp-web:15550783881@c.us:120363041234567890@g.us', '79001234567@c.us'],
      ['whatsapp-web:15550783881@c.us:120363041234567890@g.us', '16505551234@c.us'],
    ])
    expect(
      whatsappWeb({ groups: 'sender' })
        .read(payload)
        ?.map(({ key }) => key),
    ).toEqual([
      'whatsapp-web:15550783881@c.us:120363041234567890@g.us:79001234567@c.us',
      'whatsapp-web:15550783881@c.us:120363041234567890@g.us:16505551234@c.us',
    ])
    const objects = {
      ...given.venomGroup('1'),
      author: { _serialized: '79001234567@c.us' },
      from: { _serialized: '120363041234567890@g.us' },
    }
    expect(read(objects)?.map(({ key, data }) => [key, data.from])).toEqual([
      ['whatsapp-web:15550783881@c.us:120363041234567890@g.us', '79001234567@c.us'],
    ])
  })

  it.each([
    ['of the account itself', { ...given.venomText(0), fromMe: true }],
    ['of the account itself, whatsapp-web.js', { ...given.webJsText, id: { ...given.webJsText.id, fromMe: true } }],
    ['that is a status', { ...given.venomText(0), from: 'status@broadcast' }],
    ['that is a notice', { ...given.venomText(0), type: 'e2e_notification' }],
    ['that is a call', { ...given.venomText(0), type: 'call_log' }],
  ])('leaves out a message %s', (_, payload) => {
    expect(read(payload)).toEqual([])
  })
})

describe('Telegram', () => {
  const { read } = telegram()

  it('gives the message of an update', () => {
    expect(stored(read(given.telegramUpdate(0)))).toEqual([
      {
        key: 'telegram:987654321',
        id: '987654321:1365',
        data: {
          ...{ source: 'telegram', chat: '987654321', text: given.TEXTS[0], type: 'text' },
          ...{ from: '987654321', userId: '987654321', name: 'Anna K', sentAt: 1_749_416_383_000 },
        },
      },
    ])
  })

  it('gives ids that differ between chats', () => {
    const ids = [1, 2].map((id) => read(given.telegramUpdate(0, { id, type: 'private' }))?.[0]?.id)
    expect(new Set(ids).size).toBe(2)
  })

  it('keeps media as references, a photo in its largest size', () => {
    const [message] = read(given.telegramPhoto) ?? []
    expect([message?.data.type, message?.data.text, stored(message?.data.media)]).toEqual([
      'photo',
      'Вот так',
      { id: 'large', size: 90_210 },
    ])
    const voice = {
      ...given.telegramPhoto.message,
      photo: undefined,
      caption: undefined,
      voice: { file_id: 'v', mime_type: 'audio/ogg', duration: 3 },
    }
    const [spoken] = read(stored({ update_id: 1, message: voice })) ?? []
    expect([spoken?.data.type, spoken?.data.text, stored(spoken?.data.media)]).toEqual([
      'voice',
      '',
      { id: 'v', mimeType: 'audio/ogg', voice: true },
    ])
  })

  it('keeps other content', () => {
    const { text: _, ...message } = given.telegramUpdate(0).message
    const [place] = read({ update_id: 1, message: { ...message, location: { latitude: 55.75, longitude: 37.61 } } }) ?? []
    expect([place?.data.type, place?.data.content]).toEqual(['location', { latitude: 55.75, longitude: 37.61 }])
  })

  it('makes one conversation of a group, or one for each member', () => {
    const update = given.telegramUpdate(0, { id: -1001234567890, type: 'supergroup', title: 'Salon' })
    expect(read(update)?.[0]?.key).toBe('telegram:-1001234567890')
    expect(telegram({ groups: 'sender' }).read(update)?.[0]?.key).toBe('telegram:-1001234567890:987654321')
    expect(telegram({ groups: 'sender' }).read(given.telegramUpdate(0))?.[0]?.key).toBe('telegram:987654321')
  })

  it('takes channel posts, and of a business account what was written to it', () => {
    const { from: _, ...post } = given.telegramUpdate(0, { id: -100, type: 'channel', title: 'News' }).message
    expect(read({ update_id: 1, channel_post: { ...post, sender_chat: { id: -100, title: 'News' } } })?.[0]).toMatchObject({
      key: 'telegram:-100',
      data: { from: '-100', name: 'News' },
    })
    const business = { ...given.telegramUpdate(0).message, business_connection_id: 'b1' }
    expect(read({ update_id: 1, business_message: business })?.[0]).toMatchObject({ key: 'telegram:b1:987654321', id: 'b1:987654321:1365' })
    expect(read({ update_id: 1, business_message: { ...business, from: { id: 5 } } })).toEqual([])
  })

  it('leaves out notices and other updates', () => {
    const { text: _, ...notice } = given.telegramUpdate(0).message
    expect(read({ update_id: 2, message: { ...notice, new_chat_members: [{ id: 1 }] } })).toEqual([])
    expect(read({ update_id: 3, my_chat_member: {} })).toEqual([])
  })
})

describe('own senders', () => {
  it('post key, id and data, alone or in an array', () => {
    const message = { key: 'ann', id: '1', data: { text: 'Hi', items: [1, null] } }
    expect(generic().read(message)).toEqual([message])
    expect(generic().read([message, { ...message, id: '2', extra: true }])).toEqual([message, { ...message, id: '2' }])
    expect(generic().read({ key: 'ann', id: '1', data: null })).toEqual([{ key: 'ann', id: '1', data: null }])
  })
})

describe('all sources together', () => {
  const payloads = [
    [given.cloudPayload(given.cloudValue([given.cloudText(0)])), 'whatsapp:106540352242922:79001234567'],
    [given.venomText(0), 'whatsapp-web:15550783881@c.us:79001234567@c.us'],
    [given.webJsText, 'whatsapp-web:15550783881@c.us:16505551234@c.us'],
    [given.telegramUpdate(0), 'telegram:987654321'],
    [{ key: 'ann', id: '1', data: {} }, 'ann'],
  ] as const

  it.each(payloads)('know each payload by its form alone: %#', (payload, key) => {
    const [first, ...others] = allSources().filter((source) => source.read(payload) !== undefined)
    expect(first?.read(payload)?.[0]?.key).toBe(key)
    // What middlemen pass on as a whole is what Meta itself sends, with another proof.
    expect(others.map(({ name }) => name)).toEqual(first?.name === 'whatsapp' ? ['whatsapp-relay'] : [])
  })
})
