import { inspect } from 'node:util'
import type { Batch } from './batch.ts'
import { RapidfireError } from './errors.ts'
import { Discard, PartialFailure, RetryLater } from './outcomes.ts'
import type { RapidFire } from './rapidfire.ts'

/** Where a handler's `log` goes; a pino logger is one. */
export interface Logger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** What a handler gets besides its batch. */
export interface HandlerContext {
  /**
   * Aborts when this attempt no longer counts: the lease is lost and another worker may hold the batch, `timeout` has passed, or the worker
   * closes and waits no longer.
   */
  readonly signal: AbortSignal
  /**
   * Lengthens the lease to `ms` from now at once (`lease` by default); it is kept up while the handler runs anyway.
   * Before a side effect it tells whether this attempt still counts, and how many messages have arrived behind the batch.
   */
  extend(ms?: number): Promise<{ status: 'extended' | 'lost'; queued: number }>
  /** The worker's logger. */
  readonly log: Logger
}

/**
 * Handles one batch. Resolving completes it; throwing gives it back for a later attempt: see `Discard`, `RetryLater` and `PartialFailure`.
 * A batch may be handed over more than once, so what a handler does should bear being done again; `batch.id` is the same each time.
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
  /** A handler that runs longer than this has failed, ms. @default none */
  timeout?: number
  /** @default nothing is logged */
  logger?: Logger
}

/** What became of a claimed batch. */
export type Outcome = 'completed' | 'retry' | 'dead' | 'lost'

/**
 * Doubles with each attempt, and leaves half of the pause to chance, so that batches that failed together do not come back together
 * ("equal jitter" in Marc Brooker's "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
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

/** One attempt at a batch, as its handler sees it. */
class Run implements HandlerContext {
  readonly log: Logger
  readonly #extend: (ms?: number) => Promise<{ status: 'extended' | 'lost'; queued: number }>
  #controller: AbortController | undefined

  constructor(log: Logger, extend: Run['extend']) {
    this.log = log
    this.#extend = extend
  }

  // Made only for the handlers that look at it: most never do.
  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    return this.#controller.signal
  }

  extend(ms?: number) {
    return this.#extend(ms)
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
  /**
   * A claim was answered, at `now` in Redis time. When `resting`, nothing is due until `next` (0: nothing is pending) and claiming rests
   * until `wake`.
   */
  claimed(now: number, next: number, resting: boolean): void
  /** A claim or the end of a batch could not be told to Redis. After a claim, claiming rests until `wake`. */
  failed(error: unknown, what: 'claim' | 'end'): void
  /** The worker in whose name batches are claimed. */
  worker?(): { worker: string; echo: boolean }
}

const QUIET: Logger = { debug() {}, info() {}, warn() {}, error() {} }

/** Pause between two tries to tell Redis the end of a batch, ms. */
const SETTLE_PAUSE = 500

/**
 * Claims batches for its free slots, runs the handler on each, keeps their leases, and completes or fails them. While more is due than
 * one claim takes, two are under way at once, each for half of the slots, so that Redis works while the handlers do.
 */
export class Processor<T> {
  readonly #rapidfire: Source<T>
  readonly #handler: Handler<T>
  readonly #hooks: ProcessorHooks<T>
  readonly #concurrency: number
  readonly #lease: number
  readonly #attempts: number
  readonly #backoff: (attempt: number) => number
  readonly #timeout: number | undefined
  readonly #logger: Logger
  readonly #running = new Map<Batch<T>, Run>()
  #heartbeat: NodeJS.Timeout | undefined
  #claiming = true
  /** Whether the last claim got all that it asked for. */
  #busy = false
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
    this.#concurrency = whole('concurrency', options.concurrency ?? 10, 1, 1000)
    this.#lease = whole('lease', options.lease ?? 30_000, 1, 86_400_000)
    this.#attempts = whole('attempts', options.attempts ?? 5, 1, 1000)
    this.#timeout = options.timeout === undefined ? undefined : whole('timeout', options.timeout, 1, 86_400_000)
    this.#backoff = options.backoff ?? exponentialBackoff()
    if (typeof this.#backoff !== 'function')
      throw new RapidfireError('BAD_OPTION', `backoff must be a function, got ${typeof this.#backoff}`)
    this.#logger = options.logger ?? QUIET
  }

  /** Handlers that run now. */
  get running(): number {
    return this.#running.size
  }

  /** Claims again after resting, `failed` or `rest`. */
  wake(): void {
    this.#claiming = true
    this.#pump()
  }

  /** Claims no more until `wake`; what runs goes on. */
  rest(): void {
    this.#claiming = false
  }

  /** Claims no more; resolves when what runs has ended. */
  async stop(): Promise<void> {
    this.#claiming = false
    this.#left = 0
    if (!this.#quiet) await new Promise<void>((resolve) => (this.#whenQuiet = resolve))
  }

  /** Gives back what runs, at once claimable by others; the handlers' signals abort, and what they return no longer counts. */
  async release(): Promise<void> {
    const batches = [...this.#running]
    this.#forget(batches.map(([batch]) => batch))
    await Promise.all(
      batches.map(async ([batch, run]) => {
        run.abort(new Error('the worker closes'))
        // So many attempts are never used up: closing is no failure of the batch.
        const outcome = await this.#rapidfire.fail(batch, { delay: 0, attempts: 1000, error: 'the worker closed' }).catch(() => undefined)
        if (outcome) this.#hooks.settled(outcome, batch, new Error('the worker closed'))
      }),
    )
    this.#pump()
  }

  /** Handles what is due now, at most `limit` batches. `before` is the Redis time of its first claim. */
  async drain(limit = Number.MAX_SAFE_INTEGER): Promise<void> {
    this.#left = whole('limit', limit, 1, Number.MAX_SAFE_INTEGER)
    this.#before = 0
    await new Promise<void>((resolve) => {
      this.#whenQuiet = resolve
      this.#pump()
    })
  }

  get #quiet(): boolean {
    return this.#claims + this.#running.size + this.#settling === 0
  }

  #pump(): void {
    const lane = Math.ceil(this.#concurrency / 2)
    while (this.#claiming && this.#claims < (this.#busy ? 2 : 1)) {
      const limit = Math.min(lane, this.#concurrency - this.#running.size - this.#reserved, this.#left)
      if (limit < 1) break
      this.#claim(limit)
    }
    if (this.#whenQuiet && this.#quiet) this.#whenQuiet()
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
        ...this.#hooks.worker?.(),
      })
      if (this.#before === 0) this.#before = now
      this.#left += limit - batches.length
      this.#busy = batches.length === limit
      for (const batch of batches) this.#handle(batch)
      const resting = !this.#busy && (next === 0 || next > (this.#before ?? now))
      if (resting) this.#claiming = false
      this.#hooks.claimed(now, next, resting)
    } catch (error) {
      this.#claiming = false
      if (this.#before !== undefined) this.#left = 0
      this.#hooks.failed(error, 'claim')
    }
    this.#claims -= 1
    this.#reserved -= limit
    this.#pump()
  }

  async #handle(batch: Batch<T>): Promise<void> {
    const run = new Run(
      this.#logger,
      async (ms = this.#lease) => (await this.#rapidfire.extend([batch], ms))[0] as { status: 'extended' | 'lost'; queued: number },
    )
    this.#running.set(batch, run)
    this.#heartbeat ??= setInterval(() => this.#extend(), this.#lease / 3)
    let failure: { error: unknown } | undefined
    try {
      if (this.#timeout === undefined) await this.#handler(batch, run)
      else await this.#timed(batch, run, this.#timeout)
    } catch (error) {
      failure = { error }
    }
    // Given back meanwhile.
    if (!this.#running.has(batch)) return
    this.#settling += 1
    this.#forget([batch])
    this.#pumpSoon()
    await this.#settle(batch, failure)
    // What is left of its key may have been due as well.
    if (this.#before !== undefined) this.#claiming = true
    this.#settling -= 1
    this.#pumpSoon()
  }

  #timed(batch: Batch<T>, run: Run, timeout: number): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        const error = new Error(`the handler took longer than ${timeout} ms`)
        run.abort(error)
        reject(error)
      }, timeout)
      Promise.resolve(this.#call(batch, run))
        .then(resolve, reject)
        .finally(() => clearTimeout(timer))
    })
  }

  // A handler that throws before its first await rejects like any other.
  async #call(batch: Batch<T>, run: Run): Promise<unknown> {
    return this.#handler(batch, run)
  }

  #forget(batches: Batch<T>[]): void {
    for (const batch of batches) this.#running.delete(batch)
    if (this.#running.size > 0) return
    clearInterval(this.#heartbeat)
    this.#heartbeat = undefined
  }

  /** Tells Redis the end of a batch; while Redis cannot be reached it tries again until the lease may have run out. */
  async #settle(batch: Batch<T>, failure: { error: unknown } | undefined): Promise<void> {
    const error = failure?.error
    const end = async (): Promise<Outcome> => {
      if (!failure || error instanceof Discard) return this.#rapidfire.complete(batch)
      return this.#rapidfire.fail(batch, {
        error: error instanceof Error || typeof error === 'string' ? error : `the handler threw ${inspect(error)}`,
        attempts: this.#attempts,
        delay: error instanceof RetryLater ? error.pause : this.#backoff(batch.attempt),
        ...(error instanceof PartialFailure ? { messages: error.messages } : {}),
      })
    }
    for (const until = Date.now() + this.#lease; ; ) {
      try {
        this.#hooks.settled(await end(), batch, error)
        return
      } catch (problem) {
        this.#hooks.failed(problem, 'end')
        const gone = problem instanceof RapidfireError && problem.code === 'UNAVAILABLE'
        if (!gone || Date.now() + SETTLE_PAUSE > until) return
      }
      await new Promise((resolve) => setTimeout(resolve, SETTLE_PAUSE))
    }
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

function whole(name: string, value: number, least: number, most: number): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value
  throw new RapidfireError('BAD_OPTION', `${name} must be an integer from ${least} to ${most}, got ${String(value)}`)
}
