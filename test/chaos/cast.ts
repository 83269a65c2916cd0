import { execFile } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { type PrivateRedis, startRedis } from '../../cli/private-redis.ts'
import { RapidFire } from '../../src/rapidfire.ts'
import { Stage } from '../fault/support/stage.ts'
import type { Task, WorkerSetup } from '../fault/support/worker.ts'
import type { ForwarderSetup } from './forwarder.ts'
import type { ProducerSetup } from './producer.ts'

const SERVER = ['--appendonly', 'yes', '--appendfsync', 'always', '--auto-aof-rewrite-percentage', '0', '--maxmemory-policy', 'noeviction']

/** How workers are set, ms and times: short leases, since many shall be lost. */
export const LEASE = 1500
export const ATTEMPTS = 4
const CLOSE_TIMEOUT = 500

/** What a forwarder claims with, as lua/functions/forward.lua says: its leases end with the script. */
export const FORWARD_LEASE = 60_000
const STREAM = 'batches'

const PRODUCERS = [
  { name: 'ann', queue: 'handled' },
  { name: 'bob', queue: 'handled' },
  { name: 'cyd', queue: 'forwarded' },
] as const
const KEYS = 6
const WORKERS = 3
const FORWARDERS = 2

const execute = promisify(execFile)

export type Role = 'worker' | 'producer' | 'forwarder'

/** A process of the run; when it ends, another one takes its part. */
export interface Part {
  role: Role
  pid: number
  script: URL
  setup: object
}

/** The processes of a chaos run: a Redis that forgets nothing, workers, forwarders and producers of two queues. */
export class Cast extends Stage {
  readonly parts: Part[] = []
  readonly handled: RapidFire<Task>
  readonly forwarded: RapidFire<Task>

  private constructor(server: PrivateRedis) {
    super(server, SERVER)
    this.handled = new RapidFire<Task>(this.#client('handled'))
    this.forwarded = new RapidFire<Task>(this.#client('forwarded'))
  }

  static async start(): Promise<Cast> {
    return new Cast(await startRedis(SERVER))
  }

  get clients(): readonly RapidFire<Task>[] {
    return [this.handled, this.forwarded]
  }

  // Without a policy: a client that has one writes it again whenever the functions were lost.
  #client(queue: string) {
    return { redis: this.address, queue }
  }

  /** Everybody enters. */
  async enter(seed: string): Promise<void> {
    const history = this.history.file
    const options = { lease: LEASE, attempts: ATTEMPTS, concurrency: 4 }
    const worker: WorkerSetup = { history, client: this.#client('handled'), options, closeTimeout: CLOSE_TIMEOUT }
    const forwarder: ForwarderSetup = { history, client: this.#client('forwarded'), stream: STREAM }
    const producer = ({ name, queue }: (typeof PRODUCERS)[number]): ProducerSetup => {
      const keys = Array.from({ length: KEYS }, (_, n) => `${name}${n}`)
      return { history, client: this.#client(queue), seed, keys }
    }
    const script = (role: string) => new URL(role, import.meta.url)
    const parts = await Promise.all([
      ...Array.from({ length: WORKERS }, () => this.#cast('worker', script('../fault/support/worker.ts'), worker)),
      ...Array.from({ length: FORWARDERS }, () => this.#cast('forwarder', script('forwarder.ts'), forwarder)),
      ...PRODUCERS.map((each) => this.#cast('producer', script('producer.ts'), producer(each))),
    ])
    this.parts.push(...parts)
  }

  async #cast(role: Role, script: URL, setup: object): Promise<Part> {
    const [pid] = (await this.spawn(script, setup)) as [number]
    return { role, pid, script, setup }
  }

  /** Starts another process for one that has ended. */
  async recast(part: Part): Promise<void> {
    const [pid] = (await this.spawn(part.script, part.setup)) as [number]
    part.pid = pid
  }

  of(role: Role): Part[] {
    return this.parts.filter((part) => part.role === role)
  }

  /** Writes what is in the stream into the history: an entry is a batch that was handed over and is done. */
  async noteStream(): Promise<void> {
    const found = await this.redis.xrange(`rapid-fire:{forwarded}:stream:${STREAM}`, '-', '+')
    for (const [, flat] of found) {
      const fields = Object.fromEntries(Array.from({ length: flat.length / 2 }, (_, n) => [flat[2 * n], flat[2 * n + 1]]))
      const attempt = { key: fields.key as string, batch: fields.id as string, attempt: 1 }
      const data = Object.keys(fields).flatMap((name) => (name.startsWith('data:') ? [JSON.parse(fields[name] as string) as Task] : []))
      const messages = data.map(({ message }) => message)
      this.history.write({ what: 'started', ...attempt, messages })
      this.history.write({ what: 'ended', ...attempt, handled: messages })
    }
  }

  override async end(): Promise<void> {
    await super.end()
    await Promise.all(this.clients.map((client) => client.close()))
  }
}

/** Whether a process is stopped now, by what the system says. */
export async function isStopped(pid: number): Promise<boolean> {
  const { stdout } = await execute('ps', ['-o', 'stat=', '-p', String(pid)])
  return stdout.startsWith('T')
}

/** What a call gives, once Redis can be used again. */
export async function eventually<Result>(call: () => Promise<Result>): Promise<Result> {
  for (const end = Date.now() + 10_000; ; await sleep(100)) {
    try {
      return await call()
    } catch (error) {
      if (Date.now() > end) throw error
    }
  }
}
