import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Redis } from 'ioredis'
import { ended, endTogether, findServer, PASSWORD, type PrivateRedis, startRedis } from '../../cli/demo/private-redis.ts'
import { connectTo, isAlive, startOnPort, until } from './cluster.ts'

/** The name under which the sentinels know the primary. */
const NAME = 'rapidfire'

const OPTIONS = ['--repl-diskless-sync-delay', '0']

export interface SentinelNode {
  server: PrivateRedis
  port: number
  redis: Redis
}

interface Sentinel {
  port: number
  redis: Redis
  stop(): Promise<void>
}

/** A primary with two replicas, watched by three sentinels, all on 127.0.0.1. */
export class TestSentinel {
  /** The primary of the beginning, and its replicas. */
  readonly nodes: SentinelNode[] = []
  readonly #sentinels: Sentinel[] = []
  readonly #options: string[]

  private constructor(options: string[]) {
    this.#options = [...OPTIONS, ...options]
  }

  /** @param options.downAfter after so long, ms, a silent primary is taken to have failed */
  static async start({ downAfter = 1000, redis = [] }: { downAfter?: number; redis?: string[] } = {}): Promise<TestSentinel> {
    const all = new TestSentinel(redis)
    try {
      const primary = await all.#startNode([])
      await Promise.all([1, 2].map(() => all.#startNode(replicaOf(primary))))
      // Sentinels look for replicas when they start, and then each ten seconds.
      await until(() => all.#follow(primary))
      const watch = () => startOnPort((port) => startSentinel(port, primary.port, downAfter))
      await Promise.all([1, 2, 3].map(async () => all.#sentinels.push(await watch())))
      await all.settled()
    } catch (error) {
      await all.stop()
      throw error
    }
    return all
  }

  async #startNode(options: string[]): Promise<SentinelNode> {
    const server = await startOnPort((port) => startRedis([...this.#options, ...options], { port }))
    const node = { server, port: server.port, redis: connectTo(server) }
    this.nodes.push(node)
    return node
  }

  /** For `new Redis`, and so for `redis` of a client. */
  get options() {
    const sentinels = this.ports.map((port) => ({ host: '127.0.0.1', port }))
    return { name: NAME, sentinels, sentinelPassword: PASSWORD, password: PASSWORD }
  }

  /** Of the sentinels. */
  get ports(): number[] {
    return this.#sentinels.map(({ port }) => port)
  }

  get alive(): SentinelNode[] {
    return this.nodes.filter(({ server }) => isAlive(server))
  }

  /** The server that all sentinels take for the primary. */
  async primary(): Promise<SentinelNode> {
    const told = await Promise.all(this.#sentinels.map(({ redis }) => redis.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', NAME)))
    const ports = new Set((told as string[][]).map(([, port]) => Number(port)))
    const node = this.nodes.find(({ port }) => ports.size === 1 && ports.has(port))
    if (!node) throw new Error(`the sentinels say that ${[...ports]} is the primary`)
    return node
  }

  /** Kills the primary on the spot and waits until a replica has taken over; that one is returned. */
  async failOver(): Promise<SentinelNode> {
    const before = await this.primary()
    await ended(before.server.process, 'SIGKILL')
    await until(async () => ((await this.primary()) === before ? `${before.port} is still the primary` : undefined))
    await this.settled()
    return this.primary()
  }

  /** Starts a server that was killed, as a replica of the primary. */
  async restart(node: SentinelNode): Promise<void> {
    const options = [...this.#options, ...replicaOf(await this.primary())]
    node.server = await startRedis(options, node.server)
    await this.settled()
  }

  /** Waits until the sentinels know each other and the primary, and all others that are alive follow it. */
  async settled(): Promise<void> {
    await until(async () => {
      const primary = await this.primary()
      for (const { redis, port } of this.#sentinels) {
        const quorum = String(await redis.call('SENTINEL', 'CKQUORUM', NAME))
        if (!quorum.startsWith('OK 3 ')) return `${port}: ${quorum}`
        const replicas = (await redis.call('SENTINEL', 'REPLICAS', NAME)) as string[][]
        if (replicas.length < this.nodes.length - 1) return `${port} knows ${replicas.length} replicas`
      }
      return this.#follow(primary)
    })
  }

  async #follow(primary: SentinelNode): Promise<string | undefined> {
    for (const { redis, port } of this.alive) {
      const [role, , of, state] = (await redis.role()) as [string, string, number, string]
      if (port === primary.port ? role !== 'master' : of !== primary.port || state !== 'connected') return `${port} is ${role} (${state})`
    }
    return undefined
  }

  async stop(): Promise<void> {
    for (const { redis } of this.nodes) redis.disconnect()
    await Promise.all([...this.nodes.map(({ server }) => server.stop()), ...this.#sentinels.map((sentinel) => sentinel.stop())])
  }
}

const replicaOf = ({ port }: SentinelNode) => ['--replicaof', '127.0.0.1', String(port)]

/** A sentinel reads its password from the file that it keeps, which lies in a folder of mode 0700. */
async function startSentinel(port: number, primary: number, downAfter: number): Promise<Sentinel> {
  const folder = await mkdtemp(join(tmpdir(), 'rapidfire-sentinel-'))
  const config = join(folder, 'sentinel.conf')
  const lines = [
    `port ${port}`,
    'bind 127.0.0.1',
    `dir ${folder}`,
    `requirepass ${PASSWORD}`,
    `sentinel sentinel-pass ${PASSWORD}`,
    `sentinel monitor ${NAME} 127.0.0.1 ${primary} 2`,
    `sentinel auth-pass ${NAME} ${PASSWORD}`,
    `sentinel down-after-milliseconds ${NAME} ${downAfter}`,
    `sentinel failover-timeout ${NAME} 5000`,
  ]
  await writeFile(config, lines.join('\n'))
  const child = spawn(findServer() as string, [config, '--sentinel'], { stdio: 'ignore' })
  child.once('exit', endTogether([child.pid]))
  const redis = connectTo({ url: `redis://default:${PASSWORD}@127.0.0.1:${port}` })
  const stop = async () => {
    redis.disconnect()
    await ended(child, 'SIGKILL')
    await rm(folder, { recursive: true, force: true })
  }
  try {
    await until(
      () => (child.exitCode === null ? redis.ping().then(() => undefined, String) : Promise.reject(new Error('it has ended'))),
      10_000,
    )
  } catch (error) {
    await stop()
    throw error
  }
  return { port, redis, stop }
}
