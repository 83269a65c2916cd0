import { expect, it } from 'vitest'
import { describeBindings } from '../support/lua.ts'
import { keep, restore, restoreHash } from '../support/roots.ts'
import { eventually, holdTime, recordCalls, useWorkers } from './workers.ts'

const ROOT = 'rapid-fire:{orders}'
const part = (n: number) => `rapid-fire:{orders:${n}}`

describeBindings('a worker and a change of partitions that was lost', (lua) => {
  const { client, start } = useWorkers(lua)
  const messages = Array.from({ length: 20 }, (_, n) => ({ key: `key ${n}`, data: n, flush: true }))
  const handled = (worker: ReturnType<typeof start>) => worker.told.filter(([event]) => event === 'completed').length

  it('a worker that starts when the root of the queue has lost its only change handles what lies in the partitions', async () => {
    await client({ policy: { partitions: 3 } }).addMessages(messages)
    await restore(lua().redis, ROOT)
    const worker = start(() => {})
    await eventually(() => expect(handled(worker)).toBe(20))
    expect((await lua().call('layout')).slice(1, 8)).toEqual([3, 0, 0, 0, 1, 'retired', 1])
    expect(worker.told.filter(([event]) => event !== 'completed')).toEqual([])
  })

  it('a worker that runs when the root of the queue loses it restores it within about a minute, and producers follow', async () => {
    // It has seen a queue without partitions, and nothing since.
    const idle = client()
    await idle.getStats()
    const knows = client({ policy: { partitions: 3 } })
    await knows.getStats()
    const passUntil = holdTime(lua())
    const worker = start(() => {})
    await knows.addMessages(messages)
    await passUntil(() => handled(worker) === 20)
    await restore(lua().redis, ROOT)
    await idle.addMessages(messages)
    expect(await lua().redis.exists(`${ROOT}:due`)).toBe(1)
    await passUntil(() => handled(worker) === 40)
    await idle.addMessages(messages)
    await passUntil(() => handled(worker) === 60)
    expect(await lua().redis.exists(`${ROOT}:due`)).toBe(0)
    expect(worker.told.filter(([event]) => event !== 'completed')).toEqual([])
  })

  it('a worker that meets a partition with a newer layout than the queue has follows it', async () => {
    await client({ policy: { partitions: 2 } }).getStats()
    const worker = start(() => {})
    await client().addMessages(messages)
    await eventually(() => expect(handled(worker)).toBe(20))
    const earlier = await keep(lua().redis, ROOT)
    await client().policy({ partitions: 3 })
    await restore(lua().redis, ROOT, earlier)
    await client().addMessages(messages)
    await eventually(() => expect(handled(worker)).toBe(40))
    expect((await lua().call('layout')).slice(1, 3)).toEqual([3, 2])
  })

  it('a worker finds a former partition that takes messages again, and drains it', async () => {
    await client({ policy: { partitions: 2 } }).getStats()
    const earlier = await Promise.all([0, 1].map((n) => keep(lua().redis, part(n))))
    const idle = client()
    await idle.addMessages([{ key: 'x', data: 1, flush: true }])
    const passUntil = holdTime(lua())
    const worker = start(() => {})
    await passUntil(() => handled(worker) === 1)
    await client().policy({ partitions: 3 })
    await passUntil(async () => (await lua().call('layout'))[0] === 'steady')
    for (const n of [0, 1]) await restoreHash(lua().redis, part(n), earlier[n])
    await idle.addMessages(messages)
    await passUntil(() => handled(worker) === 21)
    await idle.addMessages(messages)
    await passUntil(() => handled(worker) === 41)
    expect(await lua().redis.exists(`${part(0)}:due`, `${part(1)}:due`)).toBe(0)
    expect(await client().check()).toMatchObject({ violations: [] })
  })

  it('a worker says by which layout it goes only when there are partitions, as producers do', async () => {
    const sent = async (partitions?: number) => {
      await client(partitions === undefined ? {} : { policy: { partitions } }).getStats()
      const recorded = await recordCalls(lua())
      const worker = start(() => {})
      // The second time each of them knows.
      for (let n = 1; n <= 2; n += 1) {
        await client().addMessages(messages)
        await eventually(() => expect(handled(worker)).toBe(20 * n))
      }
      const made = (await recorded.made()).filter(({ name }) => name === 'add' || name === 'claim_ready')
      await worker.close()
      return made.slice(-2).map(({ name, args }) => {
        const at = args.indexOf('GENERATION')
        return [name, at === -1 ? args : args.slice(at, at + 2)]
      })
    }
    for (const [, tail] of await sent()) expect(tail).not.toContain('GENERATION')
    await lua().reset()
    await lua().redis.del('test:clock')
    for (const [name, tail] of await sent(2)) expect([name, tail]).toEqual([name, ['GENERATION', '1']])
  })

  it('a worker opens a partition that has lost its data', async () => {
    await client({ policy: { partitions: 2, wait: 3000 } }).getStats()
    const worker = start(() => {})
    await client().addMessages(messages)
    await eventually(() => expect(handled(worker)).toBe(20))
    await restore(lua().redis, part(1))
    await eventually(async () => expect((await lua().callWith('layout', [part(1)]))[6]).toBe('open'))
    await client().addMessages(messages)
    await eventually(() => expect(handled(worker)).toBe(40))
  })
})
