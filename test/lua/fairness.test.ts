import { expect, it } from 'vitest'
import { describeBindings } from '../support/lua.ts'

/** Who comes next, when more is due than workers take at once. */
describeBindings('keys that are due together', (lua) => {
  const flood = async (keys: number, messages: number) => {
    await lua().call('policy', 'MAXBACKLOG', messages)
    for (let n = 0; n < keys; n += 1) {
      for (let left = messages; left > 0; left -= 500) {
        const some = Array.from({ length: Math.min(left, 500) }, (_, at) => [...(at > 0 ? ['NEXT'] : []), `flood${n}`, 'x'])
        await lua().addAll(...some.flat())
      }
    }
  }

  /** Workers with so many slots in all handle what is due, each batch for 100 ms; before each round `before` is called. Returns the keys of each round. */
  const rounds = async (count: number, slots: number, before: (round: number) => Promise<unknown>) => {
    const taken: string[][] = []
    for (let round = 0; round < count; round += 1) {
      await before(round)
      const { batches } = await lua().claim('LIMIT', slots)
      taken.push(batches.map(({ key }) => key))
      await lua().tick(100)
      if (batches.length > 0) await lua().call('complete', ...batches.flatMap(({ key, token }) => [key, token]))
    }
    return taken
  }

  it.each([
    ['ten flooded ones and ten slots', 10, 10, 1],
    ['ten flooded ones and four slots', 10, 4, 3],
    ['nine flooded ones and one slot', 9, 1, 9],
  ])('take turns: %s', async (_, keys, slots, handlers) => {
    await flood(keys, 1000)
    const taken = await rounds(4 * handlers + 1, slots, async (round) => {
      // When the workers have been through all of them once.
      if (round === handlers) await lua().call('add', 'fresh', 'x', 'FLUSH')
    })
    const waited = taken.findIndex((batch) => batch.includes('fresh')) - handlers
    expect(waited).toBeGreaterThanOrEqual(0)
    expect(waited).toBeLessThanOrEqual(handlers)
    // And each of the flooded ones had its turns. Of those that are left at one ms, the order is that of their names.
    const turns = Array.from({ length: keys }, (_, n) => taken.flat().filter((key) => key === `flood${n}`).length)
    expect(Math.max(...turns)).toBeLessThanOrEqual(2 * Math.min(...turns))
    await lua().holds()
  })

  it('take turns also where messages have options, come back from the dead, or are put in order', async () => {
    await lua().call('add', 'optional', 'x', 'FLUSH', 'NEXT', 'back', 'x', 'FLUSH', 'NEXT', 'lost', 'x', 'FLUSH')
    const { batches } = await lua().claim()
    const back = batches.find(({ key }) => key === 'back')?.token as string
    await lua().call('fail', 'back', back, 'ATTEMPTS', 1)
    await lua().call('add', 'optional', 'x', 'FLUSH')
    await lua().tick(50_000)
    await lua().call('add', 'first', 'x', 'FLUSH')
    await lua().tick(1)
    await lua().call('requeue', back.slice(0, -2))
    await lua().call('complete', 'optional', batches.find(({ key }) => key === 'optional')?.token as string)
    await lua().redis.zrem(`${lua().root}:active`, 'lost')
    await lua().redis.hdel(`${lua().root}:claims`, 'lost')
    await lua().call('repair', 'messages:lost')
    expect((await lua().claim()).batches.map(({ key }) => key)).toEqual(['first', 'back', 'lost', 'optional'])
    await lua().holds()
  })

  it('keep their turn, whatever comes to them meanwhile', async () => {
    await lua().call('add', 'dead', 'x', 'FLUSH')
    const { token } = await lua().claimOne()
    await lua().call('fail', 'dead', token, 'ATTEMPTS', 1)
    for (const key of ['dead', 'full', 'optional']) await lua().call('add', key, 'x', ...(key === 'full' ? [] : ['FLUSH']))
    await lua().tick(20_000)
    await lua().call('add', 'last', 'x', 'FLUSH')
    await lua().tick(1)
    await lua().call('add', 'optional', 'x', 'FLUSH')
    for (let n = 0; n < 12; n += 1) await lua().call('add', 'full', 'x')
    await lua().call('requeue', token.slice(0, -2))
    expect((await lua().claim()).batches.map(({ key }) => key)).toEqual(['dead', 'optional', 'full', 'last'])
  })

  it('are all handed out by one pass that were due before it, and what was left of them', async () => {
    await flood(2, 100)
    await lua().tick(20_000)
    const before = lua().now
    const passed: string[] = []
    for (let more = true; more; ) {
      await lua().tick(1)
      // What becomes due meanwhile, also with a score that lags behind, is left.
      await lua().call('add', `later${lua().now}`, 'x', 'FLUSH', 'NEXT', 'full', 'x')
      const { batches, next } = await lua().claim('LIMIT', 3, 'BEFORE', before)
      more = batches.length > 0
      expect(next).toBeGreaterThan(before)
      passed.push(...batches.map(({ key }) => key))
      if (more) await lua().call('complete', ...batches.flatMap(({ key, token }) => [key, token]))
    }
    expect([passed.length, new Set(passed)]).toEqual([20, new Set(['flood0', 'flood1'])])
    expect((await lua().claim('LIMIT', 100)).batches).toHaveLength(12)
  })

  /** So many batches that have failed and whose pauses end now, first attempts that are due after them, and the calls that they take. */
  const failed = async (count: number, key = 'bad') => {
    for (let n = 0; n < count; n += 1) await lua().call('add', `${key}${n}`, 'x', 'FLUSH')
    const { batches } = await lua().claim('LIMIT', count)
    for (const { key, token } of batches) await lua().call('fail', key, token, 'DELAY', 100, 'ATTEMPTS', 1000)
    await lua().tick(100)
  }
  const fresh = async (count: number, more = '') => {
    for (let n = 0; n < count; n += 1) await lua().call('add', `fresh${more}${n}`, 'x', 'FLUSH')
  }
  const kinds = async (...args: (string | number)[]) => {
    const { batches } = await lua().claim(...args)
    return batches.map(({ key }) => key.replace(/\d+$/, '')).sort()
  }
  const some = (count: number, kind: string): string[] => Array.from({ length: count }, () => kind)

  it('are handled beside 200 that fail again and again', async () => {
    const slots = 10
    const failing = new Set(Array.from({ length: 200 }, (_, n) => `bad${n}`))
    for (const key of failing) await lua().call('add', key, 'x', 'FLUSH')
    let [added, handled, retried] = [0, 0, 0]
    for (let round = 0; round < 100; round += 1) {
      // By then all of them have failed once.
      if (round >= 40) await fresh(4, `${round}.`).then(() => (added += 4))
      const { batches } = await lua().claim('LIMIT', slots)
      await lua().tick(100)
      for (const { key, token, attempt } of batches) {
        if (failing.has(key)) await lua().call('fail', key, token, 'DELAY', 1000, 'ATTEMPTS', 1000)
        else await lua().call('complete', key, token)
        if (attempt > 1) retried += 1
        if (!failing.has(key)) handled += 1
      }
      // Four of ten slots are less than half, so none waits.
      if (round >= 40) expect(handled).toBe(added)
    }
    expect(retried).toBe(100 * slots - 200 - handled)
    await lua().holds()
  })

  it('share the slots with those that come back, half and half', async () => {
    await failed(20)
    await fresh(20)
    expect(await kinds('LIMIT', 6)).toEqual([...some(3, 'bad'), ...some(3, 'fresh')])
    const turns = [await kinds('LIMIT', 5), await kinds('LIMIT', 5)].map((taken) => taken.filter((kind) => kind === 'bad').length)
    expect(turns.sort()).toEqual([2, 3])
    await lua().holds()
  })

  it('have turns when one batch at a time is asked for', async () => {
    await failed(6)
    await fresh(4)
    const taken: string[] = []
    for (let n = 0; n < 10; n += 1) taken.push(...(await kinds('LIMIT', 1)))
    const [one, other] = taken as [string, string]
    expect(new Set([one, other])).toEqual(new Set(['bad', 'fresh']))
    expect(taken).toEqual([one, other, one, other, one, other, one, other, 'bad', 'bad'])
  })

  it.each([
    [[], 'bad'],
    [['batches', 2], 'bad'],
    [['redelivered', 2], 'bad'],
    [['batches', 1], 'fresh'],
    [['redelivered', 1], 'fresh'],
  ])('have turns by what was counted, also when a part of that was lost: %j', async (counted, first) => {
    await failed(1)
    await fresh(1)
    await lua().redis.hdel(lua().root, 'batches', 'redelivered')
    if (counted.length > 0) await lua().redis.hset(lua().root, ...counted)
    expect(await kinds('LIMIT', 1)).toEqual([first])
  })

  it('leave to those that come back what they do not need, and get what those leave', async () => {
    await failed(7)
    await fresh(2)
    expect(await kinds('LIMIT', 8)).toEqual([...some(6, 'bad'), ...some(2, 'fresh')])
    await fresh(9, 'er')
    expect(await kinds('LIMIT', 8)).toEqual([...some(1, 'bad'), ...some(7, 'fresher')])
    expect(await kinds('LIMIT', 8)).toEqual(some(2, 'fresher'))
  })

  it('come behind what was given back', async () => {
    await failed(4)
    await fresh(3, 'back')
    const taken = (await lua().claim('LIMIT', 7)).batches
    for (const { key, token } of taken) {
      if (key.startsWith('bad')) await lua().call('fail', key, token, 'DELAY', 0)
      else await lua().call('release', key, token)
    }
    await fresh(4, 'er')
    const { batches } = await lua().claim('LIMIT', 7)
    expect(batches.slice(0, 3).map(({ key }) => key)).toEqual(['freshback0', 'freshback1', 'freshback2'])
    const others = batches.slice(3).map(({ key }) => key.replace(/\d+$/, ''))
    expect(others.sort()).toEqual([...some(2, 'bad'), ...some(2, 'fresher')])
  })

  it('share also the work that one call does', async () => {
    const large = 'x'.repeat(80_000)
    for (let n = 0; n < 8; n += 1) await lua().call('add', `bad${n}`, large, 'FLUSH')
    for (let n = 0; n < 2; n += 1) {
      for (const { key, token } of (await lua().claim('LIMIT', 8)).batches) await lua().call('fail', key, token, 'DELAY', 100)
    }
    await lua().tick(100)
    for (let n = 0; n < 8; n += 1) await lua().call('add', `fresh${n}`, large, 'FLUSH')
    expect(await kinds()).toEqual([...some(3, 'bad'), ...some(4, 'fresh')])
  })

  it('are claimed once where a call that was cut off has left a key in both indexes', async () => {
    await failed(3)
    await fresh(1)
    // Its claim is gone, and its messages are an open batch.
    await lua().redis.zadd(`${lua().root}:due`, lua().now - 1, 'bad0')
    await lua().redis.hdel(`${lua().root}:claims`, 'bad0')
    for (let n = 0; n < 2; n += 1) {
      const { batches } = await lua().claim('LIMIT', 3 - 2 * n)
      for (const { key, token } of batches) expect(await lua().call('extend', 1000, key, token)).toEqual(['extended', 0])
    }
    await lua().holds()
  })
})
