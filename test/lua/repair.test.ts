import { beforeEach, describe, expect, it } from 'vitest'
import { COMMANDS, readQueueFacts } from '../../src/commands.ts'
import { judgeKey, judgeQueue } from '../../src/invariants.ts'
import { describeBindings, type Lua, START } from '../support/lua.ts'

/** Each way to damage the key `k`, which has two messages, is due, and claimed where `claimed` says so. */
const DAMAGES: { name: string; claimed?: true; damage: (lua: Lua) => Promise<unknown>; laws: string[]; done: string }[] = [
  { name: 'no index entry', damage: (lua) => lua.redis.zrem(`${lua.root}:due`, 'k'), laws: ['messages-indexed'], done: 'added to due' },
  {
    name: 'index entry without messages',
    damage: (lua) => lua.redis.del(`${lua.root}:messages:k`),
    laws: ['index-has-messages'],
    done: 'removed from due',
  },
  {
    name: 'due later than its deadline',
    damage: (lua) => lua.redis.zadd(`${lua.root}:due`, START + 10_001, 'k'),
    laws: ['due-in-time'],
    done: 'moved to its deadline',
  },
  {
    name: 'claim without lease',
    claimed: true,
    damage: (lua) => lua.redis.zrem(`${lua.root}:active`, 'k'),
    laws: ['messages-indexed', 'claim-is-active'],
    done: 'added to active',
  },
  {
    name: 'active without claim',
    claimed: true,
    damage: (lua) => lua.redis.hdel(`${lua.root}:claims`, 'k'),
    laws: ['active-has-claim'],
    done: 'removed from active, added to due',
  },
  {
    name: 'both indexes',
    claimed: true,
    damage: (lua) => lua.redis.zadd(`${lua.root}:due`, 1, 'k'),
    laws: ['one-index'],
    done: 'removed from due',
  },
  {
    name: 'unreadable claim',
    claimed: true,
    damage: (lua) => lua.redis.hset(`${lua.root}:claims`, 'k', 'nonsense'),
    laws: ['claim-readable'],
    done: 'claim removed, removed from active, added to due',
  },
  {
    name: 'claim of more messages than there are',
    claimed: true,
    damage: (lua) => lua.redis.rpop(`${lua.root}:messages:k`),
    laws: ['claim-count'],
    done: 'claim cut to the messages that are there',
  },
  {
    name: 'claim and lease without messages',
    claimed: true,
    damage: (lua) => lua.redis.del(`${lua.root}:messages:k`),
    laws: ['index-has-messages'],
    done: 'claim removed, removed from active',
  },
  {
    name: 'override without messages',
    damage: async (lua) => {
      await lua.redis.sadd(`${lua.root}:overrides`, 'k')
      await lua.redis.del(`${lua.root}:messages:k`, `${lua.root}:due`)
    },
    laws: ['overrides-have-messages'],
    done: 'removed from overrides',
  },
  {
    name: 'a restore of the lists alone',
    damage: (lua) => lua.redis.del(lua.root, `${lua.root}:due`),
    laws: ['messages-indexed'],
    done: 'added to due',
  },
]

describeBindings('check and repair', (get) => {
  let lua: Lua
  beforeEach(async () => {
    lua = get()
    await lua.call('add', 'k', '1', 'NEXT', 'k', '2')
  })
  const laws = async (key = 'k') =>
    COMMANDS.check.reply(await lua.callBuffer('check', key)).flatMap((facts) => judgeKey(facts, 10_000).map(({ law }) => law))
  const queueLaws = async () => judgeQueue(readQueueFacts(await lua.callBuffer('check'))).map(({ law }) => law)

  it('find nothing in a queue that is in order, and change nothing', async () => {
    await lua.call('add', 'claimed', '1', 'FLUSH')
    await lua.claimOne()
    const before = await lua.keyspace()
    expect([await laws(), await laws('claimed'), await laws('absent'), await queueLaws()]).toEqual([[], [], [], []])
    expect(await lua.call('repair', 'k', 'claimed', 'absent')).toEqual(['', '', ''])
    expect(await lua.call('repair')).toEqual([''])
    expect(await lua.keyspace()).toEqual(before)
  })

  describe.each(DAMAGES)('$name', ({ claimed, damage, laws: expected, done }) => {
    it('is reported and mended, once', async () => {
      if (claimed) {
        await lua.tick(10_000)
        await lua.claimOne()
      }
      const before = await lua.redis.lrange(`${lua.root}:messages:k`, 0, -1)
      await damage(lua)
      const damaged = await lua.redis.lrange(`${lua.root}:messages:k`, 0, -1)
      expect(await laws()).toEqual(expected)
      expect(await lua.call('repair', 'k')).toEqual([done])
      await lua.call('repair')
      expect([await laws(), await queueLaws()]).toEqual([[], []])
      expect(await lua.call('repair', 'k')).toEqual([''])
      // No message is touched, and all that are there are handed over.
      expect(await lua.redis.lrange(`${lua.root}:messages:k`, 0, -1)).toEqual(damaged)
      expect(before).toHaveLength(2)
      await lua.holds()
      await lua.tick(60_000)
      const { batches } = await lua.claim()
      expect(batches.flatMap(({ messages }) => messages).length).toBe(damaged.length)
    })
  })

  it('know a key whose message has options of its own', async () => {
    await lua.call('add', 'own', '1', 'WAIT', 60_000)
    await lua.redis.srem(`${lua.root}:overrides`, 'own')
    expect(await laws('own')).toEqual(['overrides-known'])
    expect(await lua.call('repair', 'own')).toEqual(['added to overrides'])
    await lua.holds()
  })

  it('set wrong counters right', async () => {
    await lua.redis.hincrby(lua.root, 'added', 5)
    await lua.redis.hset(lua.root, 'deadMessages', 3)
    expect(await queueLaws()).toEqual(['counters', 'dead-counter'])
    expect(await lua.call('repair')).toEqual(['added set to 2, deadMessages set to 0'])
    await lua.holds()
  })

  it('report what nobody can read, and leave it', async () => {
    await lua.redis.rpush(`${lua.root}:messages:k`, 'not a message')
    expect(await laws()).toEqual(['readable'])
    // It counts as old, so the key is looked at sooner.
    expect(await lua.call('repair', 'k')).toEqual(['moved to its deadline'])
    expect(await laws()).toEqual(['readable'])
    expect(await lua.redis.llen(`${lua.root}:messages:k`)).toBe(3)
  })

  it.each(['due', 'active', 'claims', 'overrides', 'dead'])('report %s of another type, and change nothing', async (part) => {
    await lua.redis.del(`${lua.root}:${part}`)
    await lua.redis.set(`${lua.root}:${part}`, 'mine')
    expect(await queueLaws()).toEqual(['index-type'])
    const before = await lua.keyspace()
    expect(await lua.call('repair', 'k', 'other')).toEqual(['', ''])
    expect(await lua.keyspace()).toEqual(before)
  })

  it('leave a foreign list alone, and the queue goes on for all others', async () => {
    await lua.call('add', 'good', '1')
    await lua.call('add', 'held', '1', 'FLUSH')
    const held = await lua.claimOne()
    for (const key of ['k', 'held']) await lua.redis.set(`${lua.root}:messages:${key}`, 'mine')
    expect([await laws(), await laws('held'), await laws('good')]).toEqual([['list-type'], ['list-type'], []])
    expect(await lua.call('repair', 'k', 'held')).toEqual(['', ''])
    await lua.tick(10_000)
    const good = await lua.claimOne()
    expect(good.key).toBe('good')
    expect(await lua.call('complete', 'held', held.token, 'good', good.token)).toEqual(['completed', 'completed'])
    expect(await lua.redis.mget(`${lua.root}:messages:k`, `${lua.root}:messages:held`)).toEqual(['mine', 'mine'])
    expect(await lua.stats()).toMatchObject({ active: 0, collecting: 0, ready: 0 })
  })

  it.each(['check', 'repair'] as const)('%s refuses bad input', async (name) => {
    await lua.refuses('BAD_ARGUMENT', 'at most 100 keys, got 101', name, ...Array.from({ length: 101 }, (_, n) => n))
    await lua.refusesWith('BAD_ROOT', 'got 0', name, [])
    await lua.redis.set('rapid-fire:{taken}', 'mine')
    await lua.refusesWith('WRONG_TYPE', 'expected a hash', name, ['rapid-fire:{taken}'])
  })
})
