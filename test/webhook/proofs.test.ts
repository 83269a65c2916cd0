import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { createWebhook, type Proof, type Source, type WebhookOptions } from '../../src/webhook/index.ts'
import { post, read, sign, source, URL, useQueue } from './webhook.ts'

const queue = useQueue()

/** A source that takes anything that has a key and an id, and whose answer shows what it got. */
const taking = (more: Partial<Source<any>>): Source<any> => ({
  ...source((payload) => (payload.key ? [{ key: `${payload.key}`, id: `${payload.id}`, data: payload }] : undefined)),
  ...more,
})

const open = (options: WebhookOptions<any>) => createWebhook<any>(queue.rapidfire, { rateLimit: false, ...options })

const statusOf = async (webhook: ReturnType<typeof open>, request: Request) => (await webhook(request)).status

const BODY = '{"key":"ann","id":"1","group_id":5}'
const hmac = (algorithm: string, secret: string, ...parts: (string | Uint8Array)[]) => {
  const made = createHmac(algorithm, secret)
  for (const part of parts) made.update(part)
  return made
}

/** The seconds of now, and so many later. */
const seconds = (later = 0) => String(Math.floor(Date.now() / 1000) + later)
const basic = (words: string) => `Basic ${Buffer.from(words).toString('base64')}`
const slackHeaders = (time: string, signedTime = time, secret = 's') => ({
  'x-slack-request-timestamp': time,
  'x-slack-signature': `v0=${hmac('sha256', secret, `v0:${signedTime}:`, BODY).digest('hex')}`,
})

describe('of each platform', () => {
  it.each<[Proof, string, () => Record<string, string>, string?]>([
    ['gateway', 'a bearer token', () => ({ authorization: 'Bearer s' })],
    ['gateway', 'a bearer token, in small letters', () => ({ authorization: 'bearer s' })],
    ['gateway', 'the password of the address', () => ({ authorization: basic('any:s') })],
    ['gateway', 'the signature of WAHA', () => ({ 'x-webhook-hmac': hmac('sha512', 's', BODY).digest('hex') })],
    [
      'gateway',
      'the signature of WAHA beside a token for somebody else',
      () => ({ authorization: 'Bearer x', 'x-webhook-hmac': hmac('sha512', 's', BODY).digest('hex') }),
    ],
    ['slack', 'a signature of now', () => slackHeaders(seconds())],
    ['slack', 'a signature of four minutes ago', () => slackHeaders(seconds(-240))],
    ['viber', 'a signature', () => ({ 'x-viber-content-signature': hmac('sha256', 's', BODY).digest('hex') })],
    ['line', 'a signature', () => ({ 'x-line-signature': hmac('sha256', 's', BODY).digest('base64') })],
    ['max', 'a token', () => ({ 'x-max-bot-api-secret': 's' })],
    ['vk', 'the secret in the body', () => ({}), '{"type":"message_new","group_id":5,"secret":"s","key":"ann","id":"1"}'],
    ['vk', 'no secret yet', () => ({}), '{"type":"confirmation","group_id":5,"key":"ann","id":"1"}'],
  ])('%s: taken with %s', async (proof, _, headers, body = BODY) => {
    const webhook = open({ [`${proof}Secret`]: 's', sources: [taking({ proof })] })
    expect(await statusOf(webhook, post(body, headers()))).toBe(200)
    expect(await queue.data('ann')).toHaveLength(1)
  })

  it.each<[Proof, string, () => Record<string, string>, string?]>([
    ['gateway', 'nothing', () => ({})],
    ['gateway', 'another token', () => ({ authorization: 'Bearer S' })],
    ['gateway', 'a bearer token without its name', () => ({ authorization: 's' })],
    ['gateway', 'the secret as a name', () => ({ authorization: basic('s:') })],
    ['gateway', 'a password that ends with the secret', () => ({ authorization: basic('any:x:s') })],
    ['gateway', 'a signature of WAHA with another secret', () => ({ 'x-webhook-hmac': hmac('sha512', 'S', BODY).digest('hex') })],
    ['gateway', 'a signature of WAHA that is shorter', () => ({ 'x-webhook-hmac': hmac('sha256', 's', BODY).digest('hex') })],
    ['slack', 'a signature of six minutes ago', () => slackHeaders(seconds(-360))],
    ['slack', 'a signature of the future', () => slackHeaders(seconds(360))],
    ['slack', 'an old signature with a new time', () => slackHeaders(seconds(), seconds(-3600))],
    ['slack', 'a signature without a time', () => slackHeaders('')],
    ['slack', 'a time that is none', () => slackHeaders('1e9')],
    ['slack', 'a signature with another secret', () => slackHeaders(seconds(), seconds(), 'S')],
    ['viber', 'the signature of another body', () => ({ 'x-viber-content-signature': hmac('sha256', 's', 'x').digest('hex') })],
    ['line', 'the signature of another body', () => ({ 'x-line-signature': hmac('sha256', 's', 'x').digest('base64') })],
    ['line', 'a signature in hex', () => ({ 'x-line-signature': hmac('sha256', 's', BODY).digest('hex') })],
    ['max', 'another token', () => ({ 'x-max-bot-api-secret': 'S' })],
    ['vk', 'another secret', () => ({}), '{"type":"message_new","group_id":5,"secret":"S","key":"ann","id":"1"}'],
    ['vk', 'a secret that is no text', () => ({}), '{"type":"message_new","group_id":5,"secret":["s"],"key":"ann","id":"1"}'],
    ['vk', 'no secret', () => ({}), '{"type":"message_new","group_id":5,"key":"ann","id":"1"}'],
    ['vk', 'a confirmation with another secret', () => ({}), '{"type":"confirmation","group_id":5,"secret":"S","key":"ann","id":"1"}'],
    ['vk', 'no JSON', () => ({}), '{"group_id":'],
    ['vk', 'nesting without end', () => ({}), `{"group_id":${'['.repeat(100_000)}`],
  ])('%s: refused with %s', async (proof, _, headers, body = BODY) => {
    const webhook = open({ [`${proof}Secret`]: 's', sources: [taking({ proof })] })
    const answer = await read(await webhook(post(body, headers())))
    expect([answer.status, answer.body.code, await queue.keys()]).toEqual([401, 'BAD_SIGNATURE', []])
  })

  it('the answer to a stranger names the headers of the secrets that are given, each once', async () => {
    const secrets = { appSecret: 's', senderSecret: 's', slackSecret: 's', gatewaySecret: 's' }
    const sources = (['app', 'sender', 'slack', 'gateway'] as const).map((proof) => taking({ name: proof, proof }))
    const { headers } = await read(await open({ ...secrets, sources })(post(BODY)))
    expect(headers.get('www-authenticate')).toBe('X-Hub-Signature-256, Authorization, X-Slack-Signature')
  })
})

describe('Twilio', () => {
  const publicUrl = 'https://bot.example/webhook?of=salon'
  const fields = { id: '1', key: 'ann', Body: 'a b&c=ё', From: 'whatsapp:+79001234567' }
  const form = (given: Record<string, string> = fields) => new URLSearchParams(given).toString()
  const signatureOf = (given: Record<string, string>, secret = 's', url = publicUrl) => {
    const names = Object.keys(given).sort()
    return hmac('sha1', secret, url, names.map((name) => name + given[name]).join('')).digest('base64')
  }
  const send = (body: string, signature: string, type = 'application/x-www-form-urlencoded') =>
    post(body, { 'content-type': type, 'x-twilio-signature': signature })
  const webhook = () => open({ twilioSecret: 's', publicUrl, sources: [taking({ proof: 'twilio', formHeader: 'x-twilio-signature' })] })

  it('is known by the signature of the fields, in whatever order they come', async () => {
    expect(await statusOf(webhook(), send(form(), signatureOf(fields)))).toBe(200)
    const turned = new URLSearchParams(Object.entries(fields).reverse()).toString()
    expect(await statusOf(webhook(), send(turned, signatureOf(fields), 'application/x-www-form-urlencoded; charset=UTF-8'))).toBe(200)
    expect(await queue.data('ann')).toEqual([fields])
  })

  it.each<[string, () => Request]>([
    ['another secret', () => send(form(), signatureOf(fields, 'S'))],
    ['another address', () => send(form(), signatureOf(fields, 's', 'https://bot.example/webhook'))],
    ['a field more', () => send(`${form()}&x=1`, signatureOf(fields))],
    ['a thousand fields more', () => send(`${form()}${'&x=1'.repeat(1000)}`, signatureOf(fields))],
    ['no signature', () => send(form(), '')],
  ])('is refused with %s', async (_, request) => {
    const answer = await read(await webhook()(request()))
    expect([answer.status, answer.body.code, await queue.keys()]).toEqual([401, 'BAD_SIGNATURE', []])
  })

  it.each([
    [{}, /^twilioSecret needs publicUrl/],
    [{ publicUrl: 'bot.example' }, /^publicUrl must be an address/],
    [{ publicUrl: '' }, /^publicUrl must be an address/],
  ])('does not start with %j', (options, message) => {
    expect(() => open({ twilioSecret: 's', ...options })).toThrow(message)
  })
})

describe('a form', () => {
  const webhook = () => open({ unsigned: ['own', 'other'], sources: [taking({ name: 'other' }), taking({ formHeader: 'x-own' })] })
  const send = (body: string | Uint8Array, headers: Record<string, string> = { 'x-own': '' }) =>
    post(body, { 'content-type': 'application/x-www-form-urlencoded', ...headers })

  it('is read by a source that has them, and by no other', async () => {
    expect(await statusOf(webhook(), send('key=ann&id=1'))).toBe(200)
    expect(await statusOf(open({ unsigned: ['own'], sources: [taking({})] }), send('key=ann&id=2'))).toBe(415)
    expect(await statusOf(webhook(), post({ key: 'ann', id: '3' }))).toBe(200)
    expect((await queue.data('ann')).map(({ id }) => id)).toEqual(['1', '3'])
  })

  it.each([
    ['without its header, as a page in a browser would send it', send('key=ann&id=1', {}), 415],
    ['that is not in UTF-8', send(Buffer.from([0x6b, 0x3d, 0xff])), 400],
    ['with a prototype', send('key=ann&id=1&__proto__=x'), 400],
    ['with too many fields', send(`key=ann&id=1${'&x'.repeat(1000)}`), 400],
    ['of a form that nobody knows', send('a=1'), 400],
    ['that is none', send(Buffer.alloc(0)), 400],
  ])('is refused %s', async (_, request, status) => {
    expect(await statusOf(webhook(), request)).toBe(status)
    expect(await queue.keys()).toEqual([])
  })
})

describe('a source of its own proof', () => {
  const verify = (request: Request, body: Uint8Array) =>
    request.headers.get('x-own') === 'yes' && request.url === URL && Buffer.from(body).includes('ann')
  const own = (more: object) => taking({ proof: undefined as never, ...more })

  it('is served without a secret, and reads what it has verified', async () => {
    const webhook = open({ sources: [own({ verify })] })
    expect(await statusOf(webhook, post(BODY, { 'x-own': 'yes' }))).toBe(200)
    for (const request of [post(BODY), post('{"key":"bob","id":"1"}', { 'x-own': 'yes' })])
      expect(await statusOf(webhook, request)).toBe(401)
    expect(await queue.data('bob')).toEqual([])
  })

  it('opens no door for others, nor for those whose yes is no true', async () => {
    const signed = open({ senderSecret: 's', sources: [own({ verify }), taking({ name: 'signed', proof: 'sender' })] })
    const bob = '{"key":"bob","id":"1"}'
    expect(await statusOf(signed, post(bob))).toBe(401)
    expect(await statusOf(signed, post(bob, { 'x-hub-signature-256': sign(bob, 's') }))).toBe(200)
    for (const yes of [() => Promise.resolve(true), () => 1, () => 'true'])
      expect(await statusOf(open({ sources: [own({ verify: yes })] }), post(BODY))).toBe(401)
  })

  it('that throws is a fault of ours: nothing is stored', async () => {
    const verify = () => {
      throw new Error('broken')
    }
    const answer = await read(await open({ sources: [own({ verify })] })(post(BODY)))
    expect([answer.status, answer.body.code, await queue.keys()]).toEqual([500, 'INTERNAL', []])
  })

  it.each([
    ['none', {}],
    ['two', { proof: 'sender', verify: () => true }],
    ['one that is none', { verify: true }],
    ['one that nobody knows', { proof: 'toString' }],
    ['a header for forms that is none', { proof: 'sender', formHeader: 'a b' }],
  ])('is refused with proofs: %s', (_, more) => {
    expect(() => open({ senderSecret: 's', sources: [own(more)] })).toThrow(/^a source is \{ name, proof or verify, read \}/)
  })
})

it('a source may answer by itself, when all is stored', async () => {
  const answer = () => new Response('ok', { status: 202, headers: { 'content-type': 'text/plain' } })
  const webhook = open({ unsigned: ['own'], sources: [taking({ answer })] })
  for (const added of [1, 1]) {
    const { status, body, type } = await read(await webhook(post(BODY)))
    expect([status, body, type]).toEqual([202, 'ok', 'text/plain'])
    expect(await queue.data('ann')).toHaveLength(added)
  }
})
