import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { beforeEach, expect, it, onTestFinished } from 'vitest'
import { partitionOf, rootKey } from '../../src/partitions/roots.ts'
import type { WorkerOptions } from '../../src/worker/worker.ts'
import { describeBindings } from '../support/lua.ts'
import { proxyTo } from './proxy.ts'
import { eventually, gate, holdTime, ONLY_RESTS, recordCalls, useWorkers } from './workers.ts'

// Redis time and the timers stand still: nobody looks because it has rested. The rest is long, since a lane reckons by a clock that goes on.
describeBindings('leaving', (lua) => {
  const { client, start } = useWorkers(lua)
  let passUntil: (holds: () => unknown) => Promise<number>
  beforeEach(async () => {
    await lua().tick(0)
    const pass = holdTime(lua())
    passUntil = (holds) => pass(holds, 0)
  })

  const PARTITIONS = 16
  const roots = Array.from({ length: PARTITIONS }, (_, n) => rootKey('orders', n))
  /** A key of each partition. */
  const keys = roots.map(
    (_, n) => Array.from({ length: 1000 }, (_, m) => `key ${m}`).find((key) => partitionOf(key, PARTITIONS) === n) as string,
  )
  const all = async (holds: (root: string) => Promise<unknown>) => (await Promise.all(roots.map(holds))).every(Boolean)

  /** Two workers with partitions: the first watches all of them, the second stands by. */
  async function two(options: WorkerOptions = {}, handler: () => unknown = () => {}) {
    const rapidfire = client({ policy: { partitions: PARTITIONS, wait: 60_000, maxWait: 60_000 } })
    await rapidfire.getStats()
    const one = start(handler, { timing: { ...ONLY_RESTS, rest: 100_000 }, ...options })
    await passUntil(() => all(async (root) => (await lua().redis.hget(root, 'watcher')) === one.id))
    const other = start(() => {}, { timing: { ...ONLY_RESTS, rest: 100_000 } })
    await passUntil(() => all((root) => lua().redis.zscore(`${root}:watch:standby`, other.id)))
    await passUntil(async () => (await lua().redis.pubsub('NUMSUB', `${lua().root}:wake`))[1] === 2)
    const add = () => rapidfire.addMessages(keys.map((key) => ({ key, data: 1, flush: true })))
    return { rapidfire, one, other, add }
  }

  it.each<[string, (worker: { close(): Promise<void>; pause(): void }) => unknown]>([
    ['closes', (worker) => worker.close()],
    ['pauses', (worker) => worker.pause()],
  ])('a worker that %s hands its watch on, in one call for each partition', async (_, act) => {
    const { one, other, add } = await two()
    const recorded = await recordCalls(lua())
    await act(one)
    await passUntil(() => all(async (root) => (await lua().redis.hget(root, 'watcher')) === other.id))
    await add()
    await passUntil(() => other.told.length === PARTITIONS)
    expect(one.told).toEqual([])
    const made = (await recorded.made()).filter(({ name }) => name === 'leave')
    // And to the root of the queue, where it has said that it is there.
    expect(made.map(({ root }) => root).sort()).toEqual([lua().root, ...roots].sort())
  })

  it('a worker looks at all partitions again when it resumes', async () => {
    const { one, other, add } = await two()
    one.pause()
    await passUntil(() => all(async (root) => (await lua().redis.hget(root, 'watcher')) === other.id))
    one.resume()
    await passUntil(() => all((root) => lua().redis.zscore(`${root}:watch:standby`, one.id)))
    await other.close()
    await add()
    await passUntil(() => one.told.length === PARTITIONS)
  })

  it('a worker that pauses while a claim is on its way hands on the watch that the claim takes', async () => {
    const rapidfire = client()
    const proxy = await proxyTo(lua().server.url)
    const one = start(() => {}, { timing: { ...ONLY_RESTS, rest: 100_000 } }, client({ redis: proxy.url }))
    await once(one, 'ready')
    const other = start(() => {}, { timing: { ...ONLY_RESTS, rest: 100_000 } })
    await passUntil(() => lua().redis.zscore(`${lua().root}:watch:standby`, other.id))
    proxy.hold()
    // It has looked, and does not know what came of it.
    await lua().redis.publish(`${lua().root}:wake:${one.id}`, '0')
    proxy.letGo()
    one.pause()
    await passUntil(async () => (await lua().redis.hget(lua().root, 'watcher')) === other.id)
    await rapidfire.addMessage('ann', 1, { flush: true })
    await passUntil(() => other.told.length === 1)
  })

  it('a worker without a free slot hands on the watch of each partition, once until it has one', async () => {
    const held = gate()
    const { rapidfire, one, other, add } = await two({ concurrency: 1 }, () => held.opened)
    const recorded = await recordCalls(lua())
    await rapidfire.addMessage(keys[0] as string, 'held', { flush: true })
    await passUntil(() => one.running === 1)
    for (let round = 1; round <= 3; round += 1) {
      await add()
      await passUntil(() => other.told.length === round * (PARTITIONS - 1))
    }
    const left = (await recorded.made()).filter(({ name, args }) => name === 'leave' && args[0] === one.id).map(({ root }) => root)
    expect(left.sort()).toEqual(roots.slice(1).sort())
    // It looks again where it was woken, and what has come behind its own batch is handled.
    await other.close()
    held.open()
    await passUntil(() => one.told.length === 1 + 3)
    await add()
    await passUntil(() => one.told.length === 1 + 3 + PARTITIONS)
  })

  it('a worker that is full and alone says so once, and looks when it has a slot', async () => {
    const held = gate()
    const rapidfire = client()
    const worker = start(() => held.opened, { concurrency: 1, timing: { ...ONLY_RESTS, rest: 100_000 } })
    await passUntil(() => lua().redis.hexists(lua().root, 'watchAt'))
    const recorded = await recordCalls(lua())
    for (let n = 1; n <= 4; n += 1) {
      await rapidfire.addMessage(`key ${n}`, n, { flush: true })
      await passUntil(() => worker.running === 1)
    }
    held.open()
    await passUntil(() => worker.told.length === 4)
    // The claim that has filled it has said so already.
    expect((await recorded.made()).filter(({ name }) => name === 'leave')).toEqual([])
  })

  it('a worker that closes lets others look while its handlers still run', async () => {
    const held = gate()
    const { rapidfire, one, other, add } = await two({}, () => held.opened)
    await rapidfire.addMessage(keys[0] as string, 'held', { flush: true })
    await passUntil(() => one.running === 1)
    const closing = one.close()
    await passUntil(() => all(async (root) => (await lua().redis.hget(root, 'watcher')) === other.id))
    await add()
    await passUntil(() => other.told.length === PARTITIONS - 1)
    held.open()
    await closing
    await passUntil(() => other.told.length === PARTITIONS)
  })
})

describeBindings('a killed worker', (lua) => {
  const { client, start } = useWorkers(lua)

  it('a worker that was killed is missed, however many partitions it has watched', async () => {
    const rapidfire = client({ policy: { partitions: 16, wait: 1500, maxWait: 60_000 } })
    await rapidfire.getStats()
    const roots = Array.from({ length: 16 }, (_, n) => rootKey('orders', n))
    const all = async (holds: (root: string) => Promise<unknown>) => (await Promise.all(roots.map(holds))).every(Boolean)
    const module = fileURLToPath(new URL('../../src/rapidfire.ts', import.meta.url))
    const source = `
      const { RapidFire } = await import(${JSON.stringify(module)})
      const rapidfire = new RapidFire({ redis: ${JSON.stringify(lua().server.url)}, queue: 'orders', binding: ${JSON.stringify(lua().mode)}, load: 'never' })
      const worker = rapidfire.worker(() => {}, { timing: { rest: 100_000 } })
      worker.on('error', () => {})
      console.log(worker.id)
      worker.run()`
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', source], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    onTestFinished(() => void child.kill('SIGKILL'))
    const [id] = (await once(child.stdout, 'data')).map((text) => String(text).trim())
    await eventually(async () => expect(await all(async (root) => (await lua().redis.hget(root, 'watcher')) === id)).toBe(true))
    const [killed] = String(id).split('/')
    await eventually(async () => expect(await lua().redis.zscore(`${lua().root}:watch:present`, killed as string)).not.toBeNull())
    // It would look by itself when ten seconds have passed.
    const worker = start(() => {}, { timing: { rest: 100_000 } })
    await eventually(async () => expect(await all((root) => lua().redis.zscore(`${root}:watch:standby`, worker.id))).toBe(true))
    await rapidfire.addMessages(Array.from({ length: 100 }, (_, n) => ({ key: `key ${n}`, data: n })))
    const recorded = await recordCalls(lua())
    child.kill('SIGKILL')
    await eventually(() => expect(worker.told).toHaveLength(100))
    const left = (await recorded.made()).filter(({ name, args }) => name === 'leave' && args[0] === `${killed}/`)
    expect(left.map(({ root }) => root).sort()).toEqual([...roots].sort())
    expect(new Set(worker.told.map(([event]) => event))).toEqual(new Set(['completed']))
  })
})

describeBindings('leaving a Redis that is silent', (lua) => {
  const { client, start } = useWorkers(lua)

  it('a worker that closes waits for it no longer than it was given', async () => {
    const proxy = await proxyTo(lua().server.url)
    const worker = start(() => {}, { timing: { ...ONLY_RESTS, stall: 1e9, leaveWithin: 20 } }, client({ redis: proxy.url }))
    await once(worker, 'ready')
    await eventually(async () => expect((await lua().redis.pubsub('NUMSUB', `${lua().root}:wake`))[1]).toBe(1))
    const recorded = await recordCalls(lua())
    proxy.stall(lua().mode === 'functions' ? 'fcall' : 'evalsha')
    await worker.close()
    expect((await recorded.made()).filter(({ name }) => name === 'leave').length).toBeLessThanOrEqual(1)
  })
})
