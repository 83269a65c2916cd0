import { setTimeout } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { findServer } from '../../cli/demo/private-redis.ts'
import { RapidFire } from '../../src/rapidfire.ts'
import { createWebhook } from '../../src/webhook/index.ts'
import { ended, type PrivateRedis, startRedis } from '../support/redis.ts'
import { post, read, URL } from './webhook.ts'

if (!findServer()) console.warn('skipped: webhook without Redis: no redis-server or valkey-server on PATH to start and to stop')

const message = (n: number) => ({ key: 'ann', id: `wamid.${n}`, data: { text: `message ${n}` } })

// What was written survives the process without fsync.
const PERSISTENT = ['--appendonly', 'yes', '--appendfsync', 'no']

// The client waits for ever by itself: every answer below is owed to the webhook's own limit.
describe.skipIf(!findServer())('a webhook whose client never gives up', () => {
  const open: (() => unknown)[] = []
  afterEach(async () => {
    for (const close of open.splice(0).reverse()) await close()
  })

  async function start() {
    let server = await startRedis(PERSISTENT)
    open.push(() => server.stop())
    const redis = new Redis(server.url, { maxRetriesPerRequest: null, retryStrategy: () => 50 })
    redis.on('error', () => {})
    open.push(() => redis.disconnect())
    const rapidfire = new RapidFire({ redis, queue: 'whatsapp' })
    const webhook = createWebhook<any>(rapidfire, {
      redis,
      unsigned: ['generic'],
      timeout: 300,
      rateLimit: { perConversation: { points: 1_000_000, duration: 60 } },
    })
    return {
      redis,
      rapidfire,
      webhook,
      server,
      kill: () => ended(server.process, 'SIGKILL'),
      restart: async (): Promise<PrivateRedis> => (server = await startRedis(PERSISTENT, server)),
      /** Delivers again and again, as a provider does, until it is answered 200. */
      deliver: async (body: unknown) => {
        for (let attempt = 1; attempt <= 100; attempt += 1) {
          const answer = await read(await webhook(post(body)))
          if (answer.status === 200) return answer.body
          expect(answer.status).toBe(503)
        }
        throw new Error('not stored in 100 attempts')
      },
    }
  }

  const waiting = (redis: Redis) => (redis as unknown as { offlineQueue: { length: number } }).offlineQueue.length

  it('answers 503 while Redis is gone, without piling up, and stores when it is back', async () => {
    const { redis, rapidfire, webhook, kill, restart, deliver } = await start()
    await deliver(message(1))
    await kill()
    for (let n = 2; n < 8; n += 1) {
      const answer = await read(await webhook(post(message(n))))
      expect([answer.status, answer.type, answer.body.code]).toEqual([503, 'application/problem+json', 'UNAVAILABLE'])
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
    }
    const together = await Promise.all(Array.from({ length: 200 }, (_, n) => webhook(post(message(100 + n)))))
    expect(together.every(({ status }) => status === 503)).toBe(true)
    expect((await webhook(new Request(`${URL}/stats`))).status).toBe(503)
    // One message at most, and small probes: one for each request that came after the one before had given up.
    expect(waiting(redis)).toBeLessThan(20)
    await restart()
    expect(await deliver(message(2))).toMatchObject({ added: 1 })
    // It takes many at once again.
    const askTwenty = async () => {
      const answers = await Promise.all(Array.from({ length: 20 }, () => webhook(new Request(`${URL}/stats`))))
      return new Set(answers.map(({ status }) => status))
    }
    await vi.waitFor(async () => expect([...(await askTwenty())]).toEqual([200]), { interval: 2, timeout: 20_000 })
    // What was answered 200 is there, and what was answered 503 and did not come again is not.
    expect((await rapidfire.peek('ann')).messages.map(({ id }) => id)).toEqual(['wamid.1', 'wamid.2'])
  })

  it('answers 503 while Redis hangs, and stores a message once that was answered so and came again', async () => {
    const { rapidfire, webhook, server, deliver } = await start()
    await deliver(message(1))
    server.process.kill('SIGSTOP')
    try {
      for (let n = 0; n < 3; n += 1) expect((await webhook(post(message(2)))).status).toBe(503)
    } finally {
      server.process.kill('SIGCONT')
    }
    await deliver(message(2))
    await deliver(message(3))
    expect((await rapidfire.peek('ann')).messages.map(({ id }) => id)).toEqual(['wamid.1', 'wamid.2', 'wamid.3'])
  })

  it('loses nothing that was answered 200, through kills in the middle of it', async () => {
    const { rapidfire, webhook, kill, restart } = await start()
    const [stored, refused]: [Set<string>, Set<string>] = [new Set(), new Set()]
    let isDone = false
    const sender = async (name: number) => {
      for (let n = 0; !isDone && n < 100_000; n += 1) {
        const body = { key: `key-${n % 50}`, id: `${name}-${n}`, data: n }
        const { status } = await webhook(post(body))
        if (status === 200) stored.add(body.id)
        else {
          refused.add(body.id)
          await setTimeout(1)
        }
      }
    }
    const senders = Array.from({ length: 10 }, (_, name) => sender(name))
    const until = (condition: () => boolean) => vi.waitFor(() => expect(condition()).toBe(true), { interval: 2, timeout: 20_000 })
    for (let round = 0; round < 3; round += 1) {
      const [before, failures] = [stored.size, refused.size]
      await until(() => stored.size > before + 200)
      await kill()
      await until(() => refused.size > failures)
      await restart()
    }
    isDone = true
    await Promise.all(senders)
    const kept = new Set<string | undefined>()
    for (let n = 0; n < 50; n += 1) for (const { id } of (await rapidfire.peek(`key-${n}`, 1000)).messages) kept.add(id)
    expect([...stored].filter((id) => !kept.has(id))).toEqual([])
  })
})
