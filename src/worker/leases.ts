import type { Batch } from '../batches/batch.ts'
import type { BatchClient } from './client.ts'
import type { HandlerContext, Logger } from './handler.ts'

/** How long a process that has slept past the end of a lease waits for Redis to say whose the batch is, ms at most. */
const GRACE = 1000

/** One attempt at a batch, as its handler sees it. */
export class Attempt<T> implements HandlerContext {
  readonly batch: Batch<T>
  /** Where the batch is. */
  readonly root: string
  readonly log: Logger
  // A property, since handlers take it out of their context.
  readonly extend: HandlerContext['extend']
  /** Until when the lease is held for certain, by `performance.now`. */
  heldUntil: number
  /** Where it stands among those that run; -1 when it has ended. */
  place = -1
  /** Whether the lease is watched: not any more when the signal has aborted for it. */
  watched = true
  /** Whether another claim has the batch. */
  lost = false
  #controller: AbortController | undefined

  constructor(batch: Batch<T>, root: string, log: Logger, heldUntil: number, extend: (attempt: Attempt<T>, ms?: number) => Extension) {
    this.batch = batch
    this.root = root
    this.log = log
    this.heldUntil = heldUntil
    this.extend = (ms) => extend(this, ms)
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

type Extension = ReturnType<HandlerContext['extend']>

/** What is known of the heartbeats of one root; times by `performance.now`. */
interface Pulse {
  /** Beats that have not been answered yet. */
  underway: number
  /** The first beat since the last one that was answered; infinite when there is none. */
  silentSince: number
}

/**
 * The batches that are being handled. Their leases are kept up by a heartbeat, of each root by itself, and the signal of one whose lease is
 * lost, or has come to its end without an answer, aborts.
 */
export class Leases<T> {
  readonly #rapidfire: BatchClient<T>
  readonly #lease: number
  readonly #logger: Logger
  readonly #extended: (root: string, error: unknown) => void
  /** In no order. An array and no map, for the reason that Calls counts. */
  readonly #attempts: Attempt<T>[] = []
  readonly #pulses = new Map<string, Pulse>()
  #heartbeat: NodeJS.Timeout | undefined
  /** When the heart has beaten last, by `performance.now`. */
  #beat = 0
  /** Fires when the earliest of the leases ends, or before. */
  #alarm: NodeJS.Timeout | undefined
  #alarmAt = Number.POSITIVE_INFINITY

  /** @param extended told after each beat of a root; `error` when Redis did not answer it */
  constructor(rapidfire: BatchClient<T>, lease: number, logger: Logger, extended: (root: string, error: unknown) => void) {
    this.#rapidfire = rapidfire
    this.#lease = lease
    this.#logger = logger
    this.#extended = extended
  }

  get size(): number {
    return this.#attempts.length
  }

  /** @param heldUntil until when the lease of the batch is held for certain, by `performance.now` */
  add(batch: Batch<T>, root: string, heldUntil: number): Attempt<T> {
    const attempt = new Attempt(batch, root, this.#logger, heldUntil, this.#extendOne)
    attempt.place = this.#attempts.push(attempt) - 1
    // It has just been claimed there.
    const pulse = this.#pulses.get(root)
    if (pulse) pulse.silentSince = Number.POSITIVE_INFINITY
    if (!this.#heartbeat) {
      this.#beat = heldUntil - this.#lease
      this.#heartbeat = setInterval(() => this.beat(false), this.#lease / 3)
    }
    this.#watch(heldUntil)
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
      clearTimeout(this.#alarm)
      this.#alarmAt = Number.POSITIVE_INFINITY
    }
    return true
  }

  /** Ends all attempts, and returns them. */
  abortAll(reason: Error): Attempt<T>[] {
    const attempts = [...this.#attempts]
    for (const attempt of attempts) this.delete(attempt)
    for (const attempt of attempts) attempt.abort(reason)
    return attempts
  }

  /** Beats at once when the last beat is long ago: the event loop was blocked, or the process was stopped. */
  catchUp(): void {
    if (this.#heartbeat && performance.now() - this.#beat > this.#lease / 2) this.beat()
  }

  /** @param urgent also where the beat before has not been answered yet */
  beat(urgent = true): void {
    this.#beat = performance.now()
    const roots = new Map<string, Attempt<T>[]>()
    for (const attempt of this.#attempts) {
      if (attempt.lost) continue
      const some = roots.get(attempt.root)
      if (some) some.push(attempt)
      else roots.set(attempt.root, [attempt])
    }
    // Each root by itself: one that does not answer must not keep the others from being heard.
    for (const [root, attempts] of roots) if (urgent || this.#pulse(root).underway === 0) this.#extend(root, attempts)
  }

  #pulse(root: string): Pulse {
    let pulse = this.#pulses.get(root)
    if (!pulse) {
      pulse = { underway: 0, silentSince: Number.POSITIVE_INFINITY }
      this.#pulses.set(root, pulse)
    }
    return pulse
  }

  async #extend(root: string, attempts: Attempt<T>[]): Promise<void> {
    const pulse = this.#pulse(root)
    const asked = performance.now()
    pulse.underway += 1
    pulse.silentSince = Math.min(pulse.silentSince, asked)
    let failure: unknown
    try {
      const results = await this.#rapidfire.extend(
        attempts.map(({ batch }) => batch),
        this.#lease,
      )
      pulse.silentSince = Number.POSITIVE_INFINITY
      attempts.forEach((attempt, n) => {
        if (results[n]?.status === 'extended') attempt.heldUntil = Math.max(attempt.heldUntil, asked + this.#lease)
        else this.#lose(attempt)
      })
    } catch (error) {
      // The next beat tries again.
      failure = error
    }
    pulse.underway -= 1
    this.#extended(root, failure)
    // An answer that was long on its way, or was read late, has left little of the lease.
    if (failure === undefined && pulse.underway === 0 && performance.now() - asked > this.#lease / 2) {
      const left = attempts.filter(({ place, lost }) => place !== -1 && !lost)
      if (left.length > 0) this.#extend(root, left)
    }
  }

  #extendOne = async (attempt: Attempt<T>, ms = this.#lease): Extension => {
    const asked = performance.now()
    const [result] = await this.#rapidfire.extend([attempt.batch], ms)
    if (result?.status === 'extended') attempt.heldUntil = Math.max(attempt.heldUntil, asked + ms)
    else this.#lose(attempt)
    return result as Awaited<Extension>
  }

  #lose(attempt: Attempt<T>): void {
    attempt.lost = true
    this.#abort(attempt, 'is lost')
  }

  #abort(attempt: Attempt<T>, what: string): void {
    attempt.watched = false
    if (attempt.place !== -1) attempt.abort(new Error(`the lease of batch ${attempt.batch.id} ${what}`))
  }

  /** Looks at the leases again at this time, by `performance.now`, or before. */
  #watch(time: number): void {
    if (time >= this.#alarmAt) return
    clearTimeout(this.#alarm)
    this.#alarmAt = time
    this.#alarm = setTimeout(() => this.#ended(), Math.max(0, Math.ceil(time - performance.now())))
  }

  /** Aborts the attempts whose leases have come to their end, and waits for the next end. */
  #ended(): void {
    const now = performance.now()
    const grace = Math.min(this.#lease / 4, GRACE)
    let next = Number.POSITIVE_INFINITY
    let slept = false
    // The attempts change while signals abort.
    for (const attempt of [...this.#attempts]) {
      if (!attempt.watched) continue
      let end = attempt.heldUntil
      // Nobody was asked before it ended: the process has slept. Redis may say that the batch is still ours, and is asked now.
      if (end <= now && this.#pulse(attempt.root).silentSince >= end) {
        if (this.#pulse(attempt.root).underway === 0) slept = true
        end = Math.min(this.#pulse(attempt.root).silentSince, now) + grace
      }
      if (end <= now) this.#abort(attempt, 'may have run out, for Redis does not answer')
      else next = Math.min(next, end)
    }
    this.#alarmAt = Number.POSITIVE_INFINITY
    if (slept) this.beat()
    if (next < Number.POSITIVE_INFINITY) this.#watch(next)
  }
}
