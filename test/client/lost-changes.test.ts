import { expect, it, onTestFinished, vi } from 'vitest'
import type { RapidFire } from '../../src/rapidfire.ts'
import { describeBindings } from '../support/lua.ts'
import { keep, restore, restoreHash } from '../support/roots.ts'
import { useClients } from './clients.ts'

const ROOT = 'rapid-fire:{orders}'
const part = (n: number) => `rapid-fire:{orders:${n}}`

describeBindings('a change of partitions that a root has lost', (lua) => {
  const client = useClients(lua)
  const KEYS = Array.from({ length: 40 }, (_, n) => `key ${n}`)
  const messages = (data: number) => KEYS.map((key) => ({ key, data: [key, data], id: `${key} ${data}` }))
  const layout = async (root = ROOT) => (await lua().callWith('layout', [root])).slice(0, 8)

  /** Handles all that is due, with a new client, and returns the data in the order in which it was handed over. */
  async function drained(): Promise<[key: string, data: number][]> {
    await lua().tick(10_000)
    const seen: [string, number][] = []
    await client<[string, number]>().processPendingBatches((batch) => {
      for (const { data } of batch.messages) seen.push(data)
    })
    return seen
  }

  /** Expects that every conversation had its messages in order, each once. */
  function expectWhole(seen: [key: string, data: number][], data: number[]) {
    for (const key of KEYS) expect(seen.filter(([of]) => of === key).map(([, each]) => each)).toEqual(data)
    expect(seen).toHaveLength(KEYS.length * data.length)
  }

  it('the root of the queue, the first change: what lies in the partitions comes out, and all go by one layout again', async () => {
    await client().policy({ wait: 3000 })
    const earlier = await keep(lua().redis, ROOT)
    await client().policy({ partitions: 4, wait: 4000 })
    const old = client()
    await old.addMessages(messages(1))
    await restore(lua().redis, ROOT, earlier)
    expect(await layout()).toEqual(['steady', 0, 0, 0, 0, 0, 'open', 0])
    // Somebody who knows nothing adds to the root of the queue before anybody looks.
    await client().addMessage('new', ['new', 1])
    const seen = await drained()
    expectWhole(
      seen.filter(([key]) => key !== 'new'),
      [1],
    )
    expect(seen.filter(([key]) => key === 'new')).toEqual([['new', 1]])
    // Nothing but ids is left to drain.
    expect((await layout()).slice(1)).toEqual([4, 0, 0, 0, 1, 'retired', 1])
    await old.addMessages(messages(2))
    await client().addMessages(messages(3))
    expect(await lua().redis.exists(`${ROOT}:due`)).toBe(0)
    expectWhole(await drained(), [2, 3])
    expect(await client().policy()).toMatchObject({ partitions: 4, wait: 3000 })
  })

  it('the root of the queue, which is empty: a process that starts now adds behind what the partitions hold', async () => {
    await client({ policy: { partitions: 4 } }).addMessages(messages(1))
    await restore(lua().redis, ROOT)
    // Many at once, before the first answer.
    const late = client()
    await Promise.all([...messages(2), ...messages(3)].map(({ key, data, id }) => late.addMessage(key, data, { id })))
    expect(await lua().redis.keys(`${ROOT}:*`)).toEqual([])
    expectWhole(await drained(), [1, 2, 3])
  })

  it('the root of the queue, which is empty: everything comes out, and the policy is that of the partitions', async () => {
    await client({ policy: { partitions: 4, wait: 3000 } }).addMessages(messages(1))
    await client().policy({ wait: 7000 })
    await restore(lua().redis, ROOT)
    // A restart of the program that gave the policy at first undoes nothing.
    await client({ policy: { partitions: 4, wait: 3000 } }).addMessages(messages(2))
    expect(await client().policy()).toMatchObject({ partitions: 4, wait: 7000 })
    expectWhole(await drained(), [1, 2])
    expect(await client().check()).toMatchObject({ violations: [] })
  })

  it('the root of the queue, a later change: old and new clients meet in the newest partitions', async () => {
    const old = client({ policy: { partitions: 2 } })
    await old.addMessages(messages(1))
    await drained()
    const earlier = await keep(lua().redis, ROOT)
    await client().policy({ partitions: 3 })
    const newer = client()
    await newer.addMessages(messages(2))
    await restoreHash(lua().redis, ROOT, earlier)
    expect((await layout())[5]).toBe(1)
    await old.addMessages(messages(3))
    await client().addMessages(messages(4))
    expect((await layout()).slice(1, 6)).toEqual([3, 2, 2, 0, 2])
    expectWhole(await drained(), [2, 3, 4])
    expect(await client().check()).toMatchObject({ violations: [] })
  })

  it('the root of the queue, all of several changes: the newest is found from partition 0', async () => {
    for (const partitions of [2, 3, 1]) await client().policy({ partitions })
    await client().addMessages(messages(1))
    const whole = await layout()
    await restore(lua().redis, ROOT)
    expectWhole(await drained(), [1])
    expect((await layout()).slice(1, 3)).toEqual(whole.slice(1, 3))
    expect(await client().policy({ partitions: 2 })).toMatchObject({ partitions: 2 })
    expect((await layout()).slice(1, 3)).toEqual([2, 6])
  })

  it('the root of the queue, with all who knew of it: the next change begins with what partitions still know', async () => {
    await client().policy({ partitions: 2 })
    const roots = [ROOT, part(0), part(1)]
    const earlier = await Promise.all(roots.map((root) => keep(lua().redis, root)))
    await client().policy({ partitions: 4 })
    await client().addMessages(messages(1))
    for (const [n, root] of roots.entries()) await restore(lua().redis, root, earlier[n])
    expect(await client().policy({ partitions: 5 })).toMatchObject({ partitions: 5 })
    expect((await layout()).slice(1, 6)).toEqual([5, 6, 4, 2, 3])
    expectWhole(await drained(), [1])
  })

  it('a partition that serves: it is opened again, with its policy, at the first message', async () => {
    await client({ policy: { partitions: 2, wait: 3000 } }).addMessages(messages(1))
    await drained()
    await restore(lua().redis, part(1))
    await client().addMessages(messages(2))
    expect((await lua().callWith('policy', [part(1)])).slice(0, 2)).toEqual(['wait', 3000])
    expectWhole(await drained(), [2])
  })

  it('a partition that serves no more, and an idle client that sends there: it comes out, and the client learns', async () => {
    const idle = client({ policy: { partitions: 2 } })
    await idle.addMessages(messages(1))
    await drained()
    const earlier = await Promise.all([0, 1].map((n) => keep(lua().redis, part(n))))
    await client().policy({ partitions: 3 })
    await lua().tick(7_200_000)
    await drained()
    await drained()
    expect((await layout())[0]).toBe('steady')
    for (const n of [0, 1]) await restoreHash(lua().redis, part(n), earlier[n])
    await idle.addMessages(messages(2))
    expect(await lua().redis.exists(`${part(0)}:due`)).toBe(1)
    const seen = await drained()
    expectWhole(seen, [2])
    await idle.addMessages(messages(3))
    expect(await lua().redis.exists(`${part(0)}:due`, `${part(1)}:due`)).toBe(0)
    expectWhole(await drained(), [3])
    expect(await client().check()).toMatchObject({ violations: [] })
  })

  it('a partition that is to be drained, and holds messages: newer ones of a conversation still come behind them', async () => {
    await client({ policy: { partitions: 2 } }).addMessages(messages(1))
    const earlier = await Promise.all([0, 1].map((n) => keep(lua().redis, part(n))))
    await client().policy({ partitions: 3 })
    for (const n of [0, 1]) await restoreHash(lua().redis, part(n), earlier[n])
    const knows = client()
    await knows.getStats()
    await knows.addMessages(messages(2))
    for (const [key, ...more] of KEYS.map((key) => [key, 3] as const))
      expect(await knows.addMessage(key, [key, ...more])).toMatchObject({ size: 3 })
    expectWhole(await drained(), [1, 2, 3])
  })

  it('a partition that is to be drained, and has messages again that it had given out: they come beside newer ones, until it has none left', async () => {
    const rapidfire = client({ policy: { partitions: 2 } })
    await rapidfire.addMessages(messages(1))
    const earlier = await Promise.all([0, 1].map((n) => keep(lua().redis, part(n))))
    await rapidfire.policy({ partitions: 3 })
    expectWhole(await drained(), [1])
    await rapidfire.addMessages(messages(2))
    for (const n of [0, 1]) await restore(lua().redis, part(n), earlier[n])
    expect(await rapidfire.addMessages(messages(3))).toEqual(KEYS.map(() => ({ status: 'added', size: 2 })))
    const seen = await drained()
    expectWhole(
      seen.filter(([, data]) => data !== 2),
      [1, 3],
    )
    expectWhole(
      seen.filter(([, data]) => data === 2),
      [2],
    )
    await rapidfire.addMessages(messages(4))
    expect(await lua().redis.exists(`${part(0)}:due`, `${part(1)}:due`)).toBe(0)
    expectWhole(await drained(), [4])
    expect(await client().check()).toMatchObject({ violations: [] })
  })

  it('is restored by whoever still knows it, when every root has lost it', async () => {
    await client().policy({ wait: 3000 })
    const earlier = await keep(lua().redis, ROOT)
    const knows = client()
    await knows.policy({ partitions: 2 })
    await knows.addMessages(messages(1))
    await restore(lua().redis, ROOT, earlier)
    for (const n of [0, 1]) await restoreHash(lua().redis, part(n))
    await knows.addMessages(messages(2))
    expect((await layout()).slice(0, 6)).toEqual(['draining', 2, 0, 0, 0, 1])
    expectWhole(await drained(), [1, 2])
  })

  it('keeps nobody from claiming what is in the other partitions, while one cannot be reached', async () => {
    const rapidfire = client({ policy: { partitions: 3 } })
    await rapidfire.addMessages(messages(1))
    await restore(lua().redis, ROOT)
    // As a server that refuses: nothing can be opened or retired there.
    const away = await keep(lua().redis, part(1))
    await restore(lua().redis, part(1))
    await lua().redis.set(part(1), 'away')
    await lua().tick(10_000)
    const seen: unknown[] = []
    const handle = (batch: { messages: { data: unknown }[] }) => void seen.push(...batch.messages.map(({ data }) => data))
    await expect(client().processPendingBatches(handle)).rejects.toMatchObject({ code: 'WRONG_TYPE' })
    expect(seen.length).toBeGreaterThan(0)
    await restore(lua().redis, part(1), away)
    await client().processPendingBatches(handle)
    expect(seen).toHaveLength(40)
  })
})

describeBindings('a change of partitions', (lua) => {
  const client = useClients(lua)
  const state = async () => (await lua().call('layout'))[0]

  it.each(['processPendingBatches', 'claimReady', 'forward', 'policy'] as const)('is ended without a worker by %s', async (how) => {
    await client().addMessage('ann', 1, { id: '1', flush: true })
    await client().policy({ partitions: 2 })
    await client().processPendingBatches(() => {})
    expect(await state()).toBe('draining')
    await lua().tick(7_200_000)
    const rapidfire = client()
    if (how === 'processPendingBatches') await rapidfire.processPendingBatches(() => {})
    if (how === 'claimReady') await rapidfire.claimReady()
    if (how === 'forward') await rapidfire.forward('batches')
    if (how === 'policy') await rapidfire.policy()
    expect(await state()).toBe('steady')
  })

  it('is ended by a client that lives on: it looks once a minute', async () => {
    const rapidfire = client()
    await rapidfire.addMessage('ann', 1, { id: '1', flush: true })
    await client().policy({ partitions: 2 })
    await rapidfire.processPendingBatches(() => {})
    await lua().tick(7_200_000)
    await rapidfire.claimReady()
    expect(await state()).toBe('draining')
    const now = performance.now()
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => now + 61_000)
    onTestFinished(() => clock.mockRestore())
    await rapidfire.claimReady()
    expect(await state()).toBe('steady')
  })

  it('is not ended, nor anything else written, by who only looks', async () => {
    await client({ policy: { wait: 3000 } }).addMessages([{ key: 'ann', data: 1, flush: true }])
    const { batches } = await client().claimReady()
    await client().fail(batches[0] as NonNullable<(typeof batches)[0]>, { attempts: 1 })
    await client().addMessage('bob', 1)
    await lua().call('repartition', 'PREPARE', 4)
    await lua().callWith('partition', [part(2)], 'OPEN')
    const before = await lua().keyspace()
    for (let n = 0; n < 2; n += 1) {
      const rapidfire = client()
      expect(await rapidfire.getStats()).toMatchObject({ partitions: 1, messages: 1 })
      expect(await rapidfire.peek('bob')).toMatchObject({ size: 1 })
      expect(await rapidfire.dead()).toHaveLength(1)
      await rapidfire.check()
      expect(await lua().keyspace()).toEqual(before)
    }
    await client().claimReady()
    expect((await lua().call('layout'))[0]).toBe('draining')
  })

  it('that the root of the queue has lost is seen by who only looks', async () => {
    await client({ policy: { partitions: 4 } }).addMessages(['ann', 'bob', 'cid'].map((key) => ({ key, data: 1 })))
    await restore(lua().redis, ROOT)
    const before = await lua().keyspace()
    expect(await client().getStats()).toMatchObject({ partitions: 4, messages: 3 })
    expect(await client().peek('bob')).toMatchObject({ size: 1 })
    expect(await lua().keyspace()).toEqual(before)
  })

  it('a queue without partitions pays with one look at the start of a process', async () => {
    const made = async (call: () => Promise<unknown>) => {
      await lua().redis.config('RESETSTAT')
      await call()
      return Number(/cmdstat_(?:fcall|evalsha):calls=(\d+)/.exec(await lua().redis.info('commandstats'))?.[1])
    }
    for (const first of [(each: RapidFire<any>) => each.addMessage('ann', 1), (each: RapidFire<any>) => each.claimReady()]) {
      const rapidfire = client()
      // The root of the queue and partition 0 are asked at once, and what the user may do. The version is, too: with FCALL_RO, or as a script.
      expect(await made(() => first(rapidfire))).toBe((lua().mode === 'scripts' ? 4 : 3) + 1)
      expect(await made(() => rapidfire.addMessage('ann', 2))).toBe(1)
      expect(await made(() => rapidfire.claimReady())).toBe(2)
    }
  })
})
