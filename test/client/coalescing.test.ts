import { expect, it, onTestFinished, vi } from 'vitest'
import { describeBindings } from '../support/lua.ts'
import { calls, useClients } from './clients.ts'

describeBindings('coalescing', (lua) => {
  const client = useClients(lua)

  /** A client that has made its first call, on a server that counts from here on. */
  async function counted() {
    const rapidfire = client()
    await rapidfire.addMessage('warm', 1)
    await lua().redis.config('RESETSTAT')
    return rapidfire
  }

  it('sends the calls of one tick together, each with its own result', async () => {
    const rapidfire = await counted()
    const results = await Promise.all([
      rapidfire.addMessage('ann', 1, { id: 'a' }),
      rapidfire.addMessage('bob', 2, { id: 'b' }),
      rapidfire.addMessage('ann', 3, { id: 'a' }),
      rapidfire.addMessages([
        { key: 'ann', data: 4 },
        { key: 'bob', data: 5 },
      ]),
    ])
    expect(results).toEqual([
      { status: 'added', size: 1 },
      { status: 'added', size: 1 },
      { status: 'duplicate', size: 1 },
      [
        { status: 'added', size: 2 },
        { status: 'added', size: 2 },
      ],
    ])
    expect(await calls(lua())).toBe(1)
    await rapidfire.addMessage('ann', 6)
    await rapidfire.addMessage('ann', 7)
    expect(await calls(lua())).toBe(3)
  })

  it('sends what is added in one turn of the event loop together, whatever has woken its callers', async () => {
    const rapidfire = await counted()
    const add = (n: number) => rapidfire.addMessage(`key ${n}`, n)
    await Promise.all([
      add(1),
      Promise.resolve().then(() => add(2)),
      new Promise<void>((resolve) => process.nextTick(resolve)).then(() => add(3)),
    ])
    expect(await calls(lua())).toBe(1)
  })

  it('sends although the timers of this process are held, as tests of a bot hold them', async () => {
    const rapidfire = await counted()
    vi.useFakeTimers()
    onTestFinished(() => void vi.useRealTimers())
    expect(await rapidfire.addMessage('ann', 1)).toEqual({ status: 'added', size: 1 })
  })

  it('sends the calls of one turn to many partitions in one write, and 32 messages and more in two', async () => {
    const redis = lua().redis.duplicate()
    const rapidfire = client({ redis, policy: { partitions: 16 } })
    const add = (count: number) => Promise.all(Array.from({ length: count }, (_, n) => rapidfire.addMessage(`key ${n}`, n)))
    await add(64)
    const sent = async (count: number) => {
      for (const { mock } of written) mock.calls.length = 0
      await lua().redis.config('RESETSTAT')
      await add(count)
      return [await calls(lua()), ...written.map(({ mock }) => mock.calls.length)]
    }
    const written = [vi.spyOn(redis.stream, '_write'), vi.spyOn(redis.stream as Required<typeof redis.stream>, '_writev')]
    expect(await sent(31)).toEqual([16, 0, 1])
    expect(await sent(64)).toEqual([16, 0, 2])
    await rapidfire.close()
    redis.disconnect()
  })

  it('sends 32 messages and more in two calls, so that Redis works on one while the client works on the other', async () => {
    const rapidfire = await counted()
    const add = (count: number) => Promise.all(Array.from({ length: count }, (_, n) => rapidfire.addMessage(`key ${n}`, n)))
    await add(31)
    expect(await calls(lua())).toBe(1)
    await add(32)
    expect(await calls(lua())).toBe(3)
  })

  it('sends so many messages in one call as it takes: each weighs 2 KiB more than its bytes', async () => {
    const rapidfire = await counted()
    const add = (count: number) => Promise.all(Array.from({ length: count }, (_, n) => rapidfire.addMessage(`key ${n}`, n)))
    await add(240)
    expect(await calls(lua())).toBe(2)
    // Each half needs two.
    await add(260)
    expect(await calls(lua())).toBe(6)
  })

  it('counts options as 3 KiB more', async () => {
    const rapidfire = await counted()
    const add = (count: number) =>
      rapidfire.addMessages(Array.from({ length: count }, (_, n) => ({ key: `key ${n}`, data: n, flush: true })))
    await add(100)
    expect(await calls(lua())).toBe(2)
    await add(104)
    expect(await calls(lua())).toBe(6)
  })

  it('sends at most 256 KiB in one call, unless one message alone is larger', async () => {
    const rapidfire = await counted()
    await rapidfire.policy({ maxMessageBytes: 1_000_000 })
    await lua().redis.config('RESETSTAT')
    const add = (...texts: string[]) => rapidfire.addMessages(texts.map((text) => ({ key: 'a', data: text })))
    const half = 131_072 - 2048 - 3 // the key and two quotes
    await add('x'.repeat(half), 'x'.repeat(half))
    expect(await calls(lua())).toBe(1)
    await add('x'.repeat(half), 'x'.repeat(half + 1))
    expect(await calls(lua())).toBe(3)
    await add('я'.repeat(half / 2), 'я'.repeat(half / 2), 'я')
    expect(await calls(lua())).toBe(5)
    await add('one', 'x'.repeat(500_000), 'three')
    expect(await calls(lua())).toBe(8)
    const stored = await lua().redis.lrange(`${lua().root}:messages:a`, 0, -1)
    expect(stored.map((text) => JSON.parse(text.slice(16)).length)).toEqual([
      half,
      half,
      half,
      half + 1,
      Math.floor(half / 2),
      Math.floor(half / 2),
      1,
      3,
      500_000,
      5,
    ])
  })

  it('keeps the order of a key over ticks and calls', async () => {
    const rapidfire = client({ policy: { maxBacklog: 10_000, maxSize: 500 } })
    const sent: Promise<unknown>[] = []
    for (let n = 0; n < 600; n += 1) {
      sent.push(rapidfire.addMessage('ann', n))
      if (n % 150 === 149) await new Promise((resolve) => setImmediate(resolve))
    }
    await Promise.all(sent)
    expect((await rapidfire.peek('ann', 1000)).messages.map(({ data }) => data)).toEqual(Array.from({ length: 600 }, (_, n) => n))
  })

  it('lets a bad message disturb none of its neighbours', async () => {
    const rapidfire = await counted()
    const results = await Promise.allSettled([
      rapidfire.addMessage('ann', 1),
      rapidfire.addMessage('', 2),
      rapidfire.addMessage('ann', 3, { wait: -1 }),
      rapidfire.addMessage('ann', undefined),
      rapidfire.addMessage('ann', 'x'.repeat(300_000)),
      rapidfire.addMessage('ann', 4, { id: 'x'.repeat(600) }),
      rapidfire.addMessage('ann', 5),
    ])
    expect(results.map((result) => (result.status === 'fulfilled' ? result.value.size : result.reason.code))).toEqual([
      1,
      'BAD_KEY',
      'BAD_ARGUMENT',
      'BAD_DATA',
      'MESSAGE_TOO_LARGE',
      'BAD_ID',
      2,
    ])
    expect((await rapidfire.peek('ann')).messages.map(({ data }) => data)).toEqual([1, 5])
  })

  it('sends the completions of one tick together', async () => {
    const rapidfire = await counted()
    await rapidfire.addMessages(Array.from({ length: 200 }, (_, n) => ({ key: `key ${n}`, data: n })))
    await lua().tick(10_000)
    const batches: Awaited<ReturnType<typeof rapidfire.claimReady>>['batches'] = []
    while (batches.length < 201) batches.push(...(await rapidfire.claimReady({ limit: 1000 })).batches)
    expect(batches).toHaveLength(201)
    await lua().redis.config('RESETSTAT')
    const twice = [...batches, ...batches.slice(0, 1)]
    const results = await Promise.all(twice.map((batch) => rapidfire.complete(batch)))
    expect(results.slice(0, 201).every((result) => result === 'completed')).toBe(true)
    expect(results[201]).toBe('lost')
    // Of each half at most 50 in one call.
    expect(await calls(lua())).toBe(6)
  })
})
