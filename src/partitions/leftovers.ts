import type { Call } from '../protocol/calls.ts'

/** For how long it is believed what a root has said of itself, ms. */
const FRESH = 10_000

/** What one root that serves no more has left. */
interface Left {
  /** Messages: those that come later must stay behind them. */
  messages: boolean
  /** Remembered ids: a message that comes again with one must be known there. */
  ids: boolean
}

/**
 * What is left in roots that are being drained, as far as they have said so lately: only then a message must be sent there before it is sent
 * where its key belongs now. A retired root that has neither messages nor ids gets none any more.
 */
export class Leftovers {
  readonly #call: Call
  readonly #left = new Map<string, Left>()
  readonly #asking = new Set<string>()
  #changes = 0

  constructor(call: Call) {
    this.#call = call
  }

  /** Differs when a message may have to go another way than it had to before. That never happens in the middle of a turn of the event loop. */
  get changes(): number {
    return this.#changes
  }

  /** Whether a root may hold messages, or with `named` the id, of any key. */
  mayHold(root: string, named: boolean, generation: number): boolean {
    const left = this.#left.get(root)
    if (left) return left.messages || (named && left.ids)
    this.#ask(root, generation)
    return true
  }

  #ask(root: string, generation: number): void {
    if (this.#asking.has(root)) return
    this.#asking.add(root)
    this.#call(root, 'partition', {})
      .then((told) => {
        // One that takes new keys, or goes by another layout, may hold some in a moment.
        if (told.state !== 'retired' || told.generation !== generation) return
        this.#left.set(root, { messages: told.keys > 0, ids: told.remembers > 0 })
        this.#changes += 1
        setTimeout(() => {
          this.#left.delete(root)
          this.#changes += 1
        }, FRESH).unref()
      })
      // Then it is asked with each message, as before.
      .catch(() => {})
      .finally(() => this.#asking.delete(root))
  }
}
