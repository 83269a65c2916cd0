import { expect, it } from 'vitest'
import { describeBindings, START } from '../support/lua.ts'

describeBindings('scores in due that lag behind', (lua) => {
  const add = (...keys: string[]) => lua().addAll(...keys.flatMap((key, n) => [...(n > 0 ? ['NEXT'] : []), key, 'x']))
  const due = async (key: string) => Number(await lua().redis.zscore(`${lua().root}:due`, key)) - START

  /** Commands that a claim makes, by name. */
  const commandsOf = async (...args: (string | number)[]) => {
    await lua().redis.config('RESETSTAT')
    await lua().claim(...args)
    const stats = await lua().redis.info('commandstats')
    const made = [...stats.matchAll(/cmdstat_([a-z]+):calls=(\d+)/g)].map(([, name, calls]) => [name, Number(calls)] as const)
    return Object.fromEntries(made.filter(([name]) => !/^(fcall|eval|config|info)/.test(name as string)))
  }

  it('cost a few looks a second, however many keys there are', async () => {
    await lua().call('policy', 'WAIT', 1000, 'MAXWAIT', 3_600_000, 'MAXSIZE', 500)
    const [keys, every, seconds] = [200, 700, 3]
    // Each key has a message every 700 ms, the one after the other.
    const messages = Array.from({ length: Math.floor((seconds * 1000 * keys) / every) }, (_, n) => {
      return { at: START + Math.floor((n * every) / keys), key: `key${n % keys}` }
    })
    let [claims, next] = [0, START]
    for (const { at, key } of messages) {
      while (next > 0 && next < at) {
        await lua().tick(next - lua().now)
        const claimed = await lua().claim()
        expect(claimed.batches).toEqual([])
        claims += 1
        next = claimed.next
      }
      if (at > lua().now) await lua().tick(at - lua().now)
      await add(key)
      if (next === 0) next = lua().now + 1000
    }
    expect(claims).toBeLessThanOrEqual(20 * seconds)
    await lua().holds()
  })

  it('are moved also when there is but one more', async () => {
    await add('a')
    await lua().tick(50)
    await add('b')
    await lua().tick(1000)
    await add('a', 'b')
    await lua().tick(START + 10_000 - lua().now)
    expect(await lua().claim()).toMatchObject({ batches: [], next: START + 11_050 })
    expect([await due('a'), await due('b')]).toEqual([11_050, 11_050])
  })

  it.each([
    [131_072, 10_050],
    [131_071, 11_050],
  ])('are moved until half a MiB of their messages was read, the first and the last of each: %d bytes', async (bytes, last) => {
    const size = bytes - `${START} 0 `.length
    await add('a')
    await lua().tick(50)
    for (const key of ['b', 'c', 'd']) await lua().call('add', key, 'x'.repeat(size))
    await lua().tick(1000)
    for (const key of ['a', 'b', 'c', 'd']) await lua().call('add', key, 'x'.repeat(size))
    await lua().tick(START + 10_000 - lua().now)
    await lua().claim()
    expect(await Promise.all(['a', 'b', 'c', 'd'].map(due))).toEqual([11_050, 11_050, 11_050, last])
  })

  it('are moved also when fifty were looked at, and one without a list behind them', async () => {
    const keys = Array.from({ length: 50 }, (_, n) => `lags${10 + n}`)
    await add(...keys)
    await lua().tick(1)
    await add('missing')
    await lua().tick(9)
    await add('next')
    await lua().tick(1000)
    await add(...keys, 'next')
    await lua().redis.del(`${lua().root}:messages:missing`)
    await lua().tick(START + 10_001 - lua().now)
    expect((await lua().claim('LIMIT', 100)).batches).toEqual([])
    expect(await due('next')).toBe(11_010)
  })

  it('are left as they are whose list is missing', async () => {
    await add('a')
    await lua().tick(10)
    await add('b', 'c')
    await lua().tick(1000)
    await add('a', 'b', 'c')
    await lua().redis.del(`${lua().root}:messages:b`)
    await lua().tick(START + 10_000 - lua().now)
    expect((await lua().claim()).batches).toEqual([])
    expect(await Promise.all(['a', 'b', 'c'].map(due))).toEqual([11_010, 10_010, 11_010])
  })

  it('are moved together that come within 50 ms, when nothing is ready', async () => {
    await add('a', 'b')
    await lua().tick(50)
    await add('c', 'd')
    await lua().tick(1)
    await add('e')
    await lua().tick(900)
    await add('a', 'c', 'e')
    await lua().tick(9049)
    expect(lua().now).toBe(START + 10_000)
    // It is ready, so nobody looks further.
    expect((await lua().claim()).batches.map(({ key }) => key)).toEqual(['b'])
    expect([await due('a'), await due('c')]).toEqual([10_951, 10_050])
    await add('a')
    await lua().redis.zadd(`${lua().root}:due`, START + 10_000, 'a')
    expect((await lua().claim()).next).toBe(START + 10_050)
    expect(await Promise.all(['a', 'c', 'd', 'e'].map(due))).toEqual([20_000, 10_951, 10_050, 10_051])
    await lua().holds()
  })

  it('make no batch late, whatever comes to it behind such a look', async () => {
    await add('first', 'full', 'flushed', 'quiet')
    await lua().tick(9960)
    await add('first')
    await lua().redis.zadd(`${lua().root}:due`, START + 9960, 'first')
    await add('full', 'flushed')
    expect((await lua().claim()).next).toBe(START + 10_000)
    await add(...Array.from({ length: 8 }, () => 'full'))
    await lua().call('add', 'flushed', 'x', 'FLUSH')
    expect((await lua().claim()).batches.map(({ key }) => key)).toEqual(['flushed', 'full'])
    await lua().tick(40)
    expect((await lua().claim()).batches.map(({ key }) => key)).toEqual(['quiet'])
  })

  it('are a hundred a look at most', async () => {
    const keys = Array.from({ length: 150 }, (_, n) => `key${1000 + n}`)
    await add('first')
    await lua().tick(10)
    await add(...keys)
    await lua().tick(9000)
    await add('first', ...keys)
    await lua().tick(990)
    await lua().claim()
    expect(await lua().redis.zcount(`${lua().root}:due`, '-inf', START + 10_010)).toBe(50)
  })

  it('cost nothing when there are none', async () => {
    await add('ann', 'bob')
    await lua().tick(9990)
    // Two indexes are asked for what comes first.
    const { zrangebyscore, zrange, lrange, zadd } = await commandsOf()
    expect([zrangebyscore, zrange, lrange, zadd]).toEqual([undefined, 2, undefined, undefined])
    await add('ann')
    await lua().tick(10)
    // What is ready is handed out without another look ahead.
    expect(await commandsOf()).toMatchObject({ zrangebyscore: 1, lrange: 2 })
  })

  it('moves none to an earlier time, as one would go to whose wait was shortened', async () => {
    await lua().call('add', 'lags', '1')
    await lua().tick(40)
    await lua().call('add', 'waits', '1')
    await lua().tick(9959)
    await lua().call('add', 'lags', '2')
    await lua().call('policy', 'WAIT', 5000)
    await lua().tick(1)
    expect((await lua().claim()).batches).toEqual([])
    const due = await lua().redis.zrange(`${lua().root}:due`, 0, '-1', 'WITHSCORES')
    expect(due).toEqual(['waits', String(START + 10_040), 'lags', String(START + 14_999)])
  })
})
