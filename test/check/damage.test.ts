import { beforeEach, describe, expect, it } from 'vitest'
import { Binding } from '../../src/binding.ts'
import { checkQueue } from '../../src/check.ts'
import { connect } from '../../src/connection.ts'
import { describeBindings, type Lua, START } from '../support/lua.ts'
import { TEST_SOURCE } from '../support/source.ts'

interface Damage {
  name: string
  damage: (lua: Lua) => Promise<unknown>
  /** The laws that a walk finds broken, each with the part that it names. */
  laws: string[]
  /** What repair says of each; `undefined` where only a person can mend it. */
  mended: (string | undefined)[]
  /** Laws that come out only when those above are mended. */
  afterwards?: string[]
}

const DEAD = `${START}-1`
const named = (lua: Lua, part: string) => `${lua.root}:${part}`

/** Every way to damage a queue by hand that the key table of lua/README.md allows. */
const DAMAGES: Damage[] = [
  {
    name: 'a list in no index',
    damage: (lua) => lua.redis.zrem(named(lua, 'due'), 'k'),
    laws: ['messages-indexed messages:k'],
    mended: ['added to due'],
  },
  {
    name: 'an index entry without messages',
    damage: (lua) => lua.redis.del(named(lua, 'messages:k')),
    laws: ['index-has-messages messages:k'],
    mended: ['removed from due'],
    afterwards: ['counters root'],
  },
  {
    name: 'due later than any message allows',
    damage: (lua) => lua.redis.zadd(named(lua, 'due'), START + 10_001, 'k'),
    laws: ['due-in-time messages:k'],
    mended: ['moved to its deadline'],
  },
  {
    name: 'due never',
    damage: (lua) => lua.redis.zadd(named(lua, 'due'), '+inf', 'k'),
    laws: ['due-in-time messages:k'],
    mended: ['moved to its deadline'],
  },
  {
    name: 'a claim without a lease',
    damage: (lua) => lua.redis.zrem(named(lua, 'active'), 'held'),
    laws: ['messages-indexed messages:held', 'claim-is-active messages:held'],
    mended: ['added to active', 'already in order'],
  },
  {
    name: 'a lease without a claim',
    damage: (lua) => lua.redis.hdel(named(lua, 'claims'), 'held'),
    laws: ['active-has-claim messages:held'],
    mended: ['removed from active, added to due'],
  },
  {
    name: 'a lease that never ends',
    damage: (lua) => lua.redis.zadd(named(lua, 'active'), '+inf', 'held'),
    laws: ['lease-ends messages:held'],
    mended: ['lease ended'],
  },
  {
    name: 'a claimed key in due',
    damage: (lua) => lua.redis.zadd(named(lua, 'due'), 1, 'held'),
    laws: ['one-index messages:held'],
    mended: ['removed from due'],
  },
  {
    name: 'an open key in active',
    damage: (lua) => lua.redis.zadd(named(lua, 'active'), START, 'k'),
    laws: ['one-index messages:k', 'active-has-claim messages:k'],
    mended: ['removed from active', 'already in order'],
  },
  {
    name: 'a claim of an open key',
    damage: (lua) => lua.redis.hset(named(lua, 'claims'), 'k', '1-1:1:1:1:wait'),
    laws: ['claim-is-active messages:k'],
    mended: ['removed from due, added to active'],
  },
  {
    name: 'a claim that cannot be read',
    damage: (lua) => lua.redis.hset(named(lua, 'claims'), 'held', 'nonsense'),
    laws: ['claim-readable messages:held'],
    mended: ['claim removed, removed from active, added to due'],
  },
  {
    name: 'a claim of more messages than there are',
    damage: (lua) => lua.redis.rpop(named(lua, 'messages:held')),
    laws: ['claim-count messages:held', 'counters root'],
    mended: ['claim cut to the messages that are there', 'added set to 7'],
  },
  {
    name: 'a claim of no messages',
    damage: (lua) => lua.redis.hset(named(lua, 'claims'), 'held', '1-1:1:0:1:wait'),
    laws: ['claim-count messages:held'],
    mended: ['claim removed, removed from active, added to due'],
  },
  {
    name: 'a claim and a lease without messages',
    damage: (lua) => lua.redis.del(named(lua, 'messages:held')),
    laws: ['index-has-messages messages:held', 'overrides-have-messages messages:held'],
    mended: ['removed from overrides, claim removed, removed from active', 'already in order'],
    afterwards: ['counters root'],
  },
  {
    name: 'a claim alone',
    damage: (lua) => lua.redis.hset(named(lua, 'claims'), 'nobody', '1-1:1:1:1:wait'),
    laws: ['claim-is-active messages:nobody'],
    mended: ['claim removed'],
  },
  {
    name: 'an override without messages',
    damage: (lua) => lua.redis.sadd(named(lua, 'overrides'), 'nobody'),
    laws: ['overrides-have-messages messages:nobody'],
    mended: ['removed from overrides'],
  },
  {
    name: 'a message with options, not in overrides',
    damage: (lua) => lua.redis.srem(named(lua, 'overrides'), 'own'),
    laws: ['overrides-known messages:own'],
    mended: ['added to overrides'],
  },
  {
    name: 'a message that cannot be read',
    damage: (lua) => lua.redis.rpush(named(lua, 'messages:k'), 'not a message'),
    laws: ['readable messages:k', 'counters root'],
    mended: [undefined, 'added set to 9'],
  },
  {
    name: 'wrong counters',
    damage: (lua) => lua.redis.hset(lua.root, 'added', 5, 'deadMessages', 3),
    laws: ['counters root', 'dead-counter root'],
    mended: ['added set to 8, deadMessages set to 2', 'already in order'],
  },
  {
    name: 'a dead batch in no index',
    damage: (lua) => lua.redis.zrem(named(lua, 'dead'), DEAD),
    laws: [`dead-indexed dead:${DEAD}`],
    mended: ['added to dead'],
  },
  {
    name: 'the index entry of a dead batch alone',
    damage: (lua) => lua.redis.del(named(lua, `dead:${DEAD}`)),
    laws: [`dead-has-batch dead:${DEAD}`],
    mended: ['removed from dead'],
    afterwards: ['dead-counter root'],
  },
  {
    name: 'a dead batch without its first message',
    damage: (lua) => lua.redis.hdel(named(lua, `dead:${DEAD}`), '1'),
    laws: [`dead-complete dead:${DEAD}`],
    mended: ['count set to the messages that are there'],
    afterwards: ['dead-counter root'],
  },
  {
    name: 'a dead batch that has more messages than it says',
    damage: (lua) => lua.redis.hset(named(lua, `dead:${DEAD}`), 'count', 'one'),
    laws: [`dead-complete dead:${DEAD}`],
    mended: ['count set to the messages that are there'],
  },
  {
    name: 'a dead batch of nobody',
    damage: (lua) => lua.redis.hdel(named(lua, `dead:${DEAD}`), 'key'),
    laws: [`dead-has-key dead:${DEAD}`],
    mended: [undefined],
  },
  {
    name: 'a dead batch without messages',
    damage: (lua) => lua.redis.hdel(named(lua, `dead:${DEAD}`), '1', '2'),
    laws: [`dead-has-messages dead:${DEAD}`],
    mended: [undefined],
  },
  {
    name: 'ids that are remembered for ever',
    damage: (lua) => lua.redis.persist(named(lua, `seen:${START}`)),
    laws: [`expires seen:${START}`],
    mended: ['expires'],
  },
  ...['messages:k', 'due', 'active', 'claims', 'overrides', 'dead', `dead:${DEAD}`].map((part) => ({
    name: `${part} that will expire`,
    damage: (lua: Lua) => lua.redis.expire(named(lua, part), 1000),
    laws: [`kept ${part}`],
    mended: ['kept for ever'],
  })),
  {
    name: 'a root that will expire',
    damage: (lua) => lua.redis.expire(lua.root, 1000),
    laws: ['kept root'],
    mended: ['kept for ever'],
  },
  {
    name: 'keys that are none of the queue',
    damage: (lua) => lua.redis.mset(named(lua, 'due:k'), 'mine', named(lua, 'messages'), 'mine', named(lua, 'k'), 'mine'),
    laws: ['known-key due:k', 'known-key k', 'known-key messages'],
    mended: [undefined, undefined, undefined],
  },
  {
    name: 'a restore of the messages alone',
    damage: (lua) =>
      lua.redis.del(lua.root, ...['due', 'active', 'claims', 'overrides', 'dead', `dead:${DEAD}`].map((part) => named(lua, part))),
    laws: [
      ...['messages-indexed messages:held', 'overrides-known messages:held', 'messages-indexed messages:k'],
      ...['messages-indexed messages:own', 'overrides-known messages:own'],
    ],
    mended: [
      ...['added to overrides, added to due', 'already in order', 'added to due'],
      ...['added to overrides, added to due', 'already in order'],
    ],
    afterwards: ['counters root'],
  },
  {
    name: 'a restore without the messages',
    damage: (lua) => lua.redis.del(...['k', 'own', 'held'].map((key) => named(lua, `messages:${key}`))),
    laws: [
      ...['index-has-messages messages:held', 'overrides-have-messages messages:held', 'index-has-messages messages:k'],
      ...['index-has-messages messages:own', 'overrides-have-messages messages:own'],
    ],
    mended: [
      ...['removed from overrides, claim removed, removed from active', 'already in order', 'removed from due'],
      ...['removed from overrides, removed from due', 'already in order'],
    ],
    afterwards: ['counters root'],
  },
]

/** Of each row of the key table: what is told when a key of another type stands there. */
const FOREIGN = {
  'messages:k': ['list-type messages:k'],
  due: ['index-type due', ...['k', 'own'].map((key) => `messages-indexed messages:${key}`)],
  active: ['index-type active', 'claim-is-active messages:held', 'messages-indexed messages:held'],
  claims: ['active-has-claim messages:held', 'index-type claims'],
  overrides: ['index-type overrides', 'overrides-known messages:held', 'overrides-known messages:own'],
  dead: [`dead-indexed dead:${DEAD}`, 'index-type dead'],
  [`dead:${DEAD}`]: [`dead-type dead:${DEAD}`],
  [`seen:${START}`]: [`part-type seen:${START}`],
  'stream:batches': ['part-type stream:batches'],
  'rate:k': ['part-type rate:k'],
}

describeBindings('a queue damaged by hand', (get) => {
  let lua: Lua
  const walk = async (repair = false) => {
    const connection = connect(lua.redis)
    const { violations, counted, keys } = await checkQueue(
      connection,
      new Binding(connection, { binding: lua.mode }, async () => {}, TEST_SOURCE),
      'orders',
      { repair },
    )
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
  })

  it('is in order before', async () => {
    const before = await lua.keyspace()
    expect(await walk()).toEqual({ found: [], counted: true, keys: 3 })
    expect(await walk(true)).toEqual({ found: [], counted: true, keys: 3 })
    expect(await lua.call('repair', 'messages:k', 'messages:held', `dead:${DEAD}`, 'due', 'absent')).toEqual(['', '', '', '', ''])
    expect(await lua.keyspace()).toEqual(before)
  })

  describe.each(DAMAGES)('$name', ({ damage, laws: expected, mended, afterwards = [] }) => {
    it('is reported and mended, once, and no message is touched', async () => {
      await damage(lua)
      const before = await lua.keyspace()
      const contents = async () => {
        const lists = await Promise.all(['k', 'own', 'held'].map((key) => lua.redis.lrange(named(lua, `messages:${key}`), 0, -1)))
        const dead = Object.entries(await lua.redis.hgetall(named(lua, `dead:${DEAD}`))).filter(([field]) => /^\d+$/.test(field))
        return { lists, dead: dead.map(([, message]) => message).sort() }
      }
      const messages = await contents()
      expect((await walk()).found.map(({ name }) => name).sort()).toEqual([...expected].sort())
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
        handed += batches.flatMap(([, , , , messages]: string[][]) => messages).length
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
      expect(await laws()).toEqual([...expected].sort())
      await walk(true)
      expect(await lua.keyspace()).toEqual(before)
    })
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
    expect(await lua.call('check', ...parts)).toHaveLength(5)
    await lua.redis.rpush(named(lua, 'messages:large'), ...Array.from({ length: 50 }, (_, n) => message(n, 250_000)))
    const [large, ...others] = await lua.call('check', 'messages:large', ...parts)
    expect([large[5], others]).toEqual([50, []])
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
    expect(entries.map(([, fields]) => [fields[3], fields[13]]).sort()).toEqual(['held', 'k', 'own'].map((key) => [key, '[1,2]']))
    expect(await lua.redis.lrange(named(lua, 'messages:held'), 0, -1)).toEqual([`${START} 0 3`])
    expect(await laws()).toEqual([])
  })

  it.each(['check', 'repair'] as const)('%s refuses bad input', async (name) => {
    await lua.refuses('BAD_ARGUMENT', 'at most 100 parts, got 101', name, ...Array.from({ length: 101 }, (_, n) => n))
    await lua.refusesWith('BAD_ROOT', 'got 0', name, [])
  })
})
