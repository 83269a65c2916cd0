import { hostname } from 'node:os'
import { basename } from 'node:path'
import type { Batch, DeadBatch, Peek } from './batches/batch.ts'
import { Claims } from './batches/claims.ts'
import { listDead, type Requeued, requeueDead } from './batches/dead.ts'
import { readStats, type Stats } from './batches/stats.ts'
import { type CheckReport, checkQueue } from './check/check.ts'
import { type AddResult, ProcessingError, RapidfireError, RefusedBatchesError, RefusedMessagesError } from './errors.ts'
import { Adds } from './messages/adds.ts'
import { checkDurability, type Durability } from './messages/durability.ts'
import { outgoing } from './messages/outgoing.ts'
import { allValidated, type Schema, Turns, validated } from './messages/schema.ts'
import type {
  AddOptions,
  Claimed,
  ClaimOptions,
  FailOptions,
  NewMessage,
  OutgoingMessage,
  Policy,
  ProcessOptions,
  RapidFireOptions,
  Summary,
} from './options.ts'
import { type CallRoot, Partitioning, rootOfBatch } from './partitions/layout.ts'
import { COMMANDS } from './protocol/commands.ts'
import type { Call } from './redis/binding.ts'
import { Calls } from './redis/calls.ts'
import { type Connection, connect } from './redis/connection.ts'
import { type LibrarySource, SOURCE } from './redis/source.ts'
import { type Forwarded, type ForwardOptions, sumForwarded } from './worker/forwarder.ts'
import type { Handler } from './worker/handler.ts'
import { Lane } from './worker/lane.ts'
import { Processor, whole } from './worker/processor.ts'
import { TIMING } from './worker/timing.ts'
import { Worker, type WorkerClient, type WorkerOptions } from './worker/worker.ts'

/** How often `processPendingBatches` asks which roots serve, when one refuses to. */
const ROUNDS = 3

/** Options whose policy this process has stored; a worker has those of its client. */
const GIVEN = new WeakSet<object>()

/** What Redis keeps as the name of this process, beside the policy that it gives: `<name of its program>@<host>`. */
function program(): string {
  const part = (text: string) => text.replace(/[^\w.-]/g, '_').slice(0, 31)
  return `${part(basename(process.argv[1] ?? 'node'))}@${part(hostname())}`
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
  readonly #schema: Schema<T, unknown> | undefined
  readonly #options: RapidFireOptions<T, Input>
  readonly #source: LibrarySource
  readonly #durability: Durability | undefined
  readonly #calls: Calls
  readonly #call: CallRoot
  readonly #partitioning: Partitioning
  readonly #turns = new Turns()
  readonly #adds: Adds
  readonly #claims: Claims<T>

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
    if (typeof this.queue !== 'string' || !/^[^{}\s]{1,128}$/u.test(this.queue) || /:\d+$/.test(this.queue)) {
      throw new RapidfireError(
        'BAD_QUEUE',
        // With a colon and a number at its end it would be a partition of another queue.
        `a queue name must have 1 to 128 characters without braces and blanks, and must not end in a colon and digits; got '${String(this.queue)}'`,
      )
    }
    if (options.schema !== undefined && typeof options.schema?.['~standard']?.validate !== 'function') {
      throw new RapidfireError('BAD_OPTION', 'schema must be a Standard Schema, such as one of zod, valibot or arktype')
    }
    this.#schema = options.schema
    this.#durability = options.durability && checkDurability(options.durability)
    this.#calls = new Calls(
      connection ?? connect(options.redis ?? 'redis://127.0.0.1:6379'),
      options,
      (call) => this.#prepare(call),
      source,
    )
    this.#call = (root, name, args, reply) => this.#calls.call(root, name, args, reply)
    this.#partitioning = new Partitioning(this.queue, this.#call)
    this.#adds = new Adds(this.#calls, this.#partitioning)
    this.#claims = new Claims(this.queue, this.#calls, this.#partitioning)
  }

  /** Writes the policy that the client was given: once a process, and what Redis has lost of it when it had lost the functions. */
  async #prepare(call: Call): Promise<void> {
    const { policy } = this.#options
    if (!policy || Object.keys(policy).length === 0) return
    const partitioning = new Partitioning(this.queue, async (root, name, args, reply) => reply(await call(name, [root], args)))
    await partitioning.give(policy, program(), GIVEN.has(this.#options))
    GIVEN.add(this.#options)
    this.#partitioning.learnFrom(partitioning)
  }

  /**
   * Stores a message; the batch of its key is ready when the person has been quiet for `wait`.
   *
   * @param key the conversation: 1 to 1024 bytes
   * @throws RapidfireError `BAD_KEY`, `BAD_ID`, `BAD_DATA`, `BAD_ARGUMENT`, `MESSAGE_TOO_LARGE`, `BACKLOG_FULL`, `OUT_OF_MEMORY`,
   * `UNAVAILABLE`: it may have been stored all the same, so add it again with the same id
   * @example await rapidfire.addMessage('79001234567', { text: 'Hi' }, { id: 'wamid.1' }) // { status: 'added', size: 1 }
   */
  addMessage(key: string, data: Input, options: AddOptions = {}): Promise<AddResult> {
    const schema = this.#schema
    // Not an async function: those cost a promise and three turns of the microtask queue more.
    try {
      const durability = options.durability ? checkDurability(options.durability) : this.#durability
      if (!schema) return this.#add(outgoing(key, data, options), durability)
      return this.#turns.take([key], validated(schema, data), (value) => this.#add(outgoing(key, value, options), durability))
    } catch (error) {
      return Promise.reject(error)
    }
  }

  #add(message: OutgoingMessage, durability: Durability | undefined): Promise<AddResult> {
    this.#calls.checkOpen()
    return this.#adds.add(message, durability)
  }

  /**
   * Stores many messages; one result per message, in order.
   *
   * @throws RefusedMessagesError when Redis refused some; its `results` tell which, the others are stored
   * @throws RapidfireError `BAD_KEY`, `BAD_ID`, `BAD_DATA` before anything is sent
   * @example await rapidfire.addMessages([{ key: 'ann', data: { text: 'Hi' } }, { key: 'bob', data: { text: 'Hello' }, id: '7' }])
   */
  async addMessages(messages: readonly NewMessage<Input>[], options: { durability?: Durability } = {}): Promise<AddResult[]> {
    const schema = this.#schema
    const durability = options.durability ? checkDurability(options.durability) : this.#durability
    const add = (data: readonly unknown[]) => {
      this.#calls.checkOpen()
      return this.#adds.addAll(
        messages.map((message, n) => outgoing(message.key, data[n], message)),
        durability,
      )
    }
    const data = messages.map((message) => message.data)
    const results = schema
      ? await this.#turns.take(
          messages.map(({ key }) => key),
          allValidated(schema, data),
          add,
        )
      : await add(data)
    const refused = results.find((result) => result instanceof RapidfireError)
    if (refused) throw new RefusedMessagesError(refused, results)
    return results as AddResult[]
  }

  /**
   * Handles every batch that is due now, once, and returns when the last one is done. Call it from a timer, a cron job or a test; for a
   * process that does nothing else there is `rapidfire.worker`.
   *
   * @throws RapidfireError `BAD_OPTION`
   * @throws ProcessingError `UNAVAILABLE` and others when a part of the queue could not be asked, or the end of a batch not be told; its
   * `summary` says what was done. What a handler throws stays with its batch.
   */
  async processPendingBatches(handler: Handler<T>, options: ProcessOptions = {}): Promise<Summary> {
    const summary: Summary = { batches: 0, messages: 0, completed: 0, retry: 0, dead: 0, lost: 0 }
    const failures: unknown[] = []
    const limit = whole('limit', options.limit ?? Number.MAX_SAFE_INTEGER, 1, Number.MAX_SAFE_INTEGER)
    let refusal: { root: string; error: unknown } | undefined
    const processor = new Processor<T>(
      this.#client((claim) => this.#claims.claim(claim)),
      handler,
      options,
      {
        settled: (outcome, batch) => {
          // Nothing is given back here that a handler has seen.
          if (outcome === 'released') return
          summary[outcome] += 1
          summary.batches += 1
          summary.messages += batch.messages.length
        },
        claimed: () => {},
        refused: (lane, error) => {
          lane.failures += 1
          if (error instanceof RapidfireError && error.code === 'REPARTITIONED') refusal = { root: lane.root, error }
          else failures.push(error)
        },
        failed: (error) => failures.push(error),
      },
    )
    try {
      // Once more when the number of partitions was changed just now, or a root has lost what it knew.
      for (let round = 1; round === 1 || (refusal && round <= ROUNDS && summary.batches < limit); round += 1) {
        const { serving, draining } = await this.#calls.run(() => this.#partitioning.roots(refusal?.root))
        refusal = undefined
        processor.lanes = [...draining.map((root) => new Lane(root, true)), ...serving.map((root) => new Lane(root, false))]
        await processor.drain(limit - summary.batches)
      }
      if (refusal) failures.push(refusal.error)
    } catch (error) {
      failures.push(error)
    }
    if (failures.length > 0) throw new ProcessingError(failures[0], failures.length, summary)
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
    return this.#worker((client) => (claim) => client.#claims.claim(claim), handler, options)
  }

  /**
   * A worker that moves batches into a Redis Stream when they are due; it emits `forwarded` with how many it has moved. See `forward`.
   *
   * @throws RapidfireError `BAD_OPTION`
   * @example await rapidfire.forwarder('batches').run()
   */
  forwarder(stream: string, options: ForwardOptions = {}): Worker<T> {
    // A worker that has nothing to handle: what it claims goes into the stream in the same call.
    const worker: Worker<T> = this.#worker(
      (client) =>
        async ({ root, watching, drain }) => {
          const { now, next, forwarded, room } = await client.#claims.forward(stream, { ...options, root, watching, drain })
          worker.forwarded(root, forwarded, room)
          return { now, next, batches: [] }
        },
      () => {},
      {},
    )
    return worker
  }

  /**
   * Moves what is due into the Redis Stream `rapid-fire:{queue}:stream:<stream>`, one entry a batch, in the script that takes it: there is no
   * lease, and nothing is lost or doubled. An entry has the fields `id`, `key`, `reason`, `count`, `openedAt` and `deadline`, and for each
   * message, n from 1, `id:<n>`, `at:<n>` (when it was received) and `data:<n>` (as it was added, so JSON). A full stream is never cut: entries that all groups have acknowledged are deleted, the rest waits.
   *
   * @throws RapidfireError `BAD_ARGUMENT`, `WRONG_TYPE`, `OUT_OF_MEMORY`, `UNAVAILABLE`
   */
  forward(stream: string, options: ForwardOptions = {}): Promise<Forwarded> {
    return this.#calls.run(async () => {
      const parts: Forwarded[] = []
      for (const turn of await this.#claims.turns()) parts.push(await this.#claims.forward(stream, { ...options, ...turn }))
      return sumForwarded(parts)
    })
  }

  /**
   * The messages, state and true deadline of a key.
   *
   * @param limit at most this many messages, 1 to 1000; 100 by default
   * @throws RapidfireError `BAD_KEY`, `BAD_ARGUMENT`
   * @example (await rapidfire.peek('79001234567')).deadline // 1790000010000
   */
  peek(key: string, limit?: number): Promise<Peek<T>> {
    return this.#calls.run(async () => {
      await this.#partitioning.read()
      const args = COMMANDS.peek.args({ key, limit })
      const root = this.#partitioning.rootFor(key)
      const found = (await this.#call(root, 'peek', args, COMMANDS.peek.reply)) as Peek<T>
      const after = found.state === 'empty' ? this.#partitioning.rootAfter(root, key) : undefined
      return after === undefined ? found : ((await this.#call(after, 'peek', args, COMMANDS.peek.reply)) as Peek<T>)
    })
  }

  /** Figures of the queue, at a cost that does not depend on its size. */
  getStats(): Promise<Stats> {
    return this.#calls.run(async () => {
      const roots = await this.#partitioning.everyRoot()
      const replies = await Promise.all(roots.map((root) => this.#call(root, 'stats', [], COMMANDS.stats.reply)))
      return readStats(this.queue, this.#partitioning.partitions, replies)
    })
  }

  /**
   * The stored policy, after storing `changes`, which hold for every process at once.
   *
   * @throws RapidfireError `BAD_POLICY`, `UNKNOWN_ARGUMENT`
   * @example await rapidfire.policy({ wait: 5000 }) // { wait: 5000, maxWait: 60000, … }
   */
  policy(changes: Partial<Policy> = {}): Promise<Policy> {
    return this.#calls.run(() => this.#partitioning.policy(changes))
  }

  /** The version of the Lua library that answers. */
  version(): Promise<string> {
    return this.#calls.run(() => this.#calls.call(undefined, 'version', [], COMMANDS.version.reply))
  }

  /**
   * Takes ready batches under a lease, for callers that handle them in their own way: each must be completed, failed or released. A partition
   * that cannot be reached keeps nobody from getting the batches of the others; an error is thrown only when there are none.
   *
   * @throws RapidfireError `BAD_ARGUMENT`
   * @example const { batches } = await rapidfire.claimReady({ limit: 50 })
   */
  claimReady(options: ClaimOptions = {}): Promise<Claimed<T>> {
    return this.#calls.run(() => this.#claims.claimReady(options))
  }

  /** Finishes a claimed batch. `lost`: another claim holds it by now, or it is finished already. */
  complete(batch: Batch<T>): Promise<'completed' | 'lost'> {
    return this.#claims.complete(batch)
  }

  /**
   * Gives a claimed batch back for a later attempt, or only the messages that failed; `dead` when its attempts are used up.
   *
   * @throws RapidfireError `BAD_ARGUMENT`
   */
  fail(batch: Batch<T>, options: FailOptions<T> = {}): Promise<'retry' | 'dead' | 'lost'> {
    return this.#calls.run(() => this.#claims.fail(batch, options))
  }

  /**
   * Gives a claimed batch back as if it had not been claimed: it uses up no attempt, and is ready for others at once, under the same id.
   *
   * @param options.reason why, for those who read along in Redis; 80 characters of it
   * @example for (const batch of batches.filter(({ key }) => isPaused(key))) await rapidfire.release(batch, { reason: 'paused' })
   */
  release(batch: Batch<T>, options: { reason?: string } = {}): Promise<'released' | 'lost'> {
    return this.#calls.run(() => this.#claims.release(batch, options))
  }

  /**
   * Lengthens the leases of claimed batches to `lease` ms from now, 1 to a day; one that ends later stays as it is. One result per batch. `queued`: messages that have
   * arrived behind it.
   *
   * @param batches 1 to 1000 of them
   * @throws RapidfireError `BAD_LEASE`, `MISSING_ARGUMENT`, `BAD_ARGUMENT`
   */
  extend(batches: readonly Batch<T>[], lease: number): Promise<{ status: 'extended' | 'lost'; queued: number }[]> {
    return this.#calls.run(() => this.#claims.extend(batches, lease))
  }

  /** Dead batches, oldest first, at most `limit` (100) after `offset`; or the one with this `id`, with its messages. */
  dead(options: { limit?: number; offset?: number; id?: string } = {}): Promise<DeadBatch[]> {
    return this.#calls.run(async () => {
      const { id, ...range } = options
      if (id === undefined) return listDead(this.#call, await this.#partitioning.everyRoot(), range)
      return this.#call(rootOfBatch(this.queue, id), 'dead', COMMANDS.dead.args({ id }), COMMANDS.dead.reply)
    })
  }

  /**
   * Puts the messages of dead batches back where their times belong among those of their keys, behind older ones and in front of newer ones,
   * ready at once; at most 100 ids, in any order. Those of a partition that serves no more go to where their key belongs now.
   *
   * @throws RefusedBatchesError when some could not be put back: they are dead still, and its `results` tell what became of each
   */
  async requeue(ids: readonly string[]): Promise<('requeued' | 'unknown')[]> {
    const add = (messages: OutgoingMessage[]) => this.#adds.addAll(messages, undefined)
    const results = await this.#changeDead<Requeued | RapidfireError>(ids, (root, some) =>
      requeueDead(this.#claims.repeatable, add, root, some, this.#partitioning.generation),
    )
    const statuses = results.filter((result): result is Requeued => !(result instanceof RapidfireError))
    if (statuses.length === results.length) return statuses
    const refused = results.find((result) => result instanceof RapidfireError) as RapidfireError
    // The call as a whole was refused.
    if (results.every((result) => result === refused) && !(refused instanceof RefusedMessagesError)) throw refused
    throw new RefusedBatchesError(refused, results)
  }

  /** Deletes dead batches with their messages; at most 100 ids. */
  drop(ids: readonly string[]): Promise<('dropped' | 'unknown')[]> {
    return this.#changeDead(ids, (root, some) => this.#claims.repeatable(root, 'drop', COMMANDS.drop.args(some), COMMANDS.drop.reply))
  }

  /**
   * Walks the queue, without blocking it, and reports each law that is broken; with `repair` it mends what can be mended without loss.
   */
  check(options: { repair?: boolean } = {}): Promise<CheckReport> {
    return this.#calls.run(async () => {
      const roots = await this.#partitioning.everyRoot()
      return checkQueue(this.#calls, this.queue, roots, { ...options, restore: (told) => this.#partitioning.restore(told) })
    })
  }

  /**
   * Waits for the calls to Redis that are under way, then closes the connection if it is our own. Calling it again does nothing.
   * Let `processPendingBatches` end first: a batch whose handler still runs comes back when its lease has run out.
   */
  close(): Promise<void> {
    this.#adds.flush()
    this.#claims.flush()
    return this.#calls.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #changeDead<Status>(ids: readonly string[], change: (root: string, ids: string[]) => Promise<Status[]>): Promise<Status[]> {
    return this.#calls.run(() => this.#claims.onRoots(ids, (id) => id, change))
  }

  /** @param claims how the worker's own client claims */
  #worker(claims: (client: RapidFire<T, Input>) => WorkerClient<T>['claim'], handler: Handler<T>, options: WorkerOptions): Worker<T> {
    const { stall } = { ...TIMING, ...options.timing }
    const commands = this.#calls.connection.duplicate(stall)
    const client = new RapidFire<T, Input>(this.#options, this.#source, commands)
    return new Worker(client.#client(claims(client)), commands, this.#calls.connection.duplicate(stall), handler, options)
  }

  /** What a worker or a processor needs of this client. */
  #client(claim: WorkerClient<T>['claim']): WorkerClient<T> {
    return {
      queue: this.queue,
      claim,
      roots: (refused) => this.#partitioning.roots(refused),
      maintain: () => this.#partitioning.maintain(),
      complete: (batch) => this.complete(batch),
      fail: (batch, options) => this.fail(batch, options),
      extend: (batches, lease) => this.extend(batches, lease),
      release: (batch, options) => this.release(batch, options),
      close: () => this.close(),
    }
  }
}
