import { inspect } from 'node:util'
import { type Batch, decodeBatch, keyBytes } from './batch.ts'
import { Binding, type BindingOptions } from './binding.ts'
import { Coalescer } from './coalescer.ts'
import { COMMANDS, type MessageOptions, type OutgoingMessage, type Peek, type Policy } from './commands.ts'
import { type Argument, type Connection, connect, type RedisInput } from './connection.ts'
import { type AddResult, RapidfireError, RefusedMessagesError, toRapidfireError } from './errors.ts'
import { type FunctionName, type LibrarySource, SOURCE } from './generated/library.ts'
import { bytesOf, outgoing } from './outgoing.ts'
import { type Handler, Processor, type ProcessorOptions } from './processor.ts'
import { type Schema, validated } from './schema.ts'
import { readStats, type Stats } from './stats.ts'

export interface RapidFireOptions<T, Input = T> extends BindingOptions {
  /** A URL, ioredis options, or an ioredis client or Cluster of your own, which `close` leaves open. @default 'redis://127.0.0.1:6379' */
  redis?: RedisInput
  /** Name of the queue: 1 to 128 characters, no braces or blanks. @default 'default' */
  queue?: string
  /**
   * Written to Redis on the first call; without it, or for members left out, what is stored there holds. A bad one is refused then,
   * with `BAD_POLICY`, by each call.
   */
  policy?: Partial<Policy>
  /**
   * Checks each message on the way in and may transform it; what it returns must be something that JSON can carry.
   * With one that is asynchronous, a message may overtake an earlier one of its key whose `addMessage` has not been awaited.
   */
  schema?: Schema<T, Input>
}

/** A message for `addMessages`. */
export interface NewMessage<T> extends MessageOptions {
  /** The conversation: 1 to 1024 bytes. */
  key: string
  /** Anything that JSON can carry. */
  data: T
}

/** What one call of `processPendingBatches` did. */
export interface Summary {
  /** Batches handled. */
  batches: number
  messages: number
  completed: number
  /** Failed and to be tried again. */
  retry: number
  /** Failed for the last time. */
  dead: number
  /** Their lease ran out before they were done: they are handed out again. */
  lost: number
}

export interface ProcessOptions extends ProcessorOptions {
  /** At most this many batches. @default all that are due */
  limit?: number
}

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

export interface Claimed<T> {
  /** The time in Redis, ms since 1970. */
  now: number
  /** When to look next, ms since 1970; 0 when nothing is pending. */
  next: number
  batches: Batch<T>[]
}

/**
 * One queue: adds messages, and hands over the batches that have become ready. `T` is what batches carry, `Input` what is added; they
 * differ when a schema transforms.
 *
 * @example
 * const rapidfire = new RapidFire({ redis: 'redis://127.0.0.1:6379', queue: 'whatsapp', policy: { wait: 10_000 } })
 * await rapidfire.addMessage('79001234567', { text: 'Hi' }, { id: 'wamid.1' })
 * await rapidfire.processPendingBatches(async (batch) => answer(batch.key, joinText(batch)))
 * await rapidfire.close()
 */
export class RapidFire<T = unknown, Input = T> {
  readonly queue: string
  readonly #connection: Connection
  readonly #binding: Binding
  readonly #schema: Schema<T, unknown> | undefined
  readonly #keys: [string]
  readonly #adds: Coalescer<OutgoingMessage, AddResult>
  readonly #completions: Coalescer<Batch<T>, 'completed' | 'lost'>
  readonly #underway = new Set<Promise<unknown>>()
  #closed: Promise<void> | undefined

  /**
   * Connects on the first call.
   *
   * @param source another build of the Lua files; for tests
   * @throws RapidfireError `BAD_QUEUE`, `BAD_OPTION`
   */
  constructor(options: RapidFireOptions<T, Input> = {}, source: LibrarySource = SOURCE) {
    this.queue = options.queue ?? 'default'
    if (typeof this.queue !== 'string' || !/^[^{}\s]{1,128}$/u.test(this.queue)) {
      throw new RapidfireError(
        'BAD_QUEUE',
        `a queue name must have 1 to 128 characters without braces and blanks, got '${String(this.queue)}'`,
      )
    }
    if (options.schema !== undefined && typeof options.schema?.['~standard']?.validate !== 'function') {
      throw new RapidfireError('BAD_OPTION', 'schema must be a Standard Schema, such as one of zod, valibot or arktype')
    }
    this.#keys = [`rapid-fire:{${this.queue}}`]
    this.#schema = options.schema
    this.#connection = connect(options.redis ?? 'redis://127.0.0.1:6379')
    const policy = Object.keys(options.policy ?? {}).length > 0 ? options.policy : undefined
    this.#binding = new Binding(
      this.#connection,
      options,
      async (call) => policy && call('policy', this.#keys, COMMANDS.policy.args(policy)),
      source,
    )
    this.#adds = new Coalescer<OutgoingMessage, AddResult>(async (messages) => {
      const results = await this.#call('add', COMMANDS.add.args(messages), COMMANDS.add.reply)
      return results.map((result) => (result instanceof Error ? toRapidfireError(result, 'rapidfire_add') : result))
    }, bytesOf)
    this.#completions = new Coalescer((batches) =>
      this.#call('complete', COMMANDS.complete.args(batches.map(claimOf)), COMMANDS.complete.reply),
    )
  }

  /**
   * Stores a message; the batch of its key is ready when the person has been quiet for `wait`.
   *
   * @param key the conversation: 1 to 1024 bytes
   * @throws RapidfireError `BAD_KEY`, `BAD_ID`, `BAD_DATA`, `BAD_ARGUMENT`, `MESSAGE_TOO_LARGE`, `BACKLOG_FULL`, `OUT_OF_MEMORY`,
   * `UNAVAILABLE`: it may have been stored all the same, so add it again with the same id
   * @example await rapidfire.addMessage('79001234567', { text: 'Hi' }, { id: 'wamid.1' }) // { status: 'added', size: 1 }
   */
  addMessage(key: string, data: Input, options: MessageOptions = {}): Promise<AddResult> {
    const schema = this.#schema
    if (schema) return validated(schema, data).then((value) => this.#adds.add(outgoing(key, value, options)))
    // Not an async function: those cost a promise and three turns of the microtask queue more.
    try {
      return this.#adds.add(outgoing(key, data, options))
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /**
   * Stores many messages; one result per message, in order.
   *
   * @throws RefusedMessagesError when Redis refused some; its `results` tell which, the others are stored
   * @throws RapidfireError `BAD_KEY`, `BAD_ID`, `BAD_DATA` before anything is sent
   * @example await rapidfire.addMessages([{ key: 'ann', data: { text: 'Hi' } }, { key: 'bob', data: { text: 'Hello' }, id: '7' }])
   */
  async addMessages(messages: readonly NewMessage<Input>[]): Promise<AddResult[]> {
    const schema = this.#schema
    const data: unknown[] = schema
      ? await Promise.all(messages.map((message) => validated(schema, message.data)))
      : messages.map((message) => message.data)
    const results = (await this.#adds.addAll(messages.map((message, n) => outgoing(message.key, data[n], message)))) as (
      | AddResult
      | RapidfireError
    )[]
    const refused = results.find((result) => result instanceof RapidfireError)
    if (refused) throw new RefusedMessagesError(refused, results)
    return results as AddResult[]
  }

  /**
   * Handles every batch that is due now, once, and returns when the last one is done. Call it from a timer, a cron job or a test; for a
   * process that does nothing else there is `rapidfire.worker`.
   *
   * @throws RapidfireError `BAD_OPTION`, `UNAVAILABLE`; what a handler throws stays with its batch
   */
  async processPendingBatches(handler: Handler<T>, options: ProcessOptions = {}): Promise<Summary> {
    const summary: Summary = { batches: 0, messages: 0, completed: 0, retry: 0, dead: 0, lost: 0 }
    const errors: unknown[] = []
    const processor = new Processor(this, handler, options, {
      settled: (outcome, batch) => {
        summary[outcome] += 1
        summary.batches += 1
        summary.messages += batch.messages.length
      },
      idle: () => {},
      failed: (error) => errors.push(error),
    })
    await processor.drain(options.limit)
    if (errors.length > 0) throw errors[0]
    return summary
  }

  /**
   * The messages, state and true deadline of a key.
   *
   * @param limit at most this many messages, 1 to 1000; 100 by default
   * @throws RapidfireError `BAD_KEY`, `BAD_ARGUMENT`; `BAD_DATA` when another program has put in a message that is not JSON
   * @example (await rapidfire.peek('79001234567')).deadline // 1790000010000
   */
  async peek(key: string, limit?: number): Promise<Peek<T>> {
    return (await this.#call('peek', COMMANDS.peek.args({ key, limit }), COMMANDS.peek.reply)) as Peek<T>
  }

  /** Figures of the queue, at a cost that does not depend on its size. */
  async getStats(): Promise<Stats> {
    return readStats(this.queue, await this.#call('stats', [], COMMANDS.stats.reply))
  }

  /**
   * The stored policy, after storing `changes`, which hold for every process at once.
   *
   * @throws RapidfireError `BAD_POLICY`, `UNKNOWN_ARGUMENT`
   * @example await rapidfire.policy({ wait: 5000 }) // { wait: 5000, maxWait: 60000, … }
   */
  policy(changes: Partial<Policy> = {}): Promise<Policy> {
    return this.#call('policy', COMMANDS.policy.args(changes), COMMANDS.policy.reply)
  }

  /** The version of the Lua library that answers. */
  version(): Promise<string> {
    return this.#call('version', [], COMMANDS.version.reply, [])
  }

  /**
   * Takes ready batches under a lease, for callers that handle them in their own way: each must be completed or failed.
   * A batch with a message that is not JSON is failed at once and not returned.
   *
   * @throws RapidfireError `BAD_ARGUMENT`
   * @example const { batches } = await rapidfire.claimReady({ limit: 50 })
   */
  async claimReady(options: ClaimOptions = {}): Promise<Claimed<T>> {
    const { limit = 10, lease = 30_000, attempts = 5, before } = options
    const { now, next, claims } = await this.#call(
      'claim_ready',
      COMMANDS.claim_ready.args({ limit, lease, attempts, before }),
      COMMANDS.claim_ready.reply,
    )
    const batches: Batch<T>[] = []
    for (const claim of claims) {
      try {
        batches.push(decodeBatch<T>(claim))
      } catch (error) {
        await this.#call('fail', COMMANDS.fail.args({ ...claim, delay: 1000, attempts, error: String(error) }), COMMANDS.fail.reply)
      }
    }
    return { now, next, batches }
  }

  /** Finishes a claimed batch. `lost`: another claim holds it by now, or it is finished already. */
  complete(batch: Batch<T>): Promise<'completed' | 'lost'> {
    return this.#completions.add(batch)
  }

  /**
   * Gives a claimed batch back for a later attempt, `delay` ms from now (0 to a year, 1000 by default); `dead` when its `attempts`
   * (1 to 1000, 5 by default) are used up. `error` is kept with a dead batch, at most 1000 characters of its message.
   *
   * @throws RapidfireError `BAD_ARGUMENT`
   */
  fail(batch: Batch<T>, options: { error?: unknown; delay?: number; attempts?: number } = {}): Promise<'retry' | 'dead' | 'lost'> {
    const { error = '', delay = 1000, attempts = 5 } = options
    // Anything can be thrown. 1000 UTF-16 units are at most 3000 bytes; the function takes 4096.
    const text = (error instanceof Error ? String(error.message) : typeof error === 'string' ? error : inspect(error)).slice(0, 1000)
    return this.#call('fail', COMMANDS.fail.args({ ...claimOf(batch), delay, attempts, error: text }), COMMANDS.fail.reply)
  }

  /**
   * Lengthens the leases of claimed batches to `lease` ms from now, 1 to a day; one result per batch. `queued`: messages that have
   * arrived behind it.
   *
   * @param batches 1 to 1000 of them
   * @throws RapidfireError `BAD_LEASE`, `MISSING_ARGUMENT`, `BAD_ARGUMENT`
   */
  extend(batches: readonly Batch<T>[], lease: number): Promise<{ status: 'extended' | 'lost'; queued: number }[]> {
    return this.#call('extend', COMMANDS.extend.args({ lease, claims: batches.map(claimOf) }), COMMANDS.extend.reply)
  }

  /**
   * Waits for the calls to Redis that are under way, then closes the connection if it is our own. Calling it again does nothing.
   * Let `processPendingBatches` end first: a batch whose handler still runs comes back when its lease has run out.
   */
  close(): Promise<void> {
    if (!this.#closed) {
      this.#adds.flush()
      this.#completions.flush()
      this.#closed = Promise.allSettled(this.#underway).then(() => this.#connection.close())
    }
    return this.#closed
  }

  async #call<Output>(name: FunctionName, args: Argument[], reply: (raw: unknown) => Output, keys: string[] = this.#keys): Promise<Output> {
    if (this.#closed) throw new RapidfireError('CLOSED', 'the client has been closed', { command: `rapidfire_${name}` })
    const call = this.#binding.call(name, keys, args)
    this.#underway.add(call)
    try {
      return reply(await call)
    } finally {
      this.#underway.delete(call)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}

const claimOf = (batch: Batch) => ({ key: keyBytes(batch), token: `${batch.id}:${batch.attempt}` })
