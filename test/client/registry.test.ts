import { Redis } from 'ioredis'
import { beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { RapidFire } from '../../src/rapidfire.ts'
import { REGISTRY, Registration } from '../../src/redis/registry.ts'
import { TestCluster } from '../support/cluster.ts'
import { type TestRedis, useRedis } from '../support/redis.ts'
import { lacksServer } from './clients.ts'

let server: TestRedis
beforeAll(async () => {
  server = await useRedis()
})
beforeEach(() => server.redis.flushall())

const registered = () => server.redis.zrange(REGISTRY, '0', '-1')

function client(options: ConstructorParameters<typeof RapidFire>[0] = {}): RapidFire<any> {
  const rapidfire = new RapidFire<any>({ redis: server.url, queue: 'salon', ...options })
  onTestFinished(() => rapidfire.close())
  return rapidfire
}

describe('the registry of queues', () => {
  it('names the queues that messages are added to, or claimed or moved from, once each', async () => {
    await client({ queue: 'чат:b' }).addMessage('ann', 'Hi')
    await client({ queue: 'added' }).addMessages([{ key: 'ann', data: 1 }])
    await client({ queue: 'claimed' }).claimReady()
    await client({ queue: 'moved' }).forward('out')
    await client({ queue: 'added' }).processPendingBatches(() => {})
    expect(await registered()).toEqual(['added', 'claimed', 'moved', 'чат:b'])
  })

  it('names a queue of several partitions once', async () => {
    const rapidfire = client({ policy: { partitions: 4 } })
    await rapidfire.addMessages(['ann', 'bob', 'cyd', 'dan'].map((key) => ({ key, data: 1, flush: true })))
    expect(await rapidfire.processPendingBatches(() => {})).toMatchObject({ completed: 4 })
    expect(await registered()).toEqual(['salon'])
  })

  it('names a queue that has a policy, and none whose policy was refused', async () => {
    await expect(client({ queue: 'refused' }).policy({ wait: 5, maxWait: 4 })).rejects.toMatchObject({ code: 'BAD_POLICY' })
    await client({ queue: 'looked-at' }).policy()
    await client().policy({ wait: 5 })
    await client({ queue: 'given', policy: { wait: 5 } }).getStats()
    expect(await registered()).toEqual(['given', 'salon'])
  })

  it('does not get what is only looked at', async () => {
    const rapidfire = client()
    await rapidfire.version()
    await rapidfire.peek('ann')
    await rapidfire.getStats()
    await rapidfire.dead()
    await rapidfire.check()
    await rapidfire.drop(['1-1'])
    await rapidfire.erase('ann')
    expect(await server.redis.exists(REGISTRY)).toBe(0)
  })

  it('lies where the keys with a prefix lie, and in the same database', async () => {
    const { host, port, password } = server.redis.options
    const redis = { host, port, password, keyPrefix: 'app:', db: 3 } as never
    await client({ redis }).addMessage('ann', 'Hi')
    const other = new Redis(`${server.url}/3`)
    onTestFinished(() => other.disconnect())
    expect((await other.keys('*')).filter((key) => !key.includes('{'))).toEqual([`app:${REGISTRY}`])
    expect(await registered()).toEqual([])
  })

  it('is written to again when there is a new connection, which may be to a server that has lost it', async () => {
    const rapidfire = client()
    await rapidfire.addMessage('ann', 'Hi')
    await server.redis.flushall()
    await rapidfire.addMessage('ann', 'Hi')
    expect(await registered()).toEqual([])
    await server.redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
    await vi.waitFor(async () => {
      await rapidfire.addMessage('ann', 'Hi', { id: '1' })
      expect(await registered()).toEqual(['salon'])
    }, 10_000)
  })

  it('is written to again by workers now and then, since somebody may have deleted it', async () => {
    const rapidfire = client()
    const worker = rapidfire.worker(() => {}, { timing: { maintainEvery: 5 } })
    void worker.run()
    await vi.waitFor(async () => expect(await registered()).toEqual(['salon']), 10_000)
    await server.redis.del(REGISTRY)
    await vi.waitFor(async () => expect(await registered()).toEqual(['salon']), 10_000)
  })

  it.each([
    ['without the right to', ['ACL', 'SETUSER', 'narrow', 'reset', 'on', '>secret', '~rapid-fire:{salon}*', '&*', '+@all']],
    ['where it is a key of another type', ['SET', REGISTRY, 'mine']],
  ])('is passed over in silence %s', async (_, command) => {
    const said = ['log', 'error', 'warn'].map((name) => vi.spyOn(console, name as 'log'))
    onTestFinished(async () => {
      for (const spy of said) spy.mockRestore()
      await server.redis.call('ACL', 'DELUSER', 'narrow')
    })
    const [name, ...args] = command as [string, ...string[]]
    await server.redis.call(name, ...args)
    const redis = name === 'ACL' ? String(Object.assign(new URL(server.url), { username: 'narrow', password: 'secret' })) : server.url
    const rapidfire = client({ redis })
    expect(await rapidfire.addMessage('ann', 'Hi', { flush: true })).toEqual({ status: 'added', size: 1 })
    expect(await rapidfire.processPendingBatches(() => {})).toMatchObject({ completed: 1 })
    expect(await rapidfire.policy({ wait: 5 })).toMatchObject({ wait: 5 })
    expect(said.flatMap(({ mock }) => mock.calls)).toEqual([])
    expect(await server.redis.type(REGISTRY)).toBe(name === 'ACL' ? 'none' : 'string')
  })
})

describe('a registration', () => {
  /** One that gets these answers, one after the other, and how many were asked for. */
  function registrationOf(...answers: (Error | undefined)[]) {
    let sent = 0
    const registration = new Registration('salon', async () => {
      const answer = answers[sent++]
      if (answer) throw answer
    })
    return { registration, sent: () => sent }
  }

  it('is sent once, and again on a new connection', async () => {
    const { registration, sent } = registrationOf()
    await registration.see()
    await registration.see()
    expect(sent()).toBe(1)
    registration.forget()
    await registration.see()
    expect(sent()).toBe(2)
  })

  it('that is under way when the first connection is ready is not sent twice', async () => {
    const { registration, sent } = registrationOf()
    const seen = registration.see()
    registration.forget()
    await registration.see()
    await seen
    expect(sent()).toBe(1)
  })

  it.each([
    [new Error('Connection is closed.'), 2],
    [new Error("OOM command not allowed when used memory > 'maxmemory'."), 2],
    [new Error('NOPERM this user has no permissions'), 1],
    [new Error('WRONGTYPE Operation against a key'), 1],
  ])('that failed with %s was sent %d times after three calls', async (error, times) => {
    const { registration, sent } = registrationOf(error)
    for (let n = 0; n < 3; n += 1) await registration.see()
    expect(sent()).toBe(times)
  })
})

it.skipIf(lacksServer('the registry of a cluster'))('the registry of a cluster is one key on whichever node has it', async () => {
  const cluster = await TestCluster.start({ replicas: 0 })
  onTestFinished(() => cluster.stop())
  const redis = cluster.client()
  onTestFinished(() => redis.disconnect())
  for (const queue of ['one', 'two', 'three']) await client({ redis, queue, policy: { partitions: 3 } }).addMessage('ann', 'Hi')
  expect(await redis.zrange(REGISTRY, '0', '-1')).toEqual(['one', 'three', 'two'])
})
