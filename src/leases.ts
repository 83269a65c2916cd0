import type { Batch } from './batch.ts'
import type { HandlerContext, Logger } from './handler.ts'
import type { Source } from './processor.ts'

/** One attempt at a batch, as its handler sees it. */
export class Attempt<T> implements HandlerContext {
  readonly batch: Batch<T>
  readonly log: Logger
  // A property, since handlers take it out of their context.
  readonly extend: HandlerContext['extend']
  /** Until when the lease is held for certain, by `performance.now`. */
  heldUntil: number
  /** Where it stands among those that run; -1 when it has ended. */
  place = -1
  #controller: AbortController | undefined

  constructor(batch: Batch<T>, log: Logger, extend: HandlerContext['extend'], heldUntil: number) {
    this.batch = batch
    this.log = log
    this.extend = extend
    this.heldUntil = heldUntil
  }

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

/** The batches that are being handled. Their leases are kept up by a heartbeat, and the signal of one whose lease is lost aborts. */
export class Leases<T> {
  readonly #rapidfire: Source<T>
  readonly #lease: number
  readonly #logger: Logger
  readonly #extended: (error: unknown) => void
  /** In no order. An array and no map, for the reason that Calls counts. */
  readonly #attempts: Attempt<T>[] = []
  #heartbeat: NodeJS.Timeout | undefined
  /** When the heart has beaten last, by `performance.now`. */
  #beat = 0

  /** @param extended told after each beat; `error` when Redis did not answer it */
  constructor(rapidfire: Source<T>, lease: number, logger: Logger, extended: (error: unknown) => void) {
    this.#rapidfire = rapidfire
    this.#lease = lease
    this.#logger = logger
    this.#extended = extended
  }

  get size(): number {
    return this.#attempts.length
  }

  /** @param asked when the batch was asked for, by `performance.now` */
  add(batch: Batch<T>, asked: number): Attempt<T> {
    const extend: HandlerContext['extend'] = async (ms = this.#lease) =>
      (await this.#rapidfire.extend([batch], ms))[0] as { status: 'extended' | 'lost'; queued: number }
    const attempt = new Attempt(batch, this.#logger, extend, asked + this.#lease)
    attempt.place = this.#attempts.push(attempt) - 1
    if (!this.#heartbeat) {
      this.#beat = asked
      this.#heartbeat = setInterval(() => this.#extend(), this.#lease / 3)
    }
    return attempt
  }

  /** False when it had ended already. */
  delete(attempt: Attempt<T>): boolean {
    if (attempt.place === -1) return false
    const last = this.#attempts.pop() as Attempt<T>
    if (last !== attempt) {
      this.#attempts[attempt.place] = last
      last.place = attempt.place
    }
    attempt.place = -1
    if (this.#attempts.length === 0) {
      clearInterval(this.#heartbeat)
      this.#heartbeat = undefined
    }
    return true
  }

  /** Ends all attempts, and returns their batches. */
  abortAll(reason: Error): Batch<T>[] {
    const attempts = [...this.#attempts]
    for (const attempt of attempts) this.delete(attempt)
    for (const attempt of attempts) attempt.abort(reason)
    return attempts.map(({ batch }) => batch)
  }

  /** Beats at once when the last beat is long ago: the event loop was blocked, or the process was stopped. */
  catchUp(): void {
    if (this.#heartbeat && performance.now() - this.#beat > this.#lease / 2) this.#extend()
  }

  async #extend(): Promise<void> {
    const attempts = [...this.#attempts]
    this.#beat = performance.now()
    const heldUntil = this.#beat + this.#lease
    let failure: unknown
    try {
      const batches = attempts.map(({ batch }) => batch)
      const results = await this.#rapidfire.extend(batches, this.#lease)
      attempts.forEach((attempt, n) => {
        if (results[n]?.status === 'extended') attempt.heldUntil = heldUntil
        else this.#abort(attempt, 'is lost')
      })
    } catch (error) {
      // The next beat tries again.
      failure = error
      for (const attempt of attempts) {
        if (attempt.heldUntil < performance.now()) this.#abort(attempt, 'may have run out, for Redis does not answer')
      }
    }
    this.#extended(failure)
  }

  #abort(attempt: Attempt<T>, what: string): void {
    if (attempt.place !== -1) attempt.abort(new Error(`the lease of batch ${attempt.batch.id} ${what}`))
  }
}
