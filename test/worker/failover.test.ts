import { Redis } from 'ioredis'
import { describe, expect, it, onTestFinished } from 'vitest'
import { RapidFire } from '../../src/rapidfire.ts'
import { lacksServer } from '../client/clients.ts'
import { startRedis } from '../support/redis.ts'
import { proxyTo } from './proxy.ts'
import { eventually } from './workers.ts'

describe.skipIf(lacksServer('workers at a failover'))('when a replica takes over and the address leads to it', () => {
  it('a worker and a client leave the old primary, which still answers and takes no more writes', async () => {
    const [one, two] = await Promise.all([server(), server()])
    await two.redis.replicaof('127.0.0.1', one.port)
    await eventually(async () => expect(await two.redis.info('replication')).toContain('master_link_status:up'))
    const proxy = await proxyTo(one.url)
    const rapidfire = new RapidFire<number>({ redis: proxy.url, queue: 'orders' })
    onTestFinished(() => rapidfire.close())
    // The connections that a worker makes from a client of the caller's are our own all the same.
    const redis = new Redis(proxy.url)
    redis.on('error', () => {})
    onTestFinished(() => redis.disconnect())
    const worker = new RapidFire<number>({ redis, queue: 'orders' }).worker(() => {})
    onTestFinished(() => worker.close({ timeout: 0 }))
    const completed: string[] = []
    worker.on('error', () => {}).on('completed', (batch) => completed.push(batch.key))
    worker.run()
    await rapidfire.addMessage('ann', 1, { flush: true })
    await eventually(() => expect(completed).toEqual(['ann']))
    await rapidfire.addMessage('bob', 1, { wait: 1500 })
    await eventually(async () => expect(await two.redis.exists('rapid-fire:{orders}:messages:bob')).toBe(1))

    await two.redis.replicaof('NO', 'ONE')
    proxy.leadTo(two.url)
    await one.redis.replicaof('127.0.0.1', two.port)
    await eventually(() => expect(completed).toEqual(['ann', 'bob']))
    await eventually(async () => expect(await rapidfire.addMessage('cid', 1, { flush: true })).toMatchObject({ status: 'added' }))
    await eventually(() => expect(completed).toEqual(['ann', 'bob', 'cid']))
    expect(worker.isHealthy()).toBe(true)
  })

  it('a client that finds nothing but a replica says so and does not try for ever', async () => {
    const [one, two] = await Promise.all([server(), server()])
    await using primary = new RapidFire<number>({ redis: one.url })
    await primary.addMessage('ann', 1)
    await two.redis.replicaof('127.0.0.1', one.port)
    await eventually(async () => expect(await two.redis.info('replication')).toContain('master_link_status:up'))
    await using rapidfire = new RapidFire<number>({ redis: two.url })
    await expect(rapidfire.addMessage('ann', 1)).rejects.toMatchObject({ code: 'UNAVAILABLE', message: /READONLY/ })
    expect(await rapidfire.peek('ann')).toMatchObject({ size: 1 })
  })
})

async function server() {
  const { url, port, stop } = await startRedis(['--repl-diskless-sync-delay', '0'])
  const redis = new Redis(url)
  redis.on('error', () => {})
  onTestFinished(async () => {
    redis.disconnect()
    await stop()
  })
  return { url, port, redis }
}
