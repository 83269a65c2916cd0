import * as clock from 'node:timers'
import { setImmediate } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { RefusedMessagesError } from '../../src/errors.ts'
import { CALLS, Gate, sendList } from '../../src/messages/bulk.ts'
import { ListKeys } from '../../src/messages/keys.ts'
import type { Schema } from '../../src/messages/schema.ts'
import type { RapidFire } from '../../src/rapidfire.ts'
import { describeBindings } from '../support/lua.ts'
import { proxyTo } from '../worker/proxy.ts'
import { useClients } from './clients.ts'

const upTo = (count: number) => Array.from({ length: count }, (_, n) => n + 1)
const roomy = { policy: { maxSize: 500, maxBacklog: 100_000 } }

describeBindings('a long list of messages', (lua) => {
  const client = useClients(lua)
  const stored = async (rapidfire: RapidFire<any>, key = 'ann') => (await rapidfire.peek(key, 1000)).messages.map(({ data }) => data)
  const list = (count: number) => upTo(count).map((n) => ({ key: `key ${n}`, data: n, id: 'a' }))

  it.each([1, 4])('is stored whole, with one result for each, over %d partitions', async (partitions) => {
    const rapidfire = client({ policy: { partitions } })
    const results = await rapidfire.addMessages([...list(5000), { key: 'key 1', data: 1, id: 'a' }])
    expect(results).toHaveLength(5001)
    expect(results.slice(0, 5000).every(({ status, size }) => status === 'added' && size === 1)).toBe(true)
    expect(results[5000]).toEqual({ status: 'duplicate', size: 1 })
    expect((await rapidfire.getStats()).messages).toBe(5000)
  })

  it('has few calls under way at once', async () => {
    const call = lua().mode === 'functions' ? /rapidfire_add\r/g : /\r\nevalsha\r/g
    let said = ''
    let before = 0
    let most = 0
    let sent = 0
    // The reply to an add is an array of what is none.
    const answered = () => (said.match(/\*\d+\r\n/g)?.length ?? 0) - before
    const proxy = await proxyTo(lua().server.url, {
      send: (line) => {
        sent = line.sent.match(call)?.length ?? 0
        most = Math.max(most, sent - answered())
      },
      reply: (_, bytes) => {
        said += bytes.toString('latin1')
      },
    })
    const rapidfire = client({ redis: proxy.url })
    await rapidfire.addMessage('warm', 1)
    before = answered() - sent
    most = 0
    const other = list(3000).map((each) => ({ ...each, key: `other ${each.key}` }))
    await Promise.all([rapidfire.addMessages(list(3000)), rapidfire.addMessages(other)])
    expect(sent).toBeGreaterThan(50)
    expect(answered()).toBe(sent)
    expect(most).toBeGreaterThan(1)
    expect(most).toBeLessThanOrEqual(CALLS + 1)
  })

  it('lets others through before it is done', async () => {
    const rapidfire = client()
    await rapidfire.addMessage('warm', 1)
    const done: string[] = []
    const all = rapidfire.addMessages(list(20_000)).then(() => done.push('list'))
    for (let n = 0; n < 5; n += 1) {
      await rapidfire.addMessage('neighbour', n)
      done.push('neighbour')
    }
    await all
    expect(done).toEqual([...Array(5).fill('neighbour'), 'list'])
  })

  it('keeps the order of each key, also with what is added meanwhile, by itself and in other lists', async () => {
    const rapidfire = client(roomy)
    const part = (from: number, count: number) => upTo(count).map((n) => ({ key: n % 4 === 0 ? 'bob' : 'ann', data: from + n }))
    const adds: Promise<unknown>[] = [rapidfire.addMessage('ann', 0), rapidfire.addMessages(part(0, 600)), rapidfire.addMessage('ann', 700)]
    await setImmediate()
    adds.push(rapidfire.addMessages(part(1000, 300)), rapidfire.addMessages(part(2000, 40)), rapidfire.addMessage('ann', 3000))
    await Promise.all(adds)
    const of = (from: number, count: number) => upTo(count).flatMap((n) => (n % 4 === 0 ? [] : [from + n]))
    expect(await stored(rapidfire)).toEqual([0, ...of(0, 600), 700, ...of(1000, 300), ...of(2000, 40), 3000])
  })

  it('keeps it with an asynchronous schema as well', async () => {
    const schema: Schema<number> = { '~standard': { validate: async (value) => ({ value: value as number }) } }
    const rapidfire = client({ schema, ...roomy })
    const adds = [rapidfire.addMessage('ann', 0), rapidfire.addMessages(upTo(500).map((n) => ({ key: 'ann', data: n })))]
    await setImmediate()
    adds.push(rapidfire.addMessage('ann', 501), rapidfire.addMessages([{ key: 'ann', data: 502 }]))
    await Promise.all(adds)
    expect(await stored(rapidfire)).toEqual([0, ...upTo(502)])
  })

  it('is encoded by 256 messages in a turn of the event loop', async () => {
    const rapidfire = client()
    await rapidfire.addMessage('warm', 1)
    const encoding = (count: () => void) => upTo(5000).map((n) => ({ key: `key ${n}`, data: { toJSON: () => count() ?? n } }))
    expect(await mostInOneTurn((count) => rapidfire.addMessages(encoding(count)))).toBeLessThanOrEqual(256)
  })

  it('is sent only when all of it can be', async () => {
    const rapidfire = client()
    const bad = [...list(1000), { key: 'ann', data: undefined }, ...list(1000)]
    await expect(rapidfire.addMessages(bad)).rejects.toMatchObject({ code: 'BAD_DATA' })
    expect((await rapidfire.getStats()).messages).toBe(0)
    expect(await rapidfire.addMessage('key 1', 1)).toEqual({ status: 'added', size: 1 })
  })

  it('tells which messages were refused', async () => {
    const rapidfire = client({ policy: { maxBacklog: 10 } })
    const messages = [...list(400), ...upTo(20).map((n) => ({ key: 'ann', data: n })), ...list(400).map((each) => ({ ...each, id: 'b' }))]
    const error = await rapidfire.addMessages(messages).catch((thrown) => thrown)
    expect(error).toBeInstanceOf(RefusedMessagesError)
    const codes = error.results.map((result: any) => result.code ?? result.size)
    expect(codes.slice(400, 420)).toEqual([...upTo(10), ...Array(10).fill('BACKLOG_FULL')])
    expect([...codes.slice(0, 400), ...codes.slice(420)]).toEqual([...Array(400).fill(1), ...Array(400).fill(2)])
  })

  it('is waited for by close', async () => {
    const rapidfire = client()
    const results = rapidfire.addMessages(list(3000))
    const behind = [rapidfire.addMessage('key 1', 2), rapidfire.addMessages([{ key: 'key 2', data: 2 }])]
    await rapidfire.close()
    expect(await results).toHaveLength(3000)
    expect(await Promise.all(behind)).toMatchObject([{ size: 2 }, [{ size: 2 }]])
    await expect(rapidfire.addMessages(list(3000))).rejects.toMatchObject({ code: 'CLOSED' })
  })

  it('stops at a Redis that hangs, and says what was not sent', async () => {
    const proxy = await proxyTo(lua().server.url)
    const rapidfire = client({ redis: proxy.url, timeout: 1000 })
    await expect.poll(() => rapidfire.addMessage('warm', 1, { id: 'a' }).catch(() => undefined), { timeout: 20_000 }).toBeDefined()
    proxy.silence()
    const error = await rapidfire.addMessages(list(50_000)).catch((thrown) => thrown)
    expect(error).toBeInstanceOf(RefusedMessagesError)
    expect(error.results).toHaveLength(50_000)
    expect(error.results.every(({ code }: any) => code === 'UNAVAILABLE')).toBe(true)
    expect(error.results.filter(({ message }: any) => /stored all the same/.test(message)).length).toBeLessThan(1000)
    expect(error.results[49_999].message).toMatch(/it was not sent$/)
  })
})

/** Sends a list by a way that only notes what it is given. */
async function noted(bytes: readonly number[], rootFor: (n: number) => string, layout = () => 0) {
  const calls: [string, number[]][] = []
  await sendList(
    bytes.map((each, n) => ({ each, n })),
    {
      gate: new Gate(2),
      layout,
      rootFor: ({ n }) => rootFor(n),
      weightOf: ({ each }) => each,
      most: 262_144,
      send: async (root, some) => {
        calls.push([root, some.map(({ n }) => n)])
        return some.map(() => ({ status: 'added', size: 1 }))
      },
      isAway: () => false,
    },
    () => {},
  )
  return calls
}

it('goes in parts of one root each, bounded by what they weigh', async () => {
  const even = (n: number) => (n % 2 === 0 ? 'a' : 'b')
  const calls = await noted(Array(500).fill(2048), even)
  expect(calls.map(([root, some]) => [root, some.length])).toEqual([
    ['a', 112],
    ['b', 112],
    ['a', 112],
    ['b', 112],
    ['a', 26],
    ['b', 26],
  ])
  expect(await noted([100_000, 100_000, 100_000, 1_000_000, 1], () => 'a')).toEqual([
    ['a', [0, 1]],
    ['a', [2]],
    ['a', [3]],
    ['a', [4]],
  ])
})

it('has sent what went by another layout before it goes by a new one', async () => {
  const moved = (n: number) => (n < 3 ? 'old' : 'new')
  let asked = 0
  const calls = await noted(Array(5).fill(1), moved, () => (asked++ > 3 ? 1 : 0))
  expect(calls).toEqual([
    ['old', [0, 1, 2]],
    ['new', [3, 4]],
  ])
})

it('knows its keys before and after it has gone through them, and what it shares with another list', async () => {
  const of = (from: number, to: number) => new ListKeys(Array.from({ length: to - from }, (_, n) => ({ key: `key ${from + n}` })))
  const keys = of(0, 50_000)
  for (const learnt of [0, 20_000, 50_000]) {
    keys.learn(learnt)
    for (const n of [0, 19_999, 20_000, 49_999]) expect(keys.has(`key ${n}`)).toBe(true)
    for (let n = 50_000; n < 50_300; n += 1) expect(keys.has(`key ${n}`)).toBe(false)
  }
  const meet = [keys.meets(of(49_999, 50_300)), keys.meets(of(50_000, 50_300)), of(50_000, 50_300).meets(of(0, 50_000))]
  expect(await Promise.all(meet)).toEqual([true, false, false])
})

/** The most that is done in one turn of the event loop, as far as it is counted. */
async function mostInOneTurn(work: (count: () => void) => Promise<unknown>): Promise<number> {
  let [count, most, running] = [0, 0, true]
  const look = () => {
    most = Math.max(most, count)
    count = 0
    if (running) clock.setImmediate(look)
  }
  look()
  await work(() => (count += 1))
  running = false
  return Math.max(most, count)
}

it('is gone through by 256 messages in a turn of the event loop, however many roots there are', async () => {
  expect(
    await mostInOneTurn((count) =>
      noted(Array(20_000).fill(1), (n) => {
        count()
        return String(n % 1000)
      }),
    ),
  ).toBeLessThanOrEqual(256)
  // Whose keys are looked through for those of another list.
  const counted = (from: number, count: () => void) =>
    new ListKeys(
      Array.from({ length: 20_000 }, (_, n) => ({
        get key() {
          count()
          return `key ${from + n}`
        },
      })),
    )
  // Each is read once to be marked, and once to be known.
  expect(await mostInOneTurn((count) => counted(0, count).meets(counted(20_000, count)))).toBeLessThanOrEqual(2 * 256)
  let read = 0
  const asked = counted(0, () => (read += 1))
  for (let n = 0; n < 10; n += 1) asked.has('none')
  // What is asked before the list was gone through makes some of the marks, and reads what has none.
  expect(read).toBeLessThan(3 * 20_000)
})
