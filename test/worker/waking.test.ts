import { once } from 'node:events'
import { setImmediate } from 'node:timers/promises'
import { beforeEach, expect, it } from 'vitest'
import type { RapidFire } from '../../src/rapidfire.ts'
import { userWithout } from '../lua/users.ts'
import { urlOf } from '../support/acl.ts'
import { describeBindings } from '../support/lua.ts'
import { proxyTo } from './proxy.ts'
import { addDue, eventually, gate, holdTime, ONLY_RESTS, recordCalls, useWorkers } from './workers.ts'

// Redis time and the timers stand still: what a worker does then it does because it was woken, and not because a second has passed.
describeBindings('waking', (lua) => {
  const { client, start } = useWorkers(lua)
  let passUntil: ReturnType<typeof holdTime>
  beforeEach(async () => {
    await lua().tick(0)
    passUntil = holdTime(lua())
  })

  /** Lets the world go on until `done`, and time by no more than `ms`. */
  async function proceed(done: () => unknown, ms = 0): Promise<void> {
    if (ms > 0) await lua().tick(ms)
    let left = ms
    await passUntil(done, () => (left-- > 0 ? 1 : 0))
  }

  /** Until so many workers hear wake-ups, and one of them watches. */
  const settle = (workers: number, prefix = '') =>
    proceed(async () => {
      const [, hearing] = await lua().redis.pubsub('NUMSUB', `${prefix}${lua().root}:wake`)
      return hearing === workers && (await lua().redis.hexists(`${prefix}${lua().root}`, 'watchAt'))
    })

  it.each<[string, number, (rapidfire: RapidFire<any>) => Promise<unknown>]>([
    ['a flush', 0, (rapidfire) => rapidfire.addMessage('ann', 2, { flush: true })],
    ['a full batch', 0, (rapidfire) => rapidfire.addMessages(Array.from({ length: 9 }, () => ({ key: 'ann', data: 2 })))],
    ['a shorter wait', 60, (rapidfire) => rapidfire.addMessage('ann', 2, { wait: 60 })],
    ['a shorter maxWait', 60, (rapidfire) => rapidfire.addMessage('ann', 2, { maxWait: 60 })],
    ['a smaller size', 0, (rapidfire) => rapidfire.addMessage('ann', 2, { maxSize: 2 })],
  ])('an idle worker is woken early by %s', async (_, ms, act) => {
    const rapidfire = client()
    await rapidfire.addMessage('ann', 1)
    const worker = start(() => {})
    await settle(1)
    await act(rapidfire)
    await proceed(() => worker.told.length > 0, ms)
    expect(worker.told).toMatchObject([['completed', { key: 'ann', attempt: 1 }]])
  })

  it('an idle worker is woken early by a dead batch that is put back', async () => {
    const rapidfire = client()
    await rapidfire.addMessage('ann', 1, { flush: true })
    expect(await rapidfire.processPendingBatches(() => Promise.reject(new Error('down')), { attempts: 1 })).toMatchObject({ dead: 1 })
    const worker = start(() => {})
    await settle(1)
    await rapidfire.requeue((await rapidfire.dead()).map(({ id }) => id))
    await proceed(() => worker.told.length > 0)
    expect(worker.told).toMatchObject([['completed', { key: 'ann', attempt: 1 }]])
  })

  it('an idle worker is woken early by what is ready behind a batch that somebody completes, or gives back', async () => {
    const rapidfire = client()
    await rapidfire.addMessages(['ann', 'bob'].map((key) => ({ key, data: 1, flush: true })))
    const { batches } = await rapidfire.claimReady()
    const worker = start(() => {})
    await settle(1)
    await rapidfire.addMessage('ann', 2, { flush: true })
    for (const batch of batches) await (batch.key === 'ann' ? rapidfire.complete(batch) : rapidfire.fail(batch, { delay: 0 }))
    await proceed(() => worker.told.length === 2)
    expect(new Map(worker.told.map(([, { key, attempt }]) => [key, attempt]))).toEqual(
      new Map([
        ['ann', 1],
        ['bob', 2],
      ]),
    )
  })

  it('a worker handles what has arrived behind its own batch at once', async () => {
    const rapidfire = client()
    const worker = start(async (batch) => {
      if (batch.messages[0]?.data !== 3) await rapidfire.addMessage('ann', (batch.messages[0]?.data as number) + 1, { flush: true })
    })
    await settle(1)
    await rapidfire.addMessage('ann', 1, { flush: true })
    await proceed(() => worker.told.length === 3)
    expect(worker.told.map(([event, batch]) => [event, batch.messages[0].data])).toEqual([1, 2, 3].map((data) => ['completed', data]))
  })

  it('a worker hears wake-ups with a key prefix', async () => {
    const { hostname: host, port, password } = new URL(lua().server.url)
    const from = () => client({ redis: { host, port: Number(port), password, keyPrefix: 'app:' } })
    const worker = start(() => {}, {}, from())
    await settle(1, 'app:')
    await from().addMessage('ann', 1, { flush: true })
    await proceed(() => worker.told.length > 0)
  })

  it('a worker hands the watch on while it has no free slot', async () => {
    const rapidfire = client()
    const held = gate()
    const full = start(() => held.opened, { concurrency: 1 })
    await settle(1)
    const other = start(() => {})
    await settle(2)
    await proceed(() => lua().redis.exists(`${lua().root}:watch:standby`))
    await rapidfire.addMessage('ann', 1, { flush: true })
    await proceed(() => full.running === 1)
    await rapidfire.addMessage('bob', 1, { flush: true })
    await proceed(() => other.told.length === 1)
    held.open()
    await proceed(() => full.told.length === 1)
  })

  it('a message that is due wakes one of many workers, not all of them', async () => {
    const rapidfire = client()
    const workers = Array.from({ length: 10 }, () => start(() => {}))
    await settle(10)
    const calls = await recordCalls(lua())
    const batches = 30
    for (let n = 1; n <= batches; n += 1) {
      await rapidfire.addMessage(`key ${n}`, n, { flush: true })
      await proceed(() => workers.flatMap((worker) => worker.told).length === n)
    }
    expect(new Set(workers.flatMap((worker) => worker.told.map(([event]) => event)))).toEqual(new Set(['completed']))
    const claims = (await calls.made()).filter(({ name }) => name === 'claim_ready')
    expect(claims.length).toBeGreaterThanOrEqual(batches)
    expect(claims.length).toBeLessThanOrEqual(3 * batches)
  })
})

describeBindings('one of many that stand by', (lua) => {
  const { client, start } = useWorkers(lua)
  const rest = 1000
  let passUntil: ReturnType<typeof holdTime>

  /** So many stand by that another one is to look once in ten rests. */
  beforeEach(async () => {
    passUntil = holdTime(lua())
    await lua().tick(0)
    const later = lua().now + 3_600_000
    await lua().redis.hset(lua().root, 'watcher', '~w', 'watchAt', later)
    await lua().redis.zadd(`${lua().root}:watch:standby`, ...Array.from({ length: 80 }, (_, n) => [later, `~w${n}`]).flat())
  })

  const standsBy = (id: string) => passUntil(() => lua().redis.zscore(`${lua().root}:watch:standby`, id), 0)
  const hearing = async () => (await lua().redis.pubsub('NUMSUB', `${lua().root}:wake`))[1]

  /** A worker that has looked, and how much passes until it has looked so many times more. */
  async function looking(redis = lua().server.url) {
    const worker = start(() => {}, { timing: { ...ONLY_RESTS, rest } }, client({ redis }))
    await standsBy(worker.id)
    const calls = await recordCalls(lua())
    const looks = async () => (await calls.made()).filter(({ name }) => name === 'claim_ready').length
    return { worker, until: (more: number) => passUntil(async () => (await looks()) >= more, 50) }
  }

  it('looks the more seldom the more they are', async () => {
    const { until } = await looking()
    await passUntil(async () => (await hearing()) === 1, 0)
    expect(await until(1)).toBeGreaterThanOrEqual(8 * rest)
    expect(await until(2)).toBeGreaterThanOrEqual(7 * rest)
  })

  it('looks once in a rest when nobody can wake it', async () => {
    const deaf = await userWithout(lua(), 'subscribe')
    const { until } = await looking(urlOf(lua().server.url, deaf.redis.options.username as string, 'none'))
    expect(await until(3)).toBeLessThan(6 * rest)
  })

  it('looks within a rest when the connection is lost by which it would be woken, and says that Redis is away', async () => {
    const proxy = await proxyTo(lua().server.url)
    const { worker } = await looking(proxy.url)
    await passUntil(async () => (await hearing()) === 1, 0)
    proxy.leadTo('redis://127.0.0.1:1')
    proxy.cut('')
    await passUntil(async () => (await hearing()) === 0, 0)
    expect(await passUntil(() => !worker.isHealthy(), 20)).toBeLessThan(5 * rest)
  })
})

describeBindings('many workers', (lua) => {
  const { client, start } = useWorkers(lua)

  it.each([1, 2])('workers make four calls for a batch, however many of them have %d slots', async (concurrency) => {
    const passUntil = holdTime(lua())
    await lua().tick(0)
    const count = 40
    const rapidfire = client()
    const workers = Array.from({ length: count }, () => start(() => {}, { concurrency, timing: ONLY_RESTS }, rapidfire))
    const stands = async () => Number(await lua().redis.zcard(`${lua().root}:watch:standby`)) === count - 1
    await passUntil(stands, 0)
    // They share a connection.
    const hears = async ({ id }: { id: string }) => (await lua().redis.pubsub('NUMSUB', `${lua().root}:wake:${id}`))[1] === 1
    await passUntil(async () => (await Promise.all(workers.map(hears))).every(Boolean), 0)
    const recorded = await recordCalls(lua())
    const batches = 30
    const done = () => workers.flatMap((worker) => worker.told).length
    for (let n = 1; n <= batches; n += 1) {
      await rapidfire.addMessage(`key ${n}`, n, { flush: true })
      await passUntil(async () => done() === n && (await stands()), 0)
    }
    // Each asks for the layout when it begins; the last look at which they have begun may be among the claims.
    const made = (await recorded.made()).filter(({ name }) => name !== 'layout')
    expect(made.filter(({ name }) => name === 'complete')).toHaveLength(batches)
    expect(made.length).toBeLessThanOrEqual(4 * batches + count / 4)
  })

  it('workers send about a command in a rest each, however many keys are open', async () => {
    const rapidfire = client()
    await rapidfire.policy({ wait: 600_000, maxWait: 600_000 })
    await rapidfire.addMessages(Array.from({ length: 2000 }, (_, n) => ({ key: `key ${n}`, data: n })))
    const processed = async () => {
      const stats = await lua().redis.info('commandstats')
      const counted = [...stats.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)]
      return new Map(counted.map(([, name, calls]) => [name as string, Number(calls)]))
    }
    const layouts = async () => (await processed()).get('zcard') ?? 0
    const asked = await layouts()
    const rest = 1000
    const passUntil = holdTime(lua())
    const workers = Array.from({ length: 3 }, () => start(() => {}, { timing: { ...ONLY_RESTS, rest } }))
    await passUntil(async () => (await lua().redis.pubsub('NUMSUB', `${lua().root}:wake`))[1] === 3)
    // Each asks five roots for the layout when it begins.
    await passUntil(async () => (await layouts()) >= asked + 3 * 2 * 5)
    const before = await processed()
    const name = lua().mode === 'functions' ? 'fcall' : 'evalsha'
    const sent = (now: Map<string, number>, command: string) => (now.get(command) ?? 0) - (before.get(command) ?? 0)
    const passed = await passUntil(async () => sent(await processed(), name) >= 30, 50)
    const after = await processed()
    // None of them looks before it has rested; one or two calls of each may have been on their way.
    expect(sent(after, name)).toBeLessThanOrEqual(3 * (Math.floor(passed / rest) + 2))
    // Not one look at a key among them.
    expect(sent(after, 'lrange')).toBe(0)
    for (const other of ['ping', 'subscribe', 'eval', 'blpop', 'bzpopmin']) expect([other, sent(after, other)]).toEqual([other, 0])
    // Each asks for one echo when it has subscribed.
    expect(sent(after, 'publish')).toBeLessThanOrEqual(3)
    expect(workers.every((worker) => worker.isHealthy())).toBe(true)
  })

  it('workers share out what is due, each batch once', async () => {
    const handled: string[] = []
    const workers = Array.from({ length: 10 }, () =>
      start(
        async (batch) => {
          handled.push(batch.key)
          await setImmediate()
        },
        { concurrency: 3 },
      ),
    )
    await addDue(client(), 500)
    await eventually(() => expect(workers.flatMap((worker) => worker.told)).toHaveLength(500))
    expect(new Set(handled).size).toBe(500)
    expect(handled).toHaveLength(500)
  })

  it('workers go on when one of them is closed', async () => {
    const first = start(() => {})
    await eventually(async () => expect(await lua().redis.hget(lua().root, 'watcher')).toBe(first.id))
    const second = start(() => {})
    await first.close()
    await client().addMessage('ann', 1, { flush: true })
    await once(second, 'completed')
  })
})
