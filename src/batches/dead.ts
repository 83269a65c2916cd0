import { type AddResult, RapidfireError, RefusedMessagesError, toRapidfireError } from '../errors.ts'
import type { OutgoingMessage } from '../options.ts'
import type { CallRoot } from '../partitions/layout.ts'
import { COMMANDS, generationTokens } from '../protocol/commands.ts'
import { OPTIONS } from '../redis/generated/limits.ts'
import type { DeadBatch } from './batch.ts'

/** Dead batches of several roots, oldest first: at most `limit` after `offset`. */
export async function listDead(
  call: CallRoot,
  roots: string[],
  { limit = OPTIONS.shown.default, offset = OPTIONS.offset.default },
): Promise<DeadBatch[]> {
  const [root, ...others] = roots
  if (root !== undefined && others.length === 0) return call(root, 'dead', COMMANDS.dead.args({ limit, offset }), COMMANDS.dead.reply)
  // The first of all are among the first of each.
  const needed = offset + limit
  const lists = await Promise.all(roots.map((root) => listFirst(call, root, needed)))
  return lists
    .flat()
    .sort((a, b) => a.diedAt - b.diedAt)
    .slice(offset, needed)
}

async function listFirst(call: CallRoot, root: string, count: number): Promise<DeadBatch[]> {
  const list: DeadBatch[] = []
  while (list.length < count) {
    const limit = Math.min(count - list.length, OPTIONS.shown.most)
    const page = await call(root, 'dead', COMMANDS.dead.args({ limit, offset: list.length }), COMMANDS.dead.reply)
    list.push(...page)
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
  call: CallRoot,
  add: (messages: OutgoingMessage[]) => Promise<(AddResult | RapidfireError)[]>,
  root: string,
  ids: string[],
  generation: number,
): Promise<(Requeued | RapidfireError)[]> {
  try {
    return await call(root, 'requeue', [...COMMANDS.requeue.args(ids), ...generationTokens(generation)], COMMANDS.requeue.reply)
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
  call: CallRoot,
  add: (messages: OutgoingMessage[]) => Promise<(AddResult | RapidfireError)[]>,
  root: string,
  id: string,
): Promise<Requeued | RapidfireError> {
  const batch = await call(root, 'dead', COMMANDS.dead.args({ id }), readRaw)
  if (!batch || batch.messages.length === 0) return 'unknown'
  const results = await add(requeuedMessages(id, batch))
  const refused = results.find((result) => result instanceof RapidfireError)
  // What is not there must not be dropped here.
  if (refused) return new RefusedMessagesError(refused, results)
  await call(root, 'drop', COMMANDS.drop.args([id]), COMMANDS.drop.reply)
  return 'requeued'
}

interface RawBatch {
  key: Buffer
  messages: Buffer[]
}

/** Key and messages as Redis has them, which may be any bytes. */
function readRaw(raw: unknown): RawBatch | undefined {
  const [batch] = raw as unknown[][]
  return batch && { key: batch[1] as Buffer, messages: batch[9] as Buffer[] }
}

/** What stands before id and data, as lua/lib/batch.lua writes it. */
const HEADER = /^(\d{13}) (\d+)((?:,[RWXSF][\d.]*)*) /
const LONGEST_HEADER = 160

function requeuedMessages(batch: string, { key, messages }: RawBatch): OutgoingMessage[] {
  let receivedAt = 0
  return messages.map((bytes, n) => {
    const header = HEADER.exec(bytes.subarray(0, LONGEST_HEADER).toString('latin1'))
    // What somebody else wrote has no time: it stays behind the message before it.
    receivedAt = Math.max(receivedAt, Number(header?.[1] ?? 0))
    const message: OutgoingMessage = { key, data: bytes, requeued: `${receivedAt}:${batch}:${n + 1}` }
    if (!header) return message
    const [whole, , length, options] = header as unknown as [string, string, string, string]
    const start = whole.length + Number(length)
    message.data = bytes.subarray(start)
    if (start > whole.length) message.id = bytes.subarray(whole.length, start)
    for (const option of options.split(',').slice(1)) {
      const value = Number(option.slice(1))
      if (option[0] === 'W') message.wait = value
      if (option[0] === 'X') message.maxWait = value
      if (option[0] === 'S') message.maxSize = value
      if (option[0] === 'F') message.flush = true
    }
    return message
  })
}
