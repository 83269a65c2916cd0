import fc from 'fast-check'
import { Redis } from 'ioredis'
import { describe, expect, it } from 'vitest'
import { urlOf } from '../support/acl.ts'
import { brokenLaws } from '../support/laws.ts'
import { describeBindings, expiryOf, Lua } from '../support/lua.ts'
import { bury } from './dead-batches.ts'
import { userWithout } from './users.ts'
import { useWatch, Watchers, wakesOf } from './watchers.ts'

describeBindings('watch', (lua) => {
  const { claim, next, listen, heard, standbys } = useWatch(lua)

  it('lets the first idle worker look when the next batch is due, and the others once a second', async () => {
    await listen()
    await lua().call('policy', 'WAIT', 300, 'MAXWAIT', 300)
    await lua().call('add', 'ann', '"Hi"')
    expect(await next('w1')).toBe(300)
    expect(await next('w2')).toBe(1000)
    expect(await next('w3')).toBe(1000)
    expect(await heard()).toEqual([])
  })

  it('lets those that stand by look the more seldom the more there are, from nine on', async () => {
    await listen()
    await lua().redis.hset(lua().root, 'watcher', 'w', 'watchAt', lua().now + 1000)
    const standby = `${lua().root}:watch:standby`
    const stand = async (count: number) => {
      await lua().redis.del(standby)
      await lua().redis.zadd(standby, ...Array.from({ length: count }, (_, n) => [lua().now + 1, `w${n}`]).flat())
    }
    for (const [others, after] of [
      [8, 1000],
      [9, 1125],
      [79, 9875],
      [80, 10_000],
      [81, 10_000],
    ] as const) {
      await stand(others)
      expect([others, await next('one more')]).toEqual([others, after])
      expect(await lua().redis.zscore(standby, 'one more')).toBe(String(lua().now + after))
    }
    for (const [rest, after] of [
      [401, 1002],
      [9999, 10_000],
      [10_001, 10_000],
      [33_000, 10_000],
    ] as const) {
      await stand(20)
      expect([rest, await next('one more', 'REST', rest)]).toEqual([rest, after])
    }
  })

  it('lets nobody stand by who is the watcher', async () => {
    await listen()
    await claim('w1')
    await lua().tick(500)
    await claim('w2')
    expect(await standbys()).toEqual(['w2'])
    await lua().tick(500)
    await claim('w2')
    expect(await lua().redis.hget(lua().root, 'watcher')).toBe('w2')
    expect(await standbys()).toEqual([])
  })

  it('lets even the watcher look once a second', async () => {
    await listen()
    expect(await next('w1')).toBe(1000)
    await lua().call('add', 'ann', '"Hi"')
    expect(await next('w1')).toBe(1000)
  })

  it('says nothing of a worker to a claim without one', async () => {
    await listen()
    await lua().call('add', 'ann', '"Hi"')
    expect((await lua().call('claim_ready'))[1]).toBe(lua().now + 10_000)
    expect(await lua().redis.hget(lua().root, 'watcher')).toBeNull()
    await lua().call('add', 'ann', '"now"', 'FLUSH')
    expect(await heard()).toEqual([])
  })

  it.each<[string, (lua: Lua) => Promise<unknown>, number]>([
    ['a flush', (lua) => lua.call('add', 'ann', '"Hi"', 'FLUSH'), 0],
    ['a full batch', (lua) => lua.call('add', ...Array(10).fill(['ann', '"Hi"', 'NEXT']).flat().slice(0, -1)), 0],
    ['a batch that is due a ms earlier', (lua) => lua.call('add', 'ann', '"Hi"', 'WAIT', 999), 999],
    ['a shorter wait', (lua) => lua.call('add', 'ann', '"Hi"', 'WAIT', 200), 200],
    ['one by the policy', (lua) => lua.call('policy', 'WAIT', 300).then(() => lua.call('add', 'ann', '"Hi"')), 300],
    ['a shorter maxWait', (lua) => lua.call('add', 'ann', '"Hi"', 'MAXWAIT', 150), 150],
    ['a smaller size', (lua) => lua.call('add', 'ann', '"Hi"', 'MAXSIZE', 1), 0],
  ])('tells the watcher alone of %s', async (_, act, after) => {
    await listen()
    await claim('w1')
    await claim('w2')
    await act(lua())
    expect(await heard()).toEqual([`w1 ${lua().now + after}`])
  })

  it('tells it once of batches with the same deadline, and again of an earlier one', async () => {
    await listen()
    await claim('w1')
    for (const key of ['ann', 'bob', 'cid']) await lua().call('add', key, '"Hi"', 'WAIT', 500)
    await lua().call('add', 'dan', '"Hi"', 'WAIT', 600)
    await lua().call('add', 'eve', '"Hi"', 'WAIT', 400)
    expect(await heard()).toEqual([`w1 ${lua().now + 500}`, `w1 ${lua().now + 400}`])
  })

  it.each([
    ['with options of their own', ['ann', '"Hi"', 'WAIT', 300, 'NEXT', 'bob', '"Hi"', 'WAIT', 400]],
    ['the last of them without options', ['ann', '"Hi"', 'WAIT', 300, 'NEXT', 'bob', '"Hi"']],
    ['the first of them without options', ['bob', '"Hi"', 'NEXT', 'ann', '"Hi"', 'WAIT', 300]],
  ])('tells it of the first deadline of several messages in one call, %s', async (_, args) => {
    await listen()
    await lua().call('policy', 'WAIT', 500)
    await claim('w1')
    await lua().call('add', ...args)
    expect(await heard()).toEqual([`w1 ${lua().now + 300}`])
  })

  it.each([
    ['the sooner of them first', 300, 400],
    ['the later of them first', 400, 300],
  ])('tells it of the first deadline of keys that get several messages with options, %s', async (_, ann, bob) => {
    await listen()
    await claim('w1')
    const message = (key: string, wait: number) => [key, '"Hi"', 'WAIT', wait]
    await lua().call(
      'add',
      ...[message('ann', 900), message('bob', 900), message('ann', ann), message('bob', bob)].flatMap((each) => ['NEXT', ...each]).slice(1),
    )
    expect(await heard()).toEqual([`w1 ${lua().now + 300}`])
  })

  it('tells it of the first deadline behind several batches that are completed in one call', async () => {
    await listen()
    await lua().call('add', 'ann', '"Hi"', 'FLUSH', 'NEXT', 'bob', '"Hi"', 'FLUSH')
    const [, , ...batches] = await claim('w1')
    await lua().call('add', 'ann', '"behind"', 'WAIT', 300, 'NEXT', 'bob', '"behind"', 'WAIT', 400)
    await lua().call('complete', ...batches.flatMap(([key, token]: [string, string]) => [key, token]))
    expect(await heard()).toEqual([`w1 ${lua().now + 300}`])
  })

  it('tells it of the first deadline of several dead batches that are put back in one call', async () => {
    await listen()
    await lua().call('add', 'ann', '"Hi"')
    await lua().tick(50)
    await lua().call('add', 'bob', '"Hi"')
    await lua().tick(10_000)
    const [, , ...batches] = await lua().call('claim_ready')
    for (const [key, token] of batches) await lua().call('fail', key, token, 'ATTEMPTS', 1)
    // A lengthened wait holds at once.
    await lua().call('policy', 'WAIT', 10_500)
    await claim('w1')
    await lua().call('requeue', ...batches.map(([, token]: [string, string]) => token.slice(0, -2)))
    expect(await heard()).toEqual([`w1 ${lua().now + 450}`])
  })

  it('does not tell a watcher whose time has come: it looks anyway', async () => {
    await listen()
    await claim('w1')
    await lua().tick(1000)
    await lua().call('add', 'ann', '"Hi"', 'FLUSH')
    expect(await heard()).toEqual([])
  })

  it('does not tell it of what was due before that time either', async () => {
    await listen()
    const id = await bury(lua(), 'ann', 1)
    await claim('w1')
    await lua().tick(1000)
    await lua().call('requeue', id)
    expect(await heard()).toEqual([])
  })

  it('does not tell it of what a claim leaves that was due before that time', async () => {
    await lua().call('add', 'ann', '"Hi"', 'FLUSH', 'NEXT', 'bob', '"Hi"', 'FLUSH')
    await claim('w1', 'BEFORE', 1)
    const watchAt = lua().now + 1000
    await lua().redis.hset(lua().root, 'watchAt', watchAt)
    await lua().tick(1000)
    await listen()
    expect(await lua().call('claim_ready', 'LIMIT', 1)).toHaveLength(3)
    expect([await heard(), await lua().redis.hget(lua().root, 'watchAt')]).toEqual([[], String(watchAt)])
  })

  it.each<[string, number, (lua: Lua, token: string) => Promise<unknown>]>([
    ['what is ready behind a batch that is completed', 0, (lua, token) => lua.call('complete', 'ann', token)],
    ['what is ready behind a batch that has died', 0, (lua, token) => lua.call('fail', 'ann', token, 'ATTEMPTS', 1)],
    ['a failure whose pause ends early', 70, (lua, token) => lua.call('fail', 'ann', token, 'DELAY', 70)],
    ['a failure without a pause', 0, (lua, token) => lua.call('fail', 'ann', token, 'DELAY', 0)],
    ['a batch that is given back', 0, (lua, token) => lua.call('release', 'ann', token)],
  ])('tells the watcher of %s', async (_, after, act) => {
    await listen()
    await lua().call('add', 'ann', '"Hi"', 'FLUSH')
    const [, , batch] = await claim('w1')
    await lua().call('add', 'ann', '"behind"', 'FLUSH')
    expect(await heard()).toEqual([])
    await act(lua(), batch[1])
    expect(await heard()).toEqual([`w1 ${lua().now + after}`])
  })

  it('tells the watcher of dead batches that are put back', async () => {
    await listen()
    const id = await bury(lua(), 'ann', 1)
    await claim('w1')
    await lua().call('requeue', id)
    expect(await heard()).toEqual([`w1 ${lua().now}`])
  })

  it('hands the watch on when the watcher has no slot left', async () => {
    await listen()
    await claim('w1')
    await claim('w2')
    await lua().call('add', 'ann', '"Hi"', 'FLUSH', 'NEXT', 'bob', '"Hi"', 'WAIT', 50)
    await heard()
    expect((await claim('w1', 'LIMIT', 1)).length).toBe(3)
    expect(await heard()).toEqual([`w2 ${lua().now + 50}`])
    // Nobody is left to tell: w2 watches, and w1 looks when it has a slot.
    await lua().call('add', 'cid', '"Hi"', 'FLUSH')
    expect(await heard()).toEqual([`w2 ${lua().now}`])
    expect((await claim('w2', 'LIMIT', 1)).length).toBe(3)
    expect(await heard()).toEqual([])
  })

  it('hands it on before its time has come', async () => {
    await listen()
    await lua().call('add', 'ann', '"Hi"', 'FLUSH')
    await lua().call('claim_ready')
    await claim('w1')
    await claim('w2')
    // Nobody is told of what a person changes.
    await lua().redis.zadd(`${lua().root}:active`, lua().now + 100, 'ann')
    await lua().tick(100)
    expect((await claim('w1', 'LIMIT', 1)).length).toBe(3)
    // It meant to look then.
    expect(await heard()).toEqual([`w2 ${lua().now + 900}`])
    await lua().call('add', 'bob', '"Hi"', 'WAIT', 70)
    expect(await heard()).toEqual([`w2 ${lua().now + 70}`])
  })

  it('hands it on to nobody who has just stopped standing by', async () => {
    await listen()
    await claim('w1')
    await claim('w2')
    await lua().call('add', 'ann', '"Hi"', 'FLUSH', 'NEXT', 'bob', '"Hi"', 'FLUSH')
    await lua().tick(1000)
    await heard()
    await claim('w1', 'LIMIT', 1)
    expect(await heard()).toEqual([])
    expect(await lua().redis.hget(lua().root, 'watchAt')).toBe('0')
  })

  it('is handed on by whoever fills up when the time of the watcher has come', async () => {
    await listen()
    await claim('w1')
    await lua().tick(500)
    await claim('w3')
    await lua().call('add', 'ann', '"Hi"', 'WAIT', 500)
    await lua().tick(500)
    expect((await claim('w2', 'LIMIT', 1)).length).toBe(3)
    expect(await heard()).toEqual([`w3 ${lua().now + 500}`])
  })

  it('leaves the watch with the watcher while somebody else fills up', async () => {
    await listen()
    await lua().call('add', 'ann', '"Hi"', 'FLUSH')
    await lua().call('claim_ready')
    await claim('w1')
    await claim('w2')
    // Nobody is told of what a person changes.
    await lua().redis.zadd(`${lua().root}:active`, lua().now + 100, 'ann')
    await lua().tick(100)
    expect((await claim('w2', 'LIMIT', 1)).length).toBe(3)
    await lua().call('add', 'bob', '"Hi"', 'WAIT', 70)
    expect(await heard()).toEqual([`w1 ${lua().now + 70}`])
  })

  describe('is told by', () => {
    it('a claim without WORKER, whose lease ends before it means to look', async () => {
      await lua().call('add', 'ann', '"Hi"', 'FLUSH')
      await claim('w1', 'BEFORE', 1)
      await lua().redis.hset(lua().root, 'watchAt', lua().now + 1000)
      await listen()
      await lua().call('claim_ready', 'LEASE', 100)
      expect(await heard()).toEqual([`w1 ${lua().now + 100}`])
    })

    it.each([
      ['a claim', () => lua().call('claim_ready', 'LEASE', 86_400_000)],
      ['forward', () => lua().call('forward', 'batches')],
      ['a worker that is full', () => claim('w2', 'LIMIT', 1, 'LEASE', 86_400_000)],
    ])('%s that leaves behind what is due before it means to look', async (_, call) => {
      await lua().call('policy', 'WAIT', 300, 'MAXSIZE', 2)
      await lua().call('add', 'ann', '1')
      await lua().call('claim_ready', 'BEFORE', 1)
      await claim('w1')
      await lua().redis.hset(lua().root, 'watchAt', lua().now + 1000)
      await lua().tick(300)
      await lua().call('add', 'bob', '1')
      await lua().redis.hset(lua().root, 'watchAt', lua().now + 1000)
      await listen()
      await call()
      expect(await heard()).toEqual([`w1 ${lua().now + 300}`])
      expect(await lua().redis.hget(lua().root, 'watchAt')).toBe(`${lua().now + 300}`)
    })

    it('a claim that buries, of what was behind', async () => {
      await lua().call('add', 'ann', '1', 'FLUSH')
      await lua().call('claim_ready', 'LEASE', 100)
      await lua().call('add', 'ann', '2', 'WAIT', 500)
      await lua().tick(100)
      await claim('w1', 'BEFORE', 1)
      await lua().redis.hset(lua().root, 'watchAt', lua().now + 1000)
      await listen()
      expect(await lua().call('claim_ready', 'ATTEMPTS', 1)).toEqual([lua().now, lua().now + 400])
      expect(await heard()).toEqual([`w1 ${lua().now + 400}`])
    })
  })

  it.each([500, -1000, -3_600_000])('notes when it has looked last, also when the clock has moved by %d ms since', async (ms) => {
    await claim('w1')
    await lua().tick(ms)
    await claim('w1')
    expect(await lua().redis.hget(lua().root, 'looked')).toBe(`${lua().now}`)
  })

  it('is not needed to find that the clock has gone back: whoever has taken something has noted when', async () => {
    await lua().call('add', 'ann', 'x', 'NEXT', 'bob', 'x', 'FLUSH')
    expect((await lua().claimOne()).key).toBe('bob')
    await lua().tick(-3_600_000)
    expect((await lua().claimOne()).key).toBe('ann')
  })

  it('lets another worker watch when the watcher has not kept its promise', async () => {
    await listen()
    await claim('w1')
    await lua().call('add', 'ann', '"Hi"', 'WAIT', 1200)
    expect(await next('w2')).toBe(1000)
    await lua().tick(1000)
    expect(await next('w2')).toBe(200)
  })

  it('is followed by one that stands by when it is a quarter of a second late, as soon as something is added', async () => {
    await listen()
    await claim('w1')
    await lua().tick(500)
    await claim('w2')
    await lua().tick(749)
    await lua().call('add', 'ann', '"Hi"', 'FLUSH')
    expect(await heard()).toEqual([])
    await lua().tick(1)
    await lua().call('add', 'bob', '"Hi"', 'WAIT', 300)
    expect(await heard()).toEqual([`w2 ${lua().now}`])
    expect(await lua().redis.hmget(lua().root, 'watcher', 'watchAt')).toEqual(['w2', `${lua().now}`])
    // Nobody else stands by: that is found out once.
    await lua().tick(250)
    await lua().call('add', 'cid', '"Hi"')
    expect(await lua().redis.hget(lua().root, 'watchAt')).toBe('0')
    await lua().redis.zadd(`${lua().root}:watch:standby`, lua().now + 1000, 'w3')
    await lua().call('add', 'dan', '"Hi"')
    expect(await heard()).toEqual([])
  })

  it('changes nothing else when the user of Redis may not publish', async () => {
    await lua().redis.call('ACL', 'SETUSER', 'mute', 'on', 'nopass', '+@all', '~*', 'resetchannels')
    const redis = new Redis(urlOf(lua().server.url, 'mute', 'none'))
    try {
      const mute = new Lua({ ...lua().server, redis }, lua().mode)
      await listen()
      await mute.call('claim_ready', 'WORKER', 'w1', 'ECHO')
      await mute.call('claim_ready', 'WORKER', 'w2')
      expect(await mute.call('add', 'ann', '"Hi"', 'FLUSH', 'NEXT', 'bob', '"Hi"', 'FLUSH')).toEqual(['added', 1, 'added', 1])
      expect(await mute.call('claim_ready', 'WORKER', 'w1', 'LIMIT', 1)).toHaveLength(3)
      expect(await heard()).toEqual([])
      expect(await brokenLaws(lua().redis, lua().root)).toEqual([])
    } finally {
      redis.disconnect()
      await lua().redis.call('ACL', 'DELUSER', 'mute')
    }
  })

  it('sends the echo that is asked for', async () => {
    await listen()
    await claim('w1', 'ECHO')
    await claim('w1')
    expect(await heard()).toEqual(['w1 echo'])
  })

  it('watches and claims as ever when something else stands where those stand by', async () => {
    await listen()
    const name = `${lua().root}:watch:standby`
    await lua().redis.set(name, 'mine')
    await lua().call('add', 'ann', '"Hi"', 'FLUSH', 'NEXT', 'bob', '"Hi"', 'FLUSH')
    expect(await claim('w1', 'LIMIT', 1)).toHaveLength(3)
    expect(await claim('w2')).toHaveLength(3)
    expect([await next('w2'), await next('w1')]).toEqual([1000, 1000])
    await lua().call('add', 'cid', '"Hi"', 'WAIT', 300)
    // It takes the place of the other one.
    await lua().redis.hset(lua().root, 'watchAt', lua().now + 500)
    expect(await next('w3')).toBe(300)
    expect(await lua().call('leave', 'w3')).toBe('vacant')
    expect([await lua().redis.get(name), await lua().redis.pttl(name)]).toEqual(['mine', -1])
  })

  it('watches and stands by also when its user may write down little of that', async () => {
    await listen()
    const poor = await userWithout(lua(), 'zremrangebyrank', 'zremrangebyscore', 'pexpireat')
    for (const [worker, rest] of [
      ['w1', 1000],
      ['w2', 900],
      ['w3', 1000],
    ] as const)
      expect(await poor.call('claim_ready', 'WORKER', worker, 'REST', rest)).toEqual([lua().now, lua().now + rest])
    const poorer = await userWithout(lua(), 'hset')
    expect([await poorer.call('leave', 'w1')]).toEqual(['passed'])
    await lua().redis.del(`${lua().root}:watch:standby`)
    expect([await poorer.call('leave', 'w1')]).toEqual(['vacant'])
  })

  it('is forgotten when it has not looked as it meant to, at the next look of another one', async () => {
    await listen()
    for (const worker of ['w1', 'w2']) await claim(worker)
    await lua().tick(999)
    await claim('w1')
    expect(await lua().redis.zrange(`${lua().root}:watch:standby`, '0', '-1')).toEqual(['w2'])
    await lua().tick(1)
    await claim('w1')
    expect(await lua().redis.zrange(`${lua().root}:watch:standby`, '0', '-1')).toEqual([])
  })

  it('stands by no more when it has filled its slots', async () => {
    await listen()
    for (const worker of ['w1', 'w2']) await claim(worker)
    await lua().call('add', 'ann', '"Hi"', 'FLUSH')
    expect(await claim('w2', 'LIMIT', 1)).toHaveLength(3)
    expect(await lua().redis.hmget(lua().root, 'watcher', 'watchAt')).toEqual(['w1', '0'])
  })

  it('stands by when another one takes its place', async () => {
    await listen()
    await lua().call('add', 'ann', '"Hi"', 'FLUSH')
    await lua().call('claim_ready')
    await claim('w1')
    // Nobody is told of what a person changes.
    await lua().redis.zadd(`${lua().root}:active`, lua().now + 100, 'ann')
    expect(await next('w2')).toBe(100)
    expect(await lua().call('leave', 'w2')).toBe('passed')
    expect(await heard()).toEqual([`w1 ${lua().now + 100}`])
  })

  it('is not forgotten before it looks when another one that stands by looks earlier', async () => {
    await listen()
    await lua().call('add', 'ann', '"Hi"', 'FLUSH')
    await lua().call('claim_ready')
    for (const worker of ['w1', 'w2']) await claim(worker, 'REST', 20_000)
    await lua().call('add', 'bob', '"Hi"', 'WAIT', 300)
    // It takes the place of w1, which meant to look for bob.
    await lua().redis.zadd(`${lua().root}:active`, lua().now + 100, 'ann')
    expect(await next('w3', 'REST', 20_000)).toBe(100)
    expect(await standbys()).toEqual(['w1', 'w2'])
    expect(await expiryOf(lua().redis, `${lua().root}:watch:standby`)).toBe(lua().now + 21_000)
  })

  it('keeps no more names of those that stand by than are of use', async () => {
    await listen()
    await claim('w0')
    await lua().redis.zadd(
      `${lua().root}:watch:standby`,
      ...Array.from({ length: 1000 }, (_, n) => [`${lua().now + 1 + n}`, `old ${n}`]).flat(),
    )
    await claim('w1')
    const names = () => lua().redis.zrange(`${lua().root}:watch:standby`, '0', '-1')
    expect(await names()).toHaveLength(1000)
    expect(await names()).toContain('w1')
    await lua().tick(600)
    await claim('w2')
    expect(await names()).toHaveLength(402)
    expect(await expiryOf(lua().redis, `${lua().root}:watch:standby`)).toBe(lua().now + 11_000)
    await claim('w3', 'REST', 20_000)
    expect(await expiryOf(lua().redis, `${lua().root}:watch:standby`)).toBe(lua().now + 21_000)
  })

  it.each([[['WORKER']], [['WORKER', 'w'.repeat(65)]], [['WORKER', 'w1', 'ECHO', '1']]])('refuses %j and changes nothing', async (args) => {
    await listen()
    await lua().call('add', 'ann', '"Hi"', 'FLUSH')
    const before = await lua().keyspace()
    await expect(lua().call('claim_ready', ...args)).rejects.toThrow(/^RAPIDFIRE_(MISSING|BAD|UNKNOWN)_ARGUMENT/)
    expect(await lua().keyspace()).toEqual(before)
  })
})

const time = fc.integer({ min: 0, max: 8000 })
const added = fc.record({
  at: time,
  what: fc.constant('add' as const),
  key: fc.constantFrom('ann', 'bob', 'cid', 'dan', 'eve'),
  tokens: fc.constantFrom<(string | number)[]>([], [], ['WAIT', 100], ['WAIT', 700], ['FLUSH'], ['MAXSIZE', 2]),
})
const begun = fc.record({ at: time, what: fc.constant('start' as const), slots: fc.integer({ min: 1, max: 4 }) })
const killed = fc.record({ at: time, what: fc.constant('kill' as const), worker: fc.nat(7) })
const first = { at: 0, what: 'start' as const, slots: 2 }

describeBindings('many watchers', (lua) => {
  const measure = async (steps: fc.Arbitrary<any>, busy: fc.Arbitrary<number>, longest: number, runs: number) => {
    const wakes = await wakesOf(lua())
    try {
      await fc.assert(
        fc.asyncProperty(fc.array(steps, { maxLength: 30 }), busy, async (given, took) => {
          await lua().reset()
          await lua().call('policy', 'WAIT', 1500, 'MAXWAIT', 3000)
          await wakes.heard()
          const watchers = new Watchers(lua(), wakes, took)
          await watchers.run([first, ...given])
          expect(watchers.latest).toBeLessThanOrEqual(longest)
        }),
        { numRuns: runs },
      )
    } finally {
    }
  }

  it('claim each batch at its deadline while one of them has a free slot', async () => {
    await measure(fc.oneof({ weight: 4, arbitrary: added }, begun), fc.constantFrom(1, 300, 2500), 0, 60)
  })

  it('claim it a second later at most when the watcher has died', async () => {
    await measure(fc.oneof({ weight: 4, arbitrary: added }, begun, killed), fc.constantFrom(1, 300, 2500), 1000, 60)
  })

  it('look some ten times a second together, however many they are, and miss one that was killed all the same', async () => {
    const wakes = await wakesOf(lua())
    try {
      const watchers = new Watchers(lua(), wakes, 1)
      const starts = Array.from({ length: 60 }, (_, n) => ({ at: 10 * n, what: 'start' as const, slots: 1 }))
      await watchers.run(starts, 10_000)
      const before = watchers.claims
      await watchers.run([], 10_000)
      // The one that watches does so each second.
      expect(watchers.claims - before).toBeLessThanOrEqual(10 * 11)
      expect(watchers.claims - before).toBeGreaterThanOrEqual(10 * 7)
      for (let n = 0; n < 8; n += 1) {
        const watcher = Number((await lua().redis.hget(lua().root, 'watcher'))?.slice(1))
        const key = `key ${n}`
        // It is due after the one that was to watch would have looked.
        await watchers.run(
          [
            { at: 0, what: 'add', key, tokens: ['WAIT', 1500] },
            { at: 0, what: 'kill', worker: watcher },
          ],
          3000,
        )
      }
      expect(watchers.latest).toBeLessThanOrEqual(1000)
    } finally {
      wakes.close()
    }
  })
})
