import { Cluster, Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { freePort, type PrivateRedis, startRedis } from '../../cli/private-redis.ts'
import { assemble } from '../../lua/assemble.mjs'
import type { BindingMode } from '../../src/binding.ts'
import { RapidFire } from '../../src/rapidfire.ts'
import { lacksServer } from './clients.ts'

async function startNode(options: string[] = []): Promise<PrivateRedis> {
  const port = String(await freePort())
  return startRedis(['--cluster-enabled', 'yes', '--cluster-port', port, '--cluster-announce-ip', '127.0.0.1', ...options])
}

describe.skipIf(lacksServer('clusters')).each<BindingMode>(['functions', 'scripts'])('a cluster of two primaries, %s', (binding) => {
  let servers: PrivateRedis[]
  let nodes: Redis[]
  const open: Cluster[] = []

  beforeAll(async () => {
    servers = [await startNode(), await startNode()]
    nodes = servers.map((server) => new Redis(server.url))
    const [one, two] = nodes as [Redis, Redis]
    await one.call('CLUSTER', 'ADDSLOTSRANGE', 0, 8191)
    await two.call('CLUSTER', 'ADDSLOTSRANGE', 8192, 16_383)
    const [, busPort] = (await two.config('GET', 'cluster-port')) as [string, string]
    await one.call('CLUSTER', 'MEET', '127.0.0.1', (servers[1] as PrivateRedis).port, busPort)
    await vi.waitFor(
      async () => {
        for (const node of nodes) expect(await node.cluster('INFO')).toMatch(/cluster_state:ok[\s\S]*cluster_known_nodes:2/)
      },
      { interval: 20, timeout: 30_000 },
    )
  })
  afterEach(() => {
    for (const cluster of open.splice(0)) cluster.disconnect()
  })
  afterAll(async () => {
    for (const node of nodes ?? []) node.disconnect()
    await Promise.all((servers ?? []).map((server) => server.stop()))
  })

  /** A Cluster that has not connected yet. */
  function connect(options = {}): Cluster {
    const cluster = new Cluster([{ host: '127.0.0.1', port: (servers[0] as PrivateRedis).port }], options)
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
  const server = await startNode(without)
  const node = new Redis(server.url)
  const redis = new Cluster([server.url])
  try {
    await node.call('CLUSTER', 'ADDSLOTSRANGE', 0, 16_383)
    await vi.waitFor(async () => expect(await node.cluster('INFO')).toMatch(/cluster_state:ok/), { interval: 20, timeout: 30_000 })
    const rapidfire = new RapidFire({ redis })
    expect(await rapidfire.addMessage('ann', 1)).toEqual({ status: 'added', size: 1 })
  } finally {
    redis.disconnect()
    node.disconnect()
    await server.stop()
  }
})
