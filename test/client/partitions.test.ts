import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { partitionOf } from '../../src/layout.ts'
import type { RapidFire } from '../../src/rapidfire.ts'
import { describeBindings } from '../support/lua.ts'
import { useClients } from './clients.ts'

// The table that callers in other languages go by.
const vectors = [
  ...readFileSync(new URL('../../lua/README.md', import.meta.url), 'utf8').matchAll(/^\| `(.+)` \| (\d+) \| (\d+) \| (\d+) \| (\d+) \|$/gm),
]

it('maps the keys of lua/README.md to the partitions that stand there', () => {
  expect(vectors).toHaveLength(4)
  for (const [, key = '', ...numbers] of vectors) {
    expect([2 ** 32, 4, 16, 100].map((count) => partitionOf(key, count))).toEqual(numbers.map(Number))
    expect(partitionOf(Buffer.from(key), 16)).toBe(Number(numbers[2]))
  }
})

it.each([
  ['phone numbers', (n: number) => String(79_000_000_000 + n)],
  ['chat ids', (n: number) => `${n * 7919}@c.us`],
  ['hexadecimal ids', (n: number) => (n * 2_654_435_761).toString(16)],
])('spreads a million %s over 16 partitions, each within 2 %% of even', (_, key) => {
  const counts = new Array(16).fill(0)
  for (let n = 0; n < 1_000_000; n += 1) counts[partitionOf(key(n), 16)] += 1
  for (const count of counts) expect(Math.abs(count / 62_500 - 1)).toBeLessThan(0.02)
})

describeBindings('partitions', (lua) => {
  const client = useClients(lua)
  const KEYS = Array.from({ length: 40 }, (_, n) => `key ${n}`)

  /** Handles all that is due, and returns the data in the order in which it was handed over. */
  async function drained(rapidfire: RapidFire): Promise<unknown[]> {
    const seen: unknown[] = []
    await rapidfire.processPendingBatches(({ messages }) => {
      for (const { data } of messages) seen.push(data)
    })
    return seen
  }

  it('spread the keys over roots of their own, and every call finds them', async () => {
    const rapidfire = client({ policy: { partitions: 4, wait: 2000 } })
    expect(await rapidfire.addMessages(KEYS.map((key) => ({ key, data: key, id: key })))).toEqual(
      KEYS.map(() => ({ status: 'added', size: 1 })),
    )
    for (let n = 0; n < 4; n += 1) expect(await lua().redis.zcard(`rapid-fire:{orders:${n}}:due`)).toBeGreaterThan(3)
    expect(await lua().redis.exists('rapid-fire:{orders}:due')).toBe(0)
    // Another client, which knows nothing of partitions.
    const other = client()
    expect(await other.addMessage(KEYS[0] as string, 'again', { id: KEYS[0] })).toEqual({ status: 'duplicate', size: 1 })
    expect(await other.addMessage(KEYS[0] as string, 'more')).toEqual({ status: 'added', size: 2 })
    expect(await client().peek(KEYS[0] as string)).toMatchObject({ state: 'collecting', size: 2 })
    expect(await other.policy()).toMatchObject({ partitions: 4, wait: 2000 })
    expect(await client().getStats()).toMatchObject({ partitions: 4, collecting: 40, messages: 41, totals: { added: 41, duplicates: 1 } })
    await lua().tick(2000)
    const claimed = await client().claimReady({ limit: 25 })
    expect(claimed.batches).toHaveLength(25)
    expect(new Set(claimed.batches.map(({ id }) => id)).size).toBe(25)
    const worker = client()
    expect((await worker.extend(claimed.batches, 50_000)).map(({ status }) => status)).toEqual(claimed.batches.map(() => 'extended'))
    for (const batch of claimed.batches.slice(0, 20)) expect(await worker.complete(batch)).toBe('completed')
    for (const batch of claimed.batches.slice(20)) expect(await worker.fail(batch, { attempts: 1, error: 'why' })).toBe('dead')
    expect(await drained(client())).toHaveLength(15)
    const dead = await client().dead()
    expect(dead.map(({ id }) => id).sort()).toEqual(
      claimed.batches
        .slice(20)
        .map(({ id }) => id)
        .sort(),
    )
    expect((await client().dead({ limit: 2, offset: 2 })).map(({ id }) => id)).toEqual(dead.slice(2, 4).map(({ id }) => id))
    expect(await client().dead({ id: dead[0]?.id as string })).toMatchObject([{ error: 'why', messages: [{}] }])
    expect(await client().requeue([dead[0]?.id as string, '1-1-2', dead[1]?.id as string])).toEqual(['requeued', 'unknown', 'requeued'])
    expect(await client().drop(dead.slice(2).map(({ id }) => id))).toEqual(['dropped', 'dropped', 'dropped'])
    expect(await drained(client())).toHaveLength(2)
    expect(await client().getStats()).toMatchObject({ messages: 0, dead: 0, totals: { completed: 37 } })
    expect(await client().check()).toMatchObject({ violations: [] })
  })

  it('change while messages wait: nothing is lost, doubled or overtaken, and duplicates are known', async () => {
    const stale = client()
    await stale.addMessages(KEYS.map((key) => ({ key, data: [key, 1], id: `${key} 1` })))
    const operator = client()
    expect(await operator.policy({ partitions: 4 })).toMatchObject({ partitions: 4 })
    await expect(operator.policy({ partitions: 8 })).rejects.toMatchObject({ code: 'REPARTITIONING' })
    // Keys that have messages in the old root stay there, new ones go to the new partitions.
    await stale.addMessages(KEYS.map((key) => ({ key, data: [key, 2], id: `${key} 2` })))
    await stale.addMessage('new', ['new', 1])
    expect(await lua().redis.llen('rapid-fire:{orders}:messages:new')).toBe(0)
    expect(await lua().redis.llen('rapid-fire:{orders}:messages:key 1')).toBe(2)
    expect(await client().peek('new')).toMatchObject({ size: 1 })
    expect(await client().peek('key 1')).toMatchObject({ size: 2 })
    await lua().tick(10_000)
    const first = await drained(client())
    expect(first.filter((data) => (data as unknown[])[0] === 'key 1')).toEqual([
      ['key 1', 1],
      ['key 1', 2],
    ])
    expect(first).toHaveLength(81)
    // The key is through with the old root. What is sent once more is a duplicate all the same.
    expect(await stale.addMessage('key 1', 'x', { id: 'key 1 1' })).toMatchObject({ status: 'duplicate' })
    expect(await stale.addMessage('key 1', ['key 1', 3], { id: 'key 1 3' })).toEqual({ status: 'added', size: 1 })
    expect(await lua().redis.exists('rapid-fire:{orders}:due')).toBe(0)
    await lua().tick(10_000)
    expect(await drained(client())).toEqual([['key 1', 3]])
    expect(await client().getStats()).toMatchObject({ messages: 0, totals: { added: 82, completedMessages: 82 } })
    expect(await client().check()).toMatchObject({ violations: [] })
  })

  it('are settled at once when nothing is left behind, and can be changed again', async () => {
    for (const partitions of [4, 16, 2, 1]) {
      const operator = client()
      expect(await operator.policy({ partitions })).toMatchObject({ partitions })
      expect((await lua().call('layout'))[0]).toBe('steady')
      await client().addMessage('ann', partitions, { flush: true })
      expect(await drained(client())).toEqual([partitions])
    }
    expect(await client().getStats()).toMatchObject({ partitions: 1, totals: { completed: 4 } })
  })

  it('a change that was broken off is ended by the next one who looks', async () => {
    await client().addMessage('ann', 1)
    await lua().call('repartition', 'PREPARE', 4)
    await lua().callWith('partition', ['rapid-fire:{orders:2}'], 'OPEN')
    const rapidfire = client()
    await rapidfire.addMessage('bob', 1) // nothing is retired yet
    expect(await client().policy()).toMatchObject({ partitions: 4 })
    expect((await lua().call('layout'))[0]).toBe('draining')
    await rapidfire.addMessage('cid', 1)
    expect(await lua().redis.zrange('rapid-fire:{orders}:due', '0', '-1')).toEqual(['ann', 'bob'])
    await lua().tick(10_000)
    expect(await drained(client())).toHaveLength(3)
  })

  it('of another policy than the one that was given at the start are left alone while they change', async () => {
    await client().addMessage('ann', 1)
    await client().policy({ partitions: 4 })
    const old = client({ policy: { partitions: 2, wait: 3000 } })
    await old.addMessage('bob', 1)
    expect(await client().policy()).toMatchObject({ partitions: 4, wait: 3000 })
  })

  it('dead batches of a retired partition come back where their key belongs now', async () => {
    await client().addMessages([1, 2].map((data) => ({ key: 'ann', data, id: String(data), flush: data === 2 })))
    const { batches } = await client().claimReady()
    const [batch] = batches
    await client().fail(batch as NonNullable<typeof batch>, { attempts: 1 })
    await client().policy({ partitions: 4 })
    await client().addMessage('ann', 3)
    expect(await client().requeue([batch?.id as string, '7-7'])).toEqual(['requeued', 'unknown'])
    expect(await client().dead()).toEqual([])
    await lua().tick(10_000)
    expect(await drained(client())).toEqual([3, 1, 2])
  })

  it.each([0, 1025, 1.5, '4'])('refuses %j partitions', async (partitions) => {
    await expect(client().policy({ partitions: partitions as number })).rejects.toMatchObject({ code: 'BAD_POLICY' })
    expect(await lua().keyspace()).toEqual({})
  })

  it('one that has lost its data with its server serves again', async () => {
    const rapidfire = client({ policy: { partitions: 2, wait: 3000 } })
    await rapidfire.addMessages(KEYS.map((key) => ({ key, data: 1 })))
    for (const name of await lua().redis.keys('rapid-fire:{orders:1}*')) await lua().redis.del(name)
    expect((await client().addMessages(KEYS.map((key) => ({ key, data: 2 })))).every(({ status }) => status === 'added')).toBe(true)
    await lua().tick(3000)
    expect((await drained(client())).filter((data) => data === 2)).toHaveLength(40)
  })

  it('no queue may be named like a partition of another', () => {
    expect(() => client({ queue: 'orders:3' })).toThrow('must not end in a colon and digits')
  })
})
