import type { EventEntry, Reason } from '../protocol/replies.ts'

/** What may have happened: lua/README.md says what each tells. `gap`: what had happened meanwhile is not kept any more. */
export type EventName =
  | 'added'
  | 'duplicate'
  | 'replaced'
  | 'withdrawn'
  | 'claimed'
  | 'completed'
  | 'failed'
  | 'released'
  | 'dead'
  | 'requeued'
  | 'dropped'
  | 'erased'
  | 'forwarded'
  | 'reopened'
  | 'missing'
  | 'repaired'
  | 'gap'

/** Something that has happened to a conversation. What does not apply is undefined. */
export interface QueueEvent {
  /**
   * Where to go on behind it, as `from` of `events`: it names each partition. Of what one call has done all but the last have the place before that
   * call, so whoever goes on there gets those once more.
   */
  id: string
  /** When, ms since 1970. */
  at: number
  event: EventName
  /** The conversation; undefined of one that was `erased`, and of a `gap`. */
  key: string | undefined
  /** Ids of messages, as far as the event names some: of those that were added, or changed, of a batch that is claimed for the first time. Undefined of one without an id. */
  ids: (string | undefined)[]
  batch: string | undefined
  /** The how manieth claim of the batch, and its attempt. */
  claim: number | undefined
  attempt: number | undefined
  /** Messages of the batch; of one that has failed in part, those that have failed. */
  count: number | undefined
  /** Of a batch that has failed in part: how many of its messages are done, and the positions of the others, from 1. */
  done: number | undefined
  kept: number[] | undefined
  /** When the next attempt is due, ms since 1970. */
  until: number | undefined
  /** What closed the batch. */
  reason: Reason | undefined
  /** Why it is dead, was dropped, or what was repaired. */
  cause: string | undefined
  /** Who has claimed it, if it has said so. */
  worker: string | undefined
  /** Where it was forwarded to. */
  stream: string | undefined
}

/** What the fields of an entry are called here. */
const NUMBERS: Record<string, 'claim' | 'attempt' | 'count' | 'done' | 'until'> = {
  ...{ claim: 'claim', attempt: 'attempt', count: 'count', done: 'done', until: 'until', messages: 'count' },
}
const TEXTS: Record<string, 'batch' | 'reason' | 'cause' | 'worker' | 'stream'> = {
  ...{ batch: 'batch', reason: 'reason', cause: 'cause', why: 'cause', repair: 'cause', worker: 'worker', stream: 'stream' },
}

const NOTHING = {
  ...{ key: undefined, batch: undefined, claim: undefined, attempt: undefined, count: undefined, done: undefined, kept: undefined },
  ...{ until: undefined, reason: undefined, cause: undefined, worker: undefined, stream: undefined },
}

/** An event of a root, at an id of its stream. */
export const eventAt = (id: string, event: EventName): QueueEvent => ({ ...NOTHING, id, at: Number(id.split('-')[0]), event, ids: [] })

/** The events of an entry. Whatever a newer library tells besides is left out. */
export function readEntry({ id, fields }: EventEntry): QueueEvent[] {
  const events: QueueEvent[] = []
  let name = '' as EventName
  let last: QueueEvent | undefined
  const begin = () => {
    last = eventAt(id, name)
    events.push(last)
    return last
  }
  for (let n = 0; n < fields.length; n += 2) {
    const [field, value] = [String(fields[n]), fields[n + 1] as Buffer]
    if (field === 'event') {
      name = String(value) as EventName
      last = undefined
    } else if (field === 'key') begin().key = String(value)
    else Object.assign(last ?? begin(), member(field, String(value), last))
  }
  return events
}

function member(field: string, text: string, last: QueueEvent | undefined): Partial<QueueEvent> {
  if (field === 'id') return { ids: [...(last?.ids ?? []), text === '' ? undefined : text] }
  if (field === 'kept') return { kept: text.split(',').map(Number) }
  const [number, word] = [NUMBERS[field], TEXTS[field]]
  return number ? { [number]: Number(text) } : word ? { [word]: text } : {}
}
