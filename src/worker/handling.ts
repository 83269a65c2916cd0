import type { Batch } from '../batches/batch.ts'
import type { Run } from '../events.ts'
import type { Attempt } from './attempt.ts'
import type { BatchClient } from './client.ts'
import type { Endings, Failure } from './endings.ts'
import type { Handler, Outcome } from './handler.ts'
import type { Lane } from './lane.ts'
import type { Leases } from './leases.ts'
import type { Settings } from './settings.ts'
import type { Slots } from './slots.ts'

/** What `Handling` reports. */
export interface HandlingHooks<T> {
  /** What became of a batch that a handler has seen; `error` is what it threw. */
  ended(outcome: Outcome, batch: Batch<T>, error: unknown, run: Run): void
  /** A root could not be told or asked something. */
  failed(error: unknown, root: string): void
  /** The name of the worker, if there is one. */
  readonly worker?: string | undefined
  /** Slots are free again, or nothing is being told any more. */
  freed(): void
}

/** What a claim has brought. */
export interface Claim<T> {
  lane: Lane
  batches: Batch<T>[]
  /** When it was answered, Redis time. */
  now: number
  /** Until when the leases are held for certain, by `performance.now`. */
  heldUntil: number
}

/** So often Redis is asked in a row whether a claim that was answered late still holds. */
const RENEWALS = 3

/** Runs the handler on each batch that was claimed, in a slot and under a lease that is kept, and tells Redis how it has ended. */
export class Handling<T> {
  /** Claims of which is being asked whether they still hold. */
  renewing = 0
  readonly #handler: Handler<T>
  readonly #client: BatchClient<T>
  readonly #settings: Settings
  readonly #slots: Slots
  readonly #leases: Leases<T>
  readonly #endings: Endings<T>
  readonly #hooks: HandlingHooks<T>

  constructor(
    handler: Handler<T>,
    client: BatchClient<T>,
    settings: Settings,
    { slots, leases, endings }: { slots: Slots; leases: Leases<T>; endings: Endings<T> },
    hooks: HandlingHooks<T>,
  ) {
    this.#handler = handler
    this.#client = client
    this.#settings = settings
    this.#slots = slots
    this.#leases = leases
    this.#endings = endings
    this.#hooks = hooks
  }

  /**
   * Starts the handlers of what was claimed, for which slots are free. When the answer was long on its way, or the handlers before have blocked
   * the event loop, Redis is asked first whether the batches are still ours; those that are not are left to whoever has them.
   */
  async begin({ ...claim }: Claim<T>): Promise<void> {
    const { lease } = this.#settings
    this.#slots.reserve(claim.batches.length)
    // So much of the lease must be left.
    let enough = lease / 2
    let unheld = 0
    for (;;) {
      claim.batches = claim.batches.slice(this.#startWhileHeld(claim, enough))
      if (claim.batches.length === 0) return
      if (this.#endings.givenUp) {
        this.#leave(claim)
        return
      }
      const asked = performance.now()
      const ours = await this.#renew(claim)
      if (ours) {
        claim.batches = ours
        claim.heldUntil = asked + lease
        // A slow way leaves less each time: what is left then has to do.
        enough = Math.min(lease, claim.heldUntil - performance.now()) / 2
        unheld = enough > 0 ? 0 : unheld + 1
      } else {
        // While something is left of the lease they may be handled; else it has to be known whose they are.
        enough = 0
        unheld += 1
      }
      if (claim.heldUntil < performance.now() && (!ours || unheld === RENEWALS)) {
        this.#leave(claim)
        claim.batches = []
      }
      this.#hooks.freed()
    }
  }

  /** Gives back what runs, at once claimable by others; the handlers' signals abort, and what they return no longer counts. */
  async giveUp(): Promise<void> {
    this.#endings.givenUp = true
    await Promise.all(
      this.#leases.abortAll(new Error('the worker closes')).map(async ({ batch, root, run }) => {
        this.#slots.vacate()
        const outcome = await this.#endings.giveBack(batch, root, 'the worker closed')
        if (outcome) this.#hooks.ended(outcome, batch, undefined, run)
        this.#hooks.freed()
      }),
    )
  }

  /** Gives back a batch that was claimed, and for which there is no slot any more. */
  async decline(batch: Batch<T>, root: string): Promise<void> {
    await this.#endings.giveBack(batch, root, this.#endings.givenUp ? 'the worker closed' : 'the worker had no slot left')
    this.#hooks.freed()
  }

  /** Starts handlers in turn while at least `enough` ms are left of the lease; how many it has started. */
  #startWhileHeld({ lane, batches, now, heldUntil }: Claim<T>, enough: number): number {
    let started = 0
    // A handler may block the event loop before its first await, and may close the worker.
    for (const batch of batches) {
      const left = heldUntil - performance.now()
      if (this.#endings.givenUp || left <= 0 || left < enough) break
      this.#handle(lane, this.#leases.add({ batch, root: lane.root, heldUntil, lateness: Math.max(0, now - batch.due) }))
      started += 1
    }
    return started
  }

  /** Lengthens the leases of batches that no handler has seen. Those that are still ours; undefined when Redis did not say. */
  async #renew({ lane, batches }: Claim<T>): Promise<Batch<T>[] | undefined> {
    this.renewing += 1
    try {
      const results = await this.#client.extend(batches, this.#settings.lease)
      const ours = batches.filter((_, n) => results[n]?.status === 'extended')
      this.#slots.cancel(batches.length - ours.length)
      return ours
    } catch (error) {
      this.#hooks.failed(error, lane.root)
      return undefined
    } finally {
      this.renewing -= 1
    }
  }

  /** Gives back batches that no handler has seen, with the slots that were reserved for them. */
  #leave({ lane, batches }: Claim<T>): void {
    this.#slots.cancel(batches.length)
    for (const batch of batches) this.decline(batch, lane.root)
  }

  async #handle(lane: Lane, attempt: Attempt<T>): Promise<void> {
    const { timeout } = this.#settings
    const { batch } = attempt
    let failure: Failure | undefined
    let result: unknown
    try {
      result = await (timeout === undefined ? this.#handler(batch, attempt) : this.#handleWithin(timeout, attempt))
    } catch (error) {
      failure = { error }
    }
    const { run } = attempt
    // It was given back meanwhile.
    if (!this.#leases.end(attempt)) return
    this.#slots.vacate()
    // What is left of its key may have been due as well. A worker is woken for that.
    const mayBeLeft = () => {
      if (lane.once && lane.failures === 0) lane.mayBeDue = true
    }
    // A claim that is made from now on comes behind the end of the batch.
    const { looks } = lane
    mayBeLeft()
    this.#hooks.freed()
    await this.#endings.tell(batch, lane.root, { failure, result, worker: this.#hooks.worker }, (outcome) =>
      this.#hooks.ended(outcome, batch, failure?.error, run),
    )
    if (lane.looks === looks) mayBeLeft()
    this.#hooks.freed()
  }

  #handleWithin(timeout: number, attempt: Attempt<T>): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        const error = new Error(`the handler took longer than ${timeout} ms`)
        attempt.abort(error)
        reject(error)
      }, timeout)
      this.#call(attempt)
        .then(resolve, reject)
        .finally(() => clearTimeout(timer))
    })
  }

  // A handler that throws before its first await rejects like any other.
  async #call(attempt: Attempt<T>): Promise<unknown> {
    return this.#handler(attempt.batch, attempt)
  }
}
