/** Most items and bytes of one call, so that no script keeps Redis busy for more than about a millisecond. */
const MAX_ITEMS = 128
const MAX_BYTES = 262_144
/** Fewer items than these are not worth a second call. */
const MIN_SPLIT = 32

type Settle<Result> = (result: Result | Error) => void

interface Entry<Item, Result> {
  item: Item
  settle: Settle<Result>
  to: Coalescer<Item, Result>
  slot: number
}

/** Items that travel together. */
class Batch<Item, Result> {
  readonly to: Coalescer<Item, Result>
  /** Whether it is the half that leaves a turn of the event loop later. */
  readonly late: boolean
  readonly entries: Entry<Item, Result>[] = []
  bytes = 0
  /** What marks its slots while it is under way. */
  mark = 0
  /** By slot: what must not leave before this has come back. */
  followers: Map<number, Line<Item, Result>> | undefined

  constructor(to: Coalescer<Item, Result>, late: boolean) {
    this.to = to
    this.late = late
  }
}

/** What waits for a slot, in order. Those in front of `next` have left. */
interface Line<Item, Result> {
  slot: number
  entries: Entry<Item, Result>[]
  next: number
}

/**
 * Collects what is asked for in one tick, and sends it when the tick ends, in one call for each coalescer that it is shared by.
 *
 * With `keyOf` it keeps the order of each key, through all of its coalescers: an item whose key is in a call under way waits until that has
 * come back, whatever happens to it meanwhile, and leaves first then.
 */
export class Queue<Item, Result> {
  readonly #keyOf: ((item: Item) => string | Buffer) | undefined
  #waiting: Entry<Item, Result>[] = []
  #released: Line<Item, Result>[] = []
  #late: Batch<Item, Result>[] = []
  #scheduled = false
  /** By slot: the mark of the call under way that has it, or 0. */
  #marks: Uint32Array | undefined
  /** By mark. The first one is nobody's. */
  readonly #underway: (Batch<Item, Result> | undefined)[] = [undefined]
  readonly #freeMarks: number[] = []

  constructor(keyOf?: (item: Item) => string | Buffer) {
    this.#keyOf = keyOf
  }

  push(item: Item, to: Coalescer<Item, Result>, settle: Settle<Result>): void {
    this.#waiting.push({ item, settle, to, slot: this.#keyOf ? slotOf(this.#keyOf(item)) : -1 })
    to.waiting += 1
    this.#schedule()
  }

  /** Sends what is waiting now, without waiting for the end of the tick. */
  flush(): void {
    this.#flush(false)
  }

  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    // nextTick runs when all callers that the last reply has woken are through: their next calls travel together.
    process.nextTick(() => {
      this.#scheduled = false
      this.#flush(true)
    })
  }

  /**
   * @param split whether half of what waits for a coalescer leaves a turn of the event loop later: then Redis works on one half while this
   *   process works on the other. Sent at once, both would be answered together, when Redis is through with both.
   */
  #flush(split: boolean): void {
    const entries = this.#waiting
    this.#waiting = []
    const batches: Batch<Item, Result>[] = []
    if (this.#released.length > 0) {
      const released = this.#released
      this.#released = []
      for (const line of released) this.#advance(line, batches)
    }
    for (const entry of entries) {
      const { to } = entry
      const late = split && to.underway === 0 && to.waiting >= MIN_SPLIT && to.taken >= to.waiting >> 1
      to.taken += 1
      if (!this.#board(entry, late, batches)) this.#follow(entry)
    }
    for (const { to } of entries) {
      to.waiting = 0
      to.taken = 0
      to.open = undefined
    }
    for (const batch of batches) {
      batch.to.open = undefined
      if (batch.late) this.#late.push(batch)
      else this.#send(batch)
    }
    if (this.#late.length === 0) return
    if (split) setImmediate(() => this.#sendLate())
    else this.#sendLate()
  }

  #sendLate(): void {
    for (const batch of this.#late.splice(0)) this.#send(batch)
  }

  /** Puts an item into the call that its coalescer is filling. False when its key is on its way in another one. */
  #board(entry: Entry<Item, Result>, late: boolean, batches: Batch<Item, Result>[]): boolean {
    const { to, slot } = entry
    let batch = to.open
    let mark = 0
    if (slot >= 0) {
      this.#marks ??= new Uint32Array(SLOTS)
      mark = this.#marks[slot] as number
      if (mark !== 0 && (mark !== batch?.mark || batch.followers?.has(slot))) return false
    }
    const bytes = to.bytesOf(entry.item)
    if (!batch || batch.late !== late || batch.entries.length === MAX_ITEMS || batch.bytes + bytes > MAX_BYTES) {
      if (mark !== 0) return false
      batch = new Batch(to, late)
      if (slot >= 0) {
        batch.mark = this.#freeMarks.pop() ?? this.#underway.length
        this.#underway[batch.mark] = batch
      }
      to.open = batch
      batches.push(batch)
    }
    if (slot >= 0) (this.#marks as Uint32Array)[slot] = batch.mark
    batch.entries.push(entry)
    batch.bytes += bytes
    return true
  }

  #follow(entry: Entry<Item, Result>): void {
    const { slot } = entry
    const before = this.#before(slot)
    const line = before.get(slot)
    if (line) line.entries.push(entry)
    else before.set(slot, { slot, entries: [entry], next: 0 })
  }

  /** The lines behind the call that has a slot. */
  #before(slot: number): Map<number, Line<Item, Result>> {
    const batch = this.#underway[(this.#marks as Uint32Array)[slot] as number] as Batch<Item, Result>
    batch.followers ??= new Map()
    return batch.followers
  }

  /** Lets leave what can leave of a line in one call; the rest goes on waiting behind that. */
  #advance(line: Line<Item, Result>, batches: Batch<Item, Result>[]): void {
    while (line.next < line.entries.length) {
      if (!this.#board(line.entries[line.next] as Entry<Item, Result>, false, batches)) {
        this.#before(line.slot).set(line.slot, line)
        return
      }
      line.next += 1
    }
  }

  async #send(batch: Batch<Item, Result>): Promise<void> {
    const { to, entries, mark } = batch
    to.underway += 1
    let results: (Result | Error)[]
    try {
      results = await to.send(entries.map(({ item }) => item))
    } catch (error) {
      results = entries.map(() => error as Error)
    }
    to.underway -= 1
    if (mark > 0) this.#release(batch)
    for (let n = 0; n < entries.length; n += 1) entries[n]?.settle(results[n] as Result | Error)
  }

  #release({ entries, mark, followers }: Batch<Item, Result>): void {
    const marks = this.#marks as Uint32Array
    for (const { slot } of entries) marks[slot] = 0
    this.#underway[mark] = undefined
    this.#freeMarks.push(mark)
    if (!followers) return
    this.#released.push(...followers.values())
    this.#schedule()
  }
}

/**
 * Sends the items of one tick as one call, each caller getting its own result. `send` returns one result per item, in order; an `Error` among
 * them rejects that caller alone. Coalescers that share a queue keep its order together.
 */
export class Coalescer<Item, Result> {
  readonly send: (items: Item[]) => Promise<(Result | Error)[]>
  readonly bytesOf: (item: Item) => number
  readonly #queue: Queue<Item, Result>
  /** Of the queue: the call that is being filled, how many items wait, how many of them it has looked at, and calls under way. */
  open: Batch<Item, Result> | undefined
  waiting = 0
  taken = 0
  underway = 0

  constructor(
    send: (items: Item[]) => Promise<(Result | Error)[]>,
    bytesOf: (item: Item) => number = () => 0,
    queue = new Queue<Item, Result>(),
  ) {
    this.send = send
    this.bytesOf = bytesOf
    this.#queue = queue
  }

  add(item: Item): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#queue.push(item, this, (result) => (result instanceof Error ? reject(result) : resolve(result)))
    })
  }

  /** The same for many items, for the price of one promise. Never rejects. */
  addAll(items: readonly Item[]): Promise<(Result | Error)[]> {
    return new Promise((resolve) => {
      const results: (Result | Error)[] = []
      let left = items.length
      if (left === 0) resolve(results)
      items.forEach((item, n) => {
        this.#queue.push(item, this, (result) => {
          results[n] = result
          left -= 1
          if (left === 0) resolve(results)
        })
      })
    })
  }

  /** Sends what is waiting now, without waiting for the end of the tick. */
  flush(): void {
    this.#queue.flush()
  }
}

/**
 * Keys are told apart by this many slots: two that share one wait for each other now and then, and nothing else. A table of numbers and no
 * map of keys, which would cost each message more than the rest of its way through here, and keep what has left from being freed.
 */
const SLOTS = 65_536

function slotOf(key: string | Buffer): number {
  const text = typeof key === 'string' ? key : key.toString()
  let hash = 0
  for (let n = 0; n < text.length; n += 1) hash = (Math.imul(hash, 31) + text.charCodeAt(n)) | 0
  // The upper half of the product: neighbours come to lie far from each other.
  return Math.imul(hash, 0x9e3779b1) >>> 16
}
