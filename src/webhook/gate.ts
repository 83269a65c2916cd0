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
  async run<Result>(call: () => Promise<Result>): Promise<Result> {
    if (this.#isDown) await this.#ask()
    return this.#within(call())
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
