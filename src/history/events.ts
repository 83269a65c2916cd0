import { RapidfireError } from '../errors.ts'
import { checkFlag, checkNames, ms, type Names, shown } from '../given.ts'
import { checkKey } from '../messages/encode.ts'
import type { KnownLayout } from '../partitions/layout.ts'
import { numberOf, rootKey } from '../partitions/roots.ts'
import type { Output } from '../protocol/calls.ts'
import type { EventEntry } from '../protocol/replies.ts'
import type { Caller } from '../redis/caller.ts'
import { eventAt, type QueueEvent, readEntry } from './entry.ts'

export type { QueueEvent } from './entry.ts'

export interface EventsOptions {
  /** Where to go on: the `id` of an event; `'0'`: from the oldest that is kept. @default with what happens from now on */
  from?: string
  /** Ends it, as `close()` does. */
  signal?: AbortSignal
  /** How long it rests when there is nothing new, ms, 1 to an hour. @default 1000 */
  every?: number
  /** Whether it waits for more when all is told. @default true */
  follow?: boolean
  /** Only what happens to this conversation. @default to any */
  key?: string
}

const EVENTS_OPTIONS: Names<EventsOptions> = { from: true, signal: true, every: true, follow: true, key: true }

/** Entries that one call asks for, and the usual and the longest rest, ms. */
const PAGE = 500
const REST = 1000
const HOUR = 3_600_000

/** In front of all. */
const BEGINNING = '0-0'

/** One root: up to where it was told, and what was read behind that, up to `next`. */
interface Place {
  id: string
  next: string
  waiting: EventEntry[]
  more: boolean
}

/**
 * What has happened in a queue, the oldest first, over all of its roots; waits for more. The stream of a root is read a page at a time; those of several
 * roots are told by the times of their servers.
 *
 * @throws RapidfireError `BAD_OPTION`
 */
export function eventsOfQueue(caller: Caller, layout: KnownLayout, options: EventsOptions): AsyncGenerator<QueueEvent, void> {
  checkNames('events', options, EVENTS_OPTIONS)
  checkFlag('follow', options.follow)
  ms('every', options.every ?? REST, { most: HOUR })
  if (options.key !== undefined) checkKey(options.key)
  const places = placesOf(layout.root, options.from)
  const signals = [caller.underway.closed, ...(options.signal ? [options.signal] : [])]
  const ended = () => signals.some(({ aborted }) => aborted)
  return untilEnded(follow(caller, layout, options, places, signals, ended), ended)
}

/** What was begun when it was ended may fail for that. */
async function* untilEnded<Each>(all: AsyncGenerator<Each, void>, ended: () => boolean): AsyncGenerator<Each, void> {
  try {
    yield* all
  } catch (error) {
    if (!ended()) throw error
  }
}

async function* follow(
  caller: Caller,
  layout: KnownLayout,
  { from, every = REST, follow, key }: EventsOptions,
  places: Map<string, Place>,
  signals: readonly AbortSignal[],
  ended: () => boolean,
): AsyncGenerator<QueueEvent, void> {
  const ask = (root: string, after: string) =>
    caller.room.run(() => caller.underway.run(() => caller.call(root, 'events', { after, limit: PAGE, key })))
  let first = true
  while (!ended()) {
    const roots = await caller.underway.run(() => layout.everyRoot())
    const replies = new Map<string, Output<'events'>>()
    const read = async (root: string) => {
      const place = places.get(root)
      const page = await ask(root, place?.id ?? (first && from === undefined ? '+' : BEGINNING))
      replies.set(root, page)
      const { next, entries, more, gap } = page
      places.set(root, { id: entries.length === 0 ? next : (place?.id ?? BEGINNING), next, waiting: entries, more })
      return gap ? root : undefined
    }
    for (let some = roots; some.length > 0 && !ended(); some = starving(places)) {
      const gaps = (await Promise.all(some.map(read))).filter((root) => root !== undefined)
      if (first && [...replies.values()].every(({ kept, entries }) => kept === 0 && entries.length === 0)) throw noEvents()
      first = false
      for (const root of gaps) {
        const { waiting, next } = places.get(root) as Place
        yield { ...eventAt(waiting[0]?.id ?? next, 'gap'), id: idOf(layout.root, places) }
      }
      for (let root = next(places); root !== undefined && !ended(); root = next(places)) {
        const place = places.get(root) as Place
        const entry = place.waiting.shift() as EventEntry
        const before = idOf(layout.root, places)
        place.id = place.waiting.length === 0 ? place.next : entry.id
        const after = idOf(layout.root, places)
        const events = readEntry(entry).filter((event) => key === undefined || event.key === key)
        for (const [n, event] of events.entries()) yield { ...event, id: n === events.length - 1 ? after : before }
      }
    }
    if (follow === false) return
    await rest(every, signals)
  }
}

const noEvents = () => new RapidfireError('NO_EVENTS', 'the policy of this queue keeps no events: set `events`, to 10000 for example')

/** Roots of which more must be read before anything can be told: what comes there may be older than what others have. */
const starving = (places: ReadonlyMap<string, Place>) =>
  [...places].flatMap(([root, { waiting, more }]) => (more && waiting.length === 0 ? [root] : []))

/** The root that has the oldest entry, unless more must be read first. What is as old is told in the order of the names of the roots, each time. */
function next(places: ReadonlyMap<string, Place>): string | undefined {
  let oldest: [ms: number, number: number, root: string] | undefined
  for (const [root, { waiting, more }] of places) {
    const entry = waiting[0]
    if (!entry && more) return undefined
    if (!entry) continue
    const [ms, number] = entry.id.split('-').map(Number) as [number, number]
    const isOlder = oldest && (ms - oldest[0] || number - oldest[1] || (root < oldest[2] ? -1 : 1)) < 0
    if (!oldest || isOlder) oldest = [ms, number, root]
  }
  return oldest?.[2]
}

/** The place in all roots as one text: `<id>` of the root of the queue, `<n>:<id>` of partition n. */
function idOf(queueRoot: string, places: ReadonlyMap<string, Place>): string {
  const parts: string[] = []
  for (const [root, { id }] of places) {
    const number = numberOf(queueRoot, root)
    if (id !== BEGINNING) parts.push(number === undefined ? id : `${number}:${id}`)
  }
  return parts.join() || BEGINNING
}

/** @throws RapidfireError `BAD_OPTION` */
function placesOf(queueRoot: string, from: string | undefined): Map<string, Place> {
  const places = new Map<string, Place>()
  for (const part of from === undefined || from === '0' ? [] : String(from).split(',')) {
    const [, number, id] = /^(?:(\d{1,6}):)?(\d{1,15}-\d{1,15})$/.exec(part) ?? []
    if (id === undefined) throw new RapidfireError('BAD_OPTION', `from must be the id of an event, or 0; got ${shown(from)}`)
    const queue = queueRoot.slice('rapid-fire:{'.length, -1)
    places.set(rootKey(queue, number === undefined ? undefined : Number(number)), { id, next: id, waiting: [], more: false })
  }
  return places
}

/** Waits so long, or until one of them is aborted. */
function rest(ms: number, signals: readonly AbortSignal[]): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer)
      for (const signal of signals) signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, ms)
    for (const signal of signals) signal.addEventListener('abort', end)
    if (signals.some(({ aborted }) => aborted)) end()
  })
}
