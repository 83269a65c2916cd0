import { once } from 'node:events'
import { expect, it } from 'vitest'
import type { Batch } from '../../src/batches/batch.ts'
import type { Run } from '../../src/events.ts'
import type { Logger } from '../../src/worker/handler.ts'
import { brokenLaws } from '../support/laws.ts'
import { describeBindings, partsLeft } from '../support/lua.ts'
import { addDue, block, eventually, gate, recordCalls, useWorkers } from './workers.ts'

describeBindings('worker', (lua) => {
  const { client, start } = useWorkers(lua)
  const intact = async () => expect(await brokenLaws(lua().redis, lua().root)).toEqual([])

  it('a worker hands over a batch, completes it and says so', async () => {
    const handled: Batch[] = []
    const worker = start((batch) => handled.push(batch))
    await client().addMessage('ann', { text: 'Hi' }, { id: 'wamid.1' })
    await client().addMessage('ann', { text: 'book me' }, { flush: true })
    const [completed] = await once(worker, 'completed')
    expect(handled).toEqual([completed])
    expect(completed).toMatchObject({ key: 'ann', attempt: 1, reason: 'flush' })
    expect(completed.messages).toMatchObject([{ id: 'wamid.1', data: { text: 'Hi' } }, { data: { text: 'book me' } }])
    expect((await partsLeft(lua())).filter((name) => !name.includes(':seen:'))).toEqual([lua().root])
    await intact()
  })

  it('a worker runs as many handlers as it has slots, and claims no more than it can run', async () => {
    const calls = await recordCalls(lua())
    const held = gate()
    const seen: string[] = []
    let most = 0
    await addDue(client(), 8)
    const worker = start(
      async (batch) => {
        most = Math.max(most, worker.running)
        seen.push(batch.key)
        await held.opened
      },
      { concurrency: 3 },
    )
    await eventually(() => expect(worker.running).toBe(3))
    expect(await client().getStats()).toMatchObject({ active: 3, ready: 5 })
    held.open()
    await eventually(() => expect(worker.told.filter(([event]) => event === 'completed')).toHaveLength(8))
    expect(most).toBe(3)
    expect(seen.sort()).toEqual(['key 0', 'key 1', 'key 2', 'key 3', 'key 4', 'key 5', 'key 6', 'key 7'])
    const limits = (await calls.made()).filter(({ name }) => name === 'claim_ready').map(({ args }) => Number(args[1]))
    expect(Math.max(...limits)).toBeLessThanOrEqual(3)
    await intact()
  })

  it('a worker sends the completions of one tick in one call', async () => {
    const held = gate()
    await addDue(client(), 8)
    const worker = start(() => held.opened, { concurrency: 8 })
    await eventually(() => expect(worker.running).toBe(8))
    const calls = await recordCalls(lua())
    held.open()
    await eventually(() => expect(worker.told.filter(([event]) => event === 'completed')).toHaveLength(8))
    const completions = (await calls.made()).filter(({ name }) => name === 'complete')
    // Pairs of key and token, behind who calls.
    expect(completions.map(({ args }) => args.length)).toEqual([2 + 16])
  })

  it('a worker keeps the lease while the handler runs, however long', async () => {
    await lua().tick(0)
    const held = gate()
    const other = client()
    const worker = start(() => held.opened, { lease: 100 })
    await client().addMessage('ann', 1, { flush: true })
    await eventually(() => expect(worker.running).toBe(1))
    for (let n = 0; n < 6; n += 1) {
      await lua().tick(80)
      await eventually(async () => expect((await other.peek('ann')).until).toBe(lua().now + 100))
      expect((await other.claimReady()).batches).toEqual([])
    }
    held.open()
    await once(worker, 'completed')
    expect(await other.getStats()).toMatchObject({ totals: { completed: 1, redelivered: 0 } })
  })

  it('a worker aborts the signal when the lease is lost, refuses the late result, and leaves the other claim alone', async () => {
    await lua().tick(0)
    const held = gate()
    const other = client()
    const reasons: Error[] = []
    const worker = start(
      async (batch, { signal }) => {
        if (batch.key === 'bob') return held.opened
        signal.addEventListener('abort', () => reasons.push(signal.reason))
        await held.opened
      },
      { lease: 900 },
    )
    await client().addMessages(['ann', 'bob'].map((key) => ({ key, data: 1, flush: true })))
    await eventually(() => expect(worker.running).toBe(2))
    await other.getStats() // it connects before
    // As if the heartbeat had not come through for a while.
    await lua().redis.zadd(`${lua().root}:active`, lua().now, 'ann')
    const { batches } = await other.claimReady()
    expect(batches).toMatchObject([{ key: 'ann', token: expect.stringMatching(/:2$/) }])
    await eventually(() => expect(reasons).toMatchObject([{ message: `the lease of batch ${batches[0]?.id} is lost` }]))
    held.open()
    await eventually(() => expect(worker.told).toHaveLength(2))
    expect(worker.told.map(([event, batch]) => [event, batch.key]).sort()).toEqual([
      ['completed', 'bob'],
      ['lost', 'ann'],
    ])
    expect(await other.peek('ann')).toMatchObject({ state: 'active', token: `${batches[0]?.id}:2` })
    expect(await other.complete(batches[0] as Batch)).toBe('completed')
    await intact()
  })

  it.each(['complete', 'fail'])('a worker counts as lost a %s that comes after another claim', async (end) => {
    await lua().tick(0)
    const held = gate()
    const other = client()
    const worker = start(() => held.opened.then(() => (end === 'fail' ? Promise.reject(new Error('late')) : undefined)))
    await client().addMessage('ann', 1, { flush: true })
    await eventually(() => expect(worker.running).toBe(1))
    // It must not be the one that claims again.
    worker.pause()
    await lua().tick(30_000)
    const { batches } = await other.claimReady()
    held.open()
    await eventually(() => expect(worker.told).toMatchObject([['lost', { key: 'ann', attempt: 1 }]]))
    expect(await other.complete(batches[0] as Batch)).toBe('completed')
    expect(await other.getStats()).toMatchObject({ messages: 0, totals: { completed: 1, failed: 0, redelivered: 1 } })
  })

  it('a worker does not take its own batch again after the event loop was blocked past the lease', async () => {
    const held = gate()
    const attempts: number[] = []
    const worker = start(
      async (batch) => {
        if (batch.key === 'ann') {
          attempts.push(batch.attempt)
          await held.opened
        } else {
          await new Promise((resolve) => setImmediate(resolve))
          block(900)
          // So that the claim comes first and not the heartbeat.
          worker.pause()
          worker.resume()
        }
      },
      { lease: 600 },
    )
    await client().addMessage('ann', 1, { flush: true })
    await eventually(() => expect(attempts).toEqual([1]))
    await client().addMessage('bob', 1, { flush: true })
    await eventually(() => expect(worker.told).toMatchObject([['completed', { key: 'bob' }]]))
    held.open()
    await eventually(() => expect(worker.told).toHaveLength(2))
    expect(worker.told[1]).toMatchObject(['completed', { key: 'ann', attempt: 1 }])
    expect(attempts).toEqual([1])
  })

  it('a worker completes what blocked the event loop past its lease before it claims again', async () => {
    const attempts: number[] = []
    await addDue(client(), 3)
    const worker = start(
      (batch) => {
        attempts.push(batch.attempt)
        block(150)
      },
      { lease: 100, concurrency: 1 },
    )
    await eventually(() => expect(worker.told).toHaveLength(3))
    expect(worker.told.map(([event]) => event)).toEqual(['completed', 'completed', 'completed'])
    expect(attempts).toEqual([1, 1, 1])
  })

  it('a worker lets a handler lengthen the lease and see what has arrived behind its batch', async () => {
    await lua().tick(0)
    const answers: unknown[] = []
    const worker = start(async (_, { extend }) => {
      await client().addMessages([1, 2].map((data) => ({ key: 'ann', data })))
      answers.push(await extend(70_000), (await client().peek('ann')).until)
      answers.push(await extend(), (await client().peek('ann')).until)
      await lua().tick(70_000)
      await client().claimReady()
      answers.push(await extend())
    })
    await client().addMessage('ann', 0, { flush: true })
    await once(worker, 'lost')
    expect(answers).toEqual([
      { status: 'extended', queued: 2 },
      lua().now,
      // A lease is never shortened.
      { status: 'extended', queued: 2 },
      lua().now,
      { status: 'lost', queued: 0 },
    ])
  })

  it('a worker fails a handler that takes longer than `timeout`, and aborts its signal', async () => {
    const signals: AbortSignal[] = []
    const worker = start(
      (batch, { signal }) => {
        signals.push(signal)
        return batch.attempt < 3 ? new Promise(() => {}) : undefined
      },
      { timeout: 30, concurrency: 1, backoff: () => 0 },
    )
    await client().addMessage('ann', 1, { flush: true })
    const [completed] = await once(worker, 'completed')
    expect(completed).toMatchObject({ attempt: 3 })
    expect(worker.told.map(([event, , error]) => [event, error?.message])).toEqual([
      ['failed', 'the handler took longer than 30 ms'],
      ['failed', 'the handler took longer than 30 ms'],
      ['completed', undefined],
    ])
    expect(signals.map((signal) => signal.aborted)).toEqual([true, true, false])
    expect(worker.running).toBe(0)
  })

  it('a worker does not mind what a handler does after its timeout', async () => {
    const late = gate()
    const worker = start(
      async (batch) => {
        if (batch.key === 'bob' || batch.attempt > 1) return
        await late.opened
        throw new Error('late')
      },
      { timeout: 20, backoff: () => 0 },
    )
    await client().addMessage('ann', 1, { flush: true })
    await once(worker, 'completed')
    late.open()
    await client().addMessage('bob', 1, { flush: true })
    await once(worker, 'completed')
    expect(worker.told.map(([event]) => event)).toEqual(['failed', 'completed', 'completed'])
  })

  it('a worker gives the handler its logger, or one that says nothing', async () => {
    const logged: unknown[] = []
    const say = (level: string) => (fields: object, message: string) => logged.push([level, fields, message])
    const logger = { debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error') }
    const loud = start((_, { log }) => log.info({ step: 1 }, 'answered'), { logger })
    await client().addMessage('ann', 1, { flush: true })
    await once(loud, 'completed')
    expect(logged).toEqual([['info', { step: 1 }, 'answered']])
    await loud.close()
    const quiet = start((_, { log }) => log.error({}, 'nobody hears it'))
    await client().addMessage('ann', 1, { flush: true })
    await once(quiet, 'completed')
  })

  it('a worker gives each attempt a child of its logger, which knows the batch, when it can make one', async () => {
    const logged: unknown[] = []
    const nothing = () => {}
    const logger: Logger = {
      debug: nothing,
      info: nothing,
      warn: nothing,
      error: nothing,
      child: (about) => ({ ...logger, info: (fields, message) => logged.push({ ...about, ...fields, message }) }),
    }
    const worker = start((_, { log }) => log.info({ step: 1 }, 'answered'), { logger })
    await client().addMessage('ann', 1, { flush: true })
    const [batch] = await once(worker, 'completed')
    expect(logged).toEqual([{ batch: batch.id, attempt: 1, step: 1, message: 'answered' }])
  })

  it('a worker says how long an attempt has run, and how long after its deadline the batch was claimed, by the clock of Redis', async () => {
    await lua().tick(0)
    await client().addMessages(['ann', 'bob', 'cid'].map((key) => ({ key, data: 1, flush: true })))
    await lua().tick(70)
    const worker = start(
      async ({ key }) => {
        block(15)
        if (key === 'bob') throw new Error('down')
        if (key === 'cid') await new Promise(() => {})
      },
      { attempts: 1 },
    )
    const runs = new Map<string, Run>()
    worker.on('completed', (_, run) => runs.set('completed', run)).on('dead', (_, __, run) => runs.set('dead', run))
    worker.on('released', (_, run) => runs.set('released', run))
    await eventually(() => expect(runs.size).toBe(2))
    await worker.close({ timeout: 0 })
    expect([...runs.keys()].sort()).toEqual(['completed', 'dead', 'released'])
    for (const { took, lateness } of runs.values()) {
      expect(lateness).toBe(70)
      expect(took).toBeGreaterThanOrEqual(15)
      expect(Number.isInteger(took)).toBe(true)
    }
  })

  it('a worker hands over the batches of one key one after the other, in order', async () => {
    await client().policy({ maxSize: 2 })
    const seen: number[][] = []
    let running = 0
    const worker = start<number>(async (batch) => {
      expect((running += 1)).toBe(1)
      await new Promise((resolve) => setImmediate(resolve))
      running -= 1
      seen.push(batch.messages.map(({ data }) => data))
    })
    const source = client<number>()
    for (let n = 0; n < 9; n += 1) await source.addMessage('ann', n, { flush: n === 8 })
    await eventually(() => expect(seen.flat()).toHaveLength(9))
    expect(seen.flat()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8])
    expect(Math.max(...seen.map((batch) => batch.length))).toBeLessThanOrEqual(2)
    expect(worker.told.filter(([event]) => event === 'failed')).toEqual([])
  })
})
