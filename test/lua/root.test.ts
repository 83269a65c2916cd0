import { Redis } from 'ioredis'
import { expect, it, onTestFinished } from 'vitest'
import type { FunctionName } from '../../src/redis/generated/facts.ts'
import { lacksServer } from '../client/clients.ts'
import { describeBindings, Lua, TEST_SOURCE } from '../support/lua.ts'
import { startRedis } from '../support/redis.ts'
import { NO_RIGHT, userWithout } from './users.ts'

/** Every call that has a root, with arguments that it would take. */
const ARGS: Record<Exclude<FunctionName, 'version'>, string[]> = {
  add: ['ann', 'x', 'ID', 'm1'],
  archived: [],
  check: ['ann'],
  claim_ready: [],
  complete: ['ann', '1-1:1'],
  dead: [],
  drop: ['1-1'],
  erase: ['ann'],
  events: [],
  extend: ['1000', 'ann', '1-1:1'],
  fail: ['ann', '1-1:1'],
  forward: ['batches'],
  layout: [],
  leave: ['w1'],
  partition: ['OPEN'],
  peek: ['ann'],
  policy: ['WAIT', '5'],
  present: ['w1'],
  release: ['ann', '1-1:1'],
  repair: ['ann'],
  repartition: ['PREPARE', '4'],
  requeue: ['1-1'],
  rights: ['zadd'],
  stats: [],
  trace: ['KEY', 'ann'],
}
const CALLS = Object.entries(ARGS) as [FunctionName, string[]][]

const BAD_ROOTS = [
  'rapid-fire:orders',
  'rapid-fire:{}',
  'rapid-fire:{two words}',
  'rapid-fire:{line\nbreak}',
  'rapid-fire:{{orders}}',
  'rapid-fire:{a}b}',
  'rapid-fire:{orders}:due',
  'orders',
  '{orders}',
  'count',
  '',
]

describeBindings('the root', (lua) => {
  it.each(CALLS)('%s refuses what is no root of a queue', async (name, args) => {
    // Other people's keys stand where parts of such a queue would.
    for (const root of ['orders', '{orders}', 'rapid-fire:orders']) {
      await lua().redis.mset(root, 'theirs', `${root}:`, 'theirs', `${root}:due`, 'theirs')
      await lua().redis.hset(`${root}:claims`, 'ann', '1-1:1:1:5:wait')
    }
    for (const root of BAD_ROOTS) await lua().refusesWith('BAD_ROOT', 'expected a root such as rapid-fire:{orders}', name, [root], ...args)
    await lua().refusesWith('BAD_ROOT', "got '{orders}'", name, ['{orders}'], ...args)
    await lua().refusesWith('BAD_ROOT', 'expected 1 key', name, [], ...args)
    await lua().refusesWith('BAD_ROOT', 'got 2', name, [lua().root, 'rapid-fire:{others}'], ...args)
  })

  it.each(CALLS.filter(([name]) => name !== 'rights'))('%s refuses a root that is a key of another type', async (name, args) => {
    const { redis, root } = lua()
    await redis.set(root, 'theirs')
    await lua().refuses('WRONG_TYPE', `expected a hash at '${root}'`, name, ...args)
    await redis.del(root)
    await redis.rpush(root, 'theirs')
    await lua().refuses('WRONG_TYPE', 'expected a hash', name, ...args)
  })

  it('may have anything in front of it', async () => {
    const root = 'tenant 1:rapid-fire:{orders}'
    expect(await lua().callWith('add', [root], 'ann', 'x')).toEqual(['added', 1])
    expect((await lua().redis.keys('*')).sort()).toEqual([root, `${root}:due`, `${root}:messages:ann`, 'test:clock'].sort())
  })

  it('passes on what else Redis has against a call', async () => {
    await lua().redis.call('ACL', 'SETUSER', 'limited', 'on', 'nopass', '~*', '+@all', '-hmget')
    const redis = lua().redis.duplicate({ username: 'limited', password: 'any' })
    try {
      const error = await new Lua({ ...lua().server, redis }, lua().mode).call('stats').then(String, (refusal: Error) => refusal.message)
      expect(error).not.toContain('RAPIDFIRE')
      expect(error).toMatch(NO_RIGHT)
    } finally {
      redis.disconnect()
      await lua().redis.call('ACL', 'DELUSER', 'limited')
    }
  })

  it('serves who may not ask whether it is on a node of a cluster, and does not try to', async () => {
    const { redis, mode } = lua()
    // Loaded anew, the library does not know it.
    if (mode === 'functions') await redis.function('LOAD', 'REPLACE', TEST_SOURCE.library)
    const poor = await userWithout(lua(), 'info')
    // The client itself asks when it connects.
    await poor.redis.ping()
    await redis.acl('LOG', 'RESET')
    for (const n of [1, 2]) {
      await redis.config('RESETSTAT')
      expect(await poor.call('add', 'ann', 'x')).toEqual(['added', n])
      expect(await redis.info('commandstats')).toContain('cmdstat_exists:calls=1,')
    }
    expect(await redis.acl('LOG')).toEqual([])
  })

  it.skipIf(lacksServer('a command of another name'))('is served where what tells of clusters has another name', async () => {
    const server = await startRedis(['--rename-command', 'INFO', 'TELL'])
    // The client would ask as well.
    const redis = new Redis(server.url, { enableReadyCheck: false })
    onTestFinished(async () => {
      redis.disconnect()
      await server.stop()
    })
    const other = new Lua({ url: server.url, redis, server }, lua().mode)
    if (other.mode === 'functions') await redis.function('LOAD', TEST_SOURCE.library)
    await other.reset()
    expect(await other.call('add', 'ann', 'x')).toEqual(['added', 1])
  })
})
