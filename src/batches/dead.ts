import { RapidfireError, RefusedBatchesError, RefusedMessagesError, toRapidfireError } from '../errors.ts'
import { checkNames, kindOf } from '../given.ts'
import type { EncodedMessage } from '../messages/encode.ts'
import type { Sender } from '../messages/sender.ts'
import type { KnownLayout } from '../partitions/layout.ts'
import { byRoot, rootKey, rootOfId } from '../partitions/roots.ts'
import type { Output } from '../protocol/calls.ts'
import { readHeader, readOptions } from '../protocol/element.ts'
import type { Cause, Reason } from '../protocol/replies.ts'
import type { Caller } from '../redis/caller.ts'
import { OPTIONS } from '../redis/generated/limits.ts'
import { decodeMessage, type Message } from './batch.ts'

/** A batch that was given up. Times in ms since 1970. */
export interface DeadBatch {
  id: string
  key: string
  diedAt: number
  /** The attempt that was the last. */
  attempt: number
  reason: Reason
  deadline: number
  cause: Cause
  /** What the last attempt failed with. */
  error: string
  /** Number of messages. */
  size: number
  /** Only when asked for by id. */
  messages: Message[]
}

/** What became of one dead batch that was to come back. */
type Requeued = Exclude<Output<'requeue'>[number], 'again'>

/** The dead batches of a queue. */
export class DeadBatches {
  readonly #queue: string
  readonly #caller: Caller
  readonly #layout: KnownLayout
  readonly #sender: Sender
  readonly #hasEnded: (root: string) => boolean

  /** @param hasEnded whether a root is known to hold nothing any more */
  constructor(queue: string, caller: Caller, layout: KnownLayout, sender: Sender, hasEnded: (root: string) => boolean) {
    this.#queue = queue
    this.#caller = caller
    this.#layout = layout
    this.#sender = sender
    this.#hasEnded = hasEnded
  }

  /** Oldest first, at most `limit` after `offset`; or the one with an id. */
  list(options: { limit?: number; offset?: number; id?: string }): Promise<DeadBatch[]> {
    return this.#caller.underway.run(async () => {
      checkNames('dead', options, { limit: true, offset: true, id: true })
      const { limit = OPTIONS.shown.default, offset = OPTIONS.offset.default, id } = options
      if (id !== undefined) return (await this.#caller.call(rootOfId(this.#queue, id), 'dead', { id })).map(decodeDead)
      const roots = (await this.#layout.everyRoot()).filter((root) => !this.#hasEnded(root))
      const [root, ...others] = roots as [string]
      if (others.length === 0) return this.#some(root, limit, offset)
      // The first of all are among the first of each.
      const lists = await Promise.all(roots.map((root) => this.#some(root, offset + limit, 0)))
      return lists
        .flat()
        .sort((a, b) => a.diedAt - b.diedAt)
        .slice(offset, offset + limit)
    })
  }

  async #some(root: string, count: number, offset: number): Promise<DeadBatch[]> {
    const list: DeadBatch[] = []
    let full = true
    while (full && (list.length === 0 || list.length < count)) {
      const limit = Math.min(count - list.length, OPTIONS.listed.most)
      const page = await this.#caller.call(root, 'dead', { limit, offset: offset + list.length })
      list.push(...page.map(decodeDead))
      full = page.length === limit
    }
    return list
  }

  /** @throws RefusedBatchesError */
  async requeue(ids: readonly string[]): Promise<Requeued[]> {
    const results = await this.#byRoot(ids, (root, some) => this.#requeue(root, some))
    const statuses = results.filter((result): result is Requeued => !(result instanceof RapidfireError))
    if (statuses.length === results.length) return statuses
    const refused = results.find((result) => result instanceof RapidfireError) as RapidfireError
    // The call as a whole was refused.
    if (results.every((result) => result === refused) && !(refused instanceof RefusedMessagesError)) throw refused
    throw new RefusedBatchesError(refused, results)
  }

  drop(ids: readonly string[]): Promise<Output<'drop'>> {
    return this.#byRoot(ids, (root, some) => this.#caller.call(root, 'drop', { ids: some }))
  }

  #byRoot<Result>(ids: readonly string[], change: (root: string, ids: string[]) => Promise<Result[]>): Promise<Result[]> {
    return this.#caller.underway.run(async () => {
      if (!Array.isArray(ids)) throw new RapidfireError('BAD_ARGUMENT', `expected a list of ids of dead batches, got ${kindOf(ids)}`)
      // Without ids the root of the queue says what was expected.
      if (ids.length === 0) return change(rootKey(this.#queue), [])
      return byRoot(ids, (id) => rootOfId(this.#queue, id), change)
    })
  }

  /**
   * Puts the messages of dead batches of a root back; one result each, in order, errors as values. Those of a partition that serves no more are
   * sent where their key belongs now, at their time, and the batch is dropped when all of them are there. Redis remembers each by a name made of
   * the batch and its place in it: so none is added twice when this is broken off and done again within `dedupe`.
   */
  async #requeue(root: string, ids: string[]): Promise<(Requeued | RapidfireError)[]> {
    try {
      return await this.#requeueAll(root, ids)
    } catch (error) {
      const refusal = toRapidfireError(error, 'rapidfire_requeue')
      if (ids.length === 0) throw refusal
      if (refusal.code !== 'REPARTITIONED') return ids.map(() => refusal)
    }
    const results: (Requeued | RapidfireError)[] = []
    for (const id of ids) results.push(await this.#move(root, id).catch((error: unknown) => toRapidfireError(error, 'rapidfire_requeue')))
    return results
  }

  /** One call brings back a bounded number of messages, and says of which batches it is to be asked again. */
  async #requeueAll(root: string, ids: string[]): Promise<Requeued[]> {
    const statuses = await this.#caller.call(root, 'requeue', { ids, generation: this.#layout.generation })
    const left = ids.filter((_, n) => statuses[n] === 'again')
    const others = left.length > 0 ? await this.#requeueAll(root, left) : []
    return statuses.map((status) => (status === 'again' ? (others.shift() as Requeued) : status))
  }

  async #move(root: string, id: string): Promise<Requeued | RapidfireError> {
    const [batch] = await this.#caller.call(root, 'dead', { id })
    if (!batch || batch.messages.length === 0) return 'unknown'
    const results = await this.#sender.sendAll(requeuedMessages(batch))
    const refused = results.find((result) => result instanceof RapidfireError)
    // What is not there must not be dropped here.
    if (refused) return new RefusedMessagesError(refused, results)
    await this.#caller.call(root, 'drop', { ids: [id] })
    return 'requeued'
  }
}

const decodeDead = (batch: Output<'dead'>[number]): DeadBatch => ({
  ...batch,
  key: batch.key.toString(),
  messages: batch.messages.map((message) => decodeMessage(message)),
})

function requeuedMessages({ id: batch, key, messages }: Output<'dead'>[number]): EncodedMessage[] {
  let receivedAt = 0
  return messages.map((bytes, n) => {
    const header = readHeader(bytes)
    // What somebody else wrote has no time: it stays behind the message before it.
    receivedAt = Math.max(receivedAt, header?.receivedAt ?? 0)
    const requeued = `${receivedAt}:${batch}:${n + 1}`
    if (!header) return { key, data: bytes, requeued }
    const { id, data } = header
    return {
      ...{ key, data: bytes.subarray(data), requeued },
      ...(id < data && { id: bytes.subarray(id, data) }),
      ...readOptions(bytes, header),
    }
  })
}
