import { type PrivateRedis, startRedis } from '../../../cli/demo/private-redis.ts'
import { RapidFire } from '../../../src/rapidfire.ts'
import { nameOf } from '../../fault/history.ts'
import type { Part } from '../../fault/support/processes.ts'
import { Stage } from '../../fault/support/stage.ts'
import type { Task, WorkerSetup } from '../../fault/support/worker.ts'
import { brokenLaws } from '../../support/laws.ts'
import type { Company } from './company.ts'
import type { ForwarderSetup } from './forwarder.ts'
import { judge } from './judge.ts'
import type { ProducerSetup } from './producer.ts'
import { readAppendOnlyFile } from './redis-log.ts'
import { ATTEMPTS, LEASE } from './settings.ts'
import type { Verdict } from './verdict.ts'
import { Way } from './way.ts'

const SERVER = ['--appendonly', 'yes', '--appendfsync', 'always', '--auto-aof-rewrite-percentage', '0', '--maxmemory-policy', 'noeviction']

/** What a worker that closes gives its handlers, ms. */
const CLOSE_TIMEOUT = 500

const STREAM = 'batches'

const PRODUCERS = [
  { name: 'ann', queue: 'handled' },
  { name: 'bob', queue: 'handled' },
  { name: 'cyd', queue: 'forwarded' },
] as const
const KEYS = 6
const WORKERS = 3
const FORWARDERS = 2

/** The processes of a chaos run: a Redis that forgets nothing, workers, forwarders and producers of two queues. */
export class Cast extends Stage implements Company {
  readonly handled: RapidFire<Task>
  readonly forwarded: RapidFire<Task>
  readonly erased: RapidFire
  /** Of each worker. */
  readonly #ways = new Map<Part, Way>()

  private constructor(server: PrivateRedis) {
    super(server, SERVER)
    this.handled = new RapidFire<Task>(this.#client('handled'))
    this.forwarded = new RapidFire<Task>(this.#client('forwarded'))
    this.erased = new RapidFire(this.#client('erased'))
  }

  static async start(): Promise<Cast> {
    return new Cast(await startRedis(SERVER))
  }

  get folders(): string[] {
    return [this.folder]
  }

  readonly disturbed = false
  readonly mendsWithin = 0

  get clients(): readonly RapidFire<Task>[] {
    return [this.handled, this.forwarded]
  }

  // Without a policy: a client that has one writes it again whenever the functions were lost.
  #client(queue: string) {
    return { redis: this.address, queue }
  }

  /** Everybody enters. */
  async enterAll(seed: string): Promise<void> {
    const history = this.history.file
    const options = { lease: LEASE, attempts: ATTEMPTS, concurrency: 4 }
    const worker = async () => {
      const way = await Way.to(this.address.port)
      const client = { ...this.#client('handled'), redis: { ...this.address, port: way.port } }
      const setup: WorkerSetup = { history, client, options, closeTimeout: CLOSE_TIMEOUT, inquire: true }
      this.#ways.set(await this.enter('worker', script('../../fault/support/worker.ts'), setup), way)
    }
    const forwarder: ForwarderSetup = { history, client: this.#client('forwarded'), stream: STREAM }
    const producer = ({ name, queue }: (typeof PRODUCERS)[number]): ProducerSetup => {
      const keys = Array.from({ length: KEYS }, (_, n) => `${name}${n}`)
      return { history, client: this.#client(queue), seed, keys, changes: true }
    }
    const script = (role: string) => new URL(role, import.meta.url)
    await Promise.all([
      ...Array.from({ length: WORKERS }, worker),
      ...Array.from({ length: FORWARDERS }, () => this.enter('forwarder', script('forwarder.ts'), forwarder)),
      ...PRODUCERS.map((each) => this.enter('producer', script('producer.ts'), producer(each))),
    ])
  }

  /** The way of a worker to Redis. */
  wayOf(worker: Part): Way {
    return this.#ways.get(worker) as Way
  }

  /** Notes that Redis cannot be reached while something is done to it. */
  async silence<Result>(meanwhile: () => Promise<Result>): Promise<Result> {
    const since = Date.now()
    try {
      return await meanwhile()
    } finally {
      this.history.write({ what: 'silent', since, until: Date.now() })
    }
  }

  keys(): Promise<string[]> {
    return this.redis.keys('*')
  }

  async laws(): Promise<string[]> {
    const broken = await Promise.all(this.clients.map(({ queue }) => brokenLaws(this.redis, `rapid-fire:{${queue}}`)))
    return broken.flat()
  }

  async judge(faults: ReadonlyMap<string, number>): Promise<Verdict> {
    for (const client of this.clients) await this.noteDead(client)
    await this.#noteStream()
    return judge(this.history.read(), readAppendOnlyFile(this.folder), faults)
  }

  /** Writes what is in the stream into the history: an entry is a batch that was handed over and is done. */
  async #noteStream(): Promise<void> {
    const found = await this.redis.xrange(`rapid-fire:{forwarded}:stream:${STREAM}`, '-', '+')
    for (const [, flat] of found) {
      const fields = Object.fromEntries(Array.from({ length: flat.length / 2 }, (_, n) => [flat[2 * n], flat[2 * n + 1]]))
      const attempt = { key: fields.key as string, batch: fields.id as string, attempt: 1 }
      const numbers = Object.keys(fields).flatMap((name) => (name.startsWith('data:') ? [name.slice('data:'.length)] : []))
      const data = numbers.map((n) => JSON.parse(fields[`data:${n}`] as string) as Task)
      const forms = data.map(({ message }) => message)
      const messages = data.map((task, n) => nameOf(task, fields[`id:${numbers[n]}`]))
      this.history.write({ what: 'started', ...attempt, messages, forms })
      this.history.write({ what: 'ended', ...attempt, handled: messages })
    }
  }

  override async end(): Promise<void> {
    await super.end()
    for (const way of this.#ways.values()) way.close()
    await Promise.all([...this.clients, this.erased].map((client) => client.close()))
  }
}
