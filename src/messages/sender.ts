import { randomUUID } from 'node:crypto'
import { cannotBeUsed, RapidfireError } from '../errors.ts'
import type { Partitioning } from '../partitions/change.ts'
import { byRoot } from '../partitions/roots.ts'
import { isNamed } from '../protocol/calls.ts'
import type { Caller } from '../redis/caller.ts'
import { gotNoAnswer, Late, NotSent, Unanswered } from '../redis/patience.ts'
import type { Room } from '../redis/room.ts'
import { Term } from '../redis/term.ts'
import { CALLS, Gate, sendList } from './bulk.ts'
import { Coalescer, Outbox } from './coalescer.ts'
import { CONFIRM_WITHIN, confirmation, type Durability, waitCommand } from './durability.ts'
import { ADDED, bytesOf, type EncodedMessage } from './encode.ts'
import type { AddResult, Confirmation } from './results.ts'

type Result = AddResult | RapidfireError

/** What holds for the messages of one call. */
interface Sending {
  durability: Durability | undefined
  term: Term | undefined
}

/** Layouts that a message may meet on its way, if they change while it is being added. */
const MOST_MOVES = 16

/**
 * Sends messages to the partitions that their keys belong to, those of one turn of the event loop in one call for each partition. Messages of a key are stored
 * in the order in which they were given to it, also when partitions change, and when a call waits or is repeated.
 */
export class Sender {
  readonly room: Room
  readonly #caller: Caller
  readonly #partitioning: Partitioning
  readonly #outbox: Outbox<EncodedMessage, AddResult>
  /** All long lists have these places together. */
  readonly #gate = new Gate(CALLS)
  /** By root, and by what the messages wait for. */
  readonly #coalescers = new Map<string, Coalescer<EncodedMessage, AddResult>>()

  constructor(caller: Caller, partitioning: Partitioning) {
    const { room, connection } = caller
    this.room = room
    this.#caller = caller
    this.#partitioning = partitioning
    this.#outbox = new Outbox({ keyOf: ({ key }) => key, room, limit: connection.limit, late: () => this.#tooLate() })
  }

  /** @throws RapidfireError `OVERLOADED` */
  send(message: EncodedMessage, durability: Durability | undefined): Promise<AddResult> {
    this.room.check()
    return this.#coalescer(this.#rootFor(message), durability).add(message)
  }

  /**
   * One result for each message, in order.
   *
   * @throws RapidfireError `OVERLOADED`
   */
  async sendAll(messages: readonly EncodedMessage[], durability?: Durability): Promise<Result[]> {
    this.room.check()
    return byRoot(
      messages,
      (message) => this.#rootFor(message),
      (root, some) => this.#coalescer(root, durability).addAll(some) as Promise<Result[]>,
    )
  }

  /**
   * The same for a long list, which goes in a few calls at a time. When a root cannot be reached, what is left for it is not sent.
   *
   * @param given is called when all has been handed over: what is sent from then on comes behind it
   */
  sendList(messages: readonly EncodedMessage[], durability: Durability | undefined, given: () => void): Promise<Result[]> {
    const { layout } = this.#partitioning
    return sendList(
      messages,
      {
        gate: this.#gate,
        layout: () => layout.known,
        rootFor: (message) => this.#rootFor(message),
        weightOf: (message) => ADDED.weightOf(message, bytesOf(message)),
        most: ADDED.most,
        send: (root, some) => {
          const results = this.#coalescer(root, durability).addAll(some)
          // Now, so that it leaves in one call.
          this.#outbox.flush()
          return results as Promise<Result[]>
        },
        isAway: (result) => this.#isAway(result),
      },
      given,
    )
  }

  /** Whether a message got no answer since there is nobody who gives one. */
  #isAway(result: Result): boolean {
    if (!(result instanceof RapidfireError) || result.code !== 'UNAVAILABLE') return false
    const { cause } = result
    if (cause instanceof NotSent || cause instanceof Late) return true
    // A client of the caller's has tried for as long as it was told to.
    return !this.#caller.connection.limit && gotNoAnswer(cause)
  }

  /** Knows to which partitions messages go, before many are sent. A message alone finds out on its way. */
  async ready(): Promise<void> {
    this.room.check()
    await this.#partitioning.layout.readOnce().catch(() => {})
  }

  /** Sends what waits for the end of the turn. */
  flush(): void {
    this.#outbox.flush()
  }

  #rootFor(message: EncodedMessage): string {
    // What the client sends again by itself is told from a new message by its id alone.
    if (this.#caller.connection.resends && !isNamed(message)) message.id = randomUUID()
    return this.#partitioning.layout.rootFor(message.key)
  }

  #coalescer(root: string, durability: Durability | undefined): Coalescer<EncodedMessage, AddResult> {
    const name = durability ? `${root} ${waitCommand(durability).join(' ')}` : root
    let coalescer = this.#coalescers.get(name)
    if (!coalescer) {
      if (durability) this.#caller.connection.limit?.allow(durability.timeout ?? CONFIRM_WITHIN)
      coalescer = new Coalescer<EncodedMessage, AddResult>(
        (messages, until) => this.#caller.underway.finish(() => this.#sendWithin(until, root, messages, durability)),
        ADDED,
        this.#outbox,
      )
      this.#coalescers.set(name, coalescer)
    }
    return coalescer
  }

  /** One time for all the calls that it takes. */
  #sendWithin(until: number, root: string, messages: EncodedMessage[], durability: Durability | undefined): Promise<Result[]> {
    const { limit } = this.#caller.connection
    if (!limit) return this.#sendTo(root, messages, { durability, term: undefined })
    const term = new Term(limit.ms, until)
    return term.within(
      () => this.#sendTo(root, messages, { durability, term }),
      () => this.#caller.late('add', term),
    )
  }

  /** What a message gets that has waited for those before it until its time was over. */
  #tooLate(): RapidfireError {
    const why = new NotSent('the messages of its key that came before it were not answered in time; it was not sent')
    return new RapidfireError('UNAVAILABLE', cannotBeUsed(this.#caller.connection.address, why.message), {
      command: 'rapidfire_add',
      cause: why,
    })
  }

  async #sendTo(root: string, messages: EncodedMessage[], sending: Sending, moves = 0): Promise<Result[]> {
    // A root that has restarted empty takes whatever comes: nobody may send there before knowing whether there are partitions.
    if (!this.#partitioning.layout.isRead) {
      await this.#partitioning.layout.readOnce()
      return byRoot(
        messages,
        ({ key }) => this.#partitioning.layout.rootFor(key),
        (to, some) => this.#sendTo(to, some, sending, moves + 1),
      )
    }
    const results = await this.#attempt(root, messages, sending)
    const moved = messages.flatMap((message, n) => {
      const refusal = results[n]
      return isMoved(refusal) ? [{ message, refusal }] : []
    })
    if (moved.length === 0 || moves === MOST_MOVES) return results
    const after = ({ message, refusal }: (typeof moved)[0]) => this.#partitioning.layout.rootAfter(root, message.key, refusal)
    if (moved.some((each) => after(each) === undefined)) await this.#partitioning.readAfter(root)
    const afterwards = await byRoot(
      moved,
      (each) => after(each) ?? this.#partitioning.layout.rootFor(each.message.key),
      (to, some) =>
        this.#sendTo(
          to,
          some.map(({ message }) => message),
          sending,
          moves + 1,
        ),
    )
    return results.map((result) => (isMoved(result) ? (afterwards.shift() as Result) : result))
  }

  async #attempt(root: string, messages: EncodedMessage[], sending: Sending): Promise<Result[]> {
    const { connection, started } = this.#caller
    const repeat = async (results: (Result | undefined)[], isOpen: (result: Result | undefined) => boolean): Promise<Result[]> => {
      const some = messages.filter((_, n) => isOpen(results[n]))
      const repeated = await this.#once(root, some, sending).catch((error) => some.map(() => error as RapidfireError))
      return results.map((result) => (isOpen(result) ? repeated.shift() : result) as Result)
    }
    try {
      const results = await this.#once(root, messages, sending)
      // An older library takes what it understands, and refuses the rest.
      return results.some(isUnknown) && (await this.#caller.renew(started)) ? await repeat(results, isUnknown) : results
    } catch (error) {
      // One message alone is refused as a whole, and so are all of a caller who goes by another layout.
      if (isMoved(error)) return messages.map(() => error)
      const unanswered = error instanceof RapidfireError && error.cause instanceof Unanswered && connection.patience.patience !== undefined
      const results = messages.map((message) => (isNamed(message) ? undefined : (error as RapidfireError)))
      if (!unanswered || !results.includes(undefined) || !results.some(Boolean)) throw error
      // They were not repeated, because of others that have no id.
      return repeat(results, (result) => result === undefined)
    }
  }

  async #once(root: string, messages: EncodedMessage[], { durability, term }: Sending): Promise<Result[]> {
    const input = { messages, generation: this.#partitioning.layout.generation }
    if (!durability) return this.#caller.call(root, 'add', input, { term })
    let confirmed: Confirmation = {}
    const after = { command: waitCommand(durability), read: (reply: unknown) => (confirmed = confirmation(reply, durability)) }
    const results = await this.#caller.call(root, 'add', input, { after, term })
    return results.map((result) => (result instanceof RapidfireError ? result : { ...result, ...confirmed }))
  }
}

const isUnknown = (result: unknown) => result instanceof RapidfireError && result.code === 'UNKNOWN_ARGUMENT'

const isMoved = (result: unknown): result is RapidfireError => result instanceof RapidfireError && result.code === 'REPARTITIONED'
