import { RapidfireError } from '../errors.ts'
import type { Argument, Connection, Send } from './connection.ts'
import type { FunctionName } from './generated/facts.ts'
import { gotNoAnswer, NotSent } from './patience.ts'
import { type LibrarySource, type Scripts, SOURCE } from './source.ts'
import type { Term } from './term.ts'

/** `functions`: FCALL, Redis 7 and later. `scripts`: EVALSHA, for servers without Functions. */
export type BindingMode = 'functions' | 'scripts'

export interface BindingOptions {
  /** @default 'auto': functions where the server has them */
  binding?: BindingMode | 'auto'
  /** `never`: the operator loads the library (`rapidfire load`); a missing one is an error. Scripts are loaded all the same. @default 'auto' */
  load?: 'auto' | 'never'
}

/** How often a library is loaded that somebody else loads at the same time. */
const LOADS = 10

/**
 * Sees to it that the Lua functions are there, as a library or as scripts, and sends calls of them: absent, they are loaded; an older
 * library is replaced; a newer one is used as it is, since other processes of a rolling deploy need it.
 */
export class Loader {
  readonly #connection: Connection
  readonly #options: Required<BindingOptions>
  readonly #source: LibrarySource
  readonly #prepare: () => Promise<unknown>
  #binding: BindingMode | undefined
  /** The scripts to call; undefined while the functions are in use. */
  #scripts: Scripts | undefined
  #started: Promise<void> | undefined
  /** While it is being found out whether the functions are there: until then nothing may be written. */
  #loading: Promise<void> | undefined
  /** What is asked meanwhile. */
  #asking: (() => void)[] = []
  /** Whether a script was missing that should have been there. */
  #isLost = false

  /**
   * `prepare` belongs to each start: it runs on the first call, and whenever the server had lost the functions (and so, perhaps, its data). What
   * it asks by `ask` travels with the question for the functions; what it writes must wait for `loaded`.
   *
   * @throws RapidfireError `BAD_OPTION`
   */
  constructor(
    connection: Connection,
    options: BindingOptions,
    prepare: () => Promise<unknown> = async () => {},
    source: LibrarySource = SOURCE,
  ) {
    const { binding = 'auto', load = 'auto' } = options
    if (!['auto', 'functions', 'scripts'].includes(binding)) {
      throw new RapidfireError('BAD_OPTION', `binding must be 'auto', 'functions' or 'scripts', got '${String(binding)}'`)
    }
    if (!['auto', 'never'].includes(load)) throw new RapidfireError('BAD_OPTION', `load must be 'auto' or 'never', got '${String(load)}'`)
    this.#connection = connection
    this.#options = { binding, load }
    this.#source = source
    this.#prepare = prepare
  }

  /** How the functions are called, once that has been found out. */
  get binding(): BindingMode | undefined {
    return this.#binding
  }

  /** Loads the library where it is missing or older. Called by the first call; calling it again does nothing. */
  start(): Promise<void> {
    this.#started ??= this.#start().catch((error) => {
      this.#started = undefined
      // What waits for it has not been sent, and all that was sent here may be sent again.
      throw gotNoAnswer(error) ? new NotSent(error, error instanceof NotSent && error.final) : error
    })
    return this.#started
  }

  /** Starts anew, unless that has been done since `started`. */
  restart(started: Promise<void> | undefined): Promise<void> {
    if (this.#started === started) {
      this.#started = undefined
      this.#isLost = true
    }
    return this.start()
  }

  /** The start that holds now. */
  get started(): Promise<void> | undefined {
    return this.#started
  }

  /**
   * Starts anew when a server has an older library by now, as comes back with an old snapshot. Returns whether that was done, or has been done
   * since `started`: then what was refused as unknown may be known.
   */
  async renew(started: Promise<void> | undefined): Promise<boolean> {
    if (this.#started === started) {
      if (this.#binding !== 'functions' || this.#options.load === 'never') return false
      // One that does not answer has refused nothing.
      const asked = (await this.#connection.primaries()).map((send) => loadedVersion(send).catch(() => undefined))
      const isOld = (found: string | undefined) => found !== undefined && isOlder(found, this.#source.version)
      if (!(await Promise.all(asked)).some(isOld)) return false
    }
    await this.restart(started)
    return true
  }

  async #start(): Promise<void> {
    const primaries = await this.#connection.primaries()
    if (this.#options.binding === 'scripts') await this.#useScripts()
    const loading = this.#load(primaries)
    this.#loading = loading
    try {
      // At once, for a round trip may be long.
      const prepared = this.#prepare()
      prepared.catch(() => {})
      await loading
      await prepared
    } finally {
      this.#loading = undefined
      this.#asking = []
    }
  }

  /** When it is known that the functions are there, and none of them is older than ours. */
  async loaded(): Promise<void> {
    await this.#loading
  }

  /**
   * Calls what only reads. While the functions are being looked for it is sent with the question for them, and again behind what loads them: what
   * an older library says does not count.
   */
  async ask(name: FunctionName, keys: readonly string[], args: readonly Argument[]): Promise<unknown> {
    if (!this.#loading) return this.send(name, keys, args)
    const sent: Promise<unknown>[] = []
    const send = () => {
      const reply = this.send(name, keys, args)
      // Only the last one counts.
      reply.catch(() => {})
      sent.push(reply)
    }
    this.#asking.push(send)
    send()
    await this.#loading
    try {
      return await sent.at(-1)
    } catch (error) {
      // Of a cluster it may have reached a node that got the functions later than others.
      if (!isMissing(error)) throw error
      return this.send(name, keys, args)
    }
  }

  #askAgain(): void {
    for (const send of this.#asking) send()
  }

  async #load(primaries: Send[]): Promise<void> {
    if (this.#options.binding !== 'scripts') {
      if (await this.#loadLibrary(primaries)) {
        this.#scripts = undefined
        this.#binding = 'functions'
        return
      }
      await this.#useScripts()
      this.#askAgain()
    }
    this.#binding = 'scripts'
    await onEach(primaries, (send) => this.#loadScriptsOn(send)).catch((error) => {
      throw isAbsent(error) ? noScripts(error) : error
    })
    this.#isLost = false
  }

  /** Most servers have functions, so the text of the scripts is read only when they are needed. */
  async #useScripts(): Promise<void> {
    this.#scripts ??= this.#source.scripts ?? (await import('./generated/scripts.ts')).SCRIPTS
  }

  /** They are loaded in the order of their names, and `version` is the last one: where it is, the others are. */
  async #loadScriptsOn(send: Send): Promise<void> {
    const scripts = this.#scripts as Scripts
    if (!this.#isLost && (await answerOf(send('evalsha', [scripts.version.sha1, 0]))) !== undefined) return
    const loads = Promise.all(Object.values(scripts).map(({ text }) => send('script', ['LOAD', text])))
    this.#askAgain()
    await loads
  }

  /** False when scripts are to be used instead. */
  async #loadLibrary(primaries: Send[]): Promise<boolean> {
    try {
      await onEach(primaries, (send) => this.#loadOn(send))
      return true
    } catch (error) {
      if (this.#options.binding === 'auto' && isAbsent(error)) return false
      if (isAbsent(error)) throw noFunctions(error)
      throw /^NOPERM .*\bfunction\b/is.test(messageOf(error)) ? mayNotLoad(error) : error
    }
  }

  async #loadOn(send: Send, attempt = 1): Promise<void> {
    const found = await loadedVersion(send)
    if (found !== undefined && !isOlder(found, this.#source.version)) return
    if (this.#options.load === 'never') {
      // An older library still serves the calls that it knows.
      if (found !== undefined) return
      throw notLoaded('is not loaded')
    }
    try {
      const load = send('function', ['LOAD', ...(found === undefined ? [] : ['REPLACE']), this.#source.library])
      this.#askAgain()
      await load
    } catch (error) {
      // Somebody else has loaded it in between, perhaps a newer one; and the server may have lost that as well.
      if (attempt >= LOADS || !/already exists/.test(messageOf(error))) throw error
      await this.#loadOn(send, attempt + 1)
    }
  }

  /** Sends a call, once it has been started; `after` is a command that must follow on the same connection. */
  send(name: FunctionName, keys: readonly string[], args: readonly Argument[], after?: Argument[], term?: Term): Promise<unknown> {
    if (!this.#scripts) return this.#connection.send('fcall', [`rapidfire_${name}`, keys.length, ...keys, ...args], after, term)
    return this.#connection.send('evalsha', [this.#scripts[name].sha1, keys.length, ...keys, ...args], after, term)
  }
}

/**
 * Does something on each primary. One of several that does not answer may have been replaced, and must not keep the others from serving;
 * what refuses, refuses for all.
 */
async function onEach(primaries: Send[], load: (send: Send) => Promise<unknown>): Promise<void> {
  const results = await Promise.allSettled(primaries.map(load))
  const failures = results.flatMap((each) => (each.status === 'rejected' ? [each.reason as unknown] : []))
  const isRefusal = (error: unknown) => error instanceof RapidfireError || isAbsent(error) || /^[A-Z]{2,} /.test(messageOf(error))
  const refusal = failures.find(isRefusal)
  if (refusal) throw refusal
  if (failures.length === primaries.length) throw failures[0]
}

/** The version of the library that a server has, or undefined. */
export const loadedVersion = (send: Send): Promise<string | undefined> => answerOf(send('fcall_ro', ['rapidfire_version', 0]))

/** What `version` says, or undefined where it is missing. */
async function answerOf(version: Promise<unknown>): Promise<string | undefined> {
  try {
    return String(await version)
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

export function notLoaded(what: string, cause?: unknown): RapidfireError {
  return new RapidfireError('NOT_LOADED', `the rapidfire library in Redis ${what}: run \`rapidfire load\` with the server's URL`, { cause })
}

/** How servers and proxies say that a command is not there, or not for their users; Redis itself says that it is unknown. */
const ABSENT =
  /unknown (sub)?command|unsupported|not (be )?(support|available|allowed|permitted|implemented|enabled)|n't support|disabled|forbid|prohibit|restrict/i

/** Whether a command was refused since it is not there. What begins with another word than ERR tells of the state of Redis, or of a right. */
export function isAbsent(error: unknown): boolean {
  // An error of Node, of TLS for example, has a code.
  if (!(error instanceof Error) || 'code' in error) return false
  return !/^(?!ERR )[A-Z]{2,} /.test(error.message) && ABSENT.test(error.message)
}

/** @param cause what Redis has said to FCALL or FUNCTION */
export function noFunctions(cause: unknown): RapidfireError {
  const text = `${messageOf(cause)}: this Redis, or a proxy in front of it, takes no Redis Functions: give the client binding: 'scripts'`
  return new RapidfireError('SERVER', text, { cause })
}

/** A user who may not load the library may still call it. */
function mayNotLoad(cause: unknown): RapidfireError {
  const ways = "give the user +function|load, let the operator load it with `rapidfire load`, or give the client binding: 'scripts'"
  return new RapidfireError('SERVER', `${messageOf(cause)}, so the library is not loaded: ${ways}`, { cause })
}

function noScripts(cause: unknown): RapidfireError {
  const text = `${messageOf(cause)}: this Redis, or a proxy in front of it, has neither Redis Functions nor SCRIPT LOAD: connect to Redis itself`
  return new RapidfireError('SERVER', text, { cause })
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : '')

/** Whether the server has not got the function. */
export const isMissing = (error: unknown) => /^(ERR Function not found|NOSCRIPT)/.test(messageOf(error))

/** Whether version `a` is older than `b`, both `major.minor.patch`. */
function isOlder(a: string, b: string): boolean {
  const [left, right] = [a, b].map((version) => version.split('.').map((part) => Number.parseInt(part, 10)))
  for (let n = 0; n < 3; n += 1) {
    const difference = (left?.[n] ?? 0) - (right?.[n] ?? 0)
    if (difference !== 0) return difference < 0
  }
  return false
}
