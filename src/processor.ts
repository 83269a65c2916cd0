import { inspect } from 'node:util'
import type { Batch } from './batch.ts'
import { RapidfireError } from './errors.ts'
import { exponentialBackoff, type Handler, type Logger, type Outcome, type ProcessorOptions } from './handler.ts'
import type { Lane } from './lane.ts'
import { type Attempt, Leases } from './leases.ts'
import type { Claimed, FailOptions, RootClaimOptions, Watching } from './options.ts'
import { Discard, PartialFailure, RetryLater } from './outcomes.ts'
import type { RapidFire } from './rapidfire.ts'

/** The calls of a client that a processor makes. */
export interface Source<T> extends Pick<RapidFire<T>, 'complete' | 'fail' | 'extend' | 'release'> {
  claim(options: RootClaimOptions): Promise<Claimed<T>>
}

/** What a processor reports to its owner. */
export interface ProcessorHooks<T> {
  /** What became of a batch; `error` is what the handler threw. */
  settled(outcome: Outcome, batch: Batch<T>, error: unknown): void
  /**
   * A claim that was asked for at `asked`, by `performance.now`, was answered at `now` in Redis time. When the lane is not awake any more,
   * nothing is due there until `next` (0: nothing is pending) and it rests until `wake`.
   */
  claimed(lane: Lane, now: number, next: number, asked: number): void
  /** A claim has failed, or the end of a batch could not be told to Redis. After a claim, its lane rests until `wake`. */
  failed(error: unknown, lane?: Lane): void
  /** The leases were kept up, or could not be. */
  extended?(error: unknown): void
  /** The worker in whose name batches are claimed. */
  watching?(): Watching
}

const QUIET: Logger = { debug() {}, info() {}, warn() {}, error() {} }

/** Pause between two tries to tell Redis the end of a batch, ms. */
const SETTLE_PAUSE = 500

/**
 * Claims batches for its free slots, runs the handler on each, keeps their leases, and completes or fails them. Lanes take turns, so that
 * a flooded one does not starve the others. While more is due than one claim takes, two are under way at once, each for half of the slots, so
 * that Redis works while the handlers do.
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
  readonly #running: Leases<T>
  #lanes: readonly Lane[] = []
  /** Whose turn it is. */
  #turn = 0
  /** Whether the owner lets it claim. */
  #claiming = true
  #released = false
  /** Whether it only handles what is due now. */
  #once = false
  /** Batches that may still be claimed. */
  #left = Number.POSITIVE_INFINITY
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
    this.#running = new Leases(rapidfire, this.#lease, options.logger ?? QUIET, (error) => hooks.extended?.(error))
  }

  /** Handlers that run now. */
  get running(): number {
    return this.#running.size
  }

  /** Whether nothing runs, and the end of all that ran has been told to Redis. */
  get idle(): boolean {
    return this.#running.size + this.#settling === 0
  }

  /** Where to claim from, from now on. */
  set lanes(lanes: readonly Lane[]) {
    this.#lanes = lanes
  }

  /** Claims again from a lane that has rested, and after `rest`. */
  wake(lane: Lane): void {
    this.#claiming = true
    lane.awake = true
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
    this.#released = true
    await Promise.all(this.#running.abortAll(new Error('the worker closes')).map((batch) => this.#giveBack(batch)))
  }

  /** Handles what is due now, at most `limit` batches. */
  async drain(limit = Number.MAX_SAFE_INTEGER): Promise<void> {
    this.#left = whole('limit', limit, 1, Number.MAX_SAFE_INTEGER)
    this.#once = true
    for (const lane of this.#lanes) lane.before = 0
    await new Promise<void>((resolve) => {
      this.#whenQuiet = resolve
      this.#pump()
    })
  }

  get #quiet(): boolean {
    return this.idle && this.#claims === 0
  }

  #pump(): void {
    const half = Math.ceil(this.#concurrency / 2)
    while (this.#claiming) {
      const limit = Math.min(half, this.#concurrency - this.#running.size - this.#reserved, this.#left)
      const lane = limit < 1 ? undefined : this.#nextLane()
      if (!lane) break
      this.#claim(lane, limit)
    }
    if (this.#whenQuiet && this.#quiet) this.#whenQuiet()
  }

  #nextLane(): Lane | undefined {
    const lanes = this.#lanes
    for (let n = 0; n < lanes.length; n += 1) {
      const lane = lanes[this.#turn++ % lanes.length] as Lane
      if (lane.awake && lane.claims < (lane.busy ? 2 : 1)) return lane
    }
    return undefined
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

  async #claim(lane: Lane, limit: number): Promise<void> {
    this.#claims += 1
    lane.claims += 1
    this.#reserved += limit
    this.#left -= limit
    // After the completions of this tick, and after a heartbeat that is overdue: when the event loop was blocked for longer than a lease,
    // the claim would find what this process has just handled or still handles.
    await new Promise((resolve) => process.nextTick(resolve))
    this.#running.catchUp()
    const asked = performance.now()
    try {
      const { now, next, batches } = await this.#rapidfire.claim({
        root: lane.root,
        limit,
        lease: this.#lease,
        attempts: this.#attempts,
        before: lane.before || undefined,
        watching: this.#hooks.watching?.(),
        drain: lane.draining,
      })
      if (lane.before === 0) lane.before = now
      this.#left += limit - batches.length
      lane.busy = batches.length === limit
      for (const batch of batches) {
        if (this.#released) this.#giveBack(batch)
        else this.#handle(lane, batch, asked)
      }
      lane.awake = lane.busy || (next !== 0 && next <= (lane.before ?? now))
      this.#hooks.claimed(lane, now, next, asked)
    } catch (error) {
      lane.awake = false
      if (this.#once) this.#left = 0
      this.#hooks.failed(error, lane)
    }
    this.#claims -= 1
    lane.claims -= 1
    this.#reserved -= limit
    this.#pump()
  }

  async #handle(lane: Lane, batch: Batch<T>, asked: number): Promise<void> {
    const attempt = this.#running.add(batch, asked)
    let failure: { error: unknown } | undefined
    try {
      if (this.#timeout === undefined) await this.#handler(batch, attempt)
      else await this.#timed(batch, attempt, this.#timeout)
    } catch (error) {
      failure = { error }
    }
    // Given back meanwhile.
    if (!this.#running.delete(attempt)) return
    this.#settle(lane, batch, failure)
    this.#pumpSoon()
  }

  #timed(batch: Batch<T>, attempt: Attempt<T>, timeout: number): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        const error = new Error(`the handler took longer than ${timeout} ms`)
        attempt.abort(error)
        reject(error)
      }, timeout)
      this.#call(batch, attempt)
        .then(resolve, reject)
        .finally(() => clearTimeout(timer))
    })
  }

  // A handler that throws before its first await rejects like any other.
  async #call(batch: Batch<T>, attempt: Attempt<T>): Promise<unknown> {
    return this.#handler(batch, attempt)
  }

  /** Tells Redis the end of a batch, and the owner what became of it. */
  async #settle(lane: Lane, batch: Batch<T>, failure: { error: unknown } | undefined): Promise<void> {
    this.#settling += 1
    const outcome = await this.#end(batch, failure)
    this.#settling -= 1
    if (outcome) this.#hooks.settled(outcome, batch, failure?.error)
    // What is left of its key may have been due as well; a worker is woken for that.
    if (this.#once) lane.awake = true
    this.#pumpSoon()
  }

  /** Tries again until the lease may have run out: what is not told to Redis is handled once more. */
  async #end(batch: Batch<T>, failure: { error: unknown } | undefined): Promise<Outcome | undefined> {
    const until = performance.now() + this.#lease
    for (let plain = false; ; ) {
      try {
        if (!failure || failure.error instanceof Discard) return await this.#rapidfire.complete(batch)
        return await this.#rapidfire.fail(batch, this.#failOptions(batch, failure.error, plain))
      } catch (problem) {
        this.#hooks.failed(problem)
        // What was chosen for this failure, a pause or the messages, is not possible: given back without it.
        const impossible = !(problem instanceof RapidfireError) || problem.code === 'BAD_ARGUMENT'
        if (impossible && failure && !plain) plain = true
        else if (this.#released || performance.now() + SETTLE_PAUSE > until) return undefined
        else await new Promise((resolve) => setTimeout(resolve, SETTLE_PAUSE))
      }
    }
  }

  #failOptions(batch: Batch<T>, error: unknown, plain: boolean): FailOptions<T> {
    const options = { error: textOf(error), attempts: this.#attempts }
    if (plain) return options
    return {
      ...options,
      delay: error instanceof RetryLater ? error.pause : this.#backoff(batch.attempt),
      ...(error instanceof PartialFailure ? { messages: [...new Set(error.messages)] } : {}),
    }
  }

  async #giveBack(batch: Batch<T>): Promise<void> {
    const error = new Error('the worker closed')
    this.#settling += 1
    try {
      const outcome = await this.#rapidfire.release(batch, { reason: error.message })
      if (outcome === 'lost') this.#hooks.settled(outcome, batch, error)
    } catch (problem) {
      this.#hooks.failed(problem)
    }
    this.#settling -= 1
    this.#pumpSoon()
  }
}

/** Anything can be thrown, even what throws when it is looked at. */
function textOf(error: unknown): string {
  try {
    return error instanceof Error ? String(error.message) : `the handler threw ${inspect(error)}`
  } catch {
    return 'the handler threw something that cannot be shown'
  }
}

function whole(name: string, value: number, least: number, most: number): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value
  throw new RapidfireError('BAD_OPTION', `${name} must be an integer from ${least} to ${most}, got ${String(value)}`)
}
