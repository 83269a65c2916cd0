import { Coalescer } from '../messages/coalescer.ts'

interface EndsOptions<End, Word> {
  /** Throws for a root that is none of the queue. */
  check(root: string): void
  send(root: string, ends: End[]): Promise<(Word | Error)[]>
  bytesOf?: (end: End) => number
  /** @default each counts for one */
  weightOf?: (end: End) => number
  /** How many travel together. */
  most: number
}

/** What tells how batches have ended: those of a root that do so in one tick travel together. */
export class Ends<End, Word> {
  readonly #options: EndsOptions<End, Word>
  readonly #coalescers = new Map<string, Coalescer<End, Word>>()

  constructor(options: EndsOptions<End, Word>) {
    this.#options = options
  }

  add(root: string, end: End): Promise<Word> {
    let coalescer = this.#coalescers.get(root)
    if (!coalescer) {
      const { check, send, bytesOf, weightOf = () => 1, most } = this.#options
      try {
        check(root)
      } catch (error) {
        return Promise.reject(error)
      }
      coalescer = new Coalescer((ends) => send(root, ends), { most, weightOf, ...(bytesOf && { bytesOf }) })
      this.#coalescers.set(root, coalescer)
    }
    return coalescer.add(end)
  }

  flush(): void {
    for (const coalescer of this.#coalescers.values()) coalescer.flush()
  }
}
