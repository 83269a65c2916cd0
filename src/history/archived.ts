import { RapidfireError } from '../errors.ts'
import { checkNames, type Names, shown, whole } from '../given.ts'
import { checkKey } from '../messages/encode.ts'
import type { KnownLayout } from '../partitions/layout.ts'
import type { Reason } from '../protocol/replies.ts'
import type { Caller } from '../redis/caller.ts'

/** A batch that was completed, as the archive has it. */
export interface ArchivedBatch {
  id: string
  /** The conversation. */
  key: string
  /** What closed it. */
  reason: Reason
  /** When its first and its last message were received, ms since 1970; undefined when so much was completed in one call that it was not read. */
  firstAt: number | undefined
  lastAt: number | undefined
  /** When it was claimed for the first time, and when it was completed, ms since 1970. */
  claimedAt: number
  completedAt: number
  /** Attempts, the one that has succeeded included. */
  attempts: number
  /** Messages; of one that has failed in part those that had failed. */
  size: number
  /** Ids of the messages in turn, undefined of one without; some 16 KiB of them. */
  ids: (string | undefined)[]
  /** What its messages said, and what has come of it, as far as that was told. */
  text: string | undefined
  result: string | undefined
  /** Who has handled it, if that was told. */
  worker: string | undefined
}

export interface ArchivedOptions {
  /** Only batches of this conversation. @default of any */
  key?: string
  /** Only batches with a message of this id. @default any */
  id?: string
  /** Only the batch with this id. @default any */
  batch?: string
  /** Only what was completed at this time or later, and up to this time, ms since 1970 or a Date. @default any time */
  from?: number | Date
  to?: number | Date
}

const ARCHIVED_OPTIONS: Names<ArchivedOptions> = { key: true, id: true, batch: true, from: true, to: true }

/** So many are asked for at a time. */
const PAGE = 100

/** One root: where the next page of it begins, and what was read of it and not told yet. */
interface Place {
  after: string | undefined
  waiting: ArchivedBatch[]
  more: boolean
}

/** @throws RapidfireError `BAD_OPTION` */
export function timeOf(name: string, time: number | Date | undefined): number | undefined {
  if (time === undefined) return undefined
  const ms = Number(time)
  if (Number.isNaN(ms)) throw new RapidfireError('BAD_OPTION', `${name} must be a time, as a Date or ms since 1970; got ${shown(time)}`)
  return whole(name, Math.max(0, Math.round(ms)), { least: 0, most: 9_999_999_999_999 })
}

/**
 * The batches of the archive, in the order in which they were completed, over all roots that the queue has ever had: a page of each at a time.
 *
 * @param looked told of each page that was read, whatever was in it
 * @throws RapidfireError `BAD_OPTION`, `BAD_KEY`
 */
export function archivedOf(
  caller: Caller,
  layout: KnownLayout,
  options: ArchivedOptions,
  looked: () => void = () => {},
): AsyncGenerator<ArchivedBatch, void> {
  checkNames('archived', options, ARCHIVED_OPTIONS)
  if (options.key !== undefined) checkKey(options.key)
  const [from, to] = [timeOf('from', options.from), timeOf('to', options.to)]
  return walk(caller, layout, { ...options, from, to: to ?? Number.POSITIVE_INFINITY }, looked)
}

interface Walked {
  key?: string | undefined
  id?: string | undefined
  batch?: string | undefined
  from: number | undefined
  to: number
}

async function* walk(caller: Caller, layout: KnownLayout, { key, id, batch, from, to }: Walked, looked: () => void) {
  const roots = await caller.underway.run(() => layout.everyRoot())
  const begin = from === undefined ? undefined : String(from)
  const places = new Map<string, Place>(roots.map((root) => [root, { after: begin, waiting: [], more: true }]))
  const read = async ([root, place]: [string, Place]) => {
    const { batches, next, more } = await caller.room.run(() =>
      caller.underway.run(() => caller.call(root, 'archived', { after: place.after, limit: PAGE, key, id, batch })),
    )
    looked()
    const found = batches.map(readBatch).filter(({ completedAt }) => completedAt >= (from ?? 0))
    const wanted = found.filter(({ completedAt }) => completedAt <= to)
    const over = Number(next.split(':')[0]) > to
    Object.assign(place, { after: next, waiting: wanted, more: more && !over })
  }
  for (;;) {
    for (let some = starving(places); some.length > 0; some = starving(places)) await Promise.all(some.map(read))
    const oldest = [...places.values()].filter(({ waiting }) => waiting.length > 0).sort((a, b) => ended(a) - ended(b))[0]
    if (!oldest) return
    yield oldest.waiting.shift() as ArchivedBatch
  }
}

/** What was completed there first, of what was not told yet. */
const ended = ({ waiting }: Place) => waiting[0]?.completedAt ?? 0

/** Roots of which more must be read before anything can be told: what stands there may be older than what others have. */
const starving = (places: ReadonlyMap<string, Place>) => [...places].filter(([, { waiting, more }]) => more && waiting.length === 0)

/** A batch as the archive has stored it. */
export function readBatch(fields: ReadonlyMap<string, Buffer>): ArchivedBatch {
  const text = (name: string) => fields.get(name)?.toString()
  const number = (name: string) => (fields.has(name) ? Number(text(name)) : undefined)
  return {
    id: text('id') ?? '',
    key: text('key') ?? '',
    reason: text('reason') as Reason,
    firstAt: number('firstAt'),
    lastAt: number('lastAt'),
    claimedAt: number('claimedAt') ?? 0,
    completedAt: number('completedAt') ?? 0,
    attempts: number('attempts') ?? 0,
    size: number('size') ?? 0,
    ids: idsIn(text('ids')),
    text: text('text'),
    result: text('result'),
    worker: text('worker'),
  }
}

/** The ids of messages as they are stored. */
export const idsIn = (text: string | undefined): (string | undefined)[] =>
  text === undefined ? [] : text.split('\u001f').map((id) => (id === '' ? undefined : id))
