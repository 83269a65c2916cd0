import { RapidfireError } from '../errors.ts'
import { Binding, type BindingOptions, type Call, type CallOptions } from './binding.ts'
import type { Argument, Connection } from './connection.ts'
import type { FunctionName } from './generated/facts.ts'
import type { LibrarySource } from './source.ts'

/** The calls of one client: none is lost sight of before the client is closed. */
export class Calls {
  readonly connection: Connection
  readonly binding: Binding
  // A count and no set: tables that a set has outgrown point to those that came after them, and keep what is in those from being freed while
  // it is young. With a set of promises, handling a batch took the client half as long again.
  #underway = 0
  #whenQuiet: (() => void) | undefined
  #closed: Promise<void> | undefined

  /** `prepare` runs on the first call, and whenever the server had lost the functions. */
  constructor(connection: Connection, options: BindingOptions, prepare: (call: Call) => Promise<unknown>, source: LibrarySource) {
    this.connection = connection
    this.binding = new Binding(connection, options, prepare, source)
  }

  /** Calls a function of a root; with `after`, `reply` gets both replies. */
  async call<Output>(
    root: string | undefined,
    name: FunctionName,
    args: Argument[],
    reply: (raw: unknown) => Output,
    options?: CallOptions,
  ): Promise<Output> {
    this.#underway += 1
    try {
      return reply(await this.binding.call(name, root === undefined ? [] : [root], args, options))
    } finally {
      this.#ended()
    }
  }

  /** @throws RapidfireError `CLOSED` */
  checkOpen(): void {
    if (this.#closed) throw new RapidfireError('CLOSED', 'the client has been closed')
  }

  /**
   * Runs what takes one call or several: `close` waits for all of them.
   *
   * @throws RapidfireError `CLOSED`
   */
  async run<Output>(operation: () => Promise<Output>): Promise<Output> {
    this.checkOpen()
    return this.finish(operation)
  }

  /** The same for what was begun before `close`. */
  async finish<Output>(operation: () => Promise<Output>): Promise<Output> {
    this.#underway += 1
    try {
      return await operation()
    } finally {
      this.#ended()
    }
  }

  #ended(): void {
    this.#underway -= 1
    if (this.#underway === 0) this.#whenQuiet?.()
  }

  /** Waits for what is under way, then closes the connection if it is our own. */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    while (this.#underway > 0) {
      await new Promise<void>((resolve) => (this.#whenQuiet = resolve))
      // Whoever makes one call after the other makes the next one in this turn.
      await new Promise((resolve) => setImmediate(resolve))
    }
    await this.connection.close()
  }
}
