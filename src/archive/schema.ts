import type { Entity, Schema } from 'redis-om'
import { type ArchivedBatch, idsIn } from '../history/archived.ts'
import type { Reason } from '../protocol/replies.ts'

/** A batch of the archive as redis-om reads its hash: lua/README.md has the fields. */
export interface ArchiveEntity extends Entity {
  id: string
  key: string
  reason: string
  firstAt?: number
  lastAt?: number
  claimedAt: number
  completedAt: number
  attempts: number
  size: number
  ids?: string[]
  text?: string
  result?: string
  worker?: string
}

/** Stands between two ids, and in no key: redis-om would take a list for what has its separator, which is `|` unless it is told. */
const SEPARATOR = '\u001f'

/** Behind it and a colon stand the ids of batches. */
const prefixOf = (root: string) => `${root}:archive`

/** Beside the keys of the queue: under its root nothing is but what the queue itself has put there. */
export const indexNameOf = (root: string) => root.replace(/^rapid-fire:/, 'rapid-fire-archive:')

const tag = { type: 'string', separator: SEPARATOR, caseSensitive: true } as const
const number = { type: 'number' } as const

/** @param redisOm the package, which is loaded only when it is needed */
export const schemaOf = (redisOm: typeof import('redis-om'), root: string): Schema<ArchiveEntity> =>
  new redisOm.Schema<ArchiveEntity>(
    prefixOf(root),
    {
      ...{ id: tag, key: tag, reason: tag, worker: tag },
      ...{ claimedAt: number, attempts: number, size: number, firstAt: number, lastAt: number },
      completedAt: { type: 'number', sortable: true },
      ids: { type: 'string[]', separator: SEPARATOR },
      text: { type: 'text' },
      result: { type: 'text' },
    },
    { dataStructure: 'HASH', indexName: indexNameOf(root), indexHashName: `${indexNameOf(root)}:hash` },
  )

/**
 * The arguments of FT.CREATE for the same: redis-om's own way of making an index fails on Redis 8.
 *
 * @param words whether the server is to find words in texts; not each can
 */
export const indexOf = (root: string, words: boolean): string[] => [
  ...[indexNameOf(root), 'ON', 'HASH', 'PREFIX', '1', `${prefixOf(root)}:`, 'SCHEMA'],
  ...['key', 'reason'].flatMap((name) => [name, 'TAG', 'SEPARATOR', SEPARATOR, 'CASESENSITIVE']),
  ...['completedAt', 'NUMERIC', 'SORTABLE'],
  ...(words ? ['text', 'TEXT', 'NOSTEM'] : []),
]

/** A batch, or undefined where no hash was. */
export function readEntity({ id, key, reason, claimedAt, completedAt, attempts, size, ...rest }: ArchiveEntity): ArchivedBatch | undefined {
  if (id === undefined || completedAt === undefined) return undefined
  return {
    ...{ id, key, reason: reason as Reason, firstAt: rest.firstAt, lastAt: rest.lastAt, claimedAt, completedAt, attempts, size },
    ids: rest.ids === undefined ? [] : idsIn(rest.ids.join(SEPARATOR)),
    ...{ text: rest.text, result: rest.result, worker: rest.worker },
  }
}
