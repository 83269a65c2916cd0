import { setMaxListeners } from 'node:events'
import { RapidfireError } from '../errors.ts'

/** What a client has under way: none of it is lost sight of before the client is closed. */
export class Underway {
  // A count and no set: tables that a set has outgrown point to those that came after them, and keep what is in those from being freed while
  // it is young. With a set of promises, handling a batch took the client half as long again.
  #count = 0
  #whenQuiet: (() => void) | undefined
  readonly #closing = new AbortController()
  #closed: Promise<void> | undefined

  constructor() {
    // As many may wait for it as like.
    setMaxListeners(0, this.closed)
  }

  /** Aborted when the client is being closed. */
  get closed(): AbortSignal {
    return this.#closing.signal
  }

  begin(): void {
    this.#count += 1
  }

  end(): void {
    this.#count -= 1
    if (this.#count === 0) this.#whenQuiet?.()
  }

  /** @throws RapidfireError `CLOSED` */
  checkOpen(): void {
    if (this.#closed) throw new RapidfireError('CLOSED', 'the client has been closed')
  }

  /**
   * Runs what takes one call or several: `close` waits for all of them.
   *
   * @throws RapidfireError `CLOSED`
   */
  async run<Result>(operation: () => Promise<Result>): Promise<Result> {
    this.checkOpen()
    return this.finish(operation)
  }

  /** The same for what was begun before `close`. */
  async finish<Result>(operation: () => Promise<Result>): Promise<Result> {
    this.begin()
    try {
      return await operation()
    } finally {
      this.end()
    }
  }

  /** Begins nothing more, waits for what is under way, and calls `then`; calling it again does nothing. */
  close(then: () => Promise<void>): Promise<void> {
    this.#closing.abort()
    this.#closed ??= this.#close(then)
    return this.#closed
  }

  async #close(then: () => Promise<void>): Promise<void> {
    while (this.#count > 0) {
      await new Promise<void>((resolve) => (this.#whenQuiet = resolve))
      // Whoever makes one call after the other makes the next one in this turn.
      await new Promise((resolve) => setImmediate(resolve))
    }
    await then()
  }
}
