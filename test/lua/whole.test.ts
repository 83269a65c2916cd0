import { Redis } from 'ioredis'
import { afterAll, expect, it, onTestFinished } from 'vitest'
import { commandsOf } from '../../cli/doctor/rights.ts'
import { urlOf } from '../support/acl.ts'
import { describeBindings, type Lua, START, TEST_SOURCE } from '../support/lua.ts'

/** The commands that `add` may use, of which a user may lack one. */
const USED = ['exists', 'hdel', 'hmget', 'hset', 'hincrby', 'llen', 'lrange', 'pexpireat', 'publish', 'rpop', 'rpush', 'sadd', 'sismember']
const COMMANDS = [...USED, 'smismember', 'srem', 'zadd', 'zscore', 'time']

/** A message as a test adds it, after what has happened before. */
const CALLS: [name: string, before: (string | number)[][], message: (string | number)[]][] = [
  ['a first message', [], ['ann', 'x', 'ID', 'm1']],
  ['a message without an id', [], ['ann', 'x']],
  ['a flush', [['ann', 'old']], ['ann', 'x', 'ID', 'm1', 'FLUSH']],
  ['a message of a key with options', [['ann', 'old', 'WAIT', 500]], ['ann', 'x', 'ID', 'm1']],
  ['options of a new key', [], ['ann', 'x', 'ID', 'm1', 'WAIT', 500]],
  ['a message that fills a batch', [['ann', '1', 'NEXT', 'ann', '2']], ['ann', 'x', 'ID', 'm1']],
  ['a message behind a full batch', [['ann', '1', 'NEXT', 'ann', '2', 'NEXT', 'ann', '3']], ['ann', 'x', 'ID', 'm1']],
  ['one that is too much', [['ann', '1', ...[2, 3, 4].flatMap((n) => ['NEXT', 'ann', n])]], ['ann', 'x', 'ID', 'm1']],
]

/** A user that lacks one right: what it is told, and nothing that would be thrown. */
async function poorUser(lua: Lua, lacking: string) {
  const { redis, server } = lua
  const binding = lua.mode
  const rights = ['+eval', '+get', ...commandsOf('producer', binding).map((command) => `+${command}`)]
  await redis.call('ACL', 'SETUSER', 'poor', 'reset', 'on', '>secret', '~*', '&*', ...rights, `-${lacking}`)
  const poor = new Redis(urlOf(server.url, 'poor'))
  onTestFinished(() => poor.disconnect())
  return (...args: (string | number)[]): Promise<[unknown, unknown]> =>
    (binding === 'functions'
      ? poor.call('FCALL', 'rapidfire_add', 1, lua.root, ...args)
      : poor.call('EVAL', TEST_SOURCE.scripts.add.text, 1, lua.root, ...args)
    ).catch((error: Error) => [error, 0]) as Promise<[unknown, unknown]>
}

describeBindings('a message and its id are both stored or neither', (lua) => {
  /** The queue is spread over two partitions: its root takes no new conversations any more. */
  async function retire(...policy: (string | number)[]) {
    const told = ['GENERATION', 1, 'LAYOUT', '2:0:0:0']
    await lua().call('repartition', 'PREPARE', 2)
    for (const n of [0, 1]) await lua().callWith('partition', [`rapid-fire:{orders:${n}}`], 'OPEN', ...told, ...policy)
    await lua().call('partition', 'RETIRE', ...told)
    await lua().call('repartition', 'COMMIT', 0)
  }

  afterAll(() => lua().redis.call('ACL', 'DELUSER', 'poor'))
  const stored = async () => (await lua().redis.lrange(`${lua().root}:messages:ann`, 0, -1)).filter((text) => text.endsWith('x')).length
  const remembered = async () => {
    const sets = await lua().redis.keys('*:seen:*')
    return (await Promise.all(sets.map((set) => lua().redis.scard(set)))).reduce((sum, size) => sum + size, 0)
  }
  /** Everything that can be handed over, in the order in which it is. */
  const handed = async () => {
    const texts: string[] = []
    for (let round = 0; round < 4; round += 1) {
      await lua().tick(60_000)
      for (const { key, token, messages } of (await lua().claim()).batches) {
        texts.push(...messages.map(({ data }) => data))
        await lua().call('complete', key, token)
      }
    }
    return texts
  }

  it.each(COMMANDS.flatMap((lacking) => CALLS.map(([name, before, message]) => ({ lacking, name, before, message }))))(
    'when the user lacks the right to $lacking: $name',
    async ({ lacking, name, before, message }) => {
      await lua().call('policy', 'MAXSIZE', 3, 'MAXBACKLOG', 4)
      for (const args of before) await lua().call('add', ...args)
      const add = await poorUser(lua(), lacking)
      const [status] = await add(...message)
      const hasId = message.includes('ID')
      expect([status instanceof Error ? 'refused' : status, await stored()]).toEqual(
        status instanceof Error ? ['refused', 0] : ['added', 1],
      )
      expect(await remembered()).toBe(status instanceof Error || !hasId ? 0 : 1)

      // Once more, by somebody who may.
      const again = await lua()
        .call('add', ...message)
        .catch((error: Error) => [error.message])
      if (status === 'added' && hasId) expect(again[0]).toBe('duplicate')
      if (status instanceof Error && !name.includes('too much')) expect(again[0]).toBe('added')
      const kept = await stored()
      if (hasId) expect(kept).toBeLessThanOrEqual(1)
      expect(await handed()).toHaveLength(before.flat().filter((each) => each === 'ann').length + kept)
      expect(Object.keys(await lua().keyspace()).filter((key) => !/seen/.test(key))).toEqual([lua().root])
    },
  )

  it.each([
    'exists',
    'hget',
    'hset',
    'lpush',
    'lrange',
    'llen',
    'ltrim',
    'pexpireat',
    'sadd',
    'sismember',
    'smismember',
    'srem',
    'zadd',
    'zscore',
  ])('when the user lacks the right to %s: a message that comes back from another partition', async (lacking) => {
    await lua().call('add', 'ann', 'claimed', 'FLUSH')
    await lua().claimOne()
    await lua().redis.rpush(`${lua().root}:messages:ann`, `${START - 3} 0 older`, `${START - 1} 0 newer`)
    await lua().redis.hincrby(lua().root, 'added', 2)
    await lua().call('add', 'bob', 'older', 'WAIT', 5)
    const name = `${START - 20}-7-3:12`
    const [ann, bob] = ['ann', 'bob'].map((key) => [key, 'x', 'ID', `id of ${key}`, 'MAXSIZE', 5, 'REQUEUED', `${START - 2}:${name}`]) as [
      (string | number)[],
      (string | number)[],
    ]
    const rights = ['+@all', `-${lacking}`]
    await lua().redis.call('ACL', 'SETUSER', 'poor', 'reset', 'on', '>secret', '~*', '&*', ...rights)
    const poor = new Redis(urlOf(lua().server.url, 'poor'))
    onTestFinished(() => poor.disconnect())
    const entry = lua().mode === 'functions' ? ['FCALL', 'rapidfire_add'] : ['EVAL', TEST_SOURCE.scripts.add.text]
    const found = [
      await poor.call(entry[0] as string, entry[1] as string, 1, lua().root, ...ann).catch((error: Error) => [error]),
      await poor.call(entry[0] as string, entry[1] as string, 1, lua().root, ...bob).catch((error: Error) => [error]),
    ] as [unknown][]
    const again = [(await lua().call('add', ...ann))[0], (await lua().call('add', ...bob))[0]]
    expect(again).toEqual(found.map(([status]) => (status === 'added' ? 'duplicate' : 'added')))
    const texts = async (key: string) =>
      (await lua().redis.lrange(`${lua().root}:messages:${key}`, 0, -1)).map((text) => text.split(' ').slice(2).join(' '))
    expect(await texts('ann')).toEqual(['claimed', 'older', 'id of annx', 'newer'])
    expect(await texts('bob')).toEqual(['id of bobx', 'older'])
    expect(await remembered()).toBe(2)
    await lua().holds()
    // It is known by its name, and its id is its own.
    expect((await lua().call('add', 'ann', 'x', 'ID', 'id of ann'))[0]).toBe('added')
    expect((await lua().call('add', 'ann', 'x', 'ID', name))[0]).toBe('added')
  })

  it('what a retired root cannot forget comes out of it', async () => {
    await retire()
    const add = await poorUser(lua(), 'srem')
    expect((await add('ann', 'x', 'ID', 'm1'))[0]).toBe('added')
    expect((await lua().call('add', 'ann', 'x', 'ID', 'm1'))[0]).toBe('duplicate')
    await lua().tick(10_000)
    expect((await lua().claimOne('DRAIN')).messages).toMatchObject([{ id: 'm1', data: 'x' }])
    await lua().holds()
  })

  it('a retired root has nothing to give back of what it does not take', async () => {
    await retire()
    const add = await poorUser(lua(), 'rpop')
    const [refusal] = await add('ann', 'x', 'ID', 'm1')
    expect((refusal as Error).message).toMatch(/^RAPIDFIRE_REPARTITIONED/)
    await lua().refuses('REPARTITIONED', 'does not serve', 'add', 'ann', 'x', 'ID', 'm1')
    await lua().holds()
  })

  it('what comes back is never newer than now, and is bound by no maxBacklog', async () => {
    await lua().call('policy', 'MAXSIZE', 1, 'MAXBACKLOG', 1)
    await lua().call('add', 'ann', '1')
    await lua().tick(10)
    expect(await lua().call('add', 'ann', '2', 'REQUEUED', '9999999999999:x')).toEqual(['added', 2])
    expect(await lua().call('add', 'ann', '2', 'REQUEUED', '9999999999999:x')).toEqual(['duplicate', 2])
    expect(await lua().redis.lrange(`${lua().root}:messages:ann`, 0, -1)).toEqual([`${START} 0 1`, `${START + 10} 0 2`])
    for (const value of ['', 'x', '1', '1:', ':x', '-1:x', '99999999999999:x']) {
      await lua().refuses('BAD_ARGUMENT', 'REQUEUED must be a time in ms and a name', 'add', 'ann', '3', 'REQUEUED', value)
    }
    await retire('MAXSIZE', 1, 'MAXBACKLOG', 1)
    await lua().refuses('REPARTITIONED', 'does not serve', 'add', 'new', '3', 'REQUEUED', '1:y')
    expect(await lua().call('add', 'ann', '0', 'REQUEUED', `${START - 1}:z`)).toEqual(['added', 3])
    await lua().holds()
    expect((await lua().claimOne('DRAIN')).messages.map(({ data }) => data)).toEqual(['0'])
  })

  it('what comes back without a place among the dead goes behind what came in the same ms', async () => {
    await lua().call('add', 'ann', 'old')
    await lua().tick(5)
    await lua().call('add', 'ann', 'new', 'NEXT', 'ann', 'back', 'REQUEUED', `${START}:x`)
    expect(await lua().redis.lrange(`${lua().root}:messages:ann`, 0, -1)).toEqual([
      ...[`${START} 0 old`, `${START} 0 back`, `${START + 5} 0 new`],
    ])
  })

  it('what comes after the store fails no call', async () => {
    await lua().call('claim_ready', 'WORKER', 'w1')
    for (const lacking of ['hincrby', 'publish', 'hset']) {
      const add = await poorUser(lua(), lacking)
      expect(await add(`${lacking} key`, 'x', 'FLUSH')).toEqual(['added', 1])
    }
  })

  it.each(['due', 'overrides', `seen:${START}`])('when %s is a key of another type', async (part) => {
    await lua().call('add', 'bob', 'x', 'ID', 'm0')
    const name = `${lua().root}:${part}`
    const kept = await lua().redis.copy(name, 'kept')
    await lua().redis.set(name, 'mine')
    const messages = ['FLUSH', 'WAIT 5'].map((tokens) => ['ann', 'x', 'ID', 'm1', ...tokens.split(' ')])
    // Of a message without options nobody looks there.
    if (part !== 'overrides') messages.push(['ann', 'x', 'ID', 'm1'])
    for (const message of messages) await lua().refuses('WRONG_TYPE', `'${name}'`, 'add', ...message)
    await lua().redis.del(name)
    if (kept) await lua().redis.rename('kept', name)
    expect(await lua().call('add', 'ann', 'x', 'ID', 'm1')).toEqual(['added', 1])
    expect(await handed()).toHaveLength(2)
  })

  it('when active is a key of another type and the index entry is lost', async () => {
    await lua().call('add', 'ann', 'old')
    await lua().redis.del(`${lua().root}:due`)
    await lua().redis.set(`${lua().root}:active`, 'mine')
    await lua().refuses('WRONG_TYPE', "a zset at 'rapid-fire:{orders}:active'", 'add', 'ann', 'x', 'FLUSH')
    await lua().redis.del(`${lua().root}:active`)
    expect(await lua().call('add', 'ann', 'x', 'FLUSH')).toEqual(['added', 2])
    expect(await handed()).toEqual(['old', 'x'])
  })

  it('of several messages those that cannot be stored alone are refused', async () => {
    await lua().redis.set(`${lua().root}:seen:${START}`, 'mine')
    const reply = await lua().call('add', 'ann', '1', 'ID', 'm1', 'NEXT', 'ann', '2', 'NEXT', 'bob', '3', 'ID', 'm1')
    expect(reply.map((each: unknown) => (each instanceof Error ? each.message.split(' ')[0] : each))).toEqual([
      ...['RAPIDFIRE_WRONG_TYPE', 0, 'added', 1, 'RAPIDFIRE_WRONG_TYPE', 0],
    ])
  })

  it('in one call also when the first message with an id is taken back and a later one with it is not', async () => {
    await lua().call('add', 'ann', 'old')
    await lua().redis.del(`${lua().root}:due`)
    const add = await poorUser(lua(), 'zscore')
    const reply = await add('ann', 'x', 'ID', 'm1', 'FLUSH', 'NEXT', 'ann', 'x', 'ID', 'm1')
    expect(reply.slice(2)).toEqual(['added', 2])
    expect([await stored(), await remembered()]).toEqual([1, 1])
    expect(await lua().call('add', 'ann', 'x', 'ID', 'm1')).toEqual(['duplicate', 2])
    expect(await lua().redis.pttl(`${lua().root}:seen:${START}`)).toBeGreaterThan(0)
  })
})

describeBindings('a key whose index entry is lost', (lua) => {
  it.each([
    ['a flush', 1, ['FLUSH']],
    ['a wait of its own', 1, ['WAIT', 300]],
    ['the message that fills the batch', 9, []],
    ['a message behind a full batch', 10, []],
  ] as const)('is found again by %s', async (_, before, tokens) => {
    for (let n = 0; n < before; n += 1) await lua().call('add', 'ann', n)
    await lua().redis.del(`${lua().root}:due`)
    await lua().call('add', 'ann', 'x', ...tokens)
    await lua().holds()
    await lua().tick(300)
    expect((await lua().claimOne()).messages).toHaveLength(Math.min(before + 1, 10))
  })

  it('is due at once when its batch was full, behind all that is due', async () => {
    for (let n = 0; n < 10; n += 1) await lua().call('add', 'ann', n)
    await lua().redis.del(`${lua().root}:due`)
    await lua().tick(700)
    await lua().call('add', 'ann', 'x')
    expect(await lua().redis.zscore(`${lua().root}:due`, 'ann')).toBe(String(START + 700))
  })

  it('is found again by a message of a key that had options', async () => {
    await lua().call('add', 'ann', 1, 'WAIT', 300)
    await lua().redis.del(`${lua().root}:due`)
    await lua().call('add', 'ann', 2)
    await lua().holds()
  })

  it('is left alone while a worker has its batch', async () => {
    await lua().call('add', 'ann', 1, 'FLUSH')
    await lua().claimOne()
    for (let n = 0; n < 12; n += 1) await lua().call('add', 'ann', n)
    await lua().call('add', 'ann', 'x', 'FLUSH')
    expect(await lua().redis.exists(`${lua().root}:due`)).toBe(0)
    await lua().holds()
  })

  it('tells the watcher', async () => {
    await lua().call('add', 'ann', 1)
    await lua().redis.del(`${lua().root}:due`)
    await lua().call('claim_ready', 'WORKER', '~w1', 'REST', 60_000)
    await lua().call('add', 'ann', 2, 'FLUSH')
    expect(await lua().redis.hget(lua().root, 'watchAt')).toBe(String(START))
  })
})
