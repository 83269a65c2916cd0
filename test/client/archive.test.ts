import { beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import type { ArchivedBatch } from '../../src/history/archived.ts'
import type { Policy } from '../../src/options.ts'
import { RapidFire } from '../../src/rapidfire.ts'
import { type TestRedis, useRedis } from '../support/redis.ts'

let server: TestRedis
beforeAll(async () => {
  server = await useRedis()
})
beforeEach(() => server.redis.flushall())

function client(policy: Partial<Policy> = { archive: 60_000 }): RapidFire<any> {
  const rapidfire = new RapidFire<any>({ redis: server.url, queue: 'salon', policy })
  onTestFinished(() => rapidfire.close())
  return rapidfire
}

async function all(rapidfire: RapidFire<any>, options = {}): Promise<ArchivedBatch[]> {
  const batches: ArchivedBatch[] = []
  for await (const batch of rapidfire.archived(options)) batches.push(batch)
  return batches
}

const text = (bytes: number) => 'ж'.repeat(bytes / 2)

describe('the archive', () => {
  it.each([
    ['a text', 'done', 'done'],
    ['an object', { booked: [1, 'два'] }, '{"booked":[1,"два"]}'],
    ['nothing', undefined, undefined],
    ['what cannot be JSON', 5n, undefined],
    ['a text that is empty', '', undefined],
    ['a long text', `x${text(70_000)}`, `x${text(65_534)}`],
    ['a text that is as long as it may be', text(65_536), text(65_536)],
    ['a text with pictures where it is cut', `xx${'😀'.repeat(20_000)}`, `xx${'😀'.repeat(16_383)}`],
  ])('keeps what a handler returns: %s', async (_, returned, kept) => {
    const rapidfire = client()
    await rapidfire.addMessage('ann', { text: 'Hi', more: 1 }, { id: 'm1' })
    await rapidfire.addMessage('ann', 'there', { flush: true })
    await rapidfire.processPendingBatches(() => returned)
    expect(await all(rapidfire)).toEqual([
      expect.objectContaining({
        key: 'ann',
        size: 2,
        ids: ['m1', undefined],
        text: 'Hi\nthere',
        result: kept,
        worker: undefined,
        attempts: 1,
      }),
    ])
  })

  it('names the worker, and has no result of a batch that was given up or discarded', async () => {
    const rapidfire = client()
    const worker = rapidfire.worker(() => 'done')
    worker.run()
    onTestFinished(() => worker.close())
    const done = new Promise((resolve) => worker.once('completed', resolve))
    await rapidfire.addMessage('ann', 1, { flush: true })
    await done
    await expect
      .poll(() => all(rapidfire))
      .toMatchObject([{ key: 'ann', result: 'done', text: undefined, worker: expect.stringMatching(/^\S+$/) }])
  })

  it('of what whoever claims by himself tells, and of a copy of the batch', async () => {
    const rapidfire = client()
    await rapidfire.addMessages(['ann', 'bob', 'cyd'].map((key) => ({ key, data: 'Hi', flush: true })))
    const { batches } = await rapidfire.claimReady()
    const [ann, bob, cyd] = batches as [any, any, any]
    expect(await rapidfire.complete(ann, { text: 'said', result: [1], worker: 'me' })).toBe('completed')
    expect(await rapidfire.complete(JSON.parse(JSON.stringify({ ...bob, text: 'of the batch' })))).toBe('completed')
    await expect(rapidfire.complete(cyd, { results: 1 } as never)).rejects.toMatchObject({ code: 'BAD_OPTION' })
    expect(await all(rapidfire)).toMatchObject([
      { key: 'ann', text: 'said', result: '[1]', worker: 'me' },
      { key: 'bob', text: 'of the batch' },
    ])
  })

  it('costs nothing while there is none: no token is sent', async () => {
    const rapidfire = client({})
    await rapidfire.addMessage('ann', { text: 'secret' }, { flush: true })
    await server.redis.config('RESETSTAT')
    await rapidfire.processPendingBatches(() => 'result of it')
    expect(await server.redis.keys('*archive*')).toEqual([])
    expect(await all(rapidfire)).toEqual([])
    const { batches } = await rapidfire.claimReady()
    expect(batches).toEqual([])
  })

  it('many that end at once are told in as many calls as their texts take', async () => {
    const rapidfire = client()
    const keys = Array.from({ length: 60 }, (_, n) => `k${n}`)
    await rapidfire.addMessages(keys.map((key) => ({ key, data: 'x'.repeat(20_000), flush: true })))
    await rapidfire.processPendingBatches(() => 'y'.repeat(20_000), { concurrency: 60 })
    const found = await all(rapidfire)
    expect(found.map(({ key }) => key).sort()).toEqual(keys.sort())
    expect(found.every((each) => each.text?.length === 20_000 && each.result?.length === 20_000)).toBe(true)
  })

  it('completes a key that is called like a token', async () => {
    const rapidfire = client({})
    await rapidfire.addMessages(['ann', 'text', 'NEXT'].map((key) => ({ key, data: 1, flush: true })))
    const { batches } = await rapidfire.claimReady()
    for (const order of [[0, 1, 2]]) {
      expect(await Promise.all(order.map((n) => rapidfire.complete(batches[n] as never)))).toEqual(['completed', 'completed', 'completed'])
    }
    expect((await rapidfire.getStats()).totals.completed).toBe(3)
  })

  it('is told in the order of time, over all partitions', async () => {
    const rapidfire = client({ archive: 60_000, partitions: 4 })
    const keys = Array.from({ length: 20 }, (_, n) => `key ${n}`)
    for (const key of keys) {
      await rapidfire.addMessage(key, 1, { flush: true })
      await rapidfire.processPendingBatches(() => {})
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
    expect((await all(rapidfire)).map(({ key }) => key)).toEqual(keys)
    const [, , third] = await all(rapidfire)
    expect((await all(rapidfire, { from: third?.completedAt })).map(({ key }) => key)).toEqual(keys.slice(2))
    expect((await all(rapidfire, { batch: third?.id })).map(({ key }) => key)).toEqual(['key 2'])
    expect(() => rapidfire.archived({ form: 1 } as never)).toThrow("archived has no option 'form'")
  })
})
