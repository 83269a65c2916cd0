import { join } from 'node:path'
import { Redis } from 'ioredis'
import { ended, type PrivateRedis, startRedis } from '../../../cli/demo/private-redis.ts'
import { Processes } from './processes.ts'

/** A Redis server and processes that use it, all of which can be stopped and killed. */
export class Stage extends Processes {
  readonly #options: string[]
  #server: PrivateRedis
  #redis: Redis

  protected constructor(server: PrivateRedis, options: string[]) {
    super(join(server.folder, 'history.jsonl'))
    this.#options = options
    this.#server = server
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

  get serverUrl(): string {
    return this.#server.url
  }

  /** How processes reach the server. */
  get address() {
    return { host: '127.0.0.1', port: this.#server.port, password: this.#server.password, maxRetriesPerRequest: 2 }
  }

  #connect(): Redis {
    // A command that is to be sent again when the connection is back would never end if the client is disconnected before.
    const redis = new Redis(this.#server.url, { commandTimeout: 30_000 })
    redis.on('error', () => {})
    return redis
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
  override async end(): Promise<void> {
    await super.end()
    this.#redis.disconnect()
    await this.#server.stop()
  }
}
