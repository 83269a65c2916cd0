import { Redis } from 'ioredis'
import { afterEach, describe, expect, it, onTestFinished } from 'vitest'
import type { RapidFireOptions } from '../../src/options.ts'
import { RapidFire } from '../../src/rapidfire.ts'
import { Room } from '../../src/redis/room.ts'
import { Limit, Term } from '../../src/redis/term.ts'
import { ended, startRedis } from '../support/redis.ts'
import { proxyTo } from '../worker/proxy.ts'
import { lacksServer } from './clients.ts'

/** ms. On a busy machine it may be short even for a Redis that answers: see `eventually`. */
const SHORT = 1000
const LONG = 600_000
const unavailable = { name: 'RapidfireError', code: 'UNAVAILABLE' }

describe.skipIf(lacksServer('servers that hang'))('a Redis that hangs', () => {
  const open: { close(options?: { timeout?: number }): Promise<void> }[] = []
  afterEach(async () => {
    await Promise.all(open.splice(0).map((client) => client.close({ timeout: 0 })))
  })

  function clientOf(options: RapidFireOptions<any>): RapidFire<any> {
    const rapidfire = new RapidFire<any>(options)
    open.push(rapidfire)
    return rapidfire
  }

  /** What a call says once Redis answers in time. */
  async function eventually<Result>(call: () => Promise<Result>): Promise<Result> {
    let result: Result | undefined
    const answers = async () => {
      result = await call()
      return true
    }
    await expect
      .poll(() => answers().catch((error) => (error.code === 'UNAVAILABLE' ? false : Promise.reject(error))), { timeout: 20_000 })
      .toBe(true)
    return result as Result
  }

  /** A server that stops and goes on, and a client that has talked to it. */
  async function hanging(options: RapidFireOptions<any> = {}) {
    const server = await startRedis()
    onTestFinished(() => server.stop())
    const rapidfire = clientOf({ redis: server.url, timeout: SHORT, ...options })
    await eventually(() => rapidfire.addMessage('ann', 0, { id: '0', flush: true }))
    return {
      server,
      rapidfire,
      hang: () => server.process.kill('SIGSTOP'),
      goOn: () => server.process.kill('SIGCONT'),
    }
  }

  /** The data of ann's messages. */
  async function stored(rapidfire: RapidFire<any>): Promise<unknown[]> {
    const { messages } = await eventually(() => rapidfire.peek('ann', 1000))
    return messages.map(({ data }) => data)
  }

  it('keeps no call waiting for longer than `timeout`, and is used again when it goes on', async () => {
    const { rapidfire, hang, goOn } = await hanging()
    const [batch] = (await eventually(() => rapidfire.claimReady({ lease: LONG }))).batches
    if (!batch) throw new Error('nothing was claimed')
    hang()
    const calls = [
      () => rapidfire.addMessage('ann', 1, { id: '1' }),
      () => rapidfire.addMessage('bob', 1),
      () => rapidfire.addMessages([{ key: 'cyd', data: 1, id: '1' }]),
      () => rapidfire.peek('ann'),
      () => rapidfire.getStats(),
      () => rapidfire.policy({ wait: 5000 }),
      () => rapidfire.version(),
      () => rapidfire.claimReady(),
      () => rapidfire.complete(batch),
      () => rapidfire.dead(),
      () => rapidfire.check(),
      () => rapidfire.processPendingBatches(() => {}),
    ]
    const settled = await Promise.allSettled(calls.map((call) => call()))
    for (const [n, call] of calls.entries()) expect(settled[n], String(call)).toMatchObject({ status: 'rejected', reason: unavailable })
    goOn()
    const held = await stored(rapidfire)
    // What Redis has got before it stopped, it does when it goes on: the batch may be completed, and the message stored.
    await eventually(() => rapidfire.addMessage('ann', 1, { id: '1' }))
    expect((await stored(rapidfire)).filter((data) => data !== 0)).toEqual([1])
    expect(held.filter((data) => data !== 0 && data !== 1)).toEqual([])
    expect((await eventually(() => rapidfire.check())).violations).toEqual([])
  })

  it('is said to have perhaps stored what was sent, and not to have got what was not', async () => {
    const { rapidfire, hang } = await hanging()
    hang()
    const sent = rapidfire.addMessage('bob', 1, { id: '1' })
    // Its turn comes when the one before it has come back.
    const behind = new Promise((resolve, reject) => setImmediate(() => rapidfire.addMessage('bob', 2, { id: '2' }).then(resolve, reject)))
    await expect(sent).rejects.toMatchObject({ ...unavailable, command: 'rapidfire_add', message: /it may have been stored all the same$/ })
    await expect(behind).rejects.toMatchObject({ ...unavailable, command: 'rapidfire_add', message: /^(?!.*may have been stored)/ })
  })

  it('gets nothing later of what has failed, and all else in its order', async () => {
    const { rapidfire, hang, goOn } = await hanging()
    hang()
    const failed = Array.from({ length: 300 }, (_, n) => rapidfire.addMessage('ann', n + 1, { id: String(n + 1) }))
    const results = await Promise.allSettled(failed)
    expect(results.every(({ status }) => status === 'rejected')).toBe(true)
    const unsent = results.flatMap((result, n) =>
      result.status === 'rejected' && !/may have been stored/.test(result.reason.message) ? [n + 1] : [],
    )
    expect(unsent.length).toBeGreaterThan(0)
    goOn()
    const held = await stored(rapidfire)
    expect(held.filter((data) => unsent.includes(data as number))).toEqual([])
    expect(held).toEqual([...held].sort((a, b) => Number(a) - Number(b)))
    await eventually(() => rapidfire.addMessage('ann', 999, { id: '999' }))
    expect(await stored(rapidfire)).toEqual([...held, 999])
  })

  it('makes at most 64 MB wait: what comes then is OVERLOADED at once, and taken again afterwards', async () => {
    const { rapidfire, hang, goOn } = await hanging({ timeout: LONG, policy: { maxMessageBytes: 1_048_576, maxBacklog: 1000 } })
    hang()
    const data = 'x'.repeat(1024 * 1024 - 2)
    const waiting: Promise<unknown>[] = Array.from({ length: 64 }, (_, n) => rapidfire.addMessage(`key ${n}`, data, { id: 'a' }))
    const overloaded = {
      name: 'RapidfireError',
      code: 'OVERLOADED',
      message: /bytes of calls wait for Redis already: this one was not sent/,
    }
    await expect(rapidfire.addMessage('bob', 1, { id: 'b' })).rejects.toMatchObject(overloaded)
    await expect(rapidfire.addMessages([{ key: 'bob', data: 1 }])).rejects.toMatchObject(overloaded)
    await expect(rapidfire.getStats()).rejects.toMatchObject(overloaded)
    goOn()
    expect(await Promise.all(waiting)).toHaveLength(64)
    expect(await rapidfire.addMessage('bob', 1, { id: 'b' })).toEqual({ status: 'added', size: 1 })
  })

  it.each([undefined, { timeout: 50 }])('does not keep close(%o) waiting', async (options) => {
    const { rapidfire, hang } = await hanging({ timeout: options ? LONG : SHORT })
    hang()
    const calls = [rapidfire.addMessage('bob', 1, { id: '1' }), rapidfire.addMessage('bob', 2), rapidfire.peek('ann')]
    const settled = Promise.allSettled(calls)
    await rapidfire.close(options)
    expect(await settled).toMatchObject(Array(3).fill({ status: 'rejected', reason: unavailable }))
    await expect(rapidfire.addMessage('bob', 3)).rejects.toMatchObject({ code: 'CLOSED' })
  })

  it('does not keep close({ timeout }) waiting on a client of the caller either', async () => {
    const { server, hang } = await hanging()
    const redis = new Redis(server.url)
    onTestFinished(() => redis.disconnect())
    const rapidfire = clientOf({ redis })
    await rapidfire.addMessage('ann', 1, { id: '1' })
    hang()
    const call = rapidfire.addMessage('ann', 2)
    await rapidfire.close({ timeout: 50 })
    redis.disconnect()
    await expect(call).rejects.toMatchObject(unavailable)
  })

  it('waits in close({ timeout }) for what is answered in time', async () => {
    const { rapidfire } = await hanging({ timeout: LONG })
    const call = rapidfire.addMessage('ann', 1)
    await rapidfire.close({ timeout: LONG })
    expect(await call).toMatchObject({ status: 'added' })
    await expect(rapidfire.close({ timeout: -1 })).rejects.toMatchObject({ code: 'BAD_OPTION' })
  })

  it('may die: calls settle, and go on with the one that comes in its place', async () => {
    const { server, rapidfire, hang } = await hanging()
    hang()
    const under = rapidfire.addMessage('bob', 1, { id: '1' })
    await ended(server.process, 'SIGKILL')
    await expect(under).rejects.toMatchObject({ ...unavailable, message: /stored all the same$/ })
    await expect(rapidfire.addMessage('bob', 2, { id: '2' })).rejects.toMatchObject(unavailable)
    const next = await startRedis([], { port: server.port })
    onTestFinished(() => next.stop())
    expect(await stored(rapidfire)).toEqual([])
    expect(await eventually(() => rapidfire.addMessage('bob', 1, { id: '1' }))).toMatchObject({ size: 1 })
  })

  it('may hang behind something that swallows what is sent', async () => {
    const { server } = await hanging()
    const proxy = await proxyTo(server.url)
    const rapidfire = clientOf({ redis: proxy.url, timeout: SHORT })
    await eventually(() => rapidfire.addMessage('ann', 1, { id: '1' }))
    proxy.silence()
    await expect(rapidfire.addMessage('ann', 2, { id: '2' })).rejects.toMatchObject(unavailable)
    await expect(rapidfire.addMessage('ann', 3)).rejects.toMatchObject(unavailable)
    proxy.silence(false)
    proxy.cut('')
    expect(await stored(rapidfire)).toEqual([0, 1])
    expect(await eventually(() => rapidfire.addMessage('ann', 2, { id: '2' }))).toMatchObject({ size: 3 })
  })

  it('may hang while its keys are walked', async () => {
    const { server } = await hanging()
    const proxy = await proxyTo(server.url, ({ sent }) => {
      if (sent.includes('scan')) proxy.silence()
    })
    const rapidfire = clientOf({ redis: proxy.url, timeout: SHORT })
    await expect(rapidfire.check()).rejects.toMatchObject(unavailable)
  })

  it('may be away, or silent, from the beginning', async () => {
    const { server, hang, goOn } = await hanging()
    hang()
    const rapidfire = clientOf({ redis: server.url, timeout: SHORT })
    const calls = [rapidfire.addMessage('ann', 1, { id: '1' }), rapidfire.addMessage('ann', 2), rapidfire.getStats()]
    expect(await Promise.allSettled(calls)).toMatchObject(Array(3).fill({ reason: { ...unavailable, message: /^(?!.*may have been)/ } }))
    goOn()
    expect(await stored(rapidfire)).toEqual([0])
    await server.stop()
    const other = clientOf({ redis: server.url, timeout: SHORT })
    await expect(other.addMessage('ann', 1)).rejects.toMatchObject({ ...unavailable, message: /ECONNREFUSED/ })
    await other.close()
  })

  it('is given the time that waiting for replicas takes besides', async () => {
    const { rapidfire } = await hanging()
    const durability = { replicas: 1, timeout: SHORT + 500 }
    expect(await eventually(() => rapidfire.addMessage('ann', 1, { id: '1', durability }))).toMatchObject({ replicas: 0 })
  })
})

it('counts what waits, lets in the last one as a whole, and takes more when some has come back', () => {
  const room = new Room(1000)
  room.check()
  room.hold(999)
  room.check()
  room.hold(5000)
  expect(() => room.check()).toThrow(expect.objectContaining({ code: 'OVERLOADED' }))
  room.free(5000)
  room.check()
})

it('adds the longest wait for replicas to the time of a call', () => {
  const limit = new Limit(1000)
  for (const ms of [100, 300, 200]) limit.allow(ms)
  expect(limit.ms).toBe(1300)
})

it('ends a term at its time and not before, and hears what has come by then', async () => {
  const term = new Term(5)
  const late = new Error('late')
  await expect(
    term.within(
      () => new Promise(() => {}),
      () => late,
    ),
  ).rejects.toBe(late)
  expect(performance.now()).toBeGreaterThanOrEqual(term.until)
  expect(term.over).toBe(true)
  const blocked = new Term(1)
  const heard = blocked.within(
    () => new Promise((resolve) => setImmediate(resolve, 'heard')),
    () => late,
  )
  const until = performance.now() + 20
  while (performance.now() < until);
  expect(await heard).toBe('heard')
})
