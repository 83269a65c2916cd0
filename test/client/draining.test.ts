import { setImmediate } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { partitionOf } from '../../src/partitions/roots.ts'
import type { RapidFire } from '../../src/rapidfire.ts'
import { describeBindings } from '../support/lua.ts'
import { calls, useClients } from './clients.ts'

const KEYS = Array.from({ length: 12 }, (_, n) => `new ${n}`)

describeBindings('while partitions are drained', (lua) => {
  const client = useClients(lua)

  /** A queue of four partitions that has become one of six, and what its old ones hold: messages of `ann`, with the id `a` or without. */
  async function draining(id?: string): Promise<{ rapidfire: RapidFire; old: (key: string) => string }> {
    const rapidfire = client({ policy: { partitions: 4, wait: 2000 } })
    await rapidfire.addMessage('ann', 1, id === undefined ? {} : { id })
    await client().policy({ partitions: 6 })
    return { rapidfire, old: (key) => `rapid-fire:{orders:${partitionOf(key, 4)}}` }
  }

  /** Expects that so many calls are made for one message of each key, once it is known what is left. */
  async function takes(count: number, add: (key: string) => Promise<unknown>): Promise<void> {
    const made = async () => {
      await lua().redis.config('RESETSTAT')
      for (const key of KEYS) await add(key)
      return calls(lua())
    }
    await expect.poll(made, { timeout: 10_000 }).toBe(count)
  }

  it('an old one without messages gets none that has no id, and one that remembers no id gets none at all', async () => {
    const { rapidfire, old } = await draining()
    const elsewhere = KEYS.filter((key) => old(key) !== old('ann')).length
    let id = 0
    // No id is remembered anywhere. `ann` has messages in one of the four.
    await takes(elsewhere + 2 * (KEYS.length - elsewhere), (key) => rapidfire.addMessage(key, 1))
    await takes(elsewhere + 2 * (KEYS.length - elsewhere), (key) => rapidfire.addMessage(key, 1, { id: String(++id) }))
    expect(elsewhere).toBeGreaterThan(2)
    expect(elsewhere).toBeLessThan(KEYS.length)
    expect(await rapidfire.addMessage('ann', 2)).toEqual({ status: 'added', size: 2 })
  })

  it('an old one that remembers ids is asked for what has one, and not for what has none', async () => {
    const { rapidfire, old } = await draining('a')
    await lua().tick(2000)
    expect((await rapidfire.processPendingBatches(() => {})).completed).toBe(1)
    const there = KEYS.filter((key) => old(key) === old('ann')).length
    let id = 0
    const add = (key: string) => client().addMessage(key, 1, { id: String(++id) })
    expect(there).toBeGreaterThan(0)
    const fresh = client()
    await takes(KEYS.length, (key) => fresh.addMessage(key, 1))
    await takes(KEYS.length + there, (key) => fresh.addMessage(key, 1, { id: String(++id) }))
    expect(await fresh.addMessage('ann', 1, { id: 'a' })).toMatchObject({ status: 'duplicate' })
    expect(await fresh.addMessage('ann', 2, { id: 'b' })).toEqual({ status: 'added', size: 1 })
    await add('ann')
    // A list in which one has an id goes one way.
    expect(
      await fresh.addMessages([
        { key: 'ann', data: 3 },
        { key: 'ann', data: 4, id: 'c' },
        { key: 'ann', data: 5 },
      ]),
    ).toMatchObject([{ size: 3 }, { size: 4 }, { size: 5 }])
    expect((await fresh.peek('ann')).messages.map(({ data }) => data)).toEqual([2, 1, 3, 4, 5])
  })

  it('the messages of a key stay in order while it becomes known that nothing is left', async () => {
    const { rapidfire, old } = await draining()
    const key = KEYS.find((key) => old(key) !== old('ann')) as string
    const fresh = client()
    const adds: Promise<unknown>[] = []
    for (let n = 0; n < 60; n += 1) {
      adds.push(n % 3 === 0 ? fresh.addMessages([{ key, data: n }]) : fresh.addMessage(key, n))
      if (n % 5 === 0) await setImmediate()
    }
    await Promise.all(adds)
    expect((await rapidfire.peek(key)).messages.map(({ data }) => data)).toEqual(Array.from({ length: 60 }, (_, n) => n))
  })
})
