import { isDeepStrictEqual } from 'node:util'
import type { Redis } from 'ioredis'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { CALLS, type Role } from '../../cli/doctor/rights.ts'
import type { Input } from '../../src/protocol/calls.ts'
import { RapidFire } from '../../src/rapidfire.ts'
import { Caller } from '../../src/redis/caller.ts'
import { connect } from '../../src/redis/connection.ts'
import { type FunctionName, READS } from '../../src/redis/generated/facts.ts'
import type { BindingMode } from '../../src/redis/loader.ts'
import { commandsFor, type Use } from '../../src/redis/rights.ts'
import { SOURCE } from '../../src/redis/source.ts'
import { additionsFor, setUser, urlOf } from '../support/acl.ts'
import { useRedis } from '../support/redis.ts'

/** A user of Redis who lacks a right: Redis would cut a call off behind some of its writes. So it works, or changes nothing and names the right. */
const ROOT = 'rapid-fire:{salon}'
const ROLES = Object.keys(CALLS) as Role[]
const scripts = additionsFor('scripts')

let server: Awaited<ReturnType<typeof useRedis>>
beforeAll(async () => {
  server = await useRedis()
  await server.redis.function('LOAD', 'REPLACE', SOURCE.library)
})

/** Calls as a user, and how to tell it that its connection is a new one. */
function callerOf(url: string, binding: BindingMode) {
  const connection = connect(url)
  const listeners: (() => void)[] = []
  const onReady = (listener: () => void) => {
    listeners.push(listener)
    return () => {}
  }
  const caller = new Caller({ ...connection, onReady }, { binding, load: 'never' })
  return { call: caller.call, reconnected: () => listeners.forEach((each) => void each()), end: () => connection.end() }
}

const keysOf = async (redis: Redis) => (await redis.keys('*')).sort()

/** The same command for each key, and what is replied. */
async function each(redis: Redis, keys: string[], command: (key: string, n: number) => string[]): Promise<unknown[]> {
  const replies = await redis.pipeline(keys.map(command)).exec()
  return (replies ?? []).map(([, reply]) => reply)
}

const CONTENT: Record<string, (key: string) => string[]> = {
  hash: (key) => ['hgetall', key],
  list: (key) => ['lrange', key, '0', '-1'],
  set: (key) => ['smembers', key],
  stream: (key) => ['xrange', key, '-', '+'],
  string: (key) => ['get', key],
  zset: (key) => ['zrange', key, '0', '-1', 'withscores'],
}

/** Each key with what is in it: equal before and after means that nothing was written. */
async function contents(redis: Redis): Promise<string> {
  const keys = await keysOf(redis)
  const types = (await each(redis, keys, (key) => ['type', key])) as string[]
  const values = await each(redis, keys, (key, n) => CONTENT[types[n] as string]?.(key) as string[])
  const ordered = (value: unknown, type = '') =>
    type === 'set' ? [...(value as string[])].sort() : type === 'hash' ? Object.entries(value as object).sort() : value
  return JSON.stringify(keys.map((key, n) => [key, ordered(values[n], types[n])]))
}

type Dump = [key: string, value: Buffer][]

async function dump(redis: Redis): Promise<Dump> {
  const keys = await keysOf(redis)
  const values = await each(redis, keys, (key) => ['dumpBuffer', key])
  return keys.map((key, n) => [key, values[n] as Buffer])
}

const restore = (redis: Redis, state: Dump) =>
  redis.multi([['flushall'], ...state.map(([key, value]) => ['restore', key, '0', value])] as string[][]).exec()

/** A reply that says when it was made. */
function withoutTime(reply: unknown): unknown {
  if (Array.isArray(reply)) return reply.filter((each) => each?.[0] !== 'now')
  return reply !== null && typeof reply === 'object' && 'now' in reply ? { ...reply, now: 0 } : reply
}

/** A queue with something for each call, and what names it. */
async function fill(redis: Redis, url: string) {
  await redis.flushall()
  const admin = new RapidFire({ redis: url, queue: 'salon', policy: { wait: 600_000, maxWait: 700_000 } })
  for (const key of ['dead', 'ann', 'bob', 'cyd', 'dan', 'eve']) await admin.addMessage(key, 1, { id: key, flush: true })
  const { batches } = await admin.claimReady({ limit: 5, lease: 600_000 })
  const [dead, ...claims] = batches
  await admin.fail(dead as never, { attempts: 1 })
  await admin.addMessage('ann', 2)
  await admin.addMessage('fay', 3, { wait: 500_000, maxWait: 600_000 })
  await admin.close()
  const names = claims.map(({ key, token }) => ({ key, token }))
  const id = dead?.id as string
  const message = { key: 'gus', data: '4', id: 'wamid.4' }
  const taker = { limit: 10, lease: 1000, attempts: 5, generation: 0, drain: false }
  const ends = names.slice(1, 3)
  const inputs: { [Name in FunctionName]: Input<Name> } & { 'add requeued': Input<'add'> } = {
    add: {
      messages: [
        ...[message, { key: 'fay', data: '5' }, { key: 'gus', data: '6', id: 'wamid.6', edits: 'wamid.4' }],
        { key: 'gus', data: '', id: 'wamid.7', withdraws: 'wamid.4' },
      ],
      generation: 0,
    },
    'add requeued': { messages: [{ key: 'gus', data: '4', requeued: `1700000000000:${id}:1` }], generation: 0 },
    archived: {},
    check: { parts: ['messages:ann', 'messages:fay', 'messages:eve', `dead:${id}`, 'due', 'claims', 'overrides'] },
    claim_ready: { ...taker, watching: { worker: 'w', echo: true, rest: 1000 } },
    complete: names,
    dead: { id },
    drop: { ids: [id] },
    erase: { key: 'ann' },
    events: {},
    extend: { lease: 700_000, claims: names },
    fail: ends.map((each, n) => ({ ...each, delay: 10, attempts: n === 0 ? 1 : 5, error: 'no' })),
    forward: { ...taker, stream: 'batches', limit: 10, maxLength: 100, keep: 0 },
    layout: {},
    leave: { worker: 'w' },
    partition: { state: 'RETIRE' },
    peek: { key: 'fay' },
    policy: { members: { wait: 7, maxWait: 8, dedupe: 7_200_000 } },
    present: { worker: 'w', rest: 1000 },
    release: ends,
    repair: { parts: [] },
    repartition: { prepare: 4 },
    requeue: { ids: [id], generation: 0 },
    rights: { commands: [] },
    stats: {},
    trace: { key: 'fay', id: 'none' },
    version: {},
  }
  return inputs
}

describe.each<BindingMode>(['functions', 'scripts'])('%s', (binding) => {
  let inputs: Awaited<ReturnType<typeof fill>>
  let state: Dump
  let before: string
  beforeAll(async () => {
    inputs = await fill(server.redis, server.url)
    state = await dump(server.redis)
    before = await contents(server.redis)
    const admin = callerOf(server.url, binding)
    for (const use of READS) replies.set(use, (await attempt(admin, use)).reply)
    admin.end()
    for (const role of ROLES) {
      await setRights(role)
      callers.set(role, callerOf(urlOf(server.url, role), binding))
    }
  })
  afterAll(async () => {
    for (const caller of callers.values()) caller.end()
    await server?.redis.call('ACL', 'DELUSER', ...ROLES)
  })

  const replies = new Map<Use, unknown>()
  const attempt = (caller: Pick<Caller, 'call'>, use: Use) => {
    const name = nameOf(use)
    return caller.call(name === 'version' ? undefined : ROOT, name, inputs[use] as never).then(
      (reply) => ({ reply: withoutTime(reply), error: undefined }),
      (error: Error) => ({ reply: undefined, error: error.message }),
    )
  }

  const callers = new Map<Role, ReturnType<typeof callerOf>>()
  const instead = binding === 'scripts' ? [...scripts.more, ...scripts.instead.map((right) => right.replace('+', '-'))] : []
  const setRights = (role: Role, ...changes: string[]) => setUser(server.redis, role, ...instead, ...changes)

  const nameOf = (use: Use) => use.split(' ')[0] as FunctionName
  const table = ROLES.flatMap((role) => {
    const commands = [...new Set(CALLS[role].flatMap(commandsFor))].sort()
    return commands.map((lacking) => ({ role, lacking }))
  })

  it.each(table)('a $role without $lacking', async ({ role, lacking }) => {
    const { redis } = server
    const caller = callers.get(role) as ReturnType<typeof callerOf>
    await caller.call(undefined, 'version', {})
    await setRights(role, `-${lacking}`)
    caller.reconnected()
    const wrong: string[] = []
    for (const use of CALLS[role]) {
      const name = nameOf(use)
      const { reply, error } = await attempt(caller, use)
      const changed = (await contents(redis)) !== before
      const isNeeded = commandsFor(use).includes(lacking)
      const names = error !== undefined && new RegExp(`\\b${lacking.replace('|', '\\|')}\\b`).test(error)
      // What reads may say what it says to everybody, and find no use for the command.
      const works = READS.has(name) ? isDeepStrictEqual(reply, replies.get(use)) : !isNeeded
      if (error === undefined ? !works : changed || !names || !isNeeded)
        wrong.push(`${use}: ${error ?? JSON.stringify(reply)}${changed ? ', changed' : ''}`)
      if (changed) await restore(redis, state)
    }
    expect(wrong).toEqual([])
  })
})

describe('rights are asked for', () => {
  const as = (...rules: string[]) => server.redis.call('ACL', 'SETUSER', 'poor', 'reset', 'on', '>secret', ...rules)
  const client = (queue = 'salon') => {
    const rapidfire = new RapidFire({ redis: urlOf(server.url, 'poor' as Role), queue, load: 'never' })
    onTestFinished(() => rapidfire.close())
    return rapidfire
  }
  beforeEach(async () => {
    await server.redis.flushall()
    await as('~*', '&*', '+@all')
  })
  afterAll(() => server?.redis.call('ACL', 'DELUSER', 'poor'))
  const calls = async () => Number(/cmdstat_fcall:calls=(\d+)/.exec(await server.redis.info('commandstats'))?.[1] ?? 0)

  it('once a connection, and cost no command afterwards', async () => {
    const rapidfire = client()
    await rapidfire.addMessage('ann', 1)
    await server.redis.config('RESETSTAT')
    for (let n = 0; n < 5; n += 1) await rapidfire.addMessage('ann', n)
    expect(await calls()).toBe(5)
    await server.redis.call('CLIENT', 'KILL', 'USER', 'poor')
    await server.redis.config('RESETSTAT')
    for (let n = 0; n < 5; n += 1) await rapidfire.addMessage('ann', n)
    expect(await calls()).toBe(5 + 1)
  })

  it('again when one was taken away since; then nothing more is cut off, until it is given back', async () => {
    const rapidfire = client()
    await rapidfire.addMessage('ann', 1, { flush: true })
    await as('~*', '&*', '+@all', '-zadd')
    await expect(rapidfire.claimReady()).rejects.toMatchObject({ code: 'SERVER', message: /^NOPERM .*\+zadd/ })
    const before = await contents(server.redis)
    await expect(rapidfire.claimReady()).rejects.toMatchObject({ code: 'SERVER', message: /\+zadd .* nothing was done$/ })
    await expect(rapidfire.addMessage('bob', 1, { flush: true })).rejects.toMatchObject({ code: 'SERVER', message: /\+zadd/ })
    expect(await contents(server.redis)).toBe(before)
    await as('~*', '&*', '+@all')
    expect((await rapidfire.claimReady()).batches).toMatchObject([{ key: 'ann' }])
  })

  it('of the keys of the queue as well', async () => {
    await as('~rapid-fire:{salon}', '&*', '+@all')
    await expect(client().addMessage('ann', 1)).rejects.toMatchObject({ code: 'SERVER', message: /^NOPERM .*\+exists/ })
    expect(await server.redis.keys('*')).toEqual([])
  })

  it('a user of one queue has the keys and channels of that, and of its partitions, and no others', async () => {
    await as('~rapid-fire:{salon}*', '~rapid-fire:{salon:[0-9]*}*', '&rapid-fire:{salon}:wake*', '+@all')
    const rapidfire = client()
    await rapidfire.addMessage('ann', 1, { flush: true })
    await rapidfire.policy({ partitions: 2 })
    await rapidfire.addMessage('bob', 1, { flush: true })
    expect(await rapidfire.processPendingBatches(() => {})).toMatchObject({ completed: 2 })
    for (const other of ['salon2', 'clinic']) await expect(client(other).addMessage('ann', 1)).rejects.toThrow('NOPERM')
  })
})
