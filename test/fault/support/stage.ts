import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Redis } from 'ioredis'
import { ended, endTogether, type PrivateRedis, startRedis } from '../../../cli/private-redis.ts'
import type { RapidFire } from '../../../src/rapidfire.ts'
import { type Entry, type Fact, History } from '../history.ts'
import type { Task } from './worker.ts'

/** A Redis server and processes that use it, all of which can be stopped and killed. They write what happens to them into one history. */
export class Stage {
  readonly history: History
  readonly #options: string[]
  readonly #processes: ChildProcess[] = []
  #server: PrivateRedis
  #redis: Redis

  protected constructor(server: PrivateRedis, options: string[]) {
    this.#options = options
    this.#server = server
    this.history = new History(join(server.folder, 'history.jsonl'))
    this.#redis = this.#connect()
  }

  get redis(): Redis {
    return this.#redis
  }

  /** Where the server keeps its files. */
  get folder(): string {
    return this.#server.folder
  }

  get serverPid(): number {
    return this.#server.process.pid as number
  }

  /** How processes reach the server. */
  get address() {
    return { host: '127.0.0.1', port: this.#server.port, maxRetriesPerRequest: 2 }
  }

  #connect(): Redis {
    const redis = new Redis(this.#server.url)
    redis.on('error', () => {})
    return redis
  }

  /** Starts processes that run a script with their setup, and waits until they say that they run; their pids. */
  async spawn(script: URL, setup: object, count = 1): Promise<number[]> {
    const started = Array.from({ length: count }, () => {
      const child = spawn(process.execPath, ['--import', 'tsx', fileURLToPath(script)], {
        env: { ...process.env, SETUP: JSON.stringify(setup) },
        stdio: ['ignore', 'inherit', 'inherit'],
      })
      child.once('exit', endTogether([child.pid]))
      return child
    })
    this.#processes.push(...started)
    const pids = started.map(({ pid }) => pid as number)
    await this.until((entries) => pids.every((pid) => entries.some((entry) => entry.pid === pid && entry.what === 'running')))
    return pids
  }

  /** The processes that have not ended. */
  get alive(): number[] {
    const alive = this.#processes.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null)
    return alive.map(({ pid }) => pid as number)
  }

  #process(pid: number): ChildProcess {
    return this.#processes.find((child) => child.pid === pid) as ChildProcess
  }

  signal(pid: number, signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#process(pid).kill(signal)
  }

  /** Kills a process on the spot. */
  async kill(pid: number): Promise<void> {
    await ended(this.#process(pid), 'SIGKILL')
    this.history.write({ what: 'killed' }, pid)
  }

  /** Asks processes to close and waits until they have ended by themselves; their exit codes. */
  terminate(pids: number[]): Promise<(number | null)[]> {
    return Promise.all(
      pids.map(async (pid) => {
        await ended(this.#process(pid), 'SIGTERM')
        return this.#process(pid).exitCode
      }),
    )
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

  /** Notes the dead batches that Redis keeps. */
  async noteDead(client: RapidFire<Task>): Promise<void> {
    for (const { id } of await client.dead({ limit: 1000 })) {
      const [batch] = await client.dead({ id })
      if (!batch) continue
      const messages = batch.messages.map(({ data }) => (data as Task).message)
      this.history.write({ what: 'buried', key: batch.key, batch: id, attempt: batch.attempt, messages })
    }
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
      const aside = await startRedis(this.#options, { folder })
      const redis = new Redis(aside.url)
      await redis.ping()
      await prepare(redis)
      redis.disconnect()
      await ended(aside.process, 'SIGTERM')
    }
    this.#server = await startRedis(this.#options, { port, folder })
    this.#redis.disconnect()
    this.#redis = this.#connect()
  }

  /** Ends all processes and removes the files. */
  async end(): Promise<void> {
    for (const child of this.#processes) await ended(child, 'SIGKILL')
    this.#redis.disconnect()
    await this.#server.stop()
  }
}
