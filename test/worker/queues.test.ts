import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Redis, type RedisOptions } from 'ioredis'
import { expect, it, onTestFinished } from 'vitest'
import { rootKey } from '../../src/partitions/roots.ts'
import type { RapidFire } from '../../src/rapidfire.ts'
import type { WorkerOptions } from '../../src/worker/worker.ts'
import { describeBindings } from '../support/lua.ts'
import { proxyTo } from './proxy.ts'
import { eventually, gate, holdTime, ONLY_RESTS, recordCalls, useWorkers } from './workers.ts'

const QUEUES = 20
const names = Array.from({ length: QUEUES }, (_, n) => `queue-${n}`)

describeBindings('many queues in one process', (lua) => {
  const { client, start } = useWorkers(lua)

  /** A worker for each of these queues, by clients that are made of the same. */
  function serve(queues: readonly string[], redis: RedisOptions | Redis | string, options: WorkerOptions = {}, handler = () => {}) {
    return queues.map((queue) => {
      const rapidfire = client({ redis, queue, policy: { wait: 60_000 } })
      return { queue, rapidfire, worker: start(handler, options, rapidfire) }
    })
  }

  /** How this process connects when it goes by this name; each call has an object of its own. */
  const named = (connectionName: string): RedisOptions => {
    const { hostname: host, port, password } = new URL(lua().server.url)
    return { host, port: Number(port), password, connectionName }
  }

  /** Ids of the connections that go by this name. */
  const connections = async (name: string) => {
    const list = String(await lua().redis.client('LIST'))
    return [...list.matchAll(/^id=(\d+) .* name=(\S*) /gm)].filter(([, , each]) => each === name).map(([, id]) => Number(id))
  }

  const watches = async ({ queue, worker }: { queue: string; worker: { id: string } }) =>
    (await lua().redis.hget(rootKey(queue), 'watcher')) === worker.id
  const hears = async ({ queue, worker }: { queue: string; worker: { id: string } }) =>
    (await lua().redis.pubsub('NUMSUB', `${rootKey(queue)}:wake:${worker.id}`))[1] === 1
  const all = async <Each>(of: readonly Each[], holds: (each: Each) => Promise<unknown>) =>
    (await Promise.all(of.map(holds))).every(Boolean)
  const add = (rapidfire: RapidFire<any>, key = 'ann') => rapidfire.addMessage(key, 1, { flush: true })

  it('share three connections, and leave none when the last of them is closed', async () => {
    const served = names.map((queue) => {
      const rapidfire = client({ redis: named('many'), queue })
      return { queue, rapidfire, worker: start(() => {}, {}, rapidfire) }
    })
    await eventually(async () => expect(await all(served, watches)).toBe(true))
    for (const { rapidfire } of served) await add(rapidfire)
    await eventually(() => expect(served.every(({ worker }) => worker.told.length === 1)).toBe(true))
    const before = await connections('many')
    expect(before).toHaveLength(3)
    for (const { rapidfire } of served.slice(1)) await rapidfire.close()
    expect(await connections('many')).toEqual(before)
    const { rapidfire, worker } = served[0] as (typeof served)[0]
    await add(rapidfire, 'bob')
    await eventually(() => expect(worker.told).toHaveLength(2))
    await worker.close()
    await eventually(async () => expect(await connections('many')).toHaveLength(1))
    await add(rapidfire, 'cid')
    await rapidfire.close()
    await eventually(async () => expect(await connections('many')).toEqual([]))
  })

  it.each<[string, (options: RedisOptions) => object]>([
    ['into another database', (options) => ({ redis: { ...options, db: 1 } })],
    ['as another user', (options) => ({ redis: { ...options, username: 'default' } })],
    ['with another prefix', (options) => ({ redis: { ...options, keyPrefix: 'app:' } })],
    ['with another timeout', (options) => ({ redis: options, timeout: 4000 })],
  ])('share nothing with one that connects %s', async (_, other) => {
    const one = client({ redis: named('apart'), queue: 'one' })
    const two = client({ queue: 'two', ...other(named('apart')) })
    for (const rapidfire of [one, two]) await add(rapidfire)
    const workers = [one, two].map((rapidfire) => start(() => {}, {}, rapidfire))
    await eventually(() => expect(workers.every(({ told }) => told.length === 1)).toBe(true))
    expect(await connections('apart')).toHaveLength(6)
  })

  it('share a client of the caller, and never close it', async () => {
    const redis = new Redis(named('mine') as RedisOptions)
    onTestFinished(() => redis.disconnect())
    const served = serve(names.slice(0, 5), redis)
    for (const { rapidfire } of served) await add(rapidfire)
    await eventually(() => expect(served.every(({ worker }) => worker.told.length === 1)).toBe(true))
    expect(await connections('mine')).toHaveLength(3)
    for (const { rapidfire } of served) await rapidfire.close()
    await eventually(async () => expect(await connections('mine')).toHaveLength(1))
    expect(await redis.ping()).toBe('PONG')
  })

  it('let a producer that waits for replicas wait on a connection of its own', async () => {
    const plain = client({ redis: named('wait') })
    const waiting = client({ redis: named('wait'), durability: { replicas: 1, timeout: 60_000 } })
    await plain.version()
    await waiting.version()
    const added = add(waiting).catch(() => {})
    // While Redis waits, nothing else of that connection is answered.
    await eventually(async () => expect(String(await lua().redis.client('LIST'))).toMatch(/flags=b .* cmd=wait /))
    expect((await add(plain, 'bob')).status).toBe('added')
    expect(await connections('wait')).toHaveLength(2)
    await waiting.close({ timeout: 1 })
    await added
    expect((await add(plain, 'cid')).status).toBe('added')
  })

  it('look some seven times in a rest in all, each queue in its turn, and say once for all that they are there', async () => {
    const rest = 1000
    const passUntil = holdTime(lua())
    const recorded = await recordCalls(lua())
    const served = serve(names, named('turns'), { timing: { ...ONLY_RESTS, rest, maintainEvery: 60_000 } })
    await passUntil(() => all(served, watches), 0)
    await passUntil(() => all(served, hears), 0)
    // What each asks when it begins: the layout, of five roots.
    await passUntil(async () => (await recorded.made()).filter(({ name }) => name === 'layout').length >= 5 * QUEUES, 0)
    const before = (await recorded.made()).length
    const since = async () => (await recorded.made()).slice(before)
    const looked = async () => (await since()).filter(({ name }) => name === 'claim_ready').map(({ root }) => root)
    const passed = await passUntil(async () => new Set(await looked()).size === QUEUES && (await looked()).length >= 3 * QUEUES, 100)
    const made = await since()
    const of = (name: string) => made.filter((each) => each.name === name).length
    // Each is looked at once in five rests, or a little before.
    expect(of('claim_ready')).toBeLessThanOrEqual((7.6 * passed) / rest + QUEUES)
    expect(of('present')).toBeLessThanOrEqual(passed / 900 + 2)
    // The layout grows old by the clock of the process, which does not stand still here.
    const others = made.filter(({ name }) => !['claim_ready', 'present', 'layout'].includes(name))
    expect(others.length).toBeLessThanOrEqual((2 * passed) / rest + 10)
    expect(served.every(({ worker }) => worker.isHealthy())).toBe(true)
  })
  // Redis time and the timers stand still: nobody looks because it has rested.
  it('are woken at once, each by what comes into its queue, and nobody else looks', async () => {
    await lua().tick(0)
    const passUntil = holdTime(lua())
    const served = serve(names, named('woken'), { timing: { ...ONLY_RESTS, rest: 100_000 } })
    await passUntil(() => all(served, watches), 0)
    await passUntil(() => all(served, hears), 0)
    const recorded = await recordCalls(lua())
    for (const n of [QUEUES - 1, 0, 17]) {
      const { queue, rapidfire, worker } = served[n] as (typeof served)[0]
      const before = (await recorded.made()).length
      await add(rapidfire)
      await passUntil(() => worker.told.length === 1, 0)
      const made = (await recorded.made()).slice(before).filter(({ name }) => name === 'claim_ready')
      expect(new Set(made.map(({ root }) => root))).toEqual(new Set([rootKey(queue)]))
      expect(made.length).toBeLessThanOrEqual(3)
    }
  })

  it('look at all queues when their connections have been cut', async () => {
    await lua().tick(0)
    const passUntil = holdTime(lua())
    const proxy = await proxyTo(lua().server.url)
    const served = serve(names.slice(0, 10), proxy.url, { timing: { ...ONLY_RESTS, rest: 100_000 } })
    await passUntil(() => all(served, hears), 0)
    const elsewhere = served.map(({ queue }) => client({ queue }))
    proxy.leadTo('redis://127.0.0.1:1')
    proxy.cut('')
    // Nobody hears of them.
    for (const each of elsewhere) await add(each)
    proxy.leadTo(lua().server.url)
    await passUntil(() => served.every(({ worker }) => worker.told.some(([event]) => event === 'completed')), 1)
    await passUntil(() => all(served, hears), 1)
    for (const each of elsewhere) await add(each, 'bob')
    await passUntil(() => served.every(({ worker }) => worker.told.filter(([event]) => event === 'completed').length === 2), 0)
  })

  it('look at all queues when Redis has lost what it knew of them', async () => {
    const passUntil = holdTime(lua())
    await lua().tick(0)
    const served = serve(names.slice(0, 10), named('lost'), { timing: { ...ONLY_RESTS, rest: 1_000_000, present: 100 } })
    await passUntil(() => all(served, watches), 0)
    const present = () => lua().redis.exists(`${rootKey('queue-0')}:watch:present`)
    await passUntil(present, 10)
    for (const { queue } of served) await lua().redis.del(rootKey(queue), `${rootKey(queue)}:watch:present`)
    await passUntil(() => all(served, watches), 10)
  })

  it('go on while one of them closes and Redis does not answer it in time', async () => {
    const proxy = await proxyTo(lua().server.url)
    const held = gate()
    const [one, two] = serve(['queue-1', 'queue-2'], proxy.url, { timing: { leaveWithin: 20 } }, () => held.opened as never) as any[]
    await once(one.worker, 'ready')
    await add(client({ queue: 'queue-2' }))
    await eventually(() => expect(two.worker.running).toBe(1))
    proxy.hold()
    await one.worker.close()
    proxy.letGo()
    held.open()
    await eventually(() => expect(two.worker.told.map(([event]: [string]) => event)).toEqual(['completed']))
    expect(two.worker.isHealthy()).toBe(true)
  })

  it('miss another process that was killed, in each queue that it has watched', async () => {
    const module = fileURLToPath(new URL('../../src/rapidfire.ts', import.meta.url))
    const source = `
      const { RapidFire } = await import(${JSON.stringify(module)})
      for (const queue of ${JSON.stringify(names)}) {
        const rapidfire = new RapidFire({ redis: ${JSON.stringify(lua().server.url)}, queue, binding: ${JSON.stringify(lua().mode)}, load: 'never' })
        const worker = rapidfire.worker(() => {}, { timing: { rest: 100_000 } })
        worker.on('error', () => {})
        worker.run()
      }`
    await client().version()
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', source], {
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    onTestFinished(() => void child.kill('SIGKILL'))
    const known = async () => (await lua().redis.zrange(`${rootKey('queue-0')}:watch:present`, '0', '-1')) as string[]
    await eventually(async () => expect(await known()).toHaveLength(1))
    const [other] = await known()
    const watcher = async (queue: string) => String(await lua().redis.hget(rootKey(queue), 'watcher'))
    await eventually(async () => expect(await all(names, async (queue) => (await watcher(queue)).startsWith(`${other}/`))).toBe(true))
    // They would look by themselves when the test is long over, but for one look each as those that stand by.
    const served = serve(names, named('left'), { timing: { rest: 100_000 } })
    const stands = ({ queue, worker }: (typeof served)[0]) => lua().redis.zscore(`${rootKey(queue)}:watch:standby`, worker.id)
    await eventually(async () => expect(await all(served, stands)).toBe(true))
    const recorded = await recordCalls(lua())
    child.kill('SIGKILL')
    await eventually(async () => expect(await all(served, watches)).toBe(true))
    const left = (await recorded.made()).filter(({ name }) => name === 'leave')
    expect(
      left
        .filter(({ args }) => args[0] === `${other}/`)
        .map(({ root }) => root)
        .sort(),
    ).toEqual(names.map((queue) => rootKey(queue)).sort())
    for (const { rapidfire } of served) await add(rapidfire)
    await eventually(() => expect(served.every(({ worker }) => worker.told.length === 1)).toBe(true))
  })

  it('look within ten seconds where another process that may die watches', async () => {
    await lua().tick(0)
    const passUntil = holdTime(lua())
    for (const queue of names) await lua().redis.hset(rootKey(queue), 'watcher', '~other', 'watchAt', lua().now + 3_600_000)
    const served = serve(names, named('bound'), { timing: { ...ONLY_RESTS, rest: 100_000 } })
    await passUntil(() => all(served, ({ queue, worker }) => lua().redis.zscore(`${rootKey(queue)}:watch:standby`, worker.id)), 0)
    await passUntil(() => all(served, hears), 0)
    const recorded = await recordCalls(lua())
    const looked = async () => new Set((await recorded.made()).filter(({ name }) => name === 'claim_ready').map(({ root }) => root))
    expect(await passUntil(async () => (await looked()).size === QUEUES, 100)).toBeLessThanOrEqual(10_500)
  })
})
