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

/**
 * The keys of a long list. A set of them takes several times as long to be made as one bit for each (100,000 keys: 30 ms). So it is made little by
 * little, by whoever goes through the list. What is no string is left out; the list is refused for it.
 */
export class ListKeys {
  readonly #messages: readonly { key: string }[]
  readonly #bits = new Uint8Array(BITS / 8)
  readonly #known = new Set<string>()
  /** Of the first message whose key is not among those. */
  #next = 0

  constructor(messages: readonly { key: string }[]) {
    this.#messages = messages
    for (const { key } of messages) {
      if (typeof key !== 'string') continue
      const bit = bitOf(key)
      this.#bits[bit >> 3] = (this.#bits[bit >> 3] as number) | (1 << (bit & 7))
    }
  }

  /** Takes the keys of messages up to the nth. */
  learn(n: number): void {
    for (; this.#next < n; this.#next += 1) this.#known.add((this.#messages[this.#next] as { key: string }).key)
  }

  has(key: string): boolean {
    const bit = bitOf(key)
    if (((this.#bits[bit >> 3] as number) & (1 << (bit & 7))) === 0) return false
    if (this.#known.has(key)) return true
    for (let n = this.#next; n < this.#messages.length; n += 1) if (this.#messages[n]?.key === key) return true
    return false
  }

  /** Whether it has a key that another list has. */
  meets(other: ListKeys): boolean {
    const [few, many] = this.#messages.length < other.#messages.length ? [this, other] : [other, this]
    many.learn(many.#messages.length)
    return few.#messages.some(({ key }) => typeof key === 'string' && many.has(key))
  }
}
