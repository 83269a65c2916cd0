import { expect, it } from 'vitest'
import { assemble } from '../../lua/build/assemble.mjs'
import type { Batch } from '../../src/batches/batch.ts'
import { brokenLaws } from '../support/laws.ts'
import { describeBindings, START } from '../support/lua.ts'
import { useClients } from './clients.ts'

const DEFAULTS = {
  wait: 10_000,
  maxWait: 60_000,
  maxSize: 10,
  maxBacklog: 1000,
  maxMessageBytes: 262_144,
  maxBatchBytes: 1_048_576,
  dedupe: 3_600_000,
  maxDead: 10_000,
  maxDeadAge: 0,
  maxKeys: 0,
  events: 0,
  archive: 0,
  maxArchived: 10_000,
  partitions: 1,
}

describeBindings('calls', (lua) => {
  const client = useClients(lua)

  it('reads the default policy and changes the stored one for every client', async () => {
    const [one, two] = [client(), client()]
    expect(await one.policy()).toEqual(DEFAULTS)
    expect(await lua().keyspace()).toEqual({})
    expect(await one.policy({ wait: 5000, maxSize: 3 })).toEqual({ ...DEFAULTS, wait: 5000, maxSize: 3 })
    expect(await two.policy({ wait: undefined })).toEqual({ ...DEFAULTS, wait: 5000, maxSize: 3 })
  })

  it('writes the policy of its options on the first call, and only what they name', async () => {
    await client().policy({ wait: 7000, maxSize: 7 })
    const rapidfire = client({ policy: { maxSize: 8 } })
    await rapidfire.addMessage('ann', 1)
    expect(await client().policy()).toEqual({ ...DEFAULTS, wait: 7000, maxSize: 8 })
  })

  it.each([{ wait: 0 }, { wait: 20_000, maxWait: 10_000 }, { maxSize: 1.5 }, { maxDead: Number.NaN }, { maxBacklog: 5 }])(
    'refuses the policy %j with each call, and writes nothing',
    async (policy) => {
      const rapidfire = client({ policy })
      await expect(rapidfire.addMessage('ann', 1)).rejects.toMatchObject({ code: 'BAD_POLICY' })
      await expect(rapidfire.getStats()).rejects.toMatchObject({ code: 'BAD_POLICY' })
      await expect(client().policy(policy)).rejects.toMatchObject({ code: 'BAD_POLICY', command: 'rapidfire_policy' })
      expect(await lua().keyspace()).toEqual({})
    },
  )

  it('refuses a member that no policy has', async () => {
    expect(() => client({ policy: { weight: 5 } as object })).toThrow(expect.objectContaining({ code: 'BAD_OPTION' }))
    await expect(client().policy({ weight: 5 } as object)).rejects.toMatchObject({ code: 'BAD_OPTION' })
    expect(await lua().keyspace()).toEqual({})
  })

  it('tells the version of the library', async () => {
    expect(await client().version()).toBe(assemble().version)
  })

  it('peeks at each state of a key', async () => {
    const rapidfire = client()
    expect(await rapidfire.peek('ann')).toEqual({
      state: 'empty',
      now: START,
      deadline: undefined,
      until: undefined,
      token: undefined,
      count: 0,
      size: 0,
      messages: [],
    })
    await rapidfire.addMessage('ann', 1)
    await lua().tick(4000)
    await rapidfire.addMessage('ann', 2)
    expect(await rapidfire.peek('ann', 1)).toMatchObject({
      state: 'collecting',
      now: START + 4000,
      deadline: START + 14_000,
      count: 2,
      size: 2,
      messages: [{ data: 1 }],
    })
    await lua().tick(10_000)
    expect((await rapidfire.peek('ann')).state).toBe('ready')
    const [batch] = (await rapidfire.claimReady({ lease: 5000 })).batches
    if (!batch) throw new Error('nothing was claimed')
    await rapidfire.addMessage('ann', 3)
    expect(await rapidfire.peek('ann')).toMatchObject({
      state: 'active',
      deadline: START + 14_000,
      until: START + 19_000,
      token: `${batch.id}:1`,
      count: 2,
      size: 3,
    })
    await rapidfire.fail(batch, { delay: 700 })
    expect(await rapidfire.peek('ann')).toMatchObject({ state: 'retry', until: START + 14_700, count: 2, size: 3 })
    await expect(rapidfire.peek('ann', 0)).rejects.toMatchObject({ code: 'BAD_ARGUMENT', command: 'rapidfire_peek' })
    await expect(rapidfire.peek('')).rejects.toMatchObject({ code: 'BAD_KEY' })
  })

  it('claims, extends, fails, completes, and says when a batch is lost', async () => {
    const rapidfire = client()
    await rapidfire.addMessages([
      { key: 'ann', data: 'one', id: 'a' },
      { key: 'ann', data: 'two' },
    ])
    expect(await rapidfire.claimReady()).toEqual({ now: START, next: START + 10_000, batches: [], dead: [] })
    await lua().tick(10_500)
    const { now, next, batches } = await rapidfire.claimReady({ limit: 5, lease: 2000 })
    const [first] = batches
    if (!first) throw new Error('nothing was claimed')
    expect({ now, next }).toEqual({ now: START + 10_500, next: START + 12_500 })
    expect(first).toEqual({
      id: expect.stringMatching(/^[\d-]+$/),
      root: lua().root,
      key: 'ann',
      token: expect.stringMatching(/^[\d-]+:1$/),
      attempt: 1,
      reason: 'wait',
      openedAt: START,
      deadline: START + 10_000,
      due: START + 10_000,
      messages: [
        { id: 'a', data: 'one', receivedAt: START },
        { id: undefined, data: 'two', receivedAt: START },
      ],
    })
    await rapidfire.addMessage('ann', 'behind')
    expect(await rapidfire.extend([first, { ...first, token: '1-1:1' }], 3000)).toEqual([
      { status: 'extended', queued: 1 },
      { status: 'lost', queued: 0 },
    ])
    await lua().tick(3000)
    const [second] = (await rapidfire.claimReady({ before: START + 13_500 })).batches
    if (!second) throw new Error('nothing was claimed')
    expect(second).toEqual({ ...first, attempt: 2, token: `${first.id}:2`, due: START + 13_500 })
    expect(await rapidfire.complete(first)).toBe('lost')
    expect(await rapidfire.fail(first)).toBe('lost')
    expect(await rapidfire.extend([first], 3000)).toEqual([{ status: 'lost', queued: 0 }])
    expect(await rapidfire.fail(second, { error: new Error('down'), delay: 0 })).toBe('retry')
    const [third] = (await rapidfire.claimReady()).batches
    if (!third) throw new Error('nothing was claimed')
    expect(third).toEqual({ ...first, attempt: 3, token: `${first.id}:3`, due: START + 13_500 })
    expect(await rapidfire.complete(third)).toBe('completed')
    expect(await rapidfire.complete(third)).toBe('lost')
    expect(await rapidfire.peek('ann')).toMatchObject({ size: 1, messages: [{ data: 'behind' }] })
    expect(await brokenLaws(lua().redis, lua().root)).toEqual([])
  })

  it('take a copy of a batch for the batch, also one that went through JSON', async () => {
    const rapidfire = client()
    const keys = ['ann', 'bob', 'cyd', 'dan']
    await rapidfire.addMessages(keys.map((key) => ({ key, data: 1, flush: true })))
    const { batches } = await rapidfire.claimReady()
    const [spread, json, failed, released] = batches as [Batch, Batch, Batch, Batch]
    const copy = <Value>(value: Value): Value => JSON.parse(JSON.stringify(value))
    expect((await rapidfire.extend(copy(batches), 60_000)).map(({ status }) => status)).toEqual(keys.map(() => 'extended'))
    expect(await rapidfire.complete({ ...spread, text: 'hello' } as Batch)).toBe('completed')
    expect(await client().complete(copy(json))).toBe('completed')
    expect(await client().fail({ ...copy(failed), messages: [] })).toBe('retry')
    expect(await client().release({ ...copy(released), id: 'none' })).toBe('released')
  })

  it.each([
    ['of another queue', 'rapid-fire:{others}'],
    ['of a queue whose name begins the same', 'rapid-fire:{orders2}'],
    ['of what is no partition', 'rapid-fire:{orders:2:3}'],
    ['without a root', undefined],
  ])('refuse a batch %s', async (_, root) => {
    const rapidfire = client()
    await rapidfire.addMessage('ann', 1, { flush: true })
    const [batch] = (await rapidfire.claimReady()).batches
    const foreign = { ...batch, root } as Batch
    const refusal = { code: 'BAD_ARGUMENT', message: expect.stringContaining(`its root is '${root}'`) }
    await expect(rapidfire.complete(foreign)).rejects.toMatchObject(refusal)
    await expect(rapidfire.fail(foreign)).rejects.toMatchObject(refusal)
    await expect(rapidfire.release(foreign)).rejects.toMatchObject(refusal)
    await expect(rapidfire.extend([foreign], 1000)).rejects.toMatchObject(refusal)
  })

  it('keeps the error of a dead batch, at most 1000 characters of it', async () => {
    const rapidfire = client()
    for (const [key, error, kept] of [
      ['long', new Error('я'.repeat(5000)), 'я'.repeat(1000)],
      ['undefined', undefined, ''],
      ['null prototype', Object.create(null), '[Object: null prototype] {}'],
      ['object', { status: 503 }, '{ status: 503 }'],
      ['message', Object.assign(new Error(), { message: 7 }), '7'],
    ] as const) {
      await rapidfire.addMessage(key, 1, { flush: true })
      const [batch] = (await rapidfire.claimReady()).batches
      if (!batch) throw new Error('nothing was claimed')
      expect(await rapidfire.fail(batch, { error, attempts: 1 })).toBe('dead')
      expect(await lua().redis.hget(`${lua().root}:dead:${batch.id}`, 'error')).toBe(kept)
    }
  })

  it('refuses options of a claim that are out of range, and writes nothing', async () => {
    const rapidfire = client()
    await rapidfire.addMessage('ann', 1, { flush: true })
    const before = await lua().keyspace()
    for (const options of [{ limit: 0 }, { limit: 1001 }, { lease: 0 }, { attempts: 0.5 }, { before: -1 }]) {
      await expect(rapidfire.claimReady(options)).rejects.toMatchObject({ code: 'BAD_ARGUMENT', command: 'rapidfire_claim_ready' })
    }
    expect(await lua().keyspace()).toEqual(before)
    const [batch] = (await rapidfire.claimReady()).batches
    if (!batch) throw new Error('nothing was claimed')
    await expect(rapidfire.extend([batch], 0)).rejects.toMatchObject({ code: 'BAD_LEASE' })
    await expect(rapidfire.fail(batch, { delay: -1 })).rejects.toMatchObject({ code: 'BAD_ARGUMENT' })
  })

  it('counts', async () => {
    const rapidfire = client()
    expect(await rapidfire.getStats()).toMatchObject({ queue: 'orders', now: START, messages: 0, meanBatchSize: 0, callsSaved: 0 })
    await rapidfire.addMessages([
      { key: 'done', data: 1 },
      { key: 'done', data: 2 },
      { key: 'done', data: 3 },
      { key: 'done', data: 4, id: 'a' },
      { key: 'done', data: 5, id: 'a' },
    ])
    await lua().tick(10_004)
    await rapidfire.processPendingBatches(() => {})
    await rapidfire.addMessages([
      { key: '1 dead', data: 1, flush: true },
      { key: '2 active', data: 1, flush: true },
    ])
    await rapidfire.processPendingBatches(
      async (batch) => {
        if (batch.key === '1 dead') throw new Error('no')
        await rapidfire.addMessage('2 active', 2)
        await rapidfire.addMessage('collecting', 1)
        await rapidfire.addMessage('ready', 1, { flush: true })
        expect(await rapidfire.getStats()).toEqual({
          queue: 'orders',
          now: START + 10_004,
          collecting: 1,
          ready: 1,
          active: 1,
          queued: 1,
          dead: 1,
          messages: 4,
          totals: {
            added: 9,
            duplicates: 1,
            batches: 3,
            completed: 1,
            completedMessages: 4,
            failed: 0,
            redelivered: 0,
            died: 1,
          },
          closedBy: { wait: 1, maxWait: 0, size: 0, flush: 2, bytes: 0 },
          lateness: { mean: 4 / 3, p50: 1, p99: 4, max: 4 },
          meanBatchSize: 4,
          callsSaved: 0.75,
        })
      },
      { concurrency: 1, attempts: 1, limit: 2 },
    )
    expect.assertions(2)
  })
})
