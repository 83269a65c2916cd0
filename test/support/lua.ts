import { readFileSync } from 'node:fs'
import type { Redis } from 'ioredis'
import { beforeAll, beforeEach, describe } from 'vitest'
import { assemble } from '../../lua/assemble.mjs'
import type { BindingMode } from '../../src/binding.ts'
import type { FunctionName, LibrarySource } from '../../src/generated/library.ts'
import { type TestRedis, useRedis } from './redis.ts'

/** The shipped Lua files with the clock of the tests. */
export const TEST_SOURCE: LibrarySource = assemble({ clock: readFileSync(new URL('./clock.lua', import.meta.url), 'utf8') })

/** When the clock of each test begins: ahead of the real one, by which Redis expires keys. */
export const START = 2_000_000_000_000

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
  call(name: FunctionName, ...args: (string | number | Buffer)[]): Promise<any> {
    return this.callWith(name, [this.root], ...args)
  }

  callWith(name: FunctionName, keys: string[], ...args: (string | number | Buffer)[]): Promise<any> {
    if (this.mode === 'functions') return this.redis.call('FCALL', `rapidfire_${name}`, keys.length, ...keys, ...args)
    return this.redis.call('EVAL', TEST_SOURCE.scripts[name].text, keys.length, ...keys, ...args)
  }

  /** Moves the clock by `ms`. */
  async tick(ms: number): Promise<void> {
    this.#now += ms
    await this.redis.set('test:clock', this.#now)
  }

  async reset(): Promise<void> {
    await this.redis.flushall()
    this.#now = START
    await this.tick(0)
  }

  /** Every key but the clock with its content: equal before and after means that nothing was written. */
  async keyspace(): Promise<Record<string, string>> {
    const keys = (await this.redis.keys('*')).filter((key) => key !== 'test:clock').sort()
    return Object.fromEntries(await Promise.all(keys.map(async (key) => [key, await content(this.redis, key)])))
  }
}

async function content(redis: Redis, key: string): Promise<string> {
  const type = await redis.type(key)
  const pairs = (flat: string[]) => Array.from({ length: flat.length / 2 }, (_, n) => `${flat[2 * n]}=${flat[2 * n + 1]}`).sort()
  if (type === 'string') return `string ${await redis.get(key)}`
  if (type === 'list') return `list ${JSON.stringify(await redis.lrange(key, 0, -1))}`
  if (type === 'set') return `set ${JSON.stringify((await redis.smembers(key)).sort())} expires ${await redis.pexpiretime(key)}`
  if (type === 'zset')
    return `zset ${JSON.stringify(pairs(((await redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')) as string[][]).flat().map(String)))}`
  return `hash ${JSON.stringify(Object.entries(await redis.hgetall(key)).sort())}`
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
    tests(() => lua)
  })
}
