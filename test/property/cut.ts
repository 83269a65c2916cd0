import { isDeepStrictEqual } from 'node:util'
import { expect } from 'vitest'
import type { FunctionName } from '../../src/redis/generated/facts.ts'
import { type Addition, added, adding, deadId, taken } from './calls.ts'
import { type FailOptions, inOneCall, pick, trim } from './claims.ts'
import { type Keyspace, short, written } from './keyspace.ts'
import type { Model } from './model.ts'
import type { Conversation, Held, Kept, Nonce, Stream } from './shapes.ts'
import { KEYS, step } from './step.ts'
import type { Arg, Reply } from './world.ts'

/**
 * Calls that are cut off half-way. Redis looks at the rights of a caller with each command inside a function, so a call may fail behind some of
 * its writes. The same call is made again with all rights, as a client does, and all parts are mended. How far the first one came
 * is open, and the model takes over what it left. These are promises:
 *
 * 1. No message is lost but those that the call was about being done with, and none comes back that was done before.
 * 2. Id and message of an add are both there or neither, as the reply says.
 * 3. The messages of a key keep their order.
 * 4. What a call has replied is true, that of the second one too: its tokens prove claims, and what it has completed is gone.
 * 5. No two batches have the same id.
 * 6. Every key that has messages is in an index, so that somebody looks at it, also before anything is mended.
 * 7. What the call was not about is as it was, and all laws hold once all is mended. `compareKeyspace` and `World.run` look at that.
 */

export interface How {
  /** The command that the caller may not use. */
  lacking: string
  /** With a NONCE, where the call takes one. */
  nonce: boolean
  /** Somebody claims before all is mended. */
  look: boolean
}

/** A call, and what it may do. */
interface Plan {
  name: FunctionName
  args: Arg[]
  /** The conversations that it is about. */
  keys: string[]
  /** Messages that it is about being done with. */
  done?: Kept[]
  stream?: string
  counters: string[]
  /** Looks whether something that was replied is true; `now` is what Redis holds behind both calls. Not called with errors. */
  expectTrue: (reply: any, now: Now) => void
  /** What else the model learns from the replies, of which the first may be an error. */
  learn?: (first: Reply, again: Reply) => void
}

/** What Redis holds, by the names of lua/README.md. */
class Now {
  readonly #keyspace: Keyspace
  constructor(keyspace: Keyspace) {
    this.#keyspace = keyspace
  }

  #part<T>(name: string, empty: T): T {
    return (this.#keyspace.get(name)?.content as T | undefined) ?? empty
  }

  list = (key: string) => this.#part<string[]>(`messages:${key}`, [])
  claim = (key: string) => this.#part<Record<string, string>>('claims', {})[key]
  due = (key: string) => this.#part<Record<string, number>>('due', {})[key]
  active = (key: string) => this.#part<Record<string, number>>('active', {})[key]
  dead = () => this.#part<Record<string, number>>('dead', {})
  buried = (id: string) => this.#part<Record<string, string> | undefined>(`dead:${id}`, undefined)
  entries = (stream: string) => this.#part<Record<string, string>[]>(`stream:${stream}`, [])
  figure = (field: string) => Number(this.#part<Record<string, string>>('', {})[field] ?? 0)

  /** Whether a token proves a claim. */
  holds(key: string, token: string): boolean {
    const claim = this.claim(key)
    return claim?.startsWith(`${token}:`) === true && !['paused', 'released'].includes(readClaim(claim, 0).state)
  }
}

const TAKING = [
  ...[
    'batches',
    'closedBy:wait',
    'closedBy:maxWait',
    'closedBy:size',
    'closedBy:flush',
    'closedBy:bytes',
    'redelivered',
    'latenessSum',
    'latenessMax',
  ],
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 5000, 'more'].map((bound) => `lateness:${bound}`),
]
const BURYING = ['dead', 'deadMessages', 'added']
const COMPLETING = ['completed', 'completedMessages', 'added']

/** Conversations of which a claim may take something. */
const claimable = (model: Model) =>
  KEYS.filter((key) => {
    const { held } = model.at(key)
    return !held || model.endOf(held) <= model.now
  })

function expectTaken(batches: [string, string, number, string, number, string[]][], now: Now): void {
  for (const [key, token, , , , messages] of batches) {
    expect([key, token, now.holds(key, token)]).toEqual([key, token, true])
    expect(now.list(key).slice(0, messages.length)).toEqual(messages.map(short))
  }
}

type Planner = (model: Model, nonce: Arg[], lacking: string) => Plan

export const cutClaim =
  (limit: number, lease: number, attempts: number, worker: string | undefined, name: string): Planner =>
  (model, nonce, lacking) => {
    const by: Nonce = { name, number: (model.calls.get(name)?.number ?? 0) + 1 }
    const from = nonce.length > 0 ? ['NONCE', `${name}/${by.number}`] : []
    const options = ['LIMIT', limit, 'LEASE', lease, 'ATTEMPTS', attempts, ...(worker ? ['WORKER', worker] : [])]
    return {
      ...{ name: 'claim_ready', args: [...options, ...from], keys: claimable(model), counters: [...TAKING, ...BURYING] },
      expectTrue: ([, , ...batches], now) => expectTaken(batches, now),
      learn: (first, again) => {
        const taken = [first, again].map((reply) => (Array.isArray(reply) ? reply.slice(2) : []) as [string, string, ...unknown[]][])
        for (const [key, token] of taken.flat()) model.claims.push({ worker: worker ?? '', key, token })
        // What is kept under the NONCE is what the last of the two has taken that could keep it.
        const keeping = lacking === 'set' ? taken.slice(1) : taken
        const kept = keeping
          .findLast((batches) => batches.length > 0)
          ?.map(([key, token, ...about]) => ({ key, token, due: Number(about[4]) }))
        if (from.length > 0 && kept) model.calls.set(name, { number: by.number, taken: kept })
      },
    }
  }

export const cutForward =
  (stream: string, limit: number, longest: number, worker: string | undefined): Planner =>
  (model, nonce) => {
    const options = ['LIMIT', limit, 'MAXLEN', longest, ...(worker ? ['WORKER', worker] : [])]
    // What consumers are done with may be taken off by the call that is made again, when the first had found the stream full.
    const done = model.streams.get(stream)?.read ?? 0
    return {
      ...{ name: 'forward', args: [stream, ...options, ...nonce], keys: claimable(model), stream },
      counters: [...TAKING, ...COMPLETING],
      expectTrue: ([, , forwarded, room], now) => {
        const entries = now.entries(stream)
        expect(forwarded).toBeLessThanOrEqual(entries.length)
        expect(room).toBeGreaterThanOrEqual(longest - entries.length - done)
      },
    }
  }

export const cutComplete =
  (backs: number[]): Planner =>
  (model, nonce) => {
    const pairs = backs.map((back) => pick(model, back))
    const batches = pairs.map(({ key, token }) => model.at(key).messages.slice(0, model.holds(key, token)?.count ?? 0))
    const texts = (messages: Kept[]) => messages.map((message) => short(written(message)))
    const copies = (batch: Kept[], list: string[]) => list.filter((text) => texts(batch).includes(text)).length
    const before = pairs.map(({ key }, n) => copies(batches[n] as Kept[], texts(model.at(key).messages)))
    return {
      ...{ name: 'complete', args: [...nonce, ...pairs.flatMap(({ key, token }) => [key, token])], keys: pairs.map(({ key }) => key) },
      ...{ done: batches.flat(), counters: COMPLETING },
      expectTrue: (statuses: string[], now) => {
        for (const [n, { key, token }] of pairs.entries()) {
          expect(now.holds(key, token)).toBe(false)
          if (statuses[n] !== 'completed') continue
          const batch = batches[n] as Kept[]
          expect(copies(batch, now.list(key))).toBe((before[n] as number) - batch.length)
        }
      },
    }
  }

export const cutFail =
  (failures: Omit<FailOptions, 'error'>[]): Planner =>
  (model, nonce) => {
    const batches = failures.map(({ back, delay, attempts, failed }) => {
      const { key, token } = pick(model, back)
      const messages = model.at(key).messages.slice(0, model.holds(key, token)?.count ?? 1)
      const kept = messages.flatMap((_, n) => (failed?.[n % failed.length] ? [n + 1] : []))
      const tokens: Arg[] = ['DELAY', delay, 'ATTEMPTS', attempts, ...(kept.length > 0 ? ['KEEP', kept.join(',')] : [])]
      return { key, token, tokens, done: kept.length > 0 ? messages.filter((_, n) => !kept.includes(n + 1)) : [] }
    })
    return {
      ...{ name: 'fail', args: [...inOneCall(batches), ...nonce], keys: batches.map(({ key }) => key) },
      ...{ done: batches.flatMap(({ done }) => done), counters: ['failed', 'completedMessages', ...BURYING] },
      expectTrue: (reply: string | string[], now) => {
        for (const [n, { key, token }] of batches.entries()) {
          const status = [reply].flat()[n] as string
          if (status === 'again' || isError(status)) continue
          const [id, claim] = token.split(':') as [string, string]
          expect(now.holds(key, token)).toBe(false)
          if (status === 'retry') expect(now.claim(key)).toMatch(new RegExp(`^${token}:.*:retry(:.*\\.)?$`, 's'))
          if (status === 'dead') expect([now.buried(id)?.claim, id in now.dead()]).toEqual([claim, true])
        }
      },
    }
  }

export const cutRelease =
  (backs: number[]): Planner =>
  (model, nonce) => {
    const batches = backs.map((back) => pick(model, back))
    return {
      ...{ name: 'release', args: [...inOneCall(batches), ...nonce], keys: batches.map(({ key }) => key), counters: [] },
      expectTrue: (reply: string | string[], now) => {
        for (const [n, { key, token }] of batches.entries()) {
          const status = [reply].flat()[n] as string
          if (isError(status)) continue
          expect(now.holds(key, token)).toBe(false)
          if (status === 'released') expect(now.claim(key)).toMatch(new RegExp(`^${token}:.*:released$`))
        }
      },
    }
  }

export const cutExtend =
  (backs: number[], lease: number): Planner =>
  (model) => {
    const pairs = backs.map((back) => pick(model, back))
    return {
      ...{ name: 'extend', args: [lease, ...pairs.flatMap(({ key, token }) => [key, token])], keys: pairs.map(({ key }) => key) },
      counters: [],
      expectTrue: (statuses: (string | number)[], now) => {
        for (const [n, { key, token }] of pairs.entries()) {
          expect(now.holds(key, token)).toBe(statuses[2 * n] === 'extended')
          if (statuses[2 * n] === 'extended') expect(now.active(key)).toBeGreaterThanOrEqual(model.now + lease)
        }
      },
    }
  }

/** The call is cut off and made again. */
export const cut = (label: string, planner: Planner, how: How) =>
  step(
    `cut ${label}`,
    how,
    async (model, world) => {
      const nonce = how.nonce ? ['NONCE', `cut/${model.serial()}`] : []
      const plan = planner(model, nonce, how.lacking)
      model.cut()
      const before = new Before(model)
      const { first, again, keyspace } = await world.cut(how.lacking, world.command(plan.name, ...plan.args))
      const then = new Now(keyspace)
      for (const reply of [first, again]) if (!isError(reply)) plan.expectTrue(reply, then)
      expect([again, isError(again)]).toEqual([again, false])
      expectIndexed(model, then)
      plan.learn?.(first, again)
      const look = how.look ? [world.command('claim_ready', 'LIMIT', 5, 'LEASE', 1000, 'ATTEMPTS', 2)] : []
      const mended = await world.mend(KEYS, ...look)
      const now = new Now(mended.keyspace)
      if (how.look) {
        const [, , ...batches] = mended.replies[0] as any
        expectTaken(batches, now)
        for (const [key, token] of batches) model.claims.push({ worker: '', key, token })
      }

      // What was put off for a clock that has gone back is put right by then.
      model.mended()
      const keys = new Set([...plan.keys, ...(how.look ? claimable(model) : [])])
      const streamed = plan.stream === undefined ? [] : adoptStream(model, plan.stream, before, now)
      for (const key of keys) adoptConversation(model, key, before, now)
      for (const id of new Set([...model.dead.keys(), ...Object.keys(now.dead())])) adoptDead(model, id, keys, before, now)
      adoptFigures(model, how.look ? [...plan.counters, ...TAKING, ...BURYING] : plan.counters, now)
      for (const key of keys) {
        expectNoneLost(model, key, before, plan.done ?? [], streamed)
        const names = new Before(model).of(key).map(nameOf)
        if (new Set(names).size < names.length) model.arriveAgain(key)
      }
      expectUniqueIds(model)
      return mended.keyspace
      // Which of the dead that are too old a call has dropped that was cut off, no promise says.
    },
    (model) => model.tooOld().length === 0,
  )

const isError = (reply: Reply) => typeof reply === 'string' && /^(ERR|NOPERM|TRYAGAIN|WRONGTYPE|RAPIDFIRE_\w+) /.test(reply)

/** The messages that the model had before a call, by key. */
class Before {
  readonly lists: Map<string, Kept[]>
  readonly #buried: { key: string; messages: Kept[] }[]

  constructor(model: Model) {
    this.lists = new Map([...model.conversations].map(([key, { messages }]) => [key, messages]))
    this.#buried = [...model.dead.values()]
  }

  /** In lists and dead batches; a message may be in both. */
  of(key: string): Kept[] {
    return [...(this.lists.get(key) ?? []), ...this.#buried.flatMap((dead) => (dead.key === key ? dead.messages : []))]
  }

  /**
   * The messages that are written like this. They were there: nothing comes from nowhere, and nothing that was done comes back. What was
   * added twice without an id is there twice.
   */
  find(key: string, texts: string[]): Kept[] {
    const taken = new Set<Kept>()
    return texts.map((text) => {
      const died = /^\d{13} \d+,R(\d+\.\d{4})/.exec(text)?.[1]
      const same = this.of(key).filter(({ died: _, ...message }) => short(written({ ...message, ...(died && { died }) })) === text)
      const exact = same.filter((message) => message.died === died)
      const found = [...exact, ...same].find((message) => !taken.has(message)) ?? same[0]
      if (!found) return expect.unreachable(`${text} of ${key} was not there before`)
      taken.add(found)
      const { died: _, ...message } = found
      return { ...message, ...(died && { died }) }
    })
  }
}

const CLAIM = /^([\d-]+):(\d+):(\d+):(\d+):(\d+):(\d+):(\w+):(\d+)(?::(.*))?$/s

function readClaim(text: string, ends: number): Held {
  const [, id, claim, attempt, lost, count, deadline, reason, span, state = ''] = CLAIM.exec(text) as unknown as string[]
  const by = /^by=(.*)\/(\d+)$/.exec(state)
  const failed = /^retry:(.*)\.$/s.exec(state)?.[1]
  const states: Record<string, Held['state']> = { '': 'known', retry: 'paused', released: 'released' }
  return {
    ...{ id: id as string, reason: reason as Held['reason'], ends, state: failed === undefined ? (states[state] ?? 'by') : 'paused' },
    ...{ claim: Number(claim), attempt: Number(attempt), lost: Number(lost), count: Number(count) },
    ...{ deadline: Number(deadline), span: Number(span) },
    ...(failed !== undefined && { failed }),
    ...(by && { by: { name: by[1] as string, number: Number(by[2]) } }),
  }
}

function adoptConversation(model: Model, key: string, before: Before, now: Now): void {
  const messages = before.find(key, now.list(key))
  const claim = now.claim(key)
  const held = claim === undefined ? undefined : readClaim(claim, now.active(key) as number)
  const conversation: Conversation = { messages, held, policies: [model.policy], until: now.due(key) }
  if (messages.length === 0) model.conversations.delete(key)
  else model.conversations.set(key, conversation)
}

/** A dead batch of one of these keys. Of others the laws are that nothing has changed. */
function adoptDead(model: Model, id: string, keys: Set<string>, before: Before, now: Now): void {
  const found = now.buried(id)
  if (!keys.has((found?.key ?? model.dead.get(id)?.key) as string)) return
  model.dead.delete(id)
  if (!found) return
  const count = Number(found.count)
  model.dead.set(id, {
    ...{ key: found.key as string, count, deadline: Number(found.deadline), reason: found.reason as Held['reason'] },
    ...{ attempt: Number(found.attempt), claim: Number(found.claim), cause: found.cause as 'failed', error: found.error as string },
    died: now.dead()[id] as number,
    messages: before.find(
      found.key as string,
      Array.from({ length: count }, (_, n) => found[n + 1] as string),
    ),
  })
}

/** The entries that are new, of which the messages are returned. Those that were there are still there, but for what had been acknowledged. */
function adoptStream(model: Model, name: string, before: Before, now: Now): Kept[] {
  const stream: Stream = model.streams.get(name) ?? { entries: [], read: undefined }
  const found = now.entries(name)
  trim(stream, found)
  const fresh = found.slice(stream.entries.length).map((entry) => {
    const { id, key, reason, count, deadline } = entry as Record<'id' | 'key' | 'reason' | 'count' | 'deadline', string>
    const messages = Array.from({ length: Number(count) }, (_, n) => {
      const parts = [entry[`id:${n + 1}`], entry[`at:${n + 1}`], entry[`data:${n + 1}`]]
      const message = before.of(key).find(({ id, receivedAt, data }) => isDeepStrictEqual([id, `${receivedAt}`, short(data)], parts))
      return message ?? expect.unreachable(`${parts} of ${key} was not there before`)
    })
    return { id, key, reason: reason as Held['reason'], count: Number(count), deadline: Number(deadline), messages }
  })
  stream.entries.push(...fresh)
  if (stream.entries.length > 0) model.streams.set(name, stream)
  return fresh.flatMap(({ messages }) => messages)
}

function adoptFigures(model: Model, counters: string[], now: Now): void {
  for (const counter of counters) {
    // All but those that are mended only ever rise.
    if (!['added', 'deadMessages'].includes(counter)) expect(now.figure(counter)).toBeGreaterThanOrEqual(model.counters[counter] as number)
    model.counters[counter] = now.figure(counter)
  }
  const looked = now.figure('looked')
  expect([model.looked, model.now]).toContain(looked)
  model.looked = looked
}

/** A message is known by what was added. */
const nameOf = ({ died: _, ...message }: Kept) => short(written(message))

/** Every message is somewhere that was there, unless it is done with, and the list has those that it had in their order. */
function expectNoneLost(model: Model, key: string, before: Before, done: Kept[], streamed: Kept[]): void {
  const after = new Before(model)
  const there = new Set([...after.of(key), ...done, ...streamed].map(nameOf))
  expect(before.of(key).filter((message) => !there.has(nameOf(message)))).toEqual([])
  // Of what stands there twice, the one may be done and the other not.
  const once = (messages: Kept[] = []) =>
    messages
      .filter(({ foreign }) => !foreign)
      .map(nameOf)
      .filter((name, _, all) => all.indexOf(name) === all.lastIndexOf(name))
  const [had, has] = [once(before.lists.get(key)), once(after.lists.get(key))]
  expect(has.filter((name) => had.includes(name))).toEqual(had.filter((name) => has.includes(name)))
}

function expectIndexed(model: Model, now: Now): void {
  const lost = KEYS.filter((key) => now.list(key).length > 0 && now.due(key) === undefined && now.active(key) === undefined)
  expect(lost.filter((key) => !model.at(key).lost)).toEqual([])
}

function expectUniqueIds(model: Model): void {
  const owners = [...model.conversations].flatMap(([key, { held }]) => (held ? [{ id: held.id, key }] : []))
  for (const [id, { key }] of model.dead) owners.push({ id, key })
  // A batch may be with a worker and dead, when what buried it was cut off.
  for (const { id, key } of owners) expect(owners.filter((other) => other.id === id && other.key !== key)).toEqual([])
}

/** Messages are added: what is replied is so, to the letter. */
export const cutAdd = (messages: Addition[], lacking: string) =>
  step('cut add', [lacking, messages], async (model, world) => {
    const { data, args } = adding(model, messages)
    model.cut()
    const { first, again, keyspace: then } = await world.cut(lacking, world.command('add', ...args))
    expectIndexed(model, new Now(then))
    const replies: Reply[] = Array.isArray(first) ? first : [first, 0]
    const sought = { bytes: 0 }
    for (const [n, message] of messages.entries()) {
      const { key, id = '' } = message
      const [status, size] = replies.slice(2 * n, 2 * n + 2)
      // An error may be that of the right, which is found out first.
      if (!['added', 'duplicate', 'replaced', 'withdrawn'].includes(String(status))) continue
      const duplicate = id !== '' && (model.isDuplicate(key, id) ?? status === 'duplicate')
      // What cannot be taken back, since both would be needed, counts as stored.
      const hasRoom = model.hasRoom(key) || ['srem', 'rpop'].includes(lacking)
      expect(status).toBe(duplicate ? 'duplicate' : taken(model, message, { data: data[n] as string, hasRoom, sought }))
      if (duplicate) model.count('duplicates')
      expect(size).toBe(model.at(key).messages.length)
    }
    added(model, messages, data, again)
    const { keyspace } = await world.mend(KEYS)
    model.mended()
    const { added: all = 0, droppedMessages = 0 } = model.counters
    const now = new Now(keyspace)
    // What is counted is not stored: it is no promise that somebody without the right to it counts.
    for (const counter of ['duplicates', 'droppedMessages', 'added'] as const) {
      expect(now.figure(counter)).toBeLessThanOrEqual(model.counters[counter] as number)
      model.counters[counter] = now.figure(counter)
    }
    expect(now.figure('added') - now.figure('droppedMessages')).toBe(all - droppedMessages)
    return keyspace
  })

/** A conversation is erased: afterwards nothing of it is there, however often it was cut off. */
export const cutErase = (key: string, how: Omit<How, 'look'>) =>
  step('cut erase', [key, how], async (model, world) => {
    const nonce = how.nonce ? ['NONCE', `cut/${model.serial()}`] : []
    const { again, keyspace: then } = await world.cut(how.lacking, world.command('erase', key, ...nonce))
    expect([again, isError(again)]).toEqual([again, false])
    expectIndexed(model, new Now(then))
    let { keyspace } = await world.mend(KEYS)
    for (let after = again[6]; after !== ''; ) {
      const more = await world.call('erase', key, 'AFTER', after)
      ;[after, keyspace] = [more.reply[6], more.keyspace]
    }
    model.erase(key)
    // What was cut off may have left the id of a batch in the index, and nothing else.
    for (const [part, { content }] of keyspace) if (part.startsWith('archive:')) expect(content).not.toMatchObject({ key })
    model.cut()
    model.mended()
    for (const counter of ['deadMessages', 'droppedMessages', 'added']) model.counters[counter] = new Now(keyspace).figure(counter)
    return keyspace
  })

/** Dead batches are brought back, or dropped: each of them wholly or not at all. */
export const cutDead = (name: 'requeue' | 'drop', backs: number[], how: Omit<How, 'look'>) =>
  step(`cut ${name}`, [backs, how], async (model, world) => {
    const ids = backs.map((back) => deadId(model, back))
    model.cut()
    const nonce = how.nonce ? ['NONCE', `cut/${model.serial()}`] : []
    const { first, again, keyspace: then } = await world.cut(how.lacking, world.command(name, ...nonce, ...ids))
    expect([again, isError(again)]).toEqual([again, false])
    const done = [first, again].flatMap((reply) => ids.filter((_, n) => Array.isArray(reply) && reply[n] !== 'unknown'))
    for (const id of done) expect(new Now(then).buried(id)).toBe(undefined)
    expectIndexed(model, new Now(then))
    const { keyspace } = await world.mend(KEYS)
    const now = new Now(keyspace)
    for (const id of ids) {
      const dead = model.dead.get(id)
      if (!dead) continue
      if (now.buried(id)) dead.died = now.dead()[id] as number
      else if (name === 'requeue') expect(model.requeue(id)).toBe('requeued')
      else model.discard(id)
    }
    model.mended()
    for (const counter of ['deadMessages', 'droppedMessages', 'added']) model.counters[counter] = now.figure(counter)
    return keyspace
  })
