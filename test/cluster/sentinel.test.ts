import { Redis } from 'ioredis'
import { describe, expect, it, onTestFinished } from 'vitest'
import { RapidFire } from '../../src/rapidfire.ts'
import { lacksServer } from '../client/clients.ts'
import { until } from '../support/cluster.ts'
import { TestSentinel } from '../support/sentinel.ts'

const KEYS = ['ann', 'bob', 'cyd', 'dan']

describe.skipIf(lacksServer('a failover by Sentinel'))('when sentinels replace a primary that was killed under load', () => {
  it('what had reached the replicas is handled, in order, and the worker goes on', async () => {
    const sentinel = await TestSentinel.start()
    onTestFinished(() => sentinel.stop())

    const handled: Record<string, number[]> = Object.fromEntries(KEYS.map((key) => [key, []]))
    const consumer = new RapidFire<number>({ redis: sentinel.options, queue: 'orders', policy: { wait: 20, maxWait: 100 } })
    onTestFinished(() => consumer.close())
    const worker = consumer.worker(({ key, messages }) => handled[key]?.push(...messages.map(({ data }) => data)), { lease: 3000 })
    onTestFinished(() => worker.close({ timeout: 0 }))
    const errors: string[] = []
    worker.on('error', (error) => errors.push(error.message)).run()

    const redis = new Redis(sentinel.options)
    const producer = new RapidFire<number>({ redis, queue: 'orders' })
    let connections = 0
    redis.on('error', () => {}).on('close', () => (connections += 1))
    onTestFinished(() => redis.disconnect())
    // WAIT speaks of what its own connection has written, so an answer that came over another one proves nothing.
    const isStored = async (key: string, n: number) => {
      const before = connections
      await producer.addMessage(key, n, { id: `${key} ${n}` })
      const replicas = sentinel.alive.length - 1
      return (await redis.wait(replicas, 500)) >= replicas && connections === before
    }
    const stored: Record<string, number> = Object.fromEntries(KEYS.map((key) => [key, 0]))
    const enough = (count: number) => KEYS.every((key) => (stored[key] as number) >= count)
    let stopped = false
    const produce = async (key: string) => {
      while (!stopped) {
        if (await isStored(key, stored[key] as number).catch(() => false)) stored[key] = (stored[key] as number) + 1
      }
    }
    const producing = KEYS.map(produce)
    onTestFinished(async () => {
      stopped = true
      await Promise.all(producing)
    })

    await until(async () => (enough(30) ? undefined : JSON.stringify(stored)))
    const after = await sentinel.failOver()
    const most = Math.max(...Object.values(stored))
    await until(async () => (enough(most + 30) ? undefined : JSON.stringify(stored)))
    stopped = true
    await Promise.all(producing)

    const all = () => KEYS.map((key) => [...new Set(handled[key])])
    const expected = KEYS.map((key) => Array.from({ length: stored[key] as number }, (_, n) => n))
    await until(async () => {
      const missing = all().map((numbers, n) => (expected[n]?.length ?? 0) - numbers.length)
      return missing.some((count) => count > 0) ? `not handled: ${missing}` : undefined
    })
    // Some may have been stored and handled that nobody was told of; and those were offered again.
    expect(all().map((numbers, n) => numbers.slice(0, expected[n]?.length))).toEqual(expected)
    expect(errors).not.toEqual([])
    await until(async () => (worker.isHealthy() ? undefined : errors.at(-1)))
    expect(await after.redis.fcall_ro('rapidfire_version', 0)).toBe(await producer.version())
  }, 90_000)
})
