import type { Send } from './connection.ts'

/**
 * The names of the queues: the one key that belongs to no queue. Without it whoever wants to know which queues there are has to walk over all keys. It is
 * written by clients, as a function of a queue cannot reach it: on a cluster it lies in a slot of its own.
 *
 * WHY a sorted set whose scores are all 0: whoever may add or claim may ZADD already, an entry that stands there is not written to the append-only file or
 * sent to replicas again, and the names come in order, page by page.
 */
export const REGISTRY = 'rapid-fire:queues'

/** What can only be refused again: a right is lacking, or somebody else has a key of that name. */
const isFinal = (error: unknown) => error instanceof Error && /^(NOPERM|WRONGTYPE)\b/.test(error.message)

/**
 * Puts a queue into the registry, once a connection, since another one may lead to a server that lacks it; workers once a minute as well. Nobody waits for it, and nobody is told when it
 * cannot be done: the queue works without.
 */
export class Registration {
  readonly #queue: string
  readonly #send: Send
  #state: 'open' | 'sent' | 'done' = 'open'
  #sent: Promise<void> | undefined

  constructor(queue: string, send: Send) {
    this.#queue = queue
    this.#send = send
  }

  /** Called with each call with which the queue may begin. What got no answer goes with the next one. */
  see(): Promise<void> | undefined {
    if (this.#state === 'open') {
      this.#state = 'sent'
      this.#sent = this.#send('zadd', [REGISTRY, 0, this.#queue]).then(
        () => void (this.#state = 'done'),
        (error) => void (this.#state = isFinal(error) ? 'done' : 'open'),
      )
    }
    return this.#sent
  }

  /** What was there may be lost: with a new connection to another server, or by hand. */
  forget(): void {
    if (this.#state === 'done') this.#state = 'open'
  }
}
