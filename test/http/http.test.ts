import { createHmac } from 'node:crypto'
import { createServer as createTcpServer } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { gzipSync } from 'node:zlib'
import { Webhook } from 'standardwebhooks'
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import type { Batch } from '../../src/batches/batch.ts'
import { type HttpOptions, toHttp } from '../../src/http/index.ts'
import { RapidFire } from '../../src/rapidfire.ts'
import type { HandlerContext } from '../../src/worker/handler.ts'
import { TEST_SOURCE } from '../support/lua.ts'
import { type TestRedis, useRedis } from '../support/redis.ts'
import { endReceivers, SECRET, startReceiver } from './receiver.ts'

afterEach(endReceivers)

const OTHER = `whsec_${Buffer.alloc(24, 2).toString('base64')}`

/** What a handler gets; what it logs is in `logged`. */
function context(signal = new AbortController().signal): HandlerContext & { logged: unknown[][] } {
  const logged: unknown[][] = []
  const log = { debug() {}, info() {}, warn: (...args: unknown[]) => void logged.push(args), error() {} }
  return { signal, log, extend: () => Promise.resolve({ status: 'extended' as const, queued: 0 }), logged }
}

const BATCH: Batch<unknown> = {
  id: '1790000000000-17-3',
  root: 'rapid-fire:{salon:3}',
  key: '79001234567',
  token: '1790000000000-17-3:2',
  attempt: 2,
  reason: 'wait',
  openedAt: 1_790_000_000_000,
  deadline: 1_790_000_010_000,
  due: 1_790_000_011_000,
  messages: [
    { id: 'wamid.1', data: { text: 'Запишите на стрижку меня' }, receivedAt: 1_790_000_000_000 },
    { id: undefined, data: 'На завтра', receivedAt: 1_790_000_003_000 },
  ],
}

const handlerOf = (url: string, options: Partial<HttpOptions> = {}) => toHttp<unknown>(url, { secret: SECRET, ...options })

/** What delivering comes to: what is returned, or what is thrown. */
async function delivered(url: string, options: Partial<HttpOptions> = {}) {
  const logged = context()
  try {
    return { result: await handlerOf(url, options)(BATCH, logged), logged: logged.logged }
  } catch (error) {
    return { error: error as Error & { pause?: number } }
  }
}

describe('toHttp: what is posted', () => {
  it('is the batch with its names, its queue and its text, and neither its token nor its root', async () => {
    const receiver = await startReceiver()
    expect(await delivered(`${receiver.url}/batches?bot=1`)).toEqual({ result: undefined, logged: [] })
    const [{ headers, batch } = expect.unreachable()] = receiver.got
    expect(batch).toEqual({
      id: BATCH.id,
      queue: 'salon',
      key: BATCH.key,
      reason: 'wait',
      attempt: 2,
      size: 2,
      openedAt: BATCH.openedAt,
      deadline: BATCH.deadline,
      text: 'Запишите на стрижку меня На завтра',
      messages: [BATCH.messages[0], { ...BATCH.messages[1], id: null }],
    })
    expect(headers).toMatchObject({ 'content-type': 'application/json', 'user-agent': 'rapidfire' })
  })

  it('is signed by the rules of Standard Webhooks, as their own package verifies', async () => {
    const receiver = await startReceiver()
    await delivered(receiver.url)
    const [{ headers, body, batch } = expect.unreachable()] = receiver.got
    expect(headers['webhook-id']).toBe(BATCH.id)
    expect(Math.abs(Number(headers['webhook-timestamp']) - Date.now() / 1000)).toBeLessThan(60)
    expect(new Webhook(SECRET).verify(body, headers)).toEqual(batch)
    expect(() => new Webhook(SECRET).verify(`${body} `, headers)).toThrow('No matching signature found')
    expect(() => new Webhook(SECRET).verify(body, { ...headers, 'webhook-id': '1-1' })).toThrow('No matching signature found')
    expect(() => new Webhook(OTHER).verify(body, headers)).toThrow('No matching signature found')
    const key = Buffer.from(SECRET.slice('whsec_'.length), 'base64')
    const signed = createHmac('sha256', key).update(`${BATCH.id}.${headers['webhook-timestamp']}.${body}`).digest('base64')
    expect(headers['webhook-signature']).toBe(`v1,${signed}`)
  })

  it('has a signature by each secret while they are changed', async () => {
    const receiver = await startReceiver()
    await delivered(receiver.url, { secret: [OTHER, SECRET] })
    const [{ headers, body } = expect.unreachable()] = receiver.got
    for (const secret of [SECRET, OTHER]) new Webhook(secret).verify(body, headers)
    expect(headers['webhook-signature']).toMatch(/^v1,\S{44} v1,\S{44}$/)
  })

  it('has user and password of the URL, and more headers', async () => {
    const receiver = await startReceiver()
    await delivered(receiver.url.replace('//', '//bot:p%40ss@'), { headers: { 'X-Bot': '1' } })
    await delivered(receiver.url, { headers: { authorization: 'Bearer t' } })
    expect(receiver.got[0]?.headers).toMatchObject({ authorization: `Basic ${btoa('bot:p@ss')}`, 'x-bot': '1' })
    expect(receiver.got[1]?.headers).toMatchObject({ authorization: 'Bearer t' })
  })
})

describe('toHttp: what an answer means', () => {
  const answering = async (status: number, headers: Record<string, string> = {}, body: string | Buffer = '') =>
    startReceiver((_, response) => response.writeHead(status, { 'content-length': Buffer.byteLength(body), ...headers }).end(body))

  it.each<[number, string, unknown]>([
    [200, '{"reply":"Hello"}', { reply: 'Hello' }],
    [201, '[1,null]', [1, null]],
    [202, 'OK', undefined],
    [200, '', undefined],
    [299, '"привет"', 'привет'],
  ])('%d with %s is done', async (status, body, result) => {
    expect(await delivered((await answering(status, {}, body)).url)).toEqual({ result, logged: [] })
  })

  it.each([
    [301, 'redirects are not followed', 'Error'],
    [302, 'redirects are not followed', 'Error'],
    [308, 'redirects are not followed', 'Error'],
    [400, '', 'GiveUp'],
    [401, '', 'GiveUp'],
    [404, '', 'GiveUp'],
    [408, '', 'Error'],
    [410, '', 'GiveUp'],
    [413, '', 'GiveUp'],
    [425, '', 'Error'],
    [429, '', 'Error'],
    [451, '', 'GiveUp'],
    [500, '', 'Error'],
    [503, '', 'Error'],
  ])('%d is refused %s', async (status, why, name) => {
    const elsewhere = await startReceiver()
    const receiver = await answering(status, { location: elsewhere.url }, 'secret words')
    const { error } = await delivered(`${receiver.url}/path/of/secrets?token=1`)
    expect(error?.name).toBe(name)
    expect(error?.message).toBe(`${receiver.url} answered ${status}${why && `, and ${why}`}`)
    expect(elsewhere.got).toEqual([])
  })

  const at = (ms: number) => new Date(Math.floor(Date.now() / 1000) * 1000 + ms).toUTCString()
  it.each<[string, number, Record<string, string>, number | undefined]>([
    ['seconds', 429, { 'retry-after': '120' }, 120_000],
    ['seconds', 503, { 'retry-after': '7' }, 7000],
    ['seconds', 500, { 'retry-after': '7' }, 7000],
    ['a date by a clock that is right', 503, { date: at(0), 'retry-after': at(90_000) }, 90_000],
    ['a date by a clock that is slow', 503, { date: at(-86_400_000), 'retry-after': at(-86_310_000) }, 90_000],
    ['a date that has passed', 503, { date: at(0), 'retry-after': at(-1000) }, undefined],
    ['nothing', 429, {}, undefined],
    ['no time', 429, { 'retry-after': '0' }, undefined],
    ['a negative time', 429, { 'retry-after': '-5' }, undefined],
    ['a broken time', 429, { 'retry-after': '1.5' }, undefined],
    ['words', 429, { 'retry-after': 'tomorrow' }, undefined],
    ['a broken date', 429, { 'retry-after': 'Xyz, 99 Foo GMT' }, undefined],
    ['a huge time', 503, { 'retry-after': '99999999999999999999999' }, 3_600_000],
    ['a far date', 503, { 'retry-after': at(1e12) }, 3_600_000],
  ])('Retry-After with %s: %d', async (_, status, headers, pause) => {
    const { error } = await delivered((await answering(status, headers)).url)
    expect(error?.name).toBe(pause === undefined ? 'Error' : 'RetryLater')
    expect(error?.pause).toBe(pause)
  })

  it('a date in Retry-After without the time of the receiver goes by the own clock', async () => {
    const receiver = await startReceiver((_, response) => {
      response.sendDate = false
      response.writeHead(503, { 'retry-after': at(90_000) }).end()
    })
    const { error } = await delivered(receiver.url)
    expect(error?.pause).toBeGreaterThan(0)
    expect(error?.pause).toBeLessThanOrEqual(90_000)
  })

  it('a success whose body is too large is done, without a result, and the rest of the body is not read', async () => {
    let written = 0
    const gone = vi.fn()
    const receiver = await startReceiver((_, response) => {
      response.once('close', gone).writeHead(200, { 'content-length': 2 ** 30 })
      const chunk = Buffer.alloc(65_536, ' ')
      const write = () => {
        while (!response.destroyed && written < 2 ** 30) {
          written += chunk.length
          if (!response.write(chunk)) return response.once('drain', write)
        }
        return undefined
      }
      write()
    })
    const { result, logged } = await delivered(receiver.url)
    expect({ result, logged }).toEqual({
      result: undefined,
      logged: [[{ status: 200, error: 'it has more than 65536 bytes' }, 'answer not kept']],
    })
    await vi.waitFor(() => expect(gone).toHaveBeenCalled())
    expect(written).toBeLessThan(2 ** 26)
  })

  it('a body is counted as it is when it is unpacked', async () => {
    const packed = gzipSync(JSON.stringify('x'.repeat(2 ** 20)))
    const { logged } = await delivered((await answering(200, { 'content-encoding': 'gzip' }, packed)).url)
    expect(logged).toHaveLength(1)
  })

  it('a success whose body does not end is done when its time is over, without a result', async () => {
    const receiver = await startReceiver((_, response) => void response.writeHead(200).write('{'))
    const { result, logged } = await delivered(receiver.url, { timeout: 50 })
    expect(result).toBeUndefined()
    expect(logged).toEqual([[{ status: 200, error: `${receiver.url} did not answer within 50 ms` }, 'answer not kept']])
  })

  it('a success whose connection is closed in the body is done, without a result', async () => {
    const receiver = await startReceiver((_, response) => {
      response.writeHead(200, { 'content-length': 100 })
      response.write('{')
      setImmediate(() => response.destroy())
    })
    const { result, logged } = await delivered(receiver.url)
    expect(result).toBeUndefined()
    expect(logged).toHaveLength(1)
  })

  it('no answer in time is an ordinary failure', async () => {
    const receiver = await startReceiver(() => {})
    const { error } = await delivered(receiver.url, { timeout: 50 })
    expect([error?.name, error?.message]).toEqual(['Error', `${receiver.url} did not answer within 50 ms`])
  })

  it('a connection that is closed, or that speaks no HTTP, is an ordinary failure', async () => {
    for (const answer of ['', 'SSH-2.0-OpenSSH_9\r\n']) {
      const server = createTcpServer((socket) => socket.on('error', () => {}).once('data', () => socket.end(answer)))
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      const url = `http://127.0.0.1:${(server.address() as { port: number }).port}`
      const { error } = await delivered(url)
      server.close()
      expect(error?.name).toBe('Error')
      expect(error?.message).toMatch(new RegExp(`^${url} cannot be reached: .+`))
      // Nobody is there any more.
      expect((await delivered(url)).error?.message).toMatch(/ cannot be reached: connect ECONNREFUSED /)
    }
  })

  it('a certificate that is not trusted, and a port without TLS, are ordinary failures that say so', async () => {
    // Without a certificate it has no cipher to offer.
    const tls = createTlsServer(() => {}).on('tlsClientError', () => {})
    await new Promise<void>((resolve) => tls.listen(0, '127.0.0.1', resolve))
    const url = `https://user:password@127.0.0.1:${(tls.address() as { port: number }).port}/secret`
    const { error } = await delivered(url)
    tls.close()
    const plain = await startReceiver()
    const wrong = await delivered(plain.url.replace('http:', 'https:'))
    for (const each of [error, wrong.error]) {
      expect(each?.message).toMatch(/^https:\/\/127\.0\.0\.1:\d+ cannot be reached: .*SSL/)
      expect(each?.message).not.toMatch(/password|secret/)
    }
  })

  it('an attempt that no longer counts ends its request', async () => {
    const attempt = new AbortController()
    const gone = vi.fn()
    const receiver = await startReceiver((request) => {
      request.socket.once('close', gone)
      attempt.abort(new Error('the lease is lost'))
    })
    await expect(handlerOf(receiver.url)(BATCH, context(attempt.signal))).rejects.toThrow('the lease is lost')
    await vi.waitFor(() => expect(gone).toHaveBeenCalled())
    await expect(handlerOf(receiver.url)(BATCH, context(attempt.signal))).rejects.toThrow('the lease is lost')
    expect(receiver.got).toHaveLength(1)
  })
})

describe('toHttp: what it is given', () => {
  const refusal = (url: unknown, options: unknown) => {
    try {
      toHttp(url as string, options as HttpOptions)
    } catch (error) {
      const { code, message } = error as Error & { code: string }
      return `${code} ${message}`
    }
    return undefined
  }
  const base64 = (bytes: number) => Buffer.alloc(bytes, 3).toString('base64')
  const secret = SECRET

  it.each<[unknown, unknown]>([
    ['https://bot.example.com/x', { secret }],
    [new URL('https://bot.example.com/x'), { secret: [secret, OTHER] }],
    ['http://localhost:1/x', { secret }],
    ['http://127.9.9.9/x', { secret }],
    ['http://[::1]:1/', { secret }],
    ['HTTP://bot:8080/', { secret, insecure: true }],
    ['https://a:b@bot/', { secret: `whsec_${base64(64)}`, timeout: 300_000, headers: { authorization: 'x' } }],
    ['https://%zz@bot/', { secret }],
    ['https://bot/', { secret: `whsec_${base64(25).replaceAll('=', '')}` }],
  ])('takes %s with %j', (url, options) => {
    expect(refusal(url, options)).toBeUndefined()
  })

  it.each<[unknown, unknown, string]>([
    ['https://bot', undefined, 'toHttp takes an object with secret, timeout, headers, insecure, got undefined'],
    ['https://bot', { secret, timout: 1 }, "toHttp has no option 'timout': did you mean timeout?"],
    ['https://bot', {}, 'secret must be whsec_ and 24 to 64 bytes in base64, or a list of such: there is none'],
    ['https://bot', { secret: [] }, 'there is none'],
    ['https://bot', { secret: '' }, 'there is none'],
    ['https://bot', { secret: 'hunter2' }, 'one is of another form'],
    ['https://bot', { secret: [secret, 7] }, 'one is of another form'],
    ['https://bot', { secret: 'whsec_A' }, 'one is no base64'],
    ['https://bot', { secret: `whsec_${base64(23)}` }, 'one has 23 bytes'],
    ['https://bot', { secret: `whsec_${base64(65)}` }, 'one has 65 bytes'],
    ['https://bot', { secret, timeout: 0 }, 'timeout must be an integer of ms from 1 to 300000, got 0'],
    ['https://bot', { secret, timeout: 300_001 }, 'timeout must be'],
    ['https://bot', { secret, insecure: 'yes' }, 'insecure must be true or false'],
    ['https://bot', { secret, headers: 'x' }, 'headers must be an object, got a text'],
    ['https://bot', { secret, headers: null }, 'headers must be an object, got null'],
    ['https://bot', { secret, headers: { a: 'p\nassword' } }, "headers cannot have 'a', or not with this value"],
    ['https://bot', { secret, headers: { a: 1 } }, "headers cannot have 'a'"],
    ['https://bot', { secret, headers: { 'Content-Length': '1' } }, "headers cannot have 'Content-Length'"],
    ['https://bot', { secret, headers: { 'webhook-id': '1' } }, "headers cannot have 'webhook-id'"],
    ['http://bot:8080/', { secret }, 'http:// to bot shows everybody on the way what people wrote: take https://, or give insecure: true'],
    ['http://user:password@localhost.example.com/', { secret }, 'http:// to localhost.example.com shows'],
    ['bot.example.com', { secret }, 'the receiver cannot be posted to: it must be a URL that begins with https:// or http://'],
    ['ftp://user:password@bot/', { secret }, 'it must be a URL'],
    ['', { secret }, 'it must be a URL'],
    [undefined, { secret }, 'it must be a URL'],
    ['https://', { secret }, 'it must be a URL'],
  ])('refuses %s with %j', (url, options, text) => {
    expect(refusal(url, options)).toMatch(/^BAD_OPTION /)
    expect(refusal(url, options)).toContain(text)
    expect(refusal(url, options)).not.toMatch(/password|hunter2|whsec_A/)
  })
})

describe('toHttp as a handler', () => {
  let server: TestRedis
  const open: { close(options?: { timeout: number }): Promise<unknown> }[] = []
  beforeAll(async () => {
    server = await useRedis()
  })
  afterEach(async () => {
    for (const each of open.splice(0).reverse()) await each.close({ timeout: 0 })
  })

  const client = async () => {
    await server.redis.flushall()
    const made = new RapidFire({ redis: server.url, queue: 'salon' }, TEST_SOURCE)
    open.push(made)
    return made
  }

  it('completes what the receiver takes, buries what it refuses, and tries again what it cannot take now', async () => {
    const rapidfire = await client()
    const answers: Record<string, number> = { ann: 200, bob: 410, cyd: 429, dan: 500 }
    const receiver = await startReceiver((_, response) => {
      const status = answers[receiver.got.at(-1)?.batch.key as string] as number
      response.writeHead(status, { 'retry-after': '77' }).end()
    })
    const keys = Object.keys(answers)
    await rapidfire.addMessages(keys.map((key) => ({ key, data: { text: 'Hi' }, id: '1', flush: true })))
    const handler = toHttp(receiver.url, { secret: SECRET })
    expect(await rapidfire.processPendingBatches(handler, { concurrency: 1 })).toMatchObject({ completed: 1, dead: 1, retry: 2 })
    const [ann, , cyd, dan] = await Promise.all(keys.map((key) => rapidfire.peek(key)))
    expect(ann?.state).toBe('empty')
    expect(await rapidfire.dead()).toMatchObject([{ key: 'bob', attempt: 1, error: `${receiver.url} answered 410` }])
    for (const waiting of [cyd, dan]) expect(waiting).toMatchObject({ state: 'retry', error: expect.stringContaining(receiver.url) })
    expect((cyd?.until as number) - (cyd?.messages[0]?.receivedAt as number)).toBeGreaterThanOrEqual(77_000)
  })

  it('shows the bytes of a key that is no UTF-8', async () => {
    const rapidfire = await client()
    const key = Buffer.from([0xff, 0x61])
    await rapidfire.policy()
    await server.redis.eval(TEST_SOURCE.scripts.add.text, 1, 'rapid-fire:{salon}', key, '{"n":1}', 'FLUSH')
    await server.redis.eval(TEST_SOURCE.scripts.add.text, 1, 'rapid-fire:{salon}', 'ann', 'no JSON', 'FLUSH')
    const receiver = await startReceiver()
    expect(await rapidfire.processPendingBatches(toHttp(receiver.url, { secret: SECRET }))).toMatchObject({ completed: 2 })
    const batches = receiver.got.map(({ batch }) => batch)
    expect(batches.find(({ keyBytes }) => keyBytes)).toMatchObject({ key: '\ufffda', keyBytes: key.toString('base64') })
    expect(batches.find((batch) => batch.key === 'ann')).toMatchObject({ text: 'no JSON', messages: [{ id: null, data: 'no JSON' }] })
    expect(batches.find((batch) => batch.key === 'ann')).not.toHaveProperty('keyBytes')
  })

  it('is ended by a worker that closes and waits no longer: the batch is given back and no attempt is used up', async () => {
    const rapidfire = await client()
    const gone = vi.fn()
    const receiver = await startReceiver((request) => void request.socket.once('close', gone))
    await rapidfire.addMessage('ann', 'Hi', { flush: true })
    const worker = rapidfire.worker(toHttp(receiver.url, { secret: SECRET }))
    open.push(worker)
    const running = worker.run()
    await vi.waitFor(() => expect(receiver.got).toHaveLength(1), { timeout: 10_000 })
    await worker.close({ timeout: 0 })
    await running
    await vi.waitFor(() => expect(gone).toHaveBeenCalled())
    expect((await rapidfire.claimReady()).batches).toMatchObject([{ id: receiver.got[0]?.batch.id, attempt: 1 }])
  })

  it('lets a slow delivery end when the worker closes and waits', async () => {
    const rapidfire = await client()
    let answer = () => {}
    const receiver = await startReceiver((_, response) => (answer = () => response.end('{}')))
    await rapidfire.addMessage('ann', 'Hi', { flush: true })
    const worker = rapidfire.worker(toHttp(receiver.url, { secret: SECRET }))
    open.push(worker)
    const completed = vi.fn()
    worker.on('completed', completed)
    const running = worker.run()
    await vi.waitFor(() => expect(receiver.got).toHaveLength(1), { timeout: 10_000 })
    const closed = worker.close()
    answer()
    await closed
    await running
    expect(completed).toHaveBeenCalledTimes(1)
  })

  it('is ended when the lease is lost, and what the receiver says then no longer counts', async () => {
    const rapidfire = await client()
    const gone = vi.fn()
    const receiver = await startReceiver((request) => void request.socket.once('close', gone))
    await rapidfire.addMessage('ann', 'Hi', { flush: true })
    const worker = rapidfire.worker(toHttp(receiver.url, { secret: SECRET }), { lease: 300 })
    open.push(worker)
    const lost = vi.fn()
    worker.on('lost', lost)
    void worker.run()
    await vi.waitFor(() => expect(receiver.got).toHaveLength(1), { timeout: 10_000 })
    // Somebody has done it in the place of the worker.
    await rapidfire.erase('ann')
    await vi.waitFor(() => expect([gone, lost].map(({ mock }) => mock.calls.length)).toEqual([1, 1]), { timeout: 10_000 })
    expect(receiver.got).toHaveLength(1)
  })
})
