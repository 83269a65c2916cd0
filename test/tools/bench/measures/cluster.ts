import { type Cluster, Redis } from 'ioredis'
import { RapidFire } from '../../../../src/index.ts'
import { TestCluster } from '../../../support/cluster.ts'
import type { Bench } from '../bench.ts'
import { makeMessages } from '../messages.ts'
import type { Measure, Row } from '../rounds.ts'

const CALLERS = 64
const PER_KEY = 10
const PARTITIONS = 16

/**
 * What a cluster and partitions cost a producer and the servers. All nodes share this machine, so it cannot show what more machines gain: the
 * server's own time for a message tells what each of them would have to give.
 */
export function clusterMeasure(bench: Bench): Measure {
  const messages = makeMessages({ keys: bench.scale.keys, perKey: PER_KEY })

  async function round(redis: Redis | Cluster, nodes: Redis[], partitions: number): Promise<Record<string, number>> {
    await Promise.all(nodes.map((node) => node.flushall()))
    const client = new RapidFire<{ text: string }>({ redis, queue: 'bench', policy: { partitions } })
    await client.getStats()
    await Promise.all(nodes.map((node) => node.config('RESETSTAT')))
    let next = 0
    const caller = async () => {
      for (let message = messages[next++]; message; message = messages[next++]) {
        await client.addMessage(message.key, message.data, { id: message.id })
      }
    }
    const start = performance.now()
    await Promise.all(Array.from({ length: CALLERS }, caller))
    const took = performance.now() - start
    const stats = await Promise.all(nodes.map((node) => node.info('commandstats')))
    const micros = stats.map((each) => Number(/cmdstat_fcall:calls=\d+,usec=(\d+)/.exec(each)?.[1] ?? 0))
    const calls = stats.map((each) => Number(/cmdstat_fcall:calls=(\d+)/.exec(each)?.[1] ?? 0))
    await client.close()
    const sum = (figures: number[]) => figures.reduce((a, b) => a + b, 0)
    return {
      rate: (messages.length / took) * 1000,
      micros: sum(micros) / messages.length,
      perCall: messages.length / sum(calls),
      busiest: Math.max(...micros) / sum(micros),
    }
  }

  const single = (partitions: number): Row => ({
    name: `one server, ${partitions === 1 ? 'no partitions' : `${partitions} partitions`}`,
    open: async () => {
      const redis = new Redis(bench.url)
      return { round: () => round(redis, [bench.redis], partitions), close: async () => redis.disconnect() }
    },
  })
  const clustered = (primaries: number): Row => ({
    name: `cluster of ${primaries}, ${PARTITIONS} partitions`,
    open: async () => {
      const cluster = await TestCluster.start({ primaries, replicas: 0 })
      const redis = cluster.client()
      return {
        round: () =>
          round(
            redis,
            cluster.nodes.map((node) => node.redis),
            PARTITIONS,
          ),
        close: async () => {
          redis.disconnect()
          await cluster.stop()
        },
      }
    },
  })
  return {
    title: `Partitions and clusters: single adds with ids, ${CALLERS} callers; all nodes on this machine`,
    columns: [
      { name: 'rate', title: 'messages/s', digits: 0, spread: true },
      { name: 'rateRatio', title: '× first', digits: 2, ratioOf: 'rate' },
      { name: 'micros', title: 'server µs each', digits: 2 },
      { name: 'perCall', title: 'messages a call', digits: 1 },
      { name: 'busiest', title: 'part of the busiest node', digits: 2 },
    ],
    rows: [single(1), single(PARTITIONS), clustered(1), clustered(3)],
    rounds: bench.scale.rounds,
  }
}
