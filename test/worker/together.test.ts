import { expect, it } from 'vitest'
import { LIMITS } from '../../src/redis/generated/limits.ts'
import { brokenLaws } from '../support/laws.ts'
import { describeBindings } from '../support/lua.ts'
import { addDue, eventually, gate, recordCalls, useWorkers } from './workers.ts'

/** So many batches end at once. */
const MANY = 1000
/** In so many calls. Half of them may leave a turn of the event loop later. */
const CALLS = 2 * Math.ceil(MANY / 2 / LIMITS.ends)

describeBindings('what a worker tells together', (lua) => {
  const { client, start } = useWorkers(lua)

  /** A worker in whose hands MANY batches are, and what ends their handlers. */
  async function busy(attempts = 5) {
    const held = gate()
    await addDue(client(), MANY)
    const handler = async () => {
      await held.opened
      throw new Error('what is behind is broken')
    }
    const worker = start(handler, { concurrency: MANY, attempts, backoff: () => 3_600_000 })
    await eventually(() => expect(worker.running).toBe(MANY))
    const calls = await recordCalls(lua())
    const told = (event: string) => worker.told.filter(([name]) => name === event).length
    const made = async (name: string) => (await calls.made()).filter((each) => each.name === name).length
    return { worker, end: held.open, told, made }
  }

  it('handlers that fail at once are told in few calls', async () => {
    const { end, told, made } = await busy()
    end()
    await eventually(() => expect(told('failed')).toBe(MANY))
    expect(await made('fail')).toBeLessThanOrEqual(CALLS)
    expect(await client().getStats()).toMatchObject({ active: MANY, totals: { failed: MANY } })
    expect(await brokenLaws(lua().redis, lua().root)).toEqual([])
  })

  it('handlers that fail at once for the last time are told in few calls, of which none moves many messages', async () => {
    const { end, told, made } = await busy(1)
    end()
    await eventually(() => expect(told('dead')).toBe(MANY))
    const perCall = Math.floor(LIMITS.moved / (1 + LIMITS.movedBatch))
    expect(await made('fail')).toBeLessThanOrEqual(CALLS * Math.ceil(LIMITS.ends / perCall))
    expect(await client().getStats()).toMatchObject({ active: 0, dead: MANY })
    expect(await brokenLaws(lua().redis, lua().root)).toEqual([])
  })

  it('what runs when a worker closes and waits no longer is given back in few calls', async () => {
    const { worker, told, made } = await busy()
    await worker.close({ timeout: 0 })
    expect(told('released')).toBe(MANY)
    expect(await made('release')).toBeLessThanOrEqual(CALLS)
    expect(await client().getStats()).toMatchObject({ active: MANY, totals: { failed: 0 } })
  })

  it('handlers that throw before their first await are told together, and what comes behind them is handled', async () => {
    const rapidfire = client()
    await addDue(rapidfire, 200)
    const calls = await recordCalls(lua())
    const handler = ({ key }: { key: string }) => {
      if (key !== 'key 199') throw new Error('it throws at once')
    }
    const summary = await rapidfire.processPendingBatches(handler, { concurrency: 20, backoff: () => 3_600_000 })
    expect(summary).toMatchObject({ retry: 199, completed: 1 })
    const made = (await calls.made()).map(({ name }) => name)
    const claims = made.filter((name) => name === 'claim_ready').length
    expect(made.filter((name) => name === 'fail').length).toBeLessThanOrEqual(claims)
  })

  it('data that is no JSON is handed over like any other, in no more calls, and holds up nothing behind it', async () => {
    const rapidfire = client()
    for (let n = 0; n < 100; n += 1) await lua().call('add', `key ${n}`, 'no JSON', 'FLUSH')
    await rapidfire.addMessage('good', 1, { flush: true })
    const calls = await recordCalls(lua())
    const seen: unknown[] = []
    const summary = await rapidfire.processPendingBatches(({ messages }) => void seen.push(messages[0]?.data), { concurrency: 10 })
    expect(summary).toMatchObject({ completed: 101, batches: 101 })
    expect(seen).toEqual([...Array(100).fill('no JSON'), 1])
    const made = (await calls.made()).map(({ name }) => name)
    // Each claim takes about five, and what it brings is completed together.
    for (const name of ['claim_ready', 'complete']) expect(made.filter((each) => each === name).length).toBeLessThan(50)
  })
})
