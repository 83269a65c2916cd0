import { setImmediate as nextTurn } from 'node:timers/promises'

/** Bits by which the keys of a list are told apart at first: with 100,000 keys one in ten of the others looks as if it were there. */
const BITS = 2 ** 20

/** Spreads keys over the numbers of 32 bits; neighbours come to lie far from each other. */
export function hashOf(key: string): number {
  let hash = 0
  for (let n = 0; n < key.length; n += 1) hash = (Math.imul(hash, 31) + key.charCodeAt(n)) | 0
  return Math.imul(hash, 0x9e3779b1) >>> 0
}

// The upper bits of the product are the ones that are spread.
const bitOf = (key: string) => hashOf(key) >>> 12

/** Messages of a list that are gone through in one turn of the event loop. */
export const SLICE = 256

/** Those that one question takes in besides, when it comes before whoever goes through the list. */
const STEP = 4096

/**
 * The keys of a long list. A set of them takes several times as long to be made as one bit for each (100,000 keys: 30 ms), and both are made
 * little by little, by whoever goes through the list. What is no string is left out; the list is refused for it.
 */
export class ListKeys {
  readonly #messages: readonly { key: string }[]
  readonly #bits = new Uint8Array(BITS / 8)
  readonly #known = new Set<string>()
  /** Of the first message that has no bit yet, and of the first whose key is not among those that are known. */
  #marked = 0
  #next = 0

  constructor(messages: readonly { key: string }[]) {
    this.#messages = messages
  }

  get length(): number {
    return this.#messages.length
  }

  /** Takes the keys of messages up to the nth. */
  learn(n: number): void {
    this.#mark(n)
    for (; this.#next < Math.min(n, this.length); this.#next += 1) this.#known.add(this.#messages[this.#next]?.key as string)
  }

  has(key: string): boolean {
    this.#mark(this.#marked + STEP)
    const bit = bitOf(key)
    const isMarked = ((this.#bits[bit >> 3] as number) & (1 << (bit & 7))) !== 0
    if (isMarked && this.#known.has(key)) return true
    for (let n = isMarked ? this.#next : this.#marked; n < this.length; n += 1) if (this.#messages[n]?.key === key) return true
    return false
  }

  /** Whether it has a key that another list has. */
  async meets(other: ListKeys): Promise<boolean> {
    const [few, many] = this.length < other.length ? [this, other] : [other, this]
    for (let n = SLICE; n < many.length + SLICE; n += SLICE) {
      many.learn(n)
      await nextTurn()
    }
    for (let n = 0; n < few.length; n += SLICE) {
      if (few.#messages.slice(n, n + SLICE).some((each) => typeof each?.key === 'string' && many.has(each.key))) return true
      await nextTurn()
    }
    return false
  }

  #mark(upTo: number): void {
    for (; this.#marked < Math.min(upTo, this.length); this.#marked += 1) {
      const key = this.#messages[this.#marked]?.key
      if (typeof key !== 'string') continue
      const bit = bitOf(key)
      this.#bits[bit >> 3] = (this.#bits[bit >> 3] as number) | (1 << (bit & 7))
    }
  }
}
