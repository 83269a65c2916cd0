import { expect, it } from 'vitest'
import { type Batch, joinText } from '../../src/batches/batch.ts'
import { ProcessingError, RapidfireError } from '../../src/errors.ts'
import { partitionOf } from '../../src/partitions/roots.ts'
import { brokenLaws } from '../support/laws.ts'
import { describeBindings, partsLeft, START } from '../support/lua.ts'
import { gate, useClients } from './clients.ts'

const NOTHING = { batches: 0, messages: 0, completed: 0, retry: 0, dead: 0, lost: 0 }

describeBindings('processPendingBatches', (lua) => {
  const client = useClients(lua)
  const intact = async () => expect(await brokenLaws(lua().redis, lua().root)).toEqual([])

  /** A client with `keys` batches of two messages that are due. */
  async function due(keys: string[], options = {}) {
    const rapidfire = client<string>(options)
    await rapidfire.addMessages(keys.flatMap((key) => ['one', 'two'].map((text) => ({ key, data: `${key} ${text}` }))))
    await lua().tick(10_000)
    return rapidfire
  }

  it('does nothing on an empty queue, nor before a deadline', async () => {
    const rapidfire = client()
    expect(await rapidfire.processPendingBatches(() => expect.unreachable())).toEqual(NOTHING)
    await rapidfire.addMessage('ann', 1)
    await lua().tick(9999)
    expect(await rapidfire.processPendingBatches(() => expect.unreachable())).toEqual(NOTHING)
  })

  it('handles each batch once, and leaves nothing but the root', async () => {
    const keys = Array.from({ length: 57 }, (_, n) => `key ${n}`)
    const rapidfire = await due(keys)
    const texts: string[] = []
    expect(await rapidfire.processPendingBatches((batch) => texts.push(joinText(batch)))).toEqual({
      ...NOTHING,
      batches: 57,
      messages: 114,
      completed: 57,
    })
    expect(texts.sort()).toEqual(keys.map((key) => `${key} one ${key} two`).sort())
    expect(await rapidfire.processPendingBatches(() => expect.unreachable())).toEqual(NOTHING)
    expect(await partsLeft(lua())).toEqual([lua().root])
  })

  it.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('down')
      },
    ],
    ['rejects', () => Promise.reject(new Error('down'))],
    [
      'throws undefined',
      () => {
        throw undefined
      },
    ],
    ['rejects with null', () => Promise.reject(null)],
    [
      'throws what has no text',
      () => {
        throw Object.create(null)
      },
    ],
  ])('gives a batch back whose handler %s, and disturbs no other', async (_, fails) => {
    const rapidfire = await due(['ann', 'bad', 'zoe'])
    const done: string[] = []
    const handler = (batch: Batch<string>) => (batch.key === 'bad' ? fails() : done.push(batch.key))
    expect(await rapidfire.processPendingBatches(handler, { backoff: () => 700 })).toEqual({
      ...NOTHING,
      batches: 3,
      messages: 6,
      completed: 2,
      retry: 1,
    })
    expect(done.sort()).toEqual(['ann', 'zoe'])
    expect(await rapidfire.peek('bad')).toMatchObject({ state: 'retry', until: lua().now + 700 })
    expect(await rapidfire.processPendingBatches(handler)).toEqual(NOTHING)
    await intact()
    await lua().tick(700)
    const again: Batch<string>[] = []
    await rapidfire.processPendingBatches((batch) => again.push(batch))
    expect(again).toMatchObject([{ key: 'bad', attempt: 2, messages: [{ data: 'bad one' }, { data: 'bad two' }] }])
  })

  it('buries a batch whose attempts are used up, with the error, and goes on with the next one of its key', async () => {
    const rapidfire = await due(['ann'])
    const handler = async (batch: Batch<string>) => {
      if (batch.attempt === 1) await rapidfire.addMessage('ann', 'behind')
      throw new Error(`down in ${batch.attempt}`)
    }
    const options = { attempts: 2, backoff: (attempt: number) => attempt }
    expect(await rapidfire.processPendingBatches(handler, options)).toMatchObject({ retry: 1 })
    await lua().tick(1)
    expect(await rapidfire.processPendingBatches(handler, options)).toMatchObject({ dead: 1, messages: 2 })
    const [id] = await lua().redis.zrange(`${lua().root}:dead`, '0', '-1')
    expect(await lua().redis.hget(`${lua().root}:dead:${id}`, 'error')).toBe('down in 2')
    expect((await rapidfire.peek('ann')).messages).toMatchObject([{ data: 'behind' }])
    await intact()
  })

  it('runs as many handlers at once as `concurrency` says, and no more', async () => {
    const rapidfire = await due(Array.from({ length: 20 }, (_, n) => `key ${n}`))
    const full = gate()
    let [running, most, handled] = [0, 0, 0]
    await rapidfire.processPendingBatches(
      async () => {
        running += 1
        most = Math.max(most, running)
        if (running === 7) full.open()
        // Once seven of them have run together each goes on.
        await full.opened
        running -= 1
        handled += 1
      },
      { concurrency: 7 },
    )
    expect({ most, handled }).toEqual({ most: 7, handled: 20 })
  })

  it('handles at most `limit` batches', async () => {
    const rapidfire = await due(['ann', 'bob', 'cid', 'dan', 'eve'])
    expect(await rapidfire.processPendingBatches(() => {}, { limit: 3 })).toMatchObject({ batches: 3 })
    expect(await rapidfire.processPendingBatches(() => {}, { limit: 1, concurrency: 1 })).toMatchObject({ batches: 1 })
    expect(await rapidfire.processPendingBatches(() => {}, { limit: 100 })).toMatchObject({ batches: 1 })
  })

  it('ends under endless traffic: what becomes due later is left for the next call', async () => {
    const rapidfire = await due(['ann'], { policy: { maxSize: 2 } })
    const handler = async () => {
      await lua().tick(1)
      await rapidfire.addMessage('ann', 'more', { flush: true })
      await rapidfire.addMessage('bob', 'more', { flush: true })
    }
    expect(await rapidfire.processPendingBatches(handler)).toMatchObject({ batches: 1 })
    expect(await rapidfire.processPendingBatches(handler, { concurrency: 1 })).toMatchObject({ batches: 2 })
    await intact()
  })

  it('leaves the batches of one key in order', async () => {
    const rapidfire = client<number>({ policy: { maxSize: 3 } })
    await rapidfire.addMessages(Array.from({ length: 10 }, (_, n) => ({ key: 'ann', data: n })))
    await lua().tick(10_000)
    const seen: number[][] = []
    let running = 0
    await rapidfire.processPendingBatches(async (batch) => {
      expect((running += 1)).toBe(1)
      await new Promise((resolve) => setImmediate(resolve))
      running -= 1
      seen.push(batch.messages.map(({ data }) => data))
    })
    expect(seen).toEqual([[0, 1, 2], [3, 4, 5], [6, 7, 8], [9]])
  })

  it('handles keys that are not valid UTF-8', async () => {
    const keys = [Buffer.from([0xff, 0x00, 0x0a]), Buffer.from([0xfe, 0x00, 0x0a]), Buffer.from([0xc3, 0x28])]
    for (const key of keys) await lua().call('add', key, '"Hi"', 'FLUSH')
    const rapidfire = client()
    const failed = new Set<string>()
    const handler = (batch: Batch) => {
      if (failed.has(batch.id)) return
      failed.add(batch.id)
      throw new Error('once')
    }
    expect(await rapidfire.processPendingBatches(handler, { backoff: () => 5 })).toMatchObject({ retry: 3 })
    await lua().tick(5)
    expect(await rapidfire.processPendingBatches(handler)).toMatchObject({ completed: 3 })
    expect(await partsLeft(lua())).toEqual([lua().root])
  })

  it('hands data that is not JSON over as text', async () => {
    await lua().call('add', 'bad', 'not JSON', 'FLUSH')
    await lua().call('add', 'cut', '{"text":', 'NEXT', 'cut', '"behind"')
    const rapidfire = await due(['ann', 'zoe'])
    const done: [string, unknown[]][] = []
    const handler = (batch: Batch) => done.push([batch.key, batch.messages.map(({ data }) => data)])
    expect(await rapidfire.processPendingBatches(handler)).toMatchObject({ batches: 4, completed: 4 })
    expect(done.sort().slice(1, 3)).toEqual([
      ['bad', ['not JSON']],
      ['cut', ['{"text":', 'behind']],
    ])
    await intact()
    await lua().call('add', 'bad', 'not JSON either')
    expect((await rapidfire.peek('bad')).messages[0]?.data).toBe('not JSON either')
  })

  it.each([[''], ['hello'], ['{"text":"Hi"}'], ['1700000000000'], ['1700000000000 9 short'], ['170000000000 0 "a digit less"']])(
    'hands over as text what another program pushed onto the list: %j',
    async (element) => {
      const rapidfire = client<string>({ policy: { maxSize: 3 } })
      await rapidfire.addMessages(['one', 'two', 'three'].map((data) => ({ key: 'ann', data })))
      await lua().redis.lset(`${lua().root}:messages:ann`, 1, element)
      const handed: unknown[] = []
      await rapidfire.processPendingBatches((batch) => handed.push(...batch.messages))
      const one = { id: undefined, receivedAt: START }
      expect(handed).toEqual([
        { ...one, data: 'one' },
        { id: undefined, receivedAt: 0, data: element },
        { ...one, data: 'three' },
      ])
    },
  )

  it('throws what Redis refuses, after what runs has ended', async () => {
    const rapidfire = await due(['ann', 'bob'])
    const handled: string[] = []
    const handler = (batch: Batch<string>) => {
      handled.push(batch.key)
      throw new Error('down')
    }
    await expect(rapidfire.processPendingBatches(handler, { backoff: () => -5 })).rejects.toMatchObject({
      code: 'BAD_ARGUMENT',
      command: 'rapidfire_fail',
    })
    expect(handled.sort()).toEqual(['ann', 'bob'])
  })

  it('handles what is due elsewhere when one part of the queue fails, and throws with what was done', async () => {
    const rapidfire = await due([], { policy: { partitions: 3 } })
    await rapidfire.getStats()
    const keys = Array.from({ length: 60 }, (_, n) => `key ${n}`)
    await rapidfire.addMessages(keys.map((key) => ({ key, data: key, flush: true })))
    await lua().redis.rename('rapid-fire:{orders:1}', 'away')
    await lua().redis.set('rapid-fire:{orders:1}', 'foreign')
    const elsewhere = keys.filter((key) => partitionOf(key, 3) !== 1)
    const handled: string[] = []
    const failure = await rapidfire
      .processPendingBatches((batch) => {
        handled.push(batch.key)
        if (batch.key === elsewhere[0]) throw new Error('down')
      })
      .catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(ProcessingError)
    const done = { batches: elsewhere.length, messages: elsewhere.length, completed: elsewhere.length - 1, retry: 1, dead: 0, lost: 0 }
    expect(failure).toMatchObject({ code: 'WRONG_TYPE', command: 'rapidfire_claim_ready', cause: { code: 'WRONG_TYPE' }, summary: done })
    expect(handled.sort()).toEqual(elsewhere.sort())
    await lua().redis.rename('away', 'rapid-fire:{orders:1}')
    expect(await rapidfire.processPendingBatches(() => {})).toMatchObject({ completed: keys.length - elsewhere.length })
  })

  it('handles at most `limit` batches of all parts of the queue, also when one of them fails', async () => {
    const rapidfire = await due([], { policy: { partitions: 3 } })
    await rapidfire.getStats()
    await rapidfire.addMessages(Array.from({ length: 60 }, (_, n) => ({ key: `key ${n}`, data: 'x', flush: true })))
    await lua().redis.set('rapid-fire:{orders:1}', 'foreign')
    const failure = await rapidfire.processPendingBatches(() => {}, { limit: 12, concurrency: 3 }).catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 'WRONG_TYPE', summary: { batches: 12, completed: 12 } })
  })

  it('says what was done when the client is closed while a handler runs', async () => {
    const rapidfire = await due(['ann', 'bob'])
    const failure = await rapidfire
      .processPendingBatches(
        async (batch) => {
          if (batch.key === 'bob') await rapidfire.close()
        },
        { concurrency: 1 },
      )
      .catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 'CLOSED', summary: { batches: 2, completed: 1, lost: 1 } })
  })

  it('restores a part of the queue that has lost what it knew, and handles the rest', async () => {
    const rapidfire = await due([], { policy: { partitions: 2 } })
    await rapidfire.getStats()
    await rapidfire.addMessages(Array.from({ length: 20 }, (_, n) => ({ key: `key ${n}`, data: 'x', flush: true })))
    await lua().redis.del('rapid-fire:{orders:0}', 'rapid-fire:{orders:1}')
    expect(await rapidfire.processPendingBatches(() => {})).toMatchObject({ completed: 20 })
  })

  it('throws what `backoff` throws', async () => {
    const rapidfire = await due(['ann'])
    const backoff = () => {
      throw new Error('no pause')
    }
    await expect(rapidfire.processPendingBatches(() => Promise.reject(new Error('down')), { backoff })).rejects.toMatchObject({
      code: 'BAD_OPTION',
      message: /no pause/,
      summary: { batches: 1, retry: 1 },
    })
  })

  it.each([
    { concurrency: 0 },
    { concurrency: 1001 },
    { concurrency: 1.5 },
    { lease: 0 },
    { lease: 86_400_001 },
    { lease: Number.NaN },
    { attempts: 0 },
    { attempts: 1001 },
    { attempts: '5' as never },
    { limit: 0 },
    { limit: -1 },
    { limit: 2.5 },
    { limit: Number.NaN },
    { backoff: 5 as never },
  ])('refuses %o before it claims anything', async (options) => {
    const rapidfire = await due(['ann'])
    await expect(rapidfire.processPendingBatches(() => expect.unreachable(), options)).rejects.toMatchObject({ code: 'BAD_OPTION' })
    expect((await rapidfire.peek('ann')).state).toBe('ready')
  })

  it('refuses a handler that is no function', async () => {
    await expect(client().processPendingBatches('handler' as never)).rejects.toBeInstanceOf(RapidfireError)
    await expect(client().processPendingBatches(undefined as never)).rejects.toMatchObject({ code: 'BAD_OPTION' })
  })
})
