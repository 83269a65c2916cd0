import { readFileSync } from 'node:fs'
import { expect, it, onTestFinished, vi } from 'vitest'
import type { Batch } from '../../src/batches/batch.ts'
import { RefusedBatchesError } from '../../src/errors.ts'
import { KnownLayout } from '../../src/partitions/layout.ts'
import { partitionOf } from '../../src/partitions/roots.ts'
import type { RapidFire } from '../../src/rapidfire.ts'
import { urlOf } from '../support/acl.ts'
import { describeBindings } from '../support/lua.ts'
import { calls, useClients } from './clients.ts'

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

it('a former partition is told from the others without a list of all, of which each of a thousand would need one', () => {
  const layout = new KnownLayout('orders', () => expect.unreachable('Redis is asked'))
  const former = (...roots: string[]) => roots.filter((root) => layout.isFormer(`rapid-fire:{${root}}`))
  const roots = ['orders', 'orders:0', 'orders:1', 'orders:2', 'orders:511', 'orders:512', 'orders:1022', 'orders:1023']
  const lists = vi.spyOn(Array, 'from')
  onTestFinished(() => lists.mockRestore())
  expect(former(...roots)).toEqual(roots.slice(1))
  const change = { serving: { first: 512, count: 511 }, other: { first: 1, count: 511 }, generation: 2 }
  layout.learn({ ...change, state: 'draining' })
  expect(former(...roots)).toEqual(['orders:0', 'orders:1023'])
  layout.learn({ ...change, state: 'steady' })
  expect(former(...roots)).toEqual(['orders:0', 'orders:1', 'orders:2', 'orders:511', 'orders:1023'])
  expect(lists).not.toHaveBeenCalled()
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

  it('that were changed meanwhile: a message follows those of its key that wait in the old one, whatever the caller knew', async () => {
    const [first, rest] = [KEYS.slice(0, 1), KEYS.slice(1)] as [string[], string[]]
    const idle = client({ policy: { partitions: 4, wait: 2000 } })
    await idle.addMessages(KEYS.map((key) => ({ key, data: `${key}: 1` })))
    await client().policy({ partitions: 6 })
    for (const keys of [first, rest]) {
      const more = keys.map((key) => ({ key, data: `${key}: 2` }))
      expect(await idle.addMessages(more)).toEqual(keys.map(() => ({ status: 'added', size: 2 })))
    }
  })

  it('of which one has lost its retirement: a message follows those of its key that wait there', async () => {
    const rapidfire = client({ policy: { partitions: 4, wait: 2000 } })
    const [key = ''] = KEYS
    await rapidfire.addMessage(key, '1')
    const root = `rapid-fire:{orders:${partitionOf(key, 4)}}`
    const before = await lua().redis.hgetall(root)
    await rapidfire.policy({ partitions: 6 })
    await lua().redis.del(root)
    await lua().redis.hset(root, before)
    expect(await rapidfire.addMessage(key, '2')).toEqual({ status: 'added', size: 2 })
  })

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
    for (const { key, root } of claimed.batches) expect(root).toBe(`rapid-fire:{orders:${partitionOf(key, 4)}}`)
    const worker = client()
    expect((await worker.extend(claimed.batches, 50_000)).map(({ status }) => status)).toEqual(claimed.batches.map(() => 'extended'))
    const copies: Batch[] = JSON.parse(JSON.stringify(claimed.batches.slice(0, 20)))
    for (const batch of copies) expect(await worker.complete(batch)).toBe('completed')
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

  it('that have changed: an edit or a withdrawal finds what waits in the former one, and goes to the new one with what does not', async () => {
    const rapidfire = client({ policy: { partitions: 2 } })
    const all = async (message: object) => {
      const results = await rapidfire.addMessages(KEYS.map((key) => ({ key, data: 1, ...message })))
      return [...new Set(results.map(({ status, size }) => `${status} ${size}`))]
    }
    await all({ id: 'm1' })
    await all({ id: 'm2' })
    await rapidfire.policy({ partitions: 5 })
    expect(await all({ id: 'e1', edits: 'm1', data: 2 })).toEqual(['replaced 2'])
    expect(await all({ id: 'e1', edits: 'm1', data: 3 })).toEqual(['duplicate 2'])
    expect(await all({ id: 'w2', withdraws: 'm2' })).toEqual(['withdrawn 1'])
    await lua().tick(10_000)
    expect(await drained(rapidfire)).toEqual(KEYS.map(() => 2))
    expect(await all({ id: 'e2', edits: 'm1', data: 4 })).toEqual(['added 1'])
    expect(await all({ id: 'e3', edits: 'e2', data: 5 })).toEqual(['replaced 1'])
    expect(await rapidfire.check()).toMatchObject({ violations: [] })
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

  it('that serve no more and hold nothing are asked once, and count all the same', async () => {
    const rapidfire = client({ policy: { partitions: 4 } })
    await rapidfire.addMessages(KEYS.map((key) => ({ key, data: 1, flush: true })))
    await rapidfire.processPendingBatches(
      ({ key }) => {
        if (key === KEYS[0]) throw new Error('no')
      },
      { attempts: 1 },
    )
    await client().policy({ partitions: 3 })
    const counted = async (call: () => Promise<unknown>) => {
      await lua().redis.config('RESETSTAT')
      const said = await call()
      return { said, calls: await calls(lua()) }
    }
    const first = await counted(() => rapidfire.getStats())
    expect(first.said).toMatchObject({ partitions: 3, dead: 1, totals: { added: 40, completed: 39 } })
    const again = await counted(() => rapidfire.getStats())
    expect(again.said).toEqual(first.said)
    // The root of the queue, those that serve, and the one that has a dead batch.
    const read = 1
    expect([first.calls, again.calls]).toEqual([read + 1 + 4 + 3, read + 1 + 1 + 3])
    const dead = await counted(() => rapidfire.dead())
    expect(dead).toMatchObject({ said: [{ key: KEYS[0] }], calls: read + 1 + 1 + 3 })
    expect(await rapidfire.requeue((dead.said as { id: string }[]).map(({ id }) => id))).toEqual(['requeued'])
    expect(await drained(rapidfire)).toEqual([1])
    expect(await rapidfire.getStats()).toMatchObject({ dead: 0, messages: 0, totals: { completed: 40 } })
    expect((await counted(() => rapidfire.getStats())).calls).toBe(read + 1 + 3)
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

  /** Adds messages to a key, each as a batch of its own that dies; the ids of the batches. */
  async function bury(key: string, ...data: unknown[]): Promise<string[]> {
    const ids: string[] = []
    for (const each of data) {
      await client().addMessage(key, each, { id: `id ${each}`, wait: 700, maxWait: 900, maxSize: 7, flush: true })
      const { batches } = await client().claimReady()
      for (const batch of batches) expect(await client().fail(batch, { attempts: 1 })).toBe('dead')
      ids.push(...batches.map(({ id }) => id))
      await lua().tick(1)
    }
    return ids
  }
  const rootOf = async (key: string) => ((await lua().redis.keys(`*:messages:${key}`))[0] as string).split(':messages:')[0] as string

  it('dead batches of a retired partition come back at their time where their key belongs now, with ids and options', async () => {
    const ids = await bury('ann', 1, 2, 3)
    await client().policy({ partitions: 4, maxBacklog: 10 })
    await client().addMessages(Array.from({ length: 10 }, (_, n) => ({ key: 'ann', data: 4 + n })))
    for (const id of [...ids].reverse()) expect(await client().requeue([id, '7-7'])).toEqual(['requeued', 'unknown'])
    expect(await client().dead()).toEqual([])
    expect(await client().peek('ann')).toMatchObject({
      size: 13,
      messages: expect.arrayContaining([expect.objectContaining({ id: 'id 1', data: 1 })]),
    })
    const [first] = await lua().redis.lrange(`${await rootOf('ann')}:messages:ann`, 0, 0)
    expect(first).toBe(`${lua().now - 3} 4,R1.0001,W700,X900,S7,F id 11`)
    await lua().tick(10_000)
    expect(await drained(client())).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13])
    expect(await client().check()).toMatchObject({ violations: [] })
  })

  it('a dead batch whose messages cannot be added stays dead, is told of, and hides no other', async () => {
    const [big] = await bury('ann', 'x'.repeat(100))
    const [small, other] = await bury('bob', 1, 2)
    await client().policy({ partitions: 4, maxMessageBytes: 50 })
    const ids = [big, small, '7-7'] as string[]
    const error = await client()
      .requeue(ids)
      .catch((error) => error)
    expect(error).toBeInstanceOf(RefusedBatchesError)
    expect(error).toMatchObject({ code: 'MESSAGE_TOO_LARGE', results: [{ code: 'MESSAGE_TOO_LARGE' }, 'requeued', 'unknown'] })
    expect(error.message).toContain(
      'batch 1 of 3: message 1 of 1: data must have at most 50 bytes, got 102 (1 refused, 0 taken) (1 still dead, 2 done)',
    )
    expect((await client().dead()).map(({ id }) => id)).toEqual([big, other])
    expect((await client().dead({ id: big as string }))[0]?.messages).toHaveLength(1)
    await client().policy({ maxMessageBytes: 200 })
    expect(await client().requeue([big as string])).toEqual(['requeued'])
    expect(await drained(client())).toHaveLength(2)
  })

  it('nothing is dropped when Redis has no memory for what comes back', async () => {
    const [id] = await bury('ann', 1)
    await client().policy({ partitions: 4 })
    await lua().redis.config('SET', 'maxmemory', '1')
    const error = await client()
      .requeue([id as string])
      .catch((error) => error)
    await lua().redis.config('SET', 'maxmemory', '0')
    expect(error).toMatchObject({ code: 'OUT_OF_MEMORY' })
    expect(await client().requeue([id as string])).toEqual(['requeued'])
    expect(await drained(client())).toEqual([1])
  })

  it('messages that came back before the call was cut off do not come back twice', async () => {
    const [id] = await bury('ann', 1)
    await client().policy({ partitions: 4 })
    await lua().redis.call('ACL', 'SETUSER', 'poor', 'reset', 'on', '>secret', '~*', '&*', '+@all', '-type')
    const poor = client({ redis: urlOf(lua().server.url, 'poor') })
    await expect(poor.requeue([id as string])).rejects.toMatchObject({ code: 'SERVER' })
    expect(await client().dead()).toHaveLength(1)
    expect(await drained(client())).toEqual([1])
    expect(await client().requeue([id as string])).toEqual(['requeued'])
    await lua().redis.call('ACL', 'DELUSER', 'poor')
    expect(await drained(client())).toEqual([])
    expect(await client().getStats()).toMatchObject({ messages: 0, dead: 0 })
  })

  it('what somebody else wrote into a dead batch comes back too, at its place', async () => {
    await client().addMessage('ann', 1)
    const list = 'rapid-fire:{orders}:messages:ann'
    await lua().redis.rpush(list, Buffer.from([0xff, 0x20]))
    await client().addMessage('ann', 2, { flush: true })
    await lua().tick(10_000)
    const [, , [, token]] = await lua().call('claim_ready')
    await lua().call('fail', 'ann', token, 'ATTEMPTS', 1)
    await client().policy({ partitions: 4 })
    expect(await client().requeue([token.replace(/:\d+$/, '')])).toEqual(['requeued'])
    const stored = await lua().redis.lrangeBuffer(`${await rootOf('ann')}:messages:ann`, 0, -1)
    expect(stored.map((bytes) => bytes.toString('latin1').replace(/^\d+ 0\S* /, ''))).toEqual(['1', '\xff ', '2'])
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
