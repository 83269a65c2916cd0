import { expect, it } from 'vitest'
import { describeBindings, expiryOf, START } from '../support/lua.ts'
import { bury } from './dead-batches.ts'
import { NO_RIGHT, userWithout } from './users.ts'
import { wakesOf } from './watchers.ts'

describeBindings('check and repair', (lua) => {
  it('tell the watcher of a key that is put back into due', async () => {
    await lua().call('add', 'ann', '"Hi"')
    await lua().redis.zrem(`${lua().root}:due`, 'ann')
    await lua().tick(9500)
    await lua().call('claim_ready', 'WORKER', 'w1')
    const wakes = await wakesOf(lua())
    try {
      expect(await lua().call('repair', 'messages:ann')).toEqual(['added to due'])
      expect(await wakes.heard()).toEqual([`w1 ${START + 10_000}`])
    } finally {
      wakes.close()
    }
    await lua().holds()
  })

  it('tell it nothing of a key that cannot be put back', async () => {
    await lua().call('add', 'ann', '"Hi"')
    await lua().redis.zrem(`${lua().root}:due`, 'ann')
    await lua().call('claim_ready', 'WORKER', 'w1', 'REST', 60_000)
    const before = await lua().keyspace()
    const poor = await userWithout(lua(), 'zadd')
    await expect(poor.call('repair', 'messages:ann')).rejects.toThrow(NO_RIGHT)
    expect(await lua().keyspace()).toEqual(before)
  })

  it.each(['index', 'batch'])('take a batch that is with a worker out of the dead, of which the %s alone is there', async (which) => {
    await lua().call('add', 'ann', 'x', 'FLUSH')
    const id = (await lua().claimOne()).token.slice(0, -2)
    if (which === 'index') await lua().redis.zadd(`${lua().root}:dead`, START, id)
    else await lua().redis.hset(`${lua().root}:dead:${id}`, 'key', 'ann', '1', 'x')
    expect(await lua().call('repair', 'messages:ann', 'messages:ann')).toEqual(['removed from dead', ''])
    await lua().holds()
  })

  it.each([
    [1, 0, 'added to overrides, added to due'],
    [500, 499, 'added to overrides, added to due'],
    [501, 500, 'added to due'],
    [41, 20, 'added to overrides, added to due'],
    [41, 39, 'added to overrides, added to due'],
    [41, 40, 'added to overrides, added to due'],
  ])('look for options among the first 500 messages of %j: of message %j', async (size, at, done) => {
    const elements = Array.from({ length: size }, (_, n) => `${START} 0${n === at ? ',W5' : ''} x`)
    await lua().redis.rpush(`${lua().root}:messages:ann`, ...elements)
    expect(await lua().call('repair', 'messages:ann')).toEqual([done])
  })

  it.each(['messages:ann', 'dead:1-1'])('leave what somebody else has put at %s', async (part) => {
    const name = `${lua().root}:${part}`
    for (const put of [() => lua().redis.set(name, 'x'), () => lua().redis.zadd(name, 1, '1'), () => lua().redis.sadd(name, '1')]) {
      await lua().redis.del(name)
      await put()
      const before = await lua().keyspace()
      expect(await lua().call('repair', part)).toEqual([''])
      expect(await lua().keyspace()).toEqual(before)
    }
  })

  it('leave what somebody else has put where the batch of a worker would be dead, and tell of it there alone', async () => {
    await lua().call('add', 'ann', 'x', 'FLUSH')
    const id = (await lua().claimOne()).token.slice(0, -2)
    const grave = `${lua().root}:dead:${id}`
    await lua().redis.set(grave, 'mine')
    expect(await lua().call('check', 'messages:ann', `dead:${id}`)).toEqual([
      ['ann', String(START), 1],
      ['', '', 0, ['dead-type', 'a dead batch should be a hash and is a string', 0]],
    ])
    const before = await lua().keyspace()
    expect(await lua().call('repair', 'messages:ann')).toEqual([''])
    expect(await lua().keyspace()).toEqual(before)
    await lua().redis.zadd(`${lua().root}:dead`, START, id)
    expect(await lua().call('repair', 'messages:ann', 'messages:ann')).toEqual(['removed from dead', ''])
    expect(await lua().keyspace()).toEqual(before)
  })

  it('leave a dead batch without messages, and the counters of what is too much to be counted, as they are', async () => {
    const id = await bury(lua(), 'ann', 1)
    await lua().redis.hdel(`${lua().root}:dead:${id}`, '1')
    expect(await lua().call('repair', `dead:${id}`)).toEqual([''])
    expect(await lua().redis.hget(`${lua().root}:dead:${id}`, 'count')).toBe('1')
    await lua().redis.zadd(`${lua().root}:due`, ...Array.from({ length: 5001 }, (_, n) => [1, `k${n}`]).flat())
    await lua().redis.hset(lua().root, 'added', 77)
    await lua().redis.expire(lua().root, 100)
    expect([await lua().call('repair'), await lua().call('repair')]).toEqual([['kept for ever'], ['']])
    expect(await lua().redis.hget(lua().root, 'added')).toBe('77')
  })

  it('leave what expires, and what does not, as it should be', async () => {
    await lua().call('add', 'ann', 'x', 'ID', 'm1', 'WAIT', 5)
    await lua().claim('NONCE', 'me/1')
    await lua().redis.set(`${lua().root}:seen:1`, 'mine')
    await lua().redis.set(`${lua().root}:calls:me`, 'x', 'PX', 100_000)
    await lua().redis.set(`${lua().root}:calls:you`, 'x')
    await lua().redis.xadd(`${lua().root}:stream:batches`, '*', 'a', 'b')
    const before = await lua().keyspace()
    const parts = ['overrides', 'calls:me', 'calls:you', 'stream:batches', `seen:${START}`, 'seen:1', 'messages:ann', 'due']
    expect(await lua().call('repair', ...parts)).toEqual(parts.map(() => ''))
    expect(await lua().keyspace()).toEqual(before)
  })

  it.each([0, 18, 19, 20, 39, 40, 499, 500])('see the options of a message, of the first five hundred: number %d', async (position) => {
    const message = (n: number) => `${START} 0${n === position ? ',W5' : ''} x`
    await lua().redis.rpush(`${lua().root}:messages:ann`, ...Array.from({ length: 501 }, (_, n) => message(n)))
    await lua().call('repair', 'messages:ann')
    expect(await lua().redis.smembers(`${lua().root}:overrides`)).toEqual(position < 500 ? ['ann'] : [])
  })

  it('leave the time at which a batch died', async () => {
    const id = await bury(lua(), 'ann', 1)
    await lua().tick(5000)
    expect(await lua().call('repair', `dead:${id}`)).toEqual([''])
    expect(await lua().redis.zscore(`${lua().root}:dead`, id)).toBe(String(START))
  })

  it('remember ids for twice dedupe that would have been remembered for ever', async () => {
    await lua().call('add', 'ann', 'x', 'ID', 'm1')
    await lua().redis.persist(`${lua().root}:seen:${START}`)
    await lua().tick(1000)
    expect(await lua().call('repair', `seen:${START}`)).toEqual(['expires'])
    expect(await expiryOf(lua().redis, `${lua().root}:seen:${START}`)).toBe(START + 7_201_000)
  })

  it('see a gap in a dead batch also when its count says nothing of it', async () => {
    const id = await bury(lua(), 'ann', 1, 2, 3)
    await lua().redis.hdel(`${lua().root}:dead:${id}`, '2')
    await lua().redis.hset(`${lua().root}:dead:${id}`, 'count', 2)
    const incomplete = ['dead-complete', 'message 2 of a dead batch is missing', 1]
    expect(await lua().call('check', `dead:${id}`)).toEqual([['ann', String(START), 2, incomplete]])
    expect(await lua().call('repair', `dead:${id}`)).toEqual([''])
    expect(await lua().call('check', `dead:${id}`)).toEqual([['ann', String(START), 2]])
  })

  it('mend over maxmemory', async () => {
    await lua().call('add', 'ann', 'x')
    await lua().redis.zrem(`${lua().root}:due`, 'ann')
    await lua().redis.config('SET', 'maxmemory', '1')
    try {
      expect(await lua().call('repair', 'messages:ann')).toEqual(['added to due'])
    } finally {
      await lua().redis.config('SET', 'maxmemory', '0')
    }
    await lua().holds()
  })
})
