import type { AddResult } from './messages/results.ts'
import { inCallersWords } from './protocol/words.ts'
import type { LuaErrorCode } from './redis/generated/facts.ts'
import type { Summary } from './worker/summary.ts'

/** Every code of a `RapidfireError`: those the Lua functions return, and those that arise on this side. */
export type ErrorCode =
  | LuaErrorCode
  /** An option of the client or of a call is out of its range. */
  | 'BAD_OPTION'
  /** A queue name is empty, too long, or has braces or blanks. */
  | 'BAD_QUEUE'
  /** Data that JSON cannot carry, or that the schema refuses. */
  | 'BAD_DATA'
  /** The library is not in Redis and `load: 'never'` forbids loading it. */
  | 'NOT_LOADED'
  /** Redis is over `maxmemory`: nothing was stored. */
  | 'OUT_OF_MEMORY'
  /** Redis cannot be reached, or did not answer. */
  | 'UNAVAILABLE'
  /** Events were asked for, and the policy keeps none. */
  | 'NO_EVENTS'
  /** So many calls wait for Redis that no more are taken: this one was not sent. */
  | 'OVERLOADED'
  /** The client has been closed. */
  | 'CLOSED'
  /** Redis answered with an error that rapidfire does not know. */
  | 'SERVER'

/**
 * The one error class of rapidfire; `code` tells what happened.
 *
 * @example
 * try { await rapidfire.addMessage(key, data) } catch (error) {
 *   if (error instanceof RapidfireError && error.code === 'BACKLOG_FULL') return busy()
 *   throw error
 * }
 */
export class RapidfireError extends Error {
  override readonly name = 'RapidfireError'
  readonly code: ErrorCode
  /** The function or call that was refused, such as `rapidfire_add`. */
  readonly command: string | undefined

  constructor(code: ErrorCode, message: string, options: { command?: string; cause?: unknown } = {}) {
    super(withoutArguments(message), options.cause === undefined ? {} : { cause: bare(options.cause) })
    this.code = code
    this.command = options.command
  }
}

/** What Redis says to a command that it does not know quotes it. */
const withoutArguments = (message: string) => message.replace(/,? with args beginning with:.*/s, '')

/**
 * What may be seen of a failure. ioredis puts the command on its errors, with the password of AUTH, keys and texts, and Node a URL as a whole; both
 * are printed by whoever prints an error.
 */
export function bare(cause: unknown): unknown {
  if (!(cause instanceof Error) || cause instanceof RapidfireError || cause instanceof NoAnswer || isBare(cause)) return cause
  const { name, message, stack = '', code } = cause as NodeJS.ErrnoException
  const error = new Error(withoutArguments(message), cause.cause === undefined ? {} : { cause: bare(cause.cause) })
  Object.defineProperty(error, 'name', { value: name, configurable: true, writable: true })
  error.stack = stack.replace(message, () => error.message)
  return code === undefined ? error : Object.assign(error, { code })
}

const SEEN = ['name', 'message', 'stack', 'code', 'cause']

const isBare = (error: Error): boolean =>
  Object.getOwnPropertyNames(error).every((name) => SEEN.includes(name)) &&
  withoutArguments(error.message) === error.message &&
  bare(error.cause) === error.cause

/** Redis has said nothing: what the kinds of that have in common. What is beneath may be seen. */
export class NoAnswer extends Error {
  constructor(message: string, why: unknown) {
    super(message, why === undefined ? {} : { cause: bare(why) })
  }
}

/** Thrown by `addMessages` when Redis refused some of the messages; the others were stored. */
export class RefusedMessagesError extends RapidfireError {
  /** One entry per message, in order: its result, or why it was refused. */
  readonly results: readonly (AddResult | RapidfireError)[]

  constructor(first: RapidfireError, results: readonly (AddResult | RapidfireError)[]) {
    const at = results.indexOf(first)
    const refused = results.filter((result) => result instanceof RapidfireError).length
    super(first.code, `message ${at + 1} of ${results.length}: ${first.message} (${refused} refused, ${results.length - refused} taken)`, {
      cause: first,
      ...(first.command === undefined ? {} : { command: first.command }),
    })
    this.results = results
  }
}

/** Thrown by `requeue` when some of the dead batches could not be put back as a whole: these are dead still. */
export class RefusedBatchesError extends RapidfireError {
  /** One entry per id, in order: what became of the batch, or why it is dead still. A `RefusedMessagesError` tells of its messages. */
  readonly results: readonly ('requeued' | 'unknown' | RapidfireError)[]

  constructor(first: RapidfireError, results: readonly ('requeued' | 'unknown' | RapidfireError)[]) {
    const dead = results.filter((result) => result instanceof RapidfireError).length
    const text = `batch ${results.indexOf(first) + 1} of ${results.length}: ${first.message} (${dead} still dead, ${results.length - dead} done)`
    super(first.code, text, { cause: first, ...(first.command === undefined ? {} : { command: first.command }) })
    this.results = results
  }
}

/**
 * Thrown by `processPendingBatches` when something failed that is not a handler: a root of the queue could not be asked, or the end of a
 * batch not be told. Everything else that was due has been handled, as `summary` says.
 */
export class ProcessingError extends RapidfireError {
  /** What was done all the same. */
  readonly summary: Summary

  constructor(first: unknown, failures: number, summary: Summary) {
    const known = first instanceof RapidfireError ? first : undefined
    const others = failures > 1 ? `, further failures: ${failures - 1}` : ''
    // What is no error of ours was thrown by `backoff`.
    super(
      known?.code ?? 'BAD_OPTION',
      `${first instanceof Error ? first.message : String(first)} (batches handled: ${summary.batches}${others})`,
      { cause: first, ...(known?.command === undefined ? {} : { command: known.command }) },
    )
    this.summary = summary
  }
}

/** Errors of Redis that tell of its state and not of the call. */
const PASSING = new Set(['LOADING', 'BUSY', 'READONLY', 'MASTERDOWN', 'NOREPLICAS', 'MISCONF', 'CLUSTERDOWN', 'TRYAGAIN', 'MOVED', 'ASK'])

export const cannotBeUsed = (address: string | undefined, why: string) =>
  `Redis${address === undefined ? '' : ` at ${address}`} cannot be used: ${why}`

/** What to do about NOAUTH, which Redis says in words of its protocol. */
export const needsPassword = (address: string | undefined) =>
  `NOAUTH Redis${address === undefined ? '' : ` at ${address}`} needs a password: give it in the URL, as in redis://:password@host:6379, ` +
  'or as the option password'

/** What a client says of a failure, in words that lead somewhere. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const retries = /^Reached the max retries .*\(which is (\d+)\)/.exec(error.message)?.[1]
  // With 0 the retries are ours: it would send the reader to an option that is not in use.
  if (retries === '0') return 'the connection was lost'
  if (retries) return `no connection in ${Number(retries) + 1} attempts, the maxRetriesPerRequest of your client and one`
  // Both addresses of a host name can fail: then the error has a code and no text.
  return error.message || (error as NodeJS.ErrnoException).code || String(error)
}

type Lines = readonly (readonly [number, string])[]

/** What an error of Redis may say of itself: `lines` maps a line of the Lua build to its file, `address` is where Redis is. */
interface Surroundings {
  lines?: Lines
  address?: string | undefined
}

/** Turns what a Redis client threw into a `RapidfireError`. */
export function toRapidfireError(error: unknown, command: string, { lines = [], address }: Surroundings = {}): RapidfireError {
  if (error instanceof RapidfireError) return error
  const text = error instanceof Error ? error.message : String(error)
  const refusal = /^RAPIDFIRE_([A-Z_]+) (.*)/s.exec(text)
  if (refusal) return new RapidfireError(refusal[1] as LuaErrorCode, inCallersWords(refusal[2] ?? ''), { command, cause: error })
  if (/^OOM /.test(text) || /-OOM /.test(text)) {
    return new RapidfireError('OUT_OF_MEMORY', `Redis is over maxmemory: ${text}`, { command, cause: error })
  }
  // Each error of Redis begins with a word in capitals, and none of a client does. Class names do not survive a minifying bundler.
  const word = /^([A-Z]{2,})\b/.exec(text)?.[1]
  if (!word || PASSING.has(word)) {
    return new RapidfireError('UNAVAILABLE', cannotBeUsed(address, reasonOf(error)), { command, cause: error })
  }
  if (word === 'NOAUTH') return new RapidfireError('SERVER', needsPassword(address), { command, cause: error })
  const line = Number(/user_(?:function|script):(\d+)/.exec(text)?.[1])
  const start = lines.findLast(([first]) => first <= line)
  const place = start ? ` (${start[1]}:${line - start[0] + 1})` : ''
  return new RapidfireError('SERVER', `${text}${place}`, { command, cause: error })
}
