import fc from 'fast-check'
import { expect } from 'vitest'
import { brokenLaws } from '../support/laws.ts'
import type { Lua, TakenBatch } from '../support/lua.ts'
import type { Overrides } from '../support/message.ts'
import type { Claimed, Model, Policy } from './model.ts'

type Command = fc.AsyncCommand<Model, Lua>

/** A step of a history: does it in both worlds, and compares what they say and what is there afterwards. */
function step(name: string, what: unknown, run: (model: Model, lua: Lua) => Promise<void>): Command {
  return {
    check: () => true,
    run: async (model, lua) => {
      await run(model, lua)
      await compare(model, lua)
    },
    toString: () => `${name} ${JSON.stringify(what)}`,
  }
}

/** Everything that a user can see of the queue. */
async function compare(model: Model, lua: Lua): Promise<void> {
  const [broken, figures, ...peeked] = await Promise.all([
    brokenLaws(lua.redis, lua.root),
    lua.stats(),
    ...KEYS.map((key) => lua.call('peek', key)),
  ])
  expect(broken).toEqual([])
  for (const [n, key] of KEYS.entries()) {
    const { messages, held } = model.at(key)
    const head = held ?? model.open(key)
    const state = held ? (held.paused ? 'retry' : 'active') : head ? (head.deadline <= model.now ? 'ready' : 'collecting') : 'empty'
    const token = held ? `${held.id}:${held.attempt}` : ''
    const shown = [state, model.now, head?.deadline ?? 0, held?.ends ?? 0, token, head?.count ?? 0, messages.length]
    expect([key, ...peeked[n].slice(0, 7)]).toEqual([key, ...shown])
    expect(peeked[n][7].map((text: string) => text.slice(0, 13))).toEqual(messages.map(({ receivedAt }) => String(receivedAt)))
  }
  const all = [...model.conversations.values()]
  const active = all.filter(({ held }) => held)
  expect(figures).toMatchObject({
    ...model.figures,
    now: model.now,
    active: active.length,
    dead: model.dead.size,
    messages: all.reduce((sum, { messages }) => sum + messages.length, 0),
    queued: active.reduce((sum, { messages, held }) => sum + messages.length - (held?.count ?? 0), 0),
  })
  expect((figures.collecting as number) + (figures.ready as number)).toBe(all.length - active.length)
  const ready = [...model.conversations].filter(([key, { held }]) => !held && model.latest(key) <= model.now)
  expect(figures.ready).toBeGreaterThanOrEqual(ready.length)
}

export const KEYS = ['ann', 'bob', 'carl']

interface Addition extends Overrides {
  key: string
  id: string | undefined
}

const add = (messages: Addition[]) =>
  step('add', messages, async (model, lua) => {
    const args = messages.flatMap(({ key, id, wait, maxWait, maxSize, flush }, n) => [
      ...(n > 0 ? ['NEXT'] : []),
      ...[key, `data ${model.figures.added} ${n}`],
      ...(id ? ['ID', id] : []),
      ...(wait ? ['WAIT', wait] : []),
      ...(maxWait ? ['MAXWAIT', maxWait] : []),
      ...(maxSize ? ['MAXSIZE', maxSize] : []),
      ...(flush ? ['FLUSH'] : []),
    ])
    const first = model.figures.added
    const reply = await lua.call('add', ...args).catch((refusal: Error) => [refusal, 0])
    for (const [n, { key, id, ...own }] of messages.entries()) {
      const [status, size] = reply.slice(2 * n, 2 * n + 2)
      const duplicate = (id && model.isDuplicate(id)) ?? status === 'duplicate'
      if (duplicate) {
        model.count('duplicates')
        expect([status, size]).toEqual(['duplicate', model.at(key).messages.length])
      } else if (model.hasRoom(key)) {
        model.accept(key, { ...own, id: id ?? '', data: `data ${first} ${n}` })
        expect([status, size]).toEqual(['added', model.at(key).messages.length])
      } else {
        expect(String(status)).toContain('RAPIDFIRE_BACKLOG_FULL')
      }
    }
  })

const tick = (ms: number) =>
  step('tick', ms, async (model, lua) => {
    model.now += ms
    await lua.tick(ms)
  })

/** What claim_ready replies for a batch of the model. */
const replied = ({ key, token, reason, deadline, messages }: Claimed): TakenBatch => ({
  ...{ key, token, reason, deadline },
  messages: messages.map(({ receivedAt, id, data }) => ({ receivedAt, id, data })),
})

interface ClaimOptions {
  limit: number
  lease: number
  attempts: number
  /** BEFORE this many ms ago. */
  ago: number | undefined
}

export const claim = (options: ClaimOptions) =>
  step('claim_ready', options, async (model, lua) => {
    const { limit, lease, attempts, ago } = options
    const before = model.now - (ago ?? 0)
    const bound = ago === undefined ? [] : ['BEFORE', before]
    const { now, next, batches } = await lua.claim('LIMIT', limit, 'LEASE', lease, 'ATTEMPTS', attempts, ...bound)
    expect(now).toBe(model.now)
    expect(batches.length).toBeLessThanOrEqual(limit)

    // Batches that come back are first.
    const { claimed, looked } = model.takeReturned(before, limit, lease, attempts)
    expect(batches.slice(0, claimed.length)).toEqual(claimed.map(replied))
    // Behind them, what is ready. A batch of which a shortened policy says so may be there, the others must while there is room.
    const fresh = batches.slice(claimed.length)
    const missed = KEYS.filter((key) => model.open(key) && model.latest(key) <= before && !fresh.some((batch) => batch.key === key))
    if (batches.length < limit) expect(missed).toEqual([])
    for (const batch of fresh) {
      expect(model.open(batch.key)?.deadline).toBeLessThanOrEqual(before)
      expect(batch.token).toMatch(/^\d+-\d+:1$/)
      const taken = model.take(batch.key, batch.token.slice(0, -2), lease)
      expect(batch).toEqual(taken && replied(taken))
    }

    const pending = [...model.conversations].map(([key, { held }]) => held?.ends ?? model.latest(key))
    if (pending.length === 0) expect(next).toBe(0)
    else expect(next).toBeLessThanOrEqual(Math.min(...pending))
    if (next > 0 && batches.length < limit && looked < limit) expect(next).toBeGreaterThan(before)
  })

/** Claims are picked by number from all that there have ever been: 0 is the newest. */
const pick = (model: Model, back: number) => model.claims.at(-1 - back) ?? { key: 'ann', token: '1-1:1' }

const complete = (backs: number[]) =>
  step('complete', backs, async (model, lua) => {
    const pairs = backs.map((back) => pick(model, back))
    const reply = await lua.call('complete', ...pairs.flatMap(({ key, token }) => [key, token]))
    expect(reply).toEqual(pairs.map(({ key, token }) => model.complete(key, token)))
  })

/** Completes all that is with a worker. */
export const completeAll = step('complete', 'all', async (model, lua) => {
  const pairs = model.claims.filter(({ key, token }) => model.holds(key, token))
  if (pairs.length === 0) return
  const reply = await lua.call('complete', ...pairs.flatMap(({ key, token }) => [key, token]))
  expect(reply).toEqual(pairs.map(({ key, token }) => model.complete(key, token)))
})

const fail = (options: { back: number; delay: number; attempts: number }) =>
  step('fail', options, async (model, lua) => {
    const { key, token } = pick(model, options.back)
    const reply = await lua.call('fail', key, token, 'DELAY', options.delay, 'ATTEMPTS', options.attempts)
    expect(reply).toBe(model.fail(key, token, options.delay, options.attempts))
  })

const extend = (options: { backs: number[]; lease: number }) =>
  step('extend', options, async (model, lua) => {
    const pairs = options.backs.map((back) => pick(model, back))
    const reply = await lua.call('extend', options.lease, ...pairs.flatMap(({ key, token }) => [key, token]))
    expect(reply).toEqual(pairs.flatMap(({ key, token }) => model.extend(key, token, options.lease)))
  })

const policy = (changes: Partial<Policy>) =>
  step('policy', changes, async (model, lua) => {
    const before = await lua.keyspace()
    const args = Object.entries(changes).flatMap(([name, value]) => [name.toUpperCase(), value])
    const refusal = await lua.call('policy', ...args).then(
      () => undefined,
      (error: Error) => error.message,
    )
    if (model.change(changes)) expect(refusal).toBeUndefined()
    else {
      expect(refusal).toMatch(/^RAPIDFIRE_BAD_POLICY /)
      expect(await lua.keyspace()).toEqual(before)
    }
  })

/** Few values, so that they meet: a pause of one call ends when the wait of another does. */
const MS = fc.constantFrom(1, 99, 100, 300, 999, 1000, 3000, 10_000)
const LEASE = fc.constantFrom(1, 100, 1000, 30_000)
const BACK = fc.nat(6)
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined, freq: 2 })

const addition = fc
  .record({
    key: fc.constantFrom(...KEYS),
    id: maybe(fc.constantFrom('m1', 'm2', 'm3', 'm4', 'm5', 'm6')),
    own: fc.oneof(
      { weight: 3, arbitrary: fc.constant({}) },
      { weight: 2, arbitrary: fc.record({ wait: MS, maxWait: MS, maxSize: fc.integer({ min: 1, max: 6 }) }, { requiredKeys: [] }) },
      { weight: 1, arbitrary: fc.constant({ flush: true }) },
    ),
  })
  .map(({ key, id, own }): Addition => {
    const { wait, maxWait, ...rest }: Overrides = own
    // The two together must not contradict each other.
    return { key, id, ...rest, ...(wait ? { wait } : {}), ...(maxWait ? { maxWait: Math.max(maxWait, wait ?? 0) } : {}) }
  })

export const START_POLICY: Policy = { wait: 1000, maxWait: 3000, maxSize: 3, maxBacklog: 8, dedupe: 3000, maxDead: 2 }

/** The steps that histories are made of. */
export const STEPS: fc.Arbitrary<Command>[] = [
  fc.array(addition, { minLength: 1, maxLength: 4 }).map(add),
  fc.array(addition, { minLength: 1, maxLength: 2 }).map(add),
  fc.constantFrom(1, 99, 100, 300, 500, 999, 1000, 3000).map(tick),
  fc
    .record({
      limit: fc.integer({ min: 1, max: 4 }),
      lease: LEASE,
      attempts: fc.integer({ min: 1, max: 3 }),
      ago: maybe(fc.constantFrom(0, 1, 500)),
    })
    .map(claim),
  fc.array(BACK, { minLength: 1, maxLength: 3 }).map(complete),
  fc.record({ back: BACK, delay: fc.constantFrom(0, 1, 100, 1000), attempts: fc.integer({ min: 1, max: 3 }) }).map(fail),
  fc.record({ backs: fc.array(BACK, { minLength: 1, maxLength: 3 }), lease: LEASE }).map(extend),
  fc
    .record(
      {
        wait: MS,
        maxWait: MS,
        maxSize: fc.integer({ min: 1, max: 6 }),
        maxBacklog: fc.integer({ min: 1, max: 9 }),
        dedupe: fc.constantFrom(1, 500, 2000, 10_000),
        maxDead: fc.integer({ min: 1, max: 4 }),
      },
      { requiredKeys: [] },
    )
    .map(policy),
]

export const TICK_A_DAY = tick(86_400_000)
