import { RapidfireError } from '../errors.ts'
import { checkNames, kindOf, type Names } from '../given.ts'
import { checkKey } from '../messages/encode.ts'
import type { KnownLayout } from '../partitions/layout.ts'
import { numberOf, rootOfId } from '../partitions/roots.ts'
import type { Output } from '../protocol/calls.ts'
import type { Cause, Reason, TracedPlace } from '../protocol/replies.ts'
import type { Caller } from '../redis/caller.ts'
import { OPTIONS } from '../redis/generated/limits.ts'
import { type ArchivedBatch, readBatch } from './archived.ts'
import { type QueueEvent, readEntry } from './entry.ts'

/** What is traced: a message, a conversation, or a batch. An id alone may be known in several conversations. */
export type Traced = { key: string; id?: string } | { id: string } | { batch: string }

/**
 * Of messages in a conversation the state of its first batch: `collecting`, `ready`, `active` (a worker has it), `retry` (it pauses before the next attempt),
 * `released` (it was given back), `done` (it was completed while its list was missing), `unindexed` (nobody looks at it). `empty`: the conversation has none.
 * `dead`, `streamed`: given up, or forwarded. `archived`: completed, and in the archive. `remembered`: it is nowhere any more, and its id was accepted
 * within `dedupe`. `unknown`: neither.
 */
export type TraceState = TracedPlace['state'] | 'empty' | 'archived' | 'remembered' | 'unknown'

/** Where a batch is, or the messages of a conversation. Times in ms since 1970; what does not apply is undefined. */
export interface TracePlace {
  state: TraceState
  batch: string | undefined
  /** The how manieth attempt is under way, or was the last. */
  attempt: number | undefined
  /** Messages of the batch, and of the conversation. */
  count: number | undefined
  size: number | undefined
  /** Which one it is, from 1, of the messages of the conversation, or of the batch that is dead or streamed; and when it was received. */
  position: number | undefined
  receivedAt: number | undefined
  /** What closes the batch, and when. */
  reason: Reason | undefined
  deadline: number | undefined
  /** When the lease or the pause ends, or when it died, was streamed or completed. */
  until: number | undefined
  /** Why it is dead. */
  cause: Cause | undefined
  stream: string | undefined
}

/** What became of a message, a conversation or a batch. Nothing of what people wrote is in it. */
export interface Trace extends TracePlace {
  /** Undefined of a batch that is nowhere. */
  key: string | undefined
  id: string | undefined
  /** The time in Redis. */
  now: number
  /** Whether it is not in that batch but behind it. */
  behind: boolean
  /** Who has claimed it last, as far as an event or the archive tells. */
  worker: string | undefined
  /** How it has ended, and when, as far as an event or the archive tells. */
  ended: { event: 'completed' | 'forwarded' | 'dropped'; at: number } | undefined
  /** The partition that has it, undefined without partitions; and whether that takes new conversations. */
  partition: number | undefined
  serves: boolean
  /** When a worker with a free slot looked at this root last, or took something; and when one has promised to look next, if it has. */
  lookedAt: number | undefined
  looksAt: number | undefined
  /** Of a conversation: its dead and streamed batches, the newest first, at most a hundred. */
  others: TracePlace[]
  /** What has happened to it, oldest first, the last hundred as far as they are kept; undefined when the policy keeps none. */
  events: QueueEvent[] | undefined
}

const TRACED: Names<{ key: string; id: string; batch: string }> = { key: true, id: true, batch: true }

/** Places and events that are told, and entries that one call asks for. */
const MOST = 100
const PAGE = 1000

/** What the roots have said that may know of something. */
interface Found {
  place: TracedPlace | undefined
  others: TracedPlace[]
  root: string
  said: Output<'trace'>
  remembered: boolean
}

/** @throws RapidfireError `BAD_ARGUMENT`, `BAD_KEY`, `BAD_ID`; `NO_EVENTS` for an id alone */
export function trace({ underway, call }: Caller, layout: KnownLayout, queue: string, traced: Traced): Promise<Trace[]> {
  return underway.run(async () => {
    checkNames('trace', traced, TRACED)
    const { key, id, batch } = traced as { key?: string; id?: string; batch?: string }
    if (batch === undefined ? key === undefined && id === undefined : key !== undefined || id !== undefined)
      throw new RapidfireError('BAD_ARGUMENT', 'trace takes a key, a key and an id, an id, or a batch')
    checkText('id', id, OPTIONS.ofMessage.bytes, 'BAD_ID')
    checkText('batch', batch, OPTIONS.ofBatch.bytes, 'BAD_ARGUMENT')
    if (key !== undefined) checkKey(key)
    await layout.current()
    const tracer = new Tracer(call, layout, queue)
    if (batch !== undefined) return [await tracer.batch(batch)]
    if (key !== undefined) return [await tracer.message(key, id)]
    const keys = await tracer.keysOf(id as string)
    return Promise.all(keys.map((each) => tracer.message(each, id)))
  })
}

function checkText(name: string, text: unknown, bytes: number, code: 'BAD_ID' | 'BAD_ARGUMENT'): void {
  if (text === undefined) return
  if (typeof text !== 'string') throw new RapidfireError(code, `${name} must be a text, got ${kindOf(text)}`)
  const length = Buffer.byteLength(text)
  if (length < 1 || length > bytes) throw new RapidfireError(code, `${name} must have 1 to ${bytes} bytes, got ${length}`)
}

class Tracer {
  readonly #call: Caller['call']
  readonly #layout: KnownLayout
  readonly #queue: string

  constructor(call: Caller['call'], layout: KnownLayout, queue: string) {
    this.#call = call
    this.#layout = layout
    this.#queue = queue
  }

  /** A message of a conversation, or all of it. */
  async message(key: string, id: string | undefined): Promise<Trace> {
    const roots = await this.#rootsOf(key)
    const found = await this.#find(roots, { key, id })
    const none = id === undefined ? 'empty' : found.remembered ? 'remembered' : 'unknown'
    const archived = found.place || id === undefined ? undefined : await this.#archived(roots, { key, id })
    return this.#told(found, { key, id }, archived ?? none, await this.#history(roots, { key }))
  }

  /** Its id says in which root it was made, and there it stays. */
  async batch(batch: string): Promise<Trace> {
    const roots = [rootOfId(this.#queue, batch)]
    const found = await this.#find(roots, { batch })
    const archived = found.place ? undefined : await this.#archived(roots, { batch })
    const key = archived?.key ?? found.place?.key.toString()
    return this.#told(found, { key, batch }, archived ?? 'unknown', await this.#history(roots, { batch }))
  }

  /** The conversations in which an id was heard of, as far as events are kept: they are what maps ids to keys. */
  async keysOf(id: string): Promise<string[]> {
    const events = await this.#history(await this.#layout.everyRoot(), { id })
    if (!events)
      throw new RapidfireError(
        'NO_EVENTS',
        'an id belongs to its conversation, so name the key as well: by the id alone a message is found only while the policy keeps events',
      )
    return [...new Set(events.flatMap(({ key, ids }) => (key !== undefined && ids.includes(id) ? [key] : [])))]
  }

  /** Roots that may have something of a key: where it belongs, and all that serve no more, in front the one that is the likeliest. */
  async #rootsOf(key: string): Promise<string[]> {
    const every = await this.#layout.everyRoot()
    const first = this.#layout.rootFor(key)
    const own = [first, this.#layout.rootAfter(first, key)]
    const serving = new Set(this.#layout.roots().serving)
    return [...new Set([...own, ...every.filter((root) => !serving.has(root))])].filter((root) => root !== undefined)
  }

  // What is in several places is told of the first: messages in lists come before the dead, and these before the streamed.
  async #find(roots: readonly string[], of: { key?: string; id?: string | undefined; batch?: string }): Promise<Found> {
    const all = await Promise.all(roots.map(async (root) => ({ root, ...(await this.#ask(root, of)) })))
    const rank = ({ state }: TracedPlace) => (state === 'streamed' ? 2 : state === 'dead' ? 1 : 0)
    const places = all.flatMap((each) => each.places.map((place) => ({ ...each, place })))
    places.sort((a, b) => rank(a.place) - rank(b.place) || b.place.until - a.place.until)
    const whole = of.key !== undefined && of.id === undefined
    const best = places.find(({ place }) => !whole || rank(place) === 0)
    const others = whole ? places.flatMap(({ place }) => (rank(place) === 0 ? [] : [place])) : []
    const { root, said } = best ?? (all[0] as (typeof all)[number])
    return { place: best?.place, others: others.slice(0, MOST), root, said, remembered: all.some(({ said }) => said.remembered) }
  }

  /** One call looks at some; what moves meanwhile may be told twice. */
  async #ask(root: string, of: { key?: string; id?: string | undefined; batch?: string }) {
    const places = new Map<string, TracedPlace>()
    const said = await this.#call(root, 'trace', of)
    let page = said
    for (;;) {
      for (const place of page.places) places.set(`${place.state} ${place.batch}`, place)
      if (page.next === '' || places.size >= MOST) return { said, places: [...places.values()] }
      page = await this.#call(root, 'trace', { ...of, after: page.next })
    }
  }

  /** What has happened, oldest first, in roots one after the other; undefined when no events are kept. */
  async #history(roots: readonly string[], of: { key?: string; id?: string; batch?: string }): Promise<QueueEvent[] | undefined> {
    const all = await Promise.all(
      roots.map(async (root) => {
        const events: QueueEvent[] = []
        let [after, isKept] = ['0-0', false]
        for (;;) {
          const { kept, entries, next, more } = await this.#call(root, 'events', { after, limit: PAGE, ...of })
          isKept ||= kept > 0 || entries.length > 0
          events.push(...entries.flatMap(readEntry).filter((event) => isAbout(event, of)))
          if (!more) return { events, isKept }
          after = next
        }
      }),
    )
    return all.some(({ isKept }) => isKept) ? all.flatMap(({ events }) => events).sort((a, b) => a.at - b.at) : undefined
  }

  /** The batch that the archive has of what is in no list, no dead batch and no stream: the last one that was completed. */
  async #archived(roots: readonly string[], of: { key?: string; id?: string; batch?: string }): Promise<ArchivedBatch | undefined> {
    const all = await Promise.all(
      roots.map(async (root) => {
        let last: ArchivedBatch | undefined
        let after: string | undefined
        for (;;) {
          const page: Output<'archived'> = await this.#call(root, 'archived', { after, limit: PAGE, ...of })
          last = page.batches.map(readBatch).at(-1) ?? last
          if (!page.more) return last
          after = page.next
        }
      }),
    )
    return all.filter((each) => each !== undefined).sort((a, b) => b.completedAt - a.completedAt)[0]
  }

  /** @param none where it is that is in no list, no dead batch and no stream */
  #told(
    { place, others, root, said }: Found,
    { key, id, batch }: { key: string | undefined; id?: string | undefined; batch?: string },
    none: 'empty' | 'remembered' | 'unknown' | ArchivedBatch,
    events: QueueEvent[] | undefined,
  ): Trace {
    const of = id === undefined ? events : events && eventsOfMessage(events, id)
    const archived = typeof none === 'string' ? undefined : none
    const at = place ? placeOf(place) : typeof none === 'string' ? { ...NOWHERE, state: none, batch } : archivedPlace(none)
    const completed = archived && ({ event: 'completed', at: archived.completedAt } as const)
    return {
      ...at,
      ...{ key: key ?? of?.find((event) => event.key !== undefined)?.key, id, now: said.now },
      behind: id !== undefined && at.size !== undefined && (at.position ?? 0) > (at.count ?? 0),
      worker: of?.findLast((event) => event.event === 'claimed' && (!at.batch || event.batch === at.batch))?.worker ?? archived?.worker,
      ended: !place && none !== 'empty' ? (endOf(of ?? [], id) ?? completed) : undefined,
      ...{ partition: numberOf(this.#layout.root, root), serves: said.serves === 'open' },
      ...{ lookedAt: said.looked || undefined, looksAt: said.watchAt || undefined },
      others: others.map(placeOf),
      events: of?.slice(-MOST),
    }
  }
}

const isAbout = ({ key, ids, batch }: QueueEvent, of: { key?: string; id?: string; batch?: string }) =>
  (of.key === undefined || key === of.key) && (of.id === undefined || ids.includes(of.id)) && (of.batch === undefined || batch === of.batch)

const NOWHERE = {
  ...{ attempt: undefined, count: undefined, size: undefined, position: undefined, receivedAt: undefined, reason: undefined },
  ...{ deadline: undefined, until: undefined, cause: undefined, stream: undefined },
}

/** Without the zeros that say nothing. */
const placeOf = ({ state, batch, detail, reason, ...numbers }: TracedPlace): TracePlace => ({
  ...{ state, batch, reason: reason || undefined },
  ...{ attempt: numbers.attempt || undefined, count: numbers.count, size: numbers.size || undefined },
  ...{ position: numbers.position || undefined, receivedAt: numbers.receivedAt || undefined },
  ...{ deadline: numbers.deadline || undefined, until: numbers.until || undefined },
  cause: state === 'dead' ? (detail as Cause) : undefined,
  stream: state === 'streamed' ? detail : undefined,
})

const archivedPlace = ({ id, attempts, size, reason, completedAt }: ArchivedBatch): TracePlace => ({
  ...NOWHERE,
  ...{ state: 'archived', batch: id, attempt: attempts, count: size, reason, until: completedAt },
})

/** Of the events of a conversation those of a message: that name it, and those of the batches in which it was. */
function eventsOfMessage(events: readonly QueueEvent[], id: string): QueueEvent[] {
  const batches = new Set(events.flatMap(({ ids, batch }) => (batch !== undefined && ids.includes(id) ? [batch] : [])))
  return events.filter(({ ids, batch }) => ids.includes(id) || (batch !== undefined && batches.has(batch)))
}

/** How the last batch has ended that had the message, or the batch that is traced. A message may be done before the others of its batch. */
function endOf(events: readonly QueueEvent[], id: string | undefined): Trace['ended'] {
  let ended: Trace['ended']
  let held: (string | undefined)[] | undefined
  for (const { event, at, ids, kept } of events) {
    if (event === 'added' || event === 'requeued') ended = undefined
    if (event === 'claimed' && ids.length > 0) held = ids
    if (event === 'completed' || event === 'forwarded' || event === 'dropped') ended ??= { event, at }
    if (kept === undefined || held === undefined || id === undefined) continue
    held = kept.map((position) => held?.[position - 1])
    if (!held.includes(id)) ended = { event: 'completed', at }
  }
  return ended
}
