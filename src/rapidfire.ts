import { inspect } from 'node:util'
import { type Batch, decodeBatch, keyBytes } from './batch.ts'
import { Binding } from './binding.ts'
import { type CheckReport, checkQueue } from './check.ts'
import { Coalescer } from './coalescer.ts'
import { COMMANDS, type DeadBatch, type MessageOptions, type OutgoingMessage, type Peek, type Policy } from './commands.ts'
import { type Argument, type Connection, connect } from './connection.ts'
import { type AddResult, RapidfireError, RefusedMessagesError, toRapidfireError } from './errors.ts'
import { type Forwarded, type ForwardOptions, forwardingClient } from './forwarder.ts'
import { type FunctionName, type LibrarySource, SOURCE } from './generated/library.ts'
import type { Claimed, ClaimOptions, FailOptions, NewMessage, ProcessOptions, RapidFireOptions, Summary } from './options.ts'
import { bytesOf, outgoing } from './outgoing.ts'
import { type Handler, Processor } from './processor.ts'
import { type Schema, validated } from './schema.ts'
import { readStats, type Stats } from './stats.ts'
import { STALL, Worker, type WorkerOptions } from './worker.ts'

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
  readonly #options: RapidFireOptions<T, Input>
  readonly #source: LibrarySource
  readonly #adds: Coalescer<OutgoingMessage, AddResult>
  readonly #completions: Coalescer<Batch<T>, 'completed' | 'lost'>
  readonly #underway = new Set<Promise<unknown>>()
  #closed: Promise<void> | undefined

  /**
   * Connects on the first call.
   *
   * @param source another build of the Lua files; for tests
   * @param connection made from `options.redis`; a worker brings its own
   * @throws RapidfireError `BAD_QUEUE`, `BAD_OPTION`
   */
  constructor(options: RapidFireOptions<T, Input> = {}, source: LibrarySource = SOURCE, connection?: Connection) {
    this.#options = options
    this.#source = source
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
    this.#connection = connection ?? connect(options.redis ?? 'redis://127.0.0.1:6379')
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
      claimed: () => {},
      failed: (error) => errors.push(error),
    })
    await processor.drain(options.limit)
    if (errors.length > 0) throw errors[0]
    return summary
  }

  /**
   * A worker of this queue, with connections of its own: `run()` it, and `close()` it when the process ends.
   *
   * @throws RapidfireError `BAD_OPTION`
   * @example
   * const worker = rapidfire.worker(async (batch) => answer(batch.key, joinText(batch)), { concurrency: 20 })
   * worker.on('error', (error) => console.error(error))
   * await worker.run()
   */
  worker(handler: Handler<T>, options: WorkerOptions = {}): Worker<T> {
    const commands = this.#connection.duplicate(STALL)
    const client = new RapidFire<T, Input>(this.#options, this.#source, commands)
    return new Worker(client, commands, this.#connection.duplicate(STALL), handler, options)
  }

  /**
   * A worker that moves batches into a Redis Stream when they are due; it emits `forwarded` with how many it has moved. See `forward`.
   *
   * @throws RapidfireError `BAD_OPTION`
   * @example await rapidfire.forwarder('batches').run()
   */
  forwarder(stream: string, options: ForwardOptions = {}): Worker<T> {
    const commands = this.#connection.duplicate(STALL)
    const client = new RapidFire<T, Input>(this.#options, this.#source, commands)
    const forwarding = forwardingClient(client, stream, options, (batches) => worker.emit('forwarded', batches))
    const worker: Worker<T> = new Worker<T>(forwarding, commands, this.#connection.duplicate(STALL), () => {}, {})
    return worker
  }

  /**
   * Moves what is due into the Redis Stream `rapid-fire:{queue}:stream:<stream>`, one entry a batch, in the script that takes it: there is no
   * lease, and nothing is lost or doubled. An entry has the fields `id`, `key`, `reason`, `count`, `openedAt`, `deadline` and `messages`, the
   * data of the messages as a JSON array. A full stream is never cut: entries that all groups have acknowledged are deleted, the rest waits.
   *
   * @throws RapidfireError `BAD_ARGUMENT`, `WRONG_TYPE`, `OUT_OF_MEMORY`, `UNAVAILABLE`
   */
  forward(stream: string, options: ForwardOptions & { worker?: string | undefined; echo?: boolean | undefined } = {}): Promise<Forwarded> {
    const { limit = 100, maxLength = 100_000, worker, echo } = options
    return this.#call('forward', COMMANDS.forward.args({ stream, limit, longest: maxLength, worker, echo }), COMMANDS.forward.reply)
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
    const { limit = 10, lease = 30_000, attempts = 5, ...rest } = options
    const { now, next, claims } = await this.#call(
      'claim_ready',
      COMMANDS.claim_ready.args({ limit, lease, attempts, ...rest }),
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
   * Gives a claimed batch back for a later attempt, or only the messages that failed; `dead` when its attempts are used up.
   *
   * @throws RapidfireError `BAD_ARGUMENT`
   */
  fail(batch: Batch<T>, options: FailOptions<T> = {}): Promise<'retry' | 'dead' | 'lost'> {
    const { error = '', delay = 1000, attempts = 5, messages } = options
    const keep = messages
      ?.map((message) => batch.messages.indexOf(message) + 1)
      .sort((a, b) => a - b)
      .join(',')
    // Anything can be thrown. 1000 UTF-16 units are at most 3000 bytes; the function takes 4096.
    const text = (error instanceof Error ? String(error.message) : typeof error === 'string' ? error : inspect(error)).slice(0, 1000)
    return this.#call('fail', COMMANDS.fail.args({ ...claimOf(batch), delay, attempts, error: text, keep }), COMMANDS.fail.reply)
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

  /** Dead batches, oldest first, at most `limit` (100) after `offset`; or the one with this `id`, with its messages. */
  dead(options: { limit?: number; offset?: number; id?: string } = {}): Promise<DeadBatch[]> {
    return this.#call('dead', COMMANDS.dead.args(options), COMMANDS.dead.reply)
  }

  /** Puts the messages of dead batches back in front of the newer ones of their keys, ready at once; at most 100 ids. */
  requeue(ids: readonly string[]): Promise<('requeued' | 'unknown')[]> {
    return this.#call('requeue', COMMANDS.requeue.args(ids), COMMANDS.requeue.reply)
  }

  /** Deletes dead batches with their messages; at most 100 ids. */
  drop(ids: readonly string[]): Promise<('dropped' | 'unknown')[]> {
    return this.#call('drop', COMMANDS.drop.args(ids), COMMANDS.drop.reply)
  }

  /**
   * Walks the queue, without blocking it, and reports each law that is broken; with `repair` it mends what can be mended without loss.
   */
  check(options: { repair?: boolean } = {}): Promise<CheckReport> {
    return checkQueue(this.#connection, this.#binding, this.queue, options)
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
