import { randomBytes } from 'node:crypto'

/** Who calls, and the number of the call. */
export interface Nonce {
  readonly name: string
  number: number
}

export const nonceText = ({ name, number }: Nonce): string => `${name}/${number}`

/**
 * Names for calls that may be repeated (lua/lib/nonce.lua). Under one name one call is made at a time; each has a number, which rises when the call
 * before it was answered. So there are as many names as there were calls under way at once. Those whose last call was not answered are taken
 * first, the oldest before the others: when several answers were lost at once, whoever makes one call at a time has repeated all of them soon.
 */
export class Nonces {
  // Nobody else must have the same.
  readonly #prefix = randomBytes(12).toString('base64url')
  #names = 0
  readonly #free = new Map<string, { answered: Nonce[]; unanswered: Nonce[] }>()

  /** @param pool names are kept apart by it: a root, and what is called there */
  take(pool: string): Nonce {
    const free = this.#free.get(pool)
    const known = free?.unanswered.shift() ?? free?.answered.pop()
    if (known) return known
    this.#names += 1
    return { name: `${this.#prefix}-${this.#names}`, number: 1 }
  }

  /** Gives a name back. When its call was not `answered` the number stays, and the next call repeats it. */
  giveBack(pool: string, nonce: Nonce, answered: boolean): void {
    if (answered) nonce.number += 1
    let free = this.#free.get(pool)
    if (!free) this.#free.set(pool, (free = { answered: [], unanswered: [] }))
    free[answered ? 'answered' : 'unanswered'].push(nonce)
  }
}
