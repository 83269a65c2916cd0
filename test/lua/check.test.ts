import { describe, expect, it } from 'vitest'
import { describeBindings, START } from '../support/lua.ts'
import { bury } from './dead-batches.ts'

const KIB = 2 ** 10

describeBindings('check', (lua) => {
  const part = (name: string) => `${lua().root}:${name}`
  const check = async (...parts: string[]) => lua().call('check', ...parts)
  /** What is told of a conversation: without its key. */
  const told = async (key = 'k') => (await check(`messages:${key}`))[0].slice(1)
  const laws = async (key = 'k') => (await told(key)).slice(2)
  /** A conversation whose messages were pushed by hand, in `due` from now on. */
  async function pushed(...elements: string[]): Promise<void> {
    await lua().redis.rpush(part('messages:k'), ...elements)
    await lua().redis.zadd(part('due'), lua().now, 'k')
  }

  it('tells of what is not there that it has no messages', async () => {
    expect(await check('messages:k', 'dead:1-1', 'due', 'seen:1')).toEqual([
      ['k', '', 0],
      ['', '', 0],
      ['', '', 0],
      ['', '', 0],
    ])
    expect(await check()).toEqual([['', '', 0]])
  })

  it('tells of a key of another type that it has no messages, of whatever type it is', async () => {
    await lua().redis.sadd(part('messages:k'), 'mine')
    await lua().redis.sadd(part('dead:1-1'), 'mine')
    await lua().redis.sadd(part('stream:s'), 'mine')
    expect(await check('messages:k', 'dead:1-1', 'stream:s')).toEqual([
      ['k', '', 0, ['list-type', 'its messages should be a list and are a set', 0]],
      ['', '', 0, ['dead-type', 'a dead batch should be a hash and is a set', 0]],
      ['', '', 0, ['part-type', 'it should be a stream and is a set', 0]],
    ])
  })

  it('tells when the first message came, unless nobody knows', async () => {
    await pushed(`${START - 7} 0 x`, `${START - 3} 0 x`)
    expect(await told()).toEqual([String(START - 7), 2])
    await lua().redis.lpush(part('messages:k'), 'mine')
    expect(await told()).toEqual(['', 3, ['readable', '1 of 3 messages cannot be read', 0]])
  })

  it.each(['99999999999999 0 x', '999999999999 0 x'])('takes a number of other than 13 digits for no time: %s', async (element) => {
    await pushed(element)
    expect(await told()).toEqual(['', 1, ['readable', '1 of 1 message cannot be read', 0]])
    expect((await lua().call('peek', 'k')).slice(0, 3)).toEqual(['ready', START, 10_000])
  })

  it('tells in which indexes a key without messages is', async () => {
    await lua().redis.zadd(part('due'), START, 'k')
    expect(await laws()).toEqual([['index-has-messages', 'it is in due and has no messages', 1]])
    await lua().redis.zadd(part('active'), START, 'k')
    expect(await laws()).toEqual([
      ['index-has-messages', 'it is in due and active and has no messages', 1],
      ['one-index', 'it is in both due and active', 1],
      ['active-has-claim', 'it is active without a claim', 1],
    ])
    await lua().redis.del(part('due'))
    expect((await laws())[0]).toEqual(['index-has-messages', 'it is in active and has no messages', 1])
  })

  it('shows the beginning of a claim that cannot be read', async () => {
    await lua().redis.hset(part('claims'), 'k', `${'x'.repeat(39)}yz`)
    expect((await laws()).map(([name, text]: string[]) => [name, text])).toEqual([
      ['claim-is-active', 'it has a claim and is not active'],
      ['claim-readable', `its claim cannot be read: ${'x'.repeat(39)}y`],
    ])
  })

  it.each([0, 1, 2, 3])('compares the messages of a claim with those of the list: %j of 2', async (count) => {
    await lua().call('add', 'k', '1', 'NEXT', 'k', '2', 'FLUSH')
    await lua().claimOne()
    await lua().redis.hset(part('claims'), 'k', `1-1:1:1:0:${count}:1:wait:30000`)
    const broken = [['claim-count', `its claim has ${count} messages and the list 2`, 1]]
    expect(await laws()).toEqual(count === 0 || count === 3 ? broken : [])
  })

  it('finds the batch of a claim among the dead, in the index alone and by its messages alone', async () => {
    await lua().call('add', 'k', 'x', 'FLUSH')
    const id = (await lua().claimOne()).token.slice(0, -2)
    const broken = [['alive-or-dead', `its batch ${id} is dead as well: a call was cut off`, 1]]
    await lua().redis.zadd(part('dead'), START, id)
    expect(await laws()).toEqual(broken)
    await lua().redis.del(part('dead'))
    await lua().redis.hset(part(`dead:${id}`), 'key', 'k')
    expect(await laws()).toEqual(broken)
  })

  describe('goes to the last ms', () => {
    it.each([
      [31_000, undefined],
      [31_001, '31001'],
    ])('of a lease of 30000 ms: %j', async (ahead, told) => {
      await lua().call('add', 'k', 'x', 'FLUSH')
      await lua().claimOne()
      await lua().redis.zadd(part('active'), lua().now + ahead, 'k')
      const text = `its lease or pause of 30000 ms ends in ${told} ms: the clock of Redis has gone back`
      expect(await laws()).toEqual(told ? [['lease-ends', text, 1]] : [])
    })

    it.each([
      [10_000, undefined],
      [10_001, '1'],
      [9999.5, undefined],
      [10_000.5, undefined],
      [10_001.5, '2'],
    ])('of an entry in due, which may have been put off: %j', async (ahead, told) => {
      await lua().call('add', 'k', 'x')
      await lua().redis.zadd(part('due'), START + ahead, 'k')
      const text = `it is due ${told} ms later than the longest wait of any of its messages allows`
      expect(await laws()).toEqual(told ? [['due-in-time', text, 1]] : [])
    })

    it('of an entry that was put off in any ms', async () => {
      await lua().call('add', 'k', 'x')
      await lua().tick(1)
      await lua().redis.zadd(part('due'), lua().now + 10_000.5, 'k')
      expect(await laws()).toEqual([])
    })

    it.each([
      [10_000.5, undefined],
      [10_001.5, '10002'],
    ])('of a lease that was put off: %j', async (ahead, told) => {
      await lua().call('add', 'k', 'x', 'FLUSH')
      await lua().claimOne('LEASE', 1)
      await lua().redis.zadd(part('active'), START + ahead, 'k')
      const text = `its lease or pause of 1 ms ends in ${told} ms: the clock of Redis has gone back`
      expect(await laws()).toEqual(told ? [['lease-ends', text, 1]] : [])
    })

    it.each([
      [1000, []],
      [1001, ['due-ahead', 'received']],
    ])('of a clock that has gone back by %j ms', async (ms, broken) => {
      await lua().call('add', 'k', 'x')
      await lua().tick(-ms)
      const texts = {
        'due-ahead': ['it is due in 11001 ms, the longest wait is 10000 ms: the clock of Redis has gone back', 1],
        received: ['in the future: 1 of 1 message; the clock of Redis has gone back', 0],
      }
      expect(await laws()).toEqual(broken.map((name) => [name, ...texts[name as keyof typeof texts]]))
    })

    it('of a message in the future', async () => {
      await pushed(`${START} 0 x`, `${START + 1000} 0 x`, `${START + 1001} 0 x`, `${START + 1002} 0 x`)
      expect(await laws()).toEqual([['received', 'in the future: 2 of 4 messages; the clock of Redis has gone back', 0]])
    })
  })

  it('goes by the longest wait that a message has, or may have had', async () => {
    await lua().call('policy', 'WAIT', 5000)
    await lua().call('policy', 'WAIT', 1000)
    await lua().call('add', 'k', 'x', 'NEXT', 'k', 'x', 'WAIT', 2000, 'NEXT', 'k', 'x')
    // The default of 10000 was the longest.
    await lua().redis.zadd(part('due'), START + 10_000, 'k')
    expect(await laws()).toEqual([])
    await lua().redis.zadd(part('due'), START + 10_001, 'k')
    expect(await laws()).toEqual([['due-in-time', expect.stringMatching(/^it is due 1 ms later/), 1]])
    await lua().call('add', 'k', 'x', 'WAIT', 20_000, 'NEXT', 'k', 'x')
    await lua().redis.zadd(part('due'), START + 20_000, 'k')
    expect(await laws()).toEqual([])
    await lua().tick(-1001)
    expect((await laws())[0]).toEqual([
      ...['due-ahead', 'it is due in 21001 ms, the longest wait is 20000 ms: the clock of Redis has gone back', 1],
    ])
  })

  it('looks at the first 500 messages of a list, and at the last', async () => {
    await pushed(...Array(499).fill('mine'), `${START - 5000} 0,F x`, 'mine', `${START} 0,F x`)
    await lua().redis.sadd(part('overrides'), 'k')
    await lua().redis.zadd(part('due'), START + 10_000, 'k')
    expect(await told()).toEqual(['', 502, ['readable', '499 of 502 messages cannot be read', 0]])
    await lua().redis.zadd(part('due'), START + 10_001, 'k')
    expect((await laws())[1]).toEqual(['due-in-time', 'it is due 1 ms later than the longest wait of any of its messages allows', 1])
  })

  it('takes a list of which it has read a part for none that is due too late', async () => {
    const share = Math.floor((256 * KIB) / 20)
    await pushed(...Array(19).fill('x'.repeat(share)), 'x'.repeat(256 * KIB - 19 * share), 'x', `${START} 0,W50000 x`)
    await lua().redis.sadd(part('overrides'), 'k')
    await lua().redis.zadd(part('due'), START + 50_000, 'k')
    expect(await laws()).toEqual([['readable', '20 of 22 messages cannot be read', 0]])
    expect(await check('messages:k', 'messages:k')).toHaveLength(1)
  })

  it.each([
    [131_072, [256 * KIB, 1, 1], 2],
    [131_073, [256 * KIB, 1, 1], 1],
    [1_048_576, [256 * KIB, 1, 1], 1],
    [200_000, [140_000, 200_000, 1], 2],
  ])('reads no more messages at once than are left of the bytes, if each is as large as one may be: %d', async (largest, sizes, read) => {
    await lua().set({ largest: largest })
    await pushed(...sizes.map((bytes) => 'x'.repeat(bytes)))
    expect(await laws()).toEqual([['readable', `${read} of 3 messages cannot be read`, 0]])
  })

  it('reads messages up to the last one and the last byte that a call may read, and ends behind it', async () => {
    const list = (key: string, sizes: number[]) => lua().redis.rpush(part(`messages:${key}`), ...sizes.map((size) => 'x'.repeat(size)))
    const parts = ['a', 'b', 'c', 'd', 'e', 'f', 'g']
    // Each part counts for 20 messages more.
    for (const key of parts) await list(key, Array(key < 'e' ? 200 : key === 'e' ? 99 : 1).fill(1))
    expect(await check(...parts.map((key) => `messages:${key}`))).toHaveLength(6)
    await lua().reset()
    for (const key of parts) await list(key, [key < 'd' ? 64 * KIB : key === 'd' ? 64 * KIB - 1 : 1])
    expect(await check(...parts.map((key) => `messages:${key}`))).toHaveLength(5)
  })

  it.each(['due', 'active', 'dead'])('counts no messages while %s is a foreign key', async (index) => {
    await lua().call('add', 'k', 'x')
    await lua().redis.del(part(index))
    await lua().redis.set(part(index), 'mine')
    expect(await check()).toEqual([['', '', -1]])
  })

  it('counts all messages while there are no more than 1000 keys and dead batches', async () => {
    const entries = (index: string, from: number, count: number) =>
      lua().redis.zadd(part(index), ...Array.from({ length: count }, (_, n) => [1, `${index}${from + n}`]).flat())
    await entries('due', 0, 400)
    await entries('active', 0, 300)
    await entries('dead', 0, 300)
    expect(await check()).toEqual([['', '', 0]])
    await lua().redis.hset(lua().root, 'added', 1)
    expect(await check()).toEqual([['', '', 0, ['counters', 'the counters speak of 1 message, the lists hold 0', 1]]])
    for (const index of ['due', 'active', 'dead']) {
      await entries(index, 5000, 1)
      expect(await check()).toEqual([['', '', -1]])
      await lua().redis.zrem(part(index), `${index}5000`)
    }
  })

  it('counts the messages in lists and in dead batches, those of a key in both indexes once', async () => {
    await bury(lua(), 'dead', 1, 2, 3)
    await lua().call('add', 'held', '1', 'NEXT', 'held', '2', 'FLUSH')
    await lua().claimOne()
    await lua().call('add', 'k', '1')
    await lua().redis.zadd(part('due'), 1, 'held')
    expect(await check()).toEqual([['', '', 6]])
    await lua().redis.hset(lua().root, 'added', 20, 'completedMessages', 5, 'deadMessages', 4, 'droppedMessages', 3)
    expect(await check()).toEqual([
      [
        ...['', '', 6],
        ['counters', 'the counters speak of 8 messages, the lists hold 3', 1],
        ['dead-counter', 'the counter speaks of 4 messages in dead batches, they hold 3', 1],
      ],
    ])
    expect(await lua().call('repair')).toEqual(['added set to 14, deadMessages set to 3'])
    expect(await check()).toEqual([['', '', 6]])
  })

  it('says of a dead batch what it lacks', async () => {
    const id = await bury(lua(), 'k', 1, 2, 3)
    const name = part(`dead:${id}`)
    const said = async () => (await check(`dead:${id}`))[0]
    await lua().redis.hdel(name, 'count')
    expect(await said()).toEqual(['k', String(START), 3, ['dead-complete', 'a dead batch says that it has no messages, there are 3', 1]])
    await lua().redis.hdel(name, '3')
    expect((await said())[3]).toEqual(['dead-complete', 'a dead batch says that it has no messages, there are 2', 1])
    await lua().redis.hset(name, 'key', '', '4', 'x')
    await lua().redis.zrem(part('dead'), id)
    expect(await said()).toEqual([
      ...['', '', 3],
      ['dead-indexed', 'a dead batch of 3 messages is not in dead: nobody would see it', 1],
      ['dead-has-key', 'a dead batch does not say of which key it is', 0],
      ['dead-complete', 'message 3 of a dead batch is missing', 1],
    ])
  })

  it('takes a hash of more than 2000 fields for no dead batch', async () => {
    const id = await bury(lua(), 'k', 1)
    const name = part(`dead:${id}`)
    const fields = await lua().redis.hlen(name)
    for (const [more, messages] of [
      [2000 - fields, 1],
      [2001 - fields, 0],
    ] as const) {
      await lua().redis.hset(name, ...Array.from({ length: more }, (_, n) => [`mine${n}`, 'x']).flat())
      expect((await check(`dead:${id}`))[0][2]).toBe(messages)
      expect((await lua().call('dead', 'ID', id))[0][9]).toHaveLength(messages)
      expect(await lua().call('repair', `dead:${id}`)).toEqual([''])
    }
  })

  it.each([
    ['calls:me', 'string', 0],
    ['rate:me', 'string', 0],
    ['seen:1', 'set', 1],
  ])('says of %s that it never expires, and whether that can be mended', async (name, kind, mended) => {
    if (kind === 'set') await lua().redis.sadd(part(name), 'x')
    else await lua().redis.set(part(name), 'x')
    expect(await check(name)).toEqual([['', '', 0, ['expires', 'it never expires', mended]]])
    await lua().redis.expire(part(name), 100)
    expect(await check(name)).toEqual([['', '', 0]])
  })

  it('lets a stream, and what is none of the queue, expire or not', async () => {
    await lua().redis.xadd(part('stream:s'), '*', 'a', 'b')
    expect(await check('stream:s')).toEqual([['', '', 0]])
    await lua().redis.expire(part('stream:s'), 100)
    await lua().redis.set(part('mine'), 'x', 'EX', 100)
    expect(await check('stream:s', 'mine', 'messages')).toEqual([
      ['', '', 0],
      ['', '', 0, ['known-key', 'this string is no key of a queue', 0]],
      ['', '', 0],
    ])
  })

  it('looks at fifty parts', async () => {
    for (const call of ['check', 'repair'] as const) {
      expect(await lua().call(call, ...Array(100).fill('due'))).toHaveLength(50)
      expect(await lua().call(call, ...Array(49).fill('due'))).toHaveLength(49)
      await lua().refuses('BAD_ARGUMENT', 'expected at most 100 parts, got 101', call, ...Array(101).fill('due'))
    }
  })
})
