import { RapidfireError } from '../errors.ts'
import { COMMANDS_OF } from './generated/commands.ts'
import { type FunctionName, READS } from './generated/facts.ts'

/** What a user of Redis needs rights for: a function, and of `add` what stores messages that died in another partition apart from all others. */
export type Use = FunctionName | 'add requeued'

/** Messages go to the end of a list, or change others; those that have died go where their time belongs: nearly nobody does both. */
const SPARED: Partial<Record<Use, readonly string[]>> = {
  add: ['linsert', 'lpos', 'lpush', 'ltrim', 'rpushx'],
  'add requeued': ['lset', 'rpush', 'rpop', 'zrem'],
}

const FUNCTIONS = Object.keys(COMMANDS_OF) as FunctionName[]
const USES: readonly Use[] = [...FUNCTIONS, 'add requeued']
const COMMANDS = [...new Set(FUNCTIONS.flatMap((name) => COMMANDS_OF[name]))]

/** The commands that a use calls, as ACL SETUSER names them. */
export const commandsFor = (use: Use): readonly string[] =>
  COMMANDS_OF[use === 'add requeued' ? 'add' : use].filter((command) => !SPARED[use]?.includes(command))

const ALL: ReadonlySet<Use> = new Set(USES)

/**
 * What the user of a connection may do with the roots of a queue. Redis looks at rights with each command inside of a function, and undoes nothing:
 * so they are asked for before the first call that writes, and a call for which one is missing is not sent.
 */
export class Rights {
  readonly #ask: (root: string, commands: readonly string[]) => Promise<readonly string[]>
  readonly #allowed = new Map<string, ReadonlySet<Use>>()
  readonly #asked = new Map<string, Promise<readonly string[]>>()

  /** @param ask returns those of the commands that are not allowed */
  constructor(ask: (root: string, commands: readonly string[]) => Promise<readonly string[]>) {
    this.#ask = ask
  }

  /** Whether a use is known to be allowed. What only reads is cut off without harm. */
  has(root: string | undefined, use: Use): boolean {
    return root === undefined || READS.has(use as FunctionName) || this.#allowed.get(root)?.has(use) === true
  }

  /**
   * Asks, also when it was refused before: an operator may have given the right since.
   *
   * @throws RapidfireError `SERVER`, which names the rights that are missing
   */
  async check(root: string | undefined, use: Use): Promise<void> {
    const missing = await this.missing(root, use)
    if (missing.length > 0) throw forbidden(use, missing, ': nothing was done')
  }

  /** The commands that a use needs, and that are not allowed. */
  async missing(root: string | undefined, use: Use): Promise<string[]> {
    if (root === undefined) return []
    let asked = this.#asked.get(root)
    if (!asked) {
      asked = this.#ask(root, COMMANDS).finally(() => this.#asked.delete(root))
      this.#asked.set(root, asked)
    }
    const lacking = await asked
    const lacked = (each: Use) => commandsFor(each).filter((command) => lacking.includes(command))
    this.#allowed.set(root, lacking.length === 0 ? ALL : new Set(USES.filter((each) => lacked(each).length === 0)))
    return lacked(use)
  }

  /** Asks again before the next call: on a new connection another user may be known, or other rights. */
  forget(): void {
    this.#allowed.clear()
  }
}

/** Whether Redis has refused a command, perhaps inside of a function, for want of a right. */
export const isForbidden = (error: unknown) =>
  error instanceof Error && /NOPERM|ACL failure|can't (run this command|access at least one of the keys)/.test(error.message)

/** @param effect what became of the call, if that is known */
export function forbidden(use: Use, missing: readonly string[], effect: string, cause?: unknown): RapidfireError {
  const command = `rapidfire_${use.split(' ')[0]}`
  const rights = missing.map((each) => `+${each}`).join(' ')
  return new RapidfireError('SERVER', `NOPERM the user of Redis lacks ${rights} on the keys of this queue${effect}`, { command, cause })
}
