import { rootKey } from '../partitions/roots.ts'
import type { Connection } from '../redis/connection.ts'

/** What `WakeUps` reports. */
export interface WakeUpHooks {
  /** In a root something is due at this Redis time. */
  due(root: string, time: number): void
  /** What was asked for has come: messages arrive. */
  echo(): void
  /** It hears from now on; wake-ups may have been sent before. */
  subscribed(): void
  /** The subscription is lost, and is being made anew. */
  lost(): void
  /** The subscription failed. */
  failed(error: unknown): void
}

/** Hears of what becomes due before a worker would look. Redis tells one of those that watch a root. */
export class WakeUps {
  /** What is said to all workers of the queue, and to this one alone. */
  readonly #channels: string[]
  readonly #queue: string
  readonly #subscriber: Connection
  readonly #hooks: WakeUpHooks
  #unsubscribe: (() => void) | undefined

  /** @param worker its name among the workers of the queue */
  constructor(queue: string, worker: string, subscriber: Connection, hooks: WakeUpHooks) {
    this.#queue = queue
    this.#channels = [`${rootKey(queue)}:wake`, `${rootKey(queue)}:wake:${worker}`]
    this.#subscriber = subscriber
    this.#hooks = hooks
  }

  subscribe(): void {
    this.#unsubscribe = this.#subscriber.subscribe(this.#channels, {
      message: (message) => this.#hear(message),
      subscribed: () => this.#hooks.subscribed(),
      lost: () => this.#hooks.lost(),
      failed: (error) => this.#hooks.failed(error),
    })
  }

  unsubscribe(): void {
    this.#unsubscribe?.()
  }

  #hear(message: string): void {
    const [when, partition] = message.split(' ')
    if (when === 'echo') this.#hooks.echo()
    // Others may send there as well.
    else if (/^\d{1,13}$/.test(when as string)) {
      this.#hooks.due(rootKey(this.#queue, partition === undefined ? undefined : Number(partition)), Number(when))
    }
  }
}
