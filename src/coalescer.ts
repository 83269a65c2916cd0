/** Most items and bytes of one call, so that no script keeps Redis busy for more than about a millisecond. */
const MAX_ITEMS = 128
const MAX_BYTES = 262_144

interface Waiting<Item, Result> {
  item: Item
  bytes: number
  resolve(result: Result): void
  reject(error: unknown): void
}

/**
 * Collects what is asked for in one tick and sends it as one call, each caller getting its own result. `send` returns one result per
 * item, in order; an `Error` among them rejects that caller alone.
 */
export class Coalescer<Item, Result> {
  readonly #send: (items: Item[]) => Promise<(Result | Error)[]>
  #waiting: Waiting<Item, Result>[] = []

  constructor(send: (items: Item[]) => Promise<(Result | Error)[]>) {
    this.#send = send
  }

  add(item: Item, bytes = 0): Promise<Result> {
    return new Promise((resolve, reject) => {
      // nextTick runs when all callers that the last reply has woken are through: their next calls travel together.
      if (this.#waiting.push({ item, bytes, resolve, reject }) === 1) process.nextTick(() => this.flush())
    })
  }

  /** Sends what is waiting now, without waiting for the end of the tick. */
  flush(): void {
    const waiting = this.#waiting
    this.#waiting = []
    let start = 0
    let bytes = 0
    for (let end = 1; end <= waiting.length; end += 1) {
      bytes += waiting[end - 1]?.bytes ?? 0
      const next = waiting[end]
      if (next && end - start < MAX_ITEMS && bytes + next.bytes <= MAX_BYTES) continue
      this.#call(start === 0 && !next ? waiting : waiting.slice(start, end))
      start = end
      bytes = 0
    }
  }

  async #call(waiting: Waiting<Item, Result>[]): Promise<void> {
    try {
      const results = await this.#send(waiting.map((each) => each.item))
      for (let n = 0; n < waiting.length; n += 1) {
        const result = results[n] as Result | Error
        if (result instanceof Error) waiting[n]?.reject(result)
        else waiting[n]?.resolve(result)
      }
    } catch (error) {
      for (const each of waiting) each.reject(error)
    }
  }
}
