import { Redis } from 'ioredis'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { RapidFire } from '../../src/rapidfire.ts'
import { startRedis } from '../support/redis.ts'
import { lacksServer } from './clients.ts'

async function server(options: string[] = []) {
  const started = await startRedis(['--repl-diskless-sync-delay', '0', ...options])
  const redis = new Redis(started.url)
  onTestFinished(async () => {
    redis.disconnect()
    await started.stop()
  })
  return { url: started.url, port: started.port, redis }
}

async function withoutWaitAof(redis: Redis): Promise<string[]> {
  const [known] = (await redis.call('COMMAND', 'INFO', 'WAITAOF')) as unknown[]
  return known ? ['-waitaof'] : []
}

function client(options: ConstructorParameters<typeof RapidFire<any>>[0]): RapidFire<any> {
  const made = new RapidFire<any>(options)
  onTestFinished(() => made.close())
  return made
}

describe.skipIf(lacksServer('durability'))('durability', () => {
  it('says how many replicas have a message, and waits no longer than it was told', async () => {
    const [one, two] = [await server(), await server()]
    const rapidfire = client({ redis: one.url, durability: { replicas: 1, timeout: 50 } })
    expect(await rapidfire.addMessage('ann', 1)).toEqual({ status: 'added', size: 1, replicas: 0 })
    await two.redis.replicaof('127.0.0.1', one.port)
    await vi.waitFor(async () => expect(await rapidfire.addMessage('bob', 1)).toMatchObject({ replicas: 1 }), 10_000)
    const size = (await rapidfire.peek('bob')).size
    // A replica of Valkey 9 that is being filled says that it has it a moment before it shows it.
    await vi.waitFor(async () => expect(await two.redis.llen('rapid-fire:{default}:messages:bob')).toBe(size), 10_000)
    expect(
      await rapidfire.addMessages([
        { key: 'cid', data: 1, id: '1' },
        { key: 'cid', data: 1, id: '1' },
      ]),
    ).toEqual([
      { status: 'added', size: 1, replicas: 1 },
      { status: 'duplicate', size: 1, replicas: 1 },
    ])
  })

  it('is asked for one message as well', async () => {
    const one = await server()
    const rapidfire = client({ redis: one.url })
    const [plain, safe] = await Promise.all([
      rapidfire.addMessage('ann', 1),
      rapidfire.addMessage('bob', 1, { durability: { replicas: 2, timeout: 1 } }),
    ])
    expect(plain).toEqual({ status: 'added', size: 1 })
    expect(safe).toEqual({ status: 'added', size: 1, replicas: 0 })
    expect(await rapidfire.addMessages([{ key: 'ann', data: 1 }], { durability: { replicas: 1, timeout: 1 } })).toEqual([
      { status: 'added', size: 2, replicas: 0 },
    ])
  })

  it('waits for the append-only file where the server can tell, and elsewhere says that nothing is confirmed', async () => {
    const one = await server(['--appendonly', 'yes'])
    const rapidfire = client({ redis: one.url, durability: { aof: true, timeout: 5000 } })
    const [known] = (await one.redis.call('COMMAND', 'INFO', 'WAITAOF')) as unknown[]
    const aof = Boolean(known)
    expect(await rapidfire.addMessage('ann', 1)).toEqual({ status: 'added', size: 1, aof, replicas: 0 })
    expect(await rapidfire.addMessages([{ key: 'ann', data: 1 }])).toEqual([{ status: 'added', size: 2, aof, replicas: 0 }])
  })

  it('confirms nothing without an append-only file, and stores the message once all the same', async () => {
    const one = await server(['--appendonly', 'no'])
    const rapidfire = client({ redis: one.url, durability: { aof: true, timeout: 50 } })
    for (const size of [1, 2]) {
      expect(await rapidfire.addMessage('ann', 1)).toEqual({ status: 'added', size, aof: false, replicas: 0 })
    }
    expect(await one.redis.llen('rapid-fire:{default}:messages:ann')).toBe(2)
  })

  it.each([{ replicas: 1 }, { aof: true }])('confirms nothing to a user who may not ask: %j', async (durability) => {
    const one = await server()
    await one.redis.call('ACL', 'SETUSER', 'producer', 'on', 'nopass', '~*', '&*', '+@all', '-wait', ...(await withoutWaitAof(one.redis)))
    const rapidfire = client({ redis: one.url.replace('//', '//producer:any@'), durability })
    expect(await rapidfire.addMessage('ann', 1)).toMatchObject({ status: 'added', size: 1, replicas: 0 })
    expect(await rapidfire.addMessage('ann', 1)).toMatchObject({ status: 'added', size: 2, replicas: 0 })
  })

  it.each([
    [{}, 'must name replicas, aof or both'],
    [{ replicas: -1 }, 'durability.replicas must be an integer from 0 to 100, got -1'],
    [{ replicas: 1, timeout: 0 }, 'durability.timeout must be an integer of ms from 1 to 60000, got 0'],
    [{ aof: 1 as unknown as boolean }, 'durability.aof must be true or false, got 1'],
  ])('refuses %j', async (durability, says) => {
    expect(() => new RapidFire({ durability })).toThrow(says)
    const rapidfire = client({ redis: 'redis://127.0.0.1:1' })
    await expect(rapidfire.addMessage('ann', 1, { durability })).rejects.toMatchObject({
      code: 'BAD_OPTION',
      message: expect.stringContaining(says),
    })
  })
})
