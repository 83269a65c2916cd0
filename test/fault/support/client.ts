import type { Cluster } from 'ioredis'
import type { RapidFireOptions } from '../../../src/options.ts'
import { RapidFire } from '../../../src/rapidfire.ts'
import { clientOf } from '../../support/cluster.ts'

/** Where a cluster is, for a process that did not start it. */
export interface ClusterPlace {
  ports: readonly number[]
  password: string
}

/** What a process is told of the queue that it uses, as JSON. */
export interface ClientSetup extends Omit<RapidFireOptions<unknown>, 'schema'> {
  /** The nodes of a cluster on 127.0.0.1, instead of `redis`. */
  cluster?: ClusterPlace
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

/** Some of the nodes may be down. */
export function openCluster({ ports, password }: ClusterPlace): Cluster {
  const cluster = clientOf(ports, { lazyConnect: true, redisOptions: { password } })
  cluster.on('error', () => {})
  return cluster
}
