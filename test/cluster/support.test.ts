import { Redis } from 'ioredis'
import { describe, expect, it, onTestFinished } from 'vitest'
import { lacksServer } from '../client/clients.ts'
import { TestCluster } from '../support/cluster.ts'
import { expectGuarded } from '../support/guarded.ts'
import { TestSentinel } from '../support/sentinel.ts'

describe.skipIf(lacksServer('a Redis Cluster and Sentinel'))('test support', () => {
  it('a cluster whose slots move and whose primaries fail', async () => {
    const cluster = await TestCluster.start()
    onTestFinished(() => cluster.stop())
    const redis = cluster.client()
    onTestFinished(() => redis.disconnect())
    expect((await cluster.primaries()).map(({ port }) => port)).toEqual(cluster.ports.slice(0, 3))

    await expectGuarded(cluster.ports)

    const slot = await cluster.slotOf('{moved}')
    const keys = Array.from({ length: 25 }, (_, n) => `{moved}:${n}`)
    for (const key of keys) await redis.set(key, key)
    const home = await cluster.primaryOf(slot)
    const added = await cluster.addPrimary()
    expect(await added.redis.dbsize()).toBe(0)
    let steps = 0
    await cluster.migrateSlot(slot, added, async () => {
      steps += 1
      expect(await Promise.all(keys.map((key) => redis.get(key)))).toEqual(keys)
    })
    expect(steps).toBe(4)
    expect(await cluster.primaryOf(slot)).toBe(added)
    expect(await added.redis.dbsize()).toBe(keys.length)
    await cluster.migrateSlot(slot, home)
    await cluster.settled()
    expect(await cluster.primaryOf(slot)).toBe(home)
    expect(await home.redis.cluster('COUNTKEYSINSLOT', slot)).toBe(keys.length)

    const next = await cluster.failOver(home)
    await cluster.settled()
    expect(await cluster.primaryOf(slot)).toBe(next)
    expect(await Promise.all(keys.map((key) => redis.get(key)))).toEqual(keys)
    await cluster.restart(home)
    await cluster.settled()
    expect(await cluster.primaries()).not.toContain(home)
  }, 60_000)

  it('a primary that sentinels replace', async () => {
    const sentinel = await TestSentinel.start()
    onTestFinished(() => sentinel.stop())
    const redis = new Redis(sentinel.options)
    redis.on('error', () => {})
    onTestFinished(() => redis.disconnect())
    await expectGuarded([...sentinel.ports, ...sentinel.nodes.map(({ port }) => port)])
    const [before] = sentinel.nodes
    expect(await sentinel.primary()).toBe(before)
    await redis.set('kept', 1)
    expect(await redis.wait(2, 10_000)).toBe(2)
    const after = await sentinel.failOver()
    expect(after).not.toBe(before)
    expect(await after.redis.get('kept')).toBe('1')
    await sentinel.restart(before as NonNullable<typeof before>)
    expect(await sentinel.primary()).toBe(after)
    expect(sentinel.alive).toHaveLength(3)
  }, 60_000)
})
