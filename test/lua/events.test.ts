import { expect, it } from 'vitest'
import { LIMITS } from '../../src/redis/generated/limits.ts'
import { eventsOf } from '../support/events.ts'
import { describeBindings, type Lua, partsLeft, START } from '../support/lua.ts'
import { bury } from './dead-batches.ts'
import { userWithout } from './users.ts'

type Args = (string | number)[]

const stream = (lua: Lua) => `${lua.root}:events`
const entriesOf = (lua: Lua) => lua.redis.xrange(stream(lua), '-', '+')
const numbers = (count: number) => Array.from({ length: count }, (_, n) => n)

/** What the entries since the one with this number tell: event, key, what is said of it, and ids. */
async function told(lua: Lua, from = 0) {
  const entries = (await entriesOf(lua)).slice(from)
  return entries
    .flatMap(([, flat]) => eventsOf(flat))
    .map(({ event, key, fields, ids }) => [event, key, { ...fields, ...(ids.length && { ids }) }])
}

/** What one call tells, in one entry. */
async function telling(lua: Lua, work: () => Promise<unknown>) {
  const before = await lua.redis.xlen(stream(lua))
  await work()
  expect(await lua.redis.xlen(stream(lua))).toBe(before + 1)
  return told(lua, before)
}

async function read(lua: Lua, ...args: Args) {
  const [kept, gap, next, more, ...entries] = await lua.call('events', ...args)
  return { kept, gap, next, more, ids: entries.map(([id]: [string]) => id) }
}

describeBindings('events', (lua) => {
  const on = (events = 1000) => lua().call('policy', 'EVENTS', events)
  const call = lua as () => Lua

  it('are not written unless the policy keeps some, nor is there a key', async () => {
    await lua().call('add', 'ann', 1, 'ID', 'm1', 'FLUSH', 'NEXT', 'ann', 1, 'ID', 'm1')
    const { key, token } = await lua().claimOne()
    await lua().call('complete', key, token)
    expect((await partsLeft(lua())).filter((part) => part.endsWith(':events'))).toEqual([])
    expect(await read(lua())).toEqual({ kept: 0, gap: 0, next: '0-0', more: 0, ids: [] })
    expect(await read(lua(), 'AFTER', '+')).toMatchObject({ next: '0-0' })
  })

  it('of adds name keys and ids, in one entry, and a key once for messages in turn', async () => {
    await on()
    const add = (...args: Args) => telling(lua(), () => lua().call('add', ...args))
    expect(await add('ann', 'x')).toEqual([['added', 'ann', { ids: [''] }]])
    expect(await add('ann', 'x', 'ID', 'm1')).toEqual([['added', 'ann', { ids: ['m1'] }]])
    expect(await add('ann', 'x', 'ID', 'm1')).toEqual([['duplicate', 'ann', { ids: ['m1'] }]])
    const several = [
      'ann',
      'x',
      'ID',
      'm2',
      'NEXT',
      'ann',
      'x',
      'WAIT',
      500,
      'NEXT',
      'bob',
      'x',
      'NEXT',
      'bob',
      'x',
      'ID',
      'b1',
      'NEXT',
      'bob',
      'x',
    ]
    expect(await add(...several, 'ID', 'b1', 'NEXT', '', 'x', 'NEXT', 'ann', 'x')).toEqual([
      ['added', 'ann', { ids: ['m2', ''] }],
      ['added', 'bob', { ids: ['', 'b1'] }],
      ['duplicate', 'bob', { ids: ['b1'] }],
      ['added', 'ann', { ids: [''] }],
    ])
    expect(await add('ann', 'x', 'REQUEUED', `${START - 5}:1-1:1`)).toEqual([['requeued', 'ann', { ids: [''] }]])
    const before = await lua().keyspace()
    await lua().call('policy', 'MAXSIZE', 1, 'MAXBACKLOG', 1)
    await expect(lua().call('add', 'ann', 'x')).rejects.toThrow('BACKLOG_FULL')
    expect((await lua().keyspace())[stream(lua())]).toEqual(before[stream(lua())])
  })

  it('of a life tell of each step by the id of its batch', async () => {
    await on()
    await lua().call(
      'add',
      'ann',
      'x',
      'ID',
      'm1',
      'NEXT',
      'ann',
      'y',
      'NEXT',
      'ann',
      'z',
      'ID',
      'm3',
      'FLUSH',
      'NEXT',
      'bob',
      'x',
      'FLUSH',
    )
    const [ann, bob] = [`${START}-1`, `${START}-2`]
    const flush = { attempt: '1', claim: '1', reason: 'flush', worker: 'w1' }
    expect(await telling(lua(), () => lua().call('claim_ready', 'WORKER', 'w1', 'NONCE', 'me/1'))).toEqual([
      ['claimed', 'ann', { batch: ann, ...flush, count: '3', ids: ['m1', '', 'm3'] }],
      ['claimed', 'bob', { batch: bob, ...flush, count: '1', ids: [''] }],
    ])
    const failed = () => lua().call('fail', 'ann', `${ann}:1`, 'KEEP', '1,3', 'DELAY', 50, 'NEXT', 'bob', `${bob}:1`, 'DELAY', 0)
    expect(await telling(lua(), failed)).toEqual([
      ['failed', 'ann', { batch: ann, attempt: '1', count: '2', done: '1', kept: '1,3', until: `${START + 50}` }],
      ['failed', 'bob', { batch: bob, attempt: '1', count: '1', until: `${START}` }],
    ])
    expect(await telling(lua(), () => lua().call('claim_ready'))).toEqual([
      ['claimed', 'bob', { batch: bob, claim: '2', attempt: '2', count: '1', reason: 'flush' }],
    ])
    expect(await telling(lua(), () => lua().call('release', 'bob', `${bob}:2`, 'REASON', 'secret'))).toEqual([
      ['released', 'bob', { batch: bob }],
    ])
    await lua().tick(50)
    await lua().call('claim_ready', 'LEASE', 5)
    expect(await telling(lua(), () => lua().call('complete', 'bob', `${bob}:3`))).toEqual([
      ['completed', 'bob', { batch: bob, count: '1' }],
    ])
    await lua().tick(5)
    expect(await telling(lua(), () => lua().call('claim_ready', 'ATTEMPTS', 2))).toEqual([
      ['dead', 'ann', { batch: ann, attempt: '2', count: '2', cause: 'lease' }],
    ])
    expect(await telling(lua(), () => lua().call('requeue', ann, '1-1'))).toEqual([['requeued', 'ann', { batch: ann, count: '2' }]])
    const { token } = await lua().claimOne()
    const id = token.slice(0, -2)
    expect(await telling(lua(), () => lua().call('fail', 'ann', token, 'ATTEMPTS', 1, 'KEEP', '2', 'ERROR', 'secret'))).toEqual([
      ['dead', 'ann', { batch: id, attempt: '1', count: '1', done: '1', kept: '2', cause: 'failed' }],
    ])
    expect(await telling(lua(), () => lua().call('drop', id, '1-1'))).toEqual([['dropped', 'ann', { batch: id, count: '1', why: 'asked' }]])
    expect(JSON.stringify(await entriesOf(lua()))).not.toContain('secret')
    await lua().holds()
  })

  it('name what goes into a stream, and what is dropped for its age', async () => {
    await on()
    await bury(lua(), 'old', 1)
    await lua().call('policy', 'MAXDEADAGE', 10)
    await lua().call('add', 'ann', 'x', 'ID', 'm1', 'FLUSH')
    await lua().tick(10)
    const dropped = ['dropped', 'old', { batch: `${START}-1`, count: '1', why: 'age' }]
    expect(await telling(lua(), () => lua().call('forward', 'out'))).toEqual([
      dropped,
      ['forwarded', 'ann', { stream: 'out', batch: `${lua().now}-2`, count: '1', reason: 'flush', ids: ['m1'] }],
    ])
    // Also when the stream is full.
    for (const key of ['one', 'two']) await lua().call('add', key, 'x', 'FLUSH')
    const { batches } = await lua().claim()
    for (const { key, token } of batches) await lua().call('fail', key, token, 'ATTEMPTS', 1)
    await lua().tick(10)
    expect(await telling(lua(), () => lua().call('forward', 'out', 'MAXLEN', 1))).toMatchObject([
      ['dropped', 'one', {}],
      ['dropped', 'two', {}],
    ])
  })

  it('tell of what was put in order', async () => {
    await on()
    await lua().call('add', 'ann', 'x', 'FLUSH', 'NEXT', 'bob', 'x', 'FLUSH')
    await lua().claim('LEASE', 5)
    await lua().redis.hdel(`${lua().root}:claims`, 'ann')
    await lua().redis.del(`${lua().root}:messages:bob`)
    await lua().tick(5)
    expect(await telling(lua(), () => lua().claim())).toMatchObject([
      ['reopened', 'ann', {}],
      ['claimed', 'ann', {}],
    ])
    await lua().tick(10_001)
    expect(await telling(lua(), () => lua().claim())).toEqual([['missing', 'bob', {}]])
    await lua().redis.zrem(`${lua().root}:active`, 'ann')
    expect(await telling(lua(), () => lua().call('repair', 'messages:ann', 'messages:bob'))).toEqual([
      ['repaired', 'ann', { repair: 'added to active' }],
    ])
  })

  it('are told once of a call that is repeated', async () => {
    await on()
    await lua().call('add', 'ann', 'x', 'FLUSH')
    for (const _ of [1, 2]) await lua().call('claim_ready', 'NONCE', 'me/1')
    for (const _ of [1, 2]) await lua().call('complete', 'NONCE', 'me/2', 'ann', `${START}-1:1`)
    expect((await told(lua())).map(([event]) => event)).toEqual(['added', 'claimed', 'completed'])
  })

  it('are kept up to about so many, and go when none are to be kept', async () => {
    await on(50)
    for (let n = 0; n < 400; n += 1) await lua().call('add', 'ann', 'x')
    const kept = await lua().redis.xlen(stream(lua()))
    expect(kept).toBeGreaterThanOrEqual(50)
    // Redis takes off whole nodes of a stream, of 4 KiB or a hundred entries.
    expect(kept).toBeLessThan(200)
    await on(0)
    expect(await partsLeft(lua())).not.toContain(stream(lua()))
    await lua().redis.set(stream(lua()), 'theirs')
    await on(0)
    expect(await lua().redis.get(stream(lua()))).toBe('theirs')
  })

  it('of one large call come in several entries', async () => {
    await on()
    await lua().addAll(...numbers(80).flatMap((n) => [...(n ? ['NEXT'] : []), `k${n}`, n]))
    await lua().tick(10_000)
    const before = await lua().redis.xlen(stream(lua()))
    const { batches } = await lua().claim('LIMIT', 1000, 'WORKER', 'w1')
    const after = await lua().redis.xlen(stream(lua()))
    expect(after).toBe(before + 2)
    const claimed = await told(lua(), before)
    expect(claimed).toHaveLength(80)
    expect(claimed.map(([event, key, fields]) => [event, key, (fields as { worker: string }).worker])).toEqual(
      batches.map(({ key }) => ['claimed', key, 'w1']),
    )
    for (const [, flat] of await entriesOf(lua())) expect(flat.length).toBeLessThan(LIMITS.eventFields + 20)
  })

  it.each([
    ['a user who may not write them', async () => userWithout(lua(), 'xadd')],
    ['a key of another type in their place', async () => lua().redis.set(stream(lua()), 'theirs').then(call)],
  ])('cost a call nothing: %s', async (_, given) => {
    await on()
    const user = await given()
    expect(await user.call('add', 'ann', 'x', 'FLUSH', 'NEXT', 'bob', 'x', 'FLUSH', 'NEXT', 'cyd', 'x', 'FLUSH')).toEqual([
      'added',
      1,
      'added',
      1,
      'added',
      1,
    ])
    const { batches } = await user.claim()
    const [one, two, three] = batches.map(({ key, token }) => [key, token]) as [Args, Args, Args]
    expect(await user.call('fail', ...one, 'DELAY', 0)).toBe('retry')
    expect(await user.call('release', ...two)).toBe('released')
    expect(await user.call('complete', ...three)).toEqual(['completed'])
    await user.call('add', 'cyd', 'x')
    expect(await user.call('erase', 'cyd')).toMatchObject({ 0: 1 })
    expect(await lua().redis.type(stream(lua()))).toMatch(/^(none|string)$/)
  })

  it('are read from where the reader has stopped, some at a time', async () => {
    await on()
    for (const n of numbers(25)) await lua().call('add', n % 5 ? 'ann' : 'bob', 'x', 'ID', `m${n}`)
    const ids = (await entriesOf(lua())).map(([id]) => id)
    expect(await read(lua())).toEqual({ kept: 1000, gap: 0, next: ids[24], more: 0, ids })
    expect(await read(lua(), 'LIMIT', 24)).toEqual({ kept: 1000, gap: 0, next: ids[23], more: 1, ids: ids.slice(0, 24) })
    expect(await read(lua(), 'AFTER', ids[21] as string)).toEqual({ kept: 1000, gap: 0, next: ids[24], more: 0, ids: ids.slice(22) })
    for (const after of [ids[24] as string, '+'])
      expect(await read(lua(), 'AFTER', after)).toEqual({ kept: 1000, gap: 0, next: ids[24], more: 0, ids: [] })
    // As a failover leaves it which has lost what a reader has seen.
    const ahead = `${START + 60_000}-0`
    expect(await read(lua(), 'AFTER', ahead)).toEqual({ kept: 1000, gap: 0, next: ahead, more: 0, ids: [] })
    await lua().refuses('BAD_ARGUMENT', "AFTER must be the id of an entry or +, got '-'", 'events', 'AFTER', '-')
    await lua().refuses('BAD_ARGUMENT', 'AFTER must be', 'events', 'AFTER', `${'9'.repeat(16)}-0`)
    await lua().redis.set(stream(lua()), 'theirs')
    await lua().refuses('WRONG_TYPE', 'expected a stream', 'events')
  })

  it('are found by what they name', async () => {
    await on()
    for (const n of numbers(25)) await lua().call('add', n % 5 ? 'ann' : 'bob', 'x', 'ID', `m${n}`)
    await lua().call('add', 'bob', 'x', 'FLUSH')
    await lua().claim()
    const ids = (await entriesOf(lua())).map(([id]) => id)
    const bobs = ids.filter((_, n) => n % 5 === 0 || n > 24)
    expect(await read(lua(), 'KEY', 'bob')).toMatchObject({ next: ids[26], more: 0, ids: bobs })
    expect(await read(lua(), 'KEY', 'bob', 'LIMIT', 3)).toMatchObject({ next: ids[10], more: 1, ids: bobs.slice(0, 3) })
    expect(await read(lua(), 'KEY', 'nobody')).toMatchObject({ next: ids[26], more: 0, ids: [] })
    expect(await read(lua(), 'ID', 'm20')).toMatchObject({ ids: [ids[20], ids[26]] })
    expect(await read(lua(), 'ID', 'm20', 'KEY', 'cyd')).toMatchObject({ ids: [] })
    expect(await read(lua(), 'BATCH', `${START}-1`)).toMatchObject({ ids: [ids[26]] })
  })

  it('that are gone are told of as a gap, unless the last one that was read is there', async () => {
    await on(10)
    await lua().call('add', 'ann', 'x')
    const [[first] = ['']] = await entriesOf(lua())
    for (const _ of numbers(300)) await lua().call('add', 'ann', 'x')
    expect(await read(lua(), 'AFTER', first as string)).toMatchObject({ gap: 1 })
    // Who reads from the beginning has missed nothing.
    expect(await read(lua())).toMatchObject({ gap: 0 })
    const [oldest, second] = (await entriesOf(lua())).map(([id]) => id) as [string, string]
    expect(await read(lua(), 'AFTER', oldest)).toMatchObject({ gap: 0 })
    await lua().redis.xdel(stream(lua()), second)
    expect(await read(lua(), 'AFTER', second)).toMatchObject({ gap: 0 })
    // Nothing has come since.
    const all = await lua().redis.xrevrange(stream(lua()), '+', '-', 'COUNT', 1)
    await lua().redis.xtrim(stream(lua()), 'MAXLEN', 0)
    expect(await read(lua(), 'AFTER', all[0]?.[0] as string)).toMatchObject({ gap: 0, next: all[0]?.[0], ids: [] })
  })

  it('looks at so much in a call and no more, whatever is named', async () => {
    const pipeline = lua().redis.pipeline()
    const fields = numbers(100).flatMap((n) => ['id', `${n}`])
    for (const n of numbers(50)) pipeline.xadd(stream(lua()), `${n + 1}-0`, 'event', 'added', 'key', 'ann', ...fields)
    await pipeline.exec()
    // 204 fields and values each: after 20 entries it is enough.
    expect(await read(lua(), 'KEY', 'nobody')).toEqual({ kept: 0, gap: 0, next: '20-0', more: 1, ids: [] })
    expect(await read(lua(), 'KEY', 'nobody', 'AFTER', '40-0')).toMatchObject({ next: '50-0', more: 0 })
  })

  it('name nobody who was erased, in any entry, and others as far as they were not in the same call', async () => {
    await on()
    await bury(lua(), 'ann', 1)
    await lua().call('add', 'bob', 'x', 'NEXT', 'ann', 'x', 'ID', 'm1', 'NEXT', 'cyd', 'x')
    for (const n of numbers(30)) await lua().call('add', n % 2 ? 'ann' : 'bob', 'x')
    await lua().call('add', 'ann', 'x', 'FLUSH')
    await lua().call('forward', 'out')
    await lua().call('add', 'ann', 'x')
    // Also in a root that has forgotten that it keeps them.
    await lua().set({ events: null })
    let next = ''
    do next = (await lua().call('erase', 'ann', ...(next ? ['AFTER', next] : [])))[6]
    while (next)
    expect(JSON.stringify(await entriesOf(lua()))).not.toMatch(/ann|m1|cyd/)
    expect(await lua().redis.xlen(stream(lua()))).toBe(15)
    await on()
    await lua().call('add', 'ann', 'x')
    const before = await lua().redis.xlen(stream(lua()))
    await lua().call('erase', 'ann')
    const [, fields] = (await entriesOf(lua())).at(-1) as [string, string[]]
    expect(fields).toEqual(['event', 'erased', 'messages', '1', 'batches', '0', 'entries', '0'])
    expect(await lua().redis.xlen(stream(lua()))).toBe(before)
    await lua().holds()
  })

  it('are looked through for who is erased some at a time, up to the last one that there was', async () => {
    const pipeline = lua().redis.pipeline()
    const fields = numbers(50).flatMap((n) => ['id', `${n}`])
    // Each counts 20 and 1 for two fields, and 40 more when it goes: of 2000.
    for (const n of numbers(60)) pipeline.xadd(stream(lua()), `${n + 1}-0`, 'event', 'added', 'key', n < 30 ? 'bob' : 'ann', ...fields)
    await pipeline.exec()
    const [, , , , , , first] = await lua().call('erase', 'ann')
    expect(first).toBe(`${START}-0:events:30-0:60-0`)
    await lua().redis.xadd(stream(lua()), '61-0', 'event', 'added', 'key', 'ann')
    const [, , , , , , second] = await lua().call('erase', 'ann', 'AFTER', first)
    expect(second).toBe(`${START}-0:events:50-0:60-0`)
    expect((await lua().call('erase', 'ann', 'AFTER', second))[6]).toBe('')
    expect((await entriesOf(lua())).map(([id]) => id)).toEqual([...numbers(30).map((n) => `${n + 1}-0`), '61-0'])
  })
})
