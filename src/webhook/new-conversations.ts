import type { RateLimiterRedis } from 'rate-limiter-flexible'
import { RapidfireError } from '../errors.ts'
import type { Gate } from './gate.ts'

/** Makes a call of Redis, within the time of the gate. */
export type Call = <Result>(call: () => Promise<Result>) => Promise<Result>

/** What is left, below 0 when more was taken than there was; and how long until there is more, ms, when nothing is left. */
interface Taken {
  left: number
  wait: number
}

/** Takes points, also more than there are: whoever is refused counts too, until the time is over. */
export async function take(limiter: RateLimiterRedis, name: string, points: number): Promise<Taken> {
  let taken = await limiter.penalty(name, points)
  if (Number(taken.msBeforeNext) > limiter.duration * 1000) {
    // It would end later than a time can: the clock of Redis has been set back.
    await limiter.delete(name)
    taken = await limiter.penalty(name, points)
  }
  const left = limiter.points - Number(taken.consumedPoints)
  return { left, wait: left < 0 ? Math.max(1, Number(taken.msBeforeNext)) : 0 }
}

/** A conversation at the door: it passes, or is told after how many ms to come again. */
interface Visitor {
  readonly key: string
  wait: number
}

/** A request that was let in. */
export interface Entry {
  /** Counts the conversations that it has opened. */
  count(opened: number): void
  /** It is over, however it went. */
  end(): void
}

/**
 * Bounds how many conversations a source opens. As long as the bound cannot be used up, all are let in unseen, and those that turn out to be new are
 * counted when they are stored. Only then is the queue asked which of them are open.
 *
 * Within one process no more are opened than the bound says; between processes, no more than are let in unseen at the same moment.
 */
export class NewConversations {
  readonly #limiter: RateLimiterRedis
  readonly #queue: { peek(key: string, limit: number): Promise<{ size: number }> }
  readonly #gate: Gate
  readonly #call: Call
  /** The requests that were let in unseen and have not ended, and how many conversations are theirs. */
  readonly #unseen = new Set<Promise<void>>()
  #unseenKeys = 0
  /** By source: those that Redis is told of when all that were stored together have been counted. */
  readonly #untold = new Map<string, number>()
  /** All that were opened, of whatever source, and all that Redis has been told of. */
  #opened = 0
  #told = 0

  constructor(limiter: RateLimiterRedis, queue: { peek(key: string, limit: number): Promise<{ size: number }> }, gate: Gate, call: Call) {
    this.#limiter = limiter
    this.#queue = queue
    this.#gate = gate
    this.#call = call
  }

  /** Where the conversations of a source are counted in Redis. */
  nameOf(source: string): string {
    return this.#limiter.getKey(source)
  }

  /** What Redis has been told by now: who asks it later finds all of that counted, as far as its time is not over. */
  get told(): number {
    return this.#told
  }

  /**
   * @param opened by the source within the time, as it is counted in Redis
   * @param told what it had been told before it was asked for that
   */
  async admit(source: string, opened: number, told: number, visitors: readonly Visitor[]): Promise<Entry | undefined> {
    const unknownToRedis = this.#opened - told + this.#unseenKeys
    if (opened + unknownToRedis + visitors.length <= this.#limiter.points) return this.#letIn(source, visitors.length)
    const areOpen = await this.#call(() => Promise.all(visitors.map(({ key }) => this.#isOpen(key))))
    const unknown = visitors.filter((_, n) => !areOpen[n])
    if (unknown.length === 0) return undefined
    // They are about to be counted, those that are new.
    if (this.#unseen.size > 0) await this.#gate.wait(Promise.all(this.#unseen))
    this.#tell()
    const { left, wait } = await this.#call(() => take(this.#limiter, source, unknown.length))
    for (const visitor of unknown.slice(Math.max(0, left + unknown.length))) visitor.wait = wait
    return undefined
  }

  #letIn(source: string, keys: number): Entry {
    let end = () => {}
    const ended = new Promise<void>((resolve) => {
      end = resolve
    })
    this.#unseen.add(ended)
    this.#unseenKeys += keys
    return {
      count: (opened) => {
        if (opened > 0) this.#count(source, opened)
      },
      end: () => {
        this.#unseen.delete(ended)
        this.#unseenKeys -= keys
        end()
      },
    }
  }

  #count(source: string, opened: number): void {
    if (this.#untold.size === 0) queueMicrotask(() => this.#tell())
    this.#untold.set(source, (this.#untold.get(source) ?? 0) + opened)
    this.#opened += opened
  }

  #tell(): void {
    for (const [source, opened] of this.#untold) {
      // The messages are stored: it is too late to fail.
      this.#limiter.penalty(source, opened).catch(() => {})
      this.#told += opened
    }
    this.#untold.clear()
  }

  async #isOpen(key: string): Promise<boolean> {
    try {
      return (await this.#queue.peek(key, 1)).size > 0
    } catch (error) {
      // A key that cannot be is for the store to refuse, and data that nobody can read is there.
      if (error instanceof RapidfireError && (error.code === 'BAD_KEY' || error.code === 'BAD_DATA')) return true
      throw error
    }
  }
}
