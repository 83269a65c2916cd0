import { EventEmitter } from 'node:events'
import { describe, expect, it } from 'vitest'
import { RapidfireError } from '../../src/errors.ts'
import type { WebhookEvents } from '../../src/events.ts'
import { createWebhook } from '../../src/webhook/index.ts'
import { cloudPayload, cloudStatus, cloudText, cloudValue, telegramPress, telegramUpdate } from './fixtures.ts'
import { post, read, sign, source, URL, useQueue } from './webhook.ts'

const queue = useQueue()
const MESSAGE = { key: 'ann', id: '1', data: { text: 'secret words' } }

describe('a message', () => {
  it('is in Redis when it is answered 200', async () => {
    const { status, type, body } = await read(await queue.webhook()(post(MESSAGE)))
    expect([status, type, body]).toEqual([200, 'application/json', { added: 1, duplicates: 0 }])
    expect(await queue.data('ann')).toEqual([{ text: 'secret words' }])
  })

  it('is stored once however often it is delivered', async () => {
    const webhook = queue.webhook()
    await webhook(post(MESSAGE))
    for (let n = 0; n < 2; n += 1) expect((await read(await webhook(post(MESSAGE)))).body).toEqual({ added: 0, duplicates: 1 })
    expect(await queue.data('ann')).toHaveLength(1)
  })

  it('may have a path of its own', async () => {
    const webhook = queue.webhook({ path: '/hook' })
    expect((await webhook(post(MESSAGE, {}, 'http://localhost/hook?x=1'))).status).toBe(200)
    expect((await webhook(new Request('http://localhost/hook/stats'))).status).toBe(200)
    const elsewhere = await read(await webhook(post(MESSAGE)))
    const detail = 'There is nothing at this path. Messages are posted to /hook, and the statistics are at /hook/stats.'
    expect([elsewhere.status, elsewhere.body.code, elsewhere.body.detail]).toEqual([404, 'NOT_FOUND', detail])
  })

  it('may come to / behind a mount', async () => {
    const webhook = queue.webhook({ path: '/' })
    expect((await webhook(post(MESSAGE, {}, 'http://localhost'))).status).toBe(200)
    expect((await webhook(new Request('http://localhost/stats'))).status).toBe(200)
    const elsewhere = await read(await webhook(post(MESSAGE)))
    expect(elsewhere.body.detail).toMatch(/ posted to \/, and the statistics are at \/stats\.$/)
  })

  it('has the options that the rules give it', async () => {
    const webhook = queue.webhook<{ text: string }>({
      rules: ({ data }) => (data.text === 'стоп' ? { flush: true } : { wait: 60_000 }),
    })
    await webhook(post({ key: 'ann', id: '1', data: { text: 'hello' } }))
    const open = await queue.rapidfire.peek('ann')
    expect([open.state, (open.deadline as number) - (open.messages[0]?.receivedAt as number)]).toEqual(['collecting', 60_000])
    await webhook(post({ key: 'ann', id: '2', data: { text: 'стоп' } }))
    expect((await queue.rapidfire.peek('ann')).state).toBe('ready')
  })

  it('of an own source is taken like any other', async () => {
    const shop = source(({ phone, order, note }) => (phone ? [{ key: phone, id: order, data: { text: note } }] : undefined))
    const webhook = queue.webhook({ sources: [shop] })
    expect((await webhook(post({ phone: '79001234567', order: 'A-1', note: 'two of them' }))).status).toBe(200)
    expect(await queue.data('79001234567')).toEqual([{ text: 'two of them' }])
    expect((await read(await webhook(post(MESSAGE)))).body.code).toBe('UNKNOWN_FORM')
  })
})

describe('signatures', () => {
  // Blanks, an escape and a letter that is several bytes: parsed and written again they would be other bytes.
  const RAW = `{ "key":"ann",  "id" : "1", "data": {"text": "\\u043f\\u0440\\u0438 вет 🙂"} }`

  it('are made over the raw bytes', async () => {
    const webhook = queue.webhook({ senderSecret: 'app secret' })
    expect((await webhook(post(RAW, { 'x-hub-signature-256': sign(RAW) }))).status).toBe(200)
    expect(await queue.data('ann')).toEqual([{ text: 'при вет 🙂' }])
    const rewritten = JSON.stringify(JSON.parse(RAW))
    expect((await webhook(post(rewritten, { 'x-hub-signature-256': sign(RAW) }))).status).toBe(401)
  })

  it.each([
    ['is missing', undefined],
    ['has another secret', sign(RAW, 'another secret')],
    ['belongs to another body', sign(`${RAW} `)],
    ['is cut off', sign(RAW).slice(0, -2)],
    ['is too long', `${sign(RAW)}00`],
    ['has no name', sign(RAW).slice('sha256='.length)],
    ['has letters that are no digits', `sha256=${'z'.repeat(64)}`],
    ['is empty', ''],
    ['is of another kind', sign(RAW).replace('sha256', 'sha1')],
  ])('answer 401 when one %s', async (_, signature) => {
    const webhook = queue.webhook({ senderSecret: 'app secret' })
    const answer = await read(await webhook(post(RAW, signature === undefined ? {} : { 'x-hub-signature-256': signature })))
    expect([answer.status, answer.type, answer.body.code]).toEqual([401, 'application/problem+json', 'BAD_SIGNATURE'])
    expect(await queue.keys()).toEqual([])
  })

  it('are asked for before the body is read', async () => {
    let isRead = false
    const body = new ReadableStream({ pull: () => void (isRead = true) }, { highWaterMark: 0 })
    const request = new Request(URL, {
      method: 'POST',
      body,
      duplex: 'half',
      headers: { 'content-type': 'application/json' },
    } as RequestInit)
    expect((await queue.webhook({ senderSecret: 'app secret' })(request)).status).toBe(401)
    expect(isRead).toBe(false)
  })

  it('are the secret token with Telegram', async () => {
    const update = telegramUpdate(0)
    const webhook = queue.webhook({ telegramSecret: 'tg-token' })
    const send = (headers: Record<string, string> = {}) => webhook(post(update, headers))
    expect((await send()).status).toBe(401)
    expect((await send({ 'x-telegram-bot-api-secret-token': 'tg-tokem' })).status).toBe(401)
    expect((await send({ 'x-telegram-bot-api-secret-token': 'tg-token-and-more' })).status).toBe(401)
    expect((await send({ 'x-hub-signature-256': sign(JSON.stringify(update)) })).status).toBe(401)
    expect(await queue.keys()).toEqual([])
    expect((await send({ 'x-telegram-bot-api-secret-token': 'tg-token' })).status).toBe(200)
  })
})

describe('Meta verification', () => {
  const ask = (query: string, options = {}) =>
    queue.webhook({ verifyToken: 'verify me', appSecret: 'app secret', ...options })(new Request(`${URL}?${query}`))

  it('gives the challenge back as plain text', async () => {
    const answer = await read(await ask('hub.mode=subscribe&hub.challenge=%3Cb%3E1158201444&hub.verify_token=verify%20me'))
    expect([answer.status, answer.body]).toEqual([200, '<b>1158201444'])
    expect([answer.type, answer.headers.get('x-content-type-options')]).toEqual(['text/plain; charset=utf-8', 'nosniff'])
  })

  it.each([
    'hub.mode=subscribe&hub.challenge=1',
    'hub.mode=subscribe&hub.challenge=1&hub.verify_token=no',
    'hub.challenge=1&hub.verify_token=verify+me',
    '',
  ])('answers 403 to %j', async (query) => {
    const answer = await read(await ask(query))
    expect([answer.status, answer.body.code]).toEqual([403, 'BAD_VERIFY_TOKEN'])
  })

  it('answers 403 when no token is configured', async () => {
    const answer = await queue.webhook()(new Request(`${URL}?hub.mode=subscribe&hub.challenge=1&hub.verify_token=`))
    expect(answer.status).toBe(403)
  })
})

describe('statistics', () => {
  it('are those of the queue', async () => {
    const webhook = queue.webhook()
    await webhook(post(MESSAGE))
    await webhook(post(MESSAGE))
    const { status, body } = await read(await webhook(new Request(`${URL}/stats`)))
    expect([status, body.queue, body.collecting, body.totals.added, body.totals.duplicates]).toEqual([200, 'whatsapp', 1, 1, 1])
  })

  it('may need a bearer token', async () => {
    const webhook = queue.webhook({ statsToken: 'for operators' })
    const ask = (headers: Record<string, string>) => webhook(new Request(`${URL}/stats`, { headers }))
    const refused = await read(await ask({}))
    expect([refused.status, refused.body.code, refused.headers.get('www-authenticate')]).toEqual([401, 'BAD_TOKEN', 'Bearer'])
    expect((await ask({ authorization: 'Bearer for operator' })).status).toBe(401)
    expect((await ask({ authorization: 'for operators' })).status).toBe(401)
    expect((await ask({ authorization: 'Bearer for operators' })).status).toBe(200)
  })
})

describe('refusals', () => {
  it.each([
    ['POST', `${URL}/unknown`, 404, null],
    ['GET', 'http://localhost/', 404, null],
    ['POST', `${URL}/unknown/`, 404, null],
    ['GET', `${URL}/`, 405, 'POST'],
    ['GET', URL, 405, 'POST'],
    ['PUT', URL, 405, 'POST'],
    ['HEAD', URL, 405, 'POST'],
    ['DELETE', `${URL}/stats`, 405, 'GET'],
  ])('%s %s is %i', async (method, url, status, allow) => {
    const response = await queue.webhook()(new Request(url, { method }))
    expect([response.status, response.headers.get('allow')]).toEqual([status, allow])
  })

  it('name GET too when there is a verification', async () => {
    const response = await queue.webhook({ verifyToken: 'verify me' })(new Request(URL, { method: 'PUT' }))
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, POST'])
  })

  it('are problem+json that repeats nothing of what was sent', async () => {
    const response = await queue.webhook()(post('{"key":"ann","id":"1","data":"secret words"'))
    expect(response.headers.get('content-type')).toBe('application/problem+json')
    const { title, status, detail, code, ...more } = (await response.json()) as Record<string, unknown>
    expect([response.status, status, title, code, more]).toEqual([400, 400, 'Bad Request', 'BAD_JSON', {}])
    expect(detail).not.toContain('secret')
  })

  it.each(['', '{', 'hello', '{"key":"ann"}}', '\ufeff\ufeff{}'])('answer 400 to %j', async (body) => {
    expect((await read(await queue.webhook()(post(body)))).body.code).toBe('BAD_JSON')
    expect(await queue.keys()).toEqual([])
  })

  it('answer 400 to bytes that are not UTF-8', async () => {
    const body = Buffer.concat([Buffer.from('{"key":"ann","id":"1","data":"'), Buffer.from([0xff]), Buffer.from('"}')])
    expect((await read(await queue.webhook()(post(body)))).body.code).toBe('BAD_JSON')
    expect(await queue.keys()).toEqual([])
  })

  it.each([[{}], [[]], [null], ['"text"'], [[MESSAGE, { key: 'ann', id: '2' }]], [{ key: 'ann', data: 1 }]])(
    'answer 400 to a body of no known form, and store none of it: %j',
    async (body) => {
      const answer = await read(await queue.webhook()(post(body)))
      expect([answer.status, answer.body.code]).toEqual([400, 'UNKNOWN_FORM'])
      expect(await queue.keys()).toEqual([])
    },
  )

  it.each([
    [{ key: '', id: '1', data: 1 }],
    [{ key: 'a'.repeat(1025), id: '1', data: 1 }],
    [{ key: 'ann', id: 'é'.repeat(257), data: 1 }],
    [{ key: '\ud800', id: '1', data: 1 }],
    [{ key: 5, id: '1', data: 1 }],
  ])('answer 400 to a key or an id that is none: %j', async (body) => {
    const answer = await read(await queue.webhook()(post(body)))
    expect([answer.status, answer.body.code]).toEqual([400, 'BAD_MESSAGE'])
    expect(await queue.keys()).toEqual([])
  })

  it('answer 413 to a body over the limit, by its announced length', async () => {
    const response = await queue.webhook({ maxBytes: 100 })(post({ ...MESSAGE, data: 'x'.repeat(100) }, { 'content-length': '140' }))
    expect([response.status, await queue.keys()]).toEqual([413, []])
  })

  it('answer 413 to a body over the limit whose length is not announced, without reading it all', async () => {
    let chunks = 0
    const body = new ReadableStream({
      pull(controller) {
        chunks += 1
        if (chunks > 1000) controller.close()
        else controller.enqueue(Buffer.alloc(1024, 'x'))
      },
    })
    const request = new Request(URL, {
      method: 'POST',
      body,
      duplex: 'half',
      headers: { 'content-type': 'application/json' },
    } as RequestInit)
    const answer = await read(await queue.webhook({ maxBytes: 10_240 })(request))
    expect([answer.status, answer.body.code]).toEqual([413, 'BODY_TOO_LARGE'])
    expect(chunks).toBeLessThan(20)
  })

  it('answer 413 when the announced length was a lie', async () => {
    const answer = await queue.webhook({ maxBytes: 100 })(post({ ...MESSAGE, data: 'x'.repeat(100) }, { 'content-length': '5' }))
    expect(answer.status).toBe(413)
  })

  it('take a body of exactly the limit', async () => {
    const body = JSON.stringify(MESSAGE)
    expect((await queue.webhook({ maxBytes: body.length })(post(body))).status).toBe(200)
    expect((await queue.webhook({ maxBytes: body.length - 1 })(post(body))).status).toBe(413)
  })

  it('answer 413 to more messages than a payload may have', async () => {
    const messages = (count: number) => Array.from({ length: count }, (_, n) => ({ key: `key-${n}`, id: `id-${n}`, data: n }))
    const answer = await read(await queue.webhook()(post(messages(1001))))
    expect([answer.status, answer.body.code, await queue.keys()]).toEqual([413, 'TOO_MANY_MESSAGES', []])
    expect((await read(await queue.webhook()(post(messages(1000))))).body).toEqual({ added: 1000, duplicates: 0 })
  })

  it('answer 400 to a body that somebody has read before', async () => {
    const request = post(MESSAGE)
    await request.text()
    expect((await read(await queue.webhook()(request))).body.code).toBe('BODY_UNREADABLE')
  })

  it('answer 400 to a body that breaks off', async () => {
    const body = new ReadableStream({ pull: (controller) => controller.error(new Error('gone')) })
    const request = new Request(URL, {
      method: 'POST',
      body,
      duplex: 'half',
      headers: { 'content-type': 'application/json' },
    } as RequestInit)
    expect((await read(await queue.webhook()(request))).body.code).toBe('BODY_UNREADABLE')
  })

  it('answer 500 when a rule or a source throws, store nothing, and tell the owner alone', async () => {
    const errors: unknown[] = []
    const events = new EventEmitter<WebhookEvents>().on('error', (error) => errors.push(error))
    const broken = () => {
      throw new Error('secret words')
    }
    for (const options of [{ rules: broken }, { sources: [source(broken)] }]) {
      const answer = await read(await queue.webhook({ ...options, events })(post(MESSAGE)))
      expect([answer.status, answer.body.code]).toEqual([500, 'INTERNAL'])
      expect(JSON.stringify(answer.body)).not.toContain('secret')
    }
    expect(errors.map((error) => (error as Error).message)).toEqual(['secret words', 'secret words'])
    expect(await queue.keys()).toEqual([])
  })
})

describe('a pressed button of Telegram', () => {
  it('is stored and answered, so that it does not show that somebody waits, also when it comes again', async () => {
    const webhook = queue.webhook()
    for (const count of [
      { added: 1, duplicates: 0 },
      { added: 0, duplicates: 1 },
    ]) {
      const { status, body } = await read(await webhook(post(telegramPress)))
      const told = { method: 'answerCallbackQuery', callback_query_id: telegramPress.callback_query.id }
      expect([status, body]).toEqual([200, { ...count, ...told }])
    }
  })
})

describe('payloads without a message', () => {
  it.each([
    ['a status', cloudPayload(cloudStatus)],
    [
      'another field',
      {
        object: 'whatsapp_business_account',
        entry: [{ id: '1', changes: [{ field: 'account_update', value: { event: 'VERIFIED_ACCOUNT' } }] }],
      },
    ],
    ['no entry', { object: 'whatsapp_business_account', entry: [] }],
    ['a notice', { update_id: 1, message: { ...telegramUpdate(0).message, text: undefined, new_chat_title: 'Salon' } }],
    ['a reaction', cloudPayload(cloudValue([{ ...cloudText(0), type: 'reaction', reaction: { message_id: 'wamid.1' } }]))],
  ])('are answered 200: %s', async (_, payload) => {
    const answer = await read(await queue.webhook()(post(payload)))
    expect([answer.status, answer.body, await queue.keys()]).toEqual([200, { added: 0, duplicates: 0 }, []])
  })
})

describe('options', () => {
  it.each([
    [{}, 'redis'],
    [{ rateLimit: {} }, 'redis'],
    [{ rateLimit: true }, 'rateLimit, unless it is false, takes an object with newConversations, perConversation, got true'],
    [{ rateLimit: null }, 'rateLimit, unless it is false, takes an object with newConversations, perConversation, got null'],
    [{ rateLimit: { points: 5, duration: 1 } }, "has no option 'points': it takes newConversations, perConversation"],
    [{ rateLimit: { perConversations: false } }, 'did you mean perConversation?'],
    [{ rateLimit: { newConversations: 5 } }, 'rateLimit.newConversations, unless it is false, takes an object'],
    [{ rateLimit: { newConversations: {} } }, 'rateLimit.newConversations.points'],
    [{ rateLimit: { newConversations: { points: 0 } } }, 'rateLimit.newConversations.points'],
    [{ rateLimit: { newConversations: { points: '5' } } }, 'rateLimit.newConversations.points'],
    [{ rateLimit: { perConversation: { points: 1_000_001 } } }, 'rateLimit.perConversation.points'],
    [{ rateLimit: { perConversation: { points: 5, duration: 0.5 } } }, 'rateLimit.perConversation.duration'],
    [{ rateLimit: { perConversation: { points: 5, duration: 86_401 } } }, 'rateLimit.perConversation.duration'],
    [{ rateLimit: { perConversation: { points: 5, durations: 1 } } }, 'did you mean duration?'],
    [{ rateLimit: false, appSecret: '' }, 'appSecret'],
    [{ rateLimit: false, senderSecret: undefined }, 'senderSecret'],
    [{ rateLimit: false, telegramSecret: '' }, 'telegramSecret'],
    [{ rateLimit: false, verifyToken: undefined }, 'verifyToken'],
    [{ rateLimit: false, statsToken: 5 }, 'statsToken'],
    [{ rateLimit: false, path: 'hook' }, 'path'],
    [{ rateLimit: false, path: '/hook/' }, 'path'],
    [{ rateLimit: false, maxBytes: -1 }, 'maxBytes'],
    [{ rateLimit: false, timeout: Number.NaN }, 'timeout'],
    [{ rateLimit: false, timeout: Number.POSITIVE_INFINITY }, 'timeout must be an integer of ms from 1 to 2147483647, got Infinity'],
    [{ rateLimit: false, bodyTimeout: 2 ** 31 }, 'bodyTimeout must be an integer of ms from 1 to 2147483647'],
    [{ rateLimit: false, secert: 'abc' }, "createWebhook has no option 'secert'"],
    [{ rateLimit: false, appSecert: 'abc' }, 'did you mean appSecret?'],
    [{ rateLimit: false, rules: 'flush' }, 'rules must be a function'],
  ])('that cannot be are refused: %j', (options, name) => {
    expect(() => createWebhook(queue.rapidfire, options as object)).toThrow(
      expect.objectContaining({ code: 'BAD_OPTION', message: expect.stringContaining(name) }),
    )
    expect(() => createWebhook(queue.rapidfire, options as object)).toThrow(RapidfireError)
  })
})
