import { RapidfireError } from '../errors.ts'
import { checkNames, type Names, shown, whole } from '../given.ts'
import type { Reason } from '../protocol/replies.ts'
import { type ArchivedBatch, type ArchivedOptions, timeOf } from './archived.ts'

/** What is looked for in the archive. */
export interface SearchOptions {
  /** Only batches of this conversation. @default of any */
  key?: string
  /** Words that the messages have, in any order, in capitals or not. @default any */
  text?: string
  /** What was completed at this time or later, and up to this time, ms since 1970 or a Date. @default any time */
  from?: number | Date
  to?: number | Date
  /** What closed the batch. @default anything */
  reason?: Reason
  /** At most so many batches, 1 to 1000. @default 100 */
  limit?: number
}

const SEARCH_OPTIONS: Names<SearchOptions> = { key: true, text: true, from: true, to: true, reason: true, limit: true }

export interface SearchResult {
  /** In the order in which they were completed. */
  batches: ArchivedBatch[]
  /** Whether there may be more: so many were asked for, or so many were looked at. */
  partial: boolean
}

/** One search looks at so many batches that the key and the time do not leave out. */
const LOOKS = 10_000

export interface Searched {
  key: string | undefined
  words: string[]
  from: number | undefined
  to: number | undefined
  reason: Reason | undefined
  limit: number
}

/** @throws RapidfireError `BAD_OPTION` */
export function checkSearch(options: SearchOptions): Searched {
  checkNames('search', options, SEARCH_OPTIONS)
  const { key, text, reason, limit = 100 } = options
  if (text !== undefined && typeof text !== 'string') throw new RapidfireError('BAD_OPTION', `text must be a text, got ${shown(text)}`)
  const [from, to] = [timeOf('from', options.from), timeOf('to', options.to)]
  return { key, words: wordsOf(text ?? ''), from, to, reason, limit: whole('limit', limit, { least: 1, most: 1000 }) }
}

/** Letters and digits of any script, without capitals. */
export const wordsOf = (text: string): string[] => text.toLowerCase().match(/[\p{L}\p{M}\p{N}]+/gu) ?? []

/**
 * Searches the archive by reading it: what the key and the time leave is looked at, 10,000 batches at most.
 *
 * @param rapidfire a client of the queue
 * @throws RapidfireError `BAD_OPTION`, `BAD_KEY`
 * @example const { batches } = await searchByReading(rapidfire, { text: 'стрижка', from: Date.now() - 7_200_000 })
 */
export async function searchByReading(
  rapidfire: { archived(options: ArchivedOptions): AsyncIterable<ArchivedBatch> },
  options: SearchOptions,
): Promise<SearchResult> {
  const { key, words, from, to, reason, limit } = checkSearch(options)
  const given = { ...(key !== undefined && { key }), ...(from !== undefined && { from }), ...(to !== undefined && { to }) }
  const batches: ArchivedBatch[] = []
  let looks = 0
  for await (const batch of rapidfire.archived(given)) {
    if (batches.length === limit || looks === LOOKS) return { batches, partial: true }
    looks += 1
    if (reason !== undefined && batch.reason !== reason) continue
    const has = new Set(words.length > 0 ? wordsOf(batch.text ?? '') : [])
    if (words.every((word) => has.has(word))) batches.push(batch)
  }
  return { batches, partial: false }
}
