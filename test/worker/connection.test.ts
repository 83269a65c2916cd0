import { setImmediate } from 'node:timers/promises'
import { afterEach, expect, it, onTestFinished, vi } from 'vitest'
import { compareClocks, Lane } from '../../src/worker/lane.ts'
import { describeBindings } from '../support/lua.ts'
import { proxyTo } from './proxy.ts'
import { addDue, eventually, gate, useWorkers } from './workers.ts'

afterEach(() => void vi.useRealTimers())

describeBindings('connections', (lua) => {
  const { client, start } = useWorkers(lua)
  const command = () => (lua().mode === 'functions' ? 'fcall' : 'evalsha')
  const hearing = async () => (await lua().redis.pubsub('NUMSUB', `${lua().root}:wake`))[1]
  const errors = (worker: { told: [string, ...any[]][] }) =>
    worker.told.flatMap(([event, error]) => (event === 'error' ? [error.message as string] : []))

  /** From here on time passes in `pass` alone. */
  function holdTime(): void {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance'] })
  }

  /** Lets time pass until `done`, at most `most` ms, with what is on its way arriving in between. */
  async function pass(most: number, done: () => unknown = () => false): Promise<void> {
    for (let time = 0; time < most && !(await done()); time += 100) {
      vi.advanceTimersByTime(100)
      // Enough turns that a busy machine answers what was asked before more time has passed.
      for (let turn = 0; turn < 40; turn += 1) {
        await lua().redis.ping()
        await setImmediate()
      }
    }
  }

  it('a worker whose subscription is cut off says that the connection was lost, in our words', async () => {
    let cuts = 2
    const proxy = await proxyTo(lua().server.url, ({ client: socket, sent }) => {
      if (!sent.includes('subscribe') || cuts === 0) return
      cuts -= 1
      socket.destroy()
    })
    const worker = start(() => {}, {}, client({ redis: proxy.url }))
    await eventually(() => expect(cuts).toBe(0))
    await client().addMessage('ann', 1, { flush: true })
    await eventually(() => expect(worker.told.map(([event]) => event)).toContain('completed'))
    const errors = worker.told.flatMap(([event, error]) => (event === 'error' ? [String(error)] : []))
    expect([...new Set(errors)]).toEqual([`RapidfireError: Redis at ${new URL(proxy.url).host} cannot be used: the connection was lost`])
  })

  it('workers subscribe again when the connection is lost, also when it is lost once more while they do', async () => {
    let cuts = 0
    const proxy = await proxyTo(lua().server.url, ({ client: socket, sent }) => {
      if (cuts !== 1 || !sent.includes('subscribe')) return
      cuts += 1
      socket.destroy()
    })
    const worker = start(() => {}, {}, client({ redis: proxy.url }))
    await eventually(async () => expect(await hearing()).toBe(1))
    cuts = 1
    proxy.cut('subscribe')
    await eventually(() => expect(cuts).toBe(2))
    await eventually(async () => expect(await hearing()).toBe(1))
    await addDue(client(), 1)
    await eventually(() => expect(worker.told.map(([event]) => event)).toContain('completed'))
  })

  it('workers claim on when their connection is lost', async () => {
    const proxy = await proxyTo(lua().server.url)
    const worker = start(() => {}, {}, client({ redis: proxy.url }))
    for (let n = 1; n <= 3; n += 1) {
      proxy.cut('')
      await client().addMessage(`key ${n}`, n, { flush: true })
      await eventually(() => expect(worker.told.filter(([event]) => event === 'completed')).toHaveLength(n))
    }
    await eventually(() => expect(worker.isHealthy()).toBe(true))
  })

  it('workers notice a subscription that is dead without a word, and make it anew', async () => {
    const proxy = await proxyTo(lua().server.url)
    holdTime()
    const worker = start(() => {}, {}, client({ redis: proxy.url }))
    await pass(5000, async () => worker.isHealthy() && (await hearing()) === 1)
    await pass(25_000)
    // Echoes have come back meanwhile.
    expect(errors(worker)).toEqual([])
    proxy.stall('subscribe')
    await pass(15_000, () => errors(worker).length > 0)
    expect(errors(worker)).toEqual(['wake-ups do not arrive: the subscription is made anew'])
    await pass(5000, async () => (await hearing()) === 2)
    await pass(25_000)
    expect(errors(worker)).toHaveLength(1)
    await addDue(client(), 1)
    await pass(300, () => worker.told.length === 2)
    expect(worker.told.at(-1)).toMatchObject(['completed', { attempt: 1 }])
  })

  it('workers notice a connection that is dead without a word, say so, and make it anew', async () => {
    const proxy = await proxyTo(lua().server.url)
    holdTime()
    const worker = start(() => {}, {}, client({ redis: proxy.url }))
    await pass(10_000, () => worker.isHealthy())
    expect(worker.isHealthy()).toBe(true)
    proxy.stall(command())
    await addDue(client(), 1)
    await pass(10_000, () => !worker.isHealthy())
    expect(worker.isHealthy()).toBe(false)
    expect(errors(worker)[0]).toMatch(/^Redis at 127\.0\.0\.1:\d+ cannot be used: Command timed out/)
    await pass(10_000, () => worker.isHealthy() && worker.told.at(-1)?.[0] === 'completed')
    expect(worker.told.at(-1)?.[0]).toBe('completed')
    expect(worker.isHealthy()).toBe(true)
  })

  it('workers wait for an answer that goes on arriving, however long it takes on a slow way', async () => {
    await client().policy({ maxSize: 4 })
    await client().addMessages(Array.from({ length: 4 }, (_, n) => ({ key: 'ann', data: `${n}${'x'.repeat(259_000)}` })))
    holdTime()
    // 1 MB takes 13 s.
    const proxy = await proxyTo(lua().server.url, { slow: 8_000 })
    const handled: [number, number][] = []
    const worker = start((batch) => void handled.push([batch.attempt, batch.messages.length]), {}, client({ redis: proxy.url }))
    await pass(30_000, () => handled.length > 0)
    expect(errors(worker)).toEqual([])
    expect(handled).toEqual([[1, 4]])
    await pass(5000, () => worker.told.length > 0)
    expect(worker.told).toMatchObject([['completed', { attempt: 1 }]])
    // What it has asked for last is on its slow way as well.
    let closed = false
    worker.close().then(() => (closed = true))
    await pass(30_000, () => closed)
    expect(closed).toBe(true)
  })

  it('workers abort the handlers whose leases may have run out while Redis cannot be reached, and say that they are not healthy', async () => {
    await lua().tick(0)
    const proxy = await proxyTo(lua().server.url)
    const signals: AbortSignal[] = []
    const held = gate()
    holdTime()
    await addDue(client(), 1)
    const worker = start(
      (_, { signal }) => {
        signals.push(signal)
        return held.opened
      },
      { lease: 9000, concurrency: 1 },
      client({ redis: proxy.url }),
    )
    await pass(2000, () => signals.length > 0)
    await pass(20_000)
    expect(signals[0]?.aborted).toBe(false)
    proxy.silence()
    const from = performance.now()
    await pass(20_000, () => signals[0]?.aborted)
    expect(signals[0]?.reason.message).toMatch(/^the lease of batch [\d-]+ may have run out/)
    // Redis has kept it for the last time within the third of a lease before.
    expect(performance.now() - from).toBeGreaterThanOrEqual(5900)
    expect(performance.now() - from).toBeLessThanOrEqual(9000)
    expect(worker.isHealthy()).toBe(false)
    await lua().tick(9000)
    const { batches } = await client().claimReady()
    expect(batches).toMatchObject([{ attempt: 2 }])
    proxy.silence(false)
    held.open()
    await pass(30_000, () => worker.told.some(([event]) => event === 'lost'))
    expect(worker.told.filter(([event]) => event !== 'error')).toMatchObject([['lost', { attempt: 1 }]])
    await pass(10_000, () => worker.isHealthy())
    expect(worker.isHealthy()).toBe(true)
  })

  it('workers are healthy again, with all slots in use, when their heartbeat is answered again', async () => {
    const proxy = await proxyTo(lua().server.url)
    const held = gate()
    holdTime()
    await addDue(client(), 1)
    const worker = start(() => held.opened, { lease: 6000, concurrency: 1 }, client({ redis: proxy.url }))
    await pass(2000, () => worker.running === 1)
    proxy.stall(command())
    await pass(10_000, () => !worker.isHealthy())
    expect(worker.isHealthy()).toBe(false)
    await pass(20_000, () => worker.isHealthy())
    expect(worker.isHealthy()).toBe(true)
    expect(worker.running).toBe(1)
    held.open()
    await pass(3000, () => worker.told.at(-1)?.[0] === 'completed')
    expect(worker.told.at(-1)).toMatchObject(['completed', { attempt: 1 }])
  })

  it('workers drop a dead connection once, however many batches could not be told to Redis', async () => {
    const warnings: string[] = []
    const warned = (warning: Error) => warnings.push(warning.message)
    process.on('warning', warned)
    onTestFinished(() => void process.off('warning', warned))
    const proxy = await proxyTo(lua().server.url)
    const held = gate()
    holdTime()
    await addDue(client(), 20)
    const worker = start(() => held.opened, { concurrency: 20 }, client({ redis: proxy.url }))
    await pass(5000, () => worker.running === 20)
    proxy.stall(command())
    held.open()
    await pass(20_000, () => worker.told.filter(([event]) => event === 'completed').length === 20)
    expect(errors(worker).length).toBeGreaterThan(0)
    expect(worker.told.filter(([event]) => event === 'completed')).toHaveLength(20)
    expect(warnings).toEqual([])
  })

  it('workers close in time while Redis can be connected to and never answers', async () => {
    const proxy = await proxyTo(lua().server.url)
    holdTime()
    await addDue(client(), 1)
    const worker = start(() => new Promise(() => {}), {}, client({ redis: proxy.url }))
    await pass(2000, () => worker.running === 1)
    proxy.silence()
    const from = performance.now()
    let closed = false
    worker.close({ timeout: 1000 }).then(() => {
      closed = true
    })
    await pass(60_000, () => closed)
    expect(closed).toBe(true)
    expect(performance.now() - from).toBeLessThanOrEqual(12_000)
  })

  it('workers close in time while Redis does not answer', async () => {
    const proxy = await proxyTo(lua().server.url)
    holdTime()
    await addDue(client(), 1)
    const worker = start(() => new Promise(() => {}), {}, client({ redis: proxy.url }))
    await pass(2000, () => worker.running === 1)
    proxy.stall('')
    let closed = false
    worker.close({ timeout: 1000 }).then(() => {
      closed = true
    })
    await pass(15_000, () => closed)
    expect(closed).toBe(true)
  })
})

it('a worker keeps to the clock of Redis, however late an answer is read', () => {
  // Redis is 1000 ms ahead; the way takes 1 ms.
  const first = compareClocks(Number.NEGATIVE_INFINITY, 1100, 99, 101)
  expect(first).toBe(999)
  // A quicker answer tells more.
  expect(compareClocks(first, 1200, 199.9, 200.2)).toBeCloseTo(999.8)
  // One that was read 300 ms late, since the event loop was blocked, tells nothing new.
  expect(compareClocks(999.8, 1300, 300, 600)).toBe(999.8)
  // The clock of Redis was set back, or forth.
  expect(compareClocks(999.8, 400, 400, 402)).toBe(1)
  expect(compareClocks(999.8, 9500, 500, 501)).toBe(8999)
})

it('a lane looks a trip early, so that it arrives at the deadline', () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setImmediate', 'clearImmediate', 'performance'] })
  const looks: number[] = []
  const lane = new Lane('rapid-fire:{orders}', false, () => looks.push(performance.now()))
  // Redis is 100 000 ms ahead; the way takes 20 ms there and 10 ms back, and once it took longer.
  vi.advanceTimersByTime(30)
  lane.compareClocks(100_020, 0, 30)
  vi.advanceTimersByTime(70)
  lane.compareClocks(100_060, 30, 100)
  lane.lookAt(100_500, 1000)
  vi.advanceTimersByTime(1000)
  expect(looks).toEqual([480])
  // The longest rest counts from here, and needs not be exact.
  lane.lookAt(105_000, 1000)
  vi.advanceTimersByTime(2000)
  expect(looks).toEqual([480, 2100])
})
