import { beforeEach, describe, expect, it } from 'vitest'
import { checkQueue } from '../../src/check/check.ts'
import { Caller } from '../../src/redis/caller.ts'
import { connect } from '../../src/redis/connection.ts'
import { describeBindings, type Lua, START } from '../support/lua.ts'
import { TEST_SOURCE } from '../support/source.ts'
import { DAMAGES, DEAD, FOREIGN, named } from './damages.ts'

describeBindings('a queue damaged by hand', (get) => {
  let lua: Lua
  const walk = async (repair = false) => {
    const caller = new Caller(connect(lua.redis), { binding: lua.mode }, undefined, TEST_SOURCE)
    const { violations, counted, keys } = await checkQueue(caller, 'orders', [lua.root], { repair })
    // The order is that of SCAN, but laws of one part stay together.
    const found = violations.map((each) => ({ ...each, name: `${each.law} ${each.part ?? 'root'}` }))
    const part = (name: string) => (name.endsWith(' root') ? '~' : (name.split(' ')[1] as string))
    return { found: found.sort((a, b) => (part(a.name) < part(b.name) ? -1 : part(a.name) > part(b.name) ? 1 : 0)), counted, keys }
  }
  const laws = async () => (await walk()).found.map(({ name }) => name).sort()

  // A dead batch, one that is with a worker with a message behind it, an open one, one with options of its own, a stream, ids.
  beforeEach(async () => {
    lua = get()
    await lua.call('add', 'd', '1', 'NEXT', 'd', '2', 'FLUSH')
    const { token } = await lua.claimOne()
    expect(await lua.call('fail', 'd', token, 'ATTEMPTS', 1)).toBe('dead')
    await lua.call('add', 'held', '1', 'NEXT', 'held', '2', 'FLUSH')
    await lua.claimOne()
    await lua.call('add', 'own', '1', 'WAIT', 60_000, 'MAXWAIT', 60_000, 'NEXT', 'own', '2')
    await lua.call('add', 'k', '1', 'ID', 'm1', 'NEXT', 'k', '2')
    await lua.redis.xadd(named(lua, 'stream:batches'), '*', 'id', '1-1')
    await lua.redis.set(named(lua, 'rate:k'), 1, 'PX', 100_000)
    for (const part of ['watch:standby', 'watch:present']) {
      await lua.redis.zadd(named(lua, part), START, 'w1')
      await lua.redis.pexpire(named(lua, part), 100_000)
    }
  })

  it('is in order before', async () => {
    const before = await lua.keyspace()
    expect(await walk()).toEqual({ found: [], counted: true, keys: 3 })
    expect(await walk(true)).toEqual({ found: [], counted: true, keys: 3 })
    expect(await lua.call('repair', 'messages:k', 'messages:held', `dead:${DEAD}`, 'due', 'absent')).toEqual(['', '', '', '', ''])
    expect(await lua.keyspace()).toEqual(before)
  })

  describe.each(DAMAGES)('$name', ({ damage, laws: expected, says, mended, afterwards = [] }) => {
    it('is reported and mended, once, and no message is touched', async () => {
      await damage(lua)
      const before = await lua.keyspace()
      const contents = async () => {
        const lists = await Promise.all(['k', 'own', 'held'].map((key) => lua.redis.lrange(named(lua, `messages:${key}`), 0, -1)))
        const dead = Object.entries(await lua.redis.hgetall(named(lua, `dead:${DEAD}`))).filter(([field]) => /^\d+$/.test(field))
        return { lists, dead: dead.map(([, message]) => message).sort() }
      }
      const messages = await contents()
      expect((await walk()).found.map(({ name, text }) => [name, text])).toEqual(expected.map((name, n) => [name, says[n]]))
      expect(await lua.keyspace()).toEqual(before)

      const { found } = await walk(true)
      expect(found.slice(0, expected.length).map(({ name, mended }) => [name, mended])).toEqual(
        expected.map((name, n) => [name, mended[n]]),
      )
      expect(found.slice(expected.length).map(({ name, mended }) => [name, mended])).toEqual(
        afterwards.map((name) => [name, expect.stringMatching(/./)]),
      )
      expect(await contents()).toEqual(messages)
      const left = expected.filter((_, n) => mended[n] === undefined)
      expect(await laws()).toEqual(left.sort())

      // All messages that are there are handed over, those of the dead batch when it is brought back.
      for (const { id, key } of (await lua.call('dead')).map(([id, key]: string[]) => ({ id, key }))) {
        const whole = key !== '' && messages.dead.length > 0
        expect(await lua.call('requeue', id)).toEqual([whole ? 'requeued' : 'unknown'])
      }
      let handed = 0
      for (let round = 0; round < 5; round += 1) {
        await lua.tick(86_400_000)
        const [, , ...batches] = await lua.call('claim_ready')
        for (const [key, token] of batches) expect(await lua.call('complete', key, token)).toEqual(['completed'])
        handed += batches.flatMap(([, , , , , messages]: string[][]) => messages).length
      }
      const brought = left.some((law) => law.startsWith('dead-')) ? 0 : messages.dead.length
      expect(handed).toBe(messages.lists.flat().length + brought)
    })
  })

  describe.each(Object.entries(FOREIGN))('%s of another type', (part, expected) => {
    it('is reported and left to its owner', async () => {
      await lua.redis.del(named(lua, part))
      if (part.startsWith('rate:')) await lua.redis.rpush(named(lua, part), 'mine')
      else await lua.redis.set(named(lua, part), 'mine')
      const before = await lua.keyspace()
      expect((await walk()).found.map(({ name, text }) => `${name}: ${text}`).sort()).toEqual([...expected].sort())
      await walk(true)
      expect(await lua.keyspace()).toEqual(before)
    })
  })

  it('is not said to be mended when the next look finds it as it was', async () => {
    await lua.redis.zrem(named(lua, 'due'), 'k')
    await lua.redis.persist(named(lua, 'rate:k'))
    // Nothing can be put in order while an index is another type.
    await lua.redis.del(named(lua, 'overrides'))
    await lua.redis.set(named(lua, 'overrides'), 'mine')
    const { found } = await walk(true)
    const told = found.map(({ name, mended, unmended }) => [name, mended, unmended])
    expect(told).toContainEqual(['messages-indexed messages:k', undefined, 'nothing was found that may be changed'])
    expect(told.filter(([, mended]) => mended !== undefined)).toEqual([])
    expect(await laws()).toContain('messages-indexed messages:k')
  })

  it('is refused when the root is of another type', async () => {
    await lua.redis.set('rapid-fire:{taken}', 'mine')
    for (const name of ['check', 'repair'] as const) await lua.refusesWith('WRONG_TYPE', 'expected a hash', name, ['rapid-fire:{taken}'])
  })

  it('does not blame the counters while messages are where they are not counted, and does then', async () => {
    await lua.redis.zrem(named(lua, 'due'), 'k')
    await lua.redis.hincrby(lua.root, 'added', 1)
    expect(await laws()).toEqual(['messages-indexed messages:k'])
    expect((await walk()).counted).toBe(false)
    const { found, counted } = await walk(true)
    expect(found.map(({ name, mended }) => [name, mended])).toEqual([
      ['messages-indexed messages:k', 'added to due'],
      ['counters root', 'added set to 8'],
    ])
    expect(counted).toBe(true)
  })

  it('is told of with the time since when', async () => {
    await lua.tick(1000)
    await lua.redis.zrem(named(lua, 'due'), 'k')
    await lua.redis.hset(named(lua, `dead:${DEAD}`), 'count', 7)
    expect((await walk()).found).toMatchObject([
      { key: Buffer.from('d'), since: START, text: 'a dead batch says that it has 7 messages, there are 2' },
      { key: Buffer.from('k'), since: START, text: 'it has 2 messages and is in neither due nor active: nobody would look at it' },
    ])
  })

  it('is walked in bounded steps, however long the lists are and however large the messages', async () => {
    const message = (n: number, bytes: number) => `${START} 0 ${n}${'x'.repeat(bytes)}`
    const parts = Array.from({ length: 10 }, (_, n) => `messages:long${n}`)
    for (const part of parts) await lua.redis.rpush(named(lua, part), ...Array.from({ length: 1200 }, (_, n) => message(n, 1)))
    expect(await lua.call('check', ...parts)).toHaveLength(2)
    await lua.redis.rpush(named(lua, 'messages:large'), ...Array.from({ length: 50 }, (_, n) => message(n, 250_000)))
    const [large, ...others] = await lua.call('check', 'messages:large', ...parts)
    expect([large[2], others]).toEqual([50, []])
    const { found, keys } = await walk()
    expect(keys).toBe(14)
    expect(found.map(({ law }) => law)).toEqual(Array.from({ length: 11 }, () => 'messages-indexed'))
  })

  it('goes on for all other keys', async () => {
    for (const key of ['k', 'held']) await lua.redis.set(named(lua, `messages:${key}`), 'mine')
    expect(await laws()).toEqual(['list-type messages:held', 'list-type messages:k'])
    await lua.tick(60_000)
    const { batches } = await lua.claim('LEASE', 1000)
    expect(batches.map(({ key }) => key)).toEqual(['own'])
    expect(await lua.call('complete', 'own', batches[0]?.token as string)).toEqual(['completed'])
    expect(await lua.redis.mget(...['k', 'held'].map((key) => named(lua, `messages:${key}`)))).toEqual(['mine', 'mine'])
    await lua.tick(10_001)
    await lua.claim()
    expect(await lua.stats()).toMatchObject({ active: 0, collecting: 0, ready: 0 })
  })

  it('hands a claimed key that was put into due out once', async () => {
    await lua.tick(30_000)
    for (const handed of [['held', 'k', 'own'], []]) {
      // First its lease has run out, then it is with a worker.
      await lua.redis.zadd(named(lua, 'due'), 1, 'held')
      const { batches } = await lua.claim()
      expect(batches.map(({ key }) => key).sort()).toEqual(handed)
      expect(await laws()).toEqual([])
    }
  })

  it('forwards a claimed key that was put into due once, and keeps the message behind', async () => {
    await lua.call('add', 'held', '3')
    await lua.tick(30_000)
    await lua.redis.zadd(named(lua, 'due'), 1, 'held')
    expect((await lua.call('forward', 'out'))[2]).toBe(3)
    const entries = await lua.redis.xrange(named(lua, 'stream:out'), '-', '+')
    expect(entries.map(([, fields]) => [fields[3], fields[17], fields[23]]).sort()).toEqual(
      ['held', 'k', 'own'].map((key) => [key, '1', '2']),
    )
    expect(await lua.redis.lrange(named(lua, 'messages:held'), 0, -1)).toEqual([`${START} 0 3`])
    expect(await laws()).toEqual([])
  })

  it.each(['check', 'repair'] as const)('%s refuses bad input', async (name) => {
    await lua.refuses('BAD_ARGUMENT', 'at most 100 parts, got 101', name, ...Array.from({ length: 101 }, (_, n) => n))
    await lua.refusesWith('BAD_ROOT', 'got 0', name, [])
  })
})
