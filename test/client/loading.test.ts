import { readFileSync } from 'node:fs'
import type { Redis } from 'ioredis'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { assemble } from '../../lua/build/assemble.mjs'
import type { RapidFireOptions } from '../../src/options.ts'
import { RapidFire } from '../../src/rapidfire.ts'
import { Caller } from '../../src/redis/caller.ts'
import { connect } from '../../src/redis/connection.ts'
import { describeBindings, Lua } from '../support/lua.ts'
import { startRedis, useRedis } from '../support/redis.ts'
import { lacksServer } from './clients.ts'

const clock = readFileSync(new URL('../support/clock.lua', import.meta.url), 'utf8')

/** Each is made once: that takes longer than what is tested with it. */
const builds = new Map<string, ReturnType<typeof assemble>>()
function build(version: string) {
  const made = builds.get(version) ?? assemble({ clock, version })
  builds.set(version, made)
  return made
}

/** A client that is closed at the end of its block. */
const client = (lua: Lua, version: string, options: RapidFireOptions<unknown> = {}) =>
  new RapidFire({ redis: lua.server.url, queue: 'orders', binding: lua.mode, ...options }, build(version))

/** How often a command has been called since the last `CONFIG RESETSTAT`. */
async function count(lua: Lua, command: string): Promise<number> {
  const info = await lua.redis.info('commandstats')
  return Number(info.match(new RegExp(`cmdstat_${command.replace('|', '\\|')}:calls=(\\d+)`))?.[1] ?? 0)
}

async function flush(lua: Lua): Promise<void> {
  if (lua.mode === 'functions') await lua.redis.function('FLUSH')
  else await lua.redis.script('FLUSH')
}

describeBindings('losing the functions', (lua) => {
  it('loads them again, once for all calls under way, and keeps the order of a key', async () => {
    await using rapidfire = client(lua(), '1.0.0', { policy: { maxSize: 500 } })
    await rapidfire.addMessage('ann', 0)
    await flush(lua())
    await lua().redis.config('RESETSTAT')
    const adds = Array.from({ length: 400 }, (_, n) => rapidfire.addMessage('ann', n + 1))
    await Promise.all([...adds, rapidfire.getStats(), rapidfire.peek('bob'), rapidfire.policy()])
    expect((await rapidfire.peek('ann', 1000)).messages.map(({ data }) => data)).toEqual(Array.from({ length: 401 }, (_, n) => n))
    if (lua().mode === 'functions') expect(await count(lua(), 'function|load')).toBe(1)
    else expect(await count(lua(), 'script|load')).toBe(Object.keys(build('1.0.0').scripts).length)
  })

  it('writes the policy of its options again, since the data may be lost as well', async () => {
    await using rapidfire = client(lua(), '1.0.0', { policy: { wait: 7777 } })
    await rapidfire.addMessage('ann', 0)
    await lua().redis.del(lua().root)
    await flush(lua())
    await rapidfire.addMessage('ann', 1)
    expect(await lua().redis.hget(lua().root, 'wait')).toBe('7777')
  })

  it('works for each call', async () => {
    await using rapidfire = client(lua(), '1.0.0')
    const lost = async <Result>(call: () => Promise<Result>) => {
      await flush(lua())
      return call()
    }
    expect(await lost(() => rapidfire.version())).toBe('1.0.0')
    await lost(() => rapidfire.addMessage('ann', 1, { flush: true }))
    const [batch] = (await lost(() => rapidfire.claimReady())).batches
    if (!batch) throw new Error('nothing was claimed')
    expect(await lost(() => rapidfire.extend([batch], 1000))).toMatchObject([{ status: 'extended' }])
    expect(await lost(() => rapidfire.fail(batch, { delay: 0 }))).toBe('retry')
    expect(await lost(() => rapidfire.processPendingBatches(() => flush(lua())))).toMatchObject({ completed: 1 })
    expect(await lost(() => rapidfire.peek('ann'))).toMatchObject({ state: 'empty' })
    expect(await lost(() => rapidfire.getStats())).toMatchObject({ messages: 0, totals: { completed: 1 } })
    expect(await lost(() => rapidfire.policy())).toMatchObject({ wait: 10_000 })
  })
})

describeBindings('loading', (lua) => {
  it('is done where the functions are absent', async () => {
    await lua().redis.script('FLUSH')
    await flush(lua())
    await using rapidfire = client(lua(), '1.0.0')
    await rapidfire.addMessage('ann', 1)
    expect(await rapidfire.version()).toBe('1.0.0')
    if (lua().mode === 'functions') expect(await lua().redis.fcall('rapidfire_version', 0)).toBe('1.0.0')
    const hashes = Object.values(build('1.0.0').scripts).map(({ sha1 }) => sha1)
    expect(await lua().redis.script('EXISTS', ...hashes)).toEqual(hashes.map(() => (lua().mode === 'scripts' ? 1 : 0)))
  })

  it('is done where one of the functions is there, and others are not', async () => {
    await lua().redis.script('FLUSH')
    await flush(lua())
    if (lua().mode === 'scripts') await lua().redis.script('LOAD', build('1.0.0').scripts.version.text)
    else await lua().redis.function('LOAD', build('0.9.0').library.replaceAll("register('add',", "register('put',"))
    await using rapidfire = client(lua(), '1.0.0')
    expect(await rapidfire.addMessage('ann', 1)).toEqual({ status: 'added', size: 1 })
  })

  it('lets clients of two versions work side by side', async () => {
    await flush(lua())
    await using newer = client(lua(), '1.2.0')
    await using older = client(lua(), '1.1.9')
    await newer.addMessage('ann', 'newer')
    await older.addMessage('ann', 'older', { flush: true })
    await newer.addMessage('bob', 'newer', { flush: true })
    expect(await older.processPendingBatches(() => {}, { limit: 1 })).toMatchObject({ completed: 1 })
    expect(await newer.processPendingBatches(() => {}, { limit: 1 })).toMatchObject({ completed: 1 })
    expect(await newer.version()).toBe('1.2.0')
    expect(await older.version()).toBe(lua().mode === 'functions' ? '1.2.0' : '1.1.9')
    expect(await older.getStats()).toMatchObject({ messages: 0, totals: { completedMessages: 3 } })
  })
})

describe('the library', () => {
  let lua: Lua
  let redis: Redis
  const loaded = () => redis.fcall('rapidfire_version', 0)
  beforeAll(async () => {
    lua = new Lua(await useRedis(), 'functions')
    redis = lua.redis
  })
  beforeEach(async () => {
    await lua.reset()
    await flush(lua)
  })

  it('is replaced when it is older', async () => {
    await redis.function('LOAD', build('1.9.9').library)
    await using rapidfire = client(lua, '1.10.0')
    expect(await rapidfire.version()).toBe('1.10.0')
  })

  /** An older one that does not know an argument of ours, put there behind the back of the clients, as a restored snapshot does. */
  const restore = (known: string) => redis.function('LOAD', 'REPLACE', build('0.9.0').library.replaceAll(known, 'OLD'))

  it('is replaced when an older one comes back that does not know an argument of ours', async () => {
    await using rapidfire = client(lua, '1.0.0')
    await rapidfire.addMessage('ann', 1)
    await restore('FLUSH')
    const adds = [rapidfire.addMessage('ann', 2, { flush: true }), rapidfire.addMessage('ann', 3, { flush: true })]
    expect(await Promise.all(adds)).toMatchObject([{ size: 2 }, { size: 3 }])
    expect(await loaded()).toBe('1.0.0')

    await restore('BEFORE')
    await redis.config('RESETSTAT')
    const claims = await Promise.all([rapidfire.claimReady({ before: lua.now }), rapidfire.claimReady({ before: lua.now })])
    expect(claims.flatMap(({ batches }) => batches)).toHaveLength(1)
    expect(await count(lua, 'function|load')).toBe(1)
  })

  it('is replaced when an older one takes some messages of a call only, and none is stored twice', async () => {
    await using rapidfire = client(lua, '1.0.0')
    await rapidfire.addMessage('ann', 1)
    await restore('MAXSIZE')
    const messages = [
      { key: 'ann', data: 2 },
      { key: 'bob', data: 3, maxSize: 5 },
      { key: 'cid', data: 4 },
      { key: 'bob', data: 5, maxSize: 5 },
    ]
    expect(await rapidfire.addMessages(messages)).toMatchObject([{ size: 2 }, { size: 1 }, { size: 1 }, { size: 2 }])
    expect((await rapidfire.peek('bob')).messages.map(({ data }) => data)).toEqual([3, 5])
    expect(await loaded()).toBe('1.0.0')
  })

  it('refuses an argument that no version knows, and is not loaded for it', async () => {
    const caller = new Caller(connect(lua.server.url), {}, undefined, build('1.0.0'))
    const call = () => caller.call(lua.root, 'policy', { members: { weight: 5 } as object })
    await caller.call(lua.root, 'policy', {})
    await redis.config('RESETSTAT')
    await expect(call()).rejects.toMatchObject({ code: 'UNKNOWN_ARGUMENT' })
    await restore('FLUSH')
    await expect(call()).rejects.toMatchObject({ code: 'UNKNOWN_ARGUMENT' })
    expect(await count(lua, 'function|load')).toBe(2)
    await caller.close()
  })

  it("stays when an older one comes back and the operator loads: load: 'never'", async () => {
    await redis.function('LOAD', build('1.0.0').library)
    await using rapidfire = client(lua, '1.0.0', { load: 'never' })
    await rapidfire.addMessage('ann', 1)
    await restore('FLUSH')
    await expect(rapidfire.addMessage('ann', 2, { flush: true })).rejects.toMatchObject({ code: 'UNKNOWN_ARGUMENT' })
    expect(await loaded()).toBe('0.9.0')
  })

  it.each(['1.0.0', '1.0.1', '1.1.0', '2.0.0', '1.0.10'])('is left untouched when it is %s and the client 1.0.0', async (version) => {
    await redis.function('LOAD', build(version).library)
    await redis.config('RESETSTAT')
    await using rapidfire = client(lua, '1.0.0')
    await rapidfire.addMessage('ann', 1)
    expect(await loaded()).toBe(version)
    expect(await count(lua, 'function|load')).toBe(0)
  })

  it('is the newest one when several versions start at once', async () => {
    for (let round = 0; round < 5; round += 1) {
      await flush(lua)
      const clients = ['1.1.0', '1.0.0', '1.1.0', '1.0.0'].map((version) => client(lua, version))
      await Promise.all(clients.map((rapidfire) => rapidfire.addMessage('ann', 1)))
      expect(await loaded()).toBe('1.1.0')
      await Promise.all(clients.map((rapidfire) => rapidfire.close()))
    }
  })

  it('does not replace another library of its name', async () => {
    await redis.function('LOAD', "#!lua name=rapidfire\nredis.register_function('other', function() return 1 end)")
    await using rapidfire = client(lua, '1.0.0')
    await expect(rapidfire.addMessage('ann', 1)).rejects.toMatchObject({ code: 'SERVER', message: /already exists/ })
    expect(await redis.fcall('other', 0)).toBe(1)
  })

  it("is left to the operator with load: 'never'", async () => {
    await using rapidfire = client(lua, '1.0.0', { load: 'never' })
    for (const call of [rapidfire.addMessage('ann', 1), rapidfire.getStats(), rapidfire.version()]) {
      await expect(call).rejects.toMatchObject({ name: 'RapidfireError', code: 'NOT_LOADED', message: /run `rapidfire load`/ })
    }
    expect(await redis.function('LIST')).toEqual([])
    await redis.function('LOAD', build('1.0.0').library)
    expect(await rapidfire.addMessage('ann', 1)).toEqual({ status: 'added', size: 1 })
  })

  it("may be older with load: 'never', and the error says which function it lacks", async () => {
    await redis.function('LOAD', build('0.9.0').library.replace("register('stats',", "register('figures',"))
    await using rapidfire = client(lua, '1.0.0', { load: 'never' })
    expect(await rapidfire.addMessage('ann', 1)).toEqual({ status: 'added', size: 1 })
    await expect(rapidfire.getStats()).rejects.toMatchObject({
      code: 'NOT_LOADED',
      message: /has no rapidfire_stats.*run `rapidfire load`/,
    })
    expect(await rapidfire.version()).toBe('0.9.0')
  })
})

it.skipIf(lacksServer('a server without functions'))('chooses scripts by itself where the server has no functions', async () => {
  const server = await startRedis(['FCALL', 'FCALL_RO', 'FUNCTION'].flatMap((command) => ['--rename-command', command, '']))
  try {
    for (const load of ['auto', 'never'] as const) {
      await using rapidfire = new RapidFire({ redis: server.url, load })
      expect(await rapidfire.addMessage('ann', load, { flush: true })).toEqual({ status: 'added', size: 1 })
      expect(await rapidfire.processPendingBatches(() => {})).toMatchObject({ completed: 1 })
    }
    await using functions = new RapidFire({ redis: server.url, binding: 'functions' })
    await expect(functions.getStats()).rejects.toMatchObject({ code: 'SERVER', message: /unknown command/ })
  } finally {
    await server.stop()
  }
})
