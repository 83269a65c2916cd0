import { appendFileSync, closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs'

/** A batch in somebody's hands. */
export interface Attempt {
  key: string
  batch: string
  attempt: number
  /** Counts how often the batch was handed out: more often than there were attempts when nobody got it. As `attempt` where nobody knows. */
  claim?: number
}

/** What happened, in the words of whoever saw it. */
export type Fact =
  /** A message is about to be added. Those of one key are offered one after the other. `of`: another one, which it edits or, `withdraws`, takes back. */
  | { what: 'offered'; key: string; message: string; of?: string; withdraws?: boolean }
  /** Redis has said that it holds the message; `duplicate`: that it has held it before; `change`: what it has done instead with another one. */
  | { what: 'accepted'; key: string; message: string; duplicate?: boolean; change?: 'replaced' | 'withdrawn' }
  /** Adding a message has failed with this code of a `RapidfireError`. After `UNAVAILABLE` Redis may hold it all the same. */
  | { what: 'refused'; key: string; message: string; code: string }
  /** A handler was called. `forms`: whose data each message has, where one was edited. */
  | ({ what: 'started'; messages: string[]; forms?: string[]; deadline?: number } & Attempt)
  /** A handler has returned, done with these messages, or thrown, done with none. */
  | ({ what: 'ended'; handled: string[] } & Attempt)
  /** The signal of a handler has aborted. */
  | ({ what: 'aborted'; reason: string } & Attempt)
  /** Asked when the signal of a handler had aborted, Redis said that the lease of the attempt holds for so many ms more. */
  | ({ what: 'held'; left: number } & Attempt)
  /** A worker has told what became of an attempt. */
  | ({ what: 'told'; event: 'completed' | 'failed' | 'dead' | 'lost'; error?: string } & Attempt)
  /** A worker has told of an error. */
  | { what: 'error'; text: string }
  /** Redis was seen to hold the lease of an attempt until then, ms since 1970. */
  | ({ what: 'leased'; until: number } & Attempt)
  /**
   * The log of Redis shows that an attempt was over when its batch was taken from it: it had failed, or its lease had run out. Not `counted`: that
   * attempt is made once more, for nobody has got the batch, or has given it back.
   */
  | ({ what: 'over'; by: 'failure' | 'lease'; counted?: boolean } & Attempt)
  /** Redis was seen to keep a dead batch, at the end. */
  | ({ what: 'buried'; messages: string[]; cause?: string } & Attempt)
  /** The process was killed; it was stopped, and went on. */
  | { what: 'killed' }
  | { what: 'stopped' }
  | { what: 'continued' }
  /** Something that was done to Redis or to processes is over; `seen`: it was seen to happen. */
  | { what: 'fault'; name: string; since: number; seen: boolean }
  /** Between these times, ms since 1970, the roots named could not be reached, or Redis as a whole. */
  | { what: 'silent'; since: number; until: number; roots?: string[] }
  /**
   * Redis has lost what it did to these conversations between these times, ms since 1970, and so it says itself: a replica without it has taken
   * over. `messages` are those that were stored meanwhile. Without them all that was stored up to the end is lost: the node came back empty.
   */
  | { what: 'forgot'; since: number; until: number; keys: string[]; messages?: string[] }
  | { what: 'running' | 'closed' }

/** `at`: ms since 1970. `pid`: the process that it happened to. */
export type Entry = { at: number; pid: number } & Fact

/** What a message is called, by its data: as that which it has edited, if it is that. */
export const nameOf = ({ message, of }: { message: string; of?: string }, id: string | undefined) =>
  of !== undefined && of === id ? of : message

/** An append-only file of JSON lines that every process of a run writes to. Their order in the file is the order of events. */
export class History {
  readonly file: string
  readonly #entries: Entry[] = []
  /** How much of the file is in `#entries`, bytes. */
  #offset = 0

  constructor(file: string) {
    this.file = file
  }

  // Synchronous, so that what a process saw before it was killed is in the file.
  write(fact: Fact, pid = process.pid): void {
    appendFileSync(this.file, `${JSON.stringify({ at: Date.now(), pid, ...fact })}\n`)
  }

  read(): Entry[] {
    if (!existsSync(this.file)) return []
    const file = openSync(this.file, 'r')
    const fresh = Buffer.alloc(fstatSync(file).size - this.#offset)
    const length = readSync(file, fresh, 0, fresh.length, this.#offset)
    closeSync(file)
    // Behind the last line feed there is nothing, or a line that is being written.
    const whole = fresh.subarray(0, fresh.lastIndexOf('\n', length - 1) + 1)
    this.#offset += whole.length
    for (const line of whole.toString().split('\n')) if (line) this.#entries.push(JSON.parse(line) as Entry)
    return [...this.#entries]
  }
}

export type Of<What extends Entry['what']> = Extract<Entry, { what: What }>

export const claimOf = ({ attempt, claim = attempt }: Attempt) => claim

/** Its token. */
const name = (attempt: Attempt) => `${attempt.batch}:${claimOf(attempt)}`

/**
 * What a history breaks of the promises to users, in words; nothing when all are kept:
 * - every accepted message is handled, or kept in a dead batch;
 * - the messages of a key are handed out in the order in which they were offered, and those of a batch stay together;
 * - a key has one active batch at a time, unless the first one lost its lease;
 * - a batch comes again only after it failed, its process was killed, or its lease was lost, and not before the lease has ended;
 * - an attempt that is over completes nothing.
 * Of what Redis has lost by its own words, only that is not judged: messages that it forgot, that it does once more what it forgot, and that what
 * two partitions have of a conversation since then is handled side by side.
 *
 * @param dedupe for how long Redis knows the id of a message, ms: what is told again later may be stored again, and comes out twice
 */
export function brokenPromises(entries: readonly Entry[], dedupe = Number.POSITIVE_INFINITY): string[] {
  const only = <What extends Entry['what']>(what: What, among = entries) => among.filter((entry): entry is Of<What> => entry.what === what)
  const started = only('started')
  const losses = new Losses(entries)
  return [
    ...neverHandled(only('accepted'), only('ended'), only('buried'), losses),
    ...[...new Set(started.map(({ key }) => key))].flatMap((key) => {
      const concerned = entries.filter((entry) => !('key' in entry) || entry.key === key)
      const starts = losses.lives(key, only('started', concerned)).flatMap((life) => life.sort(byClaim))
      return [
        ...outOfOrder(key, only('offered', concerned), starts, losses, storedAgain(concerned, dedupe)),
        ...consecutive(starts).flatMap(([first, second]) => unexplained(concerned, first, second, losses)),
      ]
    }),
    ...tooEarly(entries, only('leased'), started),
    ...completedLate(only('over'), only('told')),
  ]
}

/** How much later than Redis has done something a process may write it down, ms. */
const LAG = 100

/** What Redis has forgotten. */
export class Losses {
  readonly #forgot: Of<'forgot'>[]
  readonly #completed = new Map<string, number>()
  /** When each message was offered. */
  readonly #offered = new Map<string, number>()

  constructor(entries: readonly Entry[]) {
    this.#forgot = entries.filter((entry) => entry.what === 'forgot')
    for (const entry of entries) {
      if (entry.what === 'offered') this.#offered.set(entry.message, entry.at)
      if (entry.what === 'told' && entry.event === 'completed') this.#completed.set(`${name(entry)} of ${entry.key}`, entry.at)
    }
  }

  /** Whether a message that was accepted is lost. */
  hasLost({ key, message, at }: Of<'accepted'>): boolean {
    return this.#forgot.some(({ keys, messages, until }) =>
      messages ? messages.includes(message) : keys.includes(key) && at < until + LAG,
    )
  }

  /** The parts of a conversation between which Redis has gone back: a batch that was claimed before another one may come again after it. */
  lives<Item extends { at: number }>(key: string, items: readonly Item[]): Item[][] {
    const ends = this.#forgot.filter(({ keys }) => keys.includes(key)).map(({ until }) => until)
    return [0, ...ends].map((from, n) => items.filter(({ at }) => at >= from && at < (ends[n] ?? Number.POSITIVE_INFINITY)))
  }

  /** Whether an attempt, or that it was completed, may have been forgotten before another one began. */
  mayHaveUndone(first: Attempt & { at: number }, second: { at: number }): boolean {
    return this.#forgot.some(({ keys, since, until }) => {
      if (!keys.includes(first.key) || first.at > until + LAG || second.at < until) return false
      const completed = this.#completed.get(`${name(first)} of ${first.key}`)
      return completed === undefined || completed >= since
    })
  }

  /**
   * Whether two partitions may have a conversation at a time. One that is drained has messages again that it had given out, and the other has newer
   * ones by then, or gets them that were on their way. What is offered after the loss goes to one of both alone: so one of the two batches is all
   * from before it. A node that came back empty has none again.
   */
  mayBeApart(first: Of<'started'>, second: Of<'started'>): boolean {
    if (partitionOf(first) === partitionOf(second)) return false
    return this.#forgot.some(({ keys, messages, until }) => {
      const isOlder = (message: string) => (this.#offered.get(message) ?? Number.POSITIVE_INFINITY) < until + LAG
      const isAfter = first.at >= until || second.at >= until
      return messages !== undefined && keys.includes(first.key) && isAfter && [first, second].some((each) => each.messages.every(isOlder))
    })
  }
}

/** The number of the partition that a batch is of: the last part of its id, `<ms>-<number>-<partition>`. */
const partitionOf = ({ batch }: Attempt) => batch.split('-')[2]

/**
 * The order in which attempts were claimed: a batch id is the time of the first claim and a number that counts up. A process that was
 * stopped in between may start its handler long after it has claimed.
 */
function byClaim(a: Attempt, b: Attempt): number {
  const [left, right] = [a, b].map((each) => [...each.batch.split('-').map(Number), claimOf(each)]) as [number[], number[]]
  const n = left.findIndex((part, at) => part !== right[at])
  return n < 0 ? 0 : (left[n] as number) - (right[n] as number)
}

function neverHandled(accepted: Of<'accepted'>[], ended: Of<'ended'>[], buried: Of<'buried'>[], losses: Losses): string[] {
  const found = new Set([...ended.flatMap(({ handled }) => handled), ...buried.flatMap(({ messages }) => messages)])
  return accepted
    .filter((entry) => !found.has(entry.message) && !losses.hasLost(entry))
    .map(({ key, message }) => `${message} of ${key} was accepted and never handled`)
}

/** Messages that were told again when Redis need not have known their ids any more, and were not taken for duplicates. */
function storedAgain(entries: readonly Entry[], dedupe: number): Set<string> {
  const offered = new Map(entries.flatMap((entry) => (entry.what === 'offered' ? [[entry.message, entry.at] as const] : [])))
  const isLate = ({ message, duplicate, at }: Of<'accepted'>) => duplicate === false && at >= (offered.get(message) ?? at) + dedupe
  return new Set(entries.flatMap((entry) => (entry.what === 'accepted' && isLate(entry) ? [entry.message] : [])))
}

function outOfOrder(key: string, offered: Of<'offered'>[], starts: Of<'started'>[], losses: Losses, stored: Set<string>): string[] {
  const broken: string[] = []
  const position = new Map(offered.map(({ message }, n) => [message, n]))
  const batches = new Map<string, Of<'started'>>()
  // By whom each place in the conversation was handed out last.
  const handed = new Map<number, Of<'started'>>()
  let last = -1
  for (const start of starts) {
    const earlier = batches.get(start.batch)
    batches.set(start.batch, start)
    if (earlier) {
      const left = earlier.messages.filter((message) => start.messages.includes(message))
      if (left.join() !== start.messages.join() && !losses.mayHaveUndone(earlier, start)) {
        broken.push(`batch ${name(start)} of ${key} came again with other messages: ${start.messages} instead of ${earlier.messages}`)
      }
    }
    for (const message of start.messages) {
      const at = position.get(message)
      if (at === undefined) {
        broken.push(`${message} of ${key} was handed out and never offered`)
        continue
      }
      // Redis goes back to where it was: what comes then is in order from there on.
      const again = [...handed].filter(([place]) => place >= at)
      const mayComeAgain = ([place, before]: (typeof again)[number]) =>
        losses.mayHaveUndone(before, start) || losses.mayBeApart(before, start) || stored.has(offered[place]?.message ?? '')
      if (at > last || earlier || again.every(mayComeAgain)) last = earlier ? Math.max(last, at) : at
      else broken.push(`${message} of ${key} was handed out after ${offered[last]?.message}`)
      for (const [place] of again) if (!earlier) handed.delete(place)
      handed.set(at, start)
    }
  }
  return broken
}

const consecutive = <Item>(items: Item[]) => items.slice(1).map((item, n) => [items[n] as Item, item] as const)

/** Why the second handler of a key should not have been called after the first. */
function unexplained(entries: readonly Entry[], first: Of<'started'>, second: Of<'started'>, losses: Losses): string[] {
  if (losses.mayHaveUndone(first, second) || losses.mayBeApart(first, second)) return []
  const of = (entry: Entry) => 'batch' in entry && name(entry) === name(first) && entry.pid === first.pid
  const at = entries.indexOf(second)
  const before = entries.slice(entries.indexOf(first), at)
  const told = (event: string, among = entries) => among.some((entry) => entry.what === 'told' && entry.event === event && of(entry))
  const ended = before.some((entry) => entry.what === 'ended' && of(entry))
  const failed = told('failed', before)
  const killed = before.some((entry) => entry.what === 'killed' && entry.pid === first.pid)
  // That the lease was lost may come out long after somebody else has the batch.
  const lost = told('lost') || entries.some((entry) => entry.what === 'aborted' && of(entry))
  const over = entries.some((entry) => entry.what === 'over' && name(entry) === name(first))
  // A process that is stopped keeps no lease, and may be killed before it hears of that.
  const stops = before.filter((entry) => (entry.what === 'stopped' || entry.what === 'continued') && entry.pid === first.pid)
  const stopped = stops.at(-1)?.what === 'stopped'
  // Its end could not be told to Redis.
  const untold = ended && before.some((entry) => entry.what === 'error' && entry.pid === first.pid)
  const what = `batch ${name(second)} of ${second.key} was handed out`
  // Redis has gone back, and handed out once more what had been done before the second.
  const done = entries.find((entry) => entry.what === 'started' && name(entry) === name(first) && entry.at < second.at)
  if (second.at < first.at && done?.what === 'started' && losses.mayHaveUndone(done, first)) return []
  if (second.batch !== first.batch) {
    return ended || failed || killed || lost || over || stopped ? [] : [`${what} while ${name(first)} was active`]
  }
  if (claimOf(second) <= claimOf(first)) return [`${what} after ${name(first)}`]
  if (told('completed')) return [`${what} after ${name(first)} was completed`]
  return failed || killed || lost || untold || over || stopped
    ? []
    : [`${what} although ${name(first)} had neither failed nor lost its lease`]
}

function tooEarly(entries: readonly Entry[], leased: Of<'leased'>[], started: Of<'started'>[]): string[] {
  return leased.flatMap((lease) => {
    const next = started.find((start) => start.batch === lease.batch && claimOf(start) > claimOf(lease))
    if (!next || next.at >= lease.until) return []
    const failed = entries.some((entry) => entry.what === 'told' && entry.event === 'failed' && name(entry) === name(lease))
    return failed
      ? []
      : [`batch ${name(next)} of ${next.key} was handed out ${lease.until - next.at} ms before the lease of ${name(lease)} ended`]
  })
}

function completedLate(over: Of<'over'>[], told: Of<'told'>[]): string[] {
  const completed = new Set(told.filter(({ event }) => event === 'completed').map((entry) => `${name(entry)} of ${entry.key}`))
  return over
    .map((entry) => `${name(entry)} of ${entry.key}`)
    .filter((attempt) => completed.has(attempt))
    .map((attempt) => `batch ${attempt} was completed although it was over`)
}
