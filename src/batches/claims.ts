import { inspect } from 'node:util'
import { RapidfireError } from '../errors.ts'
import { Coalescer } from '../messages/coalescer.ts'
import type { Claimed, ClaimOptions, FailOptions, RootClaimed, RootClaimOptions } from '../options.ts'
import { byRoot, type CallRoot, type Partitioning, rootKey, rootOfBatch } from '../partitions/layout.ts'
import { COMMANDS, withNonce } from '../protocol/commands.ts'
import { Nonces, nonceText } from '../protocol/nonces.ts'
import type { Calls } from '../redis/calls.ts'
import type { Argument } from '../redis/connection.ts'
import type { FunctionName } from '../redis/generated/facts.ts'
import { OPTIONS } from '../redis/generated/limits.ts'
import { type Forwarded, type RootForwardOptions, soonest } from '../worker/forwarder.ts'
import { type Batch, decodeBatch, keyBytes } from './batch.ts'

/** For how long the end of a batch is told again when Redis does not answer, ms. */
const PATIENCE = 30_000
const TOLD = new Set<FunctionName>(['complete', 'fail', 'release'])

/** The batches of a queue on their way from Redis and back: each call goes to the root that a batch is in. */
export class Claims<T> {
  readonly #queue: string
  readonly #calls: Calls
  readonly #call: CallRoot
  readonly #partitioning: Partitioning
  readonly #nonces = new Nonces()
  /** By root. */
  readonly #completions = new Map<string, Coalescer<Batch<T>, 'completed' | 'lost'>>()

  constructor(queue: string, calls: Calls, partitioning: Partitioning) {
    this.#queue = queue
    this.#calls = calls
    this.#call = (root, name, args, reply) => calls.call(root, name, args, reply)
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
    let left = options.limit ?? OPTIONS.claimed.default
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
  async claim(options: RootClaimOptions): Promise<RootClaimed<T>> {
    const { root, limit = OPTIONS.claimed.default, lease = OPTIONS.lease.default, attempts = OPTIONS.attempts.default, ...rest } = options
    const args = () => COMMANDS.claim_ready.args({ limit, lease, attempts, ...rest, generation: this.#partitioning.generation })
    const { now, next, claims, repeats } = await this.#onRoot(options, () =>
      this.#takeUp(root, 'claim_ready', args(), COMMANDS.claim_ready.reply),
    )
    const batches = claims.map((claim) => decodeBatch<T>(claim))
    // The earlier claim may have had a higher limit.
    await Promise.allSettled(batches.splice(limit).map((batch) => this.release(batch)))
    return { now, next, batches, repeats }
  }

  /** A root that has missed a change of partitions refuses: it is restored, and called again. */
  async #onRoot<Output>({ root, drain }: { root: string; drain?: boolean | undefined }, call: () => Promise<Output>): Promise<Output> {
    try {
      return await call()
    } catch (error) {
      if (!(error instanceof RapidfireError && error.code === 'REPARTITIONED')) throw error
      if (!(await this.#partitioning.isRestored(root, drain === true))) throw error
      return await call()
    }
  }

  forward(stream: string, options: RootForwardOptions): Promise<Forwarded> {
    const { root, limit = OPTIONS.forwarded.default, maxLength = OPTIONS.entries.default, ...rest } = options
    const args = () => COMMANDS.forward.args({ stream, limit, longest: maxLength, ...rest, generation: this.#partitioning.generation })
    return this.#onRoot({ root, drain: rest.drain }, () => this.#takeUp(root, 'forward', args(), COMMANDS.forward.reply))
  }

  /** A call that takes what is due: one whose answer has not come is made again by the next one. */
  async #takeUp<Output>(
    root: string,
    name: FunctionName,
    args: Argument[],
    reply: (raw: unknown) => Output,
  ): Promise<Output & { repeats: boolean }> {
    const pool = `${root} ${name}`
    const nonce = this.#nonces.take(pool)
    const { repeats } = nonce
    let answered = false
    try {
      const result = await this.#call(root, name, withNonce(name, args, nonceText(nonce)), reply)
      answered = true
      return { ...result, repeats }
    } finally {
      this.#nonces.giveBack(pool, nonce, answered)
    }
  }

  complete(batch: Batch<T>): Promise<'completed' | 'lost'> {
    const root = rootOfBatch(this.#queue, batch.id)
    let completions = this.#completions.get(root)
    if (!completions) {
      completions = new Coalescer((batches) =>
        this.#calls.run(() => this.repeatable(root, 'complete', COMMANDS.complete.args(batches.map(claimOf)), COMMANDS.complete.reply)),
      )
      this.#completions.set(root, completions)
    }
    return completions.add(batch)
  }

  fail(batch: Batch<T>, options: FailOptions<T>): Promise<'retry' | 'dead' | 'lost'> {
    const { error = '', delay = OPTIONS.delay.default, attempts = OPTIONS.attempts.default, messages } = options
    const keep = messages
      ?.map((message) => batch.messages.indexOf(message) + 1)
      .sort((a, b) => a - b)
      .join(',')
    // Anything can be thrown. 1000 UTF-16 units are at most 3000 bytes; the function takes 4096.
    const text = (error instanceof Error ? String(error.message) : typeof error === 'string' ? error : inspect(error)).slice(0, 1000)
    const args = COMMANDS.fail.args({ ...claimOf(batch), delay, attempts, error: text, keep })
    return this.repeatable(rootOfBatch(this.#queue, batch.id), 'fail', args, COMMANDS.fail.reply)
  }

  release(batch: Batch<T>, { reason }: { reason?: string } = {}): Promise<'released' | 'lost'> {
    // 80 UTF-16 units are at most 240 bytes; the function takes 256.
    const args = COMMANDS.release.args({ ...claimOf(batch), reason: reason?.slice(0, 80) })
    return this.repeatable(rootOfBatch(this.#queue, batch.id), 'release', args, COMMANDS.release.reply)
  }

  /**
   * Calls a function of a root so that the call can be made again when its answer does not come: then it says what the first one did. Functions
   * that know no NONCE are called as they are.
   */
  readonly repeatable: CallRoot = async (root, name, args, reply) => {
    const pool = `${root} ${name}`
    const nonce = this.#nonces.take(pool)
    const patience = TOLD.has(name) ? { patience: PATIENCE } : {}
    try {
      return await this.#calls.call(root, name, withNonce(name, args, nonceText(nonce)), reply, patience)
    } finally {
      // The next call has other arguments. It must not be told what this one did, whether this one was answered or not.
      this.#nonces.giveBack(pool, nonce, true)
    }
  }

  extend(batches: readonly Batch<T>[], lease: number): Promise<{ status: 'extended' | 'lost'; queued: number }[]> {
    return this.onRoots(
      batches,
      ({ id }) => id,
      (root, some) => this.#call(root, 'extend', COMMANDS.extend.args({ lease, claims: some.map(claimOf) }), COMMANDS.extend.reply),
    )
  }

  /** Calls each root with those items whose batches are there. */
  onRoots<Item, Result>(
    items: readonly Item[],
    batchId: (item: Item) => string,
    call: (root: string, items: Item[]) => Promise<Result[]>,
  ): Promise<Result[]> {
    // Without items the root of the queue says what was expected.
    if (items.length === 0) return call(rootKey(this.#queue), [])
    return byRoot(items, (item) => rootOfBatch(this.#queue, batchId(item)), call)
  }

  /** Sends what waits for the end of the tick. */
  flush(): void {
    for (const completions of this.#completions.values()) completions.flush()
  }
}

const claimOf = (batch: Batch) => ({ key: keyBytes(batch), token: batch.token })
