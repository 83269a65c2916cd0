import { once } from 'node:events'
import { setImmediate } from 'node:timers/promises'
import { expect, it, onTestFinished, vi } from 'vitest'
import type { Run } from '../../src/events.ts'
import type { Logger } from '../../src/worker/handler.ts'
import { describeBindings } from '../support/lua.ts'
import { addDue, eventually, gate, useWorkers } from './workers.ts'

/** The warnings of the process from here on. */
function warnings(): { name: string; code: string; message: string }[] {
  const heard: any[] = []
  const listener = (warning: Error) => heard.push(warning)
  process.on('warning', listener)
  onTestFinished(() => void process.off('warning', listener))
  return heard
}

/** A logger, and what it was told. */
function logger(): Logger & { lines: unknown[] } {
  const lines: unknown[] = []
  const level = (name: string) => (fields: object, message: string) => void lines.push([name, fields, message])
  return { lines, debug: level('debug'), info: level('info'), warn: level('warn'), error: level('error') }
}

describeBindings('telling', (lua) => {
  const { client, idle } = useWorkers(lua)
  const down = () => {
    throw new Error('the bot is\x1b[2J away')
  }

  it('a worker that nobody listens to warns of the first failure of its handler, and of no other', async () => {
    const heard = warnings()
    await addDue(client(), 3)
    let failures = 0
    const worker = idle(() => {
      failures += 1
      down()
    })
    worker.run()
    await eventually(() => expect(failures).toBe(3))
    await worker.close()
    await setImmediate()
    const text = "a worker of the queue 'orders' has a handler that failed, and the batch comes again: the bot is [2J away (said once: "
    expect(heard).toMatchObject([{ name: 'RapidfireWarning', code: 'HANDLER_FAILED', message: expect.stringContaining(text) }])
  })

  it('a worker that nobody listens to warns of a batch that dies at once', async () => {
    const heard = warnings()
    await addDue(client(), 1)
    idle(down, { attempts: 1 }).run()
    await eventually(() => expect(heard).toMatchObject([{ code: 'HANDLER_FAILED', message: /the batch is dead: the bot is/ }]))
  })

  it('a worker with a logger logs each failure that nobody listens to, and warns of none', async () => {
    const heard = warnings()
    const log = logger()
    await addDue(client(), 1)
    const worker = idle(down, { attempts: 2, backoff: () => 0, logger: log })
    worker.run()
    await eventually(() => expect(log.lines).toHaveLength(2))
    const about = { batch: expect.any(String), error: 'the bot is\x1b[2J away' }
    expect(log.lines).toEqual([
      ['warn', { ...about, attempt: 1 }, 'failed'],
      ['error', { ...about, attempt: 2 }, 'dead'],
    ])
    expect(heard).toEqual([])
  })

  it('a worker with listeners neither logs nor warns', async () => {
    const heard = warnings()
    const log = logger()
    await addDue(client(), 1)
    const worker = idle(down, { attempts: 2, backoff: () => 0, logger: log })
    worker.on('failed', () => {})
    const dead = once(worker, 'dead')
    worker.run()
    await dead
    await setImmediate()
    expect([heard, log.lines]).toEqual([[], []])
  })

  it('what a batch has failed with is seen while it pauses', async () => {
    const from = client()
    await from.addMessage('ann', 1, { flush: true })
    const worker = idle(down, { backoff: () => 60_000 }, from)
    worker.on('failed', () => {})
    worker.run()
    await once(worker, 'failed')
    expect(await from.peek('ann')).toMatchObject({ state: 'retry', error: 'the bot is\x1b[2J away' })
    expect((await from.peek('bob')).error).toBeUndefined()
  })

  it('how late the next attempt is counts from the end of its pause', async () => {
    await lua().tick(0)
    const from = client()
    await from.addMessage('ann', 1, { flush: true })
    const failing = from.processPendingBatches(down, { backoff: () => 1000 })
    expect(await failing).toMatchObject({ retry: 1 })
    await lua().tick(1040)
    const worker = idle(() => {}, {}, from)
    const completed = once(worker, 'completed')
    worker.run()
    const [, run] = (await completed) as [unknown, Run]
    expect(run.lateness).toBe(40)
  })

  it.each<[string, object | undefined, string]>([
    ['backoff', { backoff: () => -5 }, "what backoff returns must be an integer of ms from 0 to 31536000000, got '-5'"],
  ])('a pause that %s has made impossible is named by it', async (_, options, message) => {
    await addDue(client(), 1)
    const worker = idle(down, options)
    worker.on('failed', () => {})
    const error = once(worker, 'error')
    worker.run()
    expect((await error)[0]).toMatchObject({ code: 'BAD_ARGUMENT', command: 'rapidfire_fail', message })
  })

  it('a worker that nobody runs says so, and one that runs or is closed does not', async () => {
    const heard = warnings()
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    onTestFinished(() => void vi.useRealTimers())
    const from = client()
    const timing = { runWithin: 7000 }
    idle(() => {}, { timing }, from)
    const running = idle(() => {}, { timing }, from)
    running.run()
    await idle(() => {}, { timing }, from).close()
    vi.advanceTimersByTime(6999)
    await setImmediate()
    expect(heard).toEqual([])
    vi.advanceTimersByTime(1)
    await setImmediate()
    expect(heard).toMatchObject([
      { name: 'RapidfireWarning', code: 'NOT_RUN', message: /^a worker of the queue 'orders' was made, and nobody runs it/ },
    ])
    vi.useRealTimers()
  })

  it('a client that closes closes its workers, whose handlers may still use it', async () => {
    const from = client()
    await from.addMessage('ann', 1, { flush: true })
    const held = gate()
    const added: unknown[] = []
    const worker = idle(
      async () => {
        await held.opened
        added.push(await from.addMessage('bob', 1))
      },
      {},
      from,
    )
    const ended = worker.run()
    const unused = idle(() => expect.unreachable(), {}, from)
    await eventually(() => expect(worker.running).toBe(1))
    const closing = from.close()
    expect(() => from.worker(() => {})).toThrow(expect.objectContaining({ name: 'RapidfireError', code: 'CLOSED' }))
    held.open()
    await Promise.all([closing, from.close(), ended])
    expect(added).toMatchObject([{ status: 'added' }])
    await expect(from.peek('ann')).rejects.toMatchObject({ code: 'CLOSED' })
    await expect(unused.run()).rejects.toMatchObject({ name: 'RapidfireError', code: 'CLOSED' })
    expect(() => from.forwarder('batches')).toThrow(expect.objectContaining({ code: 'CLOSED' }))
  })

  it('a client that closes and waits no longer gives back what its workers have in hand', async () => {
    const from = client()
    await from.addMessage('ann', 1, { flush: true })
    const worker = idle((_, { signal }) => once(signal, 'abort'), {}, from)
    const ended = worker.run()
    await eventually(() => expect(worker.running).toBe(1))
    await from.close({ timeout: 0 })
    await ended
    expect(await client().peek('ann')).toMatchObject({ state: 'ready', size: 1 })
  })

  it('a worker that was closed by itself is not closed again, and neither a client nor a worker is closed by Infinity', async () => {
    const from = client()
    const worker = idle(() => {}, {}, from)
    const ended = worker.run()
    await expect(worker.close({ timeout: 2 ** 31 })).rejects.toMatchObject({ code: 'BAD_OPTION' })
    await expect(from.close({ timeout: -1 })).rejects.toMatchObject({ code: 'BAD_OPTION' })
    await addDue(from, 1)
    await once(worker, 'completed')
    await worker.close({ timeout: Number.POSITIVE_INFINITY })
    await ended
    await from.close({ timeout: Number.POSITIVE_INFINITY })
  })

  it('a worker that is closed with Infinity waits for its handlers', async () => {
    await addDue(client(), 1)
    const held = gate()
    const worker = idle(() => held.opened)
    worker.run()
    await eventually(() => expect(worker.running).toBe(1))
    const completed = once(worker, 'completed')
    const closing = worker.close({ timeout: Number.POSITIVE_INFINITY })
    for (let turn = 0; turn < 20; turn += 1) await lua().redis.ping()
    held.open()
    await completed
    await closing
  })
})
