import { Cluster } from 'ioredis'
import type { RapidFireOptions } from '../../../src/options.ts'
import { RapidFire } from '../../../src/rapidfire.ts'

/** What a process is told of the queue that it uses, as JSON. */
export interface ClientSetup extends Omit<RapidFireOptions<unknown>, 'schema'> {
  /** Ports of the nodes of a cluster on 127.0.0.1, instead of `redis`. */
  cluster?: number[]
}

/** A client, and what ends it together with its connections. It connects when it is used. */
export function openClient<T>({ cluster, ...options }: ClientSetup): { rapidfire: RapidFire<T>; close(): Promise<void> } {
  const nodes = cluster && openCluster(cluster)
  const rapidfire = new RapidFire<T>({ ...options, ...(nodes ? { redis: nodes } : {}) } as RapidFireOptions<T>)
  return {
    rapidfire,
    close: async () => {
      await rapidfire.close()
      nodes?.disconnect()
    },
  }
}

/** @param ports of nodes on 127.0.0.1; some of them may be down */
export function openCluster(ports: readonly number[]): Cluster {
  const cluster = new Cluster(
    ports.map((port) => ({ host: '127.0.0.1', port })),
    { lazyConnect: true },
  )
  cluster.on('error', () => {})
  return cluster
}
