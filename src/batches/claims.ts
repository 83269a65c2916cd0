import { inspect } from 'node:util'
import { RapidfireError } from '../errors.ts'
import { Coalescer } from '../messages/coalescer.ts'
import { byRoot, isRootOf, type Partitioning, rootKey } from '../partitions/layout.ts'
import type { Watching } from '../protocol/arguments.ts'
import type { Caller } from '../redis/caller.ts'
import { type Batch, decodeBatch, keyOf, type Message } from './batch.ts'
import { type Forwarded, type RootForwardOptions, soonest } from './forward.ts'

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

/** The batches of a queue on their way from Redis and back: each call goes to the root that a batch is in. */
export class Claims<T> {
  readonly #queue: string
  readonly #caller: Caller
  readonly #partitioning: Partitioning
  /** By root. */
  readonly #completions = new Map<string, Coalescer<Batch<T>, 'completed' | 'lost'>>()

  constructor(queue: string, caller: Caller, partitioning: Partitioning) {
    this.#queue = queue
    this.#caller = caller
    this.#partitioning = partitioning
  }

  /** The roots to claim from: what is left in those that serve no more comes first, for it is older. */
  async turns(): Promise<{ root: string; drain: boolean }[]> {
    const { serving, draining } = await this.#partitioning.roots()
    return [...draining.map((root) => ({ root, drain: true })), ...serving.map((root) => ({ root, drain: false }))]
  }

  /** Claims from all roots in turn. When a root refuses, what was claimed before is returned all the same. */
  async claimReady(options: ClaimOptions): Promise<Claimed<T>> {
    const parts: Claimed<T>[] = []
    const failures: unknown[] = []
    let left = options.limit ?? 10
    for (const { root, drain } of await this.turns()) {
      try {
        const part = await this.claim({ ...options, limit: left, root, drain })
        parts.push(part)
        left -= part.batches.length
      } catch (error) {
        failures.push(error)
      }
      // Leases run: whoever waits for a root that does not answer must not make these batches late.
      const some = parts.some(({ batches }) => batches.length > 0)
      if (left === 0 || (some && failures.length > 0)) break
    }
    const batches = parts.flatMap((part) => part.batches)
    if (failures.length > 0 && batches.length === 0) throw failures[0]
    const now = Math.max(...parts.map((part) => part.now))
    return { now, next: failures.length > 0 ? now : soonest(parts), batches }
  }

  /** A claim whose reply was lost is made again by the next one: it gets the same batches, and no attempt is used up. */
  async claim(options: RootClaimOptions): Promise<Claimed<T>> {
    const { root, limit = 10, lease = 30_000, attempts = 5, ...rest } = options
    const { now, next, claims } = await this.#onRoot(options, (generation) =>
      this.#caller.call(root, 'claim_ready', { limit, lease, attempts, ...rest, generation }),
    )
    const batches = claims.map((claim) => decodeBatch<T>(claim, root))
    // The earlier claim may have had a higher limit.
    await Promise.allSettled(batches.splice(limit).map((batch) => this.release(batch)))
    return { now, next, batches }
  }

  /** Moves what is due in one root into a stream; repeated in the same way. */
  forward(stream: string, { root, limit = 100, maxLength = 100_000, ...rest }: RootForwardOptions): Promise<Forwarded> {
    return this.#onRoot({ root, drain: rest.drain }, (generation) =>
      this.#caller.call(root, 'forward', { stream, limit, maxLength, ...rest, generation }),
    )
  }

  /** A root that has missed a change of partitions refuses: it is restored, and called again. */
  async #onRoot<Result>(
    { root, drain }: { root: string; drain?: boolean | undefined },
    call: (generation: number) => Promise<Result>,
  ): Promise<Result> {
    try {
      return await call(this.#partitioning.generation)
    } catch (error) {
      if (!(error instanceof RapidfireError && error.code === 'REPARTITIONED')) throw error
      if (!(await this.#partitioning.isRestored(root, drain === true))) throw error
      return await call(this.#partitioning.generation)
    }
  }

  complete(batch: Batch<T>): Promise<'completed' | 'lost'> {
    const { root } = batch
    let completions = this.#completions.get(root)
    if (!completions) {
      if (!isRootOf(this.#queue, root)) return Promise.reject(this.#foreign(root))
      completions = new Coalescer((batches) => this.#caller.underway.run(() => this.#caller.call(root, 'complete', batches.map(claimName))))
      this.#completions.set(root, completions)
    }
    return completions.add(batch)
  }

  fail(batch: Batch<T>, options: FailOptions<T>): Promise<'retry' | 'dead' | 'lost'> {
    const { error = '', delay = 1000, attempts = 5, messages } = options
    const keep = messages
      ?.map((message) => batch.messages.indexOf(message) + 1)
      .sort((a, b) => a - b)
      .join(',')
    // Anything can be thrown. 1000 UTF-16 units are at most 3000 bytes; the function takes 4096.
    const text = (error instanceof Error ? String(error.message) : typeof error === 'string' ? error : inspect(error)).slice(0, 1000)
    const input = { ...claimName(batch), delay, attempts, error: text, keep }
    return this.#caller.call(this.#rootOf(batch), 'fail', input)
  }

  release(batch: Batch<T>, { reason }: { reason?: string } = {}): Promise<'released' | 'lost'> {
    // 80 UTF-16 units are at most 240 bytes; the function takes 256.
    const input = { ...claimName(batch), reason: reason?.slice(0, 80) }
    return this.#caller.call(this.#rootOf(batch), 'release', input)
  }

  async extend(batches: readonly Batch<T>[], lease: number): Promise<{ status: 'extended' | 'lost'; queued: number }[]> {
    // Without batches the root of the queue says what was expected.
    if (batches.length === 0) return this.#caller.call(rootKey(this.#queue), 'extend', { lease, claims: [] })
    return byRoot(
      batches,
      (batch) => this.#rootOf(batch),
      (root, some) => this.#caller.call(root, 'extend', { lease, claims: some.map(claimName) }),
    )
  }

  /** @throws RapidfireError `BAD_ARGUMENT` */
  #rootOf({ root }: Batch<T>): string {
    if (isRootOf(this.#queue, root)) return root
    throw this.#foreign(root)
  }

  #foreign(root: string): RapidfireError {
    const text = `a batch must be one that the queue '${this.#queue}' has handed over, or a copy of it; its root is '${root}'`
    return new RapidfireError('BAD_ARGUMENT', text)
  }

  /** Sends what waits for the end of the tick. */
  flush(): void {
    for (const completions of this.#completions.values()) completions.flush()
  }
}

const claimName = (batch: Batch) => ({ key: keyOf(batch), token: batch.token })
