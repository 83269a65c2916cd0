import { expect, it } from 'vitest'
import { describeBindings, START } from '../support/lua.ts'

describeBindings('claim_ready', (lua) => {
  const due = async (key: string) => Number(await lua().redis.zscore(`${lua().root}:due`, key))
  const add = (key: string, ...messages: string[]) =>
    lua().call('add', ...messages.flatMap((message, n) => (n === 0 ? [key, message] : ['NEXT', key, message])))

  it('says that nothing is pending, and writes nothing', async () => {
    expect(await lua().call('claim_ready')).toEqual([START, 0])
    expect(await lua().keyspace()).toEqual({})
  })

  it('takes a batch when its key has been quiet for `wait`, and not a millisecond earlier', async () => {
    await add('ann', 'one')
    for (let n = 0; n < 4; n += 1) {
      await lua().tick(9999)
      expect((await lua().claim()).batches).toEqual([])
      await add('ann', 'more')
    }
    await lua().tick(9999)
    expect(await lua().claim()).toEqual({ now: lua().now, next: lua().now + 1, batches: [], dead: [] })
    await lua().tick(1)
    const { now, next, batches } = await lua().claim('LEASE', 700)
    expect([now, next]).toEqual([START + 49_996, START + 50_696])
    expect(batches).toEqual([
      {
        key: 'ann',
        attempt: 1,
        token: `${now}-1:1`,
        reason: 'wait',
        deadline: now,
        due: now,
        messages: ['one', 'more', 'more', 'more', 'more'].map((data, n) => ({ receivedAt: START + n * 9999, id: '', data })),
      },
    ])
    await lua().holds()
  })

  it('puts a score that lags behind right in one look', async () => {
    await add('ann', 'one')
    await lua().tick(3000)
    await add('ann', 'two')
    await lua().tick(5000)
    await add('ann', 'three')
    expect(await due('ann')).toBe(START + 10_000)
    await lua().tick(2000)
    expect(await lua().claim()).toEqual({ now: START + 10_000, next: START + 18_000, batches: [], dead: [] })
    expect(await due('ann')).toBe(START + 18_000)
    await lua().holds()
  })

  it('never waits past maxWait', async () => {
    await add('ann', 'first')
    for (let n = 0; n < 7; n += 1) {
      await lua().tick(8500)
      await add('ann', 'more')
      expect((await lua().claim()).batches).toEqual([])
    }
    await lua().tick(START + 59_999 - lua().now)
    expect((await lua().claim()).batches).toEqual([])
    await lua().tick(1)
    expect(await lua().claimOne()).toMatchObject({ reason: 'maxWait', deadline: START + 60_000 })
  })

  it('has a fixed window when maxWait equals wait', async () => {
    await lua().call('policy', 'WAIT', 5000, 'MAXWAIT', 5000)
    await add('ann', 'one')
    await lua().tick(4000)
    await add('ann', 'two')
    await lua().tick(1000)
    expect(await lua().claimOne()).toMatchObject({ reason: 'maxWait', deadline: START + 5000 })
  })

  it('closes a batch of a single message by wait, also when maxWait ends at the same time', async () => {
    await lua().call('policy', 'WAIT', 5000, 'MAXWAIT', 5000)
    await add('ann', 'one')
    await lua().tick(5000)
    expect(await lua().claimOne()).toMatchObject({ reason: 'wait', deadline: START + 5000 })
  })

  it('never takes more than maxSize, one batch of a key at a time, in order', async () => {
    const messages = Array.from({ length: 25 }, (_, n) => `${n}`)
    await add('ann', ...messages)
    const taken: string[][] = []
    for (let n = 0; n < 3; n += 1) {
      await lua().tick(n === 2 ? 10_000 : 0)
      const batch = await lua().claimOne()
      expect((await lua().claim()).batches).toEqual([])
      expect(batch).toMatchObject(n === 2 ? { reason: 'wait', deadline: START + 10_000 } : { reason: 'size', deadline: START })
      taken.push(batch.messages.map(({ data }) => data))
      await lua().call('complete', 'ann', batch.token)
      await lua().holds()
    }
    expect(taken.map(({ length }) => length)).toEqual([10, 10, 5])
    expect(taken.flat()).toEqual(messages)
  })

  it('takes what came after the deadline along, as long as nobody has claimed', async () => {
    await add('ann', 'one')
    await lua().tick(15_000)
    await add('ann', 'late')
    expect(await lua().claim()).toMatchObject({ next: START + 25_000, batches: [] })
    await lua().tick(10_000)
    expect((await lua().claimOne()).messages).toHaveLength(2)
  })

  it('follows a policy that is lengthened while a batch is open at once', async () => {
    await add('ann', 'one')
    await lua().call('policy', 'WAIT', 30_000)
    await lua().tick(10_000)
    expect(await lua().claim()).toMatchObject({ next: START + 30_000, batches: [] })
    await lua().tick(20_000)
    expect(await lua().claimOne()).toMatchObject({ reason: 'wait', deadline: START + 30_000 })
  })

  it('follows a shortened one from the next look on', async () => {
    await add('ann', 'one')
    await lua().call('policy', 'WAIT', 1000)
    await lua().tick(9999)
    expect((await lua().claim()).batches).toEqual([])
    await lua().tick(1)
    expect(await lua().claimOne()).toMatchObject({ reason: 'wait', deadline: START + 1000 })
  })

  it('follows a changed maxSize', async () => {
    await add('ann', '1', '2', '3', '4', '5')
    await lua().call('policy', 'MAXSIZE', 3)
    await lua().tick(10)
    await add('ann', '6')
    const first = await lua().claimOne()
    expect(first).toMatchObject({ reason: 'size', deadline: START })
    expect(first.messages).toHaveLength(3)
    await lua().call('policy', 'MAXSIZE', 4)
    await lua().call('complete', 'ann', first.token)
    expect((await lua().call('peek', 'ann')).slice(2, 7)).toEqual([START + 10_010, 0, '', 3, 3])
    await lua().holds()
  })

  it('takes at most LIMIT batches, those first that have been due the longest', async () => {
    for (let n = 0; n < 15; n += 1) {
      await add(`key${n}`, 'x')
      await lua().tick(1)
    }
    await lua().tick(20_000)
    const first = await lua().claim()
    expect(first.batches.map(({ key }) => key)).toEqual(Array.from({ length: 10 }, (_, n) => `key${n}`))
    expect(first.next).toBe(START + 10_010)
    const second = await lua().claim('limit', 3)
    expect(second.batches.map(({ key }) => key)).toEqual(['key10', 'key11', 'key12'])
    const third = await lua().claim('LIMIT', 1000)
    expect([third.batches.length, third.next]).toEqual([2, lua().now + 30_000])
    const ids = [first, second, third].flatMap(({ batches }) => batches.map(({ token }) => token))
    expect(ids).toEqual(Array.from({ length: 15 }, (_, n) => `${lua().now}-${n + 1}:1`))
    await lua().holds()
  })

  it('takes only what was due BEFORE a time', async () => {
    await add('ann', 'x')
    await lua().tick(500)
    await add('bob', 'x')
    await add('bob', 'x')
    await lua().tick(20_000)
    expect((await lua().claim('BEFORE', 0)).batches).toEqual([])
    expect(await lua().claim('BEFORE', START + 9999)).toMatchObject({ next: START + 10_000, batches: [] })
    expect((await lua().claim('BEFORE', START + 10_499)).batches.map(({ key }) => key)).toEqual(['ann'])
    expect((await lua().claim('BEFORE', lua().now + 100_000)).batches.map(({ key }) => key)).toEqual(['bob'])
    await lua().tick(30_000)
    expect((await lua().claim('BEFORE', lua().now - 1)).batches).toEqual([])
    expect((await lua().claim('BEFORE', lua().now)).batches.map(({ token }) => token.split(':')[1])).toEqual(['2', '2'])
  })

  it('compares BEFORE with the true deadline where the index lags behind', async () => {
    await add('ann', 'x')
    await lua().tick(5000)
    await add('ann', 'x')
    await lua().tick(20_000)
    expect(await lua().claim('BEFORE', START + 14_999)).toMatchObject({ next: START + 15_000, batches: [] })
    expect((await lua().claim('BEFORE', START + 15_000)).batches).toHaveLength(1)
  })

  it('counts batches that come back towards LIMIT', async () => {
    await lua().call('add', 'back', 'x', 'FLUSH')
    await lua().claim('LEASE', 1)
    for (const key of ['a', 'b', 'c']) await lua().call('add', key, 'x', 'FLUSH')
    await lua().tick(1)
    expect((await lua().claim('LIMIT', 3)).batches.map(({ key }) => key).sort()).toEqual(['a', 'b', 'back'])
    expect((await lua().claim('LIMIT', 3)).batches.map(({ key }) => key)).toEqual(['c'])
  })

  it('says when to look next: at the first deadline or the first end of a lease', async () => {
    await add('ann', 'x')
    await lua().call('add', 'bob', 'x', 'FLUSH')
    expect((await lua().claim('LEASE', 500)).next).toBe(START + 500)
    await lua().tick(500)
    expect((await lua().claim('LEASE', 60_000)).next).toBe(START + 10_000)
  })

  it('says so also when it has looked too early, however short its leases would have been', async () => {
    await lua().call('add', 'ann', '1')
    await lua().tick(5000)
    await lua().call('add', 'ann', '2')
    await lua().tick(5000)
    expect((await lua().claim('LEASE', 1)).next).toBe(START + 15_000)
  })

  it('takes nothing from the future when BEFORE is ahead of the clock', async () => {
    await add('ann', 'x')
    expect((await lua().claim('BEFORE', 9_999_999_999_999)).batches).toEqual([])
  })

  it('names what closed each batch', async () => {
    await lua().call('policy', 'MAXWAIT', 15_000, 'MAXSIZE', 3)
    await add('quiet', 'x')
    await add('long', 'x')
    await lua().tick(9000)
    await add('long', 'x')
    await lua().tick(6000)
    await add('full', 'x', 'x', 'x', 'x')
    await lua().call('add', 'flushed', 'x', 'NEXT', 'flushed', 'x', 'FLUSH', 'NEXT', 'flushed', 'x')
    const { batches } = await lua().claim()
    expect(batches.map(({ key, reason, messages }) => `${key} ${reason} ${messages.length}`).sort()).toEqual([
      'flushed flush 2',
      'full size 3',
      'long maxWait 2',
      'quiet wait 1',
    ])
    expect(await lua().stats()).toMatchObject({ 'closedBy:wait': 1, 'closedBy:maxWait': 1, 'closedBy:size': 1, 'closedBy:flush': 1 })
  })

  it('counts how late each batch was claimed', async () => {
    const late = [0, 1, 2, 3, 5, 6, 10, 20, 21, 50, 100, 101, 200, 500, 1000, 1001, 5000, 5001, 1_000_000]
    const last = late.at(-1) as number
    const at = new Map(late.map((ms) => [last - ms, `late${ms}`]))
    for (let passed = 0; passed <= last; ) {
      if (at.has(passed)) await add(at.get(passed) as string, 'x')
      const following = Math.min(...[...at.keys()].filter((ms) => ms > passed), last + 1)
      await lua().tick(following - passed)
      passed = following
    }
    await lua().tick(10_000 - 1)
    expect((await lua().claim('LIMIT', 100)).batches).toHaveLength(late.length)
    expect(await lua().stats()).toMatchObject({
      ...{ batches: late.length, latenessSum: late.reduce((sum, ms) => sum + ms, 0), latenessMax: last },
      ...{ 'lateness:1': 2, 'lateness:2': 1, 'lateness:5': 2, 'lateness:10': 2, 'lateness:20': 1, 'lateness:50': 2 },
      ...{ 'lateness:100': 1, 'lateness:200': 2, 'lateness:500': 1, 'lateness:1000': 1, 'lateness:5000': 2, 'lateness:more': 2 },
    })
    await lua().holds()
  })

  it('adds up over all calls how late they were, and keeps the most', async () => {
    for (const [late, sum, most] of [
      [30, 30, 30],
      [7, 37, 30],
      [40, 77, 40],
    ] as const) {
      await add(`late${late}`, 'x')
      await lua().tick(10_000 + late)
      await lua().claimOne('LEASE', 1_000_000)
      expect(await lua().stats()).toMatchObject({ latenessSum: sum, latenessMax: most })
    }
    expect(await lua().stats()).toMatchObject({ batches: 3, 'lateness:10': 1, 'lateness:50': 2 })
  })

  it('goes on behind what is not ready yet, and counts all that it takes', async () => {
    await add('a', 'x')
    await add('late', 'x')
    await lua().tick(5000)
    await add('late', 'x')
    await add('c', 'x')
    await lua().redis.zadd(`${lua().root}:due`, START + 10_000, 'c')
    await lua().tick(10_000)
    await lua().redis.zadd(`${lua().root}:due`, START + 9000, 'late')
    await lua().call('add', 'late', 'x')
    expect((await lua().claim('LIMIT', 2)).batches.map(({ key }) => key).sort()).toEqual(['a', 'c'])
    expect(await lua().stats()).toMatchObject({ batches: 2, 'closedBy:wait': 2, 'lateness:1': 1, 'lateness:5000': 1 })
  })

  it('takes what somebody else has pushed for late not at all, however long the wait', async () => {
    await lua().call('policy', 'MAXWAIT', 31_536_000_000)
    await lua().call('policy', 'WAIT', 31_536_000_000)
    await lua().redis.rpush(`${lua().root}:messages:ann`, 'mine')
    await lua().redis.zadd(`${lua().root}:due`, 1, 'ann')
    expect((await lua().call('claim_ready'))[2].slice(2)).toEqual([1, 'wait', 31_536_000_000, ['mine'], lua().now])
    expect(await lua().stats()).toMatchObject({ latenessSum: 0, latenessMax: 0, 'lateness:1': 1 })
  })

  it('notes of batches that come back only that they do, and nothing when none does', async () => {
    await lua().call('policy', 'WAIT', 1)
    await lua().call('add', 'ann', 'x')
    await lua().tick(1)
    await lua().claimOne('LEASE', 1)
    await lua().tick(1)
    const before = await lua().redis.hgetall(lua().root)
    expect((await lua().claim('ATTEMPTS', 1)).batches).toEqual([])
    const { looked: _, ...after } = await lua().redis.hgetall(lua().root)
    expect({ ...after, looked: before.looked }).toEqual({ ...before, dead: '1', deadMessages: '1' })
  })

  it('counts how late what was left of a key is from the end of the batch before it', async () => {
    await add('ann', ...Array.from({ length: 25 }, (_, n) => `${n}`))
    const first = await lua().claimOne()
    await lua().tick(5000)
    await lua().call('complete', 'ann', first.token)
    await lua().tick(3)
    const second = await lua().claimOne()
    expect(await lua().stats()).toMatchObject({ batches: 2, latenessSum: 3, latenessMax: 3, 'lateness:1': 1, 'lateness:5': 1 })
    // Its deadline comes later than the end of the batch before it.
    await lua().call('complete', 'ann', second.token)
    await lua().tick(4997 + 20)
    expect(await lua().claimOne()).toMatchObject({ deadline: START + 10_000 })
    expect(await lua().stats()).toMatchObject({ batches: 3, latenessSum: 23, latenessMax: 20 })
  })

  it('counts how late a batch is that came back from the dead from then on', async () => {
    await lua().call('add', 'ann', 'x', 'FLUSH')
    const { token } = await lua().claimOne()
    await lua().call('fail', 'ann', token, 'ATTEMPTS', 1)
    await lua().tick(60_000)
    await lua().call('requeue', token.slice(0, -2))
    await lua().tick(2)
    await lua().claimOne()
    expect(await lua().stats()).toMatchObject({ batches: 2, latenessSum: 2 })
  })

  it('drops a key from the index whose list was deleted by hand', async () => {
    await add('ann', 'x')
    await add('bob', 'x')
    await lua().redis.del(`${lua().root}:messages:ann`)
    await lua().tick(10_000)
    expect((await lua().claimOne()).key).toBe('bob')
    expect(await lua().redis.zscore(`${lua().root}:due`, 'ann')).toBe(`${lua().now + 10_000}.5`)
    await lua().tick(10_001)
    await lua().claim()
    expect(await lua().redis.exists(`${lua().root}:due`)).toBe(0)
  })

  it('opens the messages of a key again whose claim was deleted by hand', async () => {
    await add('ann', 'x')
    await lua().tick(10_000)
    const { token } = await lua().claimOne()
    await lua().redis.hdel(`${lua().root}:claims`, 'ann')
    await lua().tick(30_000)
    const again = await lua().claimOne()
    expect([again.token.endsWith(':1'), again.messages.length]).toEqual([true, 1])
    expect(await lua().call('complete', 'ann', token, 'ann', again.token)).toEqual(['lost', 'completed'])
    await lua().holds()
  })

  it('waits for the deadline of such a key when a message has come meanwhile', async () => {
    await add('ann', 'x')
    await lua().tick(10_000)
    await lua().claimOne('LEASE', 1000)
    await lua().redis.hdel(`${lua().root}:claims`, 'ann')
    await add('ann', 'y')
    await lua().tick(1000)
    expect(await lua().claim()).toMatchObject({ next: START + 20_000, batches: [] })
    await lua().holds()
  })

  it('takes each key out of the active ones that has lost its claim and is not due yet', async () => {
    for (const key of ['ann', 'bob']) {
      await add(key, 'x')
      await lua().redis.zadd(`${lua().root}:due`, START, key)
      await lua().redis.zadd(`${lua().root}:active`, START + 90_000, key)
    }
    expect((await lua().claim()).batches).toEqual([])
    expect(await lua().redis.exists(`${lua().root}:active`)).toBe(0)
    await lua().holds()
  })

  it('forgets the claim of a key whose messages were deleted by hand', async () => {
    await add('ann', 'x')
    await lua().tick(10_000)
    await lua().claimOne()
    await lua().redis.del(`${lua().root}:messages:ann`)
    await lua().tick(30_000)
    expect(await lua().claim()).toMatchObject({ next: lua().now + 10_001, batches: [] })
    await lua().tick(10_001)
    expect(await lua().claim()).toMatchObject({ next: 0, batches: [] })
    expect(Object.keys(await lua().keyspace())).toEqual([lua().root])
  })

  it.each([
    ['UNKNOWN_ARGUMENT', "expected ATTEMPTS, BEFORE, DEAD, DRAIN, ECHO, GENERATION, LEASE, LIMIT, NONCE, REST, WORKER; got '5'", ['5']],
    ['UNKNOWN_ARGUMENT', "got 'WAIT'", ['LIMIT', '5', 'WAIT', '1']],
    ['MISSING_ARGUMENT', 'LIMIT must be followed by a value', ['limit']],
    ['MISSING_ARGUMENT', 'BEFORE must be followed by a value', ['LIMIT', '1', 'BEFORE']],
    ['BAD_ARGUMENT', "LIMIT must be an integer from 1 to 1000, got '0'", ['LIMIT', '0']],
    ['BAD_ARGUMENT', "got '1001'", ['LIMIT', '1001']],
    ['BAD_ARGUMENT', "got 'all'", ['LIMIT', 'all']],
    ['BAD_ARGUMENT', "LEASE must be an integer from 1 to 86400000, got '86400001'", ['LEASE', '86400001']],
    ['BAD_ARGUMENT', "got '0'", ['LEASE', '0']],
    ['BAD_ARGUMENT', "BEFORE must be an integer from 0 to 9999999999999, got '-1'", ['BEFORE', '-1']],
    ['BAD_ARGUMENT', "got '10000000000000'", ['BEFORE', '10000000000000']],
    ['BAD_ARGUMENT', "ATTEMPTS must be an integer from 1 to 1000, got '0'", ['ATTEMPTS', '0']],
    ['BAD_ARGUMENT', "got '1001'", ['ATTEMPTS', '1001']],
    ['REPARTITIONED', "'rapid-fire:{orders}' goes by generation 0 of the partitions and the caller by 7", ['GENERATION', '7']],
  ])('refuses with %s: %s', async (code, says, args) => {
    await add('ann', 'x')
    await lua().tick(10_000)
    await lua().refuses(code, says, 'claim_ready', ...args)
  })
})
