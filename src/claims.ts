import { inspect } from 'node:util'
import { type Batch, decodeBatch, keyBytes } from './batch.ts'
import type { Calls } from './calls.ts'
import { Coalescer } from './coalescer.ts'
import { COMMANDS } from './commands.ts'
import { RapidfireError } from './errors.ts'
import { type Forwarded, type RootForwardOptions, soonest } from './forwarder.ts'
import { byRoot, type CallRoot, type Partitioning, rootKey, rootOfBatch } from './layout.ts'
import type { Claimed, ClaimOptions, FailOptions, RootClaimOptions } from './options.ts'

/** The batches of a queue on their way from Redis and back: each call goes to the root that a batch is in. */
export class Claims<T> {
  readonly #queue: string
  readonly #calls: Calls
  readonly #call: CallRoot
  readonly #partitioning: Partitioning
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

  /** Claims from all roots in turn. */
  async claimReady(options: ClaimOptions): Promise<Claimed<T>> {
    const parts: Claimed<T>[] = []
    let left = options.limit ?? 10
    for (const { root, drain } of await this.turns()) {
      const part = await this.claim({ ...options, limit: left, root, drain })
      parts.push(part)
      left -= part.batches.length
      if (left === 0) break
    }
    return { now: Math.max(...parts.map(({ now }) => now)), next: soonest(parts), batches: parts.flatMap(({ batches }) => batches) }
  }

  async claim(options: RootClaimOptions): Promise<Claimed<T>> {
    const { root, limit = 10, lease = 30_000, attempts = 5, ...rest } = options
    const args = () => COMMANDS.claim_ready.args({ limit, lease, attempts, ...rest, generation: this.#partitioning.generation })
    const { now, next, claims } = await this.#onRoot(options, () => this.#call(root, 'claim_ready', args(), COMMANDS.claim_ready.reply))
    const batches: Batch<T>[] = []
    for (const claim of claims) {
      try {
        batches.push(decodeBatch<T>(claim))
      } catch (error) {
        await this.#call(root, 'fail', COMMANDS.fail.args({ ...claim, delay: 1000, attempts, error: String(error) }), COMMANDS.fail.reply)
      }
    }
    return { now, next, batches }
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

  forward(stream: string, { root, limit = 100, maxLength = 100_000, ...rest }: RootForwardOptions): Promise<Forwarded> {
    const args = () => COMMANDS.forward.args({ stream, limit, longest: maxLength, ...rest, generation: this.#partitioning.generation })
    return this.#onRoot({ root, drain: rest.drain }, () => this.#call(root, 'forward', args(), COMMANDS.forward.reply))
  }

  complete(batch: Batch<T>): Promise<'completed' | 'lost'> {
    const root = rootOfBatch(this.#queue, batch.id)
    let completions = this.#completions.get(root)
    if (!completions) {
      completions = new Coalescer((batches) =>
        this.#calls.run(() => this.#call(root, 'complete', COMMANDS.complete.args(batches.map(claimOf)), COMMANDS.complete.reply)),
      )
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
    const args = COMMANDS.fail.args({ ...claimOf(batch), delay, attempts, error: text, keep })
    return this.#call(rootOfBatch(this.#queue, batch.id), 'fail', args, COMMANDS.fail.reply)
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

const claimOf = (batch: Batch) => ({ key: keyBytes(batch), token: `${batch.id}:${batch.attempt}` })
