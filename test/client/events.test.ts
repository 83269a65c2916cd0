import { beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import type { QueueEvent } from '../../src/history/entry.ts'
import type { Policy } from '../../src/options.ts'
import { RapidFire } from '../../src/rapidfire.ts'
import { type TestRedis, useRedis } from '../support/redis.ts'

let server: TestRedis
beforeAll(async () => {
  server = await useRedis()
})
beforeEach(() => server.redis.flushall())

/** A client of a queue that keeps events. */
function client(policy: Partial<Policy> = {}): RapidFire<any> {
  const rapidfire = new RapidFire<any>({ redis: server.url, queue: 'salon', policy: { events: 10_000, ...policy } })
  onTestFinished(() => rapidfire.close())
  return rapidfire
}

/** All that is kept behind a place: each event by its name and key, and where to go on. */
async function all(rapidfire: RapidFire<any>, from = '0') {
  const events: QueueEvent[] = []
  for await (const event of rapidfire.events({ from, follow: false })) events.push(event)
  return { told: events.map(({ event, key }) => `${event} ${key}`), ids: events.map(({ id }) => id), events }
}

const KEYS = Array.from({ length: 12 }, (_, n) => `key ${n}`)

describe('events', () => {
  it('tell the life of a batch, and nothing that anybody has written', async () => {
    const rapidfire = client()
    const began = Date.now()
    await rapidfire.addMessages([
      { key: 'клиент', data: { text: 'secret' }, id: 'm1' },
      { key: 'клиент', data: { text: 'secret' }, flush: true },
    ])
    const { batches } = await rapidfire.claimReady()
    const [batch] = batches
    await rapidfire.fail(batch as never, { attempts: 1, error: 'secret' })
    await rapidfire.requeue([batch?.id as string])
    await rapidfire.forward('out')
    const { events } = await all(rapidfire)
    const id = batch?.id
    expect(events).toMatchObject([
      { event: 'added', key: 'клиент', ids: ['m1', undefined] },
      { event: 'claimed', batch: id, claim: 1, attempt: 1, count: 2, reason: 'flush', ids: ['m1', undefined] },
      { event: 'dead', batch: id, attempt: 1, count: 2, cause: 'failed' },
      { event: 'requeued', batch: id, count: 2 },
      { event: 'forwarded', count: 2, reason: 'flush', stream: 'out', ids: ['m1', undefined] },
    ])
    expect(JSON.stringify(events)).not.toContain('secret')
    for (const { at } of events) expect(Math.abs(at - began)).toBeLessThan(60_000)
  })

  it.each([1, 4])('go on behind the one that was told last, over %d partitions, in the order of their times', async (partitions) => {
    const rapidfire = client({ partitions })
    for (const key of KEYS) await rapidfire.addMessage(key, 1, { flush: true })
    const first = await all(rapidfire)
    expect([...first.told].sort()).toEqual(KEYS.map((key) => `added ${key}`).sort())
    const times = first.events.map(({ at }) => at)
    expect(times).toEqual([...times].sort((a, b) => a - b))
    for (const n of [0, 5, 11]) expect((await all(rapidfire, first.ids[n])).told).toEqual(first.told.slice(n + 1))
    await rapidfire.processPendingBatches(() => {})
    const second = await all(rapidfire, first.ids.at(-1))
    const expected = KEYS.flatMap((key) => [`claimed ${key}`, `completed ${key}`])
    expect([...second.told].sort()).toEqual(expected.sort())
    expect((await all(rapidfire, second.ids.at(-1))).told).toEqual([])
    // Whoever goes on in the middle of what one call has done is told that once more, and nothing is left out.
    for (const [n, id] of second.ids.entries()) {
      const rest = (await all(rapidfire, id)).told
      expect(rest.slice(-second.told.length + n + 1)).toEqual(n === second.told.length - 1 ? [] : second.told.slice(n + 1))
    }
  })

  it('wait for what comes, and for partitions that come later', async () => {
    const rapidfire = client()
    await rapidfire.addMessage('before', 1)
    const events = rapidfire.events({ every: 10 })
    // What happens before the first look is not told.
    let first: IteratorResult<QueueEvent> | undefined
    const waiting = events.next().then((next) => (first = next))
    for (let n = 0; !first; n += 1) await rapidfire.addMessage('ann', n).then(() => new Promise((resolve) => setTimeout(resolve, 10)))
    await waiting
    expect(first.value).toMatchObject({ event: 'added', key: 'ann' })
    await rapidfire.policy({ partitions: 3 })
    const told = new Set<string>()
    await rapidfire.addMessages(KEYS.map((key) => ({ key, data: 1 })))
    for await (const { key } of events) {
      told.add(key as string)
      if (KEYS.every((each) => told.has(each))) break
    }
    expect([...told].filter((key) => key !== 'ann').sort()).toEqual([...KEYS].sort())
  })

  it('end with an abort, and with the client', async () => {
    const rapidfire = client()
    const abort = new AbortController()
    const [one, two] = [rapidfire.events({ signal: abort.signal, every: 3_600_000 }), rapidfire.events({ every: 3_600_000 })]
    const ends = [one.next(), two.next()]
    await rapidfire.addMessage('ann', 1)
    abort.abort()
    expect(await ends[0]).toEqual({ done: true, value: undefined })
    await rapidfire.close()
    expect(await ends[1]).toEqual({ done: true, value: undefined })
    expect(await rapidfire.events().next()).toEqual({ done: true, value: undefined })
  })

  it('end, or wait, when they are to go on behind what is there', async () => {
    const rapidfire = client()
    await rapidfire.addMessage('key', 1)
    expect((await all(rapidfire, `${Date.now() + 3_600_000}-0`)).told).toEqual([])
  })

  it('tell of a gap when what came meanwhile is not kept any more', async () => {
    const rapidfire = client({ events: 10 })
    await rapidfire.addMessage('ann', 1)
    const { ids } = await all(rapidfire)
    for (let n = 0; n < 300; n += 1)
      await server.redis.xadd('rapid-fire:{salon}:events', 'MAXLEN', '~', 10, '*', 'event', 'added', 'key', 'bob')
    const { told, events } = await all(rapidfire, ids[0])
    expect(told.slice(0, 2)).toEqual(['gap undefined', 'added bob'])
    expect(events[0]).toMatchObject({ id: ids[0], at: events[1]?.at })
    // Whoever has gone on is told of it once.
    expect((await all(rapidfire, events[1]?.id)).told).not.toContain('gap undefined')
  })

  it('of many pages are told in order, whichever partition has more', async () => {
    const rapidfire = client({ partitions: 2 })
    await rapidfire.addMessage('ann', 1)
    const redis = server.redis.pipeline()
    for (let n = 1; n <= 1300; n += 1) {
      const root = `rapid-fire:{salon:${n <= 1200 ? 0 : 1}}:events`
      // Those of the one are between the last ones of the other.
      redis.xadd(root, `${n <= 1200 ? 10 * n : 11_000 + n}-1`, 'event', 'added', 'key', `${n <= 1200 ? 10 * n : 11_000 + n}`)
    }
    await server.redis.del('rapid-fire:{salon:0}:events', 'rapid-fire:{salon:1}:events')
    await redis.exec()
    const times = (await all(rapidfire)).events.map(({ at }) => at)
    expect(times).toHaveLength(1300)
    expect(times).toEqual([...times].sort((a, b) => a - b))
  })

  it('are refused where none are kept, and where they make no sense', async () => {
    const rapidfire = client({ events: 0 })
    await expect(rapidfire.events().next()).rejects.toMatchObject({ code: 'NO_EVENTS', message: /set `events`/ })
    for (const from of ['', 'x', '1-', '1-1,', '1:1-1:2', `${'9'.repeat(16)}-1`])
      expect(() => rapidfire.events({ from }), from).toThrow(expect.objectContaining({ code: 'BAD_OPTION' }))
    expect(() => rapidfire.events({ every: 0 })).toThrow('every must be an integer of ms from 1 to 3600000, got 0')
    expect(() => rapidfire.events({ follow: 1 as never })).toThrow('follow must be true or false')
    expect(() => rapidfire.events({ since: '0' } as never)).toThrow('events has no option')
  })
})
