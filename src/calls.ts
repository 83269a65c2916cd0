import { Binding, type BindingOptions, type Call } from './binding.ts'
import type { Argument, Connection } from './connection.ts'
import { RapidfireError } from './errors.ts'
import type { FunctionName, LibrarySource } from './generated/library.ts'

/** The calls of one client: none is lost sight of before the client is closed. */
export class Calls {
  readonly connection: Connection
  readonly binding: Binding
  readonly #underway = new Set<Promise<unknown>>()
  #closed: Promise<void> | undefined

  /** `prepare` runs on the first call, and whenever the server had lost the functions. */
  constructor(connection: Connection, options: BindingOptions, prepare: (call: Call) => Promise<unknown>, source: LibrarySource) {
    this.connection = connection
    this.binding = new Binding(connection, options, prepare, source)
  }

  /** Calls a function of a root. With `after`, a command that follows on the same connection, `reply` gets both replies. */
  async call<Output>(
    root: string | undefined,
    name: FunctionName,
    args: Argument[],
    reply: (raw: unknown) => Output,
    after?: Argument[],
  ): Promise<Output> {
    const call = this.binding.call(name, root === undefined ? [] : [root], args, after)
    this.#underway.add(call)
    try {
      return reply(await call)
    } finally {
      this.#underway.delete(call)
    }
  }

  /**
   * Runs what takes one call or several: `close` waits for all of them.
   *
   * @throws RapidfireError `CLOSED`
   */
  async run<Output>(operation: () => Promise<Output>): Promise<Output> {
    if (this.#closed) throw new RapidfireError('CLOSED', 'the client has been closed')
    const running = operation()
    this.#underway.add(running)
    try {
      return await running
    } finally {
      this.#underway.delete(running)
    }
  }

  /** Waits for what is under way, then closes the connection if it is our own. */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    while (this.#underway.size > 0) await Promise.allSettled(this.#underway)
    await this.connection.close()
  }
}
