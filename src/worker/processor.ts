import { inspect } from 'node:util'
import type { Batch } from '../batches/batch.ts'
import type { FailOptions } from '../batches/claims.ts'
import { Discard, PartialFailure, RetryLater } from '../batches/outcomes.ts'
import { RapidfireError } from '../errors.ts'
import type { Watching } from '../protocol/arguments.ts'
import { OPTIONS } from '../redis/generated/limits.ts'
import type { BatchClient } from './client.ts'
import { exponentialBackoff, type Handler, type Logger, type Outcome, type ProcessorOptions } from './handler.ts'
import type { Lane } from './lane.ts'
import { type Attempt, Leases } from './leases.ts'
import { TIMING, type Timing } from './timing.ts'

/** What a processor reports to its owner. */
export interface ProcessorHooks<T> {
  /** What became of a batch; `error` is what the handler threw. */
  settled(outcome: Outcome, batch: Batch<T>, error: unknown): void
  /**
   * A claim that was asked for at `asked`, by `performance.now`, was answered at `now` in Redis time. When the lane is not awake any more,
   * nothing is due there until `next` (0: nothing is pending) and it rests until `wake`.
   */
  claimed(lane: Lane, now: number, next: number): void
  /** A claim has not been answered for long. */
  silent?(lane: Lane): void
  /** A claim has failed: its lane rests until `wake`. */
  refused(lane: Lane, error: unknown): void
  /** Something else has failed that `root` was told or asked for: the end of a batch, or whether it is still ours. */
  failed(error: unknown, root: string): void
  /** The leases of a root were kept up, or could not be. */
  extended?(root: string, error: unknown): void
  /** The worker in whose name batches are claimed. */
  watching?(lane: Lane): Watching
}

const QUIET: Logger = { debug() {}, info() {}, warn() {}, error() {} }

/** So often Redis is asked in a row whether a claim that was answered late still holds. */
const RENEWALS = 3

/** A claim takes so many times as long as the quickest one, and more, before its lane counts as silent. */
const SLOW = 10

/**
 * Claims batches for its free slots, runs the handler on each, keeps their leases, and completes or fails them. Lanes take turns, so that
 * a flooded one does not starve the others. While more is due than one claim takes, two are under way at once, each for half of the slots, so
 * that Redis works while the handlers do.
 */
export class Processor<T> {
  readonly #rapidfire: BatchClient<T>
  readonly #handler: Handler<T>
  readonly #hooks: ProcessorHooks<T>
  readonly #concurrency: number
  readonly #lease: number
  readonly #attempts: number
  readonly #backoff: (attempt: number) => number
  readonly #timeout: number | undefined
  readonly #timing: Timing
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
  /** Slots kept for claims under way, and for what they have brought and does not run yet. */
  #reserved = 0
  #claims = 0
  /** Batches whose end is being told to Redis, and claims of which is being asked whether they still hold. */
  #settling = 0
  #pumping = false
  #whenQuiet: (() => void) | undefined

  /** @throws RapidfireError `BAD_OPTION` */
  constructor(rapidfire: BatchClient<T>, handler: Handler<T>, options: ProcessorOptions, hooks: ProcessorHooks<T>) {
    if (typeof handler !== 'function') throw new RapidfireError('BAD_OPTION', `the handler must be a function, got ${typeof handler}`)
    this.#rapidfire = rapidfire
    this.#handler = handler
    this.#hooks = hooks
    const { lease, attempts } = OPTIONS
    this.#concurrency = whole('concurrency', options.concurrency ?? 10, 1, OPTIONS.claimed.most)
    this.#lease = whole('lease', options.lease ?? lease.default, lease.least, lease.most)
    this.#attempts = whole('attempts', options.attempts ?? attempts.default, attempts.least, attempts.most)
    this.#timeout = options.timeout === undefined ? undefined : whole('timeout', options.timeout, 1, 86_400_000)
    this.#backoff = options.backoff ?? exponentialBackoff()
    if (typeof this.#backoff !== 'function')
      throw new RapidfireError('BAD_OPTION', `backoff must be a function, got ${typeof this.#backoff}`)
    this.#timing = { ...TIMING, ...options.timing }
    this.#running = new Leases(rapidfire, this.#lease, options.logger ?? QUIET, (root, error) => hooks.extended?.(root, error))
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
    const attempts = this.#running.abortAll(new Error('the worker closes'))
    await Promise.all(attempts.map(({ batch, root }) => this.#giveBack(batch, root, true)))
  }

  /** Asks at once whether what runs is still ours: a new connection may lead to a server that does not know of it. */
  beat(): void {
    this.#running.beat()
  }

  /** Handles what is due now, at most `limit` batches. */
  async drain(limit: number): Promise<void> {
    this.#left = limit
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

  /** Slots that may be filled. */
  get #room(): number {
    return Math.max(0, Math.min(this.#concurrency - this.#running.size - this.#reserved, this.#left))
  }

  #pump(): void {
    const half = Math.ceil(this.#concurrency / 2)
    while (this.#claiming) {
      const limit = Math.min(half, this.#room)
      const lane = limit < 1 ? undefined : this.#nextLane()
      if (!lane) break
      this.#claim(lane, lane.silent ? 1 : limit)
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
    // Slots are kept for what may come. A lane that says nothing must not keep them from the others: what it brings all the same, and finds no
    // slot, is given back.
    let kept = lane.silent ? 0 : limit
    this.#keep(kept)
    const waiting =
      kept === 0
        ? undefined
        : setTimeout(
            () => {
              lane.silent = true
              lane.busy = false
              this.#keep(-kept)
              kept = 0
              this.#hooks.silent?.(lane)
              this.#pump()
            },
            Math.max(this.#timing.silent, SLOW * lane.trip),
          )
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
        watching: this.#hooks.watching?.(lane),
        drain: lane.draining,
      })
      clearTimeout(waiting)
      lane.compareClocks(now, asked, performance.now())
      if (lane.before === 0) lane.before = now
      lane.silent = false
      lane.busy = batches.length === limit
      this.#keep(-kept)
      const room = this.#released ? 0 : this.#room
      this.#take(lane, batches.slice(0, room), asked + this.#lease)
      for (const batch of batches.slice(room)) this.#giveBack(batch, lane.root, false)
      lane.awake = lane.busy || batches.length > room || (next !== 0 && next <= (lane.before ?? now))
      this.#hooks.claimed(lane, now, next)
    } catch (error) {
      clearTimeout(waiting)
      this.#keep(-kept)
      lane.awake = false
      lane.silent = true
      lane.busy = false
      this.#hooks.refused(lane, error)
    }
    this.#claims -= 1
    lane.claims -= 1
    this.#pump()
  }

  /** Keeps slots for a claim, or no longer. */
  #keep(slots: number): void {
    this.#reserved += slots
    this.#left -= slots
  }

  /**
   * Starts the handlers of what was claimed. When the answer was long on its way, or the handlers before have blocked the event loop, Redis is
   * asked first whether the batches are still ours; those that are not are left to whoever has them.
   */
  async #take(lane: Lane, batches: Batch<T>[], until: number): Promise<void> {
    this.#keep(batches.length)
    let [rest, heldUntil, least, renewals] = [batches, until, this.#lease / 2, 0]
    for (let n = 0; n < rest.length; ) {
      const left = heldUntil - performance.now()
      if (this.#released) {
        this.#leave(lane, rest.slice(n))
        return
      }
      if (left > 0 && left >= least) {
        this.#reserved -= 1
        this.#handle(lane, rest[n++] as Batch<T>, heldUntil)
        continue
      }
      rest = rest.slice(n)
      n = 0
      this.#settling += 1
      const asked = performance.now()
      try {
        const results = await this.#rapidfire.extend(rest, this.#lease)
        const ours = rest.filter((_, at) => results[at]?.status === 'extended')
        this.#keep(ours.length - rest.length)
        ;[rest, heldUntil] = [ours, asked + this.#lease]
        // A slow way leaves less each time: what is left then has to do.
        least = Math.min(this.#lease, heldUntil - performance.now()) / 2
        renewals = least > 0 ? 0 : renewals + 1
      } catch (error) {
        this.#hooks.failed(error, lane.root)
        least = 0
        renewals += 1
      }
      this.#settling -= 1
      // While something is left of the lease they may be handled; else it has to be known whose they are.
      if (heldUntil < performance.now() && (least === 0 || renewals === RENEWALS)) {
        this.#leave(lane, rest)
        rest = []
      }
      this.#pumpSoon()
    }
  }

  /** Gives back what slots were kept for. */
  #leave(lane: Lane, batches: Batch<T>[]): void {
    this.#keep(-batches.length)
    for (const batch of batches) this.#giveBack(batch, lane.root, false)
  }

  async #handle(lane: Lane, batch: Batch<T>, heldUntil: number): Promise<void> {
    const attempt = this.#running.add(batch, lane.root, heldUntil)
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
    const outcome = await this.#end(lane, batch, failure)
    this.#settling -= 1
    this.#hooks.settled(outcome, batch, failure?.error)
    // What is left of its key may have been due as well; a worker is woken for that.
    if (this.#once && lane.failures === 0) lane.awake = true
    this.#pumpSoon()
  }

  /** Tries again until the lease may have run out: what is not told to Redis is lost to this attempt, and handled once more. */
  async #end(lane: Lane, batch: Batch<T>, failure: { error: unknown } | undefined): Promise<Outcome> {
    const until = performance.now() + this.#lease
    for (let plain = false; ; ) {
      try {
        if (!failure || failure.error instanceof Discard) return await this.#rapidfire.complete(batch)
        return await this.#rapidfire.fail(batch, this.#failOptions(batch, failure.error, plain))
      } catch (problem) {
        this.#hooks.failed(problem, lane.root)
        const code = problem instanceof RapidfireError ? problem.code : 'BAD_ARGUMENT'
        // What was chosen for this failure, a pause or the messages, is not possible: given back without it.
        if (code === 'BAD_ARGUMENT' && failure && !plain) plain = true
        else if (code === 'CLOSED' || this.#released || performance.now() + this.#timing.settlePause > until) return 'lost'
        else await new Promise((resolve) => setTimeout(resolve, this.#timing.settlePause))
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

  /** Gives a batch back that was not handled to its end, and tells the owner so; or (`begun` is false) one that no handler has seen. */
  async #giveBack(batch: Batch<T>, root: string, begun: boolean): Promise<void> {
    const error = new Error(begun || this.#released ? 'the worker closed' : 'the worker had no slot left')
    this.#settling += 1
    try {
      const outcome = await this.#rapidfire.release(batch, { reason: error.message })
      if (begun) this.#hooks.settled(outcome, batch, undefined)
    } catch (problem) {
      this.#hooks.failed(problem, root)
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

export function whole(name: string, value: number, least: number, most: number): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value
  throw new RapidfireError('BAD_OPTION', `${name} must be an integer from ${least} to ${most}, got ${String(value)}`)
}
