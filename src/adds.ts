import { randomUUID } from 'node:crypto'
import type { Calls } from './calls.ts'
import { Coalescer } from './coalescer.ts'
import { COMMANDS, generationTokens } from './commands.ts'
import { confirmation, type Durability, waitCommand } from './durability.ts'
import { type AddResult, RapidfireError, toRapidfireError } from './errors.ts'
import { byRoot, type Partitioning } from './layout.ts'
import type { OutgoingMessage } from './options.ts'
import { bytesOf } from './outgoing.ts'

type Result = AddResult | RapidfireError

/** Layouts that a message may meet on its way, if they change while it is being added. */
const MOST_MOVES = 5

/** Sends messages to the partitions that their keys belong to, those of one tick in one call for each partition. */
export class Adds {
  readonly #calls: Calls
  readonly #partitioning: Partitioning
  #supported: Promise<void> | undefined
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
    for (const coalescer of this.#coalescers.values()) coalescer.flush()
  }

  #rootFor(message: OutgoingMessage): string {
    // A cluster sends again what was not answered, and only an id tells that it was stored.
    if (this.#calls.connection.cluster) message.id ??= randomUUID()
    return this.#partitioning.rootFor(message.key)
  }

  #coalescer(root: string, durability: Durability | undefined): Coalescer<OutgoingMessage, AddResult> {
    const name = durability ? `${root} ${waitCommand(durability).join(' ')}` : root
    let coalescer = this.#coalescers.get(name)
    if (!coalescer) {
      coalescer = new Coalescer<OutgoingMessage, AddResult>(
        (messages) => this.#calls.run(() => this.#send(root, messages, durability)),
        bytesOf,
      )
      this.#coalescers.set(name, coalescer)
    }
    return coalescer
  }

  async #send(root: string, messages: OutgoingMessage[], durability: Durability | undefined, moves = 0): Promise<Result[]> {
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
    if (durability?.aof) await this.#supportsAof()
    const args = [...COMMANDS.add.args(messages), ...generationTokens(this.#partitioning.generation)]
    try {
      const results = durability
        ? await this.#calls.call(root, 'add', args, (raw) => confirmed(raw as [unknown, unknown], durability), waitCommand(durability))
        : await this.#calls.call(root, 'add', args, COMMANDS.add.reply)
      return results.map((result) => (result instanceof Error ? toRapidfireError(result, 'rapidfire_add') : result))
    } catch (error) {
      // One message alone is refused as a whole, and so are all of a caller who goes by another layout.
      if (isMoved(error)) return messages.map(() => error)
      throw error
    }
  }

  /** Refuses before anything is stored. */
  #supportsAof(): Promise<void> {
    this.#supported ??= this.#calls.connection.send('command', ['INFO', 'WAITAOF']).then((reply) => {
      if ((reply as unknown[])[0]) return
      this.#supported = undefined
      throw new RapidfireError('BAD_OPTION', 'durability.aof needs WAITAOF, which Redis has from 7.2 on: this server does not know it')
    })
    return this.#supported
  }
}

const isMoved = (result: unknown): result is RapidfireError => result instanceof RapidfireError && result.code === 'REPARTITIONED'

function confirmed([reply, waited]: [unknown, unknown], durability: Durability): (AddResult | Error)[] {
  const what = confirmation(waited, durability)
  return COMMANDS.add.reply(reply).map((result) => (result instanceof Error ? result : { ...result, ...what }))
}
