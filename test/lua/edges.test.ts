import { describe, expect, it } from 'vitest'
import { describeBindings } from '../support/lua.ts'
import { NO_RIGHT, userWithout } from './users.ts'

describeBindings('edges', (get) => {
  const part = (name: string) => `${get().root}:${name}`

  it('a key has up to 1024 bytes', async () => {
    expect(await get().call('add', 'k'.repeat(1024), 'x')).toEqual(['added', 1])
    await get().refuses('BAD_KEY', 'got 1025', 'add', 'k'.repeat(1025), 'x')
  })

  it('a number has up to 15 digits, zeros in front included', async () => {
    expect(await get().call('add', 'k', 'x', 'WAIT', `${'0'.repeat(11)}5000`)).toEqual(['added', 1])
    await get().refuses('BAD_ARGUMENT', 'WAIT', 'add', 'k', 'x', 'WAIT', `${'0'.repeat(12)}5000`)
  })

  it('no generation is 0', async () => {
    for (const [name, ...args] of [['claim_ready'], ['forward', 'batches'], ['add', 'k', 'x']] as const)
      await get().refuses('BAD_ARGUMENT', 'GENERATION', name, ...args, 'GENERATION', 0)
  })

  it('a policy that is said to be stored again has nothing to store', async () => {
    const before = await get().keyspace()
    await get().call('policy', 'AGAIN')
    expect(await get().keyspace()).toEqual(before)
  })

  describe('a failure', () => {
    const die = async (...more: string[]) => {
      await get().call('add', 'k', 'x', 'FLUSH')
      const { token } = await get().claimOne()
      expect(await get().call('fail', 'k', token, 'ATTEMPTS', 1, ...more)).toBe('dead')
      return token
    }

    it('with what is no token is lost, also when there are dead batches', async () => {
      await die()
      for (const token of ['', 'token', '1-1']) expect(await get().call('fail', 'k', token)).toBe('lost')
    })

    it('that is told again with a NONCE says dead, also when the batch was dropped since', async () => {
      const token = await die('NONCE', 'me/1')
      expect(await get().call('drop', token.replace(/:1$/, ''))).toEqual(['dropped'])
      expect(await get().call('fail', 'k', token, 'ATTEMPTS', 1, 'NONCE', 'me/1')).toBe('dead')
    })
  })

  describe('a key whose list is missing for good', () => {
    it('leaves overrides when it leaves due', async () => {
      await get().call('add', 'k', 'x', 'WAIT', 1000)
      await get().redis.del(part('messages:k'))
      for (const ms of [1000, 10_001]) {
        await get().tick(ms)
        expect((await get().claim()).batches).toEqual([])
      }
      expect(await get().redis.exists(part('overrides'), part('due'))).toBe(0)
    })

    it('is looked at again when its claim cannot be deleted', async () => {
      await get().call('add', 'k', 'x', 'FLUSH')
      await get().claimOne('LEASE', 1000)
      await get().redis.del(part('messages:k'))
      await get().tick(1000)
      await get().claim()
      await get().tick(10_001)
      await expect((await userWithout(get(), 'hdel')).call('claim_ready')).rejects.toThrow()
      await get().claim()
      expect(await get().redis.exists(part('claims'), part('active'))).toBe(0)
    })
  })

  it('a batch that is ready since the clock went back is due now, and not late', async () => {
    await get().call('add', 'k', 'x')
    await get().claim('WORKER', 'w')
    await get().tick(-3_600_000)
    expect((await get().claimOne()).deadline).toBe(get().now)
    expect(await get().stats()).toMatchObject({ latenessSum: 0, latenessMax: 0, 'lateness:1': 1 })
    expect((await get().redis.hget(part('claims'), 'k'))?.split(':')[5]).toBe(String(get().now))
  })

  it.each(['x', 'xy'])('an element whose id would be longer than it is has none: %s', async (rest) => {
    const element = `${get().now} ${rest.length + 1} ${rest}`
    await get().redis.rpush(part('messages:k'), element)
    await get().redis.zadd(part('due'), get().now, 'k')
    await get().tick(10_000)
    expect((await get().call('forward', 'batches'))[2]).toBe(1)
    const [[, fields]] = (await get().redis.xrange(part('stream:batches'), '-', '+')) as [[string, string[]]]
    expect(fields.slice(-6)).toEqual(['id:1', '', 'at:1', '0', 'data:1', element])
  })

  it('a call ends when it has done enough, be it new or come back, and says that more is due', async () => {
    for (const key of ['a', 'b', 'c', 'd']) await get().call('add', key, 'x'.repeat(200_000), 'FLUSH')
    for (let round = 0; round < 2; round += 1) {
      const claimed = await get().claim('LEASE', 1)
      expect([claimed.batches.map(({ key }) => key), claimed.next]).toEqual([['a', 'b', 'c'], expect.any(Number)])
      expect(claimed.next).toBeLessThanOrEqual(get().now)
      expect((await get().claim('LEASE', 1)).batches.map(({ key }) => key)).toEqual(['d'])
      await get().tick(1)
    }
  })

  it('a call that has done enough looks no further', async () => {
    for (let n = 0; n < 4; n += 1) await get().call('add', 'a', 'x'.repeat(200_000), ...(n === 3 ? ['FLUSH'] : []))
    await get().call('add', 'b', 'x', 'FLUSH')
    await get().redis.config('RESETSTAT')
    await get().claimOne()
    // What is due; nothing has come back.
    expect(await get().redis.info('commandstats')).toMatch(/cmdstat_zrangebyscore:calls=1,/)
  })

  it('a group may be called like a field of its own', async () => {
    await get().call('add', 'a', 'x', 'FLUSH')
    await get().call('forward', 'batches')
    await get().redis.xgroup('CREATE', part('stream:batches'), 'name', '$')
    await get().call('add', 'a', 'x', 'FLUSH')
    expect((await get().call('forward', 'batches', 'MAXLEN', 1))[2]).toBe(1)
  })

  it('a failure that cannot be written down lets the lease end as before', async () => {
    await get().call('add', 'k', 'x', 'FLUSH')
    const { token } = await get().claimOne('LEASE', 1000)
    const poor = await userWithout(get(), 'hset')
    await expect(poor.call('fail', 'k', token, 'DELAY', 60_000)).rejects.toThrow()
    await get().holds()
    await get().tick(1000)
    expect((await get().claimOne()).attempt).toBe(2)
  })

  it('check counts what cannot be read', async () => {
    await get().call('add', 'k', 'x')
    await get().redis.rpush(part('messages:k'), 'mine', 'mine', 'mine')
    const [[, , size, ...laws]] = await get().call('check', 'messages:k')
    expect([size, laws]).toEqual([4, [['readable', '3 of 4 messages cannot be read', 0]]])
  })

  it('the watcher hears of a message that comes back and is due before it looks', async () => {
    await get().claim('WORKER', '~w')
    await get().call('add', 'k', 'x', 'REQUEUED', `${get().now - 9500}:1-1:1`)
    expect(Number(await get().redis.hget(get().root, 'watchAt'))).toBe(get().now + 500)
  })

  it.each([
    ['m1', 'm2'],
    ['m2', 'm1'],
  ])('an id that is new is remembered, also when one of the same call is known: %s %s', async (...ids) => {
    await get().call('add', 'k', 'x', 'ID', 'm1')
    const both = ids.flatMap((id) => ['NEXT', 'k', 'x', 'ID', id]).slice(1)
    const found = { m1: ['duplicate', ids[0] === 'm1' ? 1 : 2], m2: ['added', 2] } as Record<string, unknown[]>
    expect(await get().call('add', ...both)).toEqual(ids.flatMap((id) => found[id]))
    expect(await get().call('add', ...both)).toEqual(['duplicate', 2, 'duplicate', 2])
  })

  it('a duplicate of a key whose list is of another type is refused', async () => {
    await get().call('add', 'k', 'x', 'ID', 'm1')
    await get().redis.del(part('messages:k'))
    await get().redis.set(part('messages:k'), 'mine')
    await get().refuses('WRONG_TYPE', 'expected a list', 'add', 'k', 'x', 'ID', 'm1')
    const reply = await get().call('add', 'k', 'x', 'ID', 'm1', 'NEXT', 'other', 'x')
    expect(reply).toEqual([expect.objectContaining({ message: expect.stringContaining('expected a list') }), 0, 'added', 1])
  })

  it('a message of nothing but an id has it in a stream', async () => {
    await get().call('add', 'k', '', 'ID', 'm1', 'FLUSH')
    await get().call('forward', 'batches')
    const [[, fields]] = (await get().redis.xrange(part('stream:batches'), '-', '+')) as [[string, string[]]]
    expect(fields.slice(-6)).toEqual(['id:1', 'm1', 'at:1', String(get().now), 'data:1', ''])
  })

  it('a lease that would be shorter is not shortened, and the claim is acknowledged all the same', async () => {
    await get().call('add', 'k', 'x', 'FLUSH')
    const { token } = await get().claimOne('LEASE', 2000, 'NONCE', 'me/1')
    expect(await get().call('extend', 1000, 'k', token)).toEqual(['extended', 0])
    expect(await get().redis.hget(part('claims'), 'k')).toMatch(/:2000$/)
    expect(await get().redis.zscore(part('active'), 'k')).toBe(String(get().now + 2000))
  })

  it('a claim that is repeated for a longer time is not acknowledged by that', async () => {
    await get().call('add', 'k', 'x', 'FLUSH')
    await get().claimOne('LEASE', 1000, 'NONCE', 'me/1')
    await get().claimOne('LEASE', 2000, 'NONCE', 'me/1')
    expect(await get().redis.hget(part('claims'), 'k')).toMatch(/:2000:by=me\/1$/)
  })

  it('a batch of a worker is not handed out again behind a page of keys that are looked at too early, one of them active without a claim', async () => {
    await get().call('add', 'z', 'held', 'FLUSH')
    await get().claimOne()
    await get().redis.zadd(part('due'), get().now, 'z')
    for (let n = 0; n < 50; n += 1) await get().call('add', `k${n}`, 'x')
    for (let n = 0; n < 50; n += 1) await get().redis.zadd(part('due'), get().now - 1, `k${n}`)
    await get().redis.zadd(part('active'), get().now + 60_000, 'k0')
    expect((await get().claim('LIMIT', 1000)).batches).toEqual([])
    expect(await get().redis.hget(part('claims'), 'z')).toMatch(/:1:1:0:1:/)
  })

  it('a clock that goes back stumbles over no entry of active without a claim', async () => {
    await get().call('add', 'k', 'x', 'FLUSH')
    await get().claim('WORKER', 'w')
    await get().redis.hdel(part('claims'), 'k')
    await get().tick(-3_600_000)
    expect((await get().claim('WORKER', 'w')).batches).toEqual([])
  })

  it('a right that is missing for what tells a slot that is being moved is told as it is', async () => {
    const poor = await userWithout(get(), 'mget')
    const said = await poor.call('claim_ready', 'NONCE', 'me/1').catch(({ message }: Error) => message)
    expect(said).toMatch(NO_RIGHT)
    // What is raised has this behind it.
    expect(said).not.toContain('script:')
    const poorer = await userWithout(get(), 'exists')
    // Functions know that this is no node of a cluster, and ask no more.
    if (get().mode === 'scripts') await expect(poorer.call('claim_ready')).rejects.toThrow(NO_RIGHT)
    else expect(await poorer.call('claim_ready')).toEqual([get().now, 0])
  })

  it('a dead batch whose count is missing has no message in the list of dead ones', async () => {
    await get().call('add', 'k', 'x', 'FLUSH')
    const { token } = await get().claimOne()
    await get().call('fail', 'k', token, 'ATTEMPTS', 1)
    await get().redis.hdel(part(`dead:${token.replace(/:1$/, '')}`), 'count')
    expect((await get().call('dead'))[0][8]).toBe(0)
  })

  it('only the numbers from 1 on are messages of a dead batch', async () => {
    await get().call('add', 'k', 'x', 'FLUSH')
    const { token } = await get().claimOne()
    await get().call('fail', 'k', token, 'ATTEMPTS', 1)
    const id = token.replace(/:1$/, '')
    await get().redis.hset(part(`dead:${id}`), '0', 'y', '02', 'y', '1e1', 'y', 'nan', 'y', '10000', 'y')
    expect(await get().call('check', `dead:${id}`)).toEqual([['k', expect.any(String), 1]])
  })

  it('a batch that nobody has acknowledged, and for which there is no room among the dead, has used up no attempt', async () => {
    await get().call('policy', 'MAXDEAD', 1)
    await get().call('add', 'dead', 'x', 'FLUSH')
    await get().call('fail', 'dead', (await get().claimOne()).token, 'ATTEMPTS', 1)
    await get().call('add', 'k', 'x', 'FLUSH')
    for (let n = 1; n <= 5; n += 1) {
      expect(await get().claimOne('LEASE', 1, 'ATTEMPTS', 1, 'NONCE', `w${n}/1`)).toMatchObject({ attempt: 1 })
      await get().tick(1)
    }
    expect(await get().redis.hget(part('claims'), 'k')).toMatch(/:5:1:4:1:/)
  })

  it('a message that is refused leaves the key in overrides, and where it was in due', async () => {
    await get().call('add', 'k', 'x', 'WAIT', 500)
    const before = await get().keyspace()
    await get().tick(100)
    const poor = await userWithout(get(), 'zadd')
    for (const tokens of [[], ['WAIT', 5]]) await expect(poor.call('add', 'k', 'y', ...tokens)).rejects.toThrow(NO_RIGHT)
    expect(await get().keyspace()).toEqual(before)
  })

  it('a duplicate needs no right to remember anything', async () => {
    await get().call('add', 'k', 'x', 'ID', 'm1')
    for (const command of ['sadd', 'pexpireat', 'srem', 'hset'])
      expect(await (await userWithout(get(), command)).call('add', 'k', 'x', 'ID', 'm1')).toEqual(['duplicate', 1])
  })

  it('each id of a call is remembered again that was taken back before', async () => {
    await get().call('add', 'k', 'x')
    await get().redis.del(part('due'))
    const poor = await userWithout(get(), 'zscore')
    const refused = ['m1', 'm2'].flatMap((id) => ['k', 'x', 'ID', id, 'FLUSH', 'NEXT'])
    const reply = await poor.call('add', ...refused, 'k', 'x', 'ID', 'm1', 'NEXT', 'k', 'x', 'ID', 'm2')
    expect(reply.slice(4)).toEqual(['added', 2, 'added', 3])
    for (const id of ['m1', 'm2']) expect((await get().call('add', 'k', 'x', 'ID', id))[0]).toBe('duplicate')
  })

  it('what cannot be taken back stays where it is in the index', async () => {
    await get().call('policy', 'MAXSIZE', 2, 'MAXBACKLOG', 2)
    await get().call('add', 'k', 'x')
    const due = await get().redis.zscore(part('due'), 'k')
    await get().call('add', 'k', 'x', 'NEXT', 'held', 'x', 'NEXT', 'held', 'x')
    await get().claim()
    await get().call('add', 'open', 'x')
    await get().redis.rpush(part('messages:open'), `${get().now} 0 y`)
    const soon = await get().redis.zscore(part('due'), 'open')
    await get().tick(100)
    const poor = await userWithout(get(), 'rpop')
    for (const key of ['held', 'open']) expect(await poor.call('add', key, 'x')).toEqual(['added', 3])
    expect([await get().redis.zscore(part('due'), 'open'), due]).toEqual([soon, soon])
  })

  it('what is kept of a call and cannot be read is as good as nothing', async () => {
    await get().call('add', 'k', 'x', 'FLUSH')
    await get().redis.set(part('calls:me'), 'x')
    expect((await get().claim('NONCE', 'me/1')).batches).toHaveLength(1)
  })

  it('options of a message hold until the next one, also in one call', async () => {
    await get().call('add', 'k', 'x', 'WAIT', 20_000, 'NEXT', 'k', 'y')
    await get().tick(10_000)
    expect((await get().claimOne()).messages).toHaveLength(2)
  })

  it.each(['W0', 'W31536000001', 'X0', 'X31536000001', 'S0', 'S1001'])(
    'an option that nobody can have given is none: %s',
    async (option) => {
      await get().redis.rpush(part('messages:k'), `${get().now} 0,${option} x`, `${get().now} 0,${option} x`)
      await get().redis.sadd(part('overrides'), 'k')
      expect((await get().call('peek', 'k')).slice(2, 7)).toEqual([get().now + 10_000, 0, '', 2, 2])
    },
  )

  it('a message that allows more than one finds more than was read at first', async () => {
    await get().call('policy', 'MAXSIZE', 1)
    for (const data of ['1', '2', '3']) await get().call('add', 'k', data, 'MAXSIZE', 3)
    expect((await get().claimOne()).messages).toHaveLength(3)
  })

  it('a deadline that has passed stays what it was, also when a later message lies in the future', async () => {
    await get().call('policy', 'WAIT', 1000, 'MAXWAIT', 1000)
    await get().call('add', 'k', 'x')
    const deadline = get().now + 1000
    await get().redis.rpush(part('messages:k'), `${get().now + 5000} 0 y`)
    await get().tick(1500)
    expect((await get().call('peek', 'k')).slice(0, 3)).toEqual(['ready', get().now, deadline])
    expect(await get().claimOne()).toMatchObject({ reason: 'maxWait', deadline })
  })

  it('a message a second ahead is no cause for alarm, and one that is further ahead is', async () => {
    for (const [key, ahead] of [
      ['k', 1000],
      ['later', 1001],
    ] as const) {
      await get().redis.rpush(part(`messages:${key}`), `${get().now + ahead} 0 x`)
      await get().redis.zadd(part('due'), get().now, key)
    }
    expect((await get().claim()).batches.map(({ key }) => key)).toEqual(['later'])
  })

  it('a message that is too large is refused for the shortest key and the longest', async () => {
    await get().call('policy', 'MAXMESSAGEBYTES', 1)
    for (const key of ['k', 'k'.repeat(1024)]) {
      await get().refuses('MESSAGE_TOO_LARGE', 'got 2', 'add', key, 'xx')
      await get().refuses('BAD_ID', 'got 0', 'add', key, 'x', 'ID', '', 'FLUSH')
    }
  })

  it('a key that is not known to have options has none', async () => {
    await get().call('add', 'k', 'x', 'WAIT', 30_000, 'NEXT', 'own', 'x', 'WAIT', 30_000)
    await get().redis.srem(part('overrides'), 'k')
    await get().redis.zadd(part('due'), get().now, 'k', get().now, 'own')
    await get().tick(10_000)
    expect((await get().call('peek', 'k'))[2]).toBe(get().now)
    expect((await get().claim()).batches.map(({ key }) => key)).toEqual(['k'])
  })

  it('ids that cannot be looked up are refused, also when the slice before knows them', async () => {
    await get().call('add', 'k', 'x', 'ID', 'm1')
    await get().tick(3_600_000)
    await get().redis.set(part(`seen:${get().now}`), 'mine')
    await get().refuses('WRONG_TYPE', 'expected a set', 'add', 'k', 'x', 'ID', 'm1')
  })

  it('a clock that goes back stumbles over no entry of due without messages', async () => {
    await get().call('add', 'k', 'x')
    await get().claim('WORKER', 'w')
    await get().redis.del(part('messages:k'))
    await get().tick(-3_600_000)
    expect((await get().claim('WORKER', 'w')).batches).toEqual([])
  })

  it('a watch without a watcher hinders nobody', async () => {
    await get().redis.hset(get().root, 'watchAt', get().now + 5000)
    expect(await get().call('add', 'k', 'x', 'FLUSH')).toEqual(['added', 1])
  })

  it('a generation is no option of a message', async () => {
    const keys = ['rapid-fire:{orders:0}']
    await get().callWith('partition', keys, 'OPEN', 'GENERATION', 1, 'LAYOUT', '2:0:0:0')
    await get().callWith('add', keys, 'k', 'x', 'GENERATION', 1)
    expect(await get().redis.exists(`${keys[0]}:overrides`)).toBe(0)
  })

  it('a message is refused of whose key nobody can tell whether it has options', async () => {
    await get().call('add', 'k', 'x', 'WAIT', 500)
    const before = await get().keyspace()
    await expect((await userWithout(get(), 'sismember')).call('add', 'k', 'y')).rejects.toThrow(NO_RIGHT)
    expect(await get().keyspace()).toEqual(before)
  })

  it('each message behind a full batch is refused whose key cannot be looked for', async () => {
    await get().call('policy', 'MAXSIZE', 2)
    await get().call('add', 'k', '1', 'NEXT', 'k', '2')
    await get().redis.del(part('due'))
    const before = await get().keyspace()
    const reply = await (await userWithout(get(), 'zscore')).call('add', 'k', '3', 'NEXT', 'k', '4')
    expect(reply.map((each: unknown) => each instanceof Error || each)).toEqual([true, 0, true, 0])
    expect(await get().keyspace()).toEqual(before)
  })

  it('a message without options needs no right to note any', async () => {
    await get().call('add', 'k', 'x', 'WAIT', 500)
    expect(await (await userWithout(get(), 'sadd')).call('add', 'k', 'y')).toEqual(['added', 2])
  })

  it('a message whose options cannot be noted is refused', async () => {
    const poor = await userWithout(get(), 'sadd')
    await expect(poor.call('add', 'k', 'x', 'WAIT', 5)).rejects.toThrow(NO_RIGHT)
    expect(await get().keyspace()).toEqual({})
  })

  it('a claim that is repeated when its list is a key of another type has nothing to hand over', async () => {
    await get().call('add', 'k', 'x', 'FLUSH')
    await get().claimOne('NONCE', 'me/1')
    await get().redis.del(part('messages:k'))
    await get().redis.set(part('messages:k'), 'mine')
    expect((await get().claim('NONCE', 'me/1')).batches).toEqual([])
  })

  it('a list that may not be read is not taken for one that is missing', async () => {
    await get().call('add', 'k', 'x', 'FLUSH')
    const before = await get().keyspace()
    const poor = await userWithout(get(), 'lrange')
    for (let look = 1; look <= 2; look += 1) {
      await expect(poor.call('claim_ready')).rejects.toThrow(NO_RIGHT)
      await get().tick(20_000)
    }
    expect(await get().keyspace()).toEqual(before)
  })

  it('a batch that was given back before the clock went back comes with the first look', async () => {
    await get().call('add', 'k', 'x', 'FLUSH')
    const { token } = await get().claimOne('WORKER', 'w')
    await get().call('release', 'k', token)
    await get().tick(-3_600_000)
    expect((await get().claim('WORKER', 'w')).batches).toHaveLength(1)
  })

  it('a claim that is repeated hands over the messages of its batch and none behind it', async () => {
    await get().call('add', 'k', '1', 'NEXT', 'k', '2', 'FLUSH')
    const first = await get().claimOne('NONCE', 'me/1')
    await get().call('add', 'k', '3')
    expect((await get().claimOne('NONCE', 'me/1')).messages).toEqual(first.messages)
  })

  it('a full batch of what was pushed by hand is due at 1', async () => {
    await get().call('policy', 'MAXSIZE', 1)
    await get().redis.rpush(part('messages:k'), 'x')
    await get().redis.zadd(part('due'), 1, 'k')
    expect((await get().call('claim_ready'))[2]).toEqual(['k', expect.any(String), 1, expect.any(String), 1, ['x'], get().now])
  })

  it('what was pushed by hand is due now, however long the wait is', async () => {
    await get().call('policy', 'MAXWAIT', 31_536_000_000, 'WAIT', 31_536_000_000)
    await get().redis.rpush(part('messages:k'), 'x')
    await get().redis.zadd(part('due'), get().now - 5, 'k')
    expect((await get().call('claim_ready'))[2].slice(4)).toEqual([31_536_000_000, ['x'], get().now])
  })

  it('check reads no more than 256 KiB and what is being read then', async () => {
    const keys = ['1', '2', '3', '4', '5', '6']
    const element = `${get().now} 0 ${'x'.repeat(2 ** 16)}`
    for (const key of keys) await get().redis.rpush(part(`messages:${key}`), element)
    expect(await get().call('check', ...keys.map((key) => `messages:${key}`))).toHaveLength(4)
  })
})
