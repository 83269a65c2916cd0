// What `rapidfire_check` sees of a queue at one moment, and how its replies are read. What must hold of it stands in invariants.ts.

interface PartFacts {
  /** What stands behind the root and its colon. */
  part: Buffer
  /** Type in Redis, `none` when it is absent. */
  type: string
  expires: boolean
}

/** What stands in Redis for one conversation, at one moment. Times in ms since 1970; undefined where nothing stands. */
export interface KeyFacts extends PartFacts {
  what: 'messages'
  now: number
  size: number
  /** When the first and the last message were received. */
  first: number | undefined
  last: number | undefined
  /** Of the first 1000 messages: those that are not written as messages are, and those with options of their own. */
  unreadable: number
  own: number
  /** The latest score in `due` that could be right. */
  latest: number | undefined
  due: number | undefined
  active: number | undefined
  claim: string | undefined
  overridden: boolean
  /** The longest wait that the policy, or one of the messages, allows, ms. */
  wait: number | undefined
  /** Messages that lie in the future. */
  ahead: number
}

/** What stands in Redis for one dead batch. */
export interface DeadFacts extends PartFacts {
  what: 'dead'
  /** When it died; undefined when it is in no index. */
  died: number | undefined
  key: Buffer | undefined
  /** How many messages it says it has. */
  count: number
  /** Messages from the first on, up to the first that is missing. */
  gapless: number
  messages: number
}

export interface OtherFacts extends PartFacts {
  what: 'other'
}

export type Facts = KeyFacts | DeadFacts | OtherFacts

/** What stands in Redis for a queue, at one moment: the counters, by name. */
export type QueueFacts = ReadonlyMap<string, number>

/** Reads what `rapidfire_check` replies of one part. */
export function readFacts([what, part, type, ttl, ...about]: unknown[]): Facts {
  const common = { part: part as Buffer, type: String(type), expires: Number(ttl) >= 0 }
  // A score may be `inf`.
  const number = (value: unknown) => (String(value) === '' ? undefined : Number(String(value).replace('inf', 'Infinity')))
  if (String(what) === 'messages') {
    const [now, size, first, last, unreadable, own, latest, due, active, claim, overridden, wait, ahead] = about
    return {
      ...common,
      what: 'messages',
      now: Number(now),
      size: Number(size),
      // A message that cannot be read has no time.
      first: number(first) || undefined,
      last: number(last) || undefined,
      unreadable: Number(unreadable),
      own: Number(own),
      latest: number(latest),
      due: number(due),
      active: number(active),
      claim: String(claim) || undefined,
      overridden: Number(overridden) === 1,
      wait: number(wait),
      ahead: Number(ahead),
    }
  }
  if (String(what) !== 'dead') return { ...common, what: 'other' }
  const [died, key, count, gapless, messages] = about
  return {
    ...common,
    what: 'dead',
    died: number(died),
    key: (key as Buffer).length > 0 ? (key as Buffer) : undefined,
    count: Number(String(count)),
    gapless: Number(gapless),
    messages: Number(messages),
  }
}
