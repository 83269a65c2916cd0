import { randomBytes } from 'node:crypto'

/** Who calls, and the number of the call. */
export interface Nonce {
  readonly name: string
  number: number
  /** Whether a call with this number was made before and not answered. */
  repeats: boolean
}

export const nonceText = ({ name, number }: Nonce): string => `${name}/${number}`

/**
 * Names for calls that may be repeated (lua/lib/nonce.lua). Under one name one call is made at a time; each has a number, which rises when the call
 * before it was answered. So there are as many names as there were calls under way at once, and the one that was free last is taken first.
 */
export class Nonces {
  // Nobody else must have the same.
  readonly #prefix = randomBytes(12).toString('base64url')
  #names = 0
  readonly #free = new Map<string, Nonce[]>()

  /** @param pool names are kept apart by it: a root, and what is called there */
  take(pool: string): Nonce {
    const free = this.#free.get(pool)?.pop()
    if (free) return free
    this.#names += 1
    return { name: `${this.#prefix}-${this.#names}`, number: 1, repeats: false }
  }

  /** Gives a name back. When its call was not `answered` the number stays, and the next call repeats it. */
  giveBack(pool: string, nonce: Nonce, answered: boolean): void {
    if (answered) nonce.number += 1
    nonce.repeats = !answered
    const free = this.#free.get(pool)
    if (free) free.push(nonce)
    else this.#free.set(pool, [nonce])
  }
}
