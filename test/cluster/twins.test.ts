import { type Cluster, Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { ArchivedBatch, ArchivedOptions } from '../../src/history/archived.ts'
import type { QueueEvent } from '../../src/history/entry.ts'
import type { Policy } from '../../src/options.ts'
import { RapidFire } from '../../src/rapidfire.ts'
import { createWebhook } from '../../src/webhook/index.ts'
import { lacksServer } from '../client/clients.ts'
import { TestCluster, until } from '../support/cluster.ts'
import { type TestRedis, useRedis } from '../support/redis.ts'
import { post } from '../webhook/webhook.ts'

const noCluster = lacksServer('the tests on a cluster')
let server: TestRedis
let cluster: TestCluster | undefined
beforeAll(async () => {
  server = await useRedis()
  if (!noCluster) cluster = await TestCluster.start({ replicas: 0 })
}, 60_000)
afterAll(() => cluster?.stop())

const TARGETS = [
  ['one server', false, 1],
  ['one server, 4 partitions', false, 4],
  ['a cluster', true, 1],
  ['a cluster, 16 partitions', true, 16],
].filter(([, clustered]) => !clustered || !noCluster) as [string, boolean, number][]

const KEYS = Array.from({ length: 20 }, (_, n) => `key ${n}`)

// The same on each: what a user sees must not depend on how Redis is run.
describe.each(TARGETS)('on %s', (_, clustered, partitions) => {
  let queues = 0
  /** A queue of its own for each test, and a maker of clients of it. */
  function queue(policy: Partial<Policy> = {}) {
    queues += 1
    const name = `twins-${partitions}-${queues}`
    return () => {
      const redis: Redis | Cluster = clustered ? (cluster as TestCluster).client() : new Redis(server.url)
      const client = new RapidFire<any>({ redis, queue: name, policy: { wait: 40, maxWait: 400, partitions, ...policy } })
      onTestFinished(async () => {
        await client.close()
        redis.disconnect()
      })
      return Object.assign(client, { redis })
    }
  }

  it('messages of a burst come as one batch, in order, once', async () => {
    const open = queue()
    const [one, two] = [open(), open()]
    for (const n of [1, 2, 3]) {
      for (const key of KEYS)
        expect(await (n % 2 ? one : two).addMessage(key, n, { id: `${key} ${n}` })).toEqual({ status: 'added', size: n })
    }
    const again = await two.addMessages(KEYS.map((key) => ({ key, data: 1, id: `${key} 1` })))
    expect(new Set(again.map(({ status }) => status))).toEqual(new Set(['duplicate']))
    const batches = new Map<string, unknown[]>()
    await until(async () => {
      await one.processPendingBatches(({ key, messages }) =>
        batches.set(key, [...(batches.get(key) ?? []), messages.map(({ data }) => data)]),
      )
      return batches.size === KEYS.length ? undefined : `${batches.size} batches`
    })
    expect([...batches.keys()].sort()).toEqual([...KEYS].sort())
    for (const key of KEYS) expect((batches.get(key) as unknown[][]).flat()).toEqual([1, 2, 3])
    expect(await two.getStats()).toMatchObject({ messages: 0, partitions, totals: { added: 60, duplicates: 20, completedMessages: 60 } })
    expect(await one.check()).toMatchObject({ violations: [] })
  })

  it('a batch is claimed, kept, failed, dead, and brought back', async () => {
    const open = queue()
    const rapidfire = open()
    await rapidfire.addMessages(KEYS.map((key) => ({ key, data: key, id: key, flush: true })))
    const { batches } = await rapidfire.claimReady({ limit: 100 })
    expect(batches.map(({ key }) => key).sort()).toEqual([...KEYS].sort())
    expect(await open().claimReady({ limit: 100 })).toMatchObject({ batches: [] })
    expect((await open().extend(batches, 60_000)).every(({ status }) => status === 'extended')).toBe(true)
    await rapidfire.addMessage('key 3', 'behind', { flush: true })
    expect(await rapidfire.peek('key 3')).toMatchObject({ state: 'active', size: 2, count: 1 })
    expect(await Promise.all(batches.map((batch) => rapidfire.fail(batch, { attempts: 1, error: 'why' })))).toEqual(
      batches.map(() => 'dead'),
    )
    expect(await Promise.all(batches.map((batch) => rapidfire.complete(batch)))).toEqual(batches.map(() => 'lost'))
    const dead = await open().dead({ limit: 7, offset: 4 })
    expect(dead).toHaveLength(7)
    const all = (await open().dead()).map(({ id }) => id)
    expect(all).toHaveLength(20)
    expect(await open().drop(all.slice(0, 5))).toEqual(new Array(5).fill('dropped'))
    expect(await open().requeue(all.slice(5))).toEqual(new Array(15).fill('requeued'))
    // What a key has behind its batch is due when that is done, which may be too late for one pass over what is due now.
    let messages = 0
    await until(async () => {
      messages += (await rapidfire.processPendingBatches(() => {})).messages
      return messages < 16 ? `${messages} messages` : undefined
    })
    expect(messages).toBe(16)
    expect(await open().check()).toMatchObject({ violations: [] })
  })

  it('a message is edited and withdrawn while nobody has it, and is changed by a message of its own later', async () => {
    const rapidfire = queue({ wait: 60_000, maxWait: 120_000 })()
    const all = async (message: object) => {
      const results = await rapidfire.addMessages(KEYS.map((key) => ({ key, data: 1, ...message })))
      return [...new Set(results.map(({ status, size }) => `${status} ${size}`))]
    }
    expect(await all({ id: 'm1' })).toEqual(['added 1'])
    expect(await all({ id: 'm2' })).toEqual(['added 2'])
    expect(await all({ id: 'e1', edits: 'm1', data: 'edited' })).toEqual(['replaced 2'])
    expect(await all({ id: 'w2', withdraws: 'm2' })).toEqual(['withdrawn 1'])
    expect(await all({ id: 'm3', flush: true })).toEqual(['added 2'])
    const { batches } = await rapidfire.claimReady({ limit: 100 })
    expect(batches.map(({ messages }) => messages.map(({ id, data }) => [id, data]))).toEqual(
      KEYS.map(() => [
        ['m1', 'edited'],
        ['m3', 1],
      ]),
    )
    expect(await all({ id: 'w1', withdraws: 'm1' })).toEqual(['added 3'])
    expect(await all({ id: 'w1', withdraws: 'm1' })).toEqual(['duplicate 3'])
    expect(await rapidfire.check()).toMatchObject({ violations: [] })
  })

  it('a conversation is erased: what waits, what is dead, and what was forwarded', async () => {
    const rapidfire = queue()()
    const say = (data: string) => rapidfire.addMessages(KEYS.map((key) => ({ key, data, flush: true })))
    await say('dead')
    const { batches } = await rapidfire.claimReady({ limit: 100 })
    await Promise.all(batches.map((batch) => rapidfire.fail(batch, { attempts: 1 })))
    await say('forwarded')
    await until(async () => {
      await rapidfire.forward('batches')
      const { messages } = await rapidfire.getStats()
      return messages > 0 ? `${messages} messages` : undefined
    })
    await say('waits')
    expect(await rapidfire.erase('key 3')).toEqual({
      ...{ messages: 1, claimed: false, deadBatches: 1, deadMessages: 1, streamEntries: 1, rateKeys: 0, archivedBatches: 0 },
    })
    expect(await rapidfire.peek('key 3')).toMatchObject({ state: 'empty' })
    expect((await rapidfire.dead()).map(({ key }) => key).sort()).toEqual(KEYS.filter((key) => key !== 'key 3').sort())
    expect(await rapidfire.getStats()).toMatchObject({ messages: 19, dead: 19 })
    expect(await rapidfire.erase('key 3')).toMatchObject({ messages: 0, deadBatches: 0, streamEntries: 0 })
    expect(await rapidfire.check()).toMatchObject({ violations: [] })
  })

  it('a message is traced wherever it is, by its conversation and by its id alone', async () => {
    const open = queue({ events: 1000 })
    const rapidfire = open()
    const say = (id: string) => rapidfire.addMessages(KEYS.map((key) => ({ key, data: 1, id: `${id} ${key}`, flush: true })))
    await say('handled')
    const { batches: first } = await rapidfire.claimReady({ limit: 100 })
    await Promise.all(first.map((batch) => rapidfire.complete(batch)))
    await say('dead')
    const { batches } = await rapidfire.claimReady({ limit: 100 })
    await Promise.all(batches.map((batch) => rapidfire.fail(batch, { attempts: 1 })))
    await say('streamed')
    await until(async () => {
      await rapidfire.forward('batches')
      return (await rapidfire.getStats()).messages > 0 ? 'not yet' : undefined
    })
    await say('active')
    const { batches: held } = await rapidfire.claimReady({ limit: 100, lease: 60_000 })
    await say('behind')
    for (const key of KEYS.slice(0, 5)) {
      const traces = await Promise.all(
        ['handled', 'dead', 'streamed', 'active', 'behind', 'none'].map((id) => open().trace({ key, id: `${id} ${key}` })),
      )
      const seen = traces.flat().map(({ state, behind, ended }) => [state, behind, ended?.event])
      expect(seen).toEqual([
        ['remembered', false, 'completed'],
        ...['dead', 'streamed', 'active'].map((state) => [state, false, undefined]),
        ['active', true, undefined],
        ['unknown', false, undefined],
      ])
      expect(await rapidfire.trace({ key })).toMatchObject([
        { state: 'active', size: 2, others: [{ state: 'dead' }, { state: 'streamed' }] },
      ])
      expect(await rapidfire.trace({ id: `dead ${key}` })).toMatchObject([{ key, state: 'dead' }])
    }
    const [batch] = held
    expect(await rapidfire.trace({ batch: batch?.id as string })).toMatchObject([{ key: batch?.key, state: 'active' }])
  })

  it('a worker handles each batch when it is due, and tries again what fails', async () => {
    const open = queue()
    const attempts = new Map<string, number[]>()
    const worker = open().worker(
      (batch) => {
        attempts.set(batch.key, [...(attempts.get(batch.key) ?? []), batch.attempt])
        if (batch.attempt === 1) throw new Error('down')
      },
      { backoff: () => 10 },
    )
    onTestFinished(() => worker.close())
    worker.on('error', () => {}).run()
    await open().addMessages(KEYS.map((key) => ({ key, data: 1 })))
    await until(async () => (KEYS.every((key) => attempts.get(key)?.length === 2) ? undefined : JSON.stringify([...attempts])))
    for (const key of KEYS) expect(attempts.get(key)).toEqual([1, 2])
    expect(worker.isHealthy()).toBe(true)
  })

  it('events tell what has become of each conversation, from where one has stopped, and of nobody who was erased', async () => {
    const open = queue({ events: 1000 })
    const rapidfire = open()
    const told = async (from: string) => {
      const events: QueueEvent[] = []
      for await (const event of open().events({ from, follow: false })) events.push(event)
      return events
    }
    await rapidfire.addMessages(KEYS.map((key) => ({ key, data: 1, id: key, flush: true })))
    const added = await told('0')
    expect(added.map(({ event, key, ids }) => [event, key, ids]).sort()).toEqual(KEYS.map((key) => ['added', key, [key]]).sort())
    const { batches } = await rapidfire.claimReady({ limit: 100 })
    await Promise.all(batches.map((batch) => rapidfire.complete(batch)))
    const since = await told(added.at(-1)?.id as string)
    const of = (name: string) => since.filter(({ event }) => event === name).map(({ key }) => key)
    for (const name of ['claimed', 'completed']) expect(of(name).sort()).toEqual([...KEYS].sort())
    expect(new Set(since.map(({ batch }) => batch))).toEqual(new Set(batches.map(({ id }) => id)))
    await rapidfire.erase('key 3')
    expect((await told('0')).filter(({ key }) => key === 'key 3')).toEqual([])
    expect(await rapidfire.check()).toMatchObject({ violations: [] })
  })

  it('the archive has what was completed, in that order, by conversation, message and batch, and nothing of who was erased', async () => {
    const open = queue({ archive: 60_000 })
    const rapidfire = open()
    const handled = async (name: string) => {
      await rapidfire.addMessages(KEYS.map((key) => ({ key, data: 1, id: `${name} ${key}`, flush: true })))
      const { batches } = await rapidfire.claimReady({ limit: 100 })
      for (const batch of batches) expect(await rapidfire.complete(batch, { text: name, result: batch.key })).toBe('completed')
      return batches.map(({ id, key }) => [id, key, [`${name} ${key}`], name, batches.length])
    }
    const all = [...(await handled('first')), ...(await handled('second'))]
    const read = async (options?: ArchivedOptions) => {
      const batches: ArchivedBatch[] = []
      for await (const batch of open().archived(options)) batches.push(batch)
      return batches
    }
    const found = await read()
    const times = found.map(({ completedAt }) => completedAt)
    expect(times).toEqual(times.toSorted((a, b) => a - b))
    expect(found.map(({ id, key, ids, text }) => [id, key, ids, text, 20]).sort()).toEqual(all.sort())
    expect(found.map(({ key, result }) => [key, result])).toEqual(found.map(({ key }) => [key, key]))
    expect((await read({ key: 'key 3' })).map(({ text }) => text)).toEqual(['first', 'second'])
    expect(await read({ id: 'second key 3' })).toMatchObject([{ key: 'key 3', text: 'second' }])
    expect(await read({ batch: found[7]?.id as string })).toEqual([found[7]])
    expect(await read({ from: (times.at(-1) as number) + 1 })).toEqual([])
    expect(await rapidfire.erase('key 3')).toMatchObject({ archivedBatches: 2 })
    expect(await read()).toEqual(found.filter(({ key }) => key !== 'key 3'))
    expect(await rapidfire.check()).toMatchObject({ violations: [] })
  })

  it('forward moves each batch into the stream of its partition', async () => {
    const open = queue()
    const rapidfire = open()
    await rapidfire.addMessages(KEYS.map((key) => ({ key, data: { text: key }, flush: true })))
    expect((await open().forward('out')).forwarded).toBe(20)
    const roots = partitions === 1 ? [`{${rapidfire.queue}}`] : Array.from({ length: partitions }, (_, n) => `{${rapidfire.queue}:${n}}`)
    const entries = (await Promise.all(roots.map((root) => rapidfire.redis.xrange(`rapid-fire:${root}:stream:out`, '-', '+')))).flat()
    expect(entries.map(([, fields]) => fields[fields.indexOf('data:1') + 1]).sort()).toEqual(
      KEYS.map((key) => JSON.stringify({ text: key })).sort(),
    )
  })

  it('a webhook stores what is posted, and tells the figures', async () => {
    const rapidfire = queue()()
    const webhook = createWebhook(rapidfire, { redis: rapidfire.redis, path: '/hook', unsigned: ['generic'] })
    const send = (key: string) => webhook(post({ key, id: key, data: { text: 'Hi' } }, {}, 'http://localhost/hook'))
    for (const key of KEYS) expect((await send(key)).status).toBe(200)
    expect((await send('key 1')).status).toBe(200)
    const stats = await webhook(new Request('http://localhost/hook/stats'))
    expect(await stats.json()).toMatchObject({ messages: 20, totals: { duplicates: 1 } })
  })

  it('the policy is the same everywhere, and is changed for all', async () => {
    const open = queue()
    const rapidfire = open()
    expect(await rapidfire.policy({ wait: 77 })).toMatchObject({ wait: 77, partitions })
    await rapidfire.addMessages(KEYS.map((key) => ({ key, data: 1 })))
    for (const key of KEYS) {
      const { deadline, messages } = await rapidfire.peek(key)
      expect((deadline as number) - (messages[0]?.receivedAt as number)).toBe(77)
    }
  })
})
