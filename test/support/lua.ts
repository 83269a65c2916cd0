import { randomUUID } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect } from 'vitest'
import type { FunctionName } from '../../src/redis/generated/facts.ts'
import type { BindingMode } from '../../src/redis/loader.ts'
import { RAN, type Ran } from '../tools/cover/instrument.ts'
import { brokenLaws } from './laws.ts'
import { readMessage } from './message.ts'
import { type TestRedis, useRedis } from './redis.ts'
import { setBy, settingsOf } from './settings.ts'
import { TEST_SOURCE } from './source.ts'

export { TEST_SOURCE } from './source.ts'

/** Where `make coverage` wants to know which statements of the library have run. */
const COVERAGE = process.env.LUA_COVERAGE

/** When the clock of each test begins: ahead of the real one, by which Redis expires keys. */
export const START = 2_000_000_000_000

type Argument = string | number | Buffer

/** A batch as claim_ready hands it over. */
export interface TakenBatch {
  key: string
  token: string
  attempt: number
  reason: string
  deadline: number
  due: number
  messages: { receivedAt: number; id: string; data: string }[]
}

/** A batch whose last lease had run out when it was looked at. */
export interface DeadNow extends TakenBatch {
  cause: string
  error: string
}

/** What a test has in hand: calls of the functions as redis-cli makes them, the clock, and the keyspace. */
export class Lua {
  readonly root = 'rapid-fire:{orders}'
  readonly mode: BindingMode
  readonly server: TestRedis
  #now = START

  constructor(server: TestRedis, mode: BindingMode) {
    this.server = server
    this.mode = mode
  }

  get redis(): Redis {
    return this.server.redis
  }

  get now(): number {
    return this.#now
  }

  /** Calls a function of the queue. A refusal is thrown as Redis sent it. */
  call(name: FunctionName, ...args: Argument[]): Promise<any> {
    return this.callWith(name, [this.root], ...args)
  }

  callWith(name: FunctionName, keys: string[], ...args: Argument[]): Promise<any> {
    return this.redis.call(...this.command(name, keys, args))
  }

  /** Adds many messages: the arguments are those of `add`, with a NEXT before each other message, and are sent in as many calls as it takes. */
  async addAll(...args: Argument[]): Promise<any[]> {
    const replies: unknown[] = []
    for (let from = 0, messages = 0, at = 0; at <= args.length; at += 1) {
      if (at < args.length && (args[at] !== 'NEXT' || ++messages % 40 > 0)) continue
      replies.push(...(await this.call('add', ...args.slice(from, at))))
      from = at + 1
    }
    return replies
  }

  /** Replies with bytes instead of strings. */
  callBuffer(name: FunctionName, ...args: Argument[]): Promise<any> {
    return this.redis.callBuffer(...this.command(name, [this.root], args))
  }

  /** The command that calls a function. */
  command(name: FunctionName, keys: string[], args: Argument[]): [string, ...Argument[]] {
    if (this.mode === 'functions') return ['FCALL', `rapidfire_${name}`, keys.length, ...keys, ...args]
    return ['EVAL', TEST_SOURCE.scripts[name].text, keys.length, ...keys, ...args]
  }

  async claim(...args: Argument[]): Promise<{ now: number; next: number; batches: TakenBatch[]; dead: DeadNow[] }> {
    type Written = [Buffer, Buffer, number, Buffer, number, Buffer[], number]
    const [now, next, ...parts] = await this.callBuffer('claim_ready', ...args)
    const [dead, batches] = args.includes('DEAD') ? [parts[0], parts.slice(1)] : [[], parts]
    const read = ([key, token, attempt, reason, deadline, messages, due]: Written) => ({
      key: key.toString(),
      token: token.toString(),
      attempt,
      reason: reason.toString(),
      deadline,
      due,
      messages: messages.map((message) => {
        const { receivedAt, id, data } = readMessage(message)
        return { receivedAt, id: id.toString(), data: data.toString() }
      }),
    })
    return {
      now,
      next,
      batches: batches.map(read),
      dead: dead.map(([cause, error, ...batch]: [Buffer, Buffer, ...Written]) => ({
        ...read(batch),
        cause: cause.toString(),
        error: error.toString(),
      })),
    }
  }

  /** Claims and expects one batch. */
  async claimOne(...args: Argument[]): Promise<TakenBatch> {
    const { batches } = await this.claim(...args)
    expect(batches).toHaveLength(1)
    return batches[0] as TakenBatch
  }

  /** Claims until a call brings nothing: one brings no more than it may do without keeping others waiting. */
  async claimAll(...args: (string | number)[]): Promise<TakenBatch[]> {
    const all: TakenBatch[] = []
    for (;;) {
      const { batches } = await this.claim(...args)
      if (batches.length === 0) return all
      all.push(...batches)
    }
  }

  /** What stands in the settings of the root, by name. */
  settings(): Promise<Record<string, string>> {
    return settingsOf(this.redis, this.root)
  }

  /** Writes some of them by hand: null takes one away. */
  set(changes: Record<string, string | number | null>): Promise<void> {
    return setBy(this.redis, this.root, changes)
  }

  /** The figures of the queue, by name. */
  async stats(): Promise<Record<string, number>> {
    const flat = await this.call('stats')
    return Object.fromEntries(Array.from({ length: flat.length / 2 }, (_, n) => [flat[2 * n], flat[2 * n + 1]]))
  }

  /** Expects that the call is refused with `code` and a text that has `says` in it, and that nothing is written. */
  async refuses(code: string, says: string, name: FunctionName, ...args: Argument[]): Promise<void> {
    await this.refusesWith(code, says, name, [this.root], ...args)
  }

  async refusesWith(code: string, says: string, name: FunctionName, keys: string[], ...args: Argument[]): Promise<void> {
    const before = await this.keyspace()
    const error = await this.callWith(name, keys, ...args).then(
      (reply) => expect.unreachable(`replied ${JSON.stringify(reply)} instead of ${code}`),
      (refusal: Error) => refusal.message,
    )
    expect(error).toMatch(new RegExp(`^RAPIDFIRE_${code} `))
    expect(error).toContain(says)
    expect(await this.keyspace()).toEqual(before)
  }

  /** Expects that the laws of lua/README.md hold. `counted`: whether there are so few keys that their messages can be counted in one call. */
  async holds({ counted = true } = {}): Promise<void> {
    // Only of the library it is noted what has run.
    const broken = await brokenLaws(this.redis, this.root, COVERAGE ? this.mode : 'scripts')
    expect(broken).toEqual(counted ? [] : ['the counters could not be compared'])
  }

  /** Moves the clock by `ms`, and expires by it what Redis would expire by the real one. */
  async tick(ms: number): Promise<void> {
    this.#now += ms
    await this.redis.set('test:clock', this.#now)
    for (const key of await this.redis.keys('*:seen:*')) {
      const expires = await expiryOf(this.redis, key)
      if (expires > 0 && expires <= this.#now) await this.redis.del(key)
    }
  }

  async reset(): Promise<void> {
    await this.redis.flushall()
    this.#now = START
    await this.tick(0)
  }

  /** Every key but the clock with its content: equal before and after means that nothing was written. */
  async keyspace(): Promise<Record<string, string>> {
    const keys = (await this.redis.keysBuffer('*')).filter((key) => latin1(key) !== 'test:clock')
    return Object.fromEntries(await Promise.all(keys.map(async (key) => [latin1(key), await content(this.redis, key)])))
  }
}

/** The keys of a queue that are left, without the replies that are kept for a while. */
export const partsLeft = async (lua: Lua): Promise<string[]> =>
  Object.keys(await lua.keyspace()).filter((key) => key.startsWith(lua.root) && !key.startsWith(`${lua.root}:calls:`))

/** Bytes as a string that tells them apart, which UTF-8 does not when they are not valid. */
const latin1 = (bytes: Buffer) => bytes.toString('latin1')

async function content(redis: Redis, key: Buffer): Promise<string> {
  const type = await redis.type(key)
  const pairs = (reply: unknown) => {
    const flat = (reply as Buffer[] | Buffer[][]).flat().map(latin1)
    return Array.from({ length: flat.length / 2 }, (_, n) => flat.slice(2 * n, 2 * n + 2)).sort()
  }
  const read = async () => {
    if (type === 'string') return latin1((await redis.getBuffer(key)) as Buffer)
    if (type === 'list') return (await redis.lrangeBuffer(key, 0, -1)).map(latin1)
    if (type === 'set') return (await redis.smembersBuffer(key)).map(latin1).sort()
    if (type === 'zset') return pairs(await redis.callBuffer('ZRANGE', key, 0, -1, 'WITHSCORES'))
    if (type === 'stream') return (await redis.xrange(key, '-', '+')).flat()
    return pairs(await redis.callBuffer('HGETALL', key))
  }
  return `${type} ${JSON.stringify(await read())} expires ${await expiryOf(redis, key)}`
}

/** When a key expires, ms since 1970; negative when it does not. Before Redis 7 only the time that is left can be asked: then to the tenth of a second. */
export async function expiryOf(redis: Redis, key: Buffer | string): Promise<number> {
  try {
    return await redis.pexpiretime(key)
  } catch {
    const left = await redis.pttl(key)
    return left < 0 ? left : Math.round((Date.now() + left) / 100) * 100
  }
}

/** Runs the tests once for each binding, on an empty server, with a clock that stands at `START`. */
export function describeBindings(name: string, tests: (lua: () => Lua) => void): void {
  describe.each<BindingMode>(['functions', 'scripts'])(`${name}, %s`, (mode) => {
    let lua: Lua
    beforeAll(async () => {
      lua = new Lua(await useRedis(), mode)
      if (mode === 'functions') await lua.redis.function('LOAD', 'REPLACE', TEST_SOURCE.library)
    })
    beforeEach(() => lua.reset())
    if (mode === 'functions') noteCoverage(() => lua.redis)
    tests(() => lua)
  })
}

/** Notes which statements of the library the tests run, for whoever wants to know. */
export function noteCoverage(redis: () => Redis): void {
  if (!COVERAGE) return
  const tests: Ran['tests'] = {}
  afterEach(async () => {
    // A test may leave the server without the library.
    const numbers = await redis()
      .fcall_ro(RAN, 0)
      .catch(() => [])
    for (const number of numbers as number[]) tests[number] = (tests[number] ?? 0) + 1
  })
  afterAll(() => {
    mkdirSync(COVERAGE, { recursive: true })
    const noted: Ran = { file: expect.getState().testPath as string, tests }
    writeFileSync(join(COVERAGE, `${randomUUID()}.json`), JSON.stringify(noted))
  })
}
