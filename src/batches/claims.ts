import { inspect } from 'node:util'
import { RapidfireError } from '../errors.ts'
import { checkNames, kindOf, type Names } from '../given.ts'
import type { Partitioning } from '../partitions/change.ts'
import { within } from '../partitions/layout.ts'
import { byRoot, inTurn, isRootOf, rootKey } from '../partitions/roots.ts'
import { askAgain } from '../protocol/again.ts'
import type { NamedCompletion, NamedFailure, NamedRelease, Watching } from '../protocol/arguments.ts'
import type { Output } from '../protocol/calls.ts'
import type { Cause } from '../protocol/replies.ts'
import type { Caller } from '../redis/caller.ts'
import { LIMITS, OPTIONS } from '../redis/generated/limits.ts'
import { type Batch, decodeBatch, keyOf, type Message } from './batch.ts'
import { bytesOfCompletion, type CompleteOptions, completionOf, weightOfCompletion } from './completion.ts'
import { Ends } from './ends.ts'

export interface ClaimOptions {
  /** At most this many batches, 1 to 1000. @default 10 */
  limit?: number
  /** ms, 1 to a day, until a batch that is neither completed nor failed is handed out again. @default 30000 */
  lease?: number
  /** A batch whose lease ran out in this attempt is dead, 1 to 1000. @default 5 */
  attempts?: number
  /** Only what was due at this time, ms since 1970 in Redis time. @default now */
  before?: number | undefined
}

const CLAIM_OPTIONS: Names<ClaimOptions> = { limit: true, lease: true, attempts: true, before: true }

/** A claim of one root, for those who serve the roots of a queue in turn. */
export interface RootClaimOptions extends ClaimOptions {
  /** Root key of the queue or of one of its partitions. */
  root: string
  /** The worker that claims; see lua/lib/watch.lua. */
  watching?: Watching | undefined
  /** Whether the root is known to serve no more. */
  drain?: boolean | undefined
}

export interface Claimed<T> {
  /** The time in Redis, ms since 1970. */
  now: number
  /** When to look next, ms since 1970; 0 when nothing is pending. */
  next: number
  batches: Batch<T>[]
  /** Batches that are dead now: the lease of their last attempt had run out, or too many claims of them were never heard of again. */
  dead: DeadNow<T>[]
}

export interface DeadNow<T> {
  batch: Batch<T>
  cause: Cause
  error: string
}

export interface FailOptions<T> {
  /** Why; kept with a dead batch. */
  error?: unknown
  /** Pause before the next attempt, ms. @default 1000 */
  delay?: number
  /** A batch that fails in this attempt or a later one is dead. @default 5 */
  attempts?: number
  /** The messages of the batch that failed; the others are done. @default all */
  messages?: readonly Message<T>[]
}

const FAIL_OPTIONS: Names<FailOptions<unknown>> = { error: true, delay: true, attempts: true, messages: true }

/** A root that has not answered a claim for so long, ms, keeps nobody from asking the next one. */
const SILENT_AFTER = 250

/** What is told of a batch that has ended. */
type Told<Name extends 'complete' | 'fail' | 'release'> = Exclude<Output<Name>[number], Error | 'again'>

/** The batches of a queue on their way from Redis and back: each call goes to the root that a batch is in. */
export class Claims<T> {
  readonly #queue: string
  readonly #caller: Caller
  readonly #partitioning: Partitioning
  /** What has ended in one tick is told together, of each root. */
  readonly #completions: Ends<NamedCompletion, Told<'complete'>>
  readonly #failures: Ends<NamedFailure, Told<'fail'>>
  readonly #releases: Ends<NamedRelease, Told<'release'>>
  /** At which root the next claim from all of them begins. */
  #turn = 0

  constructor(queue: string, caller: Caller, partitioning: Partitioning) {
    this.#queue = queue
    this.#caller = caller
    this.#partitioning = partitioning
    const { underway, call } = caller
    const check = (root: string) => this.#check(root)
    this.#completions = new Ends<NamedCompletion, Told<'complete'>>({
      check,
      send: (root, batches) => underway.run(() => call(root, 'complete', batches)),
      bytesOf: bytesOfCompletion,
      weightOf: weightOfCompletion,
      most: LIMITS.pairs,
    })
    this.#failures = new Ends<NamedFailure, Told<'fail'>>({
      check,
      send: (root, batches) => underway.run(() => askAgain(batches, (some) => call(root, 'fail', some))),
      bytesOf: ({ error, keep = '' }) => error.length + keep.length,
      most: LIMITS.ends,
    })
    this.#releases = new Ends<NamedRelease, Told<'release'>>({
      check,
      send: (root, batches) => underway.run(() => call(root, 'release', batches)),
      most: LIMITS.ends,
    })
  }

  /**
   * Claims from all roots in turn, each time beginning with the next one, so that a flooded one does not starve the others. When a root refuses,
   * or is silent, what was claimed before is returned all the same. All of them together have the time of one call: one that is silent is
   * waited for beside the others.
   */
  claimReady(options: ClaimOptions): Promise<Claimed<T>> {
    return this.#caller.underway.run(async () => {
      checkNames('claimReady', options, CLAIM_OPTIONS)
      const { limit } = this.#caller.connection
      const until = limit && performance.now() + limit.ms
      const parts: Claimed<T>[] = []
      const failures: unknown[] = []
      let left = options.limit ?? OPTIONS.claimed.default
      let over = false
      const claim = async (turn: { root: string; drain: boolean }) => {
        try {
          const part = await this.claim({ ...options, limit: left, ...turn }, until)
          // Nobody waits for it any more, or others have brought as much meanwhile.
          await this.#giveBack(part.batches.splice(over ? 0 : left))
          left -= part.batches.length
          parts.push(part)
        } catch (error) {
          failures.push(error)
        }
      }
      const roots = inTurn(await this.#partitioning.roots())
      const first = this.#turn++ % roots.length
      const claims: Promise<void>[] = []
      const isSome = () => parts.some(({ batches }) => batches.length > 0)
      let silent = 0
      for (const turn of [...roots.slice(first), ...roots.slice(0, first)]) {
        const claiming = this.#caller.underway.finish(() => claim(turn))
        claims.push(claiming)
        // Those behind one that is silent may be on the same server: the more there are, the less is each waited for alone.
        const answered = await within(
          SILENT_AFTER / (1 + silent),
          claiming.then(() => true),
        )
        if (!answered) silent += 1
        // Leases run: whoever waits for a root that does not answer must not make these batches late.
        if (left === 0 || (isSome() && failures.length + silent > 0)) break
      }
      if (!isSome()) await Promise.all(claims)
      over = true
      const batches = parts.flatMap((part) => part.batches)
      const dead = parts.flatMap((part) => part.dead)
      if (failures.length > 0 && batches.length === 0) throw failures[0]
      const now = Math.max(...parts.map((part) => part.now))
      return { now, next: failures.length + silent > 0 ? now : soonest(parts), batches, dead }
    })
  }

  /**
   * A claim whose reply was lost is made again by the next one: it gets the same batches, and no attempt is used up.
   *
   * @param until when its time is over, if that has begun before
   */
  async claim(options: RootClaimOptions, until?: number): Promise<Claimed<T>> {
    const { root, limit = OPTIONS.claimed.default, lease = OPTIONS.lease.default, attempts = OPTIONS.attempts.default, ...rest } = options
    const { now, next, dead, claims } = await this.#partitioning.takeFrom(root, rest.drain === true, (generation) =>
      this.#caller.call(root, 'claim_ready', { limit, lease, attempts, ...rest, generation }, { until }),
    )
    const batches = claims.map((claim) => decodeBatch<T>(claim, root))
    // The earlier claim may have had a higher limit.
    await this.#giveBack(batches.splice(limit))
    return { now, next, batches, dead: dead.map(({ claim, ...why }) => ({ batch: decodeBatch<T>(claim, root), ...why })) }
  }

  /** Gives up the watch of a worker; see lua/lib/watch.lua. */
  leave(root: string, worker: string): Promise<Output<'leave'>> {
    return this.#caller.call(root, 'leave', { worker })
  }

  /** Says that a worker is there; the others that are there no more. */
  present(worker: string, rest: number): Promise<Output<'present'>> {
    return this.#caller.call(rootKey(this.#queue), 'present', { worker, rest })
  }

  complete(batch: Batch<T>, told: CompleteOptions = {}): Promise<Told<'complete'>> {
    if (typeof batch !== 'object' || batch === null) return Promise.reject(noBatch(batch))
    try {
      return this.#completions.add(batch.root, batch.archived ? { ...claimName(batch), ...completionOf(batch, told) } : claimName(batch))
    } catch (error) {
      return Promise.reject(error)
    }
  }

  async fail(batch: Batch<T>, options: FailOptions<T>): Promise<Told<'fail'>> {
    checkNames('fail', options, FAIL_OPTIONS)
    checkBatch(batch)
    const { error = '', delay = OPTIONS.delay.default, attempts = OPTIONS.attempts.default, messages } = options
    const keep = messages
      ?.map((message) => batch.messages.indexOf(message) + 1)
      .sort((a, b) => a - b)
      .join(',')
    // Anything can be thrown. 1000 UTF-16 units are at most 3000 bytes; the function takes 4096.
    const text = (error instanceof Error ? String(error.message) : typeof error === 'string' ? error : inspect(error)).slice(0, 1000)
    return this.#failures.add(batch.root, { ...claimName(batch), delay, attempts, error: text, keep })
  }

  async release(batch: Batch<T>, options: { reason?: string }): Promise<Told<'release'>> {
    checkNames('release', options, { reason: true })
    checkBatch(batch)
    const { reason } = options
    // 80 UTF-16 units are at most 240 bytes; the function takes 256.
    return this.#releases.add(batch.root, { ...claimName(batch), reason: reason?.slice(0, 80) })
  }

  /** What was claimed and is for nobody, also after `close`. */
  async #giveBack(batches: readonly Batch<T>[]): Promise<void> {
    const calls = Array.from({ length: Math.ceil(batches.length / LIMITS.ends) }, (_, n) => {
      const some = batches.slice(n * LIMITS.ends, (n + 1) * LIMITS.ends)
      return byRoot(
        some,
        ({ root }) => root,
        (root, those) => this.#caller.call(root, 'release', those.map(claimName)),
      )
    })
    await Promise.allSettled(calls)
  }

  extend(batches: readonly Batch<T>[], lease: number): Promise<Output<'extend'>> {
    const call = async (root: string, some: readonly Batch<T>[]) => {
      const calls = Array.from({ length: Math.max(1, Math.ceil(some.length / LIMITS.pairs)) }, (_, n) => {
        const claims = some.slice(n * LIMITS.pairs, (n + 1) * LIMITS.pairs).map(claimName)
        return this.#caller.call(root, 'extend', { lease, claims })
      })
      return (await Promise.all(calls)).flat()
    }
    return this.#caller.underway.run(async () => {
      if (!Array.isArray(batches)) throw new RapidfireError('BAD_ARGUMENT', `extend takes a list of batches, got ${kindOf(batches)}`)
      for (const batch of batches) checkBatch(batch)
      // Without batches the root of the queue says what was expected.
      if (batches.length === 0) return call(rootKey(this.#queue), batches)
      for (const { root } of batches) this.#check(root)
      return byRoot(batches, ({ root }) => root, call)
    })
  }

  /** @throws RapidfireError `BAD_ARGUMENT` */
  #check(root: string): void {
    if (isRootOf(this.#queue, root)) return
    const text = `a batch must be one that the queue '${this.#queue}' has handed over, or a copy of it; its root is '${root}'`
    throw new RapidfireError('BAD_ARGUMENT', text)
  }

  /** Sends what waits for the end of the tick. */
  flush(): void {
    for (const ends of [this.#completions, this.#failures, this.#releases]) ends.flush()
  }
}

const noBatch = (given: unknown) =>
  new RapidfireError('BAD_ARGUMENT', `a batch must be one that this queue has handed over, or a copy of it; got ${kindOf(given)}`)

function checkBatch(batch: Batch): void {
  if (typeof batch !== 'object' || batch === null) throw noBatch(batch)
}

const claimName = (batch: Batch) => ({ key: keyOf(batch), token: batch.token })

/** When to look next, of all that are pending; 0 when none is. */
export function soonest(parts: readonly { next: number }[]): number {
  const pending = parts.map(({ next }) => next).filter((next) => next > 0)
  return pending.length === 0 ? 0 : Math.min(...pending)
}
