import type { Batch } from './batch.ts'
import { RapidfireError } from './errors.ts'
import type { RapidFire } from './rapidfire.ts'

/** What a handler gets besides its batch. */
export interface HandlerContext {
  /** Aborts when the lease is lost: another worker may hold the batch by then, and what this handler returns no longer counts. */
  readonly signal: AbortSignal
}

/**
 * Handles one batch. Resolving completes it; throwing gives it back for a later attempt. A batch may be handed over more than once,
 * so what a handler does should bear being done again; `batch.id` is the same each time.
 */
export type Handler<T> = (batch: Batch<T>, context: HandlerContext) => unknown

export interface ProcessorOptions {
  /** Handlers that run at once, 1 to 1000. @default 10 */
  concurrency?: number
  /** How long a crashed process keeps its batches from the others, ms, 1 to a day; kept up while a handler runs. @default 30000 */
  lease?: number
  /** A batch that fails in this attempt is dead, 1 to 1000. @default 5 */
  attempts?: number
  /** Pause before the next attempt, whole ms from 0 to a year, given the attempt that failed. @default exponentialBackoff() */
  backoff?: (attempt: number) => number
}

/** What became of a claimed batch. */
export type Outcome = 'completed' | 'retry' | 'dead' | 'lost'

/**
 * Doubles with each attempt, and leaves half of the pause to chance, so that batches that failed together do not come back together.
 *
 * @param base pause after the first attempt, ms, 1000 by default
 * @param max longest pause, ms, 60000 by default
 * @example await rapidfire.processPendingBatches(handler, { backoff: exponentialBackoff(5000, 300_000) })
 */
export function exponentialBackoff(base = 1000, max = 60_000): (attempt: number) => number {
  return (attempt) => {
    const pause = Math.min(base * 2 ** (attempt - 1), max)
    return Math.round(pause / 2 + (Math.random() * pause) / 2)
  }
}

class Run implements HandlerContext {
  #controller: AbortController | undefined

  // Made only for the handlers that look at it: most never do.
  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    return this.#controller.signal
  }

  abort(reason: Error): void {
    this.#controller ??= new AbortController()
    this.#controller.abort(reason)
  }
}

/** The calls of a client that a processor makes. */
type Source<T> = Pick<RapidFire<T>, 'claimReady' | 'complete' | 'fail' | 'extend'>

/** What a processor reports to its owner. */
export interface ProcessorHooks<T> {
  /** What became of a batch; `error` is what the handler threw. */
  settled(outcome: Outcome, batch: Batch<T>, error: unknown): void
  /** No batch is due until `next`, ms in Redis time; 0 when nothing is pending. Claiming rests until `wake`. */
  idle(now: number, next: number): void
  /** A claim or the end of a batch could not be told to Redis. Claiming rests until `wake`. */
  failed(error: unknown): void
}

/**
 * Claims batches for its free slots, runs the handler on each, keeps their leases, and completes or fails them. Up to two claims are
 * under way at once, each for half of the slots, so that Redis works while the handlers do.
 */
export class Processor<T> {
  readonly #rapidfire: Source<T>
  readonly #handler: Handler<T>
  readonly #hooks: ProcessorHooks<T>
  readonly #concurrency: number
  readonly #lease: number
  readonly #attempts: number
  readonly #backoff: (attempt: number) => number
  readonly #running = new Map<Batch<T>, Run>()
  #heartbeat: NodeJS.Timeout | undefined
  #claiming = true
  /** Batches that may still be claimed, and the Redis time that they must have been due at: `drain` sets both. */
  #left = Number.POSITIVE_INFINITY
  #before: number | undefined
  /** Slots that a claim under way may fill. */
  #reserved = 0
  #claims = 0
  #settling = 0
  #pumping = false
  #whenQuiet: (() => void) | undefined

  /** @throws RapidfireError `BAD_OPTION` */
  constructor(rapidfire: Source<T>, handler: Handler<T>, options: ProcessorOptions, hooks: ProcessorHooks<T>) {
    if (typeof handler !== 'function') throw new RapidfireError('BAD_OPTION', `the handler must be a function, got ${typeof handler}`)
    this.#rapidfire = rapidfire
    this.#handler = handler
    this.#hooks = hooks
    this.#concurrency = whole('concurrency', options.concurrency ?? 10, 1000)
    this.#lease = whole('lease', options.lease ?? 30_000, 86_400_000)
    this.#attempts = whole('attempts', options.attempts ?? 5, 1000)
    this.#backoff = options.backoff ?? exponentialBackoff()
    if (typeof this.#backoff !== 'function')
      throw new RapidfireError('BAD_OPTION', `backoff must be a function, got ${typeof this.#backoff}`)
  }

  /** Claims again after `idle` or `failed`. */
  wake(): void {
    this.#claiming = true
    this.#pump()
  }

  /** Claims no more; resolves when what runs has ended. */
  async stop(): Promise<void> {
    this.#claiming = false
    this.#left = 0
    if (this.#claims + this.#running.size + this.#settling > 0) await new Promise<void>((resolve) => (this.#whenQuiet = resolve))
  }

  /** Handles what is due now, at most `limit` batches. `before` is the Redis time of its first claim. */
  async drain(limit = Number.MAX_SAFE_INTEGER): Promise<void> {
    this.#left = whole('limit', limit, Number.MAX_SAFE_INTEGER)
    this.#before = 0
    await new Promise<void>((resolve) => {
      this.#whenQuiet = resolve
      this.#pump()
    })
  }

  #pump(): void {
    const lane = Math.ceil(this.#concurrency / 2)
    while (this.#claiming && this.#claims < 2) {
      const limit = Math.min(lane, this.#concurrency - this.#running.size - this.#reserved, this.#left)
      if (limit < 1) break
      this.#claim(limit)
    }
    if (this.#whenQuiet && this.#claims + this.#running.size + this.#settling === 0) this.#whenQuiet()
  }

  /** Pumps once all handlers that end in this tick have freed their slots. */
  #pumpSoon(): void {
    if (this.#pumping) return
    this.#pumping = true
    process.nextTick(() => {
      this.#pumping = false
      this.#pump()
    })
  }

  async #claim(limit: number): Promise<void> {
    this.#claims += 1
    this.#reserved += limit
    this.#left -= limit
    try {
      const { now, next, batches } = await this.#rapidfire.claimReady({
        limit,
        lease: this.#lease,
        attempts: this.#attempts,
        before: this.#before || undefined,
      })
      if (this.#before === 0) this.#before = now
      this.#left += limit - batches.length
      if (next === 0 || next > (this.#before ?? now)) {
        this.#claiming = false
        this.#hooks.idle(now, next)
      }
      for (const batch of batches) this.#handle(batch)
    } catch (error) {
      this.#claiming = false
      if (this.#before !== undefined) this.#left = 0
      this.#hooks.failed(error)
    }
    this.#claims -= 1
    this.#reserved -= limit
    this.#pump()
  }

  async #handle(batch: Batch<T>): Promise<void> {
    const run = new Run()
    this.#running.set(batch, run)
    this.#heartbeat ??= setInterval(() => this.#extend(), this.#lease / 3)
    let failure: unknown
    let end: Promise<Outcome>
    try {
      await this.#handler(batch, run)
      end = this.#rapidfire.complete(batch)
    } catch (error) {
      failure = error
      end = this.#giveBack(batch, error)
    }
    this.#settling += 1
    this.#running.delete(batch)
    if (this.#running.size === 0) {
      clearInterval(this.#heartbeat)
      this.#heartbeat = undefined
    }
    this.#pumpSoon()
    try {
      this.#hooks.settled(await end, batch, failure)
      // What is left of its key may have been due as well.
      if (this.#before !== undefined) this.#claiming = true
    } catch (error) {
      this.#hooks.failed(error)
    }
    this.#settling -= 1
    this.#pumpSoon()
  }

  // Asynchronous, so that what `backoff` throws is reported like what Redis refuses.
  async #giveBack(batch: Batch<T>, error: unknown): Promise<Outcome> {
    return this.#rapidfire.fail(batch, { error, delay: this.#backoff(batch.attempt), attempts: this.#attempts })
  }

  async #extend(): Promise<void> {
    const batches = [...this.#running.keys()]
    // When Redis cannot be reached the next beat tries again; a lease that runs out meanwhile is found lost then.
    const results = await this.#rapidfire.extend(batches, this.#lease).catch(() => [])
    results.forEach((result, n) => {
      const batch = batches[n] as Batch<T>
      if (result.status === 'lost') this.#running.get(batch)?.abort(new Error(`the lease of batch ${batch.id} is lost`))
    })
  }
}

function whole(name: string, value: number, most: number): number {
  if (Number.isInteger(value) && value >= 1 && value <= most) return value
  throw new RapidfireError('BAD_OPTION', `${name} must be an integer from 1 to ${most}, got ${String(value)}`)
}
