import type { Argument, Connection } from './connection.ts'
import { RapidfireError, toRapidfireError } from './errors.ts'
import { type FunctionName, type LibrarySource, SOURCE } from './generated/library.ts'

/** `functions`: FCALL, Redis 7 and later. `scripts`: EVALSHA, for servers without Functions. */
export type BindingMode = 'functions' | 'scripts'

export interface BindingOptions {
  /** @default 'auto': functions where the server has them */
  binding?: BindingMode | 'auto'
  /** `never`: the operator loads the library (`rapidfire load`); a missing one is an error. @default 'auto' */
  load?: 'auto' | 'never'
}

type Send = (name: FunctionName, keys: string[], args: Argument[]) => Promise<unknown>

/**
 * Calls the Lua functions, as library functions or as scripts, and sees to it that they are there: absent, they are loaded; an older
 * library is replaced; a newer one is used as it is, since other processes of a rolling deploy need it.
 */
export class Binding {
  readonly #connection: Connection
  readonly #options: Required<BindingOptions>
  readonly #source: LibrarySource
  readonly #prepare: (send: Send) => Promise<unknown>
  #mode: BindingMode | undefined
  #started: Promise<void> | undefined

  /** `prepare` runs after each start: on the first call, and whenever the server had lost the library (and so, perhaps, its data). */
  constructor(connection: Connection, options: BindingOptions, prepare: (send: Send) => Promise<unknown>, source: LibrarySource = SOURCE) {
    this.#connection = connection
    this.#options = { binding: options.binding ?? 'auto', load: options.load ?? 'auto' }
    this.#source = source
    this.#prepare = prepare
  }

  /** The binding in use, once a call has been made. */
  get mode(): BindingMode | undefined {
    return this.#mode
  }

  /** Calls a function. Errors are `RapidfireError`s. */
  async call(name: FunctionName, keys: string[], args: Argument[]): Promise<unknown> {
    const command = `rapidfire_${name}`
    try {
      await this.start()
      try {
        return await this.#send(name, keys, args)
      } catch (error) {
        if (!isMissing(error)) throw error
        this.#started = undefined
        await this.start()
        return await this.#send(name, keys, args)
      }
    } catch (error) {
      throw toRapidfireError(error, command, this.#source.lines)
    }
  }

  /** Loads the library where it is missing or older. Called by the first call; calling it again does nothing. */
  start(): Promise<void> {
    this.#started ??= this.#start().catch((error) => {
      this.#started = undefined
      throw error
    })
    return this.#started
  }

  async #start(): Promise<void> {
    this.#mode = this.#options.binding === 'auto' ? undefined : this.#options.binding
    if (this.#mode !== 'scripts') {
      const versions = await this.#versions()
      this.#mode = versions ? 'functions' : 'scripts'
      if (versions?.some((version) => version === undefined || isOlder(version, this.#source.version))) await this.#load(versions)
    }
    await this.#prepare((name, keys, args) => this.#send(name, keys, args))
  }

  /** The version of the library on each node, undefined where it is absent; or undefined when the server has no Functions. */
  async #versions(): Promise<(string | undefined)[] | undefined> {
    try {
      return (await this.#connection.sendToAll('FCALL_RO', ['rapidfire_version', 0])).map(String)
    } catch (error) {
      if (isMissing(error)) return [undefined]
      if (this.#mode === undefined && /unknown command/i.test(String(error))) return undefined
      throw error
    }
  }

  async #load(found: (string | undefined)[]): Promise<void> {
    if (this.#options.load === 'never') {
      const what = found.every((version) => version === undefined) ? 'is not loaded' : `is older than ${this.#source.version}`
      // An older library still serves the calls that it knows.
      if (found.every((version) => version !== undefined)) return
      throw new RapidfireError(
        'NOT_LOADED',
        `the rapidfire library ${what} in Redis and load is 'never': run \`rapidfire load\` with the server's URL`,
      )
    }
    await this.#connection.sendToAll('FUNCTION', ['LOAD', 'REPLACE', this.#source.library])
  }

  async #send(name: FunctionName, keys: string[], args: Argument[]): Promise<unknown> {
    if (this.#mode === 'functions') return this.#connection.send('FCALL', [`rapidfire_${name}`, keys.length, ...keys, ...args])
    const script = this.#source.scripts[name]
    try {
      return await this.#connection.send('EVALSHA', [script.sha1, keys.length, ...keys, ...args])
    } catch (error) {
      // EVAL runs the script and keeps it, so the next EVALSHA finds it.
      if (!/^NOSCRIPT/.test(messageOf(error))) throw error
      return this.#connection.send('EVAL', [script.text, keys.length, ...keys, ...args])
    }
  }
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : '')

const isMissing = (error: unknown) => /^ERR Function not found/.test(messageOf(error))

/** Whether version `a` is older than `b`, both `major.minor.patch`. */
export function isOlder(a: string, b: string): boolean {
  const [left, right] = [a, b].map((version) => version.split('.').map((part) => Number.parseInt(part, 10)))
  for (let n = 0; n < 3; n += 1) {
    const difference = (left?.[n] ?? 0) - (right?.[n] ?? 0)
    if (difference !== 0) return difference < 0
  }
  return false
}
