import type { Connection } from '../redis/connection.ts'
import type { Lane } from './lane.ts'
import type { Timing } from './timing.ts'

/** What `Echo` needs of those who share the subscription. */
export interface EchoHooks {
  /** All lanes of which an echo may be asked. */
  lanes(): Lane[]
  /** Claim from this lane, to ask for an echo. */
  ask(lane: Lane): void
  /** It was asked for in this lane, and has not come. */
  failed(lane: Lane, error: unknown): void
}

/**
 * Tests a subscription: it may be dead without a word, so now and then a claim asks for an echo, which comes the same way. One speaks for all
 * channels that are heard by the connection. When it does not come the subscription is made anew, and everybody looks at all lanes.
 */
export class Echo {
  readonly #subscriber: Connection
  readonly #timing: Timing
  readonly #hooks: EchoHooks
  /** When an echo was asked for, or is taken to have been, by `performance.now`; and in which lane. */
  #asked = 0
  #lane: Lane | undefined
  #heard = true
  #subscribed = false
  #timer: NodeJS.Timeout | undefined

  constructor(subscriber: Connection, timing: Timing, hooks: EchoHooks) {
    this.#subscriber = subscriber
    this.#timing = timing
    this.#hooks = hooks
    this.#forget()
  }

  /** The subscription was made: the next claim asks. */
  subscribed(): void {
    if (!this.#subscribed) this.#forget(0)
    this.#subscribed = true
  }

  lost(): void {
    this.#subscribed = false
  }

  arrived(): void {
    this.#heard = true
  }

  /** Whether the claim that is made now is to ask for an echo. */
  wants(lane: Lane): boolean {
    const now = performance.now()
    if (!this.#heard || lane.silent || lane.draining || now - this.#asked < this.#timing.echoEvery) return false
    this.#asked = now
    this.#lane = lane
    this.#heard = false
    this.#expect()
    return true
  }

  /** A claim has failed: an echo that it has asked for may not come, but that of another lane will. */
  claimFailed(lane: Lane): void {
    if (lane === this.#lane) this.#forget(this.#timing.echoWithin)
  }

  /** These lanes are not looked at for a while, and their channels perhaps not heard any more: an echo of them is not waited for. */
  leave(isLeft: (lane: Lane) => boolean): void {
    if (this.#lane && isLeft(this.#lane)) this.#forget()
    else if (this.#hooks.lanes().length === 0) this.#forget()
  }

  /** A server has been silent for long: it may be the one of the subscription. */
  serverSilent(): void {
    if (this.#heard) this.#hasten()
  }

  #expect(): void {
    clearTimeout(this.#timer)
    // While a server is silent that may be the one of the subscription, there is less patience.
    const { echoWithin } = this.#timing
    const ms = this.#hooks.lanes().every(({ silent }) => !silent) ? echoWithin : echoWithin / 3
    // What has arrived while the event loop was blocked is read before.
    this.#timer = setTimeout(() => setImmediate(() => this.#heard || this.#miss()), ms)
  }

  #miss(): void {
    if (this.#lane?.silent) {
      // It was not even asked for.
      this.#hasten()
      return
    }
    // Said once: after that it is tried again until there is an echo.
    if (this.#lane) this.#hooks.failed(this.#lane, new Error('wake-ups do not arrive: the subscription is made anew'))
    this.#subscriber.reconnect()
    this.#lane = undefined
    this.#expect()
  }

  /** One that was asked for may not come: the claim has failed, or the subscription is being made. The next one is asked for in `ms`. */
  #forget(ms = this.#timing.echoEvery): void {
    clearTimeout(this.#timer)
    this.#heard = true
    this.#lane = undefined
    this.#asked = performance.now() + ms - this.#timing.echoEvery
  }

  /** Asks for an echo as soon as there is a lane to ask it of: that whose server has been heard last. */
  #hasten(): void {
    this.#forget(0)
    const free = this.#hooks.lanes().filter(({ silent, draining, claims }) => !silent && !draining && claims === 0)
    const lane = free.sort((a, b) => b.answered - a.answered)[0]
    if (lane) this.#hooks.ask(lane)
  }
}
