import type { Batch } from './batches/batch.ts'
import { type Claimed, type ClaimOptions, Claims, type FailOptions } from './batches/claims.ts'
import type { CompleteOptions } from './batches/completion.ts'
import { type DeadBatch, DeadBatches } from './batches/dead.ts'
import { type Erased, erase } from './batches/erase.ts'
import { checkForwarding, type Forwarded, Forwarding, type ForwardOptions } from './batches/forward.ts'
import { type Peek, peek } from './batches/peek.ts'
import { Figures, type Stats } from './batches/stats.ts'
import type { CheckReport } from './check/check.ts'
import { checkWhole } from './check/whole.ts'
import { RapidfireError } from './errors.ts'
import { checkNames, msOrForever } from './given.ts'
import { type ArchivedBatch, type ArchivedOptions, archivedOf } from './history/archived.ts'
import { type EventsOptions, eventsOfQueue, type QueueEvent } from './history/events.ts'
import { type Trace, type Traced, trace } from './history/trace.ts'
import { Adder } from './messages/add.ts'
import type { AddResult } from './messages/results.ts'
import { Sender } from './messages/sender.ts'
import {
  type AddAllOptions,
  type AddOptions,
  CLIENT_OPTIONS,
  type NewMessage,
  POLICY_MEMBERS,
  type Policy,
  type RapidFireOptions,
} from './options.ts'
import { Partitioning } from './partitions/change.ts'
import { changePolicy, prepare } from './partitions/policy.ts'
import { checkQueueName, rootKey } from './partitions/roots.ts'
import { Caller } from './redis/caller.ts'
import type { Connection } from './redis/connection.ts'
import { joinRedis } from './redis/sharing.ts'
import { type LibrarySource, SOURCE } from './redis/source.ts'
import { LONGEST_CALL, Term } from './redis/term.ts'
import type { WorkerClient } from './worker/client.ts'
import type { Handler } from './worker/handler.ts'
import { hubOf } from './worker/hub.ts'
import { type ProcessOptions, processPending } from './worker/pending.ts'
import type { Summary } from './worker/summary.ts'
import { TIMING } from './worker/timing.ts'
import { Worker, type WorkerOptions } from './worker/worker.ts'

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
  readonly #options: RapidFireOptions<T, Input>
  readonly #source: LibrarySource
  readonly #caller: Caller
  readonly #partitioning: Partitioning
  readonly #sender: Sender
  readonly #adder: Adder<Input>
  readonly #claims: Claims<T>
  readonly #forwarding: Forwarding
  readonly #figures: Figures
  readonly #dead: DeadBatches
  /** Those that are not closed. */
  readonly #workers = new Set<Worker<T>>()
  #closing = false

  /**
   * Connects on the first call.
   *
   * @param source another build of the Lua files; for tests
   * @param connection made from `options.redis`; a worker brings that of workers
   * @throws RapidfireError `BAD_QUEUE`, `BAD_OPTION`
   */
  constructor(options: RapidFireOptions<T, Input> = {}, source: LibrarySource = SOURCE, connection?: Connection) {
    checkNames('RapidFire', options, CLIENT_OPTIONS)
    if (options.policy !== undefined) checkNames('policy', options.policy, POLICY_MEMBERS)
    this.#options = options
    this.#source = source
    this.queue = checkQueueName(options.queue ?? 'default')
    this.#caller = new Caller(
      connection ?? joinRedis(options),
      options,
      { queue: this.queue, root: rootKey(this.queue), run: (call) => prepare(this.queue, options, call, this.#partitioning.layout) },
      source,
    )
    this.#partitioning = new Partitioning(this.queue, this.#caller.call, () => this.#caller.begin())
    this.#sender = new Sender(this.#caller, this.#partitioning)
    this.#adder = new Adder(this.#sender, this.#caller.underway, options)
    this.#claims = new Claims(this.queue, this.#caller, this.#partitioning)
    this.#forwarding = new Forwarding(this.#caller, this.#partitioning)
    this.#figures = new Figures(this.queue, this.#caller, this.#partitioning.layout)
    const hasEnded = (root: string) => this.#figures.hasEnded(root)
    this.#dead = new DeadBatches(this.queue, this.#caller, this.#partitioning.layout, this.#sender, hasEnded)
  }

  /**
   * Stores a message; the batch of its key is ready when the person has been quiet for `wait`.
   *
   * @param key the conversation: 1 to 1024 bytes
   * @throws RapidfireError `BAD_KEY`, `BAD_ID`, `BAD_DATA`, `BAD_ARGUMENT`, `MESSAGE_TOO_LARGE`, `BACKLOG_FULL`, `OUT_OF_MEMORY`,
   * `UNAVAILABLE`: it may have been stored all the same, so add it again with the same id; `OVERLOADED`: it was not sent, since too much waits
   * @example await rapidfire.addMessage('79001234567', { text: 'Hi' }, { id: 'wamid.1' }) // { status: 'added', size: 1 }
   */
  addMessage(key: string, data: Input, options: AddOptions = {}): Promise<AddResult> {
    return this.#adder.add(key, data, options)
  }

  /**
   * Stores many messages; one result per message, in order. A list of any length disturbs nobody who uses the same client: it is encoded and
   * sent in parts. So it must not be changed before it has been stored.
   *
   * @throws RefusedMessagesError when Redis refused some; its `results` tell which, the others are stored
   * @throws RapidfireError `BAD_KEY`, `BAD_ID`, `BAD_DATA` before anything is sent
   * @example await rapidfire.addMessages([{ key: 'ann', data: { text: 'Hi' } }, { key: 'bob', data: { text: 'Hello' }, id: '7' }])
   */
  addMessages(messages: readonly NewMessage<Input>[], options: AddAllOptions = {}): Promise<AddResult[]> {
    return this.#adder.addAll(messages, options)
  }

  /**
   * Handles every batch that is due now, once, and returns when the last one is done. What a key has behind its batch is due when that is
   * done: the next call handles it. Call it from a timer, a cron job or a test; for a process that does nothing else there is
   * `rapidfire.worker`.
   *
   * @throws RapidfireError `BAD_OPTION`
   * @throws ProcessingError `UNAVAILABLE` and others when a part of the queue could not be asked, or the end of a batch not be told; its
   * `summary` says what was done. What a handler throws stays with its batch.
   */
  processPendingBatches(handler: Handler<T>, options: ProcessOptions = {}): Promise<Summary> {
    const { underway } = this.#caller
    const roots = (refused?: string) => underway.run(() => this.#partitioning.roots(refused))
    const known = () => {
      underway.checkOpen()
      return this.#partitioning.layout.isRead ? this.#partitioning.known : undefined
    }
    return processPending({ ...this.#workerClient(), roots, known }, handler, options)
  }

  /**
   * A worker of this queue: `run()` it, and `close()` it when the process ends. It shares two connections with others of this process and Redis.
   *
   * @throws RapidfireError `BAD_OPTION`, `CLOSED`
   * @example
   * const worker = rapidfire.worker(async (batch) => answer(batch.key, joinText(batch)), { concurrency: 20 })
   * worker.on('error', (error) => console.error(error))
   * await worker.run()
   */
  worker(handler: Handler<T>, options: WorkerOptions = {}): Worker<T> {
    return this.#worker((client) => client.#workerClient(), handler, options)
  }

  /**
   * A worker that moves batches into a Redis Stream when they are due; it emits `forwarded` with how many it has moved. See `forward`.
   *
   * @throws RapidfireError `BAD_OPTION`
   * @example await rapidfire.forwarder('batches').run()
   */
  forwarder(stream: string, options: ForwardOptions = {}): Worker<T> {
    checkForwarding(stream, options)
    // A worker that has nothing to handle: what it claims goes into the stream in the same call.
    const forwarding = (client: RapidFire<T, Input>): WorkerClient<T> => ({
      ...client.#workerClient(),
      claim: async ({ root, watching, drain }) => {
        const { now, next, forwarded, room } = await client.#forwarding.forwardFrom(stream, { ...options, root, watching, drain })
        worker.forwarded(root, forwarded, room)
        return { now, next, batches: [], dead: [] }
      },
    })
    const worker = this.#worker(forwarding, () => {}, {})
    return worker
  }

  /**
   * Moves what is due into the Redis Stream `rapid-fire:{queue}:stream:<stream>`, one entry a batch, in the script that takes it: there is no
   * lease, and nothing is lost or doubled. An entry has the fields `id`, `key`, `reason`, `count`, `openedAt` and `deadline`, and for each
   * message, n from 1, `id:<n>`, `at:<n>` (when it was received) and `data:<n>` (as it was added, so JSON). Entries that
   * all groups have acknowledged go after `keep` ms, or when there is no room; a full stream is never cut, the rest waits.
   *
   * @throws RapidfireError `BAD_ARGUMENT`, `WRONG_TYPE`, `OUT_OF_MEMORY`, `UNAVAILABLE`
   */
  forward(stream: string, options: ForwardOptions = {}): Promise<Forwarded> {
    return this.#caller.room.run(() => this.#forwarding.forward(stream, options))
  }

  /**
   * The messages, state and true deadline of a key.
   *
   * @param limit at most this many messages, 1 to 1000; 100 by default. No more are shown when they have 256 KiB together
   * @throws RapidfireError `BAD_KEY`, `BAD_ARGUMENT`
   * @example (await rapidfire.peek('79001234567')).deadline // 1790000010000
   */
  peek(key: string, limit?: number): Promise<Peek<T>> {
    return this.#caller.room.run(() => peek(this.#caller, this.#partitioning.layout, key, limit))
  }

  /** Figures of the queue, at a cost that does not depend on its size. */
  getStats(): Promise<Stats> {
    return this.#caller.room.run(() => this.#figures.getStats())
  }

  /**
   * The stored policy, after storing `changes`, which hold for every process at once.
   *
   * @throws RapidfireError `BAD_POLICY`, `UNKNOWN_ARGUMENT`
   * @example await rapidfire.policy({ wait: 5000 }) // { wait: 5000, maxWait: 60000, … }
   */
  policy(changes: Partial<Policy> = {}): Promise<Policy> {
    return this.#caller.room.run(() =>
      this.#caller.underway.run(async () => {
        const policy = await changePolicy(this.#partitioning, changes)
        // Behind it, since a policy that is refused makes no queue.
        if (Object.keys(changes).length > 0) await this.#caller.register()
        return policy
      }),
    )
  }

  /** The version of the Lua library that answers. */
  version(): Promise<string> {
    return this.#caller.room.run(() => this.#caller.underway.run(() => this.#caller.call(undefined, 'version', {})))
  }

  /**
   * Takes ready batches under a lease, for callers that handle them in their own way: each must be completed, failed or released. A partition
   * that cannot be reached keeps nobody from getting the batches of the others; an error is thrown only when there are none.
   *
   * @throws RapidfireError `BAD_ARGUMENT`
   * @example const { batches } = await rapidfire.claimReady({ limit: 50 })
   */
  claimReady(options: ClaimOptions = {}): Promise<Claimed<T>> {
    return this.#caller.room.run(() => this.#claims.claimReady(options))
  }

  /**
   * Finishes a claimed batch. `lost`: another claim holds it by now, or it is finished already. The options tell what the archive keeps of it.
   * @throws RapidfireError `BAD_ARGUMENT` when it is no batch of this queue, `BAD_OPTION`
   */
  complete(batch: Batch<T>, options: CompleteOptions = {}): Promise<'completed' | 'lost'> {
    return this.#claims.complete(batch, options)
  }

  /**
   * Gives a claimed batch back for a later attempt, or only the messages that failed; `dead` when its attempts are used up.
   *
   * @throws RapidfireError `BAD_ARGUMENT`
   */
  fail(batch: Batch<T>, options: FailOptions<T> = {}): Promise<'retry' | 'dead' | 'lost'> {
    return this.#claims.fail(batch, options)
  }

  /**
   * Gives a claimed batch back as if it had not been claimed: it uses up no attempt, and is ready for others at once, under the same id.
   * @param options.reason why, for those who read along in Redis; 80 characters of it
   * @example for (const batch of batches.filter(({ key }) => isPaused(key))) await rapidfire.release(batch, { reason: 'paused' })
   */
  release(batch: Batch<T>, options: { reason?: string } = {}): Promise<'released' | 'lost'> {
    return this.#claims.release(batch, options)
  }

  /**
   * Lengthens the leases of claimed batches, one or more, to `lease` ms from now, 1 to a day; one that ends later stays as it is. One result per
   * batch. `queued`: messages that have arrived behind it.
   *
   * @throws RapidfireError `BAD_LEASE`, `MISSING_ARGUMENT`, `BAD_ARGUMENT`
   */
  extend(batches: readonly Batch<T>[], lease: number): Promise<{ status: 'extended' | 'lost'; queued: number }[]> {
    return this.#claims.extend(batches, lease)
  }

  /** Dead batches, oldest first, at most `limit` (100) after `offset`; or the one with this `id`, with its messages. */
  dead(options: { limit?: number; offset?: number; id?: string } = {}): Promise<DeadBatch[]> {
    return this.#caller.room.run(() => this.#dead.list(options))
  }

  /**
   * Puts the messages of dead batches back where their times belong among those of their keys, behind older ones and in front of newer ones,
   * ready at once; at most 100 ids, in any order. Those of a partition that serves no more go to where their key belongs now.
   *
   * @throws RefusedBatchesError when some could not be put back: they are dead still, and its `results` tell what became of each
   */
  requeue(ids: readonly string[]): Promise<('requeued' | 'unknown')[]> {
    return this.#caller.room.run(() => this.#dead.requeue(ids))
  }

  /** Deletes dead batches with their messages; at most 100 ids. */
  drop(ids: readonly string[]): Promise<('dropped' | 'unknown')[]> {
    return this.#caller.room.run(() => this.#dead.drop(ids))
  }

  /**
   * Erases all that Redis keeps of a conversation in this queue: messages, what a worker has in hand, dead batches, entries of streams that
   * `forward` has written to, and what the webhook has counted. What is added later is new, and stays. Ids that were accepted stay remembered, as
   * digests, until they expire. When it fails half-way, call it again.
   *
   * It cannot reach what a handler or a consumer has received, jobs of BullMQ, files and replicas' files of Redis (AOF, RDB, backups), and SLOWLOG.
   *
   * @param key the conversation: 1 to 1024 bytes
   * @throws RapidfireError `BAD_KEY`, `WRONG_TYPE`, `UNAVAILABLE`
   * @example await rapidfire.erase('79001234567') // { messages: 2, claimed: false, deadBatches: 1, deadMessages: 3, streamEntries: 4, … }
   */
  erase(key: string): Promise<Erased> {
    return this.#caller.room.run(() => erase(this.#caller, this.#partitioning.layout, key))
  }

  /**
   * What happens to conversations while the policy keeps `events`: names, ids and counts. It waits for more until `close` or an abort of `signal`.
   * @throws RapidfireError `BAD_OPTION`; `NO_EVENTS`, `UNAVAILABLE` and others when the next is asked for: go on with the last `id`
   * @example for await (const { at, event, key } of rapidfire.events()) console.log(new Date(at), event, key)
   */
  events(options: EventsOptions = {}): AsyncGenerator<QueueEvent, void> {
    return eventsOfQueue(this.#caller, this.#partitioning.layout, options)
  }

  /**
   * Where a message, a conversation or a batch is, and what it waits for: from the state first, then from the events that the policy keeps. Nothing of
   * what people wrote. A list: an id alone may be known in several conversations, and is found only while the policy keeps `events`.
   *
   * @throws RapidfireError `BAD_KEY`, `BAD_ID`, `BAD_ARGUMENT`, `WRONG_TYPE`, `UNAVAILABLE`; `NO_EVENTS` for an id alone
   * @example const [found] = await rapidfire.trace({ key: '79001234567', id: 'wamid.1' }) // { state: 'collecting', position: 1, deadline: 1790000010000, … }
   */
  trace(traced: Traced): Promise<Trace[]> {
    return this.#caller.room.run(() => trace(this.#caller, this.#partitioning.layout, this.queue, traced))
  }

  /**
   * Batches that were completed, in that order, while the policy kept an `archive`, over all partitions that there ever were.
   * @throws RapidfireError `BAD_OPTION`, `BAD_KEY`; `UNAVAILABLE` and others when the next is asked for
   * @example for await (const { completedAt, text, result } of rapidfire.archived({ key: '79001234567' })) console.log(completedAt, text, result)
   */
  archived(options: ArchivedOptions = {}): AsyncGenerator<ArchivedBatch, void> {
    return archivedOf(this.#caller, this.#partitioning.layout, options)
  }

  /** Walks the queue, without blocking it, and reports each law that is broken; with `repair` it mends what can be mended without loss. */
  check(options: { repair?: boolean } = {}): Promise<CheckReport> {
    return checkWhole(this.#caller, this.queue, this.#partitioning, options)
  }

  /**
   * Closes its workers, waits for the calls to Redis that are under way, and closes the connection if it is our own. Calling it again does nothing.
   * Let `processPendingBatches` end first: a batch whose handler still runs comes back when its lease has run out.
   *
   * @param options.timeout how long to wait at most, ms, 0 to 600000; then workers give back what they have in hand, the connection is closed whatever
   *   Redis does, and what is under way fails with `UNAVAILABLE`. On a client of your own, which stays open, it settles as that says. By default,
   *   and with `Infinity`, it waits for all of them.
   * @throws RapidfireError `BAD_OPTION`
   */
  async close(options: { timeout?: number } = {}): Promise<void> {
    checkNames('close', options, { timeout: true })
    const timeout = msOrForever('timeout', options.timeout, { most: LONGEST_CALL })
    const term = timeout === undefined ? undefined : new Term(timeout)
    this.#closing = true
    this.#sender.flush()
    this.#claims.flush()
    if (this.#workers.size > 0) {
      await Promise.all(Array.from(this.#workers, (worker) => worker.close(options)))
      // Their handlers may still have added messages.
      this.#sender.flush()
    }
    await this.#caller.close(term?.left)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /** @param workerClient what the worker needs, of a client with the connection that workers share */
  #worker(workerClient: (client: RapidFire<T, Input>) => WorkerClient<T>, handler: Handler<T>, options: WorkerOptions): Worker<T> {
    this.#checkOpen()
    const hub = hubOf(this.#caller.connection, { ...TIMING, ...options.timing })
    const { worker: id, commands } = hub.join()
    const client = new RapidFire<T, Input>(this.#options, this.#source, commands)
    const close = () => {
      this.#workers.delete(worker)
      return client.close()
    }
    const made = { ...workerClient(client), checkOpen: () => this.#checkOpen(), close }
    let worker: Worker<T>
    try {
      worker = new Worker(id, made, commands, hub, handler, options)
    } catch (error) {
      commands.end()
      throw error
    }
    this.#workers.add(worker)
    return worker
  }

  #checkOpen(): void {
    if (this.#closing) throw new RapidfireError('CLOSED', 'the client has been closed: it starts no worker')
  }

  /** What a worker, or whoever handles what is due, needs of this client. */
  #workerClient(): WorkerClient<T> {
    const claims = this.#claims
    return {
      queue: this.queue,
      checkOpen: () => this.#checkOpen(),
      claim: (options) => claims.claim(options),
      roots: (refused) => this.#partitioning.roots(refused),
      maintain: () => {
        // Somebody may have deleted it while the connection lasted.
        void this.#caller.register({ anew: true })
        return this.#partitioning.maintain()
      },
      complete: (batch, told) => claims.complete(batch, told),
      fail: (batch, options) => claims.fail(batch, options),
      extend: (batches, lease) => claims.extend(batches, lease),
      release: (batch, options) => claims.release(batch, options),
      leave: (root, worker) => claims.leave(root, worker),
      present: (worker, rest) => claims.present(worker, rest),
      close: () => this.close(),
    }
  }
}
