import { createHash } from 'node:crypto'
import { expect, it } from 'vitest'
import { describeBindings, expiryOf, START } from '../support/lua.ts'
import { NO_RIGHT, userWithout } from './users.ts'

describeBindings('message ids', (lua) => {
  const add = async (id: string, key = 'ann') => (await lua().call('add', key, 'x', 'ID', id))[0]
  const seen = async () => (await lua().redis.keys('*:seen:*')).sort()

  it('refuses a second message of a key with the same id, and counts it', async () => {
    expect(await lua().call('add', 'ann', 'one', 'ID', 'm1')).toEqual(['added', 1])
    expect(await lua().call('add', 'ann', 'other', 'ID', 'm1')).toEqual(['duplicate', 1])
    expect(await lua().call('add', 'ann', 'other', 'NEXT', 'ann', 'other', 'ID', 'm1')).toEqual(['added', 2, 'duplicate', 2])
    expect(await lua().call('add', 'bob', '1', 'ID', 'm2', 'NEXT', 'bob', '2', 'ID', 'm2')).toEqual(['added', 1, 'duplicate', 1])
    expect(await lua().redis.lrange(`${lua().root}:messages:ann`, 0, -1)).toEqual([`${START} 2 m1one`, `${START} 0 other`])
    expect(await lua().stats()).toMatchObject({ added: 3, duplicates: 3, messages: 3 })
    await lua().holds()
  })

  it('takes the same id from different keys: chats number their messages each for themselves', async () => {
    const keys = ['chat1', 'chat2', 'chat', '5:chat1', '1']
    for (const key of keys) expect(await lua().call('add', key, 'x', 'ID', '17')).toEqual(['added', 1])
    expect(await lua().call('add', ...keys.flatMap((key) => [key, 'x', 'ID', '17', 'NEXT']).slice(0, -1))).toEqual(
      keys.flatMap(() => ['duplicate', 1]),
    )
    // Key and id are not run together.
    expect(await lua().call('add', 'chat1', 'x', 'ID', '7', 'NEXT', 'chat', 'x', 'ID', '117')).toEqual(['added', 2, 'added', 2])
    expect(await lua().redis.llen(`${lua().root}:messages:chat2`)).toBe(1)
    await lua().holds()
  })

  it('remembers 128 bits of a digest of key and id', async () => {
    await lua().call('add', 'ы', 'x', 'ID', 'wamid.1')
    const digest = createHash('sha1').update('2:ыwamid.1').digest('hex').slice(0, 32)
    expect(await lua().redis.smembers(`${lua().root}:seen:${START}`)).toEqual([digest])
  })

  it('knows the ids of thousands of messages', async () => {
    await lua().call('policy', 'MAXBACKLOG', 10_000)
    const messages = (from: number) =>
      Array.from({ length: 2500 }, (_, n) => {
        const message = n % 5 === 0 ? ['ann', 'x'] : ['ann', 'x', 'ID', `m${from + n}`]
        return n === 0 ? message : ['NEXT', ...message]
      }).flat()
    await lua().addAll(...messages(0))
    expect(await lua().stats()).toMatchObject({ added: 2500, duplicates: 0 })
    await lua().addAll(...messages(500))
    expect(await lua().stats()).toMatchObject({ added: 2500 + 500 + 400, duplicates: 1600 })
    await lua().holds()
  })

  it('remembers ids after their batch is done, and takes messages without an id as often as they come', async () => {
    await lua().call('add', 'ann', 'one', 'ID', 'm1', 'FLUSH')
    const { token } = await lua().claimOne()
    await lua().call('complete', 'ann', token)
    expect(await add('m1')).toBe('duplicate')
    expect(await lua().call('add', 'ann', 'x', 'NEXT', 'ann', 'x')).toEqual(['added', 1, 'added', 2])
  })

  it('tells ids apart by their bytes', async () => {
    const ids = ['m', 'M', 'm ', 'm\0', '\u00e9', 'e\u0301', '0', '00', '\xff']
    for (const id of ids) expect(await add(id)).toBe('added')
    for (const id of ids) expect(await add(id)).toBe('duplicate')
    await lua().call('add', 'ann', 'x', 'ID', Buffer.from([0xff]))
    await lua().call('add', 'ann', 'x', 'ID', Buffer.from([0xfe]))
    expect(await lua().redis.llen(`${lua().root}:messages:ann`)).toBe(ids.length + 2)
  })

  // The second id decides when the slice begins in which the first one is remembered.
  it.each([0, 1, 499, 500, 999, 1000, 1001, 1500, 1999, 2000, 2500])(
    'remembers an id that comes %d ms after the first of its slice for all of dedupe, and not for ever',
    async (offset) => {
      await lua().call('policy', 'DEDUPE', 1000)
      await add('opens a slice')
      await lua().tick(offset)
      expect(await add('m')).toBe('added')
      for (let age = 0; age < 999; age += 111) {
        expect(await add('m')).toBe('duplicate')
        await add(`other ${age}`)
        await lua().tick(111)
      }
      expect(await add('m')).toBe('duplicate')
      await lua().tick(1002)
      expect(await add('m')).toBe('added')
      expect((await seen()).length).toBeLessThanOrEqual(2)
      await lua().holds()
    },
  )

  it.each(['x', '-1', '1.5', '10000000000000'])('goes by no time that somebody has written and that is none: %s', async (time) => {
    for (const field of ['slice', 'sliceBefore']) {
      await lua().reset()
      await lua().set({ slice: START, [field]: time })
      expect(await lua().call('add', 'ann', 1, 'ID', 'm1', 'NEXT', 'ann', 1, 'ID', 'm1')).toEqual(['added', 1, 'duplicate', 1])
    }
  })

  it('goes by the last time that has 13 digits', async () => {
    await lua().set({ slice: '9999999999999' })
    await add('a')
    expect(await seen()).toEqual([`${lua().root}:seen:9999999999999`])
  })

  it('remembers in the slice before, and forgets with the one before that', async () => {
    await lua().call('policy', 'DEDUPE', 1000)
    await add('a')
    await lua().tick(999)
    await add('b')
    await lua().tick(1)
    await add('c')
    expect(await seen()).toEqual([`${lua().root}:seen:${START}`, `${lua().root}:seen:${START + 1000}`])
    expect([await add('b'), await add('c')]).toEqual(['duplicate', 'duplicate'])
    await lua().tick(1000)
    expect([await add('b'), await add('c'), await add('a')]).toEqual(['added', 'duplicate', 'added'])
    expect(await seen()).toEqual([`${lua().root}:seen:${START + 1000}`, `${lua().root}:seen:${START + 2000}`])
  })

  it('drops what is forgotten when a slice begins, long before it expires', async () => {
    await lua().call('policy', 'DEDUPE', 1000)
    await add('a')
    await lua().tick(1000)
    await add('b')
    await lua().redis.config('RESETSTAT')
    await lua().tick(1999)
    // Of the last slice more is needed than has passed.
    await add('c')
    expect(await seen()).toEqual([`${lua().root}:seen:${START + 1000}`, `${lua().root}:seen:${START + 2999}`])
    await lua().tick(2000)
    expect(await add('b')).toBe('added')
    expect(await seen()).toEqual([`${lua().root}:seen:${START + 4999}`])
    expect(await lua().redis.info('commandstats')).toMatch(/cmdstat_unlink:calls=2,/)
    await lua().holds()
  })

  it.each([
    ['claim_ready', []],
    ['forward', ['out']],
  ] as const)('drops what is forgotten when %s finds nothing to do, long before it expires', async (look, args) => {
    await lua().call('policy', 'DEDUPE', 1000)
    await add('a')
    await lua().tick(1000)
    await add('b')
    await lua().tick(999)
    await lua().call(look, ...args)
    expect(await seen()).toHaveLength(2)
    await lua().tick(1)
    await lua().call(look, ...args)
    expect(await seen()).toEqual([`${lua().root}:seen:${START + 1000}`])
    await lua().tick(999)
    await lua().redis.config('RESETSTAT')
    await lua().call(look, ...args)
    expect(await seen()).toHaveLength(1)
    // It is not even asked for when they are forgotten.
    expect(await lua().redis.info('commandstats')).not.toMatch(/cmdstat_(unlink|hdel|hget):/)
    await lua().tick(1)
    await lua().call(look, ...args)
    expect(await seen()).toEqual([])
    await lua().redis.config('RESETSTAT')
    await lua().call(look, ...args)
    expect(await lua().redis.info('commandstats')).not.toMatch(/cmdstat_(unlink|hdel|hget):/)
    expect(await add('a')).toBe('added')
  })

  it('refuses an id that it knows, too, where a set is a key of another type', async () => {
    await lua().call('policy', 'DEDUPE', 1000)
    await add('a')
    await lua().tick(1000)
    await add('b')
    for (const slice of [START, START + 1000]) {
      const set = `${lua().root}:seen:${slice}`
      await lua().redis.rename(set, 'aside')
      await lua().redis.set(set, 'mine')
      for (const id of ['a', 'b', 'c']) await lua().refuses('WRONG_TYPE', `expected a set at '${set}'`, 'add', 'ann', 'x', 'ID', id)
      await lua().redis.rename('aside', set)
    }
    expect([await add('a'), await add('b'), await add('c')]).toEqual(['duplicate', 'duplicate', 'added'])
  })

  it('refuses a message whose id can neither be kept for long enough nor taken back, and no other', async () => {
    const poor = await userWithout(lua(), 'pexpireat', 'srem')
    const reply = await poor.call('add', 'ann', 'x', 'ID', 'a', 'NEXT', 'ann', 'y')
    expect(reply).toEqual([expect.objectContaining({ message: expect.stringMatching(NO_RIGHT) }), 0, 'added', 1])
  })

  it('leaves what is forgotten to a look that finds nothing else to do', async () => {
    await lua().call('policy', 'DEDUPE', 1000)
    await add('a')
    await lua().tick(2000)
    await lua().call('add', 'bob', 'x', 'FLUSH')
    await lua().claimOne()
    expect(await seen()).toHaveLength(1)
    await lua().claim()
    expect(await seen()).toEqual([])
  })

  it('keeps in the root which slices there are, and nothing of those that are dropped', async () => {
    const slices = async () => {
      const { slice, sliceBefore, sliceEnds } = await lua().settings()
      return [slice, sliceBefore, sliceEnds]
    }
    const at = (ms: number) => String(START + ms)
    await lua().call('policy', 'DEDUPE', 1000)
    await add('a')
    expect(await slices()).toEqual([at(0), undefined, at(2000)])
    await lua().tick(1000)
    await add('b')
    expect(await slices()).toEqual([at(1000), at(0), at(3000)])
    await lua().tick(1000)
    await lua().claim()
    expect(await slices()).toEqual([at(1000), undefined, at(3000)])
    await add('c')
    expect(await slices()).toEqual([at(2000), at(1000), at(4000)])
    await lua().tick(2000)
    await add('d')
    expect(await slices()).toEqual([at(4000), undefined, at(6000)])
    await lua().tick(2000)
    await lua().claim()
    expect(await slices()).toEqual([undefined, undefined, at(6000)])
  })

  it('goes on when what is forgotten cannot be dropped', async () => {
    await lua().call('policy', 'DEDUPE', 1000)
    for (const id of ['a', 'b']) {
      await add(id)
      await lua().tick(1000)
    }
    await lua().set({ sliceEnds: null })
    await lua().tick(1000)
    const poor = await userWithout(lua(), 'unlink')
    expect(await poor.call('claim_ready')).toEqual([lua().now, START + 10_000])
    expect((await poor.call('add', 'ann', 'x', 'ID', 'c'))[0]).toBe('added')
    for (const id of ['a', 'b']) expect(await add(id)).toBe('added')
  })

  it.each([
    [0, 300],
    [50, 300],
    [-5000, 2100],
  ])('lets ids expire by the dedupe that holds, and not before those that came later than now: %j ms', async (ms, expires) => {
    await lua().call('policy', 'DEDUPE', 1000)
    await add('a')
    await lua().call('policy', 'DEDUPE', 100)
    await lua().tick(ms)
    await add('b')
    expect(await expiryOf(lua().redis, `${lua().root}:seen:${START}`)).toBe(START + expires)
  })

  it('drops nothing of a slice that went on for longer under a longer dedupe', async () => {
    await lua().call('policy', 'DEDUPE', 10_000)
    await add('old')
    await lua().tick(9000)
    await add('a')
    await lua().call('policy', 'DEDUPE', 100)
    await lua().tick(99)
    await lua().call('claim_ready')
    expect(await add('a')).toBe('duplicate')
    await add('other')
    expect(await add('a')).toBe('duplicate')
  })

  it('lets what is remembered expire when nothing comes any more', async () => {
    await add('a')
    expect(await expiryOf(lua().redis, `${lua().root}:seen:${START}`)).toBe(START + 10_800_000)
    await lua().tick(3_600_000)
    await add('b')
    expect(await expiryOf(lua().redis, `${lua().root}:seen:${START + 3_600_000}`)).toBe(START + 14_400_000)
    await lua().tick(10_800_000)
    expect(await seen()).toEqual([])
    expect(await add('a')).toBe('added')
  })

  it('remembers for longer what it knows when dedupe is lengthened', async () => {
    await lua().call('policy', 'DEDUPE', 1000)
    await add('before')
    await lua().tick(999)
    await add('a')
    await lua().tick(1)
    await add('b')
    await lua().tick(998)
    // `a` is 999 ms old: it must be remembered until it is 5000 ms old.
    await lua().call('policy', 'DEDUPE', 5000)
    for (let age = 999; age < 4999; age += 500) {
      await lua().tick(500)
      expect(await add('a')).toBe('duplicate')
      expect(await add('b')).toBe('duplicate')
      await add(`other ${age}`)
    }
    expect((await seen()).length).toBeLessThanOrEqual(3)
    await lua().tick(12_000)
    expect([await add('a'), await add('b')]).toEqual(['added', 'added'])
    await lua().holds()
  })

  it('remembers what has just come when dedupe is shortened and lengthened again', async () => {
    await add('old')
    await lua().tick(600_000)
    await add('a')
    await lua().call('policy', 'DEDUPE', 1)
    await lua().call('policy', 'DEDUPE', 500)
    await lua().tick(499)
    expect(await add('a')).toBe('duplicate')
    await lua().holds()
  })

  it('remembers a lone slice for longer too', async () => {
    await lua().call('policy', 'DEDUPE', 1000)
    await add('a')
    await lua().tick(900)
    await lua().call('policy', 'DEDUPE', 3000)
    await lua().tick(2099)
    expect(await add('a')).toBe('duplicate')
    await lua().tick(4000)
    expect(await add('a')).toBe('added')
  })

  it('forgets earlier when dedupe is shortened, and not before the new time is over', async () => {
    await add('old')
    await lua().tick(600_000)
    await add('a')
    await lua().tick(10)
    await lua().call('policy', 'DEDUPE', 1000)
    await add('b')
    for (const id of ['a', 'b']) expect(await add(id)).toBe('duplicate')
    await lua().tick(989)
    for (const id of ['a', 'b']) expect(await add(id)).toBe('duplicate')
    await lua().tick(11)
    await add('c')
    await lua().tick(1000)
    for (const id of ['old', 'a', 'b']) expect(await add(id)).toBe('added')
    expect(await add('c')).toBe('duplicate')
    await lua().holds()
  })
})
