import type { DeadBatch } from './batch.ts'
import { dataOf } from './batch.ts'
import { COMMANDS, generationTokens } from './commands.ts'
import { RapidfireError } from './errors.ts'
import type { CallRoot } from './layout.ts'
import type { OutgoingMessage } from './options.ts'

/** Dead batches of several roots, oldest first: at most `limit` after `offset`. */
export async function listDead(call: CallRoot, roots: string[], { limit = 100, offset = 0 }): Promise<DeadBatch[]> {
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
    const limit = Math.min(count - list.length, 1000)
    const page = await call(root, 'dead', COMMANDS.dead.args({ limit, offset: list.length }), COMMANDS.dead.reply)
    list.push(...page)
    if (page.length < limit) break
  }
  return list
}

/**
 * Puts the messages of dead batches back. Those of a partition that serves no more are added where their key belongs now, behind its other
 * messages, and then dropped; an id for each sees to it that none is added twice when this is broken off and done again.
 */
export async function requeueDead(
  call: CallRoot,
  add: (messages: OutgoingMessage[]) => Promise<unknown>,
  root: string,
  ids: string[],
  generation: number,
): Promise<('requeued' | 'unknown')[]> {
  try {
    return await call(root, 'requeue', [...COMMANDS.requeue.args(ids), ...generationTokens(generation)], COMMANDS.requeue.reply)
  } catch (error) {
    if (!(error instanceof RapidfireError) || error.code !== 'REPARTITIONED') throw error
  }
  const statuses: ('requeued' | 'unknown')[] = []
  for (const id of ids) {
    const batch = await call(root, 'dead', COMMANDS.dead.args({ id }), readRaw)
    if (batch) {
      // Not their own ids, which may still be remembered: they would be taken for duplicates.
      await add(batch.messages.map((message, n) => ({ key: batch.key, data: dataOf(message), id: `${id}:${n}` })))
      await call(root, 'drop', COMMANDS.drop.args([id]), COMMANDS.drop.reply)
    }
    statuses.push(batch ? 'requeued' : 'unknown')
  }
  return statuses
}

/** Key and messages as Redis has them, which may be any bytes. */
function readRaw(raw: unknown): { key: Buffer; messages: Buffer[] } | undefined {
  const [batch] = raw as unknown[][]
  return batch && { key: batch[1] as Buffer, messages: batch[8] as Buffer[] }
}
