import { isDeepStrictEqual } from 'node:util'
import { expect } from 'vitest'
import { LIMITS } from '../../src/redis/generated/limits.ts'
import { type Keyspace, told, written } from './keyspace.ts'
import type { Model } from './model.ts'
import { bytesOf, type Claimed, type Dead, type Nonce, type Stream } from './shapes.ts'
import { KEYS, step } from './step.ts'
import type { Arg } from './world.ts'

/** What workers do: taking batches and finishing them. */

const MIB = 2 ** 20

/** As long as all conversations together have fewer bytes, one call can take them all: those here are few, and short but for a few. */
const SMALL = 200_000

interface Looking {
  limit: number
  worker: string | undefined
}

interface Taking extends Looking {
  before: number
  lease: number
  attempts: number
  by?: Nonce | undefined
}

/** A batch that was taken in Redis: `fresh` for the first time. */
interface Found {
  key: string
  fresh: boolean
}

/** Batches get ascending numbers when they are claimed for the first time, which stand in their ids. */
const isFresh = (model: Model, id: string) => Number(id.split('-')[1]) > (model.counters.batches as number)

/**
 * Takes in the model what was taken in Redis: of what has come back the first, those in front that were given back, and among them what was
 * ready. What must have been taken and was not, or the reverse, is a failure, and so is more than its half for what has failed.
 */
function take(model: Model, found: Found[], keyspace: Keyspace, { limit, before, lease, attempts, by }: Taking) {
  const noticed = model.notice()
  const all = model.bytes()
  const back = model.ended(before, limit)
  const given = back.slice(0, limit).filter(({ held }) => held.state === 'released').length
  const taken: Claimed[] = []
  const died: unknown[][] = []
  const bury = () => {
    const { key, held } = back.shift() as (typeof back)[number]
    const due = held.ends
    expect(model.takeAgainOf(key, lease, attempts, by)).toBe(undefined)
    const { claim, attempt, reason, deadline, messages, cause, error } = model.dead.get(held.id) as Dead
    died.push([cause, error, key, `${held.id}:${claim}`, attempt, reason, deadline, messages.map(written), due])
  }
  for (const { key, fresh } of found) {
    if (fresh) {
      // What is behind a batch that has died may be ready.
      while (model.at(key).held && back.length > 0) bury()
      const open = model.open(key)
      if (!open?.ahead) expect(open?.deadline).toBeLessThanOrEqual(before)
      taken.push(model.take(key, lease, by) as Claimed)
    } else {
      while (back.length > 0 && back[0]?.key !== key) bury()
      back.shift()
      const again = model.takeAgainOf(key, lease, attempts, by)
      taken.push(again ?? expect.unreachable(`${key} is dead, and was handed out`))
    }
  }
  while (back[0] && keyspace.has(`dead:${back[0].held.id}`)) bury()
  expect(taken.length).toBeLessThanOrEqual(limit)
  // A batch of which a shortened policy says that it is ready may be among them, the others must while there is room.
  const due = (key: string) => model.deadline(key) <= before && model.latest(key) <= model.now
  const missed = KEYS.filter((key) => model.open(key) && !model.at(key).lost && due(key))
  const fresh = found.filter((each) => each.fresh).length
  if (all < SMALL) {
    if (taken.length < limit) expect([missed, back]).toEqual([[], []])
    const half = Math.ceil((limit - given) / 2)
    if (missed.length > 0 && died.length === 0) expect(taken.length - fresh - given).toBeLessThanOrEqual(half)
    if (back.length > 0 && died.length === 0) expect(fresh).toBeLessThanOrEqual(half)
  }
  // What goes beyond that is one batch, which has no more.
  const bytes = taken.slice(0, -1).reduce((sum, { messages }) => sum + bytesOf(messages, written), 0)
  expect(bytes).toBeLessThan(MIB)
  if (fresh > 0) model.leaveLook()
  return { taken, died, noticed, bounded: all >= SMALL || taken.length >= limit }
}

const rootOf = (keyspace: Keyspace) => (keyspace.get('')?.content ?? {}) as Record<string, string>

/** The watcher leaves when it has looked, those that stand by do not. When the clock has gone back, no earlier promise of a watcher counts. */
function compareWatch(model: Model, keyspace: Keyspace, next: number, taking: Looking, taken: number, noticed: boolean): void {
  const { watcher, watchAt } = rootOf(keyspace)
  const idle = taking.worker !== undefined && taken < taking.limit
  if (noticed) expect([watchAt, idle && watcher]).toEqual(idle ? [`${next}`, taking.worker] : ['0', false])
  if (idle && watcher === taking.worker) model.leaveLook()
}

/** After a call that has taken what it could, somebody looks in time: the caller at `next`, or the worker that watches for all. */
function compareNext(model: Model, keyspace: Keyspace, next: number, taking: Taking, taken: number, bounded: boolean): void {
  const pending = model.pending()
  if (taking.worker !== undefined && taken < taking.limit) {
    expect(next).toBeGreaterThan(0)
    expect(next).toBeLessThanOrEqual(model.now + 1000)
    const watchAt = Number(rootOf(keyspace).watchAt)
    expect(Math.min(next, watchAt > model.now ? watchAt : next)).toBeLessThanOrEqual(Math.min(...model.watched()))
  } else if (pending.length === 0) expect(next).toBe(0)
  else {
    expect(next).toBeGreaterThan(0)
    expect(next).toBeLessThanOrEqual(Math.min(...pending))
  }
  if (next > 0 && !bounded) expect(next).toBeGreaterThan(taking.before)
}

export interface ClaimOptions {
  limit: number
  lease: number
  attempts: number
  /** BEFORE this many ms ago. */
  ago: number | undefined
  worker: string | undefined
  /**
   * How the call says who makes it: not at all, as the next one of a name, or as one of that name whose reply was lost and that is made again.
   * Some that are made again carry a number that was passed.
   */
  nonce?: { name: string; repeat: 'no' | 'yes' | 'late' } | undefined
}

/** What is replied of a batch; `archive`: that it is kept when it is done. */
const shown =
  (archive = 0) =>
  ({ key, token, attempt, reason, deadline, messages, due }: Claimed) => [
    ...[key, token, attempt, reason, deadline, messages.map(written), due],
    ...(archive > 0 ? [1] : []),
  ]

export const claim = (options: ClaimOptions) =>
  step('claim_ready', options, async (model, world) => {
    const { limit, lease, attempts, ago, worker, nonce } = options
    const earlier = nonce && model.calls.get(nonce.name)
    const by = nonce && { name: nonce.name, number: (earlier?.number ?? 0) + { no: 1, yes: 0, late: -1 }[nonce.repeat] }
    if (by && by.number < 1) by.number = 1
    const taking = { limit, lease, attempts, worker, by, before: model.now - (ago ?? 0) }
    const tokens: Arg[] = ['LIMIT', limit, 'LEASE', lease, 'ATTEMPTS', attempts]
    if (ago !== undefined) tokens.push('BEFORE', taking.before)
    // Workers ask for what has died, others do not.
    if (worker !== undefined) tokens.push('WORKER', worker, 'ECHO', 'DEAD')
    if (by) tokens.push('NONCE', `${by.name}/${by.number}`)
    const { reply, keyspace } = await world.call('claim_ready', ...tokens)
    const [now, next, ...parts] = reply
    const dead = worker === undefined ? undefined : parts.shift()
    const batches = parts
    expect(now).toBe(model.now)
    if (by && earlier && by.number < earlier.number) {
      expect(reply).toEqual([model.now, 0, ...(dead ? [[]] : [])])
      return keyspace
    }
    model.dropOld()
    if (by && earlier && by.number === earlier.number) {
      const again = model.takeAgain(earlier.taken, lease)
      expect([batches, dead ?? []]).toEqual([again.map(shown(model.policy.archive)), []])
      compareWatch(model, keyspace, next, taking, again.length, false)
      // What is left of it is what it says the next time.
      if (again.length > 0) earlier.taken = again
      for (const { key, token } of again) model.claims.push({ worker: worker ?? '', key, token })
      return keyspace
    }
    const found = batches.map(([key, token]: [string, string]) => ({ key, fresh: isFresh(model, token.split(':')[0] as string) }))
    const { taken, died, noticed, bounded } = take(model, found, keyspace, taking)
    expect(batches).toEqual(taken.map(shown(model.policy.archive)))
    if (dead) expect(dead).toEqual(died)
    if (by && taken.length > 0) model.calls.set(by.name, { number: by.number, taken })
    compareWatch(model, keyspace, next, taking, taken.length, noticed)
    compareNext(model, keyspace, next, taking, taken.length, bounded)
    for (const { key, token } of taken) model.claims.push({ worker: worker ?? '', key, token })
    return keyspace
  })

/**
 * Of the entries that consumers are done with, a stream has let go some: Redis takes them off in the pieces that it keeps them in. Returns how many; the
 * others are where they were.
 */
export function trim(stream: Stream, found: Record<string, string>[]): number {
  const { entries, read = 0 } = stream
  const isLeft = (gone: number) => isDeepStrictEqual(found.slice(0, entries.length - gone), entries.slice(gone).map(told))
  const gone = Array.from({ length: read + 1 }, (_, n) => n).find(isLeft)
  if (gone === undefined) return expect.unreachable('an entry is gone, or another one, that nobody was done with')
  entries.splice(0, gone)
  if (stream.read !== undefined) stream.read -= gone
  return gone
}

export const forward = (options: { name: string; limit: number; longest: number; worker: string | undefined }) =>
  step('forward', options, async (model, world) => {
    const { name, limit, longest, worker } = options
    const stream = model.streams.get(name) ?? { entries: [], read: undefined }
    const tokens: Arg[] = ['LIMIT', limit, 'MAXLEN', longest, ...(worker === undefined ? [] : ['WORKER', worker])]
    const { reply, keyspace } = await world.call('forward', name, ...tokens)
    const [now, next, forwarded, room] = reply
    expect(now).toBe(model.now)
    const entries = (keyspace.get(`stream:${name}`)?.content ?? []) as Record<'key' | 'id', string>[]
    model.dropOld()
    // By the clock of the test all entries are old.
    const isDone = (stream.read ?? 0) > 0
    expect(trim(stream, entries) > 0).toBe(isDone)
    const left = longest - stream.entries.length
    if (left <= 0) {
      expect(reply).toEqual([model.now, model.now + 1000, 0, 0])
      return keyspace
    }
    const taking = { limit: Math.min(limit, left), before: model.now, lease: 60_000, attempts: Number.POSITIVE_INFINITY, worker }
    const found = entries.slice(stream.entries.length).map(({ key, id }) => ({ key, fresh: isFresh(model, id) }))
    const { taken, noticed, bounded } = take(model, found, keyspace, taking)
    for (const { key, token } of taken) expect(model.finish(key, token)).toBe('completed')
    stream.entries.push(...taken)
    if (taken.length > 0) model.streams.set(name, stream)
    expect([forwarded, room]).toEqual([taken.length, left - taken.length])
    compareWatch(model, keyspace, next, taking, taken.length, noticed)
    // What was behind a batch that is forwarded may be ready.
    compareNext(model, keyspace, next, taking, taken.length, bounded || taken.length > 0)
    return keyspace
  })

/** A consumer of a stream reads entries and is done with them. */
export const consume = ({ name, count }: { name: string; count: number }) =>
  step('consume', [name, count], async (model, world) => {
    const stream = model.streams.get(name)
    if (!stream) return (await world.run()).keyspace
    const key = `${world.root}:stream:${name}`
    const create = stream.read === undefined ? [['XGROUP', 'CREATE', key, 'readers', '0']] : []
    const { keyspace } = await world.run(...create, ['XREADGROUP', 'GROUP', 'readers', 'me', 'COUNT', count, 'NOACK', 'STREAMS', key, '>'])
    stream.read = Math.min((stream.read ?? 0) + count, stream.entries.length)
    return keyspace
  })

/** Claims are picked by number: even ones from those that hold, odd ones from all that workers that live have ever had; 0 is the newest. */
export function pick(model: Model, back: number): { key: string; token: string } {
  const holding = model.claims.filter(({ key, token }) => model.holds(key, token))
  const picked = back % 2 === 0 ? holding.at(-1 - back / 2) : undefined
  return picked ?? model.claims.at(-1 - back) ?? { key: 'ann', token: '1-1:1' }
}

export const complete = (backs: number[]) =>
  step('complete', backs, async (model, world) => {
    const pairs = backs.map((back) => pick(model, back))
    const { reply, keyspace } = await world.call('complete', ...pairs.flatMap(({ key, token }) => [key, token]))
    expect(reply).toEqual(model.complete(pairs))
    return keyspace
  })

/** Completes all that is with a worker. */
export const completeAll = step('complete', 'all', async (model, world) => {
  const pairs = model.claims.filter(({ key, token }) => model.holds(key, token))
  if (pairs.length === 0) return (await world.run()).keyspace
  const { reply, keyspace } = await world.call('complete', ...pairs.flatMap(({ key, token }) => [key, token]))
  expect(reply).toEqual(model.complete(pairs))
  return keyspace
})

export interface FailOptions {
  back: number
  delay: number
  attempts: number
  error: string
  /** For each message whether it failed; undefined: the whole batch did. */
  failed: boolean[] | undefined
}

/** Several batches in one call are as many calls at one moment. */
export const fail = (failures: FailOptions[]) =>
  step('fail', failures, async (model, world) => {
    const named = failures.map(({ back, failed, ...options }) => {
      const { key, token } = pick(model, back)
      const count = model.holds(key, token)?.count ?? 1
      const keep = failed && Array.from({ length: count }, (_, n) => n + 1).filter((at) => failed[(at - 1) % failed.length])
      const { delay, attempts, error } = options
      const tokens: Arg[] = ['DELAY', delay, 'ATTEMPTS', attempts, 'ERROR', error, ...(keep ? ['KEEP', keep.join(',')] : [])]
      return { key, token, tokens, options: { ...options, keep } }
    })
    const { reply, keyspace } = await world.call('fail', ...inOneCall(named))
    let moved = 0
    for (const [n, { key, token, options }] of named.entries()) {
      const said = named.length === 1 ? reply : reply[n]
      const batch = model.at(key).messages.slice(0, model.holds(key, token)?.count ?? 0)
      if (said === 'again') {
        // Those before it had large messages, about so many bytes.
        expect(moved).toBeGreaterThan(LIMITS.movedBytes / 2)
        continue
      }
      if (options.keep || said === 'dead') moved += bytesOf(batch, written)
      // Somebody must have failed.
      if (options.keep?.length === 0 && model.holds(key, token)) expect(said).toMatch(/^RAPIDFIRE_BAD_ARGUMENT /)
      else expect(said).toBe(model.fail(key, token, options))
    }
    return keyspace
  })

/** The arguments of a call of `fail` or `release`. */
export const inOneCall = (named: { key: string; token: string; tokens?: Arg[] }[]) =>
  named.flatMap(({ key, token, tokens = [] }, n) => [...(n === 0 ? [] : ['NEXT']), key, token, ...tokens])

export const extend = (options: { backs: number[]; lease: number }) =>
  step('extend', options, async (model, world) => {
    const pairs = options.backs.map((back) => pick(model, back))
    const { reply, keyspace } = await world.call('extend', options.lease, ...pairs.flatMap(({ key, token }) => [key, token]))
    expect(reply).toEqual(pairs.flatMap(({ key, token }) => model.extend(key, token, options.lease)))
    return keyspace
  })

export const release = (backs: number[]) =>
  step('release', backs, async (model, world) => {
    const named = backs.map((back) => pick(model, back))
    const { reply, keyspace } = await world.call('release', ...inOneCall(named))
    const said = named.map(({ key, token }) => model.release(key, token))
    expect(reply).toEqual(said.length === 1 ? said[0] : said)
    return keyspace
  })

/** A worker gives up its watch: one that stands by looks in time, or nobody does. */
export const leave = (worker: string) =>
  step('leave', worker, async (model, world) => {
    const { reply, keyspace } = await world.call('leave', worker)
    const { watcher, watchAt } = rootOf(keyspace)
    const standby = (keyspace.get('watch:standby')?.content ?? {}) as Record<string, number>
    expect(standby).not.toHaveProperty([worker])
    if (reply === 'passed') {
      expect(watcher).not.toBe(worker)
      if (worker.endsWith('/')) expect(watcher?.startsWith(worker)).toBe(false)
      expect(Number(watchAt)).toBeLessThanOrEqual(Math.min(...model.watched()))
    } else if (reply === 'vacant') expect(watchAt).toBe('0')
    else {
      expect(reply).toBe('idle')
      if (watcher === worker) expect(watchAt).toBe('0')
    }
    return keyspace
  })

/** A worker says that it is there. Nobody hears wake-ups: those that should be heard are told to be gone, and are not known. It is told when it is new. */
export const present = (worker: string) =>
  step('present', worker, async (_, world) => {
    const { reply, keyspace } = await world.call('present', worker)
    const known = Object.keys((keyspace.get('watch:present')?.content ?? {}) as object)
    expect(known.filter((name) => reply.includes(name) && name !== worker)).toEqual([])
    expect(reply.includes(worker) && !known.includes(worker)).toBe(false)
    expect(known.every((name) => name.startsWith('~'))).toBe(true)
    return keyspace
  })

/** A worker dies: nobody has its tokens any more. */
export const die = (worker: string) =>
  step('die', worker, async (model, world) => {
    model.claims = model.claims.filter((each) => each.worker !== worker)
    return (await world.run()).keyspace
  })
