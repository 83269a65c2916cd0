import { beforeEach, describe, expect, it } from 'vitest'
import { LIMITS } from '../../src/redis/generated/limits.ts'
import { describeBindings, expiryOf, type Lua, START } from '../support/lua.ts'
import { userWithout } from './users.ts'

type Args = (string | number)[]

const DAY = 86_400_000
const numbers = (count: number) => Array.from({ length: count }, (_, n) => n)
const index = (lua: Lua) => `${lua.root}:archived`
const batch = (lua: Lua, id: string) => `${lua.root}:archive:${id}`

/** What archived replies, each batch by the names of its fields. */
async function read(lua: Lua, ...args: Args) {
  const [kept, next, more, ...batches] = (await lua.call('archived', ...args)) as [number, string, number, ...string[][]]
  const named = (flat: string[]) => Object.fromEntries(numbers(flat.length / 2).map((n) => [flat[2 * n], flat[2 * n + 1]]))
  return { kept, next, more, batches: batches.map(named) }
}
const idsRead = async (lua: Lua, ...args: Args) => (await read(lua, ...args)).batches.map(({ id }) => id)

/** Adds a message to each key that closes its batch, and claims them: keys and tokens in turn. */
async function taken(lua: Lua, ...keys: string[]): Promise<string[]> {
  for (const key of keys) await lua.call('add', key, 'x', 'FLUSH')
  return (await lua.claim('LIMIT', 1000)).batches.flatMap(({ key, token }) => [key, token])
}

async function done(lua: Lua, ...keys: string[]): Promise<string[]> {
  const pairs = await taken(lua, ...keys)
  await lua.call('complete', ...pairs)
  return pairs.filter((_, n) => n % 2 === 1).map((token) => token.replace(/:.*/, ''))
}

describeBindings('the archive', (lua) => {
  const on = (archive: number = DAY, most = 10_000) => lua().call('policy', 'ARCHIVE', archive, 'MAXARCHIVED', most)

  it('is nothing while the policy keeps none: no key, and nothing in a claim', async () => {
    await lua().call('add', 'ann', 'x', 'FLUSH')
    const [, , taken] = await lua().call('claim_ready')
    expect(taken).toHaveLength(7)
    expect(await lua().call('complete', 'ann', taken[1], 'TEXT', 'x', 'RESULT', 'y')).toEqual(['completed'])
    expect(Object.keys(await lua().keyspace())).toEqual([lua().root])
    expect(await read(lua())).toEqual({ kept: 0, next: '0', more: 0, batches: [] })
  })

  it('has who, when, why and what of a batch that was completed, for as long as the policy says', async () => {
    await on()
    await lua().call('add', 'ann', 'Hi', 'ID', 'm1', 'NEXT', 'ann', 'there')
    await lua().tick(5)
    await lua().call('add', 'ann', '!', 'ID', 'm3', 'FLUSH')
    await lua().tick(10)
    const [, , [, token, , , , , , archived]] = await lua().call('claim_ready')
    expect(archived).toBe(1)
    await lua().tick(100)
    const told = ['TEXT', 'Hi there !', 'RESULT', 'answered', 'WORKER', 'w1']
    expect(await lua().call('complete', 'ann', token, ...told)).toEqual(['completed'])
    const id = `${START + 15}-1`
    const fields = {
      ...{ id, key: 'ann', reason: 'flush', claimedAt: `${START + 15}`, completedAt: `${START + 115}`, attempts: '1', size: '3' },
      ...{ firstAt: `${START}`, lastAt: `${START + 5}`, ids: 'm1\u001f\u001fm3', worker: 'w1', text: 'Hi there !', result: 'answered' },
    }
    expect(await lua().redis.hgetall(batch(lua(), id))).toEqual(fields)
    expect(await expiryOf(lua().redis, batch(lua(), id))).toBe(START + 115 + DAY)
    expect(await expiryOf(lua().redis, index(lua()))).toBe(START + 115 + DAY)
    expect(await read(lua())).toEqual({ kept: DAY, next: `${START + 115}:${id}`, more: 0, batches: [fields] })
    await lua().holds()
  })

  it('tells the attempt that has succeeded, of one that failed in part what was left of it, and what nobody has told is not there', async () => {
    await on()
    for (const id of ['m1', 'm2', 'm3']) await lua().call('add', 'ann', 'x', 'ID', id)
    await lua().tick(10_000)
    const { token } = await lua().claimOne()
    await lua().call('fail', 'ann', token, 'DELAY', 0, 'KEEP', '1,3')
    const second = await lua().claimOne()
    expect((await lua().call('claim_ready'))[2]).toBeUndefined()
    await lua().call('complete', 'ann', second.token)
    const [found] = (await read(lua())).batches
    expect(found).toMatchObject({ attempts: '2', size: '2', ids: 'm1\u001fm3' })
    expect(Object.keys(found as object)).not.toEqual(expect.arrayContaining(['text']))
    expect(Object.keys(found as object)).not.toEqual(expect.arrayContaining(['worker']))
  })

  it('is told of several batches in one call, each with what is said of it, and of none twice', async () => {
    await on()
    const [ann, one, bob, two, cyd, three] = (await taken(lua(), 'ann', 'bob', 'cyd')) as [string, string, string, string, string, string]
    const args = ['NONCE', 'w/1', ann, one, 'TEXT', 'a', 'NEXT', bob, '1-1:1', 'NEXT', bob, two, 'result', 'b', 'next', cyd, three]
    for (const _ of [1, 2]) expect(await lua().call('complete', ...args)).toEqual(['completed', 'lost', 'completed', 'completed'])
    expect((await read(lua())).batches.map(({ key, text, result }) => [key, text, result])).toEqual([
      ['ann', 'a', undefined],
      ['bob', undefined, 'b'],
      ['cyd', undefined, undefined],
    ])
    // A key may be called like a token, as long as it is not the second of pairs alone.
    const odd = await taken(lua(), 'eve', 'TEXT')
    expect(await lua().call('complete', ...odd.slice(0, 2), 'NEXT', ...odd.slice(2))).toEqual(['completed', 'completed'])
    const first = await taken(lua(), 'text', 'fay', 'NEXT')
    expect(await lua().call('complete', ...first)).toEqual(['completed', 'completed', 'completed'])
    expect(await idsRead(lua())).toHaveLength(8)
  })

  it.each([
    ['MISSING_ARGUMENT', 'TEXT must be followed by a value', ['ann', '1-1:1', 'TEXT']],
    ['UNKNOWN_ARGUMENT', 'expected RESULT, TEXT, WORKER, NEXT; got', ['ann', '1-1:1', 'TEXT', 'x', 'bob', '1-2:1']],
    ['BAD_ARGUMENT', 'TEXT must have at most 65536 bytes, got 65537', ['ann', '1-1:1', 'TEXT', 'x'.repeat(65_537)]],
    ['BAD_ARGUMENT', 'RESULT must have at most 65536 bytes', ['bob', '1-1:1', 'NEXT', 'ann', '1-1:1', 'RESULT', 'x'.repeat(65_537)]],
    ['BAD_ARGUMENT', 'expected at most 50 batches, got 51', numbers(51).flatMap((n) => [...(n ? ['NEXT'] : []), `k${n}`, '1-1:1'])],
    [
      'BAD_ARGUMENT',
      'expected at most 262144 bytes of texts in one call, got 262150',
      numbers(5).flatMap((n) => [...(n ? ['NEXT'] : []), `k${n}`, '1-1:1', 'TEXT', 'x'.repeat(52_430)]),
    ],
  ])('refuses with %s: %s', async (code, says, args) => lua().refuses(code, says, 'complete', ...args))

  it('takes the texts of one batch, however large', async () => {
    await on()
    const pair = await taken(lua(), 'ann')
    const [text, result] = ['x'.repeat(65_536), 'y'.repeat(65_536)]
    await lua().call('complete', ...pair, 'TEXT', text, 'RESULT', result)
    expect((await read(lua())).batches).toMatchObject([{ text, result }])
  })

  it('drops what is too old or too much, some with each call', async () => {
    await on()
    const ids: string[] = []
    for (const _ of numbers(4)) {
      ids.push(...(await done(lua(), ...numbers(10).map((n) => `k${n}`))))
      await lua().tick(1)
    }
    await on(DAY, 15)
    // Eleven go for one that comes.
    ids.push(...(await done(lua(), 'ann')))
    expect(await idsRead(lua())).toEqual(ids.slice(11))
    ids.push(...(await done(lua(), 'bob')))
    expect(await idsRead(lua())).toEqual(ids.slice(22))
    ids.push(...(await done(lua(), 'cyd')))
    expect(await idsRead(lua())).toEqual(ids.slice(-15))
    expect(await lua().redis.keys(`${lua().root}:archive:*`)).toHaveLength(15)
    await on(1000)
    await lua().tick(995)
    ids.push(...(await done(lua(), 'dan')))
    expect(await idsRead(lua())).toHaveLength(16)
    await lua().tick(6)
    ids.push(...(await done(lua(), 'eve')))
    expect(await idsRead(lua())).toEqual(ids.slice(-6))
    await lua().holds()
  })

  it('keeps the index as long as the longest of what is in it, also under a shorter policy', async () => {
    await on(DAY)
    await done(lua(), 'ann')
    await on(1000)
    await done(lua(), 'bob')
    expect(await expiryOf(lua().redis, index(lua()))).toBe(START + DAY)
    await on(2 * DAY)
    await done(lua(), 'cyd')
    expect(await expiryOf(lua().redis, index(lua()))).toBe(START + 2 * DAY)
  })

  it('stays when no more is to be kept, until it expires', async () => {
    await on()
    const ids = await done(lua(), 'ann')
    await on(0)
    await done(lua(), 'bob')
    expect(await read(lua())).toMatchObject({ kept: 0, batches: [{ id: ids[0] }] })
  })

  it.each([
    ['a user who may not write it', async () => userWithout(lua(), 'pexpireat')],
    ['a user who may not write its index', async () => userWithout(lua(), 'zcard')],
    ['a key of another type in the place of its index', async () => lua().redis.set(index(lua()), 'theirs').then(lua)],
    [
      'a key of another type in the place of a batch',
      async () =>
        lua()
          .redis.set(batch(lua(), `${START}-1`), 'theirs')
          .then(lua),
    ],
  ])('costs a call nothing: %s', async (_, given) => {
    await on()
    const pair = await taken(lua(), 'ann')
    const user = await given()
    expect(await user.call('complete', ...pair, 'TEXT', 'x')).toEqual(['completed'])
    // What does not expire, or would not be found to be erased, is not there.
    for (const key of await lua().redis.keys(`${lua().root}:archive:*`)) {
      const isTheirs = (await lua().redis.type(key)) === 'string'
      expect(isTheirs || (await lua().redis.zcard(index(lua()))) === 1).toBe(true)
      if (!isTheirs) expect(await expiryOf(lua().redis, key)).toBeGreaterThan(0)
    }
    expect(await lua().stats()).toMatchObject({ completed: 1, messages: 0 })
  })

  it('reads so many bytes of messages for their ids and times, and no more', async () => {
    await on()
    const large = 'x'.repeat(100_000)
    for (const key of ['ann', 'bob']) for (const id of ['m1', 'm2', 'm3', 'm4']) await lua().call('add', key, large, 'ID', `${key}${id}`)
    await lua().tick(10_000)
    const pairs = (await lua().claimAll()).flatMap(({ key, token }) => [key, token])
    await lua().call('complete', ...pairs)
    const [ann, bob] = (await read(lua())).batches
    expect(ann).toMatchObject({ key: 'ann', size: '4', ids: 'annm1\u001fannm2\u001fannm3', firstAt: `${START}` })
    expect(ann).not.toHaveProperty('lastAt')
    expect(bob).toMatchObject({ key: 'bob', size: '4' })
    expect(bob).not.toHaveProperty('firstAt')
    expect(bob).not.toHaveProperty('ids')
  })

  it('has so many bytes of ids, and whole ones', async () => {
    await on()
    await lua().call('policy', 'MAXSIZE', 100)
    await lua().addAll(...numbers(40).flatMap((n) => [...(n ? ['NEXT'] : []), 'ann', 'x', 'ID', String(n).padStart(500, '0')]))
    await lua().tick(10_000)
    const { token } = await lua().claimOne()
    await lua().call('complete', 'ann', token)
    const [found] = (await read(lua())).batches
    expect(found?.ids?.split('\u001f')).toEqual(numbers(32).map((n) => String(n).padStart(500, '0')))
    expect((found?.ids ?? '').length).toBeLessThanOrEqual(LIMITS.archivedIds)
  })

  it('has a batch whose list was missing, without its messages', async () => {
    await on()
    const pair = await taken(lua(), 'ann')
    await lua().redis.del(`${lua().root}:messages:ann`)
    await lua().call('complete', ...pair)
    expect((await read(lua())).batches).toMatchObject([{ key: 'ann', size: '1' }])
  })

  describe('is read', () => {
    beforeEach(() => on())

    it('some at a time, from where the reader has stopped, or from a time on', async () => {
      const ids: string[] = []
      for (const _ of numbers(4)) {
        ids.push(...(await done(lua(), ...numbers(3).map((n) => `k${n}`))))
        await lua().tick(1)
      }
      let after: Args = []
      for (const n of numbers(3)) {
        const page = await read(lua(), 'LIMIT', 4, ...after)
        expect(page).toMatchObject({ more: n < 2 ? 1 : 0, batches: ids.slice(4 * n, 4 * n + 4).map((id) => ({ id })) })
        after = ['AFTER', page.next]
      }
      expect(await idsRead(lua(), ...after)).toEqual([])
      expect(await idsRead(lua(), 'AFTER', START + 2)).toEqual(ids.slice(6))
      // Where the last one that was read has gone, those of its ms come again.
      await lua().redis.zrem(index(lua()), ids[4] as string)
      expect(await idsRead(lua(), 'AFTER', `${START + 1}:${ids[4]}`)).toEqual([ids[3], ...ids.slice(5)])
      await lua().refuses('BAD_ARGUMENT', 'AFTER must be a time or what a call has replied as next', 'archived', 'AFTER', 'x')
      for (const after of ['9'.repeat(14), '1x', '1.5:x']) await lua().refuses('BAD_ARGUMENT', 'AFTER must be', 'archived', 'AFTER', after)
    })

    it('by key, by the id of a message, or as the one with an id', async () => {
      for (const id of ['m1', 'm11']) await lua().call('add', 'ann', 'x', 'ID', id)
      await lua().call('add', 'ann', 'x', 'FLUSH')
      const { token } = await lua().claimOne()
      await lua().call('complete', 'ann', token)
      const first = token.replace(/:.*/, '')
      const [third, second] = (await done(lua(), 'ann', 'bob')) as [string, string]
      expect(await idsRead(lua(), 'KEY', 'ann')).toEqual([first, third])
      expect(await idsRead(lua(), 'ID', 'm1')).toEqual([first])
      expect(await idsRead(lua(), 'ID', 'm11', 'KEY', 'ann')).toEqual([first])
      expect(await idsRead(lua(), 'ID', 'm11', 'KEY', 'bob')).toEqual([])
      expect(await idsRead(lua(), 'ID', '1')).toEqual([])
      expect(await idsRead(lua(), 'BATCH', second)).toEqual([second])
      expect(await idsRead(lua(), 'BATCH', second, 'KEY', 'ann')).toEqual([])
      expect(await read(lua(), 'BATCH', '1-1')).toEqual({ kept: DAY, next: '0', more: 0, batches: [] })
    })

    it('without what has expired, or is no batch', async () => {
      const [one, two, three] = (await done(lua(), 'ann', 'bob', 'cyd')) as [string, string, string]
      await lua().redis.del(batch(lua(), one))
      await lua().redis.del(batch(lua(), two))
      await lua().redis.set(batch(lua(), two), 'theirs')
      expect(await read(lua())).toMatchObject({ more: 0, batches: [{ id: three }] })
      expect(await idsRead(lua(), 'KEY', 'cyd')).toEqual([three])
      await lua().redis.set(index(lua()), 'theirs')
      await lua().refuses('WRONG_TYPE', 'expected a zset', 'archived')
    })

    it('with a bound of what one call looks at', async () => {
      const pipeline = lua().redis.pipeline()
      for (const n of numbers(600)) pipeline.hset(batch(lua(), `${n}`), 'id', n, 'key', 'ann').zadd(index(lua()), n, n)
      await pipeline.exec()
      expect(await read(lua(), 'KEY', 'bob')).toEqual({ kept: DAY, next: '499:499', more: 1, batches: [] })
      expect(await read(lua(), 'KEY', 'bob', 'AFTER', '499:499')).toMatchObject({ next: '599:599', more: 0 })
      const each = async (count: number, field: string, bytes: number) => {
        const more = lua().redis.pipeline()
        for (const n of numbers(count)) more.hset(batch(lua(), `${n}`), field, 'x'.repeat(bytes))
        await more.exec()
      }
      await each(20, 'ids', LIMITS.archivedIds)
      // Ids are read only where one is asked for.
      expect(await read(lua(), 'KEY', 'bob')).toMatchObject({ next: '499:499' })
      expect(await read(lua(), 'ID', 'm1')).toMatchObject({ next: '15:15', more: 1 })
      await each(20, 'ids', 0)
      await each(20, 'text', 60_000)
      expect((await read(lua())).batches).toHaveLength(5)
      await each(1, 'text', LIMITS.shownBytes - 'id0keyannidstext'.length)
      expect((await read(lua())).batches).toHaveLength(1)
    })
  })

  it('has nothing of who was erased, and all of others', async () => {
    await on()
    await done(lua(), 'ann', 'bob', 'cyd')
    const [later] = await taken(lua(), 'ann')
    expect(later).toBe('ann')
    expect(await lua().call('erase', 'ann')).toEqual([1, 1, 0, 0, 0, 0, '', 1])
    expect((await read(lua())).batches.map(({ key }) => key)).toEqual(['bob', 'cyd'])
    expect(JSON.stringify(await lua().keyspace())).not.toContain('"ann"')
    // What is added later is new, and stays.
    await lua().call('add', 'bob', 'x')
    const [, , , , , , next] = await lua().call('erase', 'bob')
    expect(next).toBe('')
    await lua().holds()
  })

  it('is looked through for who is erased some at a time', async () => {
    const pipeline = lua().redis.pipeline()
    for (const n of numbers(1000))
      pipeline.hset(batch(lua(), `1-${n}`), 'id', `1-${n}`, 'key', n % 2 ? 'ann' : 'bob').zadd(index(lua()), n, `1-${n}`)
    await pipeline.exec()
    await lua().redis.hset(lua().root, 'batches', 1000)
    let [calls, erased, next] = [0, 0, '']
    do {
      const reply: any[] = await lua().call('erase', 'ann', ...(next ? ['AFTER', next] : []))
      calls += 1
      erased += reply[7]
      next = reply[6]
      // Each look counts 6, and each batch that goes 14 more, of 2000; a page may exceed it.
      expect(reply[7]).toBeLessThan(220)
    } while (next)
    expect(erased).toBe(500)
    expect(calls).toBeGreaterThan(5)
    expect(await lua().redis.zcard(index(lua()))).toBe(500)
  })

  it('is put in order: what never expires, and what is not in the index', async () => {
    await on()
    const [one, two] = (await done(lua(), 'ann', 'bob')) as [string, string]
    await lua().redis.persist(batch(lua(), one))
    await lua().redis.zrem(index(lua()), two)
    const check = async (...parts: string[]) =>
      (await lua().call('check', ...parts)).map((each: any[]) => each.slice(3).map(([law]) => law))
    expect(await check(`archive:${one}`, `archive:${two}`, 'archived')).toEqual([['expires'], ['archive-indexed'], []])
    expect(await lua().call('repair', `archive:${one}`, `archive:${two}`, 'archived')).toEqual(['expires', 'added to archived', ''])
    expect(await check(`archive:${one}`, `archive:${two}`, 'archived')).toEqual([[], [], []])
    expect(await idsRead(lua())).toEqual([one, two])
    expect(await expiryOf(lua().redis, batch(lua(), one))).toBe(START + DAY)
    await lua().redis.persist(index(lua()))
    expect(await check('archived')).toEqual([['expires']])
    expect(await lua().call('repair', 'archived')).toEqual(['expires'])
    // What has expired is taken off the index when its time has come.
    await lua().redis.del(batch(lua(), one))
    expect(await check('archived')).toEqual([[]])
    // An index that is lost comes back with what is in it.
    await lua().redis.del(index(lua()))
    expect(await lua().call('repair', `archive:${two}`)).toEqual(['added to archived'])
    expect(await expiryOf(lua().redis, index(lua()))).toBeGreaterThan(START)
    await lua().redis.del(index(lua()))
    await lua().redis.set(index(lua()), 'theirs')
    expect(await check('archived', `archive:${two}`)).toEqual([['part-type'], ['archive-indexed']])
    expect(await lua().call('repair', `archive:${two}`)).toEqual([''])
  })
})
