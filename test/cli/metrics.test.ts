import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { RapidFire } from '../../src/rapidfire.ts'
import { ended, startRedis, type TestRedis, useRedis } from '../support/redis.ts'
import { rapidfire } from '../support/shell.ts'
import { command } from './command.ts'
import { eventually, start } from './processes.ts'

let server: TestRedis
beforeAll(async () => {
  server = await useRedis()
})

const scrape = async (port: number, token?: string, path = '/metrics') => {
  const response = await fetch(
    `http://127.0.0.1:${port}${path}`,
    token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } },
  )
  return { status: response.status, type: response.headers.get('content-type'), text: await response.text() }
}
const portOf = async ({ lines }: { lines: Record<string, any>[] }) =>
  (await eventually(() => lines.find(({ msg }) => msg === 'listening')))?.port as number

describe('rapidfire metrics', () => {
  it('tells of all queues, or of one', async () => {
    for (const queue of ['salon', 'clinic']) {
      await using client = new RapidFire({ redis: server.redis, queue })
      await client.addMessage('79001234567', 'тайна')
    }
    const all = await command(['metrics', '--redis', server.url])
    expect({ code: all.code, stderr: all.stderr }).toEqual({ code: 0, stderr: '' })
    expect(all.stdout.match(/^rapidfire_messages\{.*$/gm)).toEqual([
      'rapidfire_messages{queue="clinic"} 1',
      'rapidfire_messages{queue="salon"} 1',
    ])
    expect(all.stdout).not.toMatch(/79001234567|тайна/)
    const one = await command(['metrics', '--redis', server.url, '--queue', 'salon'])
    expect(one.stdout.match(/^rapidfire_messages\{.*$/gm)).toEqual(['rapidfire_messages{queue="salon"} 1'])
  })

  it('fails without Redis, and for a queue that is not there', async () => {
    expect(await command(['metrics', '--redis', 'redis://127.0.0.1:1'])).toMatchObject({ code: 1, stdout: '' })
    expect(await command(['metrics', '--redis', server.url, '--queue', 'saloon'])).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('there is no queue saloon'),
    })
  })
})

describe('a process that runs', () => {
  it('serve tells of its queue and its webhook to whoever brings the token, and 503 without Redis', async () => {
    const own = await startRedis()
    onTestFinished(() => own.stop())
    const env = { REDIS_URL: own.url, RAPIDFIRE_QUEUE: 'salon', RAPIDFIRE_STATS_TOKEN: 'stats' }
    const serve = await start(['serve', '--port', '0', '--unsigned', 'generic'], env).ready()
    const port = await portOf(serve)
    expect((await scrape(port)).status).toBe(401)
    expect((await scrape(port, 'other')).status).toBe(401)
    expect((await scrape(port, 'stats', '/metricsx')).status).toBe(404)
    const post = (body: string) =>
      fetch(`http://127.0.0.1:${port}/webhook/whatsapp/batched`, { method: 'POST', body, headers: { 'content-type': 'application/json' } })
    expect((await post('{"key":"79001234567","id":"1","data":"тайна"}')).status).toBe(200)
    expect((await post('{"unknown":1}')).status).toBe(400)
    const { status, type, text } = await scrape(port, 'stats', '/metrics?name=x')
    expect([status, type]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8'])
    expect(text).toContain('rapidfire_messages{queue="salon"} 1\n')
    expect(text).toContain('rapidfire_webhook_messages_total{queue="salon",source="generic",result="added"} 1\n')
    expect(text).toContain('rapidfire_webhook_refused_total{queue="salon",code="UNKNOWN_FORM"} 1\n')
    expect(text).not.toMatch(/79001234567|тайна/)
    await ended(own.process, 'SIGKILL')
    await eventually(async () => (await scrape(port, 'stats')).status === 503)
    expect(await serve.stop()).toBe(0)
  })

  it.each([
    ['everybody when all of its sources are unsigned', ['--unsigned', 'generic'], {}, 200],
    ['nobody when a source has a secret', [], { RAPIDFIRE_SENDER_SECRET: 's' }, 401],
  ])('serve without a token tells %s', async (_, args, env, status) => {
    const serve = await start(['serve', '--port', '0', ...args], { REDIS_URL: server.url, ...env }).ready()
    expect((await scrape(await portOf(serve))).status).toBe(status)
  })

  it('serve does not take the place of what it answers otherwise for its webhook', async () => {
    expect(
      await rapidfire(['serve', '--port', '0', '--unsigned', 'generic', '--path', '/metrics'], { REDIS_URL: server.url }),
    ).toMatchObject({
      code: 2,
      stderr: 'rapidfire: --path must not be /metrics, which is answered otherwise\n',
    })
  })

  it('work and forward tell what they alone know, and ask for the token when they have one', async () => {
    const forward = await start(['forward', 'out', '--health-port', '0'], { REDIS_URL: server.url, RAPIDFIRE_QUEUE: 'salon' }).ready()
    const { status, text } = await scrape(await portOf(forward))
    expect(status).toBe(200)
    expect(text).toContain('rapidfire_workers_healthy{queue="salon"} 1\n')
    expect(text).not.toContain('rapidfire_messages')
    const env = { REDIS_URL: server.url, RAPIDFIRE_STATS_TOKEN: 'stats' }
    const work = await start(['work', '--to', 'stream:out', '--health-port', '0'], env).ready()
    const port = await portOf(work)
    expect([(await scrape(port)).status, (await scrape(port, 'stats')).status]).toEqual([401, 200])
    expect((await scrape(port, undefined, '/healthz')).status).toBe(200)
    expect([await forward.stop(), await work.stop()]).toEqual([0, 0])
  })
})
