import type { Cluster, Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { assemble } from '../../lua/build/assemble.mjs'
import { RapidFire } from '../../src/rapidfire.ts'
import type { BindingMode } from '../../src/redis/loader.ts'
import { TestCluster } from '../support/cluster.ts'
import { Trips } from '../support/trips.ts'
import { lacksServer } from './clients.ts'

describe.skipIf(lacksServer('clusters')).each<BindingMode>(['functions', 'scripts'])('a cluster of two primaries, %s', (binding) => {
  let servers: TestCluster
  let nodes: Redis[]
  const open: Cluster[] = []

  beforeAll(async () => {
    servers = await TestCluster.start({ primaries: 2, replicas: 0 })
    nodes = servers.nodes.map(({ redis }) => redis)
  })
  afterEach(() => {
    for (const cluster of open.splice(0)) cluster.disconnect()
  })
  afterAll(async () => {
    await servers?.stop()
  })

  /** A Cluster that has not connected yet. */
  function connect(options = {}): Cluster {
    const cluster = servers.client(options)
    open.push(cluster)
    return cluster
  }

  async function flush(node: Redis) {
    if (binding === 'functions') await node.function('FLUSH')
    else await node.script('FLUSH')
  }

  it.each([{}, { lazyConnect: true }, { enableAutoPipelining: true }])(
    'serves queues on both nodes and is left open, with %o',
    async (options) => {
      for (const node of nodes) await flush(node)
      const redis = connect(options)
      const queues = Array.from({ length: 8 }, (_, n) => new RapidFire<number>({ redis, binding, queue: `queue ${n}`.replace(' ', '-') }))
      await Promise.all(queues.map((rapidfire, n) => rapidfire.addMessage('ann', n, { flush: true })))
      const seen: number[] = []
      for (const rapidfire of queues) {
        await rapidfire.processPendingBatches((batch) => seen.push(...batch.messages.map(({ data }) => data)))
        await rapidfire.close()
      }
      expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
      for (const node of nodes) expect(await node.dbsize()).toBeGreaterThan(0)
      expect(await redis.ping()).toBe('PONG')
    },
  )

  it('costs the look and the message, two round trips, and one more where functions are missing', async () => {
    const trips = new Trips()
    const ways = servers.nodes.map(async ({ server, port }) => {
      const { hostname, port: way } = new URL(await trips.to(server.url))
      return [`127.0.0.1:${port}`, { host: hostname, port: Number(way) }] as const
    })
    const redis = connect({ natMap: Object.fromEntries(await Promise.all(ways)) })
    // Before, it knows the nodes by the addresses that it was given.
    await redis.ping()
    await Promise.all(redis.nodes('master').map((node) => node.ping()))
    const adding = (queue: string) => trips.of(() => new RapidFire({ redis, binding, queue }).addMessage('ann', 1))
    await adding('a')
    expect([await adding('a'), await adding('b')]).toEqual([2, 2])
    await flush(nodes[1] as Redis)
    expect([await adding('a'), await adding('b')]).toEqual([3, 2])
  })

  it('loads the library again on the node that has lost it', async () => {
    const redis = connect()
    const queues = ['a', 'b', 'c', 'd'].map((queue) => new RapidFire<number>({ redis, binding, queue }))
    const add = () => Promise.all(queues.map((rapidfire) => rapidfire.addMessage('ann', 1)))
    await add()
    for (const node of nodes) {
      await flush(node)
      expect(await add()).toMatchObject(Array(4).fill({ status: 'added' }))
    }
  })

  it('loads the library where it is absent or older, and leaves a newer one where it is', async () => {
    const [one, two] = nodes as [Redis, Redis]
    const versions = () => Promise.all([one, two].map((node) => node.fcall('rapidfire_version', 0)))
    const start = async (version: string) => {
      const rapidfire = new RapidFire({ redis: connect(), binding: 'functions' }, assemble({ version }))
      expect(await rapidfire.addMessage('ann', 1)).toMatchObject({ status: 'added' })
    }
    await one.function('FLUSH')
    await two.function('LOAD', 'REPLACE', assemble({ version: '3.0.0' }).library)
    await start('2.0.0')
    expect(await versions()).toEqual(['2.0.0', '3.0.0'])
    await start('2.1.0')
    expect(await versions()).toEqual(['2.1.0', '3.0.0'])
  })
})

it.skipIf(lacksServer('a cluster without functions'))('finds out that a cluster has no functions', async () => {
  const without = ['FCALL', 'FCALL_RO', 'FUNCTION'].flatMap((command) => ['--rename-command', command, ''])
  const servers = await TestCluster.start({ primaries: 1, replicas: 0, redis: without })
  const redis = servers.client()
  try {
    const rapidfire = new RapidFire({ redis })
    expect(await rapidfire.addMessage('ann', 1)).toEqual({ status: 'added', size: 1 })
  } finally {
    redis.disconnect()
    await servers.stop()
  }
})
