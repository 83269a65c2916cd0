import { expect, it } from 'vitest'
import { CALLS } from '../../src/protocol/calls.ts'
import { LIMITS } from '../../src/redis/generated/limits.ts'
import { describeBindings, START } from '../support/lua.ts'
import { bury } from './dead-batches.ts'

type Args = (string | number)[]

describeBindings('trace', (lua) => {
  const part = (name: string) => `${lua().root}:${name}`
  const numbers = (count: number) => Array.from({ length: count }, (_, n) => n)

  /** What a trace says, over as many calls as it takes; times since the start. */
  async function trace(...args: Args) {
    const since = (at: number) => (at > START / 2 ? at - START : at)
    const replies: ReturnType<typeof CALLS.trace.read>[] = []
    do {
      const after: Args = replies.length ? ['AFTER', replies.at(-1)?.next as string] : []
      replies.push(CALLS.trace.read(await lua().callBuffer('trace', ...args, ...after)))
    } while (replies.at(-1)?.next)
    const places = replies.flatMap(({ places }) => places)
    const { now, next, looked, watchAt, ...first } = replies[0] as ReturnType<typeof CALLS.trace.read>
    expect(now).toBe(lua().now)
    return {
      ...first,
      ...{ looked: since(looked), watchAt: since(watchAt), calls: replies.length },
      places: places.map(({ key, receivedAt, deadline, until, ...place }) => ({
        ...place,
        key: key.toString(),
        ...{ receivedAt: since(receivedAt), deadline: since(deadline), until: since(until) },
      })),
    }
  }
  const placesOf = async (...args: Args) => (await trace(...args)).places
  const stream = (name: string, n: number, key: string, ...fields: Args) =>
    lua().redis.xadd(part(`stream:${name}`), `${START + n}-0`, 'id', `1-${n}`, 'key', key, 'reason', 'wait', ...fields)

  it('knows nothing of a key, a message or a batch that is not there', async () => {
    const nothing = { remembered: false, looked: 0, watchAt: 0, serves: 'open', places: [], calls: 1 }
    expect(await trace('KEY', 'ann')).toEqual(nothing)
    expect(await trace('KEY', 'ann', 'ID', 'm1')).toEqual(nothing)
    expect(await trace('BATCH', '1-1')).toEqual(nothing)
  })

  it('tells each state of a message, and where it is among the others', async () => {
    await lua().call('add', 'ann', 'x', 'ID', 'm1', 'NEXT', 'ann', 'x', 'ID', 'm2')
    await lua().tick(1000)
    const first = { key: 'ann', batch: undefined, attempt: 0, count: 2, size: 2, reason: 'wait', deadline: 10_000, until: 0, detail: '' }
    const m1 = { ...first, position: 1, receivedAt: 0 }
    expect(await trace('KEY', 'ann', 'ID', 'm1')).toMatchObject({ remembered: true, places: [{ ...m1, state: 'collecting' }] })
    expect(await placesOf('KEY', 'ann', 'ID', 'm2')).toEqual([{ ...m1, state: 'collecting', position: 2 }])
    expect(await lua().call('trace', 'KEY', 'ann', 'ID', 'm1')).toMatchObject({ 2: 1 })
    await lua().tick(9000)
    expect(await placesOf('KEY', 'ann', 'ID', 'm1')).toEqual([{ ...m1, state: 'ready' }])
    const { token } = await lua().claimOne('LEASE', 500, 'WORKER', 'w')
    const batch = token.split(':')[0] as string
    await lua().call('add', 'ann', 'x', 'ID', 'm3')
    const held = { ...m1, batch, attempt: 1, size: 3, until: 10_500 }
    const watched = { looked: 10_000, watchAt: 10_500 }
    expect(await trace('KEY', 'ann', 'ID', 'm1')).toMatchObject({ ...watched, places: [{ ...held, state: 'active' }] })
    expect(await placesOf('KEY', 'ann', 'ID', 'm3')).toEqual([{ ...held, state: 'active', position: 3, receivedAt: 10_000 }])
    expect(await placesOf('BATCH', batch)).toEqual([{ ...held, state: 'active', position: 0 }])
    await lua().call('fail', 'ann', token, 'DELAY', 40, 'ERROR', 'secret')
    expect(await placesOf('KEY', 'ann', 'ID', 'm1')).toEqual([{ ...held, state: 'retry', until: 10_040 }])
    await lua().tick(40)
    const again = await lua().claimOne('LEASE', 500)
    await lua().call('release', 'ann', again.token)
    expect(await placesOf('KEY', 'ann')).toEqual([{ ...held, state: 'released', attempt: 2, position: 0, until: 10_040 }])
    const last = await lua().claimOne('LEASE', 500)
    await lua().call('complete', 'ann', last.token)
    expect(await trace('KEY', 'ann', 'ID', 'm1')).toMatchObject({ remembered: true, places: [] })
    expect(await placesOf('BATCH', batch)).toEqual([])
    expect(await trace('KEY', 'bob', 'ID', 'm1')).toMatchObject({ remembered: false, places: [] })
    await lua().tick(3 * 3_600_000)
    expect(await trace('KEY', 'ann', 'ID', 'm1')).toMatchObject({ remembered: false, places: [] })
  })

  it('tells when a worker has promised to look', async () => {
    await lua().call('claim_ready', 'WORKER', 'w', 'REST', 700)
    expect(await trace('KEY', 'ann')).toMatchObject({ looked: 0, watchAt: 700 })
  })

  it('finds messages that are dead or streamed, those of a key the newest first', async () => {
    const ids: string[] = []
    for (const n of [1, 2]) {
      ids.push(await bury(lua(), 'ann', `x${n}`))
      await lua().tick(10)
    }
    await lua().call('add', 'ann', 'x', 'ID', 'm1', 'NEXT', 'ann', 'x', 'ID', 'm2', 'FLUSH')
    const { token } = await lua().claimOne()
    const [batch] = token.split(':') as [string]
    await lua().call('fail', 'ann', token, 'ATTEMPTS', 1, 'ERROR', 'secret')
    const dead = { state: 'dead', key: 'ann', attempt: 1, size: 0, reason: 'flush', detail: 'failed' }
    const m2 = { ...dead, batch, count: 2, position: 2, receivedAt: 20, deadline: 20, until: 20 }
    expect(await trace('KEY', 'ann', 'ID', 'm2')).toMatchObject({ remembered: true, places: [m2] })
    expect(await placesOf('BATCH', batch)).toEqual([{ ...m2, position: 0, receivedAt: 0 }])
    await lua().call('add', 'ann', 'x', 'ID', 'm3', 'FLUSH', 'NEXT', 'bob', 'x', 'ID', 'm3', 'FLUSH')
    await lua().call('forward', 'two')
    const [[, entry]] = (await lua().redis.xrange(part('stream:two'), '-', '+')) as [[string, string[]]]
    const [streamed] = await placesOf('KEY', 'ann', 'ID', 'm3')
    expect(streamed).toMatchObject({
      ...{ state: 'streamed', key: 'ann', batch: entry[1], count: 1, size: 0, position: 1, receivedAt: 20, reason: 'flush', detail: 'two' },
    })
    expect((await placesOf('BATCH', entry[1] as string))[0]).toMatchObject({ state: 'streamed', key: 'ann', position: 0, receivedAt: 0 })
    const of = (await placesOf('KEY', 'ann')).map(({ state, batch }) => [state, batch])
    expect(of).toEqual([...[batch, ids[1], ids[0]].map((id) => ['dead', id]), ['streamed', entry[1]]])
    expect(await placesOf('KEY', 'ann', 'ID', 'm4')).toEqual([])
    await lua().call('add', 'ann', 'x', 'ID', 'm4')
    expect((await placesOf('KEY', 'ann')).map(({ state }) => state)).toEqual(['collecting', 'dead', 'dead', 'dead', 'streamed'])
  })

  it('finds the newest of messages with one id', async () => {
    const say = async (flush: boolean) => lua().call('add', 'ann', 'x', 'ID', 'm1', ...(flush ? ['FLUSH'] : []))
    await lua().call('policy', 'DEDUPE', 1)
    await say(true)
    const { token } = await lua().claimOne()
    await lua().call('fail', 'ann', token, 'ATTEMPTS', 1)
    await lua().tick(10)
    await say(false)
    await lua().tick(10)
    await say(false)
    expect(await placesOf('KEY', 'ann', 'ID', 'm1')).toMatchObject([{ state: 'collecting', position: 2, receivedAt: 20, size: 2 }])
  })

  it('takes the order of streams by their names, and of entries the newest first, and reads what is no entry of ours', async () => {
    for (const [n, name] of ['b', 'a', 'a'].entries()) {
      await stream(name, n, 'ann', 'count', 1, 'deadline', 5, 'id:1', 'm1', 'at:1', START + n)
      await lua().redis.zadd(part('streams'), 0, name)
    }
    await lua().redis.xadd(part('stream:a'), `${START + 9}-0`, 'whose', 'mine', 'id:x', 'm1')
    await lua().redis.zadd(part('streams'), 0, 'aa')
    await lua().redis.set(part('stream:aa'), 'mine')
    const seen = (await placesOf('KEY', 'ann')).map(({ batch, detail, until }) => [batch, detail, until])
    expect(seen).toEqual([
      ['1-2', 'a', 2],
      ['1-1', 'a', 1],
      ['1-0', 'b', 0],
    ])
    expect(await placesOf('KEY', 'ann', 'ID', 'm1')).toMatchObject([{ batch: '1-2', position: 1, receivedAt: 2, deadline: 5, count: 1 }])
    expect(await placesOf('BATCH', '1-0')).toMatchObject([{ detail: 'b', key: 'ann' }])
  })

  it('says of messages that are in no index that nobody looks at them', async () => {
    await lua().call('add', 'ann', 'x', 'ID', 'm1', 'FLUSH')
    const due = { state: 'unindexed', position: 1, count: 1, batch: undefined, until: 0, deadline: 0, reason: 'flush' }
    await lua().redis.zrem(part('due'), 'ann')
    expect(await placesOf('KEY', 'ann', 'ID', 'm1')).toMatchObject([due])
    await lua().redis.zadd(part('due'), START, 'ann')
    const { token } = await lua().claimOne()
    await lua().redis.zrem(part('active'), 'ann')
    expect(await placesOf('KEY', 'ann', 'ID', 'm1')).toMatchObject([{ ...due, batch: token.split(':')[0] }])
    await lua().redis.zadd(part('active'), START + 0.5, 'ann')
    expect(await placesOf('KEY', 'ann', 'ID', 'm1')).toMatchObject([{ ...due, state: 'active', until: 1, batch: token.split(':')[0] }])
    await lua().redis.hdel(part('claims'), 'ann')
    expect(await placesOf('KEY', 'ann')).toMatchObject([{ ...due, state: 'ready', position: 0, batch: undefined }])
  })

  it('knows a batch that was completed while its list was away', async () => {
    await lua().call('add', 'ann', 'x', 'ID', 'm1', 'FLUSH')
    const { token } = await lua().claimOne()
    await lua().redis.rename(part('messages:ann'), part('away'))
    await lua().call('complete', 'ann', token)
    expect(await placesOf('KEY', 'ann', 'ID', 'm1')).toEqual([])
    expect(await placesOf('KEY', 'ann')).toEqual([])
    expect(await placesOf('BATCH', token.split(':')[0] as string)).toMatchObject([{ state: 'done', count: 1, size: 0 }])
    await lua().redis.rename(part('away'), part('messages:ann'))
    expect(await placesOf('KEY', 'ann', 'ID', 'm1')).toMatchObject([{ state: 'done', count: 1, position: 1 }])
  })

  it('looks at a long list some at a time, from its end, and misses nothing that moves meanwhile', async () => {
    await lua().call('policy', 'MAXBACKLOG', 10_000)
    const message = (n: number) => `${START} 4 m${String(n).padStart(3, '0')}x`
    await lua().redis.rpush(part('messages:ann'), ...numbers(5000).map(message))
    await lua().redis.zadd(part('due'), START, 'ann')
    const { calls, places } = await trace('KEY', 'ann', 'ID', 'm000')
    expect([calls, places]).toEqual([3, [expect.objectContaining({ position: 1, size: 5000, count: 10 })]])
    expect(await trace('KEY', 'ann', 'ID', '4999')).toMatchObject({ places: [] })
    const [, next] = await lua().call('trace', 'KEY', 'ann', 'ID', 'm001')
    expect(next).toBe('list:1850:')
    // What is in front of it goes, and more comes behind it.
    await lua().redis.ltrim(part('messages:ann'), 1, -1)
    await lua().redis.rpush(part('messages:ann'), ...numbers(LIMITS.traceWork).map(() => message(0)))
    let reply = [0, next]
    while (reply[1]) reply = await lua().call('trace', 'KEY', 'ann', 'ID', 'm001', 'AFTER', reply[1])
    expect(reply[6].slice(5, 7)).toEqual([4999 + LIMITS.traceWork, 1])
  })

  it('reads no more bytes of a list at a time than one call shows', async () => {
    await lua().set({ largest: 262_144 })
    await lua().redis.rpush(part('messages:ann'), ...numbers(6).map((n) => `${START} 2 m${n}${'x'.repeat(262_144)}`))
    await lua().redis.config('RESETSTAT')
    expect((await trace('KEY', 'ann', 'ID', 'm0')).calls).toBe(3)
    expect(await lua().redis.info('commandstats')).toContain('cmdstat_lrange:calls=7,')
  })

  it('looks at dead batches some at a time, and goes on where it has stopped, whatever goes meanwhile', async () => {
    const pipeline = lua().redis.pipeline()
    // Many have died in one ms.
    for (const n of numbers(1000)) {
      pipeline.zadd(part('dead'), START + Math.floor(n / 400), `1-${n}`)
      pipeline.hset(part(`dead:1-${n}`), 'key', n % 100 === 7 ? 'ann' : 'bob', 'count', 1, '1', `${START} 0 x`)
    }
    await pipeline.exec()
    const { calls, places } = await trace('KEY', 'ann')
    const dead = places.map(({ batch }) => batch)
    expect([calls, [...dead].sort()]).toEqual([
      3,
      numbers(10)
        .map((n) => `1-${n * 100 + 7}`)
        .sort(),
    ])
    expect(dead[0]).toBe('1-907')
    const [, next, , , , , ...some] = await lua().call('trace', 'KEY', 'ann')
    const [, , last] = String(next).split(':') as [string, string, string]
    expect(next).toMatch(/^dead:\d{13}:1-\d+$/)
    await lua().redis.zrem(part('dead'), last)
    const seen = new Set(some.map(([, , batch]: string[]) => batch))
    let after = next
    while (after) {
      const [, then, , , , , ...more] = await lua().call('trace', 'KEY', 'ann', 'AFTER', after)
      for (const [, , batch] of more) seen.add(batch)
      after = then
    }
    expect(seen.size).toBe(10)
  })

  it('reads some dead batches of a key at a time when it looks for a message, and one however large it is', async () => {
    for (const n of numbers(4)) {
      await lua().redis.zadd(part('dead'), START + n, `1-${n}`)
      await lua().redis.hset(part(`dead:1-${n}`), { key: 'ann', count: 1, 1: `${START} 2 m${n}${'x'.repeat(1_048_576)}` })
    }
    expect(await trace('KEY', 'ann', 'ID', 'm3')).toMatchObject({ calls: 1, places: [{ batch: '1-3', position: 1 }] })
    expect(await trace('KEY', 'ann', 'ID', 'm0')).toMatchObject({ calls: 4, places: [{ batch: '1-0', position: 1 }] })
    expect(await trace('KEY', 'ann', 'ID', 'm4')).toMatchObject({ calls: 5, places: [] })
  })

  it('passes by what is dead and is no batch', async () => {
    await lua().redis.zadd(part('dead'), 1, '1-1', 2, '1-2', 3, '1-3')
    await lua().redis.set(part('dead:1-1'), 'mine')
    await lua().redis.hset(part('dead:1-2'), 'whose', 'mine')
    expect(await placesOf('KEY', 'ann')).toEqual([])
    expect(await placesOf('BATCH', '1-1')).toMatchObject([{ state: 'dead', key: '', count: 0 }])
    await lua().redis.hset(part('dead:1-4'), 'key', 'ann')
    expect(await placesOf('BATCH', '1-4')).toEqual([])
  })

  it('tells nothing of what a dead batch or an entry does not say', async () => {
    await lua().redis.hset(part('dead:1-7'), 'key', 'ann')
    await lua().redis.zadd(part('dead'), START, '1-7')
    await lua().redis.xadd(part('stream:out'), `${START}-1`, 'key', 'ann')
    await lua().redis.zadd(part('streams'), 0, 'out')
    const [, , , , , , ...places] = await lua().call('trace', 'KEY', 'ann')
    expect(places).toEqual([
      ['dead', 'ann', '1-7', 0, 0, 0, 0, 0, '', 0, START, ''],
      ['streamed', 'ann', '', 0, 0, 0, 0, 0, '', 0, START, 'out'],
    ])
  })

  it('looks at claims and entries some at a time', async () => {
    const pipeline = lua().redis.pipeline()
    for (const n of numbers(6000)) pipeline.hset(part('claims'), `k${n}`, `${START}-${n}:1:1:0:1:${START}:size:1000`)
    await pipeline.exec()
    expect((await trace('BATCH', `${START}-6000`)).calls).toBeGreaterThan(2)
    expect(await placesOf('BATCH', `${START}-77`)).toMatchObject([{ key: 'k77', batch: `${START}-77`, state: 'unindexed' }])
    await lua().redis.zadd(part('streams'), 0, 'two')
    for (const n of numbers(100)) await stream('two', n, n === 3 ? 'bob' : 'cyd', 'count', 1, 'id:1', `m${n}`, 'at:1', START)
    expect(await trace('KEY', 'bob', 'ID', 'm3')).toMatchObject({ calls: 2, places: [{ detail: 'two', position: 1 }] })
    expect(await trace('KEY', 'bob', 'ID', 'm4')).toMatchObject({ places: [] })
  })

  it('changes nothing, and says nothing of what people wrote or handlers have failed with', async () => {
    await lua().call('add', 'ann', 'secret', 'ID', 'm1', 'NEXT', 'bob', 'secret', 'FLUSH', 'NEXT', 'cyd', 'secret', 'ID', 'm3', 'FLUSH')
    const { token } = await lua().claimOne('LIMIT', 1)
    await lua().call('fail', 'bob', token, 'ERROR', 'secret', 'DELAY', 10)
    await bury(lua(), 'cyd', 'secret')
    const before = await lua().keyspace()
    for (const args of [
      ['KEY', 'ann'],
      ['KEY', 'ann', 'ID', 'm1'],
      ['KEY', 'bob'],
      ['KEY', 'cyd'],
      ['BATCH', token.split(':')[0] as string],
    ])
      expect(JSON.stringify(await lua().call('trace', ...args))).not.toContain('secret')
    expect(await lua().keyspace()).toEqual(before)
  })

  it('tells what a root is among the partitions', async () => {
    await lua().call('partition', 'RETIRE')
    expect(await trace('KEY', 'ann')).toMatchObject({ serves: 'retired' })
    expect((await lua().callWith('trace', ['rapid-fire:{orders:3}'], 'KEY', 'ann'))[5]).toBe('unused')
  })

  it.each(['active', 'due', 'dead', 'claims', 'streams', 'messages:ann'])(
    'is refused with WRONG_TYPE when %s is of another type',
    async (name) => {
      await lua().redis.set(part(name), 'mine')
      await lua().refuses('WRONG_TYPE', part(name).replace(':ann', ':...'), 'trace', 'KEY', 'ann', 'ID', 'm1')
    },
  )

  it.each<[string, string, Args]>([
    ['MISSING_ARGUMENT', 'expected KEY or BATCH', []],
    ['MISSING_ARGUMENT', 'expected KEY or BATCH', ['ID', 'm1']],
    ['MISSING_ARGUMENT', 'ID must be followed by a value', ['KEY', 'ann', 'ID']],
    ['BAD_KEY', '1 to 1024 bytes, got 0', ['KEY', '']],
    ['BAD_ARGUMENT', 'BATCH stands alone', ['KEY', 'ann', 'BATCH', '1-1']],
    ['BAD_ARGUMENT', 'BATCH stands alone', ['BATCH', '1-1', 'ID', 'm1']],
    ['BAD_ARGUMENT', 'ID must have at least 1 byte', ['KEY', 'ann', 'ID', '']],
    ['UNKNOWN_ARGUMENT', "got 'ann'", ['ann']],
    ...[
      '',
      'list',
      'list:x:',
      'claims:0:',
      'stream:5:a',
      'dead:1-1:',
      'other:1:',
      'stream:0-0:a',
      `stream:${'9'.repeat(20)}-1:a`,
      `list:${'1'.repeat(21)}:`,
    ].map((after): [string, string, Args] => ['BAD_ARGUMENT', 'AFTER must be what a call has replied', ['KEY', 'ann', 'AFTER', after]]),
    ...['list:0:', 'claims:18446744073709551616:', 'claims:1-1:'].map((after): [string, string, Args] => [
      'BAD_ARGUMENT',
      'AFTER must be what a call has replied',
      ['BATCH', '1-1', 'AFTER', after],
    ]),
  ])('refuses with %s: %s, given %s', async (code, says, args) => {
    await lua().refuses(code, says, 'trace', ...args)
  })
})
