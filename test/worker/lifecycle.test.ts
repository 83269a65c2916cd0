import { once } from 'node:events'
import { expect, it, onTestFinished, vi } from 'vitest'
import { RapidFire } from '../../src/rapidfire.ts'
import { brokenLaws } from '../support/laws.ts'
import { describeBindings } from '../support/lua.ts'
import { addDue, eventually, gate, holdTime, useWorkers } from './workers.ts'

describeBindings('lifecycle', (lua) => {
  const { client, idle, start } = useWorkers(lua)
  const completed = (workers: { told: [string, ...unknown[]][] }[]) =>
    workers.flatMap(({ told }) => told.filter(([event]) => event === 'completed'))

  it.each([
    { concurrency: 0 },
    { concurrency: 1001 },
    { concurrency: 1.5 },
    { concurrency: '5' as never },
    { lease: 0 },
    { lease: 86_400_001 },
    { attempts: 0 },
    { attempts: 1001 },
    { timeout: 0 },
    { timeout: Number.NaN },
    { backoff: 5 as never },
  ])('a worker refuses %o', async (options) => {
    expect(() => client().worker(() => {}, options)).toThrow(expect.objectContaining({ code: 'BAD_OPTION' }))
  })

  it('a worker refuses a handler that is no function', () => {
    expect(() => client().worker('handler' as never)).toThrow(expect.objectContaining({ code: 'BAD_OPTION' }))
  })

  it('a worker does nothing before it runs, and is healthy while it does', async () => {
    await addDue(client(), 1)
    const worker = idle(() => {})
    expect(worker.isHealthy()).toBe(false)
    const ended = worker.run()
    expect(worker.run()).toBe(ended)
    // Not before Redis has answered.
    expect(worker.isHealthy()).toBe(false)
    await once(worker, 'ready')
    expect(worker.isHealthy()).toBe(true)
    await once(worker, 'completed')
    expect(worker.isHealthy()).toBe(true)
    await worker.close()
    expect(worker.isHealthy()).toBe(false)
    await ended
  })

  it('a worker claims nothing while it pauses, lets what runs end, and goes on when it resumes', async () => {
    const held = gate()
    const worker = start(() => held.opened)
    await client().addMessage('ann', 1, { flush: true })
    await eventually(() => expect(worker.running).toBe(1))
    worker.pause()
    expect(worker.isHealthy()).toBe(true)
    await client().addMessage('bob', 1, { flush: true })
    held.open()
    await eventually(() => expect(completed([worker])).toHaveLength(1))
    const passUntil = holdTime(lua())
    await lua().redis.publish(`${lua().root}:wake`, '0')
    // Longer than it rests.
    let left = 200
    await passUntil(() => left-- === 0, 20)
    expect(await client().peek('bob')).toMatchObject({ state: 'ready' })
    vi.useRealTimers()
    worker.resume()
    await eventually(() => expect(completed([worker])).toHaveLength(2))
  })

  it('a worker does not run because it is paused or resumed', async () => {
    await addDue(client(), 1)
    const worker = idle(() => expect.unreachable())
    worker.pause()
    worker.resume()
    expect(worker.isHealthy()).toBe(false)
    await worker.close()
    worker.resume()
    await worker.run()
    expect(await client().getStats()).toMatchObject({ ready: 1 })
  })

  it('a worker says that it is idle when nothing is due and nothing runs, once', async () => {
    const idled: number[] = []
    const held = gate()
    await addDue(client(), 25)
    const worker = start(() => held.opened, { concurrency: 4 })
    worker.on('idle', () => idled.push(completed([worker]).length))
    await eventually(() => expect(worker.running).toBe(4))
    expect(idled).toEqual([])
    held.open()
    await eventually(() => expect(idled).toEqual([25]))
    await lua().redis.publish(`${lua().root}:wake`, '0')
    await client().addMessage('ann', 1, { flush: true })
    await eventually(() => expect(idled).toEqual([25, 26]))
  })

  it('a worker is not idle while something is ready behind the last batch', async () => {
    const seen: unknown[] = []
    const worker = start(async (batch) => {
      const [message] = batch.messages
      seen.push(message?.data)
      if (message?.data !== 3) await client().addMessage('ann', (message?.data as number) + 1, { flush: true })
    })
    worker.on('idle', () => seen.push('idle'))
    await client().addMessage('ann', 1, { flush: true })
    await eventually(() => expect(seen.at(-1)).toBe('idle'))
    expect(seen).toEqual([1, 2, 3, 'idle'])
  })

  it('a worker closes when what runs has ended, and claims nothing more', async () => {
    const held = gate()
    await addDue(client(), 5)
    const worker = start(() => held.opened, { concurrency: 2 })
    await eventually(() => expect(worker.running).toBe(2))
    let closed = false
    const closing = worker.close().then(() => {
      closed = true
    })
    await lua().redis.publish(`${lua().root}:wake`, '0')
    await client().addMessage('zoe', 1, { flush: true })
    expect([closed, worker.running]).toEqual([false, 2])
    held.open()
    await closing
    expect(completed([worker])).toHaveLength(2)
    expect(await client().getStats()).toMatchObject({ active: 0, ready: 4 })
    await worker.close()
    expect(await brokenLaws(lua().redis, lua().root)).toEqual([])
  })

  it('a worker gives back what runs longer than the timeout, claimable at once, and aborts its signal', async () => {
    await lua().tick(0)
    const signals: AbortSignal[] = []
    await addDue(client(), 3)
    const worker = start(
      async (batch, { signal }) => {
        if (batch.key === 'key 0') return
        signals.push(signal)
        await new Promise(() => {})
      },
      { attempts: 1 },
    )
    await eventually(() => expect(completed([worker])).toHaveLength(1))
    await worker.close({ timeout: 20 })
    expect(signals.map(({ reason }) => reason?.message)).toEqual(['the worker closes', 'the worker closes'])
    // That is no failure.
    expect(
      worker.told
        .slice(1)
        .map(([event, batch]) => [event, batch.key])
        .sort(),
    ).toEqual([
      ['released', 'key 1'],
      ['released', 'key 2'],
    ])
    const again: number[] = []
    await client().processPendingBatches((batch) => again.push(batch.attempt))
    expect(again).toEqual([1, 1])
    expect(await client().getStats()).toMatchObject({ messages: 0, dead: 0 })
  })

  it('a worker takes no notice of what a handler does after its batch was given back', async () => {
    const held = gate()
    const worker = start((batch) => held.opened.then(() => (batch.key === 'ann' ? undefined : Promise.reject(new Error('late')))))
    await client().addMessages(['ann', 'bob'].map((key) => ({ key, data: 1, flush: true })))
    await eventually(() => expect(worker.running).toBe(2))
    await worker.close({ timeout: 0 })
    held.open()
    await new Promise((resolve) => setImmediate(resolve))
    expect(worker.told.map(([event]) => event)).toEqual(['released', 'released'])
    expect(await client().getStats()).toMatchObject({ messages: 2, totals: { completed: 0 } })
  })

  it('a worker shortens a close without a timeout by a second one', async () => {
    await addDue(client(), 1)
    const worker = start(() => new Promise(() => {}))
    await eventually(() => expect(worker.running).toBe(1))
    const closing = worker.close()
    await Promise.all([closing, worker.close({ timeout: 10 }), worker.run()])
    expect(await client().peek('key 0')).toMatchObject({ state: 'ready', token: expect.stringMatching(/:1$/) })
  })

  it('a worker can be closed before and after it has run', async () => {
    const never = idle(() => {})
    await never.close()
    await never.close({ timeout: 5 })
    await never.run()
    const worker = start(() => {})
    await worker.close()
    await worker.close()
    await worker.run()
    expect(worker.told).toEqual([])
  })

  it('a worker is closed at the end of an `await using`', async () => {
    await addDue(client(), 1)
    let held: ReturnType<typeof idle>
    {
      await using worker = client().worker(() => {})
      held = worker
      worker.run()
      await once(worker, 'completed')
    }
    expect(held.isHealthy()).toBe(false)
    await held.run()
  })

  it('a worker leaves the client that made it open', async () => {
    const from = client()
    await start(() => {}, {}, from).close()
    expect(await from.addMessage('ann', 1)).toEqual({ status: 'added', size: 1 })
  })

  it.each([{ timeout: undefined }, { timeout: 0 }])(
    'a worker loses nothing of 1000 batches in flight and due when it closes with %o',
    async ({ timeout }) => {
      const rapidfire = client()
      await addDue(rapidfire, 1000)
      const counts = new Map<string, number>()
      const slow = () => new Promise((resolve) => setTimeout(resolve, Math.random() * 20))
      const count = (key: string) => counts.set(key, (counts.get(key) ?? 0) + 1)
      const workers = Array.from({ length: 2 }, () => start((batch) => slow().then(() => count(batch.key)), { concurrency: 200 }))
      await eventually(() => {
        expect(completed(workers).length).toBeGreaterThan(50)
        expect(workers.some((worker) => worker.running > 0)).toBe(true)
      })
      await Promise.all(workers.map((worker) => worker.close(timeout === undefined ? {} : { timeout })))
      const done = completed(workers).map(([, batch]) => (batch as { key: string }).key)
      expect(done.length).toBeLessThan(1000)
      const { active, ready } = await rapidfire.getStats()
      // What a claim has brought that was slower than the others, when there were no slots left, is given back.
      const claims = await lua().redis.hvals(`${lua().root}:claims`)
      expect(claims.filter((claim) => !claim.endsWith(':released'))).toEqual([])
      expect(active + ready + done.length).toBe(1000)
      // Every other one can be claimed now, and not only when a lease has run out.
      const rest: string[] = []
      await rapidfire.processPendingBatches((batch) => rest.push(batch.key), { concurrency: 500 })
      expect([...done, ...rest]).toHaveLength(1000)
      expect(new Set([...done, ...rest]).size).toBe(1000)
      expect(workers.flatMap(({ told }) => told.filter(([event]) => event === 'lost' || event === 'error'))).toEqual([])
      expect(await brokenLaws(lua().redis, lua().root)).toEqual([])
    },
  )

  it('a worker reports what a listener throws or rejects with, and works on', async () => {
    const worker = start(
      (batch) => {
        if (batch.key !== 'ann') throw new Error('down')
      },
      { attempts: 1 },
    )
    worker.on('completed', () => {
      throw new Error('completed listener')
    })
    worker.on('dead', async () => {
      throw new Error('dead listener')
    })
    worker.on('idle', () => {
      throw new Error('idle listener')
    })
    await client().addMessages(['ann', 'bob'].map((key) => ({ key, data: 1, flush: true })))
    const texts = () => worker.told.flatMap(([event, error]) => (event === 'error' ? [error.message] : [])).sort()
    await eventually(() => expect(texts()).toEqual(['completed listener', 'dead listener', 'idle listener']))
    expect(worker.isHealthy()).toBe(true)
    await client().addMessage('ann', 2, { flush: true })
    await eventually(() => expect(completed([worker])).toHaveLength(2))
    expect(await client().getStats()).toMatchObject({ messages: 0, totals: { completed: 2, failed: 0, redelivered: 0, died: 1 } })
  })

  it('a worker warns of errors that nobody listens to, and of listeners that throw, instead of ending the process', async () => {
    const warnings: string[] = []
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation((warning) => void warnings.push(String((warning as Error).message)))
    onTestFinished(() => warn.mockRestore())
    const deaf = idle(() => {})
    deaf.on('completed', () => {
      throw new Error('first')
    })
    deaf.run()
    await addDue(client(), 1)
    await eventually(() => expect(warnings).toEqual(['first']))
    await deaf.close()
    const clumsy = idle(() => Promise.reject(new Error('down')), { attempts: 1 })
    clumsy.on('dead', () => {
      throw new Error('second')
    })
    clumsy.on('error', () => {
      throw new Error('third')
    })
    clumsy.run()
    await addDue(client(), 1)
    await eventually(() => expect(warnings).toEqual(['first', 'third']))
    expect(clumsy.isHealthy()).toBe(true)
  })
})

it('a worker reports that it cannot be reached, is not healthy, and still closes', async () => {
  const rapidfire = new RapidFire({ redis: 'redis://127.0.0.1:1' })
  const worker = rapidfire.worker(() => {})
  const errors: Error[] = []
  worker.on('error', (error) => errors.push(error))
  worker.run()
  await eventually(() => expect(errors.length).toBeGreaterThan(2))
  expect(errors.filter((error) => (error as { code?: string }).code === 'UNAVAILABLE').length).toBeGreaterThan(0)
  expect(worker.isHealthy()).toBe(false)
  await worker.close()
  await rapidfire.close()
})
