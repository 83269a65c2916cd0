import { rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { type ClusterOptions as ClientOptions, Cluster, Redis } from 'ioredis'
import { ended, PASSWORD, type PrivateRedis, startRedis } from '../../cli/demo/private-redis.ts'

const SLOTS = 16_384

/** Ports that the system gives to nobody by itself, so that a server that was killed finds its own free again; the bus has the one 10,000 above. */
const [LEAST, MOST, BUS] = [11_000, 21_000, 10_000]

export interface ClusterOptions {
  /** @default 3 */
  primaries?: number
  /** Of each primary. @default 1 */
  replicas?: number
  /** cluster-node-timeout, ms: after so long a silent node is taken to have failed. @default 1500 */
  nodeTimeout?: number
  /** More options of redis-server, such as `['--appendonly', 'yes']`. */
  redis?: string[]
}

export interface ClusterNode {
  server: PrivateRedis
  port: number
  /** Its name in the cluster. */
  id: string
  /** A connection to this node alone. */
  redis: Redis
}

/** A Redis Cluster of real servers on 127.0.0.1. */
export class TestCluster {
  /** The primaries of the beginning, their replicas in the same order, and then what was added. */
  readonly nodes: ClusterNode[] = []
  readonly #options: string[]

  private constructor(nodeTimeout: number, options: string[]) {
    this.#options = [
      ...['--cluster-enabled', 'yes', '--cluster-node-timeout', String(nodeTimeout)],
      ...['--repl-diskless-sync-delay', '0', ...options],
    ]
  }

  static async start({ primaries = 3, replicas = 1, nodeTimeout = 1500, redis = [] }: ClusterOptions = {}): Promise<TestCluster> {
    const cluster = new TestCluster(nodeTimeout, redis)
    try {
      await cluster.#create(primaries, replicas)
    } catch (error) {
      await cluster.stop()
      throw error
    }
    return cluster
  }

  async #create(primaries: number, replicas: number): Promise<void> {
    await Promise.all(Array.from({ length: primaries * (1 + replicas) }, () => this.#startNode()))
    await Promise.all(
      this.nodes.map(async ({ redis }, n) => {
        await redis.cluster('SET-CONFIG-EPOCH', n + 1)
        const [first, next] = [n, n + 1].map((part) => Math.ceil((part * SLOTS) / primaries)) as [number, number]
        if (n < primaries) await redis.cluster('ADDSLOTS', ...Array.from({ length: next - first }, (_, slot) => first + slot))
      }),
    )
    await this.#meet(this.nodes)
    await Promise.all(
      this.nodes.slice(primaries).map(({ redis }, n) => redis.cluster('REPLICATE', (this.nodes[n % primaries] as ClusterNode).id)),
    )
    await this.settled()
  }

  async #startNode(): Promise<ClusterNode> {
    const server = await startOnPort((port) => startRedis(this.#options, { port }), BUS)
    const redis = connectTo(server)
    const node = { server, port: server.port, redis, id: '' }
    this.nodes.push(node)
    node.id = (await redis.cluster('MYID')) as string
    return node
  }

  /** Makes each of these known to all: by gossip alone that would take longer. */
  async #meet(nodes: ClusterNode[]): Promise<void> {
    for (const { redis } of nodes) {
      await Promise.all(this.alive.map(({ port }) => redis.cluster('MEET', '127.0.0.1', port)))
    }
    const all = this.alive.map(({ id }) => id)
    await until(async () => {
      for (const { redis, port } of this.alive) {
        const known = (await linesOf(redis)).filter(([, , flags]) => flags?.includes('handshake') === false).map(([id]) => id)
        if (all.some((id) => !known.includes(id))) return `${port} knows ${known.length} nodes`
      }
      return undefined
    })
  }

  get alive(): ClusterNode[] {
    return this.nodes.filter(({ server }) => isAlive(server))
  }

  get ports(): number[] {
    return this.nodes.map(({ port }) => port)
  }

  /** A client of the cluster. */
  client(options: ClientOptions = {}): Cluster {
    return clientOf(this.ports, options)
  }

  /** The nodes that take writes for some slots, or could. */
  async primaries(): Promise<ClusterNode[]> {
    const roles = await Promise.all(this.alive.map(async (node) => [node, ((await node.redis.role()) as unknown[])[0]] as const))
    return roles.filter(([, role]) => role === 'master').map(([node]) => node)
  }

  async primaryOf(slot: number): Promise<ClusterNode> {
    for (const node of await this.primaries()) {
      if ((await this.ownerTest(node))(slot)) return node
    }
    throw new Error(`no primary has slot ${slot}`)
  }

  /** The slot of a key. */
  async slotOf(key: string): Promise<number> {
    return (await this.alive[0]?.redis.cluster('KEYSLOT', key)) as number
  }

  /** Whether a slot belongs to a node, as the node itself says. */
  async ownerTest(node: ClusterNode): Promise<(slot: number) => boolean> {
    const own = (await linesOf(node.redis)).find(([, , flags]) => flags?.includes('myself'))
    const ranges = (own?.slice(8) ?? []).filter((range) => !range.startsWith('[')).map((range) => range.split('-').map(Number))
    return (slot) => ranges.some(([first = 0, last = first]) => slot >= first && slot <= last)
  }

  /** The replica of a primary, once it follows. */
  async replicaOf(primary: ClusterNode): Promise<ClusterNode> {
    let found: ClusterNode | undefined
    await until(async () => {
      for (const node of this.alive) {
        if (!(await linesOf(node.redis)).some(isReplicaOf(primary, node))) continue
        found = node
        return /master_link_status:up/.test(await node.redis.info('replication')) ? undefined : `${node.port} does not follow its primary`
      }
      return `${primary.port} has no replica`
    })
    return found as ClusterNode
  }

  /** Waits until a replica takes writes for the slots of its primary; with `takeover` it does so without being elected. */
  async promoted(replica: ClusterNode, takeover = false): Promise<void> {
    const began = Date.now()
    await until(async () => {
      const [role] = (await replica.redis.role()) as unknown[]
      if (role === 'master') return undefined
      // An election may fail again and again while nodes believe each other dead.
      if (takeover || Date.now() - began > 10_000) await replica.redis.cluster('FAILOVER', 'TAKEOVER').catch(() => {})
      return `${replica.port} is still a replica`
    })
  }

  /** Kills a node on the spot. */
  async kill(node: ClusterNode): Promise<void> {
    await ended(node.server.process, 'SIGKILL')
  }

  /** Kills a primary and waits until a replica of it has taken over; that one is returned. */
  async failOver(primary: ClusterNode): Promise<ClusterNode> {
    const replicas: ClusterNode[] = []
    for (const node of this.alive) if ((await linesOf(node.redis)).some(isReplicaOf(primary, node))) replicas.push(node)
    await this.kill(primary)
    let next: ClusterNode | undefined
    await until(async () => {
      const candidates = await this.primaries()
      next = replicas.find((replica) => candidates.includes(replica))
      return next ? undefined : `no replica of ${primary.port} has taken over`
    })
    return next as ClusterNode
  }

  /** Starts a node that was killed, on its port and with its files; `empty`: it has lost its data, and knows the cluster only. */
  async restart(node: ClusterNode, { empty = false } = {}): Promise<void> {
    await ended(node.server.process, 'SIGTERM')
    if (empty) for (const file of ['appendonlydir', 'dump.rdb']) await rm(join(node.server.folder, file), { recursive: true, force: true })
    node.server = await startRedis(this.#options, node.server)
    await until(() => node.redis.ping().then(() => undefined, String))
  }

  /** Adds a primary without slots, data and functions. */
  async addPrimary(): Promise<ClusterNode> {
    const node = await this.#startNode()
    await this.#meet([node])
    await this.settled()
    return node
  }

  /** Adds a replica of a primary. */
  async addReplica(primary: ClusterNode): Promise<ClusterNode> {
    const node = await this.addPrimary()
    await node.redis.cluster('REPLICATE', primary.id)
    await this.settled()
    return node
  }

  /** Callers are sent to the new node for keys that are not on the old one any more. */
  async beginMove(slot: number, from: ClusterNode, to: ClusterNode): Promise<void> {
    await to.redis.cluster('SETSLOT', slot, 'IMPORTING', from.id)
    await from.redis.cluster('SETSLOT', slot, 'MIGRATING', to.id)
  }

  /** Moves keys of a slot that is being moved; false when none of them is there. */
  async moveKeys(from: ClusterNode, to: ClusterNode, keys: readonly (string | Buffer)[]): Promise<boolean> {
    return (await from.redis.migrate('127.0.0.1', to.port, '', 0, 5000, 'AUTH', PASSWORD, 'KEYS', ...keys)) === 'OK'
  }

  /** Ends a move that was broken off: whoever has the slot keeps it. */
  async endMove(slot: number): Promise<void> {
    for (const { redis } of await this.primaries()) await redis.cluster('SETSLOT', slot, 'STABLE').catch(unlessReplica)
  }

  /** Moves a slot with its keys to a primary while the cluster is in use. `meanwhile` happens after each step. */
  async migrateSlot(slot: number, to: ClusterNode, meanwhile: () => Promise<unknown> = async () => {}): Promise<void> {
    const from = await this.primaryOf(slot)
    await this.beginMove(slot, from, to)
    await meanwhile()
    for (;;) {
      const keys = (await from.redis.callBuffer('CLUSTER', 'GETKEYSINSLOT', slot, 10)) as Buffer[]
      if (keys.length === 0) break
      await this.moveKeys(from, to, keys)
      await meanwhile()
    }
    // The new owner first: the old one would otherwise send callers to a node that does not know yet.
    const others = (await this.primaries()).filter((node) => node !== to && node !== from)
    for (const { redis } of [to, from, ...others]) {
      await redis.cluster('SETSLOT', slot, 'NODE', to.id).catch(unlessReplica)
    }
  }

  /** Waits until every node that is alive serves, all agree on who has which slots, and every replica follows its primary. */
  async settled(): Promise<void> {
    await until(async () => {
      const views = new Set<string>()
      for (const { redis, port } of this.alive) {
        const info = (await redis.cluster('INFO')) as string
        if (!info.includes('cluster_state:ok')) return `${port}: ${info}`
        const owners = (await linesOf(redis)).filter((line) => line.length > 8).map((line) => [line[0], ...line.slice(8)].join(' '))
        views.add(owners.sort().join('\n'))
        if (/master_link_status:down/.test(await redis.info('replication'))) return `${port} does not follow its primary`
      }
      return views.size === 1 ? undefined : `they do not agree: ${[...views].join('\n\n')}`
    })
  }

  async stop(): Promise<void> {
    for (const { redis } of this.nodes) redis.disconnect()
    await Promise.all(this.nodes.map(({ server }) => server.stop()))
  }
}

/** For SETSLOT: a primary that has given away its last slot, or has been replaced, may have become a replica just now. */
function unlessReplica(error: Error): void {
  if (!error.message.includes('only with masters')) throw error
}

/** A client of a cluster on these ports; the nodes that it is told of take the same password. */
export function clientOf(ports: readonly number[], { redisOptions, ...options }: ClientOptions = {}): Cluster {
  const nodes = ports.map((port) => ({ host: '127.0.0.1', port }))
  return new Cluster(nodes, { ...options, redisOptions: { password: PASSWORD, ...redisOptions } })
}

/** A connection that says at once that a server is gone, and finds it again. */
export function connectTo({ url }: { url: string }): Redis {
  const redis = new Redis(url, { maxRetriesPerRequest: 0, retryStrategy: () => 50 })
  redis.on('error', () => {})
  return redis
}

export const isAlive = ({ process }: PrivateRedis) => process.exitCode === null && process.signalCode === null

/** Asks until `missing` tells of nothing. An error of Redis is a reason to ask again: servers come and go here. */
export async function until(missing: () => Promise<string | undefined>, most = 30_000): Promise<void> {
  for (const end = Date.now() + most; ; ) {
    const why = await missing().catch((error: Error) => error.message)
    if (why === undefined) return
    if (Date.now() > end) throw new Error(`not within ${most} ms: ${why}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/**
 * Starts something on a port that is free, and may be taken all the same before it is used.
 *
 * @param above how far above it another port must be free as well
 */
export async function startOnPort<T>(start: (port: number) => Promise<T>, above = 0): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    const port = LEAST + Math.floor(Math.random() * (MOST - LEAST))
    if (!(await areFree([...new Set([port, port + above])]))) continue
    try {
      return await start(port)
    } catch (error) {
      if (attempt === 20) throw error
    }
  }
}

async function areFree(ports: number[]): Promise<boolean> {
  const held: Server[] = []
  const listen = (port: number) =>
    new Promise<boolean>((resolve) => {
      const server = createServer()
      server.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true))
      held.push(server)
    })
  const free = await Promise.all(ports.map(listen))
  await Promise.all(held.map((server) => new Promise((resolve) => server.close(resolve))))
  return free.every(Boolean)
}

/** The lines of CLUSTER NODES: id, address, flags, primary, four figures, and slots. */
const linesOf = async (redis: Redis): Promise<string[][]> =>
  ((await redis.cluster('NODES')) as string)
    .trim()
    .split('\n')
    .map((line) => line.split(' '))

const isReplicaOf = (primary: ClusterNode, node: ClusterNode) => (line: string[]) => line[0] === node.id && line[3] === primary.id
