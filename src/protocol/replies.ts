// How replies are read. Integers are made numbers, since a client with `stringNumbers` brings them as text.

import { type RapidfireError, toRapidfireError } from '../errors.ts'
import type { AddResult } from '../messages/results.ts'
import type { Gift, Layout, RootLayout } from '../partitions/roots.ts'
import type { FunctionName } from '../redis/generated/facts.ts'

/** What closed a batch: quiet for `wait`, `maxWait` since the first message, `maxSize` messages, a flush, or `maxBatchBytes`. */
export type Reason = 'wait' | 'maxWait' | 'size' | 'flush' | 'bytes'

/** What is the matter with a key. `retry`: its batch pauses before the next attempt. */
export type State = 'empty' | 'collecting' | 'ready' | 'active' | 'retry'

/**
 * Why a batch was given up: it failed in its last attempt, the lease of that ran out, or many claims of it were never heard of again, as when it
 * kills the process that takes it.
 */
export type Cause = 'failed' | 'lease' | 'unacknowledged'

/** A batch as it was claimed: key and messages may be any bytes. */
export interface Claim {
  key: Buffer
  token: string
  attempt: number
  reason: Reason
  deadline: number
  messages: Buffer[]
  due: number
  /** Whether what becomes of it is kept. */
  archived: boolean
}

/** A batch that a claim has found dead. */
export interface DeadClaim {
  claim: Claim
  cause: Cause
  error: string
}

/** Whole array replies; a single error is thrown by the connection before it comes here. */
export const array = (reply: unknown) => reply as unknown[]

/** An array of names and numbers in turn. */
export function readFields(reply: unknown): [string, number][] {
  const flat = array(reply)
  return Array.from({ length: flat.length / 2 }, (_, n) => [String(flat[2 * n]), Number(flat[2 * n + 1])])
}

export const readWords = <Word extends string>(reply: unknown): Word[] => array(reply).map(String) as Word[]

/** What is said of each batch: of a single one without an array around it. */
export const readEnds =
  <Word extends string>(name: FunctionName) =>
  (reply: unknown): (Word | RapidfireError)[] =>
    (Array.isArray(reply) ? reply : [reply]).map((each) =>
      each instanceof Error ? toRapidfireError(each, `rapidfire_${name}`) : (String(each) as Word),
    )

export function readAdded(reply: unknown): (AddResult | RapidfireError)[] {
  const flat = array(reply)
  const results: (AddResult | RapidfireError)[] = []
  for (let n = 0; n < flat.length; n += 2) {
    const status = flat[n]
    results.push(
      status instanceof Error
        ? toRapidfireError(status, 'rapidfire_add')
        : { status: String(status) as AddResult['status'], size: Number(flat[n + 1]) },
    )
  }
  return results
}

export function readClaimed(reply: unknown): { now: number; next: number; dead: DeadClaim[]; claims: Claim[] } {
  const [now, next, dead, ...claims] = array(reply)
  return {
    now: Number(now),
    next: Number(next),
    dead: (dead as [Buffer, Buffer, ...ClaimReply][]).map(([cause, error, ...claim]) => ({
      cause: cause.toString('latin1') as Cause,
      error: error.toString(),
      claim: readClaim(claim),
    })),
    claims: (claims as ClaimReply[]).map(readClaim),
  }
}

type ClaimReply = [
  key: Buffer,
  token: Buffer,
  attempt: number,
  reason: Buffer,
  deadline: number,
  messages: Buffer[],
  due: number,
  archived?: number,
]

const readClaim = ([key, token, attempt, reason, deadline, messages, due, archived]: ClaimReply): Claim => ({
  key,
  token: token.toString('latin1'),
  attempt: Number(attempt),
  reason: reason.toString('latin1') as Reason,
  deadline: Number(deadline),
  messages,
  due: Number(due),
  archived: archived !== undefined,
})

export function readForwarded(reply: unknown) {
  const [now, next, forwarded, room] = array(reply).map(Number) as [number, number, number, number]
  return { now, next, forwarded, room }
}

export function readErased(reply: unknown) {
  const [messages, claimed, batches, dead, entries, rates, next, archived] = array(reply)
  return {
    messages: Number(messages),
    claimed: Number(claimed) > 0,
    batches: Number(batches),
    dead: Number(dead),
    entries: Number(entries),
    rates: Number(rates),
    /** An older library has none. */
    archived: Number(archived ?? 0),
    /** Any bytes; undefined when nothing is left. */
    next: (next as Buffer).length > 0 ? (next as Buffer) : undefined,
  }
}

/** An entry of events: its id, and its names and values in turn. */
export interface EventEntry {
  id: string
  fields: Buffer[]
}

export function readEvents(reply: unknown) {
  const [kept, gap, next, more, ...entries] = array(reply)
  return {
    /** How many entries the root keeps; 0 when it writes none. */
    kept: Number(kept),
    gap: Number(gap) > 0,
    next: String(next),
    more: Number(more) > 0,
    entries: (entries as [Buffer, Buffer[]][]).map(([id, fields]): EventEntry => ({ id: String(id), fields })),
  }
}

export function readArchived(reply: unknown) {
  const [kept, next, more, ...batches] = array(reply)
  return {
    /** For how long the root keeps a batch, ms; 0 when it keeps none from now on. */
    kept: Number(kept),
    next: String(next),
    more: Number(more) > 0,
    /** Of each its fields, by name. */
    batches: (batches as Buffer[][]).map(
      (flat) => new Map(Array.from({ length: flat.length / 2 }, (_, n) => [String(flat[2 * n]), flat[2 * n + 1] as Buffer])),
    ),
  }
}

export function readExtended(reply: unknown) {
  const flat = array(reply)
  return Array.from({ length: flat.length / 2 }, (_, n) => ({
    status: String(flat[2 * n]) as 'extended' | 'lost',
    queued: Number(flat[2 * n + 1]),
  }))
}

export function readPeek(reply: unknown) {
  const [state, now, deadline, until, token, count, size, messages, error] = array(reply)
  return {
    state: String(state) as State,
    now: Number(now),
    deadline: Number(deadline) || undefined,
    until: Number(until) || undefined,
    token: String(token) || undefined,
    count: Number(count),
    size: Number(size),
    messages: messages as Buffer[],
    /** An older library does not tell. */
    error: String(error ?? '') || undefined,
  }
}

/** Where something is found: in a list, whose first batch is in this state, with the dead, or in a stream. Times in ms. */
export interface TracedPlace {
  state: Exclude<State, 'empty'> | 'released' | 'done' | 'unindexed' | 'dead' | 'streamed'
  key: Buffer
  /** Undefined while the batch is open. */
  batch: string | undefined
  attempt: number
  /** Messages of the batch, and of the key. */
  count: number
  size: number
  /** Which one it is of those of the key, or of the batch that is dead or streamed, from 1; 0 unless a message was asked for. */
  position: number
  receivedAt: number
  reason: Reason
  deadline: number
  /** When the lease or the pause ends, or when it died or was streamed; 0 when none applies. */
  until: number
  /** Cause of a dead batch, name of the stream. */
  detail: string
}

export function readTraced(reply: unknown) {
  const [now, next, remembered, looked, watchAt, serves, ...places] = array(reply)
  return {
    now: Number(now),
    /** Empty when nothing is left to look at. */
    next: String(next),
    remembered: Number(remembered) > 0,
    looked: Number(looked),
    watchAt: Number(watchAt),
    serves: String(serves) as RootLayout['serves'],
    places: places.map((each): TracedPlace => {
      const [state, key, batch, attempt, count, size, position, receivedAt, reason, deadline, until, detail] = array(each)
      return {
        state: String(state) as TracedPlace['state'],
        key: key as Buffer,
        batch: String(batch) || undefined,
        attempt: Number(attempt),
        ...{ count: Number(count), size: Number(size), position: Number(position), receivedAt: Number(receivedAt) },
        reason: String(reason) as Reason,
        ...{ deadline: Number(deadline), until: Number(until), detail: String(detail) },
      }
    }),
  }
}

export function readDead(reply: unknown) {
  return array(reply).map((each) => {
    const [id, key, diedAt, attempt, reason, deadline, cause, error, size, messages] = array(each)
    return {
      id: String(id),
      key: key as Buffer,
      diedAt: Number(diedAt),
      attempt: Number(attempt),
      reason: String(reason) as Reason,
      deadline: Number(deadline),
      cause: String(cause) as Cause,
      error: String(error),
      size: Number(size),
      messages: messages as Buffer[],
    }
  })
}

export function readLayout(reply: unknown): Layout {
  const [state, ...numbers] = array(reply).slice(0, 6)
  const [count, first, otherCount, otherFirst, generation] = numbers.map(Number) as [number, number, number, number, number]
  return {
    state: String(state) as Layout['state'],
    serving: { first, count },
    other: { first: otherFirst, count: otherCount },
    generation,
  }
}

export function readRootLayout(reply: unknown): RootLayout {
  const [serves, since, keys, policy, given] = array(reply).slice(6)
  const texts = array(given).map(String)
  return {
    layout: readLayout(reply),
    serves: String(serves) as RootLayout['serves'],
    since: Number(since),
    keys: Number(keys),
    policy: Object.fromEntries(readFields(policy)),
    given: new Map(Array.from({ length: texts.length / 2 }, (_, n) => [texts[2 * n] as string, readGifts(texts[2 * n + 1] as string)])),
  }
}

/** `<value> <program>`, newest first; nothing of a member that was restored. */
const readGifts = (text: string): Gift[] =>
  [...text.matchAll(/(\d+) ([^,]+)/g)].map(([, value, program]) => ({ value: Number(value), program: program as string }))

export function readPartition(reply: unknown) {
  const [state, keys, remembers, generation] = array(reply)
  return {
    state: String(state) as 'open' | 'retired' | 'unused',
    keys: Number(keys),
    remembers: Number(remembers),
    generation: Number(generation),
  }
}
