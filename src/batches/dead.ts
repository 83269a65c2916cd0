import { RapidfireError, RefusedMessagesError, toRapidfireError } from '../errors.ts'
import type { EncodedMessage } from '../messages/encode.ts'
import type { AddResult } from '../messages/results.ts'
import type { Call, Output } from '../protocol/calls.ts'
import { readHeader, readOptions } from '../protocol/element.ts'
import { type DeadBatch, decodeDead } from './batch.ts'

/** Dead batches of several roots, oldest first: at most `limit` after `offset`. */
export async function listDead(call: Call, roots: string[], { limit = 100, offset = 0 }): Promise<DeadBatch[]> {
  const [root, ...others] = roots
  if (root !== undefined && others.length === 0) return (await call(root, 'dead', { limit, offset })).map(decodeDead)
  // The first of all are among the first of each.
  const needed = offset + limit
  const lists = await Promise.all(roots.map((root) => listFirst(call, root, needed)))
  return lists
    .flat()
    .sort((a, b) => a.diedAt - b.diedAt)
    .slice(offset, needed)
}

async function listFirst(call: Call, root: string, count: number): Promise<DeadBatch[]> {
  const list: DeadBatch[] = []
  while (list.length < count) {
    const limit = Math.min(count - list.length, 1000)
    const page = await call(root, 'dead', { limit, offset: list.length })
    list.push(...page.map(decodeDead))
    if (page.length < limit) break
  }
  return list
}

/** What became of one dead batch that was to come back. */
export type Requeued = 'requeued' | 'unknown'

/**
 * Puts the messages of dead batches back; one result each, in order, errors as values. Those of a partition that serves no more are added
 * where their key belongs now, at their time, and the batch is dropped when all of them are there. Redis remembers each by a name made of
 * the batch and its place in it: so none is added twice when this is broken off and done again within `dedupe`.
 *
 * @param add returns one result for each message, errors as values
 */
export async function requeueDead(
  call: Call,
  add: (messages: EncodedMessage[]) => Promise<(AddResult | RapidfireError)[]>,
  root: string,
  ids: string[],
  generation: number,
): Promise<(Requeued | RapidfireError)[]> {
  try {
    return await call(root, 'requeue', { ids, generation })
  } catch (error) {
    const refusal = toRapidfireError(error, 'rapidfire_requeue')
    if (ids.length === 0) throw refusal
    if (refusal.code !== 'REPARTITIONED') return ids.map(() => refusal)
  }
  const results: (Requeued | RapidfireError)[] = []
  for (const id of ids) {
    results.push(await moveDead(call, add, root, id).catch((error: unknown) => toRapidfireError(error, 'rapidfire_requeue')))
  }
  return results
}

async function moveDead(
  call: Call,
  add: (messages: EncodedMessage[]) => Promise<(AddResult | RapidfireError)[]>,
  root: string,
  id: string,
): Promise<Requeued | RapidfireError> {
  const [batch] = await call(root, 'dead', { id })
  if (!batch || batch.messages.length === 0) return 'unknown'
  const results = await add(requeuedMessages(id, batch))
  const refused = results.find((result) => result instanceof RapidfireError)
  // What is not there must not be dropped here.
  if (refused) return new RefusedMessagesError(refused, results)
  await call(root, 'drop', { ids: [id] })
  return 'requeued'
}

function requeuedMessages(batch: string, { key, messages }: Output<'dead'>[number]): EncodedMessage[] {
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
