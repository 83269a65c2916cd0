import { expect, it } from 'vitest'
import type { Batch } from '../../src/batches/batch.ts'
import { exponentialBackoff } from '../../src/worker/handler.ts'
import { Discard, GiveUp, PartialFailure, RetryLater } from '../../src/worker/verdicts.ts'
import { brokenLaws } from '../support/laws.ts'
import { describeBindings } from '../support/lua.ts'
import { eventually, first, useWorkers } from './workers.ts'

describeBindings('outcomes', (lua) => {
  const { client, start, later } = useWorkers(lua)
  const intact = async () => expect(await brokenLaws(lua().redis, lua().root)).toEqual([])

  it('a worker tries a batch again after the pauses that backoff says, until its attempts are used up: then it is dead, with the error', async () => {
    await lua().tick(0)
    const asked: number[] = []
    const backoff = (attempt: number) => {
      asked.push(attempt)
      return attempt * 1000
    }
    const worker = start(
      (batch) => {
        throw new Error(`down in ${batch.attempt}`)
      },
      { attempts: 3, backoff },
    )
    await client().addMessage('ann', 1, { flush: true })
    for (let attempt = 1; attempt < 3; attempt += 1) {
      await eventually(() => expect(worker.told).toHaveLength(attempt))
      expect(await client().peek('ann')).toMatchObject({ state: 'retry', until: lua().now + attempt * 1000 })
      await later(attempt * 1000)
    }
    await eventually(() => expect(worker.told).toHaveLength(3))
    const id = worker.told[0]?.[1].id
    expect(worker.told.map(([event, batch, error]) => [event, batch.id, batch.attempt, error.message])).toEqual([
      ['failed', id, 1, 'down in 1'],
      ['failed', id, 2, 'down in 2'],
      ['dead', id, 3, 'down in 3'],
    ])
    expect(asked.slice(0, 2)).toEqual([1, 2])
    expect(await client().dead()).toMatchObject([{ id, key: 'ann', attempt: 3, error: 'down in 3', size: 1 }])
    expect(await client().getStats()).toMatchObject({ dead: 1, messages: 0, totals: { failed: 2, died: 1 } })
    await intact()
  })

  it('a worker tells of a batch that is dead, since the lease of its last attempt has run out with somebody else', async () => {
    await client().addMessage('ann', 'Hi', { flush: true })
    const { batches } = await client().claimReady({ lease: 1000 })
    // Which says that the claim has arrived.
    await client().extend(batches, 1000)
    await later(1000)
    const told: unknown[] = []
    const worker = start(() => {}, { attempts: 1 })
    worker.on('dead', (...args) => told.push(args))
    await eventually(() => expect(told).toHaveLength(1))
    const { id, key, token, messages } = batches[0] as Batch
    const error = expect.objectContaining({ message: 'the lease of attempt 1 ran out' })
    expect(told).toEqual([
      [expect.objectContaining({ id, key, token, messages, attempt: 1 }), error, { took: 0, lateness: expect.any(Number) }],
    ])
    expect(await client().dead()).toMatchObject([{ id, cause: 'lease' }])
    await intact()
  })

  it('a worker goes on with the next batch of a key when one has died', async () => {
    const worker = start(
      async (batch: Batch<number>) => {
        if (batch.messages[0]?.data === 2) return
        await client().addMessage('ann', 2, { flush: true })
        throw new Error('down')
      },
      { attempts: 1 },
    )
    await client().addMessage('ann', 1, { flush: true })
    await first(worker, 'completed')
    expect(worker.told.map(([event, batch]) => [event, batch.messages[0].data])).toEqual([
      ['dead', 1],
      ['completed', 2],
    ])
  })

  it('a worker pauses for an exponential time by default', async () => {
    await lua().tick(0)
    const worker = start(() => Promise.reject(new Error('down')))
    await client().addMessage('ann', 1, { flush: true })
    await first(worker, 'failed')
    const { until } = await client().peek('ann')
    expect((until as number) - lua().now).toBeGreaterThanOrEqual(500)
    expect((until as number) - lua().now).toBeLessThanOrEqual(1000)
  })

  /** An error that throws when its message is read. */
  class Untold extends Error {
    override get message(): string {
      throw new Error('no message')
    }
  }

  it.each<[string, unknown, string]>([
    ['an error', new Error('down'), 'down'],
    ['an error without a message', new Error(), ''],
    ['a long error', new Error('ä'.repeat(9000)), 'ä'.repeat(1000)],
    ['a text', 'down', "the handler threw 'down'"],
    ['undefined', undefined, 'the handler threw undefined'],
    ['null', null, 'the handler threw null'],
    ['a symbol', Symbol('down'), 'the handler threw Symbol(down)'],
    ['an object without a prototype', Object.create(null), 'the handler threw [Object: null prototype] {}'],
    ['an object that has no text', { toString: () => expect.unreachable() }, 'the handler threw { toString: [Function: toString] }'],
    ['what throws when it is looked at', new Untold(), 'the handler threw something that cannot be shown'],
    ['an error whose message is a number', Object.assign(new Error(), { message: 42 }), '42'],
  ])('a worker buries a batch whose handler throws %s, and goes on', async (_, thrown, text) => {
    const worker = start(
      (batch) => {
        if (batch.key === 'ann') throw thrown
        return batch.key === 'bob' ? Promise.reject(thrown) : undefined
      },
      { attempts: 1 },
    )
    await client().addMessages(['ann', 'bob', 'cid'].map((key) => ({ key, data: 1, flush: true })))
    await eventually(() => expect(worker.told).toHaveLength(3))
    const told = new Map(worker.told.map(([event, batch, error]) => [batch.key, [event, error]]))
    for (const key of ['ann', 'bob']) {
      expect(told.get(key)?.[0]).toBe('dead')
      expect(told.get(key)?.[1]).toBe(thrown)
    }
    expect(told.get('cid')?.[0]).toBe('completed')
    expect((await client().dead()).map(({ error }) => error)).toEqual([text, text])
    await intact()
  })

  it('a worker drops a batch that the handler discards', async () => {
    const worker = start(() => {
      throw new Discard('spam')
    })
    await client().addMessage('ann', 1, { flush: true })
    const [batch] = await first(worker, 'completed')
    expect(batch).toMatchObject({ key: 'ann', attempt: 1 })
    expect(await client().getStats()).toMatchObject({ messages: 0, dead: 0, totals: { completed: 1, failed: 0 } })
  })

  it('a worker buries a batch at once when the handler gives it up, whatever is left of its attempts', async () => {
    const worker = start(() => {
      throw new GiveUp('the bot is gone')
    })
    await client().addMessage('ann', 1, { flush: true })
    const [batch] = await first(worker, 'dead')
    expect(batch).toMatchObject({ key: 'ann', attempt: 1 })
    expect(worker.told).toHaveLength(1)
    expect(await client().dead()).toMatchObject([{ key: 'ann', attempt: 1, cause: 'failed', error: 'the bot is gone' }])
    await intact()
  })

  it('a worker waits for as long as the handler says before it tries again, and counts the attempt', async () => {
    await lua().tick(0)
    const worker = start(
      () => {
        throw new RetryLater(77_000, 'rate limit')
      },
      { attempts: 2 },
    )
    await client().addMessage('ann', 1, { flush: true })
    await first(worker, 'failed')
    expect(await client().peek('ann')).toMatchObject({ state: 'retry', until: lua().now + 77_000 })
    await later(77_000)
    await first(worker, 'dead')
    expect(await client().dead()).toMatchObject([{ attempt: 2, error: 'rate limit' }])
  })

  it.each<[string, unknown, (attempt: number) => number]>([
    ['a pause that is negative', new RetryLater(-1), () => 5],
    ['a pause that is no number', new RetryLater(Number.NaN), () => 5],
    ['a backoff that is negative', new Error('down'), () => -1],
    ['a backoff that is not whole', new Error('down'), () => 0.5],
    [
      'a backoff that throws',
      new Error('down'),
      () => {
        throw new Error('no pause')
      },
    ],
  ])('a worker gives a batch back all the same, and says so, when there is %s', async (_, thrown, backoff) => {
    await lua().tick(0)
    const worker = start(() => Promise.reject(thrown), { backoff })
    await client().addMessage('ann', 1, { flush: true })
    await eventually(() => expect(worker.told.map(([event]) => event)).toEqual(['error', 'failed']))
    expect(await client().peek('ann')).toMatchObject({ state: 'retry', until: lua().now + 1000 })
    expect(worker.isHealthy()).toBe(true)
  })

  it('a worker hands out again only the messages that failed, with the same batch id, in front of newer ones', async () => {
    await lua().tick(0)
    const seen: [string, number, number[]][] = []
    const worker = start<number>(
      async (batch) => {
        seen.push([batch.id, batch.attempt, batch.messages.map(({ data }) => data)])
        if (batch.attempt > 1 || batch.messages.length === 1) return
        await client().addMessage('ann', 5)
        throw new PartialFailure([3, 1].map((at) => batch.messages[at] as (typeof batch.messages)[number]))
      },
      { backoff: () => 0 },
    )
    await client().addMessages([1, 2, 3, 4].map((data) => ({ key: 'ann', data, flush: data === 4 })))
    await first(worker, 'completed')
    await later(10_000)
    await eventually(() => expect(worker.told.filter(([event]) => event === 'completed')).toHaveLength(2))
    const id = seen[0]?.[0]
    expect(seen.slice(0, 2)).toEqual([
      [id, 1, [1, 2, 3, 4]],
      [id, 2, [2, 4]],
    ])
    expect(seen[2]).toEqual([expect.not.stringMatching(id as string), 1, [5]])
    expect(await client().getStats()).toMatchObject({ messages: 0, totals: { added: 5, completedMessages: 5, completed: 2, failed: 1 } })
    await intact()
  })

  it('a worker buries only the messages that failed in the last attempt', async () => {
    const worker = start(
      (batch) => {
        throw new PartialFailure(batch.messages.slice(1), 'half of it')
      },
      { attempts: 1 },
    )
    await client().addMessages([1, 2].map((data) => ({ key: 'ann', data, flush: data === 2 })))
    await first(worker, 'dead')
    const id = worker.told[0]?.[1].id
    expect(await client().dead({ id })).toMatchObject([{ error: 'half of it', size: 1, messages: [{ data: 2 }] }])
  })

  it.each<[string, (batch: Batch) => Batch['messages']]>([
    ['none', () => []],
    ['one of another batch', () => [{ id: undefined, data: 9, receivedAt: 1 }]],
    ['one of its own and a copy', (batch) => [batch.messages[0], { ...batch.messages[1] }] as Batch['messages']],
  ])('a worker fails the whole batch, and says so, when the messages that failed are %s', async (_, chosen) => {
    const worker = start(
      (batch) => {
        if (batch.attempt === 1) throw new PartialFailure(chosen(batch), 'half of it')
      },
      { backoff: () => 0 },
    )
    await lua().tick(0)
    await client().addMessages([1, 2].map((data) => ({ key: 'ann', data, flush: data === 2 })))
    await eventually(() => expect(worker.told.map(([event]) => event)).toEqual(['error', 'failed']))
    await later(1000)
    const [batch] = await first(worker, 'completed')
    expect(batch).toMatchObject({ attempt: 2, messages: [{ data: 1 }, { data: 2 }] })
    expect(worker.told[0]).toMatchObject(['error', { code: 'BAD_ARGUMENT' }])
  })

  it('a worker takes a message that failed for one, however often it is named', async () => {
    const worker = start(
      (batch) => {
        if (batch.attempt === 1) throw new PartialFailure([...batch.messages.slice(1), ...batch.messages.slice(1)])
      },
      { backoff: () => 0 },
    )
    await client().addMessages([1, 2].map((data) => ({ key: 'ann', data, flush: data === 2 })))
    const [batch] = await first(worker, 'completed')
    expect(batch).toMatchObject({ attempt: 2, messages: [{ data: 2 }] })
  })

  it('a worker hands data that is not JSON over as text', async () => {
    const worker = start(() => {}, { attempts: 1 })
    await lua().call('add', 'ann', '{', 'FLUSH')
    const [batch] = await first(worker, 'completed')
    expect(batch.messages).toMatchObject([{ data: '{' }])
  })
})

it('exponentialBackoff doubles the pause, and leaves half of it to chance', () => {
  const backoff = exponentialBackoff(100, 1000)
  for (const [attempt, most] of [
    [1, 100],
    [2, 200],
    [4, 800],
    [5, 1000],
    [2000, 1000],
  ] as const) {
    const pauses = Array.from({ length: 50 }, () => backoff(attempt))
    expect(Math.min(...pauses)).toBeGreaterThanOrEqual(most / 2)
    expect(Math.max(...pauses)).toBeLessThanOrEqual(most)
    expect(new Set(pauses).size).toBeGreaterThan(1)
    expect(pauses.every(Number.isInteger)).toBe(true)
  }
  expect(exponentialBackoff()(1)).toBeLessThanOrEqual(1000)
})
