import type { Cluster } from 'ioredis'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { AddResult } from '../../src/messages/results.ts'
import { RapidFire } from '../../src/rapidfire.ts'
import { lacksServer } from '../client/clients.ts'
import { TestCluster, until } from '../support/cluster.ts'

const NODE_TIMEOUT = 1500
const KEYS = Array.from({ length: 24 }, (_, n) => `key ${n}`)

/** One run of a handler: times by `performance.now`. */
interface Handling {
  key: string
  from: number
  to: number
}

/**
 * Four producers and four workers, each with connections of its own. Producers wait for a replica, and offer a message again, with its id, until
 * one has it: what a primary acknowledged alone a failover may lose.
 */
class Load {
  readonly #clusters: Cluster[] = []
  readonly #clients: RapidFire<number>[] = []
  readonly #seen = new Map<string, number[]>(KEYS.map((key) => [key, []]))
  readonly #accepted = new Map<string, number>(KEYS.map((key) => [key, 0]))
  readonly handlings: Handling[] = []
  readonly errors = new Map<string, number>()
  readonly progress: number[] = []
  #producing: Promise<void>[] = []
  #stopped = false
  added = 0

  constructor(cluster: TestCluster) {
    const client = () => {
      const redis = cluster.client({ redisOptions: { maxRetriesPerRequest: 1 } })
      redis.on('error', () => {})
      const made = new RapidFire<number>({ redis, queue: 'load', policy: { wait: 20, maxWait: 200, partitions: 16 } })
      this.#clusters.push(redis)
      this.#clients.push(made)
      return made
    }
    for (let n = 0; n < 4; n += 1) {
      const worker = client().worker(
        async ({ key, messages }) => {
          const from = performance.now()
          await new Promise((resolve) => setTimeout(resolve, 5))
          this.#seen.get(key)?.push(...messages.map(({ data }) => data))
          this.progress.push(performance.now())
          this.handlings.push({ key, from, to: performance.now() })
        },
        { lease: 3000, concurrency: 20 },
      )
      worker.on('error', (error) => this.#count(error)).run()
      onTestFinished(() => worker.close({ timeout: 1000 }))
    }
    const producers = Array.from({ length: 4 }, client)
    this.#producing = KEYS.map((key, n) => this.#produce(producers[n % 4] as RapidFire<number>, key))
    onTestFinished(async () => {
      await this.stop()
      await Promise.all(this.#clients.map((each) => each.close()))
      for (const cluster of this.#clusters) cluster.disconnect()
    })
  }

  #count(error: Error): void {
    const [word = ''] =
      /(MOVED|ASK|TRYAGAIN|CLUSTERDOWN|LOADING|READONLY|closed|redirections|timed out|refresh)|.*/.exec(error.message) ?? []
    this.errors.set(word, (this.errors.get(word) ?? 0) + 1)
  }

  async #produce(producer: RapidFire<number>, key: string): Promise<void> {
    for (let n = 0; !this.#stopped; ) {
      const result = await producer
        .addMessage(key, n, { id: `${key} ${n}`, durability: { replicas: 1, timeout: 500 } })
        .catch((error: Error) => {
          this.#count(error)
          return undefined as AddResult | undefined
        })
      if (!result?.replicas) continue
      n += 1
      this.added += 1
      this.#accepted.set(key, n)
      // Handlers must keep up: the backlog of a key is bounded.
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await Promise.all(this.#producing)
  }

  get client(): RapidFire<number> {
    return this.#clients[0] as RapidFire<number>
  }

  /** Until every key has had so many messages more handled. */
  async goesOn(more = 5): Promise<void> {
    const goals = KEYS.map((key) => (this.#accepted.get(key) as number) + more)
    await until(async () => {
      const behind = KEYS.filter((key, n) => new Set(this.#seen.get(key)).size < (goals[n] as number))
      return behind.length === 0 ? undefined : `behind: ${behind.join(', ')}; errors: ${JSON.stringify([...this.errors])}`
    }, 60_000)
  }

  /** Messages that were accepted and not handled, and keys whose messages were handled in another order than they were added in. */
  broken(): string[] {
    return KEYS.flatMap((key) => {
      const numbers = [...new Set(this.#seen.get(key))]
      const accepted = this.#accepted.get(key) as number
      const lost = Array.from({ length: accepted }, (_, n) => n).filter((n) => !numbers.includes(n))
      const sorted = numbers.every((n, at) => at === 0 || n > (numbers[at - 1] as number))
      return [...(lost.length > 0 ? [`${key}: lost ${lost}`] : []), ...(sorted ? [] : [`${key}: ${numbers}`])]
    })
  }

  /** Keys with two handlers at once, between two times. */
  overlaps(from: number, to: number): string[] {
    return KEYS.filter((key) => {
      const own = this.handlings.filter((each) => each.key === key && each.from >= from && each.to <= to).sort((a, b) => a.from - b.from)
      return own.some((each, n) => n > 0 && each.from < (own[n - 1] as Handling).to)
    })
  }

  longestGap(): number {
    return this.progress.reduce((longest, at, n) => Math.max(longest, n === 0 ? 0 : at - (this.progress[n - 1] as number)), 0)
  }
}

describe.skipIf(lacksServer('a cluster under load'))('a cluster under load', () => {
  it('loses nothing, keeps the order and one active batch a key, whatever the operator or fate does to it', async () => {
    // A primary that is back before anybody has taken its place must have all that it has said. With `everysec` it writes up to two seconds later while
    // the disk is busy, and its replica then forgets the same. With `no` it writes at once, and lets the system sync, which is not killed here.
    const durable = ['--appendonly', 'yes', '--appendfsync', 'no']
    const cluster = await TestCluster.start({ nodeTimeout: NODE_TIMEOUT, redis: durable })
    onTestFinished(() => cluster.stop())
    const load = new Load(cluster)
    const gaps: [string, number][] = []
    let phase = performance.now()
    /** `harmless`: no node dies, so nothing that was written is forgotten. */
    const after = async (what: string, harmless: boolean) => {
      await load.goesOn()
      if (harmless) expect([what, load.overlaps(phase, performance.now())]).toEqual([what, []])
      gaps.push([what, Math.round(load.longestGap())])
      load.progress.length = 0
      phase = performance.now()
    }
    await after('the beginning', true)

    const slot = await cluster.slotOf('rapid-fire:{load:3}')
    const home = await cluster.primaryOf(slot)
    const other = (await cluster.primaries()).find((node) => node !== home) as typeof home
    await cluster.migrateSlot(slot, other)
    await load.goesOn()
    await cluster.migrateSlot(slot, home)
    await after('a slot moved there and back', true)

    const fresh = await cluster.addPrimary()
    for (const n of [0, 7, 12]) await cluster.migrateSlot(await cluster.slotOf(`rapid-fire:{load:${n}}`), fresh)
    // It has no replica that could confirm anything: only what the other partitions do must go on.
    expect(await fresh.redis.function('LIST', 'LIBRARYNAME', 'rapidfire')).toBeDefined()
    await cluster.addReplica(fresh)
    await after('a new primary without functions', true)
    expect(await fresh.redis.fcall_ro('rapidfire_version', 0)).toMatch(/^\d/)

    const died = await cluster.primaryOf(await cluster.slotOf('rapid-fire:{load:5}'))
    await cluster.failOver(died)
    // As a replica: without one nothing would be confirmed there.
    await cluster.restart(died)
    await cluster.settled()
    await after('a primary killed', false)

    for (const node of [...cluster.nodes]) {
      await cluster.kill(node)
      await cluster.restart(node)
      await cluster.settled()
    }
    await after('a rolling restart', false)

    await load.stop()
    await until(async () => {
      const { messages } = await load.client.getStats()
      return messages === 0 ? undefined : `${messages} messages left`
    })
    expect(load.broken()).toEqual([])
    expect((await load.client.check()).violations).toEqual([])
    console.log(
      `cluster under load: ${load.added} messages in 16 partitions; errors met: ${[...load.errors].map(([word, count]) => `${word} ${count}`).join(', ') || 'none'}; ` +
        `longest gap without progress, ms (node timeout ${NODE_TIMEOUT}): ${gaps.map(([what, ms]) => `${what} ${ms}`).join(', ')}`,
    )
  }, 240_000)
})
