import { cannotBeUsed, RapidfireError, toRapidfireError } from '../errors.ts'
import { CALLS, type Call, definitionOf, type Input, type Output, withNonce } from '../protocol/calls.ts'
import { Nonces } from '../protocol/nonces.ts'
import type { Argument, Connection } from './connection.ts'
import { type FunctionName, READS } from './generated/facts.ts'
import { type BindingOptions, isAbsent, isMissing, Loader, noFunctions, notLoaded } from './loader.ts'
import { gotNoAnswer, Late, NotSent, type Patience, patiently, Unanswered } from './patience.ts'
import { Registration } from './registry.ts'
import { forbidden, isForbidden, Rights, type Use } from './rights.ts'
import { Room } from './room.ts'
import { type LibrarySource, SOURCE } from './source.ts'
import { Term } from './term.ts'
import { Underway } from './underway.ts'

/** A command that must follow a call on the same connection. */
export interface Following {
  command: Argument[]
  /** Gets its reply, perhaps an `Error`, before the call returns. */
  read(reply: unknown): void
}

/** What a call may be given besides its input. */
interface Sending {
  after?: Following | undefined
  /** When it is a part of what is waited for already; the caller sees to the end of it. */
  term?: Term | undefined
  /** When its time is over, as `performance.now()` says it, if that has begun before: of one of several calls that have one time together. */
  until?: number | undefined
}

/** How a call is repeated, and what it needs rights for. */
interface Settings {
  once?: boolean | undefined
  patience?: number | undefined
  term: Term | undefined
  use: Use
}

/** What a client finds out, and sees to, before its first call. */
export interface Preparation {
  /** The queue that it is for. */
  queue: string
  /** The root that is called first, as far as anybody can tell. */
  root: string
  /** Calls with what it is given; whether the queue is there for it. What it reads is on its way while the library is still being looked for. */
  run(call: Call): Promise<boolean>
}

/** For how long a call is tried again that nodes of a cluster refuse because of their state, and the pause between two tries; ms. */
const RETRY_FOR = 10_000
const PAUSES = [5, 250] as const

/** Calls the functions of lua/ for one client: loads them, repeats what may be repeated, and knows what is under way. */
export class Caller {
  readonly connection: Connection
  readonly underway = new Underway()
  /** For what the user of the client has given and waits for. */
  readonly room = new Room()
  readonly #loader: Loader
  readonly #library: LibrarySource
  readonly #nonces = new Nonces()
  readonly #rights = new Rights((root, commands) => this.#askRights(root, commands))
  readonly #registration: Registration | undefined

  /**
   * @param preparation of the first call, and whenever the server had lost the functions (and so, perhaps, its data)
   * @throws RapidfireError `BAD_OPTION`
   */
  constructor(connection: Connection, options: BindingOptions = {}, preparation?: Preparation, library: LibrarySource = SOURCE) {
    this.connection = connection
    this.#library = library
    this.#loader = new Loader(connection, options, () => this.#prepare(preparation), library)
    if (preparation) this.#registration = new Registration(preparation.queue, connection.send)
    connection.onReady(() => {
      this.#rights.forget()
      this.#registration?.forget()
    })
  }

  /** The start that holds now: see `renew`. */
  get started(): Promise<void> | undefined {
    return this.#loader.started
  }

  /** Loads the library anew when a server has an older one by now; whether what was refused as unknown since `started` may be known. */
  renew(started: Promise<void> | undefined): Promise<boolean> {
    return this.#loader.renew(started)
  }

  /**
   * Calls a function. Errors are `RapidfireError`s. On a connection of our own a call is sent again when there is no answer, if it may be, and
   * fails when its time is over.
   */
  readonly call = async <Name extends FunctionName>(
    root: string | undefined,
    name: Name,
    input: Input<Name>,
    { after, term, until }: Sending = {},
  ): Promise<Output<Name>> => {
    const { limit } = this.connection
    this.underway.begin()
    try {
      if (term || !limit) return await this.#call(root, name, input, { after, term })
      const own = new Term(limit.ms, until)
      return await own.within(
        () => this.#call(root, name, input, { after, term: own }),
        () => this.late(name, own),
      )
    } finally {
      this.underway.end()
    }
  }

  /** Puts the queue into the registry, unless that was done, or `anew`; nobody needs to wait for it, and it does not fail. */
  async register({ anew = false } = {}): Promise<void> {
    if (anew) this.#registration?.forget()
    await this.#registration?.see()
  }

  /** Waits for the start alone, as a call does. */
  async begin(): Promise<void> {
    const { limit } = this.connection
    const begin = (term?: Term) =>
      this.#patiently('layout', undefined, { term, use: 'layout' }, () =>
        this.#loader.start().catch((error) => {
          if (term) term.why = error
          throw error
        }),
      )
    this.underway.begin()
    try {
      if (!limit) return await begin()
      const own = new Term(limit.ms)
      return await own.within(
        () => begin(own),
        () => this.late('layout', own),
      )
    } finally {
      this.underway.end()
    }
  }

  /** What a call fails with whose time is over. */
  late(name: FunctionName, { ms, sent, why }: Term): RapidfireError {
    return unavailable(this.connection.address, name, new Late(ms, why ?? this.connection.failure), sent)
  }

  async #call<Name extends FunctionName>(
    root: string | undefined,
    name: Name,
    input: Input<Name>,
    { after, term }: Sending,
  ): Promise<Output<Name>> {
    const { write, read, nonce: place, takes = false, patience, once, use, makes } = definitionOf(name)
    const pool = place && `${root} ${name}`
    const nonce = pool && this.#nonces.take(pool)
    const args = nonce ? withNonce(place, write(input), nonce) : write(input)
    let answered = false
    // With the first commands that are sent, which look for the library.
    if (makes) this.#registration?.see()
    try {
      const settings = { once: once?.(input), patience, term, use: use?.(input) ?? name }
      const reply = await this.#send(name, root, args, after?.command, settings)
      const output = read(after ? (reply as unknown[])[0] : reply)
      after?.read((reply as unknown[])[1])
      // Whoever has called hears nothing any more when its time is over.
      answered = !term?.over
      return output
    } finally {
      // The next call has another input. Only what takes may be told what this one did, whether this one was answered or not.
      if (nonce) this.#nonces.giveBack(pool, nonce, answered || !takes)
    }
  }

  async #prepare(preparation: Preparation | undefined): Promise<void> {
    if (!preparation) return
    const { root, run } = preparation
    // Nearly every call needs them. What keeps them from being told, the call that asks for them next is told.
    if (!this.#rights.has(root, 'add')) this.#rights.missing(root, 'add').catch(() => {})
    if (await run(this.#callStarted)) this.#registration?.see()
  }

  /** Calls a function while the library is being started: once, and without an answer the start has failed. */
  readonly #callStarted: Call = async (root, name, input) => {
    const { write, read } = definitionOf(name)
    try {
      if (READS.has(name)) return read(await this.#loader.ask(name, keysOf(root), write(input)))
      // Neither an older library nor a user who lacks a right may leave it half done.
      await this.#loader.loaded()
      if (!this.#rights.has(root, name)) await this.#rights.check(root, name)
      return read(await this.#loader.send(name, keysOf(root), write(input)))
    } catch (error) {
      throw gotNoAnswer(error) ? error : this.#told(error, name)
    }
  }

  async #askRights(root: string, commands: readonly string[]): Promise<readonly string[]> {
    const { write, read } = CALLS.rights
    try {
      return read(await this.#loader.ask('rights', [root], write({ commands })))
    } catch (error) {
      // Nothing is known of a user who may not ask, or where an older library is. What the call itself would meet as well, it is told.
      if (isMissing(error) || isForbidden(error)) return []
      // What waits for it has not been sent.
      throw gotNoAnswer(error) ? new NotSent(error, error instanceof NotSent && error.final) : error
    }
  }

  /** What Redis says of a command inside of a script does not name it. A call that writes gets so far when a right was taken away since. */
  async #namingRights(error: unknown, root: string | undefined, use: Use): Promise<unknown> {
    this.#rights.forget()
    if (error instanceof RapidfireError) return error
    const missing = await this.#rights.missing(root, use).catch(() => [])
    return missing.length > 0 ? forbidden(use, missing, '', error) : error
  }

  #send(
    name: FunctionName,
    root: string | undefined,
    args: Argument[],
    after: Argument[] | undefined,
    settings: Settings,
  ): Promise<unknown> {
    const { term, use } = settings
    const keys = keysOf(root)
    return this.#patiently(name, root, settings, async () => {
      const started = this.#loader.start()
      try {
        await started
        const sendAllowed = () => this.#loader.send(name, keys, args, after, term)
        const send = () => (this.#rights.has(root, use) ? sendAllowed() : this.#rights.check(root, use).then(sendAllowed))
        try {
          return await send()
        } catch (error) {
          if (gotNoAnswer(error) && !this.#isElsewhere(error)) throw error
          return await this.#again(error, started, send, term)
        }
      } catch (error) {
        if (term) term.why = error
        throw error
      }
    })
  }

  /** Attempts something, and again for as long as Redis does not answer and that may be done. */
  async #patiently<Result>(
    name: FunctionName,
    root: string | undefined,
    settings: Settings,
    attempt: () => Promise<Result>,
  ): Promise<Result> {
    try {
      try {
        return await attempt()
      } catch (error) {
        return await patiently(error, attempt, this.#patience(settings))
      }
    } catch (failure) {
      const error = isForbidden(failure) ? await this.#namingRights(failure, root, settings.use) : failure
      if (isMissing(error)) throw notLoaded(`has no rapidfire_${name}`, error)
      if (!(error instanceof Unanswered)) throw this.#told(error, name)
      throw unavailable(this.connection.address, name, error, true)
    }
  }

  /** What is told of an error of Redis, or of the client. */
  #told(error: unknown, name: FunctionName): RapidfireError {
    const refused = isAbsent(error) && /\bfcall/i.test((error as Error).message)
    const { lines } = this.#library
    return refused ? noFunctions(error) : toRapidfireError(error, `rapidfire_${name}`, { lines, address: this.connection.address })
  }

  #patience({ once, patience, term }: Settings): Patience {
    const { cluster, patience: usual } = this.connection
    if (term) return { ...usual, once, patience: term.left }
    if (usual.patience !== undefined) return { ...usual, once, patience: patience ?? usual.patience }
    // A client of the caller's sends again by itself, or does not. Only the start is up to us: it asks the nodes of a cluster one by one.
    return { ...usual, once: true, patience: cluster ? RETRY_FOR : 0 }
  }

  /** Whether another node of the cluster is, or will be, the one to ask. */
  #isElsewhere(error: unknown): boolean {
    return this.connection.cluster && isPassing(error)
  }

  /**
   * Tries again what was refused and not done: the functions are missing on that server, or older than ours, or, in a cluster, it is not the
   * one that serves the key now, as happens while slots are moved or a primary is replaced. The next one may have no functions either.
   */
  async #again(failure: unknown, started: Promise<void>, call: () => Promise<unknown>, term: Term | undefined): Promise<unknown> {
    const { cluster } = this.connection
    let renewed = false
    const until = performance.now() + (cluster ? Math.min(RETRY_FOR, term?.left ?? RETRY_FOR) : 0)
    let [pause, longest] = PAUSES as [number, number]
    for (let error = failure; ; pause = Math.min(2 * pause, longest)) {
      if (isMissing(error)) {
        this.#rights.forget()
        // Of all calls that find the functions missing, the first starts anew and the others wait for it.
        started = this.#loader.restart(started)
        await started
      } else if (!renewed && isUnknownArgument(error)) {
        renewed = true
        if (!(await this.renew(started))) throw error
      } else if (this.#isElsewhere(error)) await this.connection.refresh()
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

  /**
   * Waits for what is under way, then closes the connection if it is our own.
   *
   * @param timeout ms; then the connection is closed all the same
   */
  async close(timeout?: number): Promise<void> {
    const closing = this.underway.close(() => this.connection.close())
    if (timeout === undefined) return closing
    const term = new Term(timeout)
    await term
      .within(
        () => closing,
        () => new Late(timeout, undefined),
      )
      .catch((error) => {
        if (!(error instanceof Late)) throw error
        this.connection.end()
      })
  }
}

/** @param sent whether Redis may have heard of it */
function unavailable(address: string, name: FunctionName, error: Error, sent: boolean): RapidfireError {
  const may = !sent || READS.has(name) ? '' : `; it may have been ${name === 'add' ? 'stored' : 'done'} all the same`
  return new RapidfireError('UNAVAILABLE', cannotBeUsed(address, error.message + may), { command: `rapidfire_${name}`, cause: error })
}

const keysOf = (root: string | undefined) => (root === undefined ? [] : [root])

const textOf = (error: unknown) => (error instanceof Error ? error.message : '')

// Refusals of a server that is not, or not yet, the one to ask: nothing was done. The last one is what ioredis makes of too many of them.
const isPassing = (error: unknown) =>
  /^(MOVED|ASK|TRYAGAIN|CLUSTERDOWN|LOADING|READONLY|MASTERDOWN)\b|^Too many Cluster redirections/.test(textOf(error))

const isUnknownArgument = (error: unknown) => /^RAPIDFIRE_UNKNOWN_ARGUMENT /.test(textOf(error))
