import { beforeEach, describe, expect, it } from 'vitest'
import { describeBindings, type Lua, START } from '../support/lua.ts'
import { NO_RIGHT, userWithout } from './users.ts'

describeBindings('forward', (get) => {
  let lua: Lua
  let stream: string
  beforeEach(() => {
    lua = get()
    stream = `${lua.root}:stream:batches`
  })

  const entries = async () =>
    (await lua.redis.xrange(stream, '-', '+')).map(([, flat]) =>
      Object.fromEntries(Array.from({ length: flat.length / 2 }, (_, n) => [flat[2 * n], flat[2 * n + 1]] as [string, string])),
    )
  /** The data of an entry, message for message. */
  const data = (entry: Record<string, string>) => Object.keys(entry).flatMap((name) => (name.startsWith('data:') ? [entry[name]] : []))
  const add = (key: string, ...data: string[]) => lua.call('add', ...data.flatMap((each, n) => [...(n ? ['NEXT'] : []), key, each]))

  it('writes one entry for each batch, in order, and leaves nothing behind', async () => {
    await lua.call('add', '7900', '{"text":"Запишите"}', 'ID', 'wamid.1', 'NEXT', '7900', '[1, "На завтра"]')
    await lua.tick(500)
    await add('7901', '{"text":"later"}')
    expect(await lua.call('forward', 'batches')).toEqual([START + 500, START + 10_000, 0, 100_000])
    expect(await entries()).toEqual([])
    await lua.tick(10_000)
    expect(await lua.call('forward', 'batches')).toEqual([START + 10_500, 0, 2, 99_998])
    const [first, second] = await entries()
    expect(first).toEqual({
      id: `${START + 10_500}-1`,
      key: '7900',
      reason: 'wait',
      count: '2',
      openedAt: `${START}`,
      deadline: `${START + 10_000}`,
      ...{ 'id:1': 'wamid.1', 'at:1': `${START}`, 'data:1': '{"text":"Запишите"}' },
      ...{ 'id:2': '', 'at:2': `${START}`, 'data:2': '[1, "На завтра"]' },
    })
    expect(second).toMatchObject({ id: `${START + 10_500}-2`, key: '7901', count: '1', 'data:1': '{"text":"later"}' })
    expect(await lua.stats()).toMatchObject({ messages: 0, completed: 2, completedMessages: 3, active: 0, batches: 2 })
    await lua.holds()
  })

  it('gives data byte for byte, whatever it is', async () => {
    const payloads = [
      Buffer.from('{ "a" :\t1.0 }'),
      Buffer.from('hello'),
      Buffer.alloc(0),
      Buffer.from([0x22, 0xff, 0x00, 0x0a, 0x22]),
      Buffer.from('"1 2 3"'),
    ]
    await lua.call('add', ...payloads.flatMap((each, n) => [...(n ? ['NEXT'] : []), 'k', each, 'ID', `id ${n}`]), 'FLUSH')
    await lua.call('forward', 'batches')
    const [[, flat]] = (await lua.redis.callBuffer('XRANGE', stream, '-', '+')) as [[Buffer, Buffer[]]]
    const messages = payloads.flatMap((each, n) => [`id:${n + 1}`, `id ${n}`, `at:${n + 1}`, `${START}`, `data:${n + 1}`, each])
    expect(flat.slice(12)).toEqual(messages.map((each) => Buffer.from(each)))
  })

  it('forwards what is full and opens the remainder behind it', async () => {
    await lua.call('policy', 'MAXSIZE', 2)
    await add('k', '1', '2', '3')
    expect(await lua.call('forward', 'batches')).toEqual([START, START + 10_000, 1, 99_999])
    expect((await entries()).map((entry) => [entry.reason, data(entry)])).toEqual([['size', ['1', '2']]])
    await lua.holds()
    await lua.tick(10_000)
    await lua.call('forward', 'batches')
    expect((await entries()).map((entry) => [entry.reason, data(entry)])).toEqual([
      ['size', ['1', '2']],
      ['wait', ['3']],
    ])
    await lua.holds()
  })

  it('watches for what is left behind the batches that it has moved', async () => {
    await lua.call('policy', 'MAXSIZE', 2, 'WAIT', 500)
    await add('k', '1', '2', '3')
    expect(await lua.call('forward', 'batches', 'WORKER', 'w1')).toEqual([START, START + 500, 1, 99_999])
    expect(await lua.redis.hmget(lua.root, 'watcher', 'watchAt')).toEqual(['w1', `${START + 500}`])
  })

  it('leaves the watch to one that stands by when it has moved LIMIT batches', async () => {
    for (const worker of ['~w2', '~w3']) await lua.call('forward', 'batches', 'WORKER', worker)
    expect(await lua.redis.zrange(`${lua.root}:watch:standby`, '0', '-1', 'WITHSCORES')).toEqual(['~w3', `${START + 1000}`])
    for (const key of ['a', 'b', 'c']) await lua.call('add', key, '1', 'FLUSH')
    expect(await lua.call('forward', 'batches', 'LIMIT', 2, 'WORKER', 'w1')).toEqual([START, START, 2, 99_998])
    expect(await lua.redis.hmget(lua.root, 'watcher', 'watchAt')).toEqual(['~w3', `${START}`])
    expect(await lua.redis.exists(`${lua.root}:watch:standby`)).toBe(0)
  })

  it('has nothing to look for when it has moved LIMIT batches, and these were all', async () => {
    await lua.call('add', 'ann', '1', 'FLUSH')
    expect(await lua.call('forward', 'batches', 'LIMIT', 1, 'WORKER', 'w1')).toEqual([START, 0, 1, 99_999])
  })

  it('takes the place of a watcher that means to look later than what it leaves behind is due', async () => {
    await lua.call('add', 'ann', '1', 'FLUSH')
    await lua.call('claim_ready', 'LEASE', 1000)
    await lua.call('forward', 'batches', 'WORKER', 'w1')
    await lua.redis.zadd(`${lua.root}:active`, START + 1, 'ann')
    await lua.tick(1)
    await lua.call('add', 'ann', '2', 'FLUSH')
    expect(await lua.call('forward', 'batches', 'WORKER', 'w2')).toEqual([START + 1, START + 1, 1, 99_999])
    expect(await lua.redis.hmget(lua.root, 'watcher', 'watchAt')).toEqual(['w2', `${START + 1}`])
  })

  it('moves at most LIMIT batches in a call, and asks to be called again at once', async () => {
    for (let n = 0; n < 5; n += 1) await add(`k${n}`, String(n))
    await lua.tick(10_000)
    const replies = []
    for (let n = 0; n < 3; n += 1) replies.push(await lua.call('forward', 'batches', 'LIMIT', 2))
    expect(replies.map(([, , moved]) => moved)).toEqual([2, 2, 1])
    expect(replies[0][1]).toBeLessThanOrEqual(lua.now)
    expect((await entries()).flatMap(data)).toEqual(['0', '1', '2', '3', '4'])
    await lua.holds()
  })

  it('forwards a batch whose lease has run out, and none that is held', async () => {
    await add('held', '1')
    await add('crashed', '2')
    await lua.tick(10_000)
    const { batches } = await lua.claim('LEASE', 1000)
    const [held] = batches.filter(({ key }) => key === 'held')
    await lua.call('extend', 60_000, 'held', held?.token as string)
    await lua.tick(1000)
    expect((await lua.call('forward', 'batches'))[2]).toBe(1)
    const id = batches.find(({ key }) => key === 'crashed')?.token.replace(/:\d+$/, '')
    expect(await entries()).toMatchObject([{ id, key: 'crashed', 'data:1': '2' }])
    expect(await lua.call('complete', 'crashed', `${id}:1`)).toEqual(['lost'])
    await lua.holds()
  })

  describe('a full stream', () => {
    beforeEach(async () => {
      for (let n = 0; n < 3; n += 1) await add(`k${n}`, String(n))
      await lua.tick(10_000)
      expect((await lua.call('forward', 'batches', 'MAXLEN', 2)).slice(2)).toEqual([2, 0])
    })
    const full = () => [lua.now, lua.now + 1000, 0, 0]

    it('holds batches back and deletes nothing that no group has read', async () => {
      expect(await lua.call('forward', 'batches', 'MAXLEN', 2)).toEqual(full())
      await lua.redis.xgroup('CREATE', stream, 'bots', '0')
      expect(await lua.call('forward', 'batches', 'MAXLEN', 2)).toEqual(full())
      expect((await entries()).flatMap(data)).toEqual(['0', '1'])
      expect(await lua.stats()).toMatchObject({ messages: 1 })
      await lua.holds()
    })

    it('deletes what every group has acknowledged, and no more', async () => {
      await lua.redis.xgroup('CREATE', stream, 'bots', '0')
      await lua.redis.xgroup('CREATE', stream, 'audit', '0')
      const read = (group: string, count: number) => lua.redis.xreadgroup('GROUP', group, 'c', 'COUNT', count, 'STREAMS', stream, '>')
      await read('bots', 2)
      await read('audit', 1)
      const ids = (await lua.redis.xrange(stream, '-', '+')).map(([id]) => id)
      await lua.redis.xack(stream, 'audit', ids[0] as string)
      // Read by both, acknowledged by one of them.
      expect(await lua.call('forward', 'batches', 'MAXLEN', 2)).toEqual(full())
      await lua.redis.xack(stream, 'bots', ...ids)
      // The second one is still unread in the other group.
      expect((await lua.call('forward', 'batches', 'MAXLEN', 2)).slice(2)).toEqual([1, 0])
      expect((await entries()).flatMap(data)).toEqual(['1', '2'])
      await lua.holds()
    })
  })

  describe('lets entries go while there is room', () => {
    const HOUR = 3_600_000
    const ids = async () => (await lua.redis.xrange(stream, '-', '+')).map(([id]) => id)
    const old = [`${START - HOUR - 2}-0`, `${START - HOUR - 1}-0`, `${START - HOUR}-0`, `${START - 1}-0`]
    beforeEach(async () => {
      for (const id of old) await lua.redis.xadd(stream, id, 'data:1', 1)
    })
    const read = async (group: string, ...acknowledged: string[]) => {
      await lua.redis.xgroup('CREATE', stream, group, '0')
      await lua.redis.xreadgroup('GROUP', group, 'c', 'STREAMS', stream, '>')
      if (acknowledged.length > 0) await lua.redis.xack(stream, group, ...acknowledged)
    }

    it.each([
      [[], 2],
      [['KEEP', HOUR], 2],
      [['KEEP', HOUR - 1], 3],
      [['KEEP', 0], 4],
      [['KEEP', 31_536_000_000], 0],
    ])('that all groups have acknowledged, when they are older than KEEP: %j', async (tokens, gone) => {
      await read('bots', ...old)
      await read('audit', ...old)
      expect(await lua.call('forward', 'batches', ...tokens)).toEqual([START, 0, 0, 100_000 - old.length + gone])
      expect(await ids()).toEqual(old.slice(gone))
    })

    it('and none that one of them has not', async () => {
      await read('bots', ...old)
      await read('audit', ...old.slice(0, 1), ...old.slice(2))
      await lua.call('forward', 'batches')
      expect(await ids()).toEqual(old.slice(1))
    })

    it('and none where nobody reads', async () => {
      await lua.call('forward', 'batches')
      expect(await ids()).toEqual(old)
    })

    it('and however new when there is none', async () => {
      await read('bots', ...old)
      expect((await lua.call('forward', 'batches', 'MAXLEN', old.length))[3]).toBe(old.length)
      expect(await ids()).toEqual([])
    })
  })

  it('deletes a bounded number of entries that are done in one call', async () => {
    await add('k', '1')
    await lua.tick(10_000)
    const pipeline = lua.redis.pipeline()
    for (let n = 1; n <= 5050; n += 1) pipeline.xadd(stream, `${n}-0`, 'data:1', `${n}`)
    await pipeline.exec()
    await lua.redis.xgroup('CREATE', stream, 'bots', '0')
    await lua.redis.xreadgroup('GROUP', 'bots', 'c', 'COUNT', 5050, 'STREAMS', stream, '>')
    await lua.redis.xack(stream, 'bots', ...Array.from({ length: 5020 }, (_, n) => `${n + 1}-0`))
    expect((await lua.call('forward', 'batches', 'MAXLEN', 5050)).slice(2)).toEqual([1, 999])
    expect(await lua.redis.xlen(stream)).toBe(4051)
    // What is left of the last node that is done only in part goes too.
    for (let n = 0; n < 6; n += 1) await lua.call('forward', 'batches', 'MAXLEN', 1)
    expect((await entries())[0]).toMatchObject({ 'data:1': '5021' })
  })

  it.each([
    ['in one ms', '5-9', '5-10'],
    ['in two', '9-5', '10-1'],
  ])('keeps what the group that is behind still needs, whichever that is: entries %s', async (_, older, newer) => {
    await add('k', '1')
    await lua.tick(10_000)
    for (const [ahead, behind] of [
      ['a', 'b'],
      ['b', 'a'],
    ] as const) {
      await lua.redis.del(stream)
      for (const id of [older, newer]) await lua.redis.xadd(stream, id, 'data:1', '0')
      for (const group of ['a', 'b']) {
        await lua.redis.xgroup('CREATE', stream, group, '0')
        await lua.redis.xreadgroup('GROUP', group, 'c', 'STREAMS', stream, '>')
      }
      await lua.redis.xack(stream, ahead, older)
      expect((await lua.call('forward', 'batches', 'MAXLEN', 2)).slice(2)).toEqual([0, 0])
      expect((await lua.redis.xrange(stream, '-', '+')).map(([id]) => id)).toEqual([older, newer])
      await lua.redis.xack(stream, behind, older)
    }
    expect((await lua.call('forward', 'batches', 'MAXLEN', 2)).slice(2)).toEqual([1, 0])
    expect((await entries()).flatMap(data)).toEqual(['0', '1'])
  })

  it('keeps what comes right behind the last entry that was read', async () => {
    for (const id of ['5-9', '5-10']) await lua.redis.xadd(stream, id, 'data:1', '0')
    await lua.redis.xgroup('CREATE', stream, 'bots', '0')
    await lua.redis.xreadgroup('GROUP', 'bots', 'c', 'COUNT', 1, 'STREAMS', stream, '>')
    await lua.redis.xack(stream, 'bots', '5-9')
    for (let n = 0; n < 2; n += 1) await lua.call('forward', 'batches', 'MAXLEN', 1)
    expect((await lua.redis.xrange(stream, '-', '+')).map(([id]) => id)).toEqual(['5-10'])
    await lua.redis.xreadgroup('GROUP', 'bots', 'c', 'COUNT', 1, 'STREAMS', stream, '>')
    await lua.redis.xack(stream, 'bots', '5-10')
    expect((await lua.call('forward', 'batches', 'MAXLEN', 1)).slice(2)).toEqual([0, 1])
  })

  it('goes on for all others when a conversation is a foreign key or has what no one can read', async () => {
    for (const key of ['foreign', 'claimed', 'unreadable', 'good']) await add(key, '1')
    await lua.tick(10_000)
    await lua.redis.set(`${lua.root}:messages:foreign`, 'mine')
    await lua.redis.rpush(`${lua.root}:messages:unreadable`, 'not a message')
    await lua.redis.zadd(`${lua.root}:active`, 1, 'claimed')
    await lua.redis.zrem(`${lua.root}:due`, 'claimed')
    await lua.redis.set(`${lua.root}:messages:claimed`, 'mine')
    await lua.call('forward', 'batches')
    expect((await entries()).map(({ key }) => key)).toEqual(['good', 'unreadable'])
    expect((await entries())[1]).toMatchObject({ count: '2', 'data:1': '1', 'id:2': '', 'at:2': '0', 'data:2': 'not a message' })
    // Nothing that was there is gone.
    expect(await lua.redis.get(`${lua.root}:messages:foreign`)).toBe('mine')
    await add('good', '2')
    await lua.tick(10_000)
    await lua.call('forward', 'batches')
    expect((await entries()).at(-1)).toMatchObject({ key: 'good', 'data:1': '2' })
  })

  it('moves a bounded number of batches in a call, and what is left in the next', async () => {
    await lua.addAll(
      ...Array.from({ length: 101 }, (_, n) => ['NEXT', `k${n}`, 'x', 'FLUSH'])
        .flat()
        .slice(1),
    )
    const [, next, moved, room] = await lua.call('forward', 'batches')
    expect([next, moved, room]).toEqual([START, 73, 99_927])
    expect(await lua.call('forward', 'batches')).toEqual([START, 0, 28, 99_899])
  })

  it('says of a call that was passed how much room there is, and of a stream that is too long that there is none', async () => {
    for (const key of ['a', 'b']) await lua.call('add', key, 'x', 'FLUSH')
    await lua.call('forward', 'batches', 'NONCE', 'me/2')
    expect(await lua.call('forward', 'batches', 'NONCE', 'me/1')).toEqual([START, 0, 0, 99_998])
    expect(await lua.call('forward', 'batches', 'NONCE', 'me/1', 'MAXLEN', 3)).toEqual([START, 0, 0, 1])
    expect(await lua.call('forward', 'batches', 'NONCE', 'me/1', 'MAXLEN', 1)).toEqual([START, 0, 0, 0])
    expect(await lua.call('forward', 'batches', 'MAXLEN', 1)).toEqual([START, START + 1000, 0, 0])
  })

  it('keeps no reply when it has moved nothing', async () => {
    expect(await lua.call('forward', 'batches', 'NONCE', 'me/1')).toEqual([START, 0, 0, 100_000])
    expect(await lua.keyspace()).toEqual({})
  })

  it('holds what it could not write for a minute', async () => {
    await lua.call('add', 'a', 'x', 'FLUSH')
    const poor = await userWithout(lua, 'xadd')
    await expect(poor.call('forward', 'batches')).rejects.toThrow(NO_RIGHT)
    expect(await lua.redis.zscore(`${lua.root}:active`, 'a')).toBe(String(START + 60_000))
    await lua.holds()
  })

  it.each(['s', 's'.repeat(128)])('takes a name of 1 to 128 bytes: %s', async (name) => {
    expect(await lua.call('forward', name)).toEqual([START, 0, 0, 100_000])
  })

  it('refuses bad input and changes nothing', async () => {
    await add('k', '1')
    await lua.tick(10_000)
    await lua.redis.set(`${lua.root}:stream:taken`, 'mine')
    await lua.refuses('MISSING_ARGUMENT', 'name of a stream', 'forward')
    await lua.refuses('BAD_ARGUMENT', '1 to 128 bytes, got 0', 'forward', '')
    await lua.refuses('BAD_ARGUMENT', 'got 129', 'forward', 'x'.repeat(129))
    for (const limit of [0, 1001, -1, '1.5', 'x']) await lua.refuses('BAD_ARGUMENT', 'LIMIT', 'forward', 'batches', 'LIMIT', limit)
    for (const most of [0, 10_000_001]) await lua.refuses('BAD_ARGUMENT', 'MAXLEN', 'forward', 'batches', 'MAXLEN', most)
    await lua.refuses('MISSING_ARGUMENT', 'LIMIT', 'forward', 'batches', 'LIMIT')
    await lua.refuses('UNKNOWN_ARGUMENT', 'MAXLEN', 'forward', 'batches', 'LEASE', 1)
    await lua.refuses('WRONG_TYPE', 'expected a stream', 'forward', 'taken')
    await lua.refusesWith('BAD_ROOT', 'got 0', 'forward', [], 'batches')
  })
})
