import { RapidfireError, toRapidfireError } from '../errors.ts'
import type { Argument, Connection, Send } from './connection.ts'
import { type FunctionName, READS } from './generated/facts.ts'
import { gotNoAnswer, NotSent, type Patience, patiently, Unanswered } from './patience.ts'
import { type LibrarySource, type Scripts, SOURCE } from './source.ts'

/** `functions`: FCALL, Redis 7 and later. `scripts`: EVALSHA, for servers without Functions. */
export type BindingMode = 'functions' | 'scripts'

export interface BindingOptions {
  /** @default 'auto': functions where the server has them */
  binding?: BindingMode | 'auto'
  /** `never`: the operator loads the library (`rapidfire load`); a missing one is an error. Scripts are loaded all the same. @default 'auto' */
  load?: 'auto' | 'never'
}

export type Call = (name: FunctionName, keys: string[], args: Argument[]) => Promise<unknown>

export interface CallOptions {
  /** A command that must follow on the same connection; then both replies are returned. */
  after?: Argument[] | undefined
  /** It must not be carried out twice: when its answer does not come it fails, and may have been done. */
  once?: boolean | undefined
  /** For how long it is repeated when there is no answer, ms. @default that of the connection */
  patience?: number | undefined
}

/** For how long a call is tried again that nodes of a cluster refuse because of their state, and the pause between two tries; ms. */
const RETRY_FOR = 10_000
const PAUSES = [5, 250] as const

/**
 * Calls the Lua functions, as library functions or as scripts, and sees to it that they are there: absent, they are loaded; an older
 * library is replaced; a newer one is used as it is, since other processes of a rolling deploy need it.
 */
export class Binding {
  readonly #connection: Connection
  readonly #options: Required<BindingOptions>
  readonly #source: LibrarySource
  readonly #prepare: (call: Call) => Promise<unknown>
  #mode: BindingMode | undefined
  /** The scripts to call; undefined while the functions are in use. */
  #scripts: Scripts | undefined
  #started: Promise<void> | undefined

  /**
   * `prepare` runs after each start: on the first call, and whenever the server had lost the functions (and so, perhaps, its data).
   *
   * @throws RapidfireError `BAD_OPTION`
   */
  constructor(connection: Connection, options: BindingOptions, prepare: (call: Call) => Promise<unknown>, source: LibrarySource = SOURCE) {
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

  /** The binding in use, once a call has been made. */
  get mode(): BindingMode | undefined {
    return this.#mode
  }

  /**
   * Calls a function. On a connection of our own it is repeated when there is no answer, and when it was not sent at all. Errors are
   * `RapidfireError`s.
   */
  async call(name: FunctionName, keys: string[], args: Argument[], { after, once, patience }: CallOptions = {}): Promise<unknown> {
    const attempt = async () => {
      const started = this.start()
      await started
      const send = () => this.#send(name, keys, args, after)
      try {
        return await send()
      } catch (error) {
        if (gotNoAnswer(error)) throw error
        return await this.#again(error, started, send)
      }
    }
    try {
      try {
        return await attempt()
      } catch (error) {
        return await patiently(error, attempt, this.#patience({ once, patience }))
      }
    } catch (error) {
      if (isMissing(error)) throw notLoaded(`has no rapidfire_${name}`, error)
      if (!(error instanceof Unanswered)) throw toRapidfireError(error, `rapidfire_${name}`, this.#source.lines)
      const may = READS.has(name) ? '' : `; it may have been ${name === 'add' ? 'stored' : 'done'} all the same`
      throw new RapidfireError('UNAVAILABLE', `Redis cannot be used: ${error.message}${may}`, {
        command: `rapidfire_${name}`,
        cause: error,
      })
    }
  }

  #patience({ once, patience }: CallOptions): Patience {
    const { cluster, patience: usual } = this.#connection
    if (usual.patience !== undefined) return { ...usual, once, patience: patience ?? usual.patience }
    // A client of the caller's sends again by itself, or does not. Only the start is up to us: it asks the nodes of a cluster one by one.
    return { ...usual, once: true, patience: cluster ? RETRY_FOR : 0 }
  }

  /**
   * Tries again what was refused and not done: the functions are missing on that server, or older than ours, or, in a cluster, it is not the
   * one that serves the key now, as happens while slots are moved or a primary is replaced. The next one may have no functions either.
   */
  async #again(failure: unknown, started: Promise<void>, call: () => Promise<unknown>): Promise<unknown> {
    const cluster = this.#connection.cluster
    let renewed = false
    const until = performance.now() + (cluster ? RETRY_FOR : 0)
    let [pause, longest] = PAUSES as [number, number]
    for (let error = failure; ; pause = Math.min(2 * pause, longest)) {
      if (isMissing(error)) {
        // Of all calls that find the functions missing, the first starts anew and the others wait for it.
        if (this.#started === started) this.#started = undefined
        started = this.start()
        await started
      } else if (!renewed && isUnknownArgument(error)) {
        renewed = true
        if (!(await this.renew(started))) throw error
      } else if (cluster && isPassing(error)) await this.#connection.refresh()
      else throw error
      if (error !== failure || !isMissing(error)) await new Promise((resolve) => setTimeout(resolve, pause * (0.5 + Math.random() / 2)))
      try {
        return await call()
      } catch (next) {
        if (performance.now() > until) throw next
        error = next
      }
    }
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
      if (this.#mode !== 'functions' || this.#options.load === 'never') return false
      // One that does not answer has refused nothing.
      const asked = (await this.#connection.primaries()).map((send) => loadedVersion(send).catch(() => undefined))
      const isOld = (found: string | undefined) => found !== undefined && isOlder(found, this.#source.version)
      if (!(await Promise.all(asked)).some(isOld)) return false
      if (this.#started === started) this.#started = undefined
    }
    await this.start()
    return true
  }

  async #start(): Promise<void> {
    const primaries = await this.#connection.primaries()
    // Most servers have functions, so the text of the scripts is read only when they are needed.
    const scripts = (await this.#loadLibrary(primaries))
      ? undefined
      : (this.#source.scripts ?? (await import('./generated/scripts.ts')).SCRIPTS)
    this.#scripts = scripts
    this.#mode = scripts ? 'scripts' : 'functions'
    if (scripts) {
      await onEach(primaries, (send) => Promise.all(Object.values(scripts).map(({ text }) => send('script', ['LOAD', text]))))
    }
    await this.#prepare(async (name, keys, args) => {
      try {
        return await this.#send(name, keys, args)
      } catch (error) {
        throw gotNoAnswer(error) ? error : toRapidfireError(error, `rapidfire_${name}`, this.#source.lines)
      }
    })
  }

  /** False when scripts are to be used instead. */
  async #loadLibrary(primaries: Send[]): Promise<boolean> {
    if (this.#options.binding === 'scripts') return false
    try {
      await onEach(primaries, (send) => this.#loadOn(send))
      return true
    } catch (error) {
      if (this.#options.binding === 'auto' && /unknown command/i.test(messageOf(error))) return false
      throw error
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
      await send('function', ['LOAD', ...(found === undefined ? [] : ['REPLACE']), this.#source.library])
    } catch (error) {
      // Somebody else has loaded it in between, perhaps a newer one.
      if (attempt > 1 || !/already exists/.test(messageOf(error))) throw error
      await this.#loadOn(send, attempt + 1)
    }
  }

  #send(name: FunctionName, keys: string[], args: Argument[], after?: Argument[]): Promise<unknown> {
    if (!this.#scripts) return this.#connection.send('fcall', [`rapidfire_${name}`, keys.length, ...keys, ...args], after)
    return this.#connection.send('evalsha', [this.#scripts[name].sha1, keys.length, ...keys, ...args], after)
  }
}

/**
 * Does something on each primary. One of several that does not answer may have been replaced, and must not keep the others from serving;
 * what refuses, refuses for all.
 */
async function onEach(primaries: Send[], load: (send: Send) => Promise<unknown>): Promise<void> {
  const results = await Promise.allSettled(primaries.map(load))
  const failures = results.flatMap((each) => (each.status === 'rejected' ? [each.reason as unknown] : []))
  const refusal = failures.find((error) => error instanceof RapidfireError || /^[A-Z]{2,} /.test(messageOf(error)))
  if (refusal) throw refusal
  if (failures.length === primaries.length) throw failures[0]
}

/** The version of the library that a server has, or undefined. */
export async function loadedVersion(send: Send): Promise<string | undefined> {
  try {
    return String(await send('fcall_ro', ['rapidfire_version', 0]))
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

function notLoaded(what: string, cause?: unknown): RapidfireError {
  return new RapidfireError('NOT_LOADED', `the rapidfire library in Redis ${what}: run \`rapidfire load\` with the server's URL`, { cause })
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : '')

// Refusals of a server that is not, or not yet, the one to ask: nothing was done. The last one is what ioredis makes of too many of them.
const isPassing = (error: unknown) =>
  /^(MOVED|ASK|TRYAGAIN|CLUSTERDOWN|LOADING|READONLY|MASTERDOWN)\b|^Too many Cluster redirections/.test(messageOf(error))

const isUnknownArgument = (error: unknown) => /^RAPIDFIRE_UNKNOWN_ARGUMENT /.test(messageOf(error))

const isMissing = (error: unknown) => /^(ERR Function not found|NOSCRIPT)/.test(messageOf(error))

/** Whether version `a` is older than `b`, both `major.minor.patch`. */
function isOlder(a: string, b: string): boolean {
  const [left, right] = [a, b].map((version) => version.split('.').map((part) => Number.parseInt(part, 10)))
  for (let n = 0; n < 3; n += 1) {
    const difference = (left?.[n] ?? 0) - (right?.[n] ?? 0)
    if (difference !== 0) return difference < 0
  }
  return false
}
