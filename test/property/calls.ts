import { expect } from 'vitest'
import type { FunctionName } from '../../src/redis/generated/facts.ts'
import type { Overrides } from '../support/message.ts'
import { written } from './keyspace.ts'
import type { Model, Sought } from './model.ts'
import { type Policy, tokenOf } from './shapes.ts'
import { KEYS, type Step, step } from './step.ts'
import type { Arg, Reply, World } from './world.ts'

/** Everything but claims: what comes in, what is looked at, and what happens to the server. */

export interface Addition extends Overrides {
  key: string
  id: string | undefined
  /** `large`: as many bytes as the default policy allows. */
  data: 'plain' | 'odd' | 'large' | 'too large'
  /** The id of a message whose data it replaces, or which it takes away. */
  edits?: string
  withdraws?: string
  context?: string
}

const DATA = {
  plain: (tag: string) => tag,
  odd: (tag: string) => `\xff\0"\r\n${tag} 3,F,S1 `,
  large: (tag: string) => tag.padEnd(262_144, 'x'),
  'too large': (tag: string) => tag.padEnd(262_145, 'x'),
}

/** The codes of which one is right when the message is bad by itself. */
function faults({ key, id, wait, maxWait, edits, withdraws }: Addition, data: string, policy: Policy): string[] {
  return [
    ...(key.length < 1 || key.length > 1024 ? ['BAD_KEY'] : []),
    ...(id !== undefined && (id.length < 1 || id.length > 512) ? ['BAD_ID'] : []),
    ...(wait && maxWait && maxWait < wait ? ['BAD_ARGUMENT'] : []),
    ...(id !== undefined && (edits ?? withdraws) === id ? ['BAD_ARGUMENT'] : []),
    ...(edits !== undefined && withdraws !== undefined ? ['BAD_ARGUMENT'] : []),
    ...(data.length > policy.maxMessageBytes ? ['MESSAGE_TOO_LARGE'] : []),
  ]
}

/** The data of messages, which no other message has, and the arguments with which they are added. */
export function adding(model: Model, messages: Addition[]): { data: string[]; args: Arg[] } {
  const tag = model.serial()
  const data = messages.map((message, n) => DATA[message.data](`${tag}.${n}`))
  const args = messages.flatMap(({ key, id, wait, maxWait, maxSize, flush, edits, withdraws, context }, n): Arg[] => [
    ...(n > 0 ? ['NEXT'] : []),
    ...[key, data[n] as string],
    ...(id === undefined ? [] : ['ID', id]),
    ...(wait ? ['WAIT', wait] : []),
    ...(maxWait ? ['MAXWAIT', maxWait] : []),
    ...(maxSize ? ['MAXSIZE', maxSize] : []),
    ...(flush ? ['FLUSH'] : []),
    ...(edits === undefined ? [] : ['EDITS', edits]),
    ...(withdraws === undefined ? [] : ['WITHDRAWS', withdraws]),
    ...(context ? ['CONTEXT', context] : []),
  ])
  return { data, args }
}

/** What one call takes: the bytes of its messages, and for each a little more. One message alone is always taken. */
function isTooMuch(messages: Addition[], data: string[]): boolean {
  const weights = messages.map(({ key, id = '', wait, maxWait, maxSize, flush, edits, withdraws, context = '' }, n) => {
    const work = (edits ?? withdraws) !== undefined ? 64 : wait || maxWait || maxSize || flush ? 5 : 2
    return key.length + id.length + context.length + (data[n] as string).length + work * 1024
  })
  return messages.length > 1 && weights.reduce((sum, each) => sum + each) > 256 * 1024
}

/** Takes in a message that is none that was known: it changes another one, or is stored if there is room; its status, or undefined. */
export function taken(
  model: Model,
  { key, id = '', data: _, edits, withdraws, ...own }: Addition,
  { data, hasRoom, sought }: { data: string; hasRoom: boolean; sought: Sought },
) {
  const of = edits ?? withdraws
  const changed = of === undefined ? undefined : model.amend(key, { by: id, of, data: withdraws === undefined ? data : undefined, sought })
  if (changed) return changed
  if (!hasRoom) return undefined
  model.accept(key, { ...own, id, data })
  return 'added'
}

/** Adds the messages to the model, as it was replied to be done. */
export function added(model: Model, messages: Addition[], data: string[], reply: Reply): void {
  if (isTooMuch(messages, data)) {
    expect(String(reply)).toMatch(/^RAPIDFIRE_BAD_ARGUMENT .* must weigh at most 262144/)
    return
  }
  const replies: Reply[] = Array.isArray(reply) ? reply : [reply, 0]
  const sought = { bytes: 0 }
  for (const [n, message] of messages.entries()) {
    const { key, id = '' } = message
    const [status, size] = replies.slice(2 * n, 2 * n + 2)
    const codes = faults(message, data[n] as string, model.policy)
    if (codes.length > 0) {
      expect(codes.map((code) => `RAPIDFIRE_${code}`)).toContain(String(status).split(' ')[0])
      continue
    }
    const duplicate = id !== '' && (model.isDuplicate(key, id) ?? status === 'duplicate')
    const expected = duplicate ? 'duplicate' : taken(model, message, { data: data[n] as string, hasRoom: model.hasRoom(key), sought })
    if (duplicate) model.count('duplicates')
    if (expected === undefined) {
      expect(String(status)).toContain('RAPIDFIRE_BACKLOG_FULL ')
      continue
    }
    expect([status, size]).toEqual([expected, model.at(key).messages.length])
  }
}

export const add = (messages: Addition[]) =>
  step('add', messages, async (model, world) => {
    const { data, args } = adding(model, messages)
    const { reply, keyspace } = await world.call('add', ...args)
    added(model, messages, data, reply)
    return keyspace
  })

/** The same in a call for each. */
export const addEach = (messages: Addition[]) =>
  step('add each', messages, async (model, world) => {
    for (const message of messages) {
      const { data, args } = adding(model, [message])
      const { reply } = await world.call('add', ...args)
      added(model, [message], data, reply)
    }
    return (await world.run()).keyspace
  })

export const tick = (ms: number) =>
  step('tick', ms, (model, world) => {
    model.tick(ms)
    return world.tick(ms)
  })

export const policy = (changes: Partial<Policy>) =>
  step('policy', changes, async (model, world) => {
    const args = Object.entries(changes).flatMap(([name, value]) => [name.toUpperCase(), value])
    const { reply } = await world.call('policy', ...args)
    if (model.change(changes)) {
      const { wait, maxWait, maxSize, maxBacklog, maxMessageBytes, maxBatchBytes, dedupe, maxDead, maxDeadAge, maxKeys, ...rest } =
        model.policy
      const { events, archive, maxArchived } = rest
      const members = {
        ...{ wait, maxWait, maxSize, maxBacklog, maxMessageBytes, maxBatchBytes, dedupe, maxDead, maxDeadAge, maxKeys },
        ...{ events, archive, maxArchived },
      }
      expect(reply).toEqual(Object.entries(members).flat())
    } else expect(reply).toMatch(/^RAPIDFIRE_BAD_POLICY /)
    // What is remembered may have expired by the new policy.
    return world.tick(0)
  })

export const peek = ({ key, limit }: { key: string; limit: number }) =>
  step('peek', [key, limit], async (model, world) => {
    const { reply, keyspace } = await world.call('peek', key, 'LIMIT', limit)
    const { messages, held } = model.at(key)
    const head = held ?? model.open(key)
    const states = { known: 'active', by: 'active', paused: 'retry', released: 'ready' }
    const state = held ? states[held.state] : head ? (head.deadline <= model.now ? 'ready' : 'collecting') : 'empty'
    const token = held ? tokenOf(held) : ''
    const about = [state, model.now, head?.deadline ?? 0, held?.ends ?? 0, token, head?.count ?? 0, messages.length]
    const shown: string[] = []
    for (const message of messages.slice(0, limit)) {
      // No more when they have 256 KiB together.
      if (shown.join('').length < 256 * 1024) shown.push(written(message))
    }
    expect(reply).toEqual([...about, shown, (held?.state === 'paused' && held.failed) || ''])
    return keyspace
  })

export const stats = step('stats', '', async (model, world) => {
  const { reply, keyspace } = await world.call('stats')
  const figures = Object.fromEntries(Array.from({ length: reply.length / 2 }, (_, n) => [reply[2 * n], reply[2 * n + 1]]))
  const { dead: died, deadMessages: _, droppedMessages: __, ...counters } = model.counters
  const all = [...model.conversations.values()]
  const active = all.filter(({ held }) => held)
  const lost = model.lost
  const { collecting, ready, ...others } = figures
  expect(others).toEqual({
    ...counters,
    died,
    now: model.now,
    active: active.length,
    dead: model.dead.size,
    messages: all.reduce((sum, { messages }) => sum + messages.length, 0),
    queued: active.reduce((sum, { messages, held }) => sum + messages.length - (held?.count ?? 0), 0),
    ...(model.policy.events > 0 && { events: ((keyspace.get('events')?.content ?? []) as unknown[]).length }),
  })
  expect(collecting + ready).toBe(all.length - active.length - lost.length)
  const late = [...model.conversations].filter(([key, { held }]) => !held && !lost.includes(key) && model.latest(key) <= model.now)
  expect(ready).toBeGreaterThanOrEqual(late.length)
  return keyspace
})

const sortedDead = (model: Model) => [...model.dead].sort(([a, one], [b, other]) => one.died - other.died || (a < b ? -1 : 1))

export const dead = (options: { limit: number; offset: number; back: number | undefined }) =>
  step('dead', options, async (model, world) => {
    const { limit, offset, back } = options
    const id = back === undefined ? undefined : deadId(model, back)
    const { reply, keyspace } = await world.call('dead', 'LIMIT', limit, 'OFFSET', offset, ...(id ? ['ID', id] : []))
    const shown = id ? sortedDead(model).filter(([each]) => each === id) : sortedDead(model).slice(offset, offset + limit)
    expect(reply).toEqual(
      shown.map(([each, { key, died, attempt, reason, deadline, cause, error, count, messages }]) => {
        return [each, key, died, attempt, reason, deadline, cause, error, count, id ? messages.map(written) : []]
      }),
    )
    return keyspace
  })

/** The id of a dead batch, the newest first, or of none. */
export const deadId = (model: Model, back: number) => sortedDead(model).at(-1 - back)?.[0] ?? '1-1'

export const bringBack = (backs: number[]) =>
  step('requeue', backs, async (model, world) => {
    const ids = backs.map((back) => deadId(model, back))
    const { reply, keyspace } = await world.call('requeue', ...ids)
    expect(reply).toEqual(ids.map((id) => model.requeue(id)))
    return keyspace
  })

export const drop = (backs: number[]) =>
  step('drop', backs, async (model, world) => {
    const ids = backs.map((back) => deadId(model, back))
    const { reply, keyspace } = await world.call('drop', ...ids)
    expect(reply).toEqual(ids.map((id) => model.discard(id)))
    return keyspace
  })

/** Calls until nothing is left. */
export const erase = (key: string) =>
  step('erase', key, async (model, world) => {
    const figures = [0, 0, 0, 0, 0, 0]
    let archived = 0
    let { reply, keyspace } = await world.call('erase', key)
    for (;;) {
      for (const n of figures.keys()) figures[n] = (figures[n] as number) + reply[n]
      archived += reply[7]
      if (reply[6] === '') break
      ;({ reply, keyspace } = await world.call('erase', key, 'AFTER', reply[6]))
    }
    expect(archived).toBe(model.eraseArchive(key))
    expect(figures).toEqual([...model.erase(key), 0])
    return keyspace
  })

/** What somebody has pushed into lists by hand. */
export const FOREIGN = ['nan', 'inf', '', 'junk \xff\0', '0x1 0 x', '12345678901234 0 x']

export const push = ({ key, data }: { key: string; data: string }) =>
  step(
    'push',
    [key, data],
    async (model, world) => {
      model.push(key, data)
      // Somebody who does that counts it, so that the laws can be looked at.
      const commands = [
        ['RPUSH', `${world.root}:messages:${key}`, data],
        ['HINCRBY', world.root, 'added', 1],
      ]
      return (await world.run(...commands)).keyspace
    },
    (model) => model.conversations.has(key),
  )

/** The index entry of an open key is lost. */
export const lose = (key: string) =>
  step(
    'lose index entry',
    key,
    async (model, world) => {
      model.at(key).lost = true
      return (await world.run(['ZREM', `${world.root}:due`, key])).keyspace
    },
    (model) => model.conversations.has(key) && !model.conversations.get(key)?.held,
  )

/**
 * Nothing is to be mended in what the library itself has written. A score that a shortened policy, something that was pushed by hand, or the
 * clock has made late may be moved, and a lease that the clock has made longer is shortened.
 */
export const repair = step('repair', '', async (model, world) => {
  const parts = [...KEYS.map((key) => `messages:${key}`), ...[...model.dead.keys()].map((id) => `dead:${id}`), 'due']
  const lost = KEYS.map((key) => model.at(key).lost === true)
  const { replies, keyspace } = await world.run(world.command('repair', ...parts), world.command('repair'))
  const [done, counters] = replies as [string[], string[]]
  const moved = done.flatMap((each, n) => {
    const { policies, until, entered = 0, held } = model.at(KEYS[n] ?? '')
    if (each === 'moved to its deadline') return [policies.length > 1 || until !== undefined || entered > model.now]
    if (held && model.lower(held)) return [each === 'lowered to the lease that was granted']
    return [each === (lost[n] ? 'added to due' : '')]
  })
  model.mended()
  expect([moved.every(Boolean), done, counters]).toEqual([true, done, ['']])
  return keyspace
})

/** Calls that are refused whatever the queue holds. */
const REFUSED: [string, FunctionName, ...Arg[]][] = [
  ['MISSING_ARGUMENT', 'add', 'ann'],
  ['UNKNOWN_ARGUMENT', 'add', 'ann', '1', 'NEXT', 'bob', '2', 'SOON'],
  ['BAD_ARGUMENT', 'add', 'ann', '1', 'WAIT', 0],
  ['BAD_ID', 'add', 'ann', '1', 'ID', 'x'.repeat(513)],
  ['BAD_KEY', 'add', 'x'.repeat(1025), '1'],
  ['BAD_ARGUMENT', 'claim_ready', 'LIMIT', 1001],
  ['MISSING_ARGUMENT', 'complete', 'ann', '1-1:1', 'bob'],
  ['BAD_LEASE', 'extend', 0, 'ann', '1-1:1'],
  ['BAD_ARGUMENT', 'fail', 'ann', '1-1:1', 'DELAY', -1],
  ['BAD_ARGUMENT', 'release', 'ann', '1-1:1', 'NONCE', 'w1'],
  ['BAD_ARGUMENT', 'forward', ''],
  ['BAD_POLICY', 'policy', 'MAXSIZE', 1001],
  ['BAD_KEY', 'peek', ''],
  ['MISSING_ARGUMENT', 'requeue'],
  ['MISSING_ARGUMENT', 'drop'],
  ['BAD_ARGUMENT', 'erase', 'ann', 'AFTER', '1'],
  ['UNKNOWN_ARGUMENT', 'stats', 'ALL'],
]

export const REFUSALS = REFUSED.map(([code, name, ...args]) =>
  step('refused', [code, name], async (_, world) => {
    const { reply, keyspace } = await world.call(name, ...args)
    expect(reply).toMatch(new RegExp(`^RAPIDFIRE_${code} `))
    return keyspace
  }),
)

/** The server loses the functions: a call says so and does nothing, until they are loaded again. */
export const unload: Step = step('lose functions', '', async (_, world: World) => {
  expect(await world.lose(['ann', 'lost'])).toMatch(/^(ERR Function not found|NOSCRIPT)/)
  const { reply, keyspace } = await world.call('version')
  expect(reply).toMatch(/^\d+\.\d+\.\d+$/)
  return keyspace
})
