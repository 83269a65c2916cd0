import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { allSources, createWebhook, generic, telegram, type WebhookOptions, whatsappCloud, whatsappWeb } from '../../src/webhook/index.ts'
import { OWN_KEYS } from '../../src/webhook/sources/message.ts'
import * as given from '../webhook/fixtures.ts'
import { post, read, sign, useQueue } from '../webhook/webhook.ts'

/** Somebody who knows none of the secrets, or only one, and everything else. */
const queue = useQueue()

const SECRETS = { appSecret: 'of Meta', telegramSecret: 'of-telegram', senderSecret: 'of our own' }
const cloud = given.cloudPayload(given.cloudValue([given.cloudText(0)]))
const PAYLOADS = {
  whatsapp: cloud,
  telegram: given.telegramUpdate(0),
  generic: { key: 'ann', id: '1', data: { text: 'Hi' } },
  'whatsapp-web': given.venomText(0),
}
const PROOFS = {
  none: () => ({}),
  'the app secret': (body: string) => ({ 'x-hub-signature-256': sign(body, SECRETS.appSecret) }),
  'the token of Telegram': () => ({ 'x-telegram-bot-api-secret-token': SECRETS.telegramSecret }),
  'the secret of our senders': (body: string) => ({ 'x-hub-signature-256': sign(body, SECRETS.senderSecret) }),
  'a signature by nobody': (body: string) => ({ 'x-hub-signature-256': sign(body, 'x'), 'x-telegram-bot-api-secret-token': 'x' }),
} as const
const RIGHT: Record<string, string> = {
  whatsapp: 'the app secret',
  telegram: 'the token of Telegram',
  generic: 'the secret of our senders',
  'whatsapp-web': 'the secret of our senders',
}
const EACH = Object.keys(PAYLOADS).flatMap((source) => Object.keys(PROOFS).map((proof) => [source, proof] as const))

describe('each source takes what has its own proof, and nothing else', () => {
  it.each(EACH)('%s with %s', async (source, proof) => {
    const body = JSON.stringify(PAYLOADS[source as keyof typeof PAYLOADS])
    const answer = await read(await queue.webhook(SECRETS)(post(body, PROOFS[proof as keyof typeof PROOFS](body))))
    const isRight = RIGHT[source] === proof
    expect([answer.status, answer.body.code]).toEqual(isRight ? [200, undefined] : [401, 'BAD_SIGNATURE'])
    expect((await queue.keys()).some((key) => key.includes(':messages:'))).toBe(isRight)
  })

  it.each(EACH.filter(([, proof]) => proof !== 'none'))('%s with %s, when that secret is not given', async (source, proof) => {
    const body = JSON.stringify(PAYLOADS[source as keyof typeof PAYLOADS])
    const { senderSecret, ...without } = SECRETS
    const options = RIGHT[source] === 'the secret of our senders' ? without : { senderSecret }
    const answer = await read(await queue.webhook(options)(post(body, PROOFS[proof as keyof typeof PROOFS](body))))
    expect([400, 401]).toContain(answer.status)
    expect(await queue.keys()).toEqual([])
  })
})

describe('who is unsigned opens its own door alone', () => {
  it.each(Object.keys(PAYLOADS))('%s', async (open) => {
    const webhook = createWebhook<any>(queue.rapidfire, { ...SECRETS, rateLimit: false, unsigned: [open] })
    for (const [source, payload] of Object.entries(PAYLOADS)) {
      expect([source, (await webhook(post(payload))).status]).toEqual([source, source === open ? 200 : 401])
    }
  })
})

describe('one form is never taken for another', () => {
  const mixed = { key: 'ann', id: '1', from: '79001234567@c.us', data: { text: 'Hi' }, type: 'chat', body: 'Hi', update_id: 1 }

  it.each([
    ['from', { key: 'ann', id: '1', from: 'bob', data: { text: 'Hi' } }],
    ['update_id', { key: 'ann', id: '1', update_id: 1, data: { text: 'Hi' } }],
    ['all of that', mixed],
  ])('a message of an own sender with %s', async (_, payload) => {
    const body = JSON.stringify(payload)
    const answer = await read(await queue.webhook(SECRETS)(post(body, PROOFS['the secret of our senders'](body))))
    expect([answer.status, answer.body]).toEqual([200, { added: 1, duplicates: 0 }])
    expect(await queue.data('ann')).toEqual([{ text: 'Hi' }])
  })

  it('is refused, and not lost, when the source that it is of is not served', async () => {
    const body = JSON.stringify({ key: 'ann', id: '1', from: 'bob', data: { text: 'Hi' } })
    const webhook = queue.webhook({ senderSecret: SECRETS.senderSecret, sources: [whatsappWeb()] })
    const answer = await read(await webhook(post(body, PROOFS['the secret of our senders'](body))))
    expect([answer.status, answer.body.code]).toEqual([400, 'UNKNOWN_FORM'])
  })
})

describe('keys', () => {
  const texts = fc.oneof(
    fc.constantFrom('1', '2', '1:2', '%3A', ':', '%', '@c.us', '1@g.us', '-1'),
    fc.string({ minLength: 1, maxLength: 5 }),
  )
  const numbers = fc.integer({ min: -3, max: 3 })
  const groups = fc.constantFrom('chat', 'sender')

  /** A message of each source, with what tells its conversation from others: source, account, chat and, in a group by sender, who wrote it. */
  const conversations = fc.oneof(
    fc.record({ account: texts, from: texts }).map(({ account, from }) => ({
      who: ['whatsapp', account, from],
      key: whatsappCloud().read(
        given.cloudPayload({ ...given.cloudValue([{ ...given.cloudText(0), from }]), metadata: { phone_number_id: account } }),
      )?.[0]?.key,
    })),
    fc.record({ account: texts, chat: texts }).map(({ account, chat }) => ({
      who: ['whatsapp-web', account, chat],
      key: whatsappWeb().read({ ...given.venomText(0, chat), to: account })?.[0]?.key,
    })),
    fc
      .record({ account: fc.constantFrom('salon', 'clinic', undefined), chat: numbers, from: numbers, by: groups })
      .map(({ account, chat, from, by }) => {
        const update = given.telegramUpdate(0, { id: chat, type: 'supergroup' })
        const message = { ...update.message, from: { id: from } }
        return {
          who: ['telegram', account, chat, ...(by === 'sender' ? [from] : [])],
          key: telegram({ groups: by as 'chat', ...(account && { account }) }).read({ ...update, message })?.[0]?.key,
        }
      }),
    texts.map((key) => ({ who: ['generic', key], key: generic().read({ key, id: '1', data: 1 })?.[0]?.key })),
  )

  it('of two conversations are never the same, of whatever source, account and chat', () => {
    let compared = 0
    fc.assert(
      fc.property(conversations, conversations, (one, other) => {
        if (one.key === undefined || other.key === undefined) return
        compared += 1
        expect(one.key === other.key).toBe(JSON.stringify(one.who) === JSON.stringify(other.who))
      }),
      { numRuns: 20_000 },
    )
    expect(compared).toBeGreaterThan(10_000)
  })

  it.each(OWN_KEYS.map((begin) => `${begin}1:2`))('of an own sender may not be %s', async (key) => {
    const body = JSON.stringify([
      { key: 'ann', id: '1', data: 1 },
      { key, id: '2', data: 1 },
    ])
    const webhook = queue.webhook(SECRETS)
    const answer = await read(await webhook(post(body, PROOFS['the secret of our senders'](body))))
    expect([answer.status, answer.body.code, await queue.keys()]).toEqual([400, 'RESERVED_KEY', []])
    const free = queue.webhook({ ...SECRETS, sources: [generic({ anyKey: true })] })
    expect((await free(post(body, PROOFS['the secret of our senders'](body)))).status).toBe(200)
  })

  it('bind ids: a message posted elsewhere with the id of a stranger takes nothing from that', async () => {
    const webhook = queue.webhook(SECRETS)
    const forged = JSON.stringify({ key: 'mallory', id: given.cloudText(0).id, data: 1 })
    expect((await webhook(post(forged, PROOFS['the secret of our senders'](forged)))).status).toBe(200)
    const body = JSON.stringify(cloud)
    expect((await read(await webhook(post(body, PROOFS['the app secret'](body))))).body).toEqual({ added: 1, duplicates: 0 })
  })
})

describe('a webhook does not start', () => {
  it.each<[string, WebhookOptions<any>, RegExp]>([
    ['without any secret', {}, /^without a secret nobody may post/],
    ['with a verify token alone', { verifyToken: 'v' }, /^without a secret/],
    ['with a verify token and no app secret', { verifyToken: 'v', senderSecret: 's' }, /^verifyToken is of the WhatsApp Cloud API/],
    ['with a misspelt secret', { apSecret: 's' } as object, /has no option 'apSecret': did you mean appSecret/],
    ['with an empty secret', { appSecret: '' }, /^appSecret must be a text that is not empty/],
    ['with a secret that ends a line', { appSecret: 's\n' }, /^appSecret must not begin or end/],
    ['with a token that Telegram would not take', { telegramSecret: 'a b' }, /^telegramSecret must have 1 to 256 letters/],
    ['with a token that no header can carry', { senderSecret: 's', statsToken: 'п' }, /^statsToken must be printable ASCII/],
    [
      'with a source that has no secret',
      { appSecret: 's', sources: [whatsappCloud(), generic()] },
      /^the source generic needs senderSecret/,
    ],
    ['when it does not know who is unsigned', { unsigned: ['generics'] }, /^unsigned may name .*generic.*got 'generics'/],
    ['with two sources of one name', { senderSecret: 's', sources: [generic(), generic()] }, /^two sources are named generic/],
    ['with a source that names no proof', { senderSecret: 's', sources: [{ name: 'x', read: () => [] } as any] }, /^a source is/],
  ])('%s', (_, options, message) => {
    expect(() => createWebhook<any>(queue.rapidfire, { rateLimit: false, ...options })).toThrow(
      expect.objectContaining({ code: 'BAD_OPTION', message: expect.stringMatching(message) }),
    )
  })

  it('with an account that could be a chat', () => {
    for (const account of ['', '123', '-5', 'a:b', 'x'.repeat(65)]) expect(() => allSources({ account })).toThrow(/^account must have/)
  })
})

describe('a page in a browser', () => {
  const send = (headers: Record<string, string>) =>
    queue.webhook()(
      new Request('http://127.0.0.1/webhook/whatsapp/batched', { method: 'POST', body: '{"key":"ann","id":"1","data":1}', headers }),
    )

  it.each([
    ['text/plain', 415],
    ['application/x-www-form-urlencoded', 415],
    ['multipart/form-data; boundary=x', 415],
    ['text/plain; x=application/json', 415],
    ['application/jsonx', 415],
    ['', 415],
    ['application/json', 200],
    ['Application/JSON; charset=utf-8', 200],
    ['application/vnd.api+json', 200],
  ])('cannot post as %j', async (type, status) => {
    expect((await send({ 'content-type': type })).status).toBe(status)
    expect((await queue.keys()).length > 0).toBe(status === 200)
  })

  it.each([
    ['https://evil.example', 403],
    ['null', 403],
    ['http://127.0.0.1.evil.example', 403],
    ['http://127.0.0.1:8080', 403],
    ['http://127.0.0.1', 200],
    ['https://127.0.0.1', 200],
  ])('of %s', async (origin, status) => {
    expect((await send({ 'content-type': 'application/json', origin })).status).toBe(status)
  })
})

it('a page whose name was made to lead to this machine cannot post', async () => {
  const webhook = queue.webhook()
  const send = async (host: string) => {
    const headers = { 'content-type': 'application/json', origin: `http://${host}` }
    const body = JSON.stringify({ key: 'ann', id: '1', data: {} })
    return (await webhook(new Request(`http://${host}/webhook/whatsapp/batched`, { method: 'POST', headers, body }))).status
  }
  expect(await Promise.all(['rebound.example', 'rebound.example:3000', '127.0.0.1.example'].map(send))).toEqual([403, 403, 403])
  expect(await Promise.all(['localhost:3000', '127.0.0.1:3000', '[::1]:3000'].map(send))).toEqual([200, 200, 200])
})

it('a member named __proto__ is found in a large body without looking at it for long', async () => {
  const webhook = queue.webhook()
  const many = Array.from({ length: 100_000 }, (_, n) => `{"a":${n}}`).join(',')
  const body = (last: string) => `{"key":"ann","id":"1","data":[${many},${last}],"__proto":1,"text":"__proto__"}`
  expect((await webhook(post(body('{"__proto__":{}}')))).status).toBe(400)
  expect((await webhook(post(body('{"__pro":{}}')))).status).toBe(413)
})

it('a request with a Host that is none is refused, and not answered as a fault of ours', async () => {
  const odd = new Proxy(new Request('http://localhost/'), {
    get: (request, name) => (name === 'url' ? 'http://xn--/webhook' : Reflect.get(request, name)),
  })
  const answer = await read(await queue.webhook(SECRETS)(odd))
  expect([answer.status, answer.body.code]).toEqual([400, 'BAD_URL'])
})

describe('statistics', () => {
  const ask = async (options: WebhookOptions<any>, headers = {}) =>
    (
      await createWebhook<any>(queue.rapidfire, { rateLimit: false, ...options })(
        new Request('http://localhost/webhook/whatsapp/batched/stats', { headers }),
      )
    ).status

  it('are not public where anything has a secret', async () => {
    expect(await ask(SECRETS)).toBe(401)
    expect(await ask({ ...SECRETS, unsigned: ['generic'] })).toBe(401)
    expect(await ask({ ...SECRETS, statsToken: 't' }, { authorization: 'Bearer t' })).toBe(200)
    expect(await ask({ unsigned: ['generic'] })).toBe(200)
  })
})
