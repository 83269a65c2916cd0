import { Redis } from 'ioredis'
import { afterEach, describe, expect, it } from 'vitest'
import type { Batch } from '../../src/batches/batch.ts'
import { RapidfireError } from '../../src/errors.ts'
import { RapidFire } from '../../src/rapidfire.ts'
import { describeBindings } from '../support/lua.ts'
import { ended, startRedis } from '../support/redis.ts'
import { lacksServer, useClients } from './clients.ts'

describeBindings('connection', (lua) => {
  const client = useClients(lua)
  const place = () => {
    const { hostname, port, password } = new URL(lua().server.url)
    return { host: hostname, port: Number(port), password }
  }

  it('takes ioredis options, keyPrefix included', async () => {
    const rapidfire = client({ redis: { ...place(), keyPrefix: 'app:', enableAutoPipelining: true } })
    await Promise.all([rapidfire.addMessage('ann', 'one', { id: 'a', wait: 1 }), rapidfire.addMessage('ann', 'two')])
    await lua().tick(10_000)
    const handled: Batch[] = []
    await rapidfire.processPendingBatches(async (batch) => {
      handled.push(batch)
      await rapidfire.addMessage('ann', 'behind')
    })
    expect(handled).toMatchObject([{ key: 'ann', messages: [{ data: 'one' }, { data: 'two' }] }])
    const names = Object.keys(await lua().keyspace())
    expect(names).toContain('app:rapid-fire:{orders}:messages:ann')
    expect(names.filter((name) => !name.startsWith('app:rapid-fire:{orders}'))).toEqual(['app:rapid-fire:queues'])
  })

  it.each([{ protocol: 2 }, { protocol: 3 }, { stringNumbers: true }, { db: 3 }])('works with the ioredis options %o', async (options) => {
    const rapidfire = client({ redis: { ...place(), ...options } as object })
    if ('db' in options) {
      const other = new Redis({ ...place(), db: 3 })
      await other.set('test:clock', lua().now)
      other.disconnect()
    }
    expect(await rapidfire.addMessage('ann', 'one', { flush: true })).toEqual({ status: 'added', size: 1 })
    const { now, batches } = await rapidfire.claimReady()
    expect(now).toBe(lua().now)
    expect(batches).toMatchObject([{ key: 'ann', deadline: lua().now, messages: [{ data: 'one', receivedAt: lua().now }] }])
    expect(await rapidfire.extend(batches, 60_000)).toEqual([{ status: 'extended', queued: 0 }])
    expect(await rapidfire.getStats()).toMatchObject({ active: 1, totals: { added: 1 } })
    expect(await rapidfire.peek('ann')).toMatchObject({ count: 1, until: lua().now + 60_000 })
    expect(await rapidfire.policy()).toMatchObject({ wait: 10_000 })
  })

  it('leaves a client of the caller open', async () => {
    const redis = new Redis(lua().server.url)
    const rapidfire = client({ redis })
    await rapidfire.addMessage('ann', 1)
    await rapidfire.close()
    expect(await redis.ping()).toBe('PONG')
    redis.disconnect()
  })

  it('leaves nothing behind at a client of the caller, however many queues it serves, one after the other or at once', async () => {
    const redis = new Redis(lua().server.url)
    const listeners = () => redis.eventNames().reduce((sum, name) => sum + redis.listenerCount(name), 0)
    await client({ redis }).addMessage('ann', 1)
    const before = listeners()
    const many = Array.from({ length: 12 }, (_, n) => client({ redis, queue: `queue-${n}` }))
    await Promise.all(many.map((each) => each.addMessage('ann', 1)))
    await Promise.all(many.map((each) => each.close()))
    for (let n = 0; n < 3; n += 1) {
      const one = client({ redis })
      await one.addMessage('ann', 1)
      await one.close()
    }
    expect(listeners()).toBe(before)
    redis.disconnect()
  })

  it('ends a connection of its own, and only its own', async () => {
    const connected = async () => ((await lua().redis.client('LIST')) as string).trim().split('\n').length
    const before = await connected()
    const rapidfire = client()
    await rapidfire.addMessage('ann', 1)
    expect(await connected()).toBe(before + 1)
    await rapidfire.close()
    expect(await connected()).toBe(before)
  })

  it('waits in close for the calls under way, the first one included', async () => {
    const rapidfire = client()
    const adds = [rapidfire.addMessage('ann', 1), rapidfire.addMessage('ann', 2), rapidfire.peek('ann'), rapidfire.version()]
    await Promise.all([rapidfire.close(), rapidfire.close()])
    expect(await Promise.allSettled(adds)).toMatchObject(Array(4).fill({ status: 'fulfilled' }))
    expect(await lua().redis.llen(`${lua().root}:messages:ann`)).toBe(2)
  })

  it('says CLOSED after close', async () => {
    const rapidfire = client()
    await rapidfire.addMessage('ann', 1, { flush: true })
    const [batch] = (await rapidfire.claimReady()).batches
    if (!batch) throw new Error('nothing was claimed')
    await rapidfire.close()
    const calls = [
      () => rapidfire.addMessage('ann', 1),
      () => rapidfire.addMessages([{ key: 'ann', data: 1 }]),
      () => rapidfire.processPendingBatches(() => {}),
      () => rapidfire.peek('ann'),
      () => rapidfire.getStats(),
      () => rapidfire.policy(),
      () => rapidfire.version(),
      () => rapidfire.claimReady(),
      () => rapidfire.complete(batch),
      () => rapidfire.fail(batch),
      () => rapidfire.extend([batch], 1000),
    ]
    for (const call of calls) await expect(call(), String(call)).rejects.toMatchObject({ name: 'RapidfireError', code: 'CLOSED' })
    await rapidfire.close()
  })

  it('closes a client that has made no call, and at the end of `await using`', async () => {
    await client().close()
    const kept = client()
    {
      await using rapidfire = kept
      await rapidfire.addMessage('ann', 1)
    }
    await expect(kept.getStats()).rejects.toMatchObject({ code: 'CLOSED' })
  })
})

describe.skipIf(lacksServer('servers that cannot be reached'))('a server that cannot be reached', () => {
  const open: RapidFire[] = []
  afterEach(async () => {
    await Promise.all(open.splice(0).map((rapidfire) => rapidfire.close()))
  })

  it.each([
    { retryStrategy: () => null },
    { maxRetriesPerRequest: 0 },
    { maxRetriesPerRequest: 2, retryStrategy: () => 5 },
    { enableOfflineQueue: false },
  ])('is UNAVAILABLE with the ioredis options %o, and close returns', async (options) => {
    const server = await startRedis()
    await server.stop()
    const rapidfire = new RapidFire({ redis: { port: server.port, password: server.password, ...options } })
    open.push(rapidfire)
    for (const call of [
      () => rapidfire.addMessage('ann', 1),
      () => rapidfire.addMessages([{ key: 'ann', data: 1 }]),
      () => rapidfire.getStats(),
      () => rapidfire.processPendingBatches(() => {}),
    ]) {
      await expect(call(), String(call)).rejects.toMatchObject({ name: 'RapidfireError', code: 'UNAVAILABLE', cause: expect.any(Error) })
    }
  })

  it('is UNAVAILABLE when a name is not known', async () => {
    const rapidfire = new RapidFire({ redis: { host: 'no-such-host.invalid', maxRetriesPerRequest: 0 } })
    open.push(rapidfire)
    await expect(rapidfire.getStats()).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  })

  it('is UNAVAILABLE when it does not answer within commandTimeout', async () => {
    const server = await startRedis()
    const redis = new Redis(server.url, { commandTimeout: 1000 })
    const rapidfire = new RapidFire({ redis })
    open.push(rapidfire)
    await rapidfire.addMessage('ann', 1)
    server.process.kill('SIGSTOP')
    await expect(rapidfire.addMessage('ann', 2)).rejects.toMatchObject({ code: 'UNAVAILABLE', message: /timed out/ })
    redis.disconnect()
    await server.stop()
  })

  it('is UNAVAILABLE when it ends under a call', async () => {
    const server = await startRedis()
    const rapidfire = new RapidFire({ redis: { port: server.port, password: server.password, retryStrategy: () => null } })
    open.push(rapidfire)
    await rapidfire.addMessage('ann', 1)
    server.process.kill('SIGSTOP')
    const call = rapidfire.addMessage('ann', 2).catch((error) => error)
    await ended(server.process, 'SIGKILL')
    expect(await call).toBeInstanceOf(RapidfireError)
    expect(await call).toMatchObject({ code: 'UNAVAILABLE' })
    await server.stop()
  })
})
