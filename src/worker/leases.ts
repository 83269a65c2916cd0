import { Attempt, type Extension, type Held } from './attempt.ts'
import type { BatchClient } from './client.ts'
import type { Settings } from './settings.ts'

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
  readonly #client: BatchClient<T>
  readonly #settings: Settings
  readonly #lease: number
  readonly #extended: (root: string, error: unknown) => void
  /** In no order. An array and no map, for the reason for which Underway counts. */
  readonly #attempts: Attempt<T>[] = []
  readonly #pulses = new Map<string, Pulse>()
  #heartbeat: NodeJS.Timeout | undefined
  /** When the heart has beaten last, by `performance.now`. */
  #beat = 0
  /** Fires when the earliest of the leases ends, or before. */
  #alarm: NodeJS.Timeout | undefined
  #alarmAt = Number.POSITIVE_INFINITY

  /** @param extended told after each beat of a root; `error` when Redis did not answer it */
  constructor(client: BatchClient<T>, settings: Settings, extended: (root: string, error: unknown) => void) {
    this.#client = client
    this.#settings = settings
    this.#lease = settings.lease
    this.#extended = extended
  }

  /** Batches that are being handled. */
  get count(): number {
    return this.#attempts.length
  }

  add(held: Held<T>): Attempt<T> {
    const { root, heldUntil } = held
    const attempt = new Attempt(held, this.#settings.logger, this.#extendOne)
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

  /** The attempt has ended; false when it had before. */
  end(attempt: Attempt<T>): boolean {
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
    for (const attempt of attempts) this.end(attempt)
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
      const results = await this.#client.extend(
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
    const [result] = await this.#client.extend([attempt.batch], ms)
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

  /** Sees at this time, by `performance.now`, or before whether a lease has come to its end. */
  #watch(time: number): void {
    if (time >= this.#alarmAt) return
    clearTimeout(this.#alarm)
    this.#alarmAt = time
    this.#alarm = setTimeout(() => this.#seeEnds(), Math.max(0, Math.ceil(time - performance.now())))
  }

  /** Aborts the attempts whose leases have come to their end, and waits for the next end. */
  #seeEnds(): void {
    const now = performance.now()
    const grace = Math.min(this.#lease / 4, this.#settings.timing.grace)
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
