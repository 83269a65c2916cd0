import { expect, it } from 'vitest'
import { LIMITS } from '../../src/redis/generated/limits.ts'
import { describeBindings, type TakenBatch } from '../support/lua.ts'
import { userWithout } from './users.ts'

type Options = (string | number)[]

describeBindings('fail and release of several batches', (lua) => {
  /** Claims a batch of `size` messages of each key. */
  async function claimed(keys: string[], size = 1, data = 'x'): Promise<TakenBatch[]> {
    await lua().call('policy', 'MAXSIZE', 500)
    for (const key of keys) {
      // One call takes so many.
      for (let left = size; left > 0; left -= 100) {
        const messages = Array.from({ length: Math.min(left, 100) }, (_, n) => [...(n === 0 ? [] : ['NEXT']), key, data])
        await lua().call('add', ...(messages.flat() as string[]), ...(left > 100 ? [] : ['FLUSH']))
      }
    }
    const batches: TakenBatch[] = []
    while (batches.length < keys.length) batches.push(...(await lua().claim('LIMIT', 1000)).batches)
    return batches
  }
  const together = (batches: { key: string; token: string }[], options: (n: number) => Options = () => []) =>
    batches.flatMap(({ key, token }, n) => [...(n === 0 ? [] : ['NEXT']), key, token, ...options(n)])
  const names = (count: number) => Array.from({ length: count }, (_, n) => `key ${n}`)

  it('each fails with options of its own', async () => {
    const batches = await claimed(['ann', 'bob', 'carl', 'dan'])
    const options: Options[] = [['DELAY', 70, 'ERROR', 'no'], ['ATTEMPTS', 1, 'ERROR', 'broken'], [], ['delay', 0, 'attempts', 2]]
    expect(await lua().call('fail', ...together(batches, (n) => options[n] as Options))).toEqual(['retry', 'dead', 'retry', 'retry'])
    expect(await lua().redis.hget(`${lua().root}:dead:${batches[1]?.token.replace(/:1$/, '')}`, 'error')).toBe('broken')
    expect(await lua().redis.zrange(`${lua().root}:active`, '0', '-1', 'WITHSCORES')).toEqual(
      [
        ['dan', lua().now],
        ['ann', lua().now + 70],
        ['carl', lua().now + 1000],
      ]
        .flat()
        .map(String),
    )
    expect(await lua().stats()).toMatchObject({ failed: 3, died: 1, active: 3 })
    await lua().holds()
    expect((await lua().claimOne()).token).toBe(batches[3]?.token.replace(/:1$/, ':2'))
  })

  it('are given back in one call, ready at once', async () => {
    const batches = await claimed(['ann', 'bob'])
    expect(await lua().call('release', ...together(batches, (n) => ['REASON', `reason ${n}`]))).toEqual(['released', 'released'])
    await lua().holds()
    const again = (await lua().claim()).batches
    expect(again).toEqual(batches.map((batch) => ({ ...batch, token: batch.token.replace(/:1$/, ':2') })))
  })

  it.each(['fail', 'release'] as const)(
    '%s says the same when it is repeated with its NONCE, and nothing to an older one',
    async (name) => {
      const batches = await claimed(['ann', 'bob'])
      const args = together([...batches, { key: 'carl', token: '1-1:1' }])
      const said = await lua().call(name, ...args, 'NONCE', 'me/2')
      expect(said).toEqual([...Array(2).fill(name === 'fail' ? 'retry' : 'released'), 'lost'])
      await lua().tick(5000)
      await lua().claim()
      const before = await lua().keyspace()
      expect(await lua().call(name, ...args, 'NONCE', 'me/2')).toEqual(said)
      expect(await lua().call(name, ...args, 'NONCE', 'me/1')).toEqual(['lost', 'lost', 'lost'])
      expect(await lua().keyspace()).toEqual(before)
    },
  )

  it('a NONCE holds for the call, wherever it stands', async () => {
    const [ann, bob] = (await claimed(['ann', 'bob'])) as [TakenBatch, TakenBatch]
    const call = () => lua().call('fail', ann.key, ann.token, 'NONCE', 'me/1', 'NEXT', bob.key, bob.token, 'DELAY', 0)
    expect(await call()).toEqual(['retry', 'retry'])
    await lua().claimOne()
    expect(await call()).toEqual(['retry', 'retry'])
  })

  it('one that is refused does not disturb the others', async () => {
    const batches = await claimed(['ann', 'bob', 'carl', 'dan'], 2)
    await lua().redis.del(`${lua().root}:messages:dan`)
    await lua().redis.set(`${lua().root}:messages:dan`, 'foreign')
    const options: Options[] = [['KEEP', '3'], ['DELAY', -1], ['DELAY', 5], []]
    const said = await lua().call('fail', ...together(batches, (n) => options[n] as Options))
    expect(said.map(String)).toEqual([
      expect.stringContaining('RAPIDFIRE_BAD_ARGUMENT KEEP must be ascending positions from 1 to 2'),
      expect.stringContaining("RAPIDFIRE_BAD_ARGUMENT DELAY must be an integer from 0 to 31536000000, got '-1'"),
      'retry',
      expect.stringContaining('RAPIDFIRE_WRONG_TYPE expected a list'),
    ])
    const states = await lua().redis.hmget(`${lua().root}:claims`, 'ann', 'bob', 'carl', 'dan')
    expect(states.map((claim) => claim?.split(':')[8] ?? '')).toEqual(['', '', 'retry', ''])
    const released = await lua().call('release', ...together(batches, (n) => (n === 0 ? ['REASON', 'x'.repeat(257)] : [])))
    expect(released.map(String)).toEqual([
      expect.stringContaining('RAPIDFIRE_BAD_ARGUMENT REASON'),
      'released',
      'lost',
      expect.stringContaining('RAPIDFIRE_WRONG_TYPE'),
    ])
  })

  it('one that is refused alone is kept under no NONCE: the call may be made rightly', async () => {
    const [ann] = (await claimed(['ann'])) as [TakenBatch]
    await expect(lua().call('fail', 'ann', ann.token, 'KEEP', '2', 'NONCE', 'me/1')).rejects.toThrow(/^RAPIDFIRE_BAD_ARGUMENT/)
    expect(await lua().call('fail', 'ann', ann.token, 'KEEP', '1', 'NONCE', 'me/1')).toBe('retry')
  })

  it('each is refused of whose list it may not be asked how long it is', async () => {
    await lua().call('add', 'ann', 1, 'FLUSH', 'NEXT', 'bob', 1, 'FLUSH')
    const { batches } = await lua().claim()
    const poor = await userWithout(lua(), 'llen')
    const reply = await poor.call('fail', ...batches.flatMap(({ key, token }, n) => [...(n > 0 ? ['NEXT'] : []), key, token]))
    expect(reply.map((each: unknown) => each instanceof Error)).toEqual([true, true])
  })

  it('one that is named twice ends once', async () => {
    const [ann, bob] = (await claimed(['ann', 'bob'])) as [TakenBatch, TakenBatch]
    const stale = { ...ann, token: ann.token.replace(/:1$/, ':0') }
    expect(await lua().call('fail', ...together([ann, stale, ann], (n) => ['DELAY', 10 * n]))).toEqual(['retry', 'lost', 'retry'])
    expect(await lua().stats()).toMatchObject({ failed: 1 })
    expect((await lua().claimOne()).key).toBe('ann')
    expect(await lua().call('fail', ...together([bob, bob], () => ['ATTEMPTS', 1]))).toEqual(['dead', 'dead'])
    expect(await lua().stats()).toMatchObject({ died: 1, failed: 1 })
    await lua().holds()
  })

  it('as many die in one call as are kept, and the others are tried again', async () => {
    await lua().call('policy', 'MAXDEAD', 2)
    const batches = await claimed(names(4))
    expect(await lua().call('fail', ...together(batches, () => ['ATTEMPTS', 1]))).toEqual(['dead', 'dead', 'retry', 'retry'])
    await lua().holds()
  })

  it('the watcher is told when the first of them is due', async () => {
    const batches = await claimed(names(3))
    await lua().call('claim_ready', 'WORKER', '~w', 'REST', 60_000)
    await lua().call('fail', ...together(batches, (n) => ['DELAY', [900, 300, 500][n] as number]))
    expect(await lua().redis.hget(lua().root, 'watchAt')).toBe(String(lua().now + 300))
  })

  it.each([
    ['whose messages are many', 100, 'x', 2],
    ['whose messages are large', 2, 'x'.repeat(100_000), 2],
    ['that are many', 1, 'x', Math.floor(LIMITS.moved / (1 + LIMITS.movedBatch))],
    ['of which one is more than that', 500, 'x', 1],
  ])('of batches %s a bounded number dies in one call, and the others do so in later ones', async (_, size, data, most) => {
    let left = await claimed(names(most + 2), size, data)
    const calls: number[] = []
    while (left.length > 0) {
      const untouched = await lua().redis.hgetall(`${lua().root}:claims`)
      const said = await lua().call('fail', ...together(left, () => ['ATTEMPTS', 1]))
      calls.push(([said].flat() as string[]).filter((status) => status === 'dead').length)
      left = left.filter((__, n) => [said].flat()[n] === 'again')
      for (const { key } of left) expect(await lua().redis.hget(`${lua().root}:claims`, key)).toBe(untouched[key])
      await lua().holds()
    }
    expect(calls.slice(0, -1).every((count) => count === most)).toBe(true)
    expect(calls.reduce((sum, count) => sum + count)).toBe(most + 2)
    expect(await lua().stats()).toMatchObject({ died: most + 2, active: 0 })
  })

  it('what keeps some of its messages counts as well, and what is only tried again does not', async () => {
    const batches = await claimed(names(5), 100)
    const keep = Array.from({ length: 99 }, (_, n) => n + 2).join(',')
    const said = await lua().call('fail', ...together(batches, (n) => (n === 3 ? [] : ['KEEP', keep])))
    expect(said).toEqual(['retry', 'retry', 'again', 'retry', 'again'])
    expect(await lua().redis.llen(`${lua().root}:messages:key 0`)).toBe(99)
    expect(await lua().redis.llen(`${lua().root}:messages:key 2`)).toBe(100)
    await lua().holds()
  })

  it.each(['fail', 'release'] as const)('%s writes to each index once, however many batches it is given', async (name) => {
    const writes = async (count: number) => {
      const batches = await claimed(names(count))
      await lua().redis.config('RESETSTAT')
      await lua().call(name, ...together(batches))
      const info = await lua().redis.info('commandstats')
      return ['hmget', 'hset', 'zadd', 'hincrby', 'time'].map((command) => new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(info)?.[1])
    }
    const two = await writes(2)
    await lua().reset()
    expect(await writes(LIMITS.ends)).toEqual(two)
  })

  it.each(['fail', 'release'] as const)('%s takes a bounded number of them', async (name) => {
    const batches = await claimed(names(LIMITS.ends + 1))
    await lua().refuses('BAD_ARGUMENT', `expected at most ${LIMITS.ends} batches`, name, ...together(batches))
    const some = batches.slice(1)
    expect(await lua().call(name, ...together(some))).toEqual(Array(LIMITS.ends).fill(name === 'fail' ? 'retry' : 'released'))
  })

  it.each([
    ['MISSING_ARGUMENT', 'expected a key and a token, got 0 arguments', ['NEXT']],
    ['MISSING_ARGUMENT', 'expected a key and a token, got 1 argument', ['next', 'bob']],
    ['UNKNOWN_ARGUMENT', "NONCE, NEXT; got 'x'", ['NEXT', 'bob', '1-1:1', 'x']],
    ['MISSING_ARGUMENT', 'DELAY must be followed by a value', ['NEXT', 'bob', '1-1:1', 'DELAY']],
    ['BAD_ARGUMENT', 'NONCE must be a name', ['NEXT', 'bob', '1-1:1', 'NONCE', 'me']],
  ])('nothing is done when what is behind NEXT cannot be read: %s, %s', async (code, says, behind) => {
    const [ann] = (await claimed(['ann'])) as [TakenBatch]
    await lua().refuses(code, says, 'fail', 'ann', ann.token, ...behind)
  })
})
