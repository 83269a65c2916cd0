import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished } from 'vitest'
import { RapidfireError } from '../../../src/errors.ts'
import type { Policy } from '../../../src/options.ts'
import { RapidFire } from '../../../src/rapidfire.ts'
import type { BindingMode } from '../../../src/redis/loader.ts'
import type { WorkerOptions } from '../../../src/worker/worker.ts'
import { brokenLaws } from '../../support/laws.ts'
import { type PrivateRedis, startRedis } from '../../support/redis.ts'
import { brokenPromises, type Entry } from '../history.ts'
import { Stage } from './stage.ts'
import type { Task, WorkerSetup } from './worker.ts'

const QUEUE = 'orders'

/** What a call says when the functions were lost once more while it was loading them. */
export const NOT_THERE = /^ERR Function not found|^NOSCRIPT|^the rapidfire library in Redis/
const WORKER = new URL('./worker.ts', import.meta.url)

export interface RunOptions {
  /** Options of redis-server. */
  redis?: string[]
  binding?: BindingMode | 'auto'
  policy?: Partial<Policy>
}

/** A Redis server, worker processes and a client that adds, for one test; all of them are ended after it. */
export class Run extends Stage {
  readonly client: RapidFire<Task>
  readonly #options: RunOptions

  private constructor(server: PrivateRedis, options: RunOptions) {
    super(server, options.redis ?? [])
    this.#options = options
    this.client = new RapidFire<Task>(this.#clientOptions())
  }

  static async start(options: RunOptions = {}): Promise<Run> {
    const run = new Run(await startRedis(options.redis), options)
    onTestFinished(() => run.end())
    await run.client.version()
    return run
  }

  #clientOptions() {
    const { policy = { wait: 20, maxWait: 100, maxSize: 5 }, binding = 'auto' } = this.#options
    return { redis: this.address, queue: QUEUE, policy, binding }
  }

  /** Starts worker processes and waits until they run; their pids. */
  workers(count: number, options: WorkerOptions, closeTimeout?: number): Promise<number[]> {
    const setup: WorkerSetup = {
      history: this.history.file,
      client: this.#clientOptions(),
      options,
      ...(closeTimeout === undefined ? {} : { closeTimeout }),
    }
    return this.spawn(WORKER, setup, count)
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

  /** Waits until Redis knows that the claim of a key has arrived: the worker has said something of it. */
  async acknowledged(key: string): Promise<void> {
    const claim = () => this.redis.hget(`rapid-fire:{${QUEUE}}:claims`, key)
    for (const end = Date.now() + 10_000; (await claim())?.includes(':by=') !== false; await sleep(20)) {
      if (Date.now() > end) throw new Error(`the claim of ${key} is not acknowledged: ${await claim()}`)
    }
  }

  /** Notes until when the active batch of a key is leased. */
  async noteLease(key: string): Promise<number> {
    const { token = '', until = 0 } = await this.client.peek(key)
    const [batch, claim] = token.split(':') as [string, string]
    // Nobody says which attempt it is.
    this.history.write({ what: 'leased', key, batch, attempt: 0, claim: Number(claim), until })
    return until
  }

  /** Waits until every message is handled, ends the workers, and checks that all promises were kept and nothing is left behind. */
  async settle(most = 30_000): Promise<Entry[]> {
    for (const end = Date.now() + most; ; await sleep(20)) {
      const { messages, active, dead } = await this.client.getStats()
      if (messages + active === 0) break
      if (Date.now() > end) throw new Error(`still ${messages} messages, ${active} active and ${dead} dead batches after ${most} ms`)
    }
    const { alive } = this
    expect(await this.terminate(alive)).toEqual(alive.map(() => 0))
    await this.noteDead(this.client)
    const entries = this.history.read()
    expect(brokenPromises(entries)).toEqual([])
    expect(await brokenLaws(this.redis, `rapid-fire:{${QUEUE}}`)).toEqual([])
    return entries
  }

  override async end(): Promise<void> {
    await super.end()
    await this.client.close()
  }
}
