import { expect, it } from 'vitest'
import { brokenLaws } from '../support/laws.ts'
import { describeBindings, type Lua, partsLeft, START } from '../support/lua.ts'
import { bury } from './dead-batches.ts'
import { NO_RIGHT, userWithout } from './users.ts'

/** A reply by names; `next` as it is. */
async function erase(lua: Lua, key: string, ...args: (string | number)[]) {
  const [messages, claimed, batches, dead, entries, rates, next] = await lua.call('erase', key, ...args)
  return { messages, claimed, batches, dead, entries, rates, next }
}

const NOTHING = { messages: 0, claimed: 0, batches: 0, dead: 0, entries: 0, rates: 0, next: '' }

/** Calls until nothing is left. */
async function eraseAll(lua: Lua, key: string) {
  const replies = [await erase(lua, key)]
  for (let next = replies[0]?.next; next; next = replies.at(-1)?.next) replies.push(await erase(lua, key, 'AFTER', next))
  const sum = (name: 'messages' | 'batches' | 'dead' | 'entries') => replies.reduce((total, reply) => total + reply[name], 0)
  return { calls: replies.length, messages: sum('messages'), batches: sum('batches'), dead: sum('dead'), entries: sum('entries') }
}

const streamed = async (lua: Lua, key: string, stream: string, data: string | number = 1) => {
  await lua.call('add', key, data, 'FLUSH')
  await lua.call('forward', stream)
}
const ownersIn = async (lua: Lua, stream: string) =>
  (await lua.redis.xrange(`${lua.root}:stream:${stream}`, '-', '+')).map(([, fields]) => fields[fields.indexOf('key') + 1])

describeBindings('erase', (lua) => {
  it('takes away an open conversation, and nothing of others', async () => {
    await lua().call('add', 'ann', 1, 'WAIT', 5000, 'NEXT', 'ann', 2, 'NEXT', 'bob', 3, 'WAIT', 5000)
    const before = await lua().call('peek', 'bob')
    expect(await erase(lua(), 'ann')).toEqual({ ...NOTHING, messages: 2 })
    expect(await lua().call('peek', 'ann')).toEqual(['empty', lua().now, 0, 0, '', 0, 0, [], ''])
    expect(await lua().call('peek', 'bob')).toEqual(before)
    expect(await partsLeft(lua())).toEqual(expect.arrayContaining([`${lua().root}:messages:bob`, `${lua().root}:due`]))
    expect(await lua().redis.smembers(`${lua().root}:overrides`)).toEqual(['bob'])
    expect(await lua().redis.hget(lua().root, 'droppedMessages')).toBe('2')
    await lua().holds()
  })

  it('leaves nothing but the root, and has nothing to do the second time', async () => {
    await lua().call('add', 'ann', 1)
    expect(await erase(lua(), 'ann')).toEqual({ ...NOTHING, messages: 1 })
    const before = await lua().keyspace()
    expect(Object.keys(before)).toEqual([lua().root])
    expect(await erase(lua(), 'ann')).toEqual(NOTHING)
    expect(await erase(lua(), 'nobody')).toEqual(NOTHING)
    expect(await lua().keyspace()).toEqual(before)
  })

  it('makes the token of a worker void', async () => {
    await lua().call('add', 'ann', 1, 'FLUSH', 'NEXT', 'ann', 2)
    const { token } = await lua().claimOne()
    expect(await erase(lua(), 'ann')).toEqual({ ...NOTHING, messages: 2, claimed: 1 })
    await lua().call('add', 'ann', 3, 'FLUSH')
    expect(await lua().call('extend', 1000, 'ann', token)).toEqual(['lost', 0])
    expect(await lua().call('complete', 'ann', token)).toEqual(['lost'])
    expect(await lua().call('fail', 'ann', token, 'ATTEMPTS', 1)).toBe('lost')
    expect(await lua().call('release', 'ann', token)).toBe('lost')
    expect((await lua().claimOne()).messages.map(({ data }) => data)).toEqual(['3'])
    await lua().holds()
  })

  it.each([
    ['a batch that was claimed with a NONCE', [], 1],
    ['one that pauses', ['fail', 'ann'], 0],
    ['one that was given back', ['release', 'ann'], 0],
  ] as const)('says whether somebody has it: %s', async (_, [call, key], claimed) => {
    await lua().call('add', 'ann', 1, 'FLUSH')
    const { token } = await lua().claimOne('NONCE', 'w/1')
    if (call) await lua().call(call, key, token)
    expect(await erase(lua(), 'ann')).toEqual({ ...NOTHING, messages: 1, claimed })
    expect((await lua().claim()).batches).toEqual([])
    // The claim is made again, since its reply was lost.
    expect((await lua().claim('NONCE', 'w/1')).batches).toEqual([])
    await lua().holds()
  })

  it('takes away dead batches, and counts their messages', async () => {
    const [one, two] = [await bury(lua(), 'ann', 1, 2), await bury(lua(), 'ann', 3)]
    const bob = await bury(lua(), 'bob', 4)
    await lua().call('requeue', one)
    expect(await erase(lua(), 'ann')).toEqual({ ...NOTHING, messages: 2, batches: 1, dead: 1 })
    expect((await lua().call('dead')).map(([id]: [string]) => id)).toEqual([bob])
    expect(await lua().call('requeue', one, two)).toEqual(['unknown', 'unknown'])
    expect(await lua().redis.hmget(lua().root, 'deadMessages', 'droppedMessages')).toEqual(['1', '3'])
    await lua().holds()
  })

  it('takes the newest batch for old, though it died in the ms in which this begins', async () => {
    await bury(lua(), 'ann', 1)
    expect(await erase(lua(), 'ann')).toEqual({ ...NOTHING, batches: 1, dead: 1 })
  })

  it('takes away entries of each stream, and acknowledges them', async () => {
    for (const [key, stream] of [
      ['ann', 'b'],
      ['bob', 'b'],
      ['ann', 'a \xff'],
      ['ann', 'b'],
    ] as const)
      await streamed(lua(), key, stream)
    const b = `${lua().root}:stream:b`
    await lua().redis.xgroup('CREATE', b, 'one', '0')
    await lua().redis.xgroup('CREATE', b, 'two', '0')
    await lua().redis.xreadgroup('GROUP', 'one', 'me', 'COUNT', 2, 'STREAMS', b, '>')
    await lua().redis.config('RESETSTAT')
    expect(await erase(lua(), 'ann')).toEqual({ ...NOTHING, entries: 3 })
    // Once for each stream.
    expect(await lua().redis.info('commandstats')).toMatch(/cmdstat_xinfo\|groups:calls=2,/)
    expect(await ownersIn(lua(), 'b')).toEqual(['bob'])
    expect(await ownersIn(lua(), 'a \xff')).toEqual([])
    expect(((await lua().redis.xpending(b, 'one')) as unknown[])[0]).toBe(1)
    expect(await lua().redis.xreadgroup('GROUP', 'one', 'me', 'STREAMS', b, '0')).toMatchObject([
      [b, [[expect.any(String), expect.any(Array)]]],
    ])
    await lua().holds()
  })

  it('takes away what the webhook has counted of the conversation', async () => {
    const rate = (name: string) => `${lua().root}:rate:${name}`
    for (const name of ['line:ann', 'key:ann', 'line:bob', 'new:whatsapp']) await lua().redis.set(rate(name), 1, 'PX', 10_000)
    expect(await erase(lua(), 'ann')).toEqual({ ...NOTHING, rates: 2 })
    expect((await lua().redis.keys(rate('*'))).sort()).toEqual([rate('line:bob'), rate('new:whatsapp')])
  })

  it('begins the counter of what was dropped anew when somebody has written it', async () => {
    await lua().call('add', 'ann', 1, 'WAIT', 5000)
    await lua().redis.hset(lua().root, 'droppedMessages', 'none')
    expect(await erase(lua(), 'ann')).toEqual({ ...NOTHING, messages: 1 })
    expect(await lua().redis.hget(lua().root, 'droppedMessages')).toBe('1')
    expect(await partsLeft(lua())).toEqual([lua().root])
  })

  it('keeps an id remembered', async () => {
    await lua().call('add', 'ann', 1, 'ID', 'm1')
    await erase(lua(), 'ann')
    expect(await lua().call('add', 'ann', 1, 'ID', 'm1')).toEqual(['duplicate', 0])
  })

  it('does a bounded part of it in each call, and says where to go on', async () => {
    await lua().call('policy', 'MAXSIZE', 500)
    await lua().addAll(
      ...Array.from({ length: 450 }, (_, n) => ['NEXT', `k${n % 3}.${n}`, n, 'FLUSH'])
        .flat()
        .slice(1),
    )
    for (const { key, token } of await lua().claimAll('LIMIT', 1000, 'LEASE', 1000)) await lua().call('fail', key, token, 'ATTEMPTS', 1)
    for (const { 0: id } of (await lua().call('dead')) as string[][]) await lua().redis.hset(`${lua().root}:dead:${id}`, 'key', 'ann')
    for (let n = 0; n < 5; n += 1) {
      await lua().addAll(
        ...Array.from({ length: 100 }, (_, m) => ['NEXT', 'ann', 'x'.repeat(1000), 'ID', `${n}.${m}`])
          .flat()
          .slice(1),
      )
      await lua().call('add', n % 2 ? 'bob' : 'ann', n, 'FLUSH')
      await lua().call('add', 'ann', n, 'FLUSH')
      while ((await lua().call('forward', 'b'))[2] > 0);
    }
    const { calls, ...figures } = await eraseAll(lua(), 'ann')
    expect(calls).toBeGreaterThan(2)
    expect(figures).toEqual({ messages: 0, batches: 50, dead: 50, entries: expect.any(Number) })
    expect(new Set(await ownersIn(lua(), 'b'))).toEqual(new Set(['bob']))
    expect((await lua().redis.zcard(`${lua().root}:dead`)) as number).toBe(400)
    await lua().holds({ counted: true })
  })

  /** Ends of pages that a call goes to exactly: a look at a dead batch or at the name of a stream counts 6, of 2000. */
  it.each([
    [99, ''],
    [100, `${START}-0:archive:0:`],
  ])('goes on to the archive while it has deleted fewer than a hundred dead batches: %d', async (count, next) => {
    const pipeline = lua().redis.pipeline()
    for (let n = 0; n < count; n += 1)
      pipeline.zadd(`${lua().root}:dead`, START, `mine${n}`).hset(`${lua().root}:dead:mine${n}`, 'key', 'ann')
    await pipeline.exec()
    expect(await erase(lua(), 'ann')).toEqual({ ...NOTHING, batches: count, next })
  })

  it.each([
    [4, 4],
    ['1e300', 0],
  ])('looks at no more streams in one call than 334, and goes on by the number of the newest batch: %s', async (batches, number) => {
    await lua().redis.hset(lua().root, 'batches', batches)
    const names = Array.from({ length: 400 }, (_, n) => `b${String(n).padStart(3, '0')}`)
    await lua().redis.zadd(`${lua().root}:streams`, ...names.flatMap((name) => [0, name]))
    const { next } = await erase(lua(), 'ann')
    expect(next).toBe(`${START}-${number}:stream:0-0:b333`)
    expect((await erase(lua(), 'ann', 'AFTER', next)).next).toBe('')
  })

  // Reading an entry counts 20, 1 for two fields, and 1 for 256 bytes; deleting it 40.
  it.each([
    ['bob', 767, 81],
    ['bob', 768, 80],
    ['ann', 644, 32],
    ['ann', 645, 31],
  ])('looks at no more entries in one call than it has work for: of %s, with %d bytes, %d', async (key, bytes, looks) => {
    const pipeline = lua().redis.pipeline()
    for (let n = 1; n <= 90; n += 1) pipeline.xadd(`${lua().root}:stream:b`, `${n}-1`, 'key', key, 'id', 'x'.repeat(bytes - key.length))
    await pipeline.exec()
    const { next, entries } = await erase(lua(), 'ann', 'AFTER', `${START}-0:stream:0-0:b`)
    expect([next, entries]).toEqual([`${START}-0:stream:${looks}-1:b`, key === 'ann' ? looks : 0])
  })

  it('leaves what is new: messages, dead batches and entries since it began', async () => {
    await bury(lua(), 'ann', 1)
    await streamed(lua(), 'ann', 'b')
    await lua().call('add', 'ann', 1)
    const began = `${lua().now}-2`
    expect(await erase(lua(), 'ann')).toMatchObject({ messages: 1, batches: 1, entries: 1 })
    await bury(lua(), 'ann', 2)
    await lua().call('add', 'ann', 3)
    expect(await erase(lua(), 'ann', 'AFTER', `${began}:dead:0:`)).toMatchObject({ messages: 0, batches: 0 })
    await lua().call('add', 'ann', 3, 'FLUSH')
    await lua().call('forward', 'b')
    await lua().call('add', 'ann', 4)
    // Entries have the time of the real clock.
    expect(await erase(lua(), 'ann', 'AFTER', `${Date.now() - 60_000}-2:stream:0-0:b`)).toEqual(NOTHING)
    expect(await lua().call('peek', 'ann')).toMatchObject({ 0: 'collecting', 6: 1 })
    expect(await lua().call('dead')).toHaveLength(1)
    // In doubt, since the counter was lost or the clock has gone back, it is taken for old.
    expect(await erase(lua(), 'ann', 'AFTER', `${Date.now() + 60_000}-0:stream:0-0:b`)).toEqual({ ...NOTHING, entries: 1 })
    expect(await erase(lua(), 'ann', 'AFTER', `${lua().now}-99:dead:0:`)).toEqual({ ...NOTHING, batches: 1, dead: 1 })
    expect(await lua().call('peek', 'ann')).toMatchObject({ 0: 'collecting', 6: 1 })
    await lua().holds()
  })

  it('says the same when it is asked again under the same number', async () => {
    await lua().call('add', 'ann', 1)
    const first = await erase(lua(), 'ann', 'NONCE', 'me/1')
    await lua().call('add', 'ann', 2)
    expect(await erase(lua(), 'ann', 'NONCE', 'me/1')).toEqual(first)
    expect(await erase(lua(), 'ann', 'NONCE', 'me/2')).toEqual(first)
    await lua().call('add', 'ann', 3)
    expect(await erase(lua(), 'ann', 'NONCE', 'me/1')).toEqual(NOTHING)
    expect((await lua().call('peek', 'ann'))[6]).toBe(1)
  })

  it.each<[string, (lua: Lua) => Promise<unknown>]>([
    ['nothing else', async () => {}],
    ['a worker that has it', (lua) => lua.claimOne()],
    ['a dead batch', (lua) => lua.redis.multi().zadd(`${lua.root}:dead`, 1, 'mine').hset(`${lua.root}:dead:mine`, 'key', 'ann').exec()],
    ['an entry', (lua) => lua.redis.xadd(`${lua.root}:stream:b`, '*', 'key', 'ann')],
    ['what the webhook has counted', (lua) => lua.redis.set(`${lua.root}:rate:key:ann`, 1)],
  ])('says so too when it has found one message and %s', async (_, prepare) => {
    await lua().call('add', 'ann', 1, 'FLUSH')
    await lua().redis.zadd(`${lua().root}:streams`, 0, 'b')
    await prepare(lua())
    const said = await erase(lua(), 'ann', 'NONCE', 'me/1')
    expect(said.messages).toBe(1)
    expect(await erase(lua(), 'ann', 'NONCE', 'me/1')).toEqual(said)
  })

  it('keeps no reply when it has found nothing', async () => {
    expect(await erase(lua(), 'ann', 'NONCE', 'me/1')).toEqual(NOTHING)
    expect(await lua().keyspace()).toEqual({})
  })

  it.each(['0-0', '9999999999999-999999999999999'])(
    'takes the first and the last moment and number of a batch that there can be: %s',
    async (began) => {
      expect(await erase(lua(), 'ann', 'AFTER', `${began}:dead:0:`)).toEqual(NOTHING)
    },
  )

  it('leaves streams, dead batches and entries alone that are not of this library', async () => {
    const mine = await bury(lua(), 'ann', 1)
    await lua().redis.del(`${lua().root}:dead:${mine}`)
    await lua().redis.set(`${lua().root}:dead:${mine}`, 'mine')
    await streamed(lua(), 'ann', 'b')
    await lua().redis.zadd(`${lua().root}:streams`, 0, 'foreign', 0, 'gone')
    await lua().redis.set(`${lua().root}:stream:foreign`, 'mine')
    await lua().redis.xadd(`${lua().root}:stream:b`, '*', 'some', 'thing')
    expect(await erase(lua(), 'ann')).toEqual({ ...NOTHING, entries: 1 })
    expect(await lua().redis.xlen(`${lua().root}:stream:b`)).toBe(1)
    expect(await lua().redis.get(`${lua().root}:dead:${mine}`)).toBe('mine')
    expect(await lua().redis.get(`${lua().root}:stream:foreign`)).toBe('mine')
  })

  it.each([
    ['BAD_KEY', ['']],
    ['BAD_KEY', ['x'.repeat(1025)]],
    ['MISSING_ARGUMENT', []],
    ['MISSING_ARGUMENT', ['ann', 'AFTER']],
    ['UNKNOWN_ARGUMENT', ['ann', 'ALL']],
    ...[
      '',
      '0',
      '1-1:dead:0',
      '1-1:dead:0-0:',
      '1-1:stream:0:b',
      '1-1:all:0:',
      'x-1:dead:0:',
      '1-1:dead::',
      '10000000000000-1:dead:0:',
      `1-1:dead:${'9'.repeat(20)}:`,
      `1-1:stream:${'9'.repeat(20)}-1:b`,
      '1-0000000000000001:dead:0:',
    ].map((after) => ['BAD_ARGUMENT', ['ann', 'AFTER', after]] as const),
    ['BAD_ARGUMENT', ['ann', 'AFTER', `1-1:stream:0-0:${'x'.repeat(250)}`]],
    ['BAD_ARGUMENT', ['ann', 'NONCE', 'x']],
  ] as const)('refuses with %s: %j', async (code, args) => {
    await lua().call('add', 'ann', 1)
    await lua().refuses(code, '', 'erase', ...args)
  })

  it.each(['messages:ann', 'due', 'active', 'claims', 'overrides', 'dead', 'streams'])(
    'refuses when %s is a key of another type',
    async (part) => {
      await lua().redis.set(`${lua().root}:${part}`, 'mine')
      await lua().refuses('WRONG_TYPE', part.replace('ann', '...'), 'erase', 'ann')
    },
  )

  const CUTS = ['hdel', 'unlink', 'hincrby', 'srem', 'zrem', 'zscan', 'hget', 'xack', 'xdel', 'zrangebylex', 'xrange', 'xinfo', 'set']
  it.each(CUTS)('is finished by another call when it was cut off: without %s', async (command) => {
    await lua().call('policy', 'MAXDEAD', 100)
    await bury(lua(), 'ann', 1, 2)
    await streamed(lua(), 'ann', 'b')
    await lua().redis.xgroup('CREATE', `${lua().root}:stream:b`, 'one', '0')
    await lua().call('add', 'ann', 1, 'FLUSH', 'WAIT', 100)
    await lua().claimOne()
    await lua().call('add', 'ann', 2)
    const cut = await userWithout(lua(), command)
    await cut.call('erase', 'ann', 'NONCE', 'me/1').catch((error: Error) => expect(error.message).toMatch(NO_RIGHT))
    await eraseAll(lua(), 'ann')
    expect(JSON.stringify(await lua().keyspace())).not.toContain('ann')
    // Only counters may be left to be mended.
    expect((await brokenLaws(lua().redis, lua().root)).filter((law) => !/^(counters|dead-counter): /.test(law))).toEqual([])
  })
})
