import { Refusal } from './problem.ts'

/**
 * Gives calls of Redis a bounded time. A client may hold a call back for as long as Redis is away; then the sender must hear at once that
 * it has to send again, and the calls must not pile up. So after a call that took too long no other is made until a small one, made
 * by the next request, is answered.
 */
export class Gate {
  readonly #timeout: number
  readonly #probe: () => Promise<unknown>
  #isDown = false
  #isProbing = false

  /** @param timeout ms */
  constructor(timeout: number, probe: () => Promise<unknown>) {
    this.#timeout = timeout
    this.#probe = probe
  }

  /** Throws `UNAVAILABLE` when the call is not answered in time. It may take effect nevertheless, later. */
  run<Result>(call: () => Promise<Result>): Promise<Result> {
    return this.#isDown ? this.#ask().then(() => this.#within(call())) : this.#within(call())
  }

  /** Waits for what other requests do, no longer than for a call; and not at all while Redis is away. */
  async wait(others: Promise<unknown>): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    const isOver = new Promise((resolve) => {
      timer = setTimeout(resolve, this.#timeout, true)
    })
    const isLate = this.#isDown || (await Promise.race([others.then(() => false), isOver]))
    clearTimeout(timer)
    if (isLate || this.#isDown) throw new Refusal('UNAVAILABLE', {}, { cause: new Error('an earlier request waits for Redis') })
  }

  async #ask(): Promise<void> {
    if (this.#isProbing) throw new Refusal('UNAVAILABLE')
    this.#isProbing = true
    try {
      await this.#within(this.#probe())
    } finally {
      this.#isProbing = false
    }
  }

  #within<Result>(call: Promise<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#isDown = true
        reject(new Refusal('UNAVAILABLE', {}, { cause: new Error(`Redis has not answered within ${this.#timeout} ms`) }))
      }, this.#timeout)
      call.then(
        (result) => {
          clearTimeout(timer)
          this.#isDown = false
          resolve(result)
        },
        (error) => {
          clearTimeout(timer)
          reject(error)
        },
      )
    })
  }
}
