import { createHmac } from 'node:crypto'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { RapidFire } from '../../src/rapidfire.ts'
import { ended, startRedis, type TestRedis, useRedis } from '../support/redis.ts'
import { rapidfire } from '../support/shell.ts'
import { cloudPayload, cloudText, cloudValue, telegramUpdate } from '../webhook/fixtures.ts'
import { sign } from '../webhook/webhook.ts'
import { eventually, start } from './processes.ts'

const PATH = '/webhook/whatsapp/batched'
let server: TestRedis

beforeAll(async () => {
  server = await useRedis()
})

describe('serve', () => {
  it('serve stores, refuses, limits, counts, tells its health and stops', async () => {
    const env = { REDIS_URL: server.url, RAPIDFIRE_QUEUE: 'salon', RAPIDFIRE_STATS_TOKEN: 'stats' }
    const serve = await start(
      ['serve', '--port', '0', '--unsigned', 'generic', '--max-bytes', '1000', '--conversation-limit', '2', '--rate-limit', '1'],
      env,
    ).ready()
    const { port } = (await eventually(() => serve.lines.find(({ msg }) => msg === 'listening'))) as { port: number }
    const ask = (path: string, init?: RequestInit) => fetch(`http://127.0.0.1:${port}${path}`, init)
    const post = (body: string) => ask(PATH, { method: 'POST', body, headers: { 'content-type': 'application/json' } })
    const message = (id: string, key = 'ann') => JSON.stringify({ key, id, data: { text: 'тайна' } })

    expect((await post(message('1'))).status).toBe(200)
    expect((await post('{')).status).toBe(400)
    expect((await post(`"${'x'.repeat(1001)}"`)).status).toBe(413)
    expect((await ask('/elsewhere')).status).toBe(404)
    expect((await ask(PATH, { method: 'DELETE' })).status).toBe(405)
    const statuses = []
    for (let n = 2; n < 10; n += 1) statuses.push((await post(message(String(n)))).status)
    expect(statuses).toContain(429)
    const strangers = await Promise.all(['bob', 'cyd', 'dan', 'eve'].map((key) => post(message('1', key))))
    for (const { status } of strangers) statuses.push(status)
    expect(strangers.map(({ status }) => status)).toContain(429)
    expect((await ask(`${PATH}/stats`)).status).toBe(401)
    const stats = await ask(`${PATH}/stats`, { headers: { authorization: 'Bearer stats' } })
    expect([stats.status, await stats.json()]).toEqual([
      200,
      expect.objectContaining({ messages: 1 + statuses.filter((each) => each === 200).length }),
    ])
    for (const path of ['/healthz', '/readyz']) expect((await ask(path)).status).toBe(200)
    expect(await serve.stop()).toBe(0)
    expect(serve.stdout).not.toContain('тайна')
    expect(serve.stdout).not.toContain('ann')
    const refused = serve.lines.filter(({ msg }) => msg === 'refused')
    expect(refused.map(({ level, status, code }) => [level, status, code])).toEqual(
      expect.arrayContaining([
        [40, 400, 'BAD_JSON'],
        [40, 413, 'BODY_TOO_LARGE'],
        [40, 404, 'NOT_FOUND'],
        [40, 429, 'RATE_LIMITED'],
        [40, 401, 'BAD_TOKEN'],
      ]),
    )
    expect(refused.every(({ why, count }) => why.endsWith('.') && count > 0)).toBe(true)
    const limited = refused.filter(({ code }) => code === 'RATE_LIMITED').map(({ count }) => count)
    expect(limited.reduce((sum, count) => sum + count)).toBe(statuses.filter((each) => each === 429).length)
  })

  it.each<[string, string[], Record<string, string>, RegExp]>([
    [
      'without a secret',
      [],
      {},
      /nobody may post: give RAPIDFIRE_APP_SECRET, RAPIDFIRE_TELEGRAM_SECRET, RAPIDFIRE_SENDER_SECRET, .+ or, .*, --unsigned/,
    ],
    ['on a loopback address without one', ['--host', '127.0.0.1'], {}, /nobody may post/],
    [
      'with an empty one, as compose makes of a variable that is not set',
      [],
      { RAPIDFIRE_APP_SECRET: '' },
      /RAPIDFIRE_APP_SECRET is set, and empty/,
    ],
    ['with a verify token alone', [], { RAPIDFIRE_VERIFY_TOKEN: 'v' }, /nobody may post/],
    [
      'with a verify token and the secret of another',
      [],
      { RAPIDFIRE_VERIFY_TOKEN: 'v', RAPIDFIRE_TELEGRAM_SECRET: 't' },
      /RAPIDFIRE_VERIFY_TOKEN .* needs RAPIDFIRE_APP_SECRET/,
    ],
    ['with a misspelt one', [], { RAPIDFIRE_APP_SECRT: 's' }, /nobody may post/],
    ['with one that can never match', [], { RAPIDFIRE_TELEGRAM_SECRET: 'a b' }, /RAPIDFIRE_TELEGRAM_SECRET must have 1 to 256 letters/],
    [
      'with a source that has none',
      ['--source', 'telegram'],
      { RAPIDFIRE_APP_SECRET: 's' },
      /the source telegram needs RAPIDFIRE_TELEGRAM_SECRET, .* --unsigned/,
    ],
    ['with a source that there is not', ['--unsigned', 'generics'], {}, /--unsigned may name .*generic.*, got 'generics'/],
    ['with an account that is none', ['--unsigned', 'generic', '--account', '5'], {}, /account must have/],
  ])('serve does not start %s', async (_, args, env, message) => {
    expect(await rapidfire(['serve', '--port', '0', ...args], { REDIS_URL: server.url, ...env })).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(message),
    })
  })

  it('serve says how each source is verified, and takes nothing from the others', async () => {
    const env = { REDIS_URL: server.url, RAPIDFIRE_SENDER_SECRET: 's', RAPIDFIRE_APP_SECRET: 'a', RAPIDFIRE_QUEUE: 'proofs' }
    const args = ['serve', '--port', '0', '--unsigned', 'telegram', '--source', 'telegram', 'generic', '--raw']
    const serve = await start(args, env).ready()
    const listening = (await eventually(() => serve.lines.find(({ msg }) => msg === 'listening'))) as { port: number }
    expect(listening).toMatchObject({ sources: { telegram: 'unsigned', generic: 'RAPIDFIRE_SENDER_SECRET' } })
    const post = async (payload: unknown, secret?: string) => {
      const body = JSON.stringify(payload)
      const headers = { 'content-type': 'application/json', ...(secret !== undefined && { 'x-hub-signature-256': sign(body, secret) }) }
      return (await fetch(`http://127.0.0.1:${listening.port}${PATH}`, { method: 'POST', body, headers })).status
    }
    expect(await post(telegramUpdate(0))).toBe(200)
    const rapidfire = new RapidFire<any>({ redis: server.url, queue: 'proofs' })
    onTestFinished(() => rapidfire.close())
    const [stored] = (await rapidfire.peek('telegram:987654321')).messages
    expect(stored?.data.raw).toEqual(telegramUpdate(0))
    expect(await post({ key: 'ann', id: '1', data: 1 })).toBe(401)
    expect(await post({ key: 'ann', id: '1', data: 1 }, 's')).toBe(200)
    expect(await post(cloudPayload(cloudValue([cloudText(0)])), 'a')).toBe(400)
    expect(await serve.stop()).toBe(0)
  })

  it('serve answers 401 to a wrong signature, and 503 to a good message while Redis is gone, which is stored when it is sent again', async () => {
    const own = await startRedis()
    onTestFinished(() => own.stop())
    const serve = await start(['serve', '--port', '0'], { REDIS_URL: own.url, RAPIDFIRE_SENDER_SECRET: 's' }).ready()
    const { port } = (await eventually(() => serve.lines.find(({ msg }) => msg === 'listening'))) as { port: number }
    const body = JSON.stringify({ key: 'ann', id: '1', data: { text: 'Hi' } })
    const signature = `sha256=${createHmac('sha256', 's').update(body).digest('hex')}`
    const post = (signed: string) =>
      fetch(`http://127.0.0.1:${port}${PATH}`, {
        method: 'POST',
        body,
        headers: { 'content-type': 'application/json', 'x-hub-signature-256': signed },
      })
    expect((await post('sha256=00')).status).toBe(401)
    await ended(own.process, 'SIGKILL')
    await eventually(async () => (await fetch(`http://127.0.0.1:${port}/readyz`)).status === 503)
    const refused = await post(signature)
    expect([refused.status, refused.headers.get('content-type')]).toEqual([503, 'application/problem+json'])
    const again = await startRedis([], own)
    onTestFinished(() => again.stop())
    await eventually(async () => (await post(signature)).status === 200)
    const rapidfire = new RapidFire({ redis: again.url })
    onTestFinished(() => rapidfire.close())
    expect(await rapidfire.peek('ann')).toMatchObject({ size: 1, messages: [{ id: '1', data: { text: 'Hi' } }] })
    expect(await serve.stop()).toBe(0)
  })

  it('serve stops while Redis is gone, also when a call is under way', async () => {
    const own = await startRedis()
    onTestFinished(() => own.stop())
    const serve = await start(['serve', '--port', '0', '--unsigned', 'generic'], { REDIS_URL: own.url }).ready()
    const { port } = (await eventually(() => serve.lines.find(({ msg }) => msg === 'listening'))) as { port: number }
    const post = (id: string) =>
      fetch(`http://127.0.0.1:${port}${PATH}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ key: 'ann', id, data: 1 }),
      })
    expect((await post('1')).status).toBe(200)
    await ended(own.process, 'SIGKILL')
    expect((await post('2')).status).toBe(503)
    // A message whose call is given up on, and the question whether Redis is back.
    expect((await post('3')).status).toBe(503)
    expect(await serve.stop()).toBe(0)
    expect(serve.lines.at(-1)).toMatchObject({ msg: 'stopped' })
  })
})
