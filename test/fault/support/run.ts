import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Redis } from 'ioredis'
import { expect, onTestFinished } from 'vitest'
import type { BindingMode } from '../../../src/binding.ts'
import type { Policy } from '../../../src/commands.ts'
import { RapidfireError } from '../../../src/errors.ts'
import { RapidFire } from '../../../src/rapidfire.ts'
import type { WorkerOptions } from '../../../src/worker.ts'
import { brokenLaws } from '../../support/laws.ts'
import { ended, type PrivateRedis, startRedis } from '../../support/redis.ts'
import { brokenPromises, type Entry, type Fact, History } from '../history.ts'
import type { Task, WorkerSetup } from './worker.ts'

const QUEUE = 'orders'

/** What a call says when the functions were lost once more while it was loading them. */
export const NOT_THERE = /^ERR Function not found|^NOSCRIPT|^the rapidfire library in Redis/
const SCRIPT = fileURLToPath(new URL('./worker.ts', import.meta.url))

export interface RunOptions {
  /** Options of redis-server. */
  redis?: string[]
  binding?: BindingMode | 'auto'
  policy?: Partial<Policy>
}

/** A Redis server, worker processes and a client that adds, for one test; all of them are ended after it. */
export class Run {
  readonly history: History
  readonly client: RapidFire<Task>
  readonly #options: RunOptions
  readonly #workers: ChildProcess[] = []
  #server: PrivateRedis
  #redis: Redis

  private constructor(server: PrivateRedis, options: RunOptions) {
    this.#options = options
    this.#server = server
    this.history = new History(join(server.folder, 'history.jsonl'))
    this.client = new RapidFire<Task>(this.#connection())
    this.#redis = this.#connect()
  }

  static async start(options: RunOptions = {}): Promise<Run> {
    const run = new Run(await startRedis(options.redis), options)
    onTestFinished(() => run.#end())
    await run.client.version()
    return run
  }

  get redis(): Redis {
    return this.#redis
  }

  #connection() {
    const redis = { host: '127.0.0.1', port: this.#server.port, maxRetriesPerRequest: 2 }
    const { policy = { wait: 20, maxWait: 100, maxSize: 5 }, binding = 'auto' } = this.#options
    return { redis, queue: QUEUE, policy, binding }
  }

  #connect(): Redis {
    const redis = new Redis(this.#server.url)
    redis.on('error', () => {})
    return redis
  }

  /** Starts worker processes and waits until they run; their pids. */
  async workers(count: number, options: WorkerOptions, closeTimeout?: number): Promise<number[]> {
    const setup: WorkerSetup = {
      history: this.history.file,
      client: this.#connection(),
      options,
      ...(closeTimeout === undefined ? {} : { closeTimeout }),
    }
    const started = Array.from({ length: count }, () =>
      spawn(process.execPath, ['--import', 'tsx', SCRIPT], {
        env: { ...process.env, SETUP: JSON.stringify(setup) },
        stdio: ['ignore', 'inherit', 'inherit'],
      }),
    )
    this.#workers.push(...started)
    const pids = started.map(({ pid }) => pid as number)
    await this.until((entries) => pids.every((pid) => entries.some((entry) => entry.pid === pid && entry.what === 'running')))
    return pids
  }

  #worker(pid: number): ChildProcess {
    return this.#workers.find((worker) => worker.pid === pid) as ChildProcess
  }

  signal(pid: number, signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#worker(pid).kill(signal)
  }

  /** Kills a worker on the spot. */
  async kill(pid: number): Promise<void> {
    await ended(this.#worker(pid), 'SIGKILL')
    this.history.write({ what: 'killed' }, pid)
  }

  /** Asks workers to close and waits until they have ended by themselves; their exit codes. */
  terminate(pids: number[]): Promise<(number | null)[]> {
    return Promise.all(
      pids.map(async (pid) => {
        await ended(this.#worker(pid), 'SIGTERM')
        return this.#worker(pid).exitCode
      }),
    )
  }

  /** Adds a message, and adds it again with the same id while Redis cannot be used, or has lost the functions twice in a row. */
  async add(key: string, task: Task, options: { flush?: boolean } = {}): Promise<void> {
    this.history.write({ what: 'offered', key, message: task.message })
    for (const end = Date.now() + 20_000; ; ) {
      try {
        await this.client.addMessage(key, task, { id: task.message, ...options })
        break
      } catch (error) {
        const passing = error instanceof RapidfireError && (error.code === 'UNAVAILABLE' || NOT_THERE.test(error.message))
        if (!passing || Date.now() > end) throw error
      }
      await sleep(20)
    }
    this.history.write({ what: 'accepted', key, message: task.message })
  }

  /** Adds messages to `keys` keys, those of a key one after the other, `pause` ms apart, while `meanwhile` happens. */
  async traffic(keys: number, messages: number, pause: number, meanwhile: () => Promise<unknown>): Promise<void> {
    const talk = async (key: string) => {
      for (let n = 0; n < messages; n += 1) {
        await this.add(key, { message: `${key}-${n}` })
        await sleep(pause * (0.5 + Math.random()))
      }
    }
    await Promise.all([meanwhile(), ...Array.from({ length: keys }, (_, n) => talk(`key${n}`))])
  }

  /** Waits until the history has it. */
  async until(found: (entries: Entry[]) => unknown, most = 30_000): Promise<void> {
    for (const end = Date.now() + most; ; await sleep(20)) {
      const entries = this.history.read()
      if (found(entries)) return
      if (Date.now() > end)
        throw new Error(`not in the history after ${most} ms:\n${entries.map((entry) => JSON.stringify(entry)).join('\n')}`)
    }
  }

  /** Waits for an entry. */
  async entry<What extends Fact['what']>(what: What, about: Partial<Entry> = {}): Promise<Extract<Entry, { what: What }>> {
    const found = (entries: Entry[]) =>
      entries.find((entry) => Object.entries({ what, ...about }).every(([field, value]) => entry[field as 'what'] === value))
    await this.until(found)
    return found(this.history.read()) as Extract<Entry, { what: What }>
  }

  /** Notes until when the active batch of a key is leased. */
  async noteLease(key: string): Promise<number> {
    const { token = '', until = 0 } = await this.client.peek(key)
    const [batch, attempt] = token.split(':') as [string, string]
    this.history.write({ what: 'leased', key, batch, attempt: Number(attempt), until })
    return until
  }

  /** Kills the server on the spot. */
  async killServer(): Promise<void> {
    await ended(this.#server.process, 'SIGKILL')
  }

  signalServer(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#server.process.kill(signal)
  }

  /** Starts the server again, with its data; after `prepare` was done to it where nobody else can reach it. */
  async startServer(prepare?: (redis: Redis) => Promise<unknown>): Promise<void> {
    const { port, folder } = this.#server
    if (prepare) {
      const aside = await startRedis(this.#options.redis, { folder })
      const redis = new Redis(aside.url)
      await redis.ping()
      await prepare(redis)
      redis.disconnect()
      await ended(aside.process, 'SIGTERM')
    }
    this.#server = await startRedis(this.#options.redis, { port, folder })
    this.#redis.disconnect()
    this.#redis = this.#connect()
  }

  /** Waits until every message is handled, ends the workers, and checks that all promises were kept and nothing is left behind. */
  async settle(most = 30_000): Promise<Entry[]> {
    for (const end = Date.now() + most; ; await sleep(20)) {
      const { messages, active, dead } = await this.client.getStats()
      if (messages + active === 0) break
      if (Date.now() > end) throw new Error(`still ${messages} messages, ${active} active and ${dead} dead batches after ${most} ms`)
    }
    const alive = this.#workers.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null)
    expect(await this.terminate(alive.map(({ pid }) => pid as number))).toEqual(alive.map(() => 0))
    const entries = this.history.read()
    expect(brokenPromises(entries)).toEqual([])
    expect(await brokenLaws(this.#redis, `rapid-fire:{${QUEUE}}`)).toEqual([])
    return entries
  }

  async #end(): Promise<void> {
    for (const worker of this.#workers) await ended(worker, 'SIGKILL')
    this.#redis.disconnect()
    await this.#server.stop()
    await this.client.close()
  }
}
