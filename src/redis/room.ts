import { RapidfireError } from '../errors.ts'

/** Most that waits for answers, bytes. */
const MOST = 64 * 1024 * 1024

/** What a message or a call takes besides its own bytes: its promise, its place in line, what wakes its caller. */
export const OVERHEAD = 1024

/** What a client has given out of its hands and got no answer to yet: a Redis that hangs must not fill the memory of the process. */
export class Room {
  readonly #most: number
  #taken = 0

  constructor(most = MOST) {
    this.#most = most
  }

  /**
   * What is refused here has not been sent. The last one that is let in may be larger than what is left.
   *
   * @throws RapidfireError `OVERLOADED`
   */
  check(): void {
    if (this.#taken < this.#most) return
    const text = `${this.#most} bytes of calls wait for Redis already: this one was not sent`
    throw new RapidfireError('OVERLOADED', text)
  }

  /** Lets an operation in, with so many bytes of its own, and frees its place when it is through. */
  async run<Result>(operation: () => Promise<Result>, bytes = 0): Promise<Result> {
    this.check()
    this.hold(bytes + OVERHEAD)
    try {
      return await operation()
    } finally {
      this.free(bytes + OVERHEAD)
    }
  }

  hold(bytes: number): void {
    this.#taken += bytes
  }

  free(bytes: number): void {
    this.#taken -= bytes
  }
}
