/** Most that may be waited for a call, ms: ten minutes. */
export const LONGEST_CALL = 600_000

/** For how long the calls of a connection are waited for. */
export class Limit {
  /** What was given, ms. */
  readonly own: number
  readonly #whole: Limit | undefined
  #replicas = 0

  /**
   * @param own ms
   * @param whole that of the connection, where this is the one of one of its users
   */
  constructor(own: number, whole?: Limit) {
    this.own = own
    this.#whole = whole
  }

  /** ms */
  get ms(): number {
    return this.own + this.#replicas
  }

  /** From now on Redis may wait for replicas for so many ms before it answers, and does nothing else for the connection meanwhile. */
  allow(ms: number): void {
    this.#replicas = Math.max(this.#replicas, ms)
    this.#whole?.allow(ms)
  }
}

/** The time in which one call is answered, or fails. */
export class Term {
  readonly ms: number
  /** As `performance.now()` says it. */
  readonly until: number
  /** It is over: the call has failed, so nothing of it may be sent any more. */
  over = false
  /** Something of it has been sent: Redis may have carried it out. */
  sent = false
  /** Why it has not been answered yet, as far as that is known. */
  why: unknown

  /** @param ms how long it is in all; some of it may have passed already */
  constructor(ms: number, until = performance.now() + ms) {
    this.ms = ms
    this.until = until
  }

  get left(): number {
    return Math.max(0, this.until - performance.now())
  }

  /** What `work` comes to; or what `late` says, when the time is over before. */
  within<Result>(work: () => Promise<Result>, late: () => Error): Promise<Result> {
    return new Promise((resolve, reject) => {
      let timer: NodeJS.Timeout | undefined
      const look = () => {
        if (!timer) return
        // Timers count from the beginning of a turn of the event loop, and so may be early.
        if (this.left > 0) {
          timer = setTimeout(look, this.left)
          return
        }
        this.over = true
        reject(late())
      }
      // When the event loop was blocked, or the process stopped, what has arrived meanwhile is read before.
      timer = setTimeout(() => setImmediate(look), this.left)
      const end = () => {
        clearTimeout(timer)
        timer = undefined
      }
      // One promise, and not one more each for what follows: every call goes through here.
      work().then(
        (result) => {
          end()
          resolve(result)
        },
        (error) => {
          end()
          reject(error)
        },
      )
    })
  }
}
