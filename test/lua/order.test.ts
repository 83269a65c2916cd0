import { expect, it } from 'vitest'
import { describeBindings, START } from '../support/lua.ts'
import { bury, texts } from './dead-batches.ts'
import { NO_RIGHT, userWithout } from './users.ts'

/**
 * The order in which a call writes, seen where it is cut off: what it has written by then, and that it has written nothing that would come behind.
 * Why it must be this order, lua/lib/conversation.lua says at each step.
 */
describeBindings('the order in which a call writes', (lua) => {
  const part = (name: string) => `${lua().root}:${name}`
  const claim = async () => lua().redis.hget(part('claims'), 'k')
  const list = async () => texts(await lua().redis.lrange(part('messages:k'), 0, -1))
  const score = (index: string) => lua().redis.zscore(part(index), 'k')
  async function cut(lacking: string, name: 'claim_ready' | 'complete' | 'erase' | 'fail' | 'release', ...args: (string | number)[]) {
    const poor = await userWithout(lua(), lacking)
    await expect(poor.call(name, ...args)).rejects.toThrow(NO_RIGHT)
  }
  /** A batch of 1, 2 and 3 that is with a worker, with 4 behind it. */
  async function claimed(...args: (string | number)[]): Promise<string> {
    await lua().call('add', 'k', 1, 'NEXT', 'k', 2, 'NEXT', 'k', 3, 'FLUSH', 'NEXT', 'k', 4)
    return (await lua().claimOne(...args)).token
  }

  it.each([
    ['fail', 'zcard'],
    ['release', 'zcard'],
    ['extend', 'zcard'],
    ['erase', 'zcard'],
    ['erase', 'scard'],
    ['add', 'scard'],
    ['forward', 'xlen'],
    ['requeue', 'llen'],
  ] as const)('asks before it writes: %s without %s is refused as Redis says it, and not broken off', async (name, command) => {
    const token = await claimed()
    await lua().redis.hset(part('dead:mine'), 'key', 'k', 'count', 1, '1', `${START} 0 x`)
    await lua().redis.zadd(part('dead'), 1, 'mine')
    const args = { add: ['k', 5], extend: [1000, 'k', token], erase: ['k'], forward: ['batches'], requeue: ['mine'] }
    const before = await lua().keyspace()
    const poor = await userWithout(lua(), command)
    const error = await poor
      .call(name, ...(name in args ? args[name as keyof typeof args] : ['k', token]))
      .catch((refusal: Error) => refusal)
    expect(error.message).toMatch(/^(NOPERM|ERR The user executing the script can't run|ERR ACL failure in script:) /)
    // Where it was broken off, Redis would say.
    expect(error.message).not.toMatch(/@user_/)
    expect(await lua().keyspace()).toEqual(before)
  })

  it('hands out again: first the claim, then its lease', async () => {
    const token = await claimed('LEASE', 1000)
    await lua().tick(1000)
    const before = await lua().keyspace()
    await cut('hset', 'claim_ready')
    expect(await lua().keyspace()).toEqual(before)
    await cut('zadd', 'claim_ready')
    expect([await claim(), await score('active')]).toEqual([`${token.slice(0, -1)}2:2:0:3:${START}:flush:30000`, String(START + 1000)])
    expect(await lua().call('complete', 'k', token)).toEqual(['lost'])
  })

  it.each([
    ['fail', 'retry', 60_000],
    ['release', 'released', 0],
  ] as const)('%s: first the claim, then the pause', async (name, state, span) => {
    const token = await claimed()
    const before = await lua().keyspace()
    const args = name === 'fail' ? ['DELAY', span] : []
    await cut('hset', name, 'k', token, ...args)
    expect(await lua().keyspace()).toEqual(before)
    await cut('zadd', name, 'k', token, ...args)
    expect([await claim(), await score('active')]).toEqual([`${token}:1:0:3:${START}:flush:${span}:${state}`, String(START + 30_000)])
  })

  it('takes out of a batch what is done: the claim, the copies, the list, the count', async () => {
    const token = await claimed()
    const keep = ['k', token, 'KEEP', '1']
    const before = await lua().keyspace()
    await cut('hset', 'fail', ...keep)
    expect(await lua().keyspace()).toEqual(before)
    await cut('lpush', 'fail', ...keep)
    const first = [await claim(), await list()]
    expect(first).toEqual([`${token}:1:0:1:${START}:flush:30000:retry`, ['1', '2', '3', '4']])
    await lua().redis.hset(part('claims'), 'k', `${token}:1:0:3:${START}:flush:30000`)
    await cut('ltrim', 'fail', ...keep)
    expect(await list()).toEqual(['1', '2', '3', '4'])
    expect(await lua().redis.hget(lua().root, 'completedMessages')).toBeNull()
    await lua().redis.hset(part('claims'), 'k', `${token}:1:0:3:${START}:flush:30000`)
    await cut('hincrby', 'fail', ...keep)
    expect(await list()).toEqual(['1', '4'])
  })

  it('buries: the dead batch, then without its claim, then without its messages, and out of active last', async () => {
    const token = await claimed()
    const id = token.slice(0, -2)
    const last = ['k', token, 'ATTEMPTS', 1]
    await cut('hdel', 'fail', ...last)
    expect(texts((await lua().call('dead', 'ID', id))[0][9])).toEqual(['1', '2', '3'])
    expect([await claim(), await list()]).toEqual([`${token}:1:0:3:${START}:flush:30000`, ['1', '2', '3', '4']])
    await cut('ltrim', 'fail', ...last)
    expect([await claim(), await score('active')]).toEqual([null, String(START + 30_000)])
    await lua().redis.hset(part('claims'), 'k', `${token}:1:0:3:${START}:flush:30000`)
    await cut('zrem', 'fail', ...last)
    expect([await list(), await score('due')]).toEqual([['4'], String(START + 10_000)])
    expect(await lua().redis.hmget(lua().root, 'dead', 'deadMessages')).toEqual(['1', '3'])
  })

  it('erases: the claim first, then the messages, then the count', async () => {
    const token = await claimed()
    const before = await lua().keyspace()
    await cut('hdel', 'erase', 'k')
    expect(await lua().keyspace()).toEqual(before)
    await cut('unlink', 'erase', 'k')
    expect([await claim(), await list()]).toEqual([null, ['1', '2', '3', '4']])
    expect(await lua().call('complete', 'k', token)).toEqual(['lost'])
    expect(await lua().redis.hget(lua().root, 'droppedMessages')).toBeNull()
    await cut('srem', 'erase', 'k')
    expect([await list(), await lua().redis.hget(lua().root, 'droppedMessages')]).toEqual([[], '4'])
    // The key is in its indexes as long as something is left of it.
    expect([await score('active'), await score('due')]).toEqual([String(START + 30_000), null])
  })

  it('opens the messages of a batch that is done: the claim first, and out of active last', async () => {
    const token = await claimed('LEASE', 1)
    const done = () => lua().redis.hset(part('claims'), 'k', `${token}:1:0:3:${START}:flush:10000:done`)
    await done()
    await lua().tick(1)
    const before = await lua().keyspace()
    await cut('hdel', 'claim_ready')
    expect(await lua().keyspace()).toEqual(before)
    await cut('ltrim', 'claim_ready')
    expect([await claim(), await list(), await score('active')]).toEqual([null, ['1', '2', '3', '4'], String(START + 1)])
    await done()
    await cut('zadd', 'claim_ready')
    expect([await list(), await score('active')]).toEqual([['4'], String(START + 1)])
  })

  it.each([
    ['llen', ['1', 'NEXT', 'k', '2']],
    ['lrange', ['1', 'FLUSH', 'NEXT', 'k', '2']],
  ])(
    'opens what is behind a batch before it takes the key out of active, also where it may not ask what that is: %s',
    async (command, add) => {
      await lua().call('policy', 'MAXSIZE', 1)
      await lua().call('add', 'k', ...add)
      const { token } = await lua().claimOne()
      await cut(command, 'complete', 'k', token)
      expect([await list(), await score('active')]).toEqual([['2'], String(START + 30_000)])
    },
  )

  it('takes an open key out of active: first its claim', async () => {
    await lua().call('add', 'k', '1')
    await lua().redis.zadd(part('due'), START, 'k')
    await lua().redis.zadd(part('active'), START + 10_000, 'k')
    await lua().redis.hset(part('claims'), 'k', '1-1:1:1:0:1:1:wait:1:done')
    await cut('hdel', 'claim_ready')
    expect([await claim(), await score('active')]).toEqual([expect.stringMatching(/done$/), String(START + 10_000)])
    await lua().redis.zadd(part('due'), START, 'k')
    await cut('zrem', 'claim_ready')
    expect([await claim(), await score('active'), await score('due')]).toEqual([null, String(START + 10_000), String(START + 10_000)])
  })

  it('keeps the claim of a batch that is done when a new list is missing', async () => {
    await lua().redis.zadd(part('due'), `${START - 1}.5`, 'k')
    await lua().redis.zadd(part('active'), START + 10_000, 'k')
    await lua().redis.hset(part('claims'), 'k', '1-1:1:1:0:1:1:wait:1:done')
    await lua().claim()
    expect([await claim(), await score('due')]).toEqual([expect.stringMatching(/done$/), null])
  })

  it('notes the options of a message, and takes that back, as far as it may', async () => {
    const poor = await userWithout(lua(), 'srem', 'zadd')
    const reply = await poor.call('add', 'k', '1', 'WAIT', 5, 'NEXT', 'other', '1')
    expect(reply.map((each: unknown) => (each instanceof Error ? 'refused' : each))).toEqual(['refused', 0, 'refused', 0])
    expect(Object.keys(await lua().keyspace())).toEqual([part('overrides')])
  })

  it('brings back what it may, and takes that back, as far as it may', async () => {
    await claimed()
    const poor = await userWithout(lua(), 'srem', 'zscore')
    const reply = await poor.call('add', 'k', 'x', 'WAIT', 5, 'REQUEUED', '1:x', 'NEXT', 'other', '1')
    expect(reply.map((each: unknown) => (each instanceof Error ? 'refused' : each))).toEqual(['refused', 0, 'added', 1])
    expect(await list()).toEqual(['1', '2', '3', '4'])
  })

  it('notes the options of what comes back, and takes back what it has noted, and nothing else', async () => {
    const poor = await userWithout(lua(), 'zadd')
    const bring = () => poor.call('add', 'k', 'x', 'WAIT', 5, 'REQUEUED', '1:x')
    await expect(bring()).rejects.toThrow(NO_RIGHT)
    expect(await lua().redis.exists(part('overrides'))).toBe(0)
    await lua().call('add', 'k', '1', 'WAIT', 5)
    await expect(bring()).rejects.toThrow(NO_RIGHT)
    expect([await lua().redis.smembers(part('overrides')), await list()]).toEqual([['k'], ['1']])
  })

  it.each([
    ['in front', START - 5, 'ltrim'],
    ['behind', START + 15, 'ltrim'],
    ['between others', START + 5, 'lrem'],
  ])('brings nothing back %s that it could neither remember nor take back', async (_, at, lacking) => {
    await lua().call('add', 'k', '1')
    await lua().tick(10)
    await lua().call('add', 'k', '3')
    // That a key is looked at too early does no harm.
    const stored = async () => ({ ...(await lua().keyspace()), [part('due')]: '' })
    const before = await stored()
    const poor = await userWithout(lua(), 'hset', lacking)
    await expect(poor.call('add', 'k', 'x', 'WAIT', 5, 'REQUEUED', `${at}:x`)).rejects.toThrow(NO_RIGHT)
    expect(await stored()).toEqual(before)
    expect(await lua().call('add', 'k', 'x', 'WAIT', 5, 'REQUEUED', `${at}:x`)).toEqual(['added', 3])
  })

  it.each(['lpos', 'linsert'])('brings one message back between others also without %s', async (command) => {
    await lua().call('add', 'k', '1')
    await lua().tick(10)
    await lua().call('add', 'k', '3')
    const poor = await userWithout(lua(), command)
    expect(await poor.call('add', 'k', '2', 'REQUEUED', `${START + 5}:x`)).toEqual(['added', 3])
    expect(await list()).toEqual(['1', '2', '3'])
  })

  it('takes back the one message that it has brought back, and none that reads the same', async () => {
    await claimed()
    await lua().tick(10)
    await lua().call('add', 'k', '5')
    const poor = await userWithout(lua(), 'zscore')
    await expect(poor.call('add', 'k', '1', 'REQUEUED', `${START}:x`)).rejects.toThrow(NO_RIGHT)
    expect(await list()).toEqual(['1', '2', '3', '4', '5'])
  })

  it.each([
    ['front', 6],
    ['back', 1],
  ])('takes back the messages of a batch that it has brought back between others, by the %s', async (_, behind) => {
    for (const data of ['1', '2', '3', '4']) await lua().call('add', 'k', data)
    await lua().tick(10)
    await lua().call('add', 'k', '5')
    await lua().tick(10)
    for (let n = 0; n < behind; n += 1) await lua().call('add', 'k', `${6 + n}`)
    await lua().redis.hset(part('dead:mine'), 'key', 'k', 'count', 2, '1', `${START + 5} 0 x`, '2', `${START + 15} 0 x`)
    await lua().redis.zadd(part('dead'), 1, 'mine')
    const before = await lua().keyspace()
    const poor = await userWithout(lua(), 'sismember')
    const [said] = [await poor.call('requeue', 'mine').catch((error: Error) => error)].flat()
    expect(said.message).toMatch(NO_RIGHT)
    expect(await lua().keyspace()).toEqual(before)
  })

  it('refuses a batch for whose place it may not look', async () => {
    const id = await bury(lua(), 'k', 1, 2)
    await lua().call('add', 'k', 3)
    const poor = await userWithout(lua(), 'lrange')
    await expect(poor.call('requeue', id)).rejects.toThrow(NO_RIGHT)
    expect(await list()).toEqual(['3'])
    await lua().holds()
  })

  it('refuses a message that cannot be brought back between others, and stores the others of the call', async () => {
    await lua().call('add', 'k', '1')
    await lua().tick(10)
    await lua().call('add', 'k', '3')
    const poor = await userWithout(lua(), 'lpos', 'ltrim')
    const reply = await poor.call('add', 'k', '2', 'REQUEUED', `${START + 5}:x`, 'NEXT', 'other', '1')
    expect(reply.map((each: unknown) => (each instanceof Error ? 'refused' : each))).toEqual(['refused', 0, 'added', 1])
    expect(await list()).toEqual(['1', '3'])
  })

  it('brings back a message with options, of which nothing has to be asked', async () => {
    const id = await bury(lua(), 'k', 1)
    expect(await (await userWithout(lua(), 'sismember')).call('requeue', id)).toEqual(['requeued'])
  })

  it('brings a dead batch back also when that cannot be counted', async () => {
    const id = await bury(lua(), 'k', 1)
    expect(await (await userWithout(lua(), 'hincrby')).call('requeue', id)).toEqual(['requeued'])
    expect([await list(), await lua().call('dead')]).toEqual([['1'], []])
  })

  it('hands out for the first time: the claim, then its lease', async () => {
    await lua().call('add', 'k', 1, 'FLUSH')
    await cut('zadd', 'claim_ready')
    expect([await claim(), await score('active'), await score('due')]).toEqual([
      ...[`${START}-1:1:1:0:1:${START}:flush:30000`, null, String(START)],
    ])
  })

  it('counts a batch before it is claimed: no other gets its id', async () => {
    await lua().call('add', 'k', 1, 'FLUSH')
    await lua().redis.set(part('claims'), 'mine')
    await expect(lua().call('claim_ready')).rejects.toThrow('WRONGTYPE')
    expect([await lua().redis.hget(lua().root, 'batches'), await score('active'), await score('due')]).toEqual(['1', null, String(START)])
  })

  it('completes without its list: first the claim, then when it is looked for', async () => {
    const token = await claimed()
    await lua().redis.del(part('messages:k'))
    await cut('zadd', 'complete', 'k', token)
    expect([await claim(), await score('active')]).toEqual([`${token}:1:0:3:${START}:flush:10000:done`, String(START + 30_000)])
  })

  it('counts a failure when it is written, and keeps the reply of a call when it is done', async () => {
    const token = await claimed()
    await cut('hincrby', 'fail', 'k', token, 'NONCE', 'me/1')
    expect([await claim(), await lua().redis.exists(part('calls:me'))]).toEqual([expect.stringMatching(/:1000:retry$/), 0])
    await lua().redis.hset(part('claims'), 'k', `${token}:1:0:3:${START}:flush:30000`)
    for (const name of ['fail', 'release'] as const) await cut('hset', name, 'k', token, 'NONCE', 'me/1')
    expect(await lua().redis.exists(part('calls:me'))).toBe(0)
    expect(await lua().redis.hexists(lua().root, 'failed')).toBe(0)
  })

  it.each([
    ['ids that cannot expire', ['pexpireat', 'srem'], ['ID', ':m']],
    ['a slice that cannot begin', ['hset'], ['ID', ':m']],
    ['the options of a key that cannot be asked for', ['sismember'], ['REQUEUED', ':x']],
  ] as const)('refuses a message because of %s, and stores the others of the call', async (_, lacking, tokens) => {
    await lua().call('add', 'other', 'x', 'ID', 'm1')
    for (const ms of [0, 3_600_000]) {
      await lua().tick(ms)
      const poor = await userWithout(lua(), ...lacking)
      const reply = await poor.call('add', 'k', 'x', tokens[0], `${ms + 1}${tokens[1]}`, 'NEXT', `other${ms}`, 'x')
      const refused = lacking[0] !== 'hset' || ms > 0
      expect(reply.map((each: unknown) => (each instanceof Error ? 'refused' : each))).toEqual([
        ...(refused ? ['refused', 0] : ['added', 1]),
        ...['added', 1],
      ])
      expect(await lua().redis.llen(part('messages:k'))).toBe(lacking[0] === 'hset' ? 1 : 0)
    }
  })

  it('keeps what comes back and can neither be remembered nor taken back, where it belongs', async () => {
    await claimed()
    const poor = await userWithout(lua(), 'hset', 'srem')
    expect(await poor.call('add', 'k', 'x', 'REQUEUED', '1:x', 'NEXT', 'open', 'x', 'REQUEUED', '1:x')).toEqual(['added', 5, 'added', 1])
    expect(await list()).toEqual(['1', '2', '3', 'x', '4'])
    expect(await lua().redis.zrange(part('due'), 0, '-1')).toEqual(['open'])
    for (const key of ['k', 'open']) expect((await lua().call('add', key, 'x', 'REQUEUED', '1:x'))[0]).toBe('duplicate')
  })

  it('keeps what can neither be remembered nor taken back, and the turn that its key has', async () => {
    await lua().call('add', 'k', '1')
    await lua().tick(5000)
    const poor = await userWithout(lua(), 'hset', 'rpop')
    expect(await poor.call('add', 'k', '2', 'ID', 'm1')).toEqual(['added', 2])
    expect(await score('due')).toBe(String(START + 10_000))
  })

  it('remembers ids for longer: first the root says so, then their sets', async () => {
    await lua().call('add', 'k', '1', 'ID', 'm1')
    const poor = await userWithout(lua(), 'pexpireat')
    await expect(poor.call('policy', 'DEDUPE', 7_200_000)).rejects.toThrow(NO_RIGHT)
    expect(await lua().redis.hmget(lua().root, 'dedupe', 'sliceEnds')).toEqual(['7200000', String(START + 14_400_000)])
  })

  it('tells of a duplicate also when that cannot be counted', async () => {
    await lua().call('add', 'k', 'x', 'ID', 'm1')
    expect(await (await userWithout(lua(), 'hincrby')).call('add', 'k', 'x', 'ID', 'm1')).toEqual(['duplicate', 1])
  })

  it('refuses what comes back to a key of another type, and knows no dead batch of another type', async () => {
    await lua().redis.set(part('messages:k'), 'mine')
    await lua().refuses('WRONG_TYPE', 'expected a list', 'add', 'k', 'x', 'REQUEUED', '1:x')
    await lua().redis.set(part('dead:1-1'), 'mine')
    expect(await lua().call('requeue', '1-1')).toEqual(['unknown'])
  })
})
