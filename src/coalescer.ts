/** Most items and bytes of one call, so that no script keeps Redis busy for more than about a millisecond. */
const MAX_ITEMS = 128
const MAX_BYTES = 262_144
/** Fewer items than these are not worth a second call. */
const MIN_SPLIT = 32

interface Waiting<Item, Result> {
  item: Item
  settle(result: Result | Error): void
}

/**
 * Collects what is asked for in one tick and sends it as one call, each caller getting its own result. `send` returns one result per
 * item, in order; an `Error` among them rejects that caller alone.
 */
export class Coalescer<Item, Result> {
  readonly #send: (items: Item[]) => Promise<(Result | Error)[]>
  readonly #bytesOf: (item: Item) => number
  #waiting: Waiting<Item, Result>[] = []
  #underway = 0

  constructor(send: (items: Item[]) => Promise<(Result | Error)[]>, bytesOf: (item: Item) => number = () => 0) {
    this.#send = send
    this.#bytesOf = bytesOf
  }

  add(item: Item): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#push(item, (result) => (result instanceof Error ? reject(result) : resolve(result)))
    })
  }

  /** The same for many items, for the price of one promise. Never rejects. */
  addAll(items: readonly Item[]): Promise<(Result | Error)[]> {
    return new Promise((resolve) => {
      const results: (Result | Error)[] = []
      let left = items.length
      if (left === 0) resolve(results)
      items.forEach((item, n) => {
        this.#push(item, (result) => {
          results[n] = result
          left -= 1
          if (left === 0) resolve(results)
        })
      })
    })
  }

  /** Sends what is waiting now, without waiting for the end of the tick. */
  flush(): void {
    this.#flush(this.#waiting.length)
  }

  #push(item: Item, settle: (result: Result | Error) => void): void {
    // nextTick runs when all callers that the last reply has woken are through: their next calls travel together.
    if (this.#waiting.push({ item, settle }) === 1) process.nextTick(() => this.#start())
  }

  /**
   * Sends half of what is waiting, and the other half a turn of the event loop later: then Redis works on one half while this process
   * works on the other. Sent at once, both would be answered together, when Redis is through with both.
   */
  #start(): void {
    const size = this.#waiting.length
    const split = this.#underway === 0 && size >= MIN_SPLIT
    this.#flush(split ? size >> 1 : size)
    if (split) setImmediate(() => this.flush())
  }

  #flush(size: number): void {
    const items = this.#waiting.splice(0, size)
    let start = 0
    let bytes = 0
    for (let n = 0; n < size; n += 1) {
      const more = this.#bytesOf((items[n] as Waiting<Item, Result>).item)
      if (n > start && (n - start === MAX_ITEMS || bytes + more > MAX_BYTES)) {
        this.#call(items.slice(start, n))
        start = n
        bytes = 0
      }
      bytes += more
    }
    if (size > start) this.#call(start === 0 ? items : items.slice(start))
  }

  async #call(waiting: Waiting<Item, Result>[]): Promise<void> {
    this.#underway += 1
    let results: (Result | Error)[]
    try {
      results = await this.#send(waiting.map((each) => each.item))
    } catch (error) {
      results = waiting.map(() => error as Error)
    }
    this.#underway -= 1
    for (let n = 0; n < waiting.length; n += 1) waiting[n]?.settle(results[n] as Result | Error)
  }
}
