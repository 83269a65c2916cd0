import { rootKey } from '../partitions/roots.ts'
import type { Connection } from '../redis/connection.ts'
import type { Lane } from './lane.ts'
import type { Lanes } from './lanes.ts'
import type { Timing } from './timing.ts'

/** What `WakeUps` reports. */
export interface WakeUpHooks {
  /** In a root something is due at this Redis time. */
  due(root: string, time: number): void
  /** It hears from now on; wake-ups may have been sent before. */
  subscribed(): void
  /** The subscription is lost, and is being made anew. */
  lost(): void
  /** The subscription failed, or does not carry wake-ups. */
  failed(error: unknown): void
  /** Claim from this lane, to ask for an echo. */
  ask(lane: Lane): void
}

/**
 * Hears of what becomes due before a worker would look. Redis tells one of those that watch a root. A subscription may be dead without a word,
 * so now and then a claim asks for an echo, which comes the same way; when it does not come the subscription is made anew.
 */
export class WakeUps {
  /** What is said to all workers of the queue, and to this one alone. */
  readonly #channels: string[]
  readonly #queue: string
  readonly #subscriber: Connection
  readonly #lanes: Lanes
  readonly #timing: Timing
  readonly #hooks: WakeUpHooks
  #running = false
  /** When an echo was asked for, or is taken to have been, by `performance.now`; and of which root. */
  #asked = 0
  #root: string | undefined
  #heard = true
  #timer: NodeJS.Timeout | undefined

  /** @param worker its name among the workers of the queue */
  constructor(queue: string, worker: string, subscriber: Connection, lanes: Lanes, timing: Timing, hooks: WakeUpHooks) {
    this.#queue = queue
    this.#channels = [`${rootKey(queue)}:wake`, `${rootKey(queue)}:wake:${worker}`]
    this.#subscriber = subscriber
    this.#lanes = lanes
    this.#timing = timing
    this.#hooks = hooks
  }

  subscribe(): void {
    this.#forgetEcho()
    this.#subscriber.subscribe(this.#channels, {
      message: (message) => this.#hear(message),
      subscribed: () => {
        this.#forgetEcho(0)
        this.#hooks.subscribed()
      },
      lost: () => this.#hooks.lost(),
      failed: (error) => this.#hooks.failed(error),
    })
  }

  start(): void {
    this.#running = true
  }

  pause(): void {
    this.#running = false
    this.#forgetEcho()
  }

  /** Whether the claim that is made now is to ask for an echo. */
  wantsEcho(lane: Lane): boolean {
    const now = performance.now()
    if (!this.#heard || lane.silent || lane.draining || now - this.#asked < this.#timing.echoEvery) return false
    this.#asked = now
    this.#root = lane.root
    this.#heard = false
    this.#expectEcho()
    return true
  }

  /** A claim has failed: an echo that it has asked for may not come, but that of another root will. */
  claimFailed(root: string): void {
    if (root === this.#root) this.#forgetEcho(this.#timing.echoWithin)
  }

  /** A server has been silent for long: it may be the one of the subscription. */
  serverSilent(): void {
    if (this.#heard) this.#hastenEcho()
  }

  #hear(message: string): void {
    const [when, partition] = message.split(' ')
    if (when === 'echo') this.#heard = true
    // Others may send there as well.
    else if (this.#running && /^\d{1,13}$/.test(when as string)) {
      this.#hooks.due(rootKey(this.#queue, partition === undefined ? undefined : Number(partition)), Number(when))
    }
  }

  #expectEcho(): void {
    clearTimeout(this.#timer)
    // While a server is silent that may be the one of the subscription, there is less patience.
    const { echoWithin } = this.#timing
    const ms = this.#lanes.every(({ silent }) => !silent) ? echoWithin : echoWithin / 3
    // What has arrived while the event loop was blocked is read before.
    this.#timer = setTimeout(() => setImmediate(() => this.#heard || this.#missEcho()), ms)
  }

  #missEcho(): void {
    if (!this.#running) return
    if (this.#root !== undefined && this.#lanes.of(this.#root)?.silent) {
      // It was not even asked for.
      this.#hastenEcho()
      return
    }
    // Said once: after that it is tried again until there is an echo.
    if (this.#root !== undefined) this.#hooks.failed(new Error('wake-ups do not arrive: the subscription is made anew'))
    this.#subscriber.reconnect()
    this.#root = undefined
    this.#expectEcho()
  }

  /** One that was asked for may not come: the claim has failed, or the subscription is being made. The next one is asked for in `ms`. */
  #forgetEcho(ms = this.#timing.echoEvery): void {
    clearTimeout(this.#timer)
    this.#heard = true
    this.#root = undefined
    this.#asked = performance.now() + ms - this.#timing.echoEvery
  }

  /** Asks for an echo as soon as there is a lane to ask it of: that whose server has been heard last. */
  #hastenEcho(): void {
    this.#forgetEcho(0)
    const free = this.#lanes.all.filter(({ silent, draining, claims }) => !silent && !draining && claims === 0)
    const lane = free.sort((a, b) => b.answered - a.answered)[0]
    if (lane) this.#hooks.ask(lane)
  }
}
