import { rootKey } from '../partitions/roots.ts'
import type { Connection } from '../redis/connection.ts'
import type { WorkerClient } from './client.ts'

/** A worker by whose client a process says that it is there. */
export interface Spokesman {
  readonly client: WorkerClient<any>
  /** It is not said in this queue any more. */
  unsaid(name: string): void
}

export interface PresenceHooks {
  /** Another process, or a worker alone, is there no more; of all who ask one is told. */
  gone(name: string): void
  /** Redis has lost what it knew. */
  forgotten(): void
}

/** That it is said: by whom, and whether Redis knows of it. */
interface Said {
  by: Spokesman
  unsubscribe: () => void
  known: boolean
}

/**
 * Says time and again that a process is there, and hears which others are not: one that was killed watched lanes at which the others, with many
 * queues or partitions, would not look for long. It is said in one queue for all of them.
 */
export class Presence {
  readonly #name: string
  readonly #every: number
  readonly #subscriber: Connection
  readonly #hooks: PresenceHooks
  #said: Said | undefined
  #timer: NodeJS.Timeout | undefined

  /**
   * @param name of the process
   * @param every pause between two times, ms
   */
  constructor(name: string, every: number, subscriber: Connection, hooks: PresenceHooks) {
    this.#name = name
    this.#every = every
    this.#subscriber = subscriber
    this.#hooks = hooks
  }

  /** From now on it is said by this one, in its queue; by nobody without one. */
  sayBy(spokesman: Spokesman | undefined): void {
    const before = this.#said
    if (before?.by === spokesman) return
    if (before && spokesman && before.by.client.queue === spokesman.client.queue) {
      before.by = spokesman
      return
    }
    clearTimeout(this.#timer)
    before?.unsubscribe()
    before?.by.unsaid(this.#name)
    this.#said = undefined
    if (!spokesman) return
    // By what hears it, others know that it is there.
    const ignored = () => {}
    const hearing = { message: ignored, subscribed: ignored, lost: ignored, failed: ignored }
    const channel = `${rootKey(spokesman.client.queue)}:wake:${this.#name}`
    this.#said = { by: spokesman, unsubscribe: this.#subscriber.subscribe([channel], hearing), known: false }
    this.#say(this.#said)
  }

  async #say(said: Said): Promise<void> {
    try {
      for (const name of await said.by.client.present(this.#name, this.#every)) this.#told(name, said)
    } catch {
      // Claims tell what is wrong with Redis; and others are told of whoever is gone.
    }
    if (this.#said === said) this.#timer = setTimeout(() => this.#say(said), this.#every)
  }

  #told(name: string, said: Said): void {
    if (name !== this.#name) {
      this.#hooks.gone(name)
      return
    }
    if (said.known && this.#said === said) this.#hooks.forgotten()
    said.known = true
  }
}
