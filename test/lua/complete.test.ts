import { expect, it } from 'vitest'
import { describeBindings, START } from '../support/lua.ts'
import { NO_RIGHT, userWithout } from './users.ts'

describeBindings('complete', (lua) => {
  it('drops the messages and leaves nothing but the root', async () => {
    await lua().call('add', 'ann', 'one', 'NEXT', 'ann', 'two')
    await lua().tick(10_000)
    const { token } = await lua().claimOne()
    expect(await lua().call('complete', 'ann', token)).toEqual(['completed'])
    expect(Object.keys(await lua().keyspace())).toEqual([lua().root])
    expect(await lua().stats()).toMatchObject({ completed: 1, completedMessages: 2, messages: 0, active: 0 })
    await lua().holds()
  })

  it('leaves nothing but the root, ids that expire and dead batches after all kinds of traffic', async () => {
    await lua().call('add', 'ann', '1', 'ID', 'm1', 'NEXT', 'ann', '2', 'WAIT', 500, 'NEXT', 'bob', '1', 'FLUSH', 'NEXT', 'carl', '1')
    await lua().tick(10_000)
    const [ann, bob, carl] = ['ann', 'bob', 'carl']
    const tokens = new Map((await lua().claim()).batches.map(({ key, token }) => [key, token]))
    await lua().call('add', 'ann', '3', 'MAXSIZE', 1)
    expect(await lua().call('fail', carl, tokens.get(carl) as string, 'ATTEMPTS', 1)).toBe('dead')
    expect(await lua().call('complete', ann, tokens.get(ann) as string, bob, tokens.get(bob) as string)).toEqual(['completed', 'completed'])
    const { token } = await lua().claimOne()
    await lua().call('complete', 'ann', token)
    const dead = (tokens.get(carl) as string).replace(/:1$/, '')
    expect(Object.keys(await lua().keyspace()).sort()).toEqual(
      [lua().root, `${lua().root}:dead`, `${lua().root}:dead:${dead}`, `${lua().root}:seen:${START}`].sort(),
    )
    await lua().holds()
  })

  it('opens what has arrived behind the batch, with its own deadline', async () => {
    await lua().call('add', 'ann', 'one')
    await lua().tick(10_000)
    const { token } = await lua().claimOne()
    await lua().tick(3000)
    await lua().call('add', 'ann', 'two')
    await lua().tick(1000)
    await lua().call('complete', 'ann', token)
    expect(await lua().redis.zscore(`${lua().root}:due`, 'ann')).toBe(String(lua().now + 9000))
    await lua().tick(8999)
    expect((await lua().claim()).batches).toEqual([])
    await lua().tick(1)
    expect((await lua().claimOne()).messages.map(({ data }) => data)).toEqual(['two'])
    await lua().holds()
  })

  it('makes what has arrived behind the batch due at once when its time has passed', async () => {
    await lua().call('add', 'ann', 'one', 'FLUSH')
    const { token } = await lua().claimOne()
    await lua().call('add', 'ann', 'two')
    await lua().tick(20_000)
    await lua().call('complete', 'ann', token)
    expect(await lua().claimOne()).toMatchObject({ reason: 'wait', deadline: START + 10_000, messages: [{ data: 'two' }] })
  })

  it('completes each of many batches, and says which are lost', async () => {
    await lua().call('add', 'ann', '1', 'FLUSH', 'NEXT', 'bob', '1', 'FLUSH', 'NEXT', 'carl', '1', 'FLUSH')
    const { batches } = await lua().claim()
    const [ann, bob, carl] = ['ann', 'bob', 'carl'].map((key) => batches.find((batch) => batch.key === key)?.token as string) as [
      string,
      string,
      string,
    ]
    expect(await lua().call('complete', 'ann', ann, 'bob', carl, 'nobody', ann, 'carl', carl)).toEqual([
      'completed',
      'lost',
      'lost',
      'completed',
    ])
    expect((await lua().call('peek', 'bob'))[0]).toBe('active')
    expect(await lua().call('complete', 'bob', bob)).toEqual(['completed'])
    expect(await lua().stats()).toMatchObject({ completed: 3, completedMessages: 3 })
    await lua().holds()
  })

  it('drops whole lists and parts of lists in one call', async () => {
    await lua().call('policy', 'MAXSIZE', 2)
    await lua().call('add', 'ann', '1', 'NEXT', 'ann', '2', 'NEXT', 'bob', '1', 'NEXT', 'bob', '2', 'NEXT', 'bob', '3')
    const { batches } = await lua().claim()
    await lua().call('add', 'carl', '1')
    expect(await lua().call('complete', ...batches.flatMap(({ key, token }) => [key, token]))).toEqual(['completed', 'completed'])
    expect((await lua().redis.keys(`${lua().root}:messages:*`)).sort()).toEqual(
      ['bob', 'carl'].map((key) => `${lua().root}:messages:${key}`),
    )
    expect(await lua().redis.lrange(`${lua().root}:messages:bob`, 0, -1)).toEqual([`${lua().now} 0 3`])
    expect(await lua().stats()).toMatchObject({ completed: 2, completedMessages: 4, messages: 2, collecting: 2 })
    await lua().holds()
  })

  it('looks when what is behind a batch is due while it may have read half a MiB by then, and opens it at once beyond that', async () => {
    for (const key of ['ann', 'bob']) await lua().call('add', key, '1', 'FLUSH')
    const { batches } = await lua().claim()
    // Of a key without options two messages are read, each as large as the largest of the queue may be.
    await lua().set({ largest: 262_144 })
    await lua().call('add', 'ann', '2', 'NEXT', 'bob', '2')
    await lua().redis.del(`${lua().root}:overrides`)
    expect(await lua().call('complete', ...batches.flatMap(({ key, token }) => [key, token]))).toEqual(['completed', 'completed'])
    const due = async (key: string) => Number(await lua().redis.zscore(`${lua().root}:due`, key)) - lua().now
    expect([await due('ann'), await due('bob')]).toEqual([10_000, 0])
  })

  it.each([
    [0, 10_000],
    [2, 0],
  ])('looks as long as that is half a MiB to the last byte, and no more: %d more', async (more, at) => {
    for (const key of ['ann', 'bob']) await lua().call('add', key, '1', 'FLUSH')
    const { batches } = await lua().claim()
    await lua().call('add', 'ann', '2', 'NEXT', 'bob', '2')
    // The one message of ann is the first and the last, and is read twice.
    const read = 2 * `${lua().now} 0 2`.length
    await lua().set({ largest: (524_288 - read + more) / 2 })
    await lua().redis.del(`${lua().root}:overrides`)
    await lua().call('complete', ...batches.flatMap(({ key, token }) => [key, token]))
    expect(await lua().redis.zscore(`${lua().root}:due`, 'bob')).toBe(String(lua().now + at))
  })

  it('opens nothing beyond that where somebody put a key of another type', async () => {
    await lua().call('add', 'ann', '1', 'FLUSH')
    const { token } = await lua().claimOne()
    await lua().set({ largest: 1_048_576 })
    await lua().redis.del(`${lua().root}:overrides`)
    await lua().redis.del(`${lua().root}:messages:ann`)
    await lua().redis.set(`${lua().root}:messages:ann`, 'mine')
    expect(await lua().call('complete', 'ann', token)).toEqual(['completed'])
    expect(await lua().redis.exists(`${lua().root}:due`)).toBe(0)
  })

  it.each(['none', '9223372036854775807'])('begins a counter anew that somebody has written: %s', async (written) => {
    await lua().call('add', 'ann', '1', 'FLUSH')
    const { token } = await lua().claimOne()
    await lua().redis.hset(lua().root, 'completed', written)
    expect(await lua().call('complete', 'ann', token)).toEqual(['completed'])
    expect(await lua().redis.hmget(lua().root, 'completed', 'completedMessages')).toEqual(['1', '1'])
  })

  it('writes no counter for a user who may not add to it', async () => {
    await lua().call('add', 'ann', '1', 'FLUSH')
    const { token } = await lua().claimOne()
    const user = await userWithout(lua(), 'hincrby')
    await expect(user.call('complete', 'ann', token)).rejects.toThrow(NO_RIGHT)
    expect(await lua().redis.hget(lua().root, 'completed')).toBe(null)
  })

  it('completes a pair that is given twice once', async () => {
    await lua().call('add', 'ann', '1', 'FLUSH', 'NEXT', 'ann', '2')
    const { token } = await lua().claimOne()
    expect(await lua().call('complete', 'ann', token, 'ann', token)).toEqual(['completed', 'lost'])
    expect(await lua().stats()).toMatchObject({ completed: 1, completedMessages: 1, messages: 1 })
    await lua().holds()
  })

  it('says lost when it is repeated, and changes nothing', async () => {
    await lua().call('add', 'ann', '1', 'FLUSH', 'NEXT', 'ann', '2', 'FLUSH')
    const { token } = await lua().claimOne()
    await lua().call('complete', 'ann', token)
    const before = await lua().keyspace()
    expect(await lua().call('complete', 'ann', token)).toEqual(['lost'])
    expect(await lua().keyspace()).toEqual(before)
    await lua().claimOne()
    expect(await lua().call('complete', 'ann', token)).toEqual(['lost'])
    await lua().holds()
  })

  it('takes no part of a token, and none of another attempt', async () => {
    await lua().call('add', 'ann', '1', 'FLUSH')
    const { token } = await lua().claimOne('LEASE', 1000)
    const [id] = token.split(':') as [string]
    const claim = (await lua().redis.hget(`${lua().root}:claims`, 'ann')) as string
    const before = await lua().keyspace()
    for (const wrong of [
      '',
      ':',
      id,
      `${id}:`,
      `${id}:2`,
      `${id}:11`,
      `${token}:1`,
      ` ${token}`,
      `${token} `,
      claim,
      '.*',
      '%d',
      `${id}:1:1:${START}`,
    ]) {
      expect(await lua().call('complete', 'ann', wrong)).toEqual(['lost'])
      expect(await lua().call('fail', 'ann', wrong)).toBe('lost')
      expect(await lua().call('extend', 1000, 'ann', wrong)).toEqual(['lost', 0])
    }
    expect(await lua().call('complete', 'bob', token)).toEqual(['lost'])
    expect(await lua().keyspace()).toEqual(before)
    await lua().tick(1000)
    const again = await lua().claimOne()
    expect(await lua().call('complete', 'ann', token)).toEqual(['lost'])
    expect(await lua().call('complete', 'ann', again.token)).toEqual(['completed'])
  })

  it('is still possible when the lease has run out and nobody else has claimed', async () => {
    await lua().call('add', 'ann', '1', 'FLUSH')
    const { token } = await lua().claimOne('LEASE', 1000)
    await lua().tick(50_000)
    expect(await lua().call('complete', 'ann', token)).toEqual(['completed'])
    expect(await lua().claim()).toMatchObject({ next: 0, batches: [] })
  })

  it.each([
    ['MISSING_ARGUMENT', 'expected pairs of key and token, got 0 arguments', []],
    ['MISSING_ARGUMENT', 'got 1 argument', ['ann']],
    ['MISSING_ARGUMENT', 'got 3 arguments', ['ann', '1-1:1', 'bob']],
    ['BAD_ARGUMENT', 'expected at most 50 pairs, got 51', Array.from({ length: 102 }, (_, n) => `${n}`)],
  ])('refuses with %s: %s', async (code, says, args) => {
    await lua().call('add', 'ann', '1', 'FLUSH')
    await lua().claimOne()
    await lua().refuses(code, says, 'complete', ...args)
  })
})
