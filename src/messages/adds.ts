import { randomUUID } from 'node:crypto'
import { type AddResult, RapidfireError, toRapidfireError } from '../errors.ts'
import type { OutgoingMessage } from '../options.ts'
import { byRoot, type Partitioning } from '../partitions/layout.ts'
import { COMMANDS, generationTokens } from '../protocol/commands.ts'
import type { CallOptions } from '../redis/binding.ts'
import type { Calls } from '../redis/calls.ts'
import { Unanswered } from '../redis/patience.ts'
import { Coalescer, Queue } from './coalescer.ts'
import { confirmation, type Durability, waitCommand } from './durability.ts'
import { bytesOf } from './outgoing.ts'

type Result = AddResult | RapidfireError

/** Layouts that a message may meet on its way, if they change while it is being added. */
const MOST_MOVES = 5

/**
 * Sends messages to the partitions that their keys belong to, those of one tick in one call for each partition. Messages of a key are stored
 * in the order in which they were given to it, also when partitions change, and when a call waits or is repeated.
 */
export class Adds {
  readonly #calls: Calls
  readonly #partitioning: Partitioning
  readonly #queue = new Queue<OutgoingMessage, AddResult>(({ key }) => key)
  /** By root, and by what the messages wait for. */
  readonly #coalescers = new Map<string, Coalescer<OutgoingMessage, AddResult>>()

  constructor(calls: Calls, partitioning: Partitioning) {
    this.#calls = calls
    this.#partitioning = partitioning
  }

  add(message: OutgoingMessage, durability: Durability | undefined): Promise<AddResult> {
    return this.#coalescer(this.#rootFor(message), durability).add(message)
  }

  /** One result for each message, in order. */
  addAll(messages: readonly OutgoingMessage[], durability: Durability | undefined): Promise<Result[]> {
    return byRoot(
      messages,
      (message) => this.#rootFor(message),
      (root, some) => this.#coalescer(root, durability).addAll(some) as Promise<Result[]>,
    )
  }

  /** Sends what waits for the end of the tick. */
  flush(): void {
    this.#queue.flush()
  }

  #rootFor(message: OutgoingMessage): string {
    // What the client sends again by itself is told from a new message by its id alone.
    if (this.#calls.connection.resends && !isNamed(message)) message.id = randomUUID()
    return this.#partitioning.rootFor(message.key)
  }

  #coalescer(root: string, durability: Durability | undefined): Coalescer<OutgoingMessage, AddResult> {
    const name = durability ? `${root} ${waitCommand(durability).join(' ')}` : root
    let coalescer = this.#coalescers.get(name)
    if (!coalescer) {
      coalescer = new Coalescer<OutgoingMessage, AddResult>(
        (messages) => this.#calls.finish(() => this.#send(root, messages, durability)),
        bytesOf,
        this.#queue,
      )
      this.#coalescers.set(name, coalescer)
    }
    return coalescer
  }

  async #send(root: string, messages: OutgoingMessage[], durability: Durability | undefined, moves = 0): Promise<Result[]> {
    // A root that has restarted empty takes whatever comes: nobody may send there before knowing whether there are partitions.
    if (!this.#partitioning.isRead) {
      await this.#partitioning.read()
      return byRoot(
        messages,
        ({ key }) => this.#partitioning.rootFor(key),
        (to, some) => this.#send(to, some, durability, moves + 1),
      )
    }
    const results = await this.#call(root, messages, durability)
    const moved = messages.flatMap((message, n) => {
      const refusal = results[n]
      return isMoved(refusal) ? [{ message, refusal }] : []
    })
    if (moved.length === 0 || moves === MOST_MOVES) return results
    const after = ({ message, refusal }: (typeof moved)[0]) => this.#partitioning.rootAfter(root, message.key, refusal)
    if (moved.some((each) => after(each) === undefined)) await this.#partitioning.readAfter(root)
    const settled = await byRoot(
      moved,
      (each) => after(each) ?? this.#partitioning.rootFor(each.message.key),
      (to, some) =>
        this.#send(
          to,
          some.map(({ message }) => message),
          durability,
          moves + 1,
        ),
    )
    return results.map((result) => (isMoved(result) ? (settled.shift() as Result) : result))
  }

  async #call(root: string, messages: OutgoingMessage[], durability: Durability | undefined): Promise<Result[]> {
    const { binding, connection } = this.#calls
    const { started } = binding
    const repeat = async (results: (Result | undefined)[], isOpen: (result: Result | undefined) => boolean): Promise<Result[]> => {
      const some = messages.filter((_, n) => isOpen(results[n]))
      const repeated = await this.#once(root, some, durability).catch((error) => some.map(() => error as RapidfireError))
      return results.map((result) => (isOpen(result) ? repeated.shift() : result) as Result)
    }
    try {
      const results = await this.#once(root, messages, durability)
      // An older library takes what it understands, and refuses the rest.
      return results.some(isUnknown) && (await binding.renew(started)) ? await repeat(results, isUnknown) : results
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

  async #once(root: string, messages: OutgoingMessage[], durability: Durability | undefined): Promise<Result[]> {
    const options: CallOptions = { after: durability && waitCommand(durability), once: !messages.every(isNamed) }
    const read = (raw: unknown) => (durability ? confirmed(raw as [unknown, unknown], durability) : COMMANDS.add.reply(raw))
    const args = [...COMMANDS.add.args(messages), ...generationTokens(this.#partitioning.generation)]
    const results = await this.#calls.call(root, 'add', args, read, options)
    return results.map((result) => (result instanceof Error ? toRapidfireError(result, 'rapidfire_add') : result))
  }
}

/** Whether Redis knows the message again when it comes once more: a requeued one has a name of its own. */
const isNamed = ({ id, requeued }: OutgoingMessage) => id !== undefined || requeued !== undefined

const isUnknown = (result: unknown) => result instanceof RapidfireError && result.code === 'UNKNOWN_ARGUMENT'

const isMoved = (result: unknown): result is RapidfireError => result instanceof RapidfireError && result.code === 'REPARTITIONED'

function confirmed([reply, waited]: [unknown, unknown], durability: Durability): (AddResult | Error)[] {
  const what = confirmation(waited, durability)
  return COMMANDS.add.reply(reply).map((result) => (result instanceof Error ? result : { ...result, ...what }))
}
