import { expect, it } from 'vitest'
import { describeBindings } from '../support/lua.ts'

/** Who comes next, when more is due than workers take at once. */
describeBindings('keys that are due together', (lua) => {
  const flood = async (keys: number, messages: number) => {
    await lua().call('policy', 'MAXBACKLOG', messages)
    for (let n = 0; n < keys; n += 1) {
      for (let left = messages; left > 0; left -= 500) {
        const some = Array.from({ length: Math.min(left, 500) }, (_, at) => [...(at > 0 ? ['NEXT'] : []), `flood${n}`, 'x'])
        await lua().call('add', ...some.flat())
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
})
