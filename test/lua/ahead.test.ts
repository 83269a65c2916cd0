import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { brokenLaws } from '../support/laws.ts'
import { describeBindings, START } from '../support/lua.ts'
import { NO_RIGHT, userWithout } from './users.ts'

const HOUR = 3_600_000

describeBindings('a clock that goes back', (lua) => {
  const claim = (...more: (string | number)[]) => lua().claim('WORKER', 'w1', ...more)
  const looked = async () => Number(await lua().redis.hget(lua().root, 'looked'))
  const score = async (index: string, key: string) => Number(await lua().redis.zscore(`${lua().root}:${index}`, key)) - lua().now

  it('keeps no open batch for longer than its wait', async () => {
    await lua().call('add', 'ann', '1')
    await claim()
    expect(await looked()).toBe(START)
    await lua().tick(-HOUR)
    await lua().call('add', 'bob', '1')
    // The last message of ann lies in the future.
    expect((await claim()).batches.map(({ key }) => key)).toEqual(['ann'])
    await lua().tick(10_000)
    expect((await claim()).batches.map(({ key }) => key)).toEqual(['bob'])
    expect((await brokenLaws(lua().redis, lua().root)).filter((law) => !law.startsWith('received'))).toEqual([])
  })

  it('lets a batch go on collecting that messages have come to since', async () => {
    await lua().call('add', 'ann', '1')
    await claim()
    await lua().tick(-HOUR)
    await lua().call('add', 'ann', '2')
    const { next, batches } = await claim('REST', HOUR)
    expect([batches, next]).toEqual([[], lua().now + 10_000])
    await lua().tick(10_000)
    expect((await claim()).batches.map(({ messages }) => messages.length)).toEqual([2])
  })

  it('keeps no lease and no pause for longer than it was granted', async () => {
    await lua().call('add', 'held', '1', 'FLUSH', 'NEXT', 'failed', '1', 'FLUSH')
    const { batches } = await claim('LEASE', 5000)
    await lua().call('fail', 'failed', batches.find(({ key }) => key === 'failed')?.token as string, 'DELAY', 2000)
    await claim()
    await lua().tick(-HOUR)
    await claim()
    expect([await score('active', 'held'), await score('active', 'failed')]).toEqual([5000, 2000])
    await lua().tick(2000)
    expect((await claim()).batches.map(({ key }) => key)).toEqual(['failed'])
    await lua().tick(3000)
    expect((await claim()).batches.map(({ key }) => key)).toEqual(['held'])
  })

  it('ends all promises to look, first of those that stand by, and is noted when no worker is there to say so', async () => {
    for (const worker of ['w1', '~w2', '~w3', '~w4']) await lua().call('claim_ready', 'WORKER', worker)
    const promises = async () => [
      await lua().redis.zcard(`${lua().root}:watch:standby`),
      ...(await lua().redis.hmget(lua().root, 'watchAt', 'looked')),
    ]
    expect(await promises()).toEqual([3, String(START + 1000), String(START)])
    await lua().tick(-HOUR)
    const poor = await userWithout(lua(), 'hset')
    await expect(poor.call('claim_ready')).rejects.toThrow(NO_RIGHT)
    expect(await promises()).toEqual([0, String(START + 1000), String(START)])
    expect(await lua().call('claim_ready')).toEqual([lua().now, 0])
    expect(await promises()).toEqual([0, '0', String(lua().now)])
  })

  it('is undone at most a hundred entries a call, until nothing is left', async () => {
    for (let n = 0; n < 150; n += 1) await lua().call('add', `open${n}`, '1')
    for (let n = 0; n < 60; n += 1) await lua().call('add', `held${n}`, '1', 'FLUSH')
    await claim('LIMIT', 60)
    await claim()
    await lua().tick(-HOUR)
    const ahead = async () => {
      const [due, active] = await Promise.all(
        ['due', 'active'].map((index) => lua().redis.zcount(`${lua().root}:${index}`, lua().now + 40_000, '+inf')),
      )
      return [due, active]
    }
    expect(await ahead()).toEqual([150, 60])
    await lua().redis.config('RESETSTAT')
    await claim('LIMIT', 1)
    expect(await lua().redis.info('commandstats')).toMatch(/cmdstat_zrevrangebyscore:calls=1,/)
    expect(await ahead()).toEqual([50, 60])
    expect(await looked()).toBe(START)
    await claim('LIMIT', 1)
    expect(await ahead()).toEqual([0, 10])
    expect(await looked()).toBe(START)
    await claim('LIMIT', 1)
    expect(await ahead()).toEqual([0, 0])
    expect(await looked()).toBe(lua().now)
  })

  it.each([99, 100])('is known to be undone when a call could have lowered one entry more: %d', async (count) => {
    await lua().addAll(
      ...Array.from({ length: count }, (_, n) => ['NEXT', `open${n}`, '1'])
        .flat()
        .slice(1),
    )
    await claim()
    await lua().tick(-HOUR)
    await claim('BEFORE', 0)
    expect(await looked()).toBe(count < 100 ? lua().now : START)
  })

  it('is undone in active as far as a hundred entries reach behind those of due', async () => {
    for (let n = 0; n < 99; n += 1) await lua().call('add', `open${n}`, '1')
    for (let n = 0; n < 2; n += 1) await lua().call('add', `held${n}`, '1', 'FLUSH')
    await claim('LIMIT', 2)
    await claim()
    await lua().tick(-HOUR)
    for (const left of [1, 0]) {
      await claim('BEFORE', 0)
      expect(await lua().redis.zcount(`${lua().root}:active`, lua().now + 40_000, '+inf')).toBe(left)
    }
  })

  it('leaves what a message of its own asks for, however many', async () => {
    for (let n = 0; n < 120; n += 1) await lua().call('add', `long${n}`, '1', 'WAIT', 10 * HOUR, 'MAXWAIT', 10 * HOUR)
    await lua().call('add', 'ann', '1')
    await claim()
    await lua().tick(-5000)
    for (let n = 0; n < 120; n += 1) await lua().call('add', `long${n}`, '2', 'WAIT', 10 * HOUR, 'MAXWAIT', 10 * HOUR)
    await claim()
    await claim()
    expect(await looked()).toBe(lua().now)
    expect(await score('due', 'long0')).toBeGreaterThan(9 * HOUR)
  })

  it('looks at a thousand entries in a call, those first that lie furthest ahead', async () => {
    const long = (count: number) =>
      Array.from({ length: count }, (_, n) => ['NEXT', `long${n}`, '1', 'WAIT', 10 * HOUR, 'MAXWAIT', 10 * HOUR])
        .flat()
        .slice(1)
    for (const [count, left] of [
      [999, 10_000],
      [1000, HOUR + 10_000],
    ] as const) {
      await lua().reset()
      await lua().call('add', 'ann', '1')
      await claim()
      await lua().tick(-HOUR)
      await lua().addAll(...long(count))
      // Its message lies in the future, and it is no more looked at than a claim does: what is due then is not taken.
      await claim('BEFORE', 0)
      expect(await score('due', 'ann')).toBe(left === 10_000 ? 0 : left)
      expect(await looked()).toBe(lua().now)
    }
  })

  it('leaves what lies no further ahead than the longest wait that the policy had', async () => {
    await lua().call('add', 'ann', '1')
    await lua().call('policy', 'WAIT', 1000)
    await lua().tick(5000)
    await claim('BEFORE', 0)
    await lua().tick(-2000)
    await claim('BEFORE', 0)
    expect(await lua().redis.zscore(`${lua().root}:due`, 'ann')).toBe(String(START + 10_000))
    expect(await looked()).toBe(lua().now)
  })

  it('makes the promise of the watcher worthless', async () => {
    await claim('REST', HOUR)
    await lua().tick(-HOUR)
    expect((await lua().claim('WORKER', 'w2')).next).toBe(lua().now + 1000)
    expect(await lua().redis.hget(lua().root, 'watcher')).toBe('w2')
  })

  it('makes no message wait that comes to a batch from before, or behind one', async () => {
    await claim()
    await lua().call(
      'add',
      'ann',
      '1',
      'FLUSH',
      'NEXT',
      'bob',
      '1',
      'WAIT',
      500,
      'NEXT',
      'cyd',
      '1',
      'NEXT',
      'cyd',
      '2',
      'NEXT',
      'cyd',
      '3',
    )
    await lua().redis.zrem(`${lua().root}:due`, 'cyd')
    await lua().tick(-HOUR)
    // It notices that the clock has gone back, and takes nothing.
    await claim('BEFORE', lua().now - 1)
    await lua().call('policy', 'MAXSIZE', 3)
    await lua().call('add', 'ann', '2', 'WAIT', 700, 'NEXT', 'bob', '2', 'WAIT', 700, 'NEXT', 'cyd', '4')
    expect(await Promise.all(['ann', 'bob', 'cyd'].map((key) => score('due', key)))).toEqual([0, 0, 0])
    expect((await claim()).batches.map(({ key, messages }) => [key, messages.length])).toEqual([
      ['ann', 1],
      ['cyd', 3],
    ])
  })

  it('makes nothing wait that comes back from the dead', async () => {
    await lua().call('add', 'ann', '1', 'FLUSH')
    const { token } = (await claim()).batches[0] as { token: string }
    await lua().call('fail', 'ann', token, 'ATTEMPTS', 1)
    await lua().tick(-HOUR)
    await claim()
    expect(await lua().call('requeue', token.slice(0, -2))).toEqual(['requeued'])
    expect((await claim()).batches).toHaveLength(1)
  })

  it('is not looked for when it is put right by less than a second', async () => {
    await lua().call('add', 'ann', '1')
    await claim()
    await lua().tick(-1000)
    // The promise of the watcher would be worthless, if the clock had gone back further.
    await lua().claim()
    expect(await lua().redis.hget(lua().root, 'watchAt')).toBe(String(lua().now + 2000))
    await claim()
    expect(await score('due', 'ann')).toBe(11_000)
    expect(await looked()).toBe(lua().now)
    await lua().holds()
  })

  it('is noticed by forward too', async () => {
    await lua().call('add', 'ann', '1')
    await lua().call('forward', 'batches', 'WORKER', 'w1')
    await lua().tick(-HOUR)
    expect((await lua().call('forward', 'batches'))[2]).toBe(1)
  })

  it('does not hide what is left behind a batch', async () => {
    await lua().call('add', 'ann', '1', 'FLUSH', 'NEXT', 'ann', '2')
    const { token } = (await claim()).batches[0] as { token: string }
    await claim()
    await lua().tick(-HOUR)
    await claim()
    await lua().call('complete', 'ann', token)
    expect((await claim()).batches).toHaveLength(1)
  })

  it('makes nobody wait longer than the longest wait, lease or pause, whatever happened before', { timeout: 60_000 }, async () => {
    const KEY = fc.constantFrom('ann', 'bob', 'cyd')
    const MS = fc.constantFrom(0, 100, 900, 1000, 3000)
    const step = fc.oneof(
      fc.record({ what: fc.constant('add' as const), key: KEY, wait: fc.option(MS.map((ms) => ms + 1)), flush: fc.boolean() }),
      fc.record({ what: fc.constant('claim' as const), worker: fc.boolean(), limit: fc.integer({ min: 1, max: 3 }) }),
      fc.record({ what: fc.constantFrom('fail' as const, 'release' as const, 'extend' as const, 'complete' as const), ms: MS }),
      fc.record({ what: fc.constant('tick' as const), ms: fc.oneof(MS, fc.constantFrom(-500, -2000, -HOUR)) }),
    )
    const property = fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      await lua().reset()
      await lua().call('policy', 'WAIT', 1000, 'MAXWAIT', 4000)
      await claim()
      let held: { key: string; token: string }[] = []
      for (const each of steps) {
        if (each.what === 'add') {
          await lua().call(
            'add',
            each.key,
            'x',
            ...(each.wait ? ['WAIT', each.wait, 'MAXWAIT', 4000] : []),
            ...(each.flush ? ['FLUSH'] : []),
          )
        } else if (each.what === 'claim') {
          const { batches } = await lua().claim('LIMIT', each.limit, 'LEASE', 3000, ...(each.worker ? ['WORKER', 'w1'] : []))
          held.push(...batches)
        } else if (each.what === 'tick') {
          await lua().tick(each.ms)
          // A worker looks once a second.
          await claim('LEASE', 3000).then(({ batches }) => held.push(...batches))
        } else {
          const { key, token } = held.pop() ?? { key: 'ann', token: '1-1:1' }
          const args = { fail: ['DELAY', each.ms, 'ATTEMPTS', 1000], release: [], extend: [], complete: [] }[each.what]
          await lua().call(each.what, ...(each.what === 'extend' ? [each.ms + 1] : []), key, token, ...args)
        }
      }
      held = []
      let left = 1
      for (let ms = 0; ms < 12_000 && left > 0; ms += 500) {
        await lua().tick(500)
        for (const { key, token } of (await claim('LEASE', 3000, 'ATTEMPTS', 1000)).batches) await lua().call('complete', key, token)
        left = (await lua().redis.keys(`${lua().root}:messages:*`)).length
      }
      expect(left).toBe(0)
    })
    await fc.assert(property, { numRuns: 150 })
  })

  describe('is seen by check', () => {
    it('and mended by repair', async () => {
      await lua().call('add', 'ann', '1', 'NEXT', 'held', '1', 'FLUSH')
      await lua().claim()
      await lua().tick(-HOUR)
      expect((await brokenLaws(lua().redis, lua().root)).sort()).toEqual([
        `due-ahead: messages:ann: it is due in ${HOUR + 10_000} ms, the longest wait is 10000 ms: the clock of Redis has gone back`,
        `lease-ends: messages:held: its lease or pause of 30000 ms ends in ${HOUR + 30_000} ms: the clock of Redis has gone back`,
        'received: messages:ann: in the future: 1 of 1 message; the clock of Redis has gone back',
        'received: messages:held: in the future: 1 of 1 message; the clock of Redis has gone back',
      ])
      expect(await lua().call('repair', 'messages:ann', 'messages:held')).toEqual([
        'moved to its deadline',
        'lowered to the lease that was granted',
      ])
      expect((await brokenLaws(lua().redis, lua().root)).filter((law) => !law.startsWith('received'))).toEqual([])
      expect((await lua().call('peek', 'ann')).slice(0, 3)).toEqual(['ready', lua().now, lua().now])
      expect((await lua().claimOne()).key).toBe('ann')
    })

    it('and a wait that a message asks for is none', async () => {
      await lua().call('add', 'ann', '1', 'WAIT', 10 * HOUR, 'MAXWAIT', 10 * HOUR)
      await lua().holds()
    })
  })
})
