import { expect, it } from 'vitest'
import { describeBindings, START } from '../support/lua.ts'

describeBindings('expired leases', (lua) => {
  it('hand out the same batch again: same id and messages, next attempt, new token', async () => {
    await lua().call('add', 'ann', 'one', 'ID', 'm1', 'NEXT', 'ann', 'two')
    await lua().tick(10_000)
    const first = await lua().claimOne()
    await lua().call('add', 'ann', 'behind')
    await lua().tick(29_999)
    expect(await lua().claim()).toMatchObject({ next: START + 40_000, batches: [] })
    await lua().tick(1)
    const second = await lua().claimOne('LEASE', 500)
    expect(second).toEqual({ ...first, token: first.token.replace(/:1$/, ':2'), attempt: 2, due: START + 40_000 })
    await lua().tick(500)
    const third = { ...first, token: first.token.replace(/:1$/, ':3'), attempt: 3, due: START + 40_500 }
    await lua().tick(7)
    expect(await lua().claimOne()).toEqual(third)
    expect(await lua().stats()).toMatchObject({ batches: 1, redelivered: 2, active: 1, queued: 1, latenessSum: 0 })
    await lua().holds()
  })

  it('hand batches out also when the root was lost', async () => {
    await lua().call('add', 'ann', '1', 'FLUSH', 'NEXT', 'bob', '1', 'FLUSH')
    await lua().claim('LIMIT', 1, 'LEASE', 1)
    await lua().redis.del(lua().root)
    await lua().tick(1)
    expect((await lua().claim()).batches.map(({ key }) => key).sort()).toEqual(['ann', 'bob'])
    expect(await lua().redis.hmget(lua().root, 'batches', 'redelivered')).toEqual(['1', '1'])
  })

  it.each([
    ['all at once', 4096],
    ['one at a time, since there are large ones', 1_048_576],
  ])('hand out the messages that are left of a batch, %s', async (_, largest) => {
    await lua().call('add', 'ann', '1', 'NEXT', 'ann', '2', 'NEXT', 'ann', '3', 'NEXT', 'ann', '4', 'FLUSH')
    const { token } = await lua().claimOne('LEASE', 1)
    await lua().set({ largest })
    await lua().redis.ltrim(`${lua().root}:messages:ann`, 0, 1)
    await lua().tick(1)
    expect((await lua().claimOne()).messages.map(({ data }) => data)).toEqual(['1', '2'])
    expect(await lua().redis.hget(`${lua().root}:claims`, 'ann')).toBe(`${token.slice(0, -1)}2:2:0:2:${START}:flush:30000`)
  })

  it('share the slots with what is due for the first time', async () => {
    await lua().call('add', 'new', 'x')
    await lua().tick(100)
    await lua().call('add', 'old', 'x', 'FLUSH')
    await lua().claimOne('LEASE', 20_000)
    await lua().tick(20_000)
    const keys = [await lua().claimOne('LIMIT', 1), await lua().claimOne('LIMIT', 1)].map(({ key }) => key)
    expect(keys.sort()).toEqual(['new', 'old'])
  })

  it('make the old token worthless once the batch is claimed again', async () => {
    await lua().call('add', 'ann', 'one', 'FLUSH')
    const { token } = await lua().claimOne('LEASE', 1000)
    await lua().tick(1000)
    const { token: current } = await lua().claimOne('LEASE', 1000)
    const before = await lua().keyspace()
    expect(await lua().call('complete', 'ann', token)).toEqual(['lost'])
    expect(await lua().call('fail', 'ann', token, 'ATTEMPTS', 1)).toBe('lost')
    expect(await lua().call('extend', 99_000, 'ann', token)).toEqual(['lost', 0])
    expect(await lua().keyspace()).toEqual(before)
    expect(await lua().call('complete', 'ann', current)).toEqual(['completed'])
  })

  it('bury the batch after the last attempt, and open what is behind it', async () => {
    await lua().call('add', 'ann', 'one', 'ID', 'm1', 'NEXT', 'ann', 'two', 'FLUSH', 'NEXT', 'ann', 'behind', 'FLUSH')
    const { token } = await lua().claimOne('LEASE', 1000)
    for (let attempt = 2; attempt <= 3; attempt += 1) {
      await lua().tick(1000)
      expect((await lua().claimOne('LEASE', 1000, 'ATTEMPTS', 3)).token).toBe(token.replace(/:1$/, `:${attempt}`))
    }
    await lua().tick(1000)
    // The batch behind it comes in the same call.
    const { batches, dead } = await lua().claim('ATTEMPTS', 3, 'DEAD')
    expect(batches.map(({ messages }) => messages.map(({ data }) => data))).toEqual([['behind']])
    // What has died is told as it was handed over last.
    expect(dead).toMatchObject([
      { key: 'ann', token: token.replace(/:1$/, ':3'), attempt: 3, reason: 'flush', deadline: START, due: lua().now },
    ])
    expect(dead).toMatchObject([{ cause: 'lease', error: 'the lease of attempt 3 ran out', messages: [{ data: 'one' }, { data: 'two' }] }])
    const id = token.replace(/:1$/, '')
    expect(await lua().redis.zscore(`${lua().root}:dead`, id)).toBe(String(lua().now))
    expect(await lua().redis.hgetall(`${lua().root}:dead:${id}`)).toEqual({
      ...{ key: 'ann', attempt: '3', claim: '3', deadline: String(START), reason: 'flush' },
      ...{ cause: 'lease', error: 'the lease of attempt 3 ran out', count: '2' },
      ...{ 1: `${START} 2 m1one`, 2: `${START} 0,F two` },
    })
    expect(await lua().stats()).toMatchObject({ dead: 1, died: 1, messages: 1, redelivered: 2, failed: 0 })
    await lua().holds()
  })

  it('hold nothing up that stands behind them when they end in death, or their lists are gone', async () => {
    const keys = Array.from({ length: 12 }, (_, n) => `key ${n}`)
    const flush = (some: string[]) => lua().addAll(...some.flatMap((key, n) => [...(n > 0 ? ['NEXT'] : []), key, 'x', 'FLUSH']))
    await flush(keys)
    await lua().claim('LIMIT', 12, 'LEASE', 1)
    await lua().tick(1)
    await flush(['returned'])
    await lua().claim('LEASE', 1)
    await lua().claim('LIMIT', 12, 'LEASE', 1)
    await lua().redis.del(...keys.slice(9).map((key) => `${lua().root}:messages:${key}`))
    await lua().tick(1)
    await lua().redis.hset(`${lua().root}:claims`, 'key 0', 'not a claim')
    const { batches, dead } = await lua().claim('LIMIT', 3, 'ATTEMPTS', 2, 'DEAD')
    expect(batches.map(({ key }) => key).sort()).toEqual(['key 0', 'returned'])
    expect(dead.map(({ key }) => key)).toEqual(keys.slice(1, 9).sort())
    expect(await lua().stats()).toMatchObject({ dead: 8 })
  })

  it('bury after five attempts when nothing else is said', async () => {
    await lua().call('add', 'ann', 'one', 'FLUSH')
    for (let attempt = 1; attempt <= 5; attempt += 1) {
      expect((await lua().claimOne('LEASE', 1)).token.split(':')[1]).toBe(`${attempt}`)
      await lua().tick(1)
    }
    expect(await lua().claim()).toMatchObject({ next: 0, batches: [] })
    expect(await lua().stats()).toMatchObject({ dead: 1, messages: 0 })
  })

  it('hand the batch out once more when as many are dead as are kept', async () => {
    await lua().call('policy', 'MAXDEAD', 1)
    await lua().call('add', 'ann', '1', 'FLUSH', 'NEXT', 'bob', '1', 'FLUSH')
    await lua().claim('LEASE', 1)
    await lua().tick(1)
    const again = await lua().claimOne('LEASE', 1, 'ATTEMPTS', 1)
    expect(again).toMatchObject({ key: 'bob', attempt: 2, messages: [{ data: '1' }] })
    await lua().tick(1)
    expect(await lua().claimOne('LEASE', 1, 'ATTEMPTS', 1)).toMatchObject({ attempt: 3, token: again.token.replace(/:2$/, ':3') })
    await lua().call('policy', 'MAXDEAD', 2)
    await lua().tick(1)
    expect((await lua().claim('ATTEMPTS', 1)).batches).toEqual([])
    expect(await lua().stats()).toMatchObject({ dead: 2, active: 0 })
    await lua().holds()
  })

  it('are not looked at while LIMIT batches have come back', async () => {
    for (const key of ['a', 'b', 'c']) await lua().call('add', key, 'x', 'FLUSH')
    await lua().claim('LEASE', 1000)
    await lua().tick(1000)
    const first = await lua().claim('LIMIT', 2)
    expect([first.batches.map(({ key }) => key), first.next]).toEqual([['a', 'b'], lua().now])
    expect((await lua().claim('LIMIT', 2)).batches.map(({ key }) => key)).toEqual(['c'])
    await lua().holds()
  })
})
