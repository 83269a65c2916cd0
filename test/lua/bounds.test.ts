import { expect, it } from 'vitest'
import { describeBindings, type Lua, START, type TakenBatch } from '../support/lua.ts'

const KIB = 1024

/** How often Redis runs each command inside of `run`. */
async function commands(lua: Lua, run: () => Promise<unknown>): Promise<Record<string, number>> {
  await lua.redis.config('RESETSTAT')
  await run()
  const info = await lua.redis.info('commandstats')
  const counts = [...info.matchAll(/^cmdstat_([a-z]+):calls=(\d+)/gm)].map(([, name, calls]) => [name, Number(calls)])
  return Object.fromEntries(counts.filter(([name]) => !['config', 'config|resetstat', 'info'].includes(name as string)))
}

describeBindings('bounds of claim_ready', (lua) => {
  const fill = async (key: string, messages: number, bytes: number, ...tokens: string[]) => {
    for (let n = 0; n < messages; n += 1) await lua().call('add', key, 'x'.repeat(bytes), ...tokens)
  }

  it('looks at what is due, however many keys are open', async () => {
    const claim = async (open: number) => {
      await lua().reset()
      await lua().call('add', 'ann', 'x', 'NEXT', 'bob', 'x')
      await lua().tick(5000)
      const args = Array.from({ length: open }, (_, n) => ['NEXT', `open${n}`, 'x']).flat()
      await lua().addAll(...args.slice(1))
      await lua().tick(5000)
      return commands(lua(), async () => expect((await lua().claim()).batches).toHaveLength(2))
    }
    expect(await claim(1500)).toEqual(await claim(1))
  })

  it('ends a call when it has done enough, and says that more is ready', async () => {
    for (const key of ['a', 'b', 'c', 'd', 'e']) await fill(key, 2, 100 * KIB)
    await lua().tick(10_000)
    let first = await lua().claim('BEFORE', 0)
    const made = await commands(lua(), async () => (first = await lua().claim()))
    expect([first.batches.map(({ key }) => key).join(''), first.next]).toEqual(['abc', START + 10_000])
    // Once what is due, and no further; nothing has come back.
    expect(made.zrangebyscore).toBe(1)
    const second = await lua().claim()
    expect([second.batches.map(({ key }) => key).join(''), second.next]).toEqual(['de', lua().now + 30_000])
    await lua().holds()
  })

  it('begins no batch that is more than is left, but for the first', async () => {
    await fill('a', 1, 10)
    await fill('b', 4, 250 * KIB)
    await fill('c', 1, 10)
    await lua().tick(10_000)
    const found = [await lua().claim(), await lua().claim(), await lua().claim()]
    expect(found.map(({ batches }) => batches.map(({ key }) => key).join(''))).toEqual(['a', 'b', 'c'])
    await lua().holds()
  })

  it('reads one message of a key that nobody has a claim of, and goes on', async () => {
    await lua().call('add', 'b', 'x', 'FLUSH')
    await lua().claimOne('LEASE', 1)
    await fill('a', 3, 250 * KIB)
    await lua().redis.zrem(`${lua().root}:due`, 'a')
    await lua().redis.zadd(`${lua().root}:active`, START, 'a')
    await lua().tick(1)
    expect((await lua().claim()).batches.map(({ key }) => key)).toEqual(['b'])
    await lua().holds()
  })

  it('bounds batches that come back as well', async () => {
    for (const key of ['a', 'b', 'c', 'd', 'e']) await fill(key, 2, 100 * KIB)
    await lua().tick(10_000)
    for (let n = 0; n < 2; n += 1) await lua().claim()
    await lua().tick(30_000)
    expect((await lua().claim()).batches.map(({ token }) => token.split(':')[1])).toEqual(['2', '2', '2'])
    const rest = await lua().claim()
    expect(rest.batches.map(({ key, token }) => key + token.split(':')[1])).toEqual(['d2', 'e2'])
    await lua().holds()
  })

  it('bounds how much it buries', async () => {
    for (const key of ['a', 'b', 'c', 'd', 'e']) await fill(key, 2, 80 * KIB)
    await lua().tick(10_000)
    for (let n = 0; n < 2; n += 1) await lua().claim('LEASE', 1)
    await lua().tick(1)
    const first = await lua().claim('ATTEMPTS', 1)
    expect([first.batches, first.next]).toEqual([[], lua().now])
    expect(await lua().stats()).toMatchObject({ dead: 3, active: 2 })
    const second = await lua().claim('ATTEMPTS', 1)
    expect([second.batches, second.next]).toEqual([[], 0])
    expect(await lua().stats()).toMatchObject({ dead: 5, active: 0 })
    await lua().holds()
  })

  it('bounds how much it reads of batches that are not ready yet', async () => {
    const keys = ['a', 'b', 'c', 'd', 'e']
    for (const key of keys) await fill(key, 1, 10)
    await lua().tick(9000)
    for (const key of keys) await fill(key, 2, 105 * KIB)
    await lua().tick(1000)
    const moved = async () => Number(await lua().redis.zcount(`${lua().root}:due`, `(${lua().now}`, '+inf'))
    expect(await lua().claim()).toMatchObject({ batches: [], next: lua().now })
    expect(await moved()).toBe(3)
    expect(await lua().claim()).toMatchObject({ batches: [], next: START + 19_000 })
    expect(await moved()).toBe(5)
    await lua().holds()
  })

  /** Keys with a message of so many bytes each: due, or with a worker whose lease has ended. */
  async function keys(count: number, bytes: number, { isHeld = false, options = '', name = 'key' } = {}): Promise<void> {
    const pipeline = lua().redis.pipeline()
    for (let n = 0; n < count; n += 1) {
      pipeline.rpush(`${lua().root}:messages:${name}${n}`, `${START} 0${options} `.padEnd(bytes, 'x'))
      if (options) pipeline.sadd(`${lua().root}:overrides`, `${name}${n}`)
      pipeline.zadd(`${lua().root}:${isHeld ? 'active' : 'due'}`, START, `${name}${n}`)
      if (isHeld) pipeline.hset(`${lua().root}:claims`, `${name}${n}`, `${START}-${n}:1:1:0:1:${START}:size:1`)
    }
    await pipeline.exec()
  }

  // A look counts 12, a batch 16, each message 1 or half of it, 256 bytes 1: so that one more would be more than 2500, and one less is less.
  it.each([
    [1152, 148, ''],
    [1920, 125, ''],
    // With options, one more for each place that is parsed: that of the message, and the one behind it.
    [1408, 125, ',W10000'],
  ])('looks at keys of %d bytes until it has done just enough, which are %d%s', async (bytes, looks, options) => {
    await keys(looks + 5, bytes, { options })
    expect(await lua().claim('LIMIT', 1000)).toMatchObject({ batches: [], next: START })
    expect(await lua().redis.zcount(`${lua().root}:due`, START + 10_000, START + 10_000)).toBe(looks)
  })

  // A look and its bytes have counted 20, and a look ahead counts 12.
  it.each([
    [90, 58],
    [124, 1],
    [125, 0],
  ])('moves scores that lag behind with the work that is left by %d looks: %d', async (looks, moved) => {
    await keys(looks, 1920)
    await lua().tick(-10)
    await lua().addAll(
      ...Array.from({ length: 100 }, (_, n) => ['NEXT', `later${n}`, 'x'])
        .flat()
        .slice(1),
    )
    await lua().redis.zadd(`${lua().root}:due`, ...Array.from({ length: 100 }, (_, n) => [START + 1, `later${n}`]).flat())
    await lua().tick(10)
    expect(await lua().claim('LIMIT', 1000)).toMatchObject({ batches: [], next: START + 1 })
    expect(await lua().redis.zcount(`${lua().root}:due`, START + 9000, '+inf')).toBe(looks + moved)
  })

  it.each([
    [false, 576, 80],
    [false, 577, 79],
    [true, 576, 80],
    [true, 577, 79],
  ])('hands out no more than fits to the last byte, what has come back %j, of %d bytes: %d', async (isHeld, bytes, most) => {
    await lua().call('policy', 'WAIT', 1)
    await keys(most + 5, bytes, { isHeld })
    await lua().tick(1)
    expect((await lua().claim('LIMIT', 1000)).batches).toHaveLength(most)
  })

  // Each counts some 263: four are half of 2500, and half of what one that was given back leaves of that.
  it.each([
    [0, ['back', 'back', 'back', 'back', 'due', 'due', 'due', 'due', 'due']],
    [1, ['given', 'due', 'due', 'due', 'due', 'back', 'back', 'back', 'back']],
  ])('shares the work between what has come back and what is due, half and half, behind %d given back', async (given, kinds) => {
    await lua().call('policy', 'WAIT', 1)
    await keys(given, 60_000, { isHeld: true, name: 'given' })
    if (given > 0) await lua().redis.hset(`${lua().root}:claims`, 'given0', `${START}-0:1:1:0:1:${START}:size:1:released`)
    await keys(10, 60_000, { isHeld: true, name: 'back' })
    await keys(10, 60_000, { name: 'due' })
    await lua().tick(1)
    expect((await lua().claim('LIMIT', 1000)).batches.map(({ key }) => key.replace(/\d/, ''))).toEqual(kinds)
  })

  it('ends before a batch that is more than is left, however many of those there are', async () => {
    await lua().call('policy', 'WAIT', 1)
    await keys(1, 600_000, { name: 'first' })
    await lua().redis.zadd(`${lua().root}:due`, START - 1, 'first0')
    await keys(15, 30_000)
    await lua().tick(1)
    expect((await lua().claim('LIMIT', 3)).batches.map(({ key }) => key)).toEqual(['first0'])
  })

  it('asks for no more keys when it has done just enough with the first fifty', async () => {
    await lua().call('policy', 'WAIT', 1)
    await keys(55, 5376)
    await lua().tick(1)
    const made = await commands(lua(), async () => expect((await lua().claim('LIMIT', 1000)).batches).toHaveLength(50))
    expect(made.zrangebyscore).toBe(1)
  })

  it.each([
    [5406, 17],
    [5407, 16],
  ])('buries until it has done just enough, each batch counting for 100 more and for 3 a message: %d bytes', async (bytes, died) => {
    await keys(25, bytes, { isHeld: true })
    expect((await lua().claim('LIMIT', 1000, 'ATTEMPTS', 1)).batches).toEqual([])
    expect(await lua().stats()).toMatchObject({ died })
  })

  it('forwards no more than fits to the last byte, each message counting for 5', async () => {
    await lua().call('policy', 'WAIT', 1)
    await keys(55, 4352)
    await lua().tick(1)
    expect((await lua().call('forward', 'batches'))[2]).toBe(50)
  })

  it.each([1000, 1])('bounds how many keys it looks at, %d batches at most', async (limit) => {
    const args = Array.from({ length: 700 }, (_, n) => ['NEXT', `key${n}`, 'x']).flat()
    await lua().addAll(...args.slice(1))
    await lua().tick(5000)
    await lua().addAll(...args.slice(1))
    await lua().tick(5000)
    const looked = async () => Number(await lua().redis.zcount(`${lua().root}:due`, START + 15_000, START + 15_000))
    const made = await commands(lua(), async () => {
      expect(await lua().claim('LIMIT', limit)).toMatchObject({ batches: [], next: START + 10_000 })
    })
    const first = await looked()
    expect([first > 150, first < 250]).toEqual([true, true])
    // Asked for by the fifty, and only at first by as many as are wanted.
    expect(made.zrangebyscore).toBeLessThan(10)
    while ((await looked()) < 700) expect((await lua().claim('LIMIT', limit)).batches).toEqual([])
    expect(await lua().claim('LIMIT', limit)).toMatchObject({ batches: [], next: START + 15_000 })
    await lua().holds()
  })

  it('claims a thousand batches some at a time, and completes them fifty at a time', async () => {
    const args = Array.from({ length: 1000 }, (_, n) => ['NEXT', `key${n}`, 'x', 'FLUSH']).flat()
    await lua().addAll(...args.slice(1))
    const claim = async () => {
      const all: TakenBatch[] = []
      for (let next = 0; next <= lua().now; ) {
        const claimed = await lua().claim('LIMIT', 1000, 'LEASE', 30_000)
        expect(claimed.batches.length).toBeLessThan(100)
        all.push(...claimed.batches)
        next = claimed.next
      }
      expect(all).toHaveLength(1000)
      return all
    }
    await claim()
    await lua().tick(60_000)
    const again = await claim()
    for (let n = 0; n < 1000; n += 50) {
      const pairs = again.slice(n, n + 50).flatMap(({ key, token }) => [key, token])
      expect(await lua().call('extend', 60_000, ...pairs)).toEqual(Array(50).fill(['extended', 0]).flat())
      expect(await lua().call('complete', ...pairs)).toEqual(Array(50).fill('completed'))
    }
    expect(Object.keys(await lua().keyspace())).toEqual([lua().root])
  })

  it.each([
    ['', KIB * KIB, 2],
    [',W1', KIB * KIB, 2],
    ['', 2 * KIB * KIB, 2],
    // So large that is never, and all are read at once.
    ['', 2 * KIB * KIB + 1, 1],
  ])(
    'of a queue with large messages reads one at a time, and none behind the first that does not fit: messages %j, %d bytes',
    async (options, largest, count) => {
      await lua().call('policy', 'WAIT', 1, 'MAXBATCHBYTES', 1000)
      await lua().set({ largest })
      const sizes = [30, 2000, 700 * KIB, 700 * KIB]
      await lua().redis.rpush(`${lua().root}:messages:a`, ...sizes.map((bytes) => `${START} 0${options} `.padEnd(bytes, 'x')))
      if (options) await lua().redis.sadd(`${lua().root}:overrides`, 'a')
      await lua().redis.zadd(`${lua().root}:due`, START, 'a')
      await lua().call('add', 'b', 'x')
      await lua().tick(1)
      // Half a MiB would be all that one call does.
      const found = (await lua().claim()).batches.map(({ key, messages }) => [key, messages.length])
      expect(found).toEqual([['a', 1] as const, ['b', 1] as const].slice(0, count))
    },
  )

  it('goes by the last message of a batch, also of more than it reads at first', async () => {
    await lua().call('policy', 'MAXSIZE', 500)
    await lua().addAll(...Array.from({ length: 11 }, (_, n) => [...(n > 0 ? ['NEXT'] : []), 'ann', `${n}`]).flat())
    await lua().tick(5000)
    await lua().call('add', 'ann', 'last')
    await lua().tick(5000)
    expect(await lua().claim()).toMatchObject({ batches: [], next: START + 15_000 })
  })

  it('hands out and buries a batch of five hundred messages', async () => {
    await lua().call('policy', 'MAXSIZE', 500, 'MAXBACKLOG', 1000)
    const args = Array.from({ length: 500 }, (_, n) => ['NEXT', 'ann', `${n}`]).flat()
    await lua().addAll(...args.slice(1))
    const { token, messages, reason } = await lua().claimOne()
    expect([reason, messages.map(({ data }) => Number(data))]).toEqual(['size', Array.from({ length: 500 }, (_, n) => n)])
    expect(await lua().call('release', 'ann', token)).toBe('released')
    const again = await lua().claimOne()
    expect(again.messages).toEqual(messages)
    expect(await lua().call('fail', 'ann', again.token, 'ATTEMPTS', 1)).toBe('dead')
    await lua().holds()
  })
})
