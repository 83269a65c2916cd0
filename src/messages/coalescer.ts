import { setImmediate } from 'node:timers'
import { OVERHEAD, type Room } from '../redis/room.ts'
import type { Limit } from '../redis/term.ts'
import { hashOf } from './keys.ts'

/** What one call takes, so that no script keeps Redis busy for long: items of so much weight together, or one alone. */
export interface Load<Item> {
  most: number
  weightOf(item: Item, bytes: number): number
  /** The memory that an item takes while it waits. */
  bytesOf?(item: Item): number
}

/** Fewer items than these are not worth a second call. */
const MIN_SPLIT = 32

type Answer<Result> = (result: Result | Error) => void

interface Entry<Item, Result> {
  item: Item
  answer: Answer<Result>
  to: Coalescer<Item, Result>
  bucket: number
  bytes: number
  weight: number
  /** When its caller is not to wait any more, as `performance.now()` says it. */
  until: number
}

/** Items that travel together. */
class Parcel<Item, Result> {
  readonly to: Coalescer<Item, Result>
  /** Whether it is the half that leaves a turn of the event loop later. */
  readonly late: boolean
  readonly entries: Entry<Item, Result>[] = []
  weight = 0
  /** When the first of its callers is not to wait any more. */
  until = Number.POSITIVE_INFINITY
  /** What marks its buckets while it is under way. */
  mark = 0
  /** By bucket: what must not leave before this has come back. */
  followers: Map<number, Line<Item, Result>> | undefined

  constructor(to: Coalescer<Item, Result>, late: boolean) {
    this.to = to
    this.late = late
  }
}

/** What waits for a bucket, in order. Those in front of `next` have left. */
interface Line<Item, Result> {
  bucket: number
  entries: Entry<Item, Result>[]
  next: number
}

/** How an outbox keeps the order of keys, and what it is bounded by. */
export interface Keeping<Item> {
  keyOf(item: Item): string | Buffer
  /** For how long an item is waited for, its waiting here included. */
  limit: Limit | undefined
  /** Takes what has not been answered. */
  room: Room
  /** What an item gets whose time is over before it could leave. */
  late(): Error
}

/**
 * Collects what is asked for in one tick, or with `keeping` in one turn of the event loop, and sends it when that ends, in one call for each coalescer
 * that it is shared by.
 *
 * With `keeping` it also keeps the order of each key, through all of its coalescers: an item whose key is in a call under way waits until that has
 * come back, whatever happens to it meanwhile, and leaves first then.
 */
export class Outbox<Item, Result> {
  readonly #keeping: Keeping<Item> | undefined
  /** Of what waits. */
  #until = Number.POSITIVE_INFINITY
  #waiting: Entry<Item, Result>[] = []
  #released: Line<Item, Result>[] = []
  #late: Parcel<Item, Result>[] = []
  /** That are under way. */
  #calls = 0
  #inTick = false
  #inTurn = false
  /** By bucket: the mark of the call under way that has it, or 0. */
  #marks: Uint32Array | undefined
  /** By mark. The first one is nobody's. */
  readonly #underway: (Parcel<Item, Result> | undefined)[] = [undefined]
  readonly #freeMarks: number[] = []

  constructor(keeping?: Keeping<Item>) {
    this.#keeping = keeping
  }

  push(item: Item, to: Coalescer<Item, Result>, answer: Answer<Result>): void {
    const keeping = this.#keeping
    const bytes = to.load.bytesOf?.(item) ?? 0
    if (keeping) {
      if (this.#waiting.length === 0 && keeping.limit) this.#until = performance.now() + keeping.limit.ms
      keeping.room.hold(bytes + OVERHEAD)
    }
    const weight = to.load.weightOf(item, bytes)
    this.#waiting.push({ item, answer, to, bytes, weight, until: this.#until, bucket: keeping ? bucketOf(keeping.keyOf(item)) : -1 })
    to.waiting += 1
    this.#schedule(keeping !== undefined)
  }

  /** Sends what is waiting now, without waiting for the end of the tick or turn. */
  flush(): void {
    this.#flush(false)
  }

  /**
   * Sends what waits when all callers that were woken are through: their next calls travel together.
   *
   * WHY messages wait for the end of the turn of the event loop: a cluster answers on a socket for each node, each of which wakes some callers. Sent
   * at the end of each tick, calls to 16 partitions of three nodes carried 1.6 messages, and now 2.5, at three quarters of the CPU. What follows a
   * call that has come back leaves in the tick, or `close` would not know of it; so does what tells the end of a batch, in front of the next claim.
   */
  #schedule(inTurn = false): void {
    if (inTurn ? this.#inTurn || this.#inTick : this.#inTick) return
    if (inTurn) {
      this.#inTurn = true
      setImmediate(() => {
        this.#inTurn = false
        this.#flush(true)
      })
      return
    }
    this.#inTick = true
    process.nextTick(() => {
      this.#inTick = false
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
    const parcels: Parcel<Item, Result>[] = []
    if (this.#released.length > 0) {
      const released = this.#released
      this.#released = []
      for (const line of released) this.#advance(line, parcels)
    }
    for (const entry of entries) {
      const { to } = entry
      const late = split && to.underway === 0 && to.waiting >= MIN_SPLIT && to.taken >= to.waiting >> 1
      to.taken += 1
      if (!this.#board(entry, late, parcels)) this.#follow(entry)
    }
    for (const { to } of entries) {
      to.waiting = 0
      to.taken = 0
      to.open = undefined
    }
    // Of many partitions each has a call of its own, and half of the calls leave later: 16 of them on one server take 63,000 messages a second so, and
    // 47,000 when all leave at once.
    const first = split && this.#calls === 0 && entries.length >= MIN_SPLIT ? Math.ceil(parcels.length / 2) : parcels.length
    for (const [n, parcel] of parcels.entries()) {
      parcel.to.open = undefined
      if (parcel.late || n >= first) this.#late.push(parcel)
      else this.#send(parcel)
    }
    if (this.#late.length === 0) return
    if (split) setImmediate(() => this.#sendLate())
    else this.#sendLate()
  }

  #sendLate(): void {
    for (const parcel of this.#late.splice(0)) this.#send(parcel)
  }

  /** Puts an item into the call that its coalescer is filling. False when its key is on its way in another one. */
  #board(entry: Entry<Item, Result>, late: boolean, parcels: Parcel<Item, Result>[]): boolean {
    const { to, bucket, weight } = entry
    let parcel = to.open
    let mark = 0
    if (bucket >= 0) {
      this.#marks ??= new Uint32Array(BUCKETS)
      mark = this.#marks[bucket] as number
      if (mark !== 0 && (mark !== parcel?.mark || parcel.followers?.has(bucket))) return false
    }
    if (!parcel || parcel.late !== late || parcel.weight + weight > to.load.most) {
      if (mark !== 0) return false
      parcel = new Parcel(to, late)
      if (bucket >= 0) {
        parcel.mark = this.#freeMarks.pop() ?? this.#underway.length
        this.#underway[parcel.mark] = parcel
      }
      to.open = parcel
      parcels.push(parcel)
    }
    if (bucket >= 0) (this.#marks as Uint32Array)[bucket] = parcel.mark
    parcel.entries.push(entry)
    parcel.weight += weight
    if (entry.until < parcel.until) parcel.until = entry.until
    return true
  }

  #follow(entry: Entry<Item, Result>): void {
    const { bucket } = entry
    const before = this.#before(bucket)
    const line = before.get(bucket)
    if (line) line.entries.push(entry)
    else before.set(bucket, { bucket, entries: [entry], next: 0 })
  }

  /** The lines behind the call that has a bucket. */
  #before(bucket: number): Map<number, Line<Item, Result>> {
    const parcel = this.#underway[(this.#marks as Uint32Array)[bucket] as number] as Parcel<Item, Result>
    parcel.followers ??= new Map()
    return parcel.followers
  }

  /**
   * Lets leave what can leave of a line in one call; the rest goes on waiting behind that. What has waited too long for those before it fails:
   * they have less time than it, so it is looked for here alone.
   */
  #advance(line: Line<Item, Result>, parcels: Parcel<Item, Result>[]): void {
    const now = performance.now()
    while (line.next < line.entries.length) {
      const entry = line.entries[line.next] as Entry<Item, Result>
      if (entry.until <= now) this.#answer(entry, this.#keeping?.late() as Error)
      else if (!this.#board(entry, false, parcels)) {
        this.#before(line.bucket).set(line.bucket, line)
        return
      }
      line.next += 1
    }
  }

  async #send(parcel: Parcel<Item, Result>): Promise<void> {
    const { to, entries, mark, until } = parcel
    to.underway += 1
    this.#calls += 1
    let results: (Result | Error)[]
    try {
      results = await to.send(
        entries.map(({ item }) => item),
        until,
      )
    } catch (error) {
      results = entries.map(() => error as Error)
    }
    to.underway -= 1
    this.#calls -= 1
    if (mark > 0) this.#release(parcel)
    for (let n = 0; n < entries.length; n += 1) this.#answer(entries[n] as Entry<Item, Result>, results[n] as Result | Error)
  }

  #answer({ answer, bytes }: Entry<Item, Result>, result: Result | Error): void {
    this.#keeping?.room.free(bytes + OVERHEAD)
    answer(result)
  }

  #release({ entries, mark, followers }: Parcel<Item, Result>): void {
    const marks = this.#marks as Uint32Array
    for (const { bucket } of entries) marks[bucket] = 0
    this.#underway[mark] = undefined
    this.#freeMarks.push(mark)
    if (!followers) return
    this.#released.push(...followers.values())
    this.#schedule()
  }
}

/**
 * Sends the items of one tick or turn as one call, each caller getting its own result. `send` returns one result per item, in order, by the time that
 * it is told; an `Error` among them rejects that caller alone. Coalescers that share an outbox keep its order together.
 */
export class Coalescer<Item, Result> {
  readonly send: (items: Item[], until: number) => Promise<(Result | Error)[]>
  readonly load: Load<Item>
  readonly #outbox: Outbox<Item, Result>
  /** Of the outbox: the call that is being filled, how many items wait, how many of them it has looked at, and calls under way. */
  open: Parcel<Item, Result> | undefined
  waiting = 0
  taken = 0
  underway = 0

  constructor(send: (items: Item[], until: number) => Promise<(Result | Error)[]>, load: Load<Item>, outbox = new Outbox<Item, Result>()) {
    this.send = send
    this.load = load
    this.#outbox = outbox
  }

  add(item: Item): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#outbox.push(item, this, (result) => (result instanceof Error ? reject(result) : resolve(result)))
    })
  }

  /** The same for many items, for the price of one promise. Never rejects. */
  addAll(items: readonly Item[]): Promise<(Result | Error)[]> {
    return new Promise((resolve) => {
      const results: (Result | Error)[] = []
      let left = items.length
      if (left === 0) resolve(results)
      items.forEach((item, n) => {
        this.#outbox.push(item, this, (result) => {
          results[n] = result
          left -= 1
          if (left === 0) resolve(results)
        })
      })
    })
  }

  /** Sends what is waiting now, without waiting for the end of the tick or turn. */
  flush(): void {
    this.#outbox.flush()
  }
}

/**
 * Keys are told apart by this many buckets: two that share one wait for each other now and then, and nothing else. A table of numbers and no
 * map of keys, which would cost each message more than the rest of its way through here, and keep what has left from being freed.
 */
const BUCKETS = 65_536

function bucketOf(key: string | Buffer): number {
  return hashOf(typeof key === 'string' ? key : key.toString()) >>> 16
}
