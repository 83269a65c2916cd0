import { expect, it } from 'vitest'
import type { FunctionName } from '../../src/redis/generated/facts.ts'
import { describeBindings, START } from '../support/lua.ts'

const YEAR = 31_536_000_000
const NUMBER = 999_999

/** The numbers that each call takes: its other arguments, the token, the least and the most. */
const NUMBERS: [FunctionName, string[], string, number, number][] = [
  ...(['WAIT', 'MAXWAIT', 'DEDUPE'] as const).map((token): [FunctionName, string[], string, number, number] => [
    'policy',
    [],
    token,
    1,
    YEAR,
  ]),
  ['policy', [], 'MAXSIZE', 1, 500],
  ['policy', [], 'MAXBACKLOG', 1, 1_000_000],
  ['policy', [], 'MAXMESSAGEBYTES', 1, 1_048_576],
  ['policy', [], 'MAXBATCHBYTES', 1, 1_048_576],
  ['policy', [], 'MAXDEAD', 1, 1_000_000],
  ['policy', [], 'MAXDEADAGE', 0, YEAR],
  ['policy', [], 'MAXKEYS', 0, 100_000_000],
  ['policy', [], 'EVENTS', 0, 1_000_000],
  ['policy', [], 'ARCHIVE', 0, YEAR],
  ['policy', [], 'MAXARCHIVED', 1, 1_000_000],
  ['add', ['k', 'x'], 'WAIT', 1, YEAR],
  ['add', ['k', 'x'], 'MAXWAIT', 1, YEAR],
  ['add', ['k', 'x'], 'MAXSIZE', 1, 500],
  ['add', ['k', 'x'], 'GENERATION', 1, NUMBER],
  ['claim_ready', [], 'LIMIT', 1, 1000],
  ['claim_ready', [], 'LEASE', 1, 86_400_000],
  ['claim_ready', [], 'BEFORE', 0, 9_999_999_999_999],
  ['claim_ready', [], 'ATTEMPTS', 1, 1000],
  ['claim_ready', ['WORKER', 'w'], 'REST', 1, 3_600_000],
  ['claim_ready', [], 'GENERATION', 1, NUMBER],
  ['forward', ['batches'], 'LIMIT', 1, 1000],
  ['forward', ['batches'], 'MAXLEN', 1, 10_000_000],
  ['forward', ['batches', 'WORKER', 'w'], 'REST', 1, 3_600_000],
  ['forward', ['batches'], 'GENERATION', 1, NUMBER],
  ['fail', ['k', '1-1:1'], 'DELAY', 0, YEAR],
  ['fail', ['k', '1-1:1'], 'ATTEMPTS', 1, 1000],
  ['peek', ['k'], 'LIMIT', 1, 1000],
  ['dead', [], 'LIMIT', 1, 50],
  ['dead', [], 'OFFSET', 0, 1_000_000],
  ['events', [], 'LIMIT', 1, 1000],
  ['archived', [], 'LIMIT', 1, 1000],
  ['partition', ['OPEN', 'LAYOUT', '1:0:0:0'], 'GENERATION', 1, NUMBER],
  ['repartition', [], 'PREPARE', 1, 1024],
  ['repartition', [], 'COMMIT', 0, NUMBER],
  ['repartition', [], 'SETTLE', 0, NUMBER],
  ['repartition', ['LAYOUT', '1:0:0:0'], 'RESTORE', 1, NUMBER],
]

/** The texts that each call takes: its other arguments, the token, and the most bytes. */
const TEXTS: [FunctionName, string[], string, number][] = [
  ['add', ['k', 'x'], 'ID', 512],
  ['add', ['k', 'x', 'WAIT', '5'], 'ID', 512],
  ['add', ['k', 'x'], 'CONTEXT', 2048],
  ['add', ['k', 'x'], 'REQUEUED', 128],
  ['claim_ready', [], 'WORKER', 64],
  ['claim_ready', [], 'NONCE', 64],
  ['forward', ['batches'], 'WORKER', 64],
  ['forward', ['batches'], 'NONCE', 64],
  ['fail', ['k', '1-1:1'], 'ERROR', 4096],
  ['fail', ['k', '1-1:1'], 'KEEP', 8192],
  ['fail', ['k', '1-1:1'], 'NONCE', 64],
  ['release', ['k', '1-1:1'], 'REASON', 256],
  ['release', ['k', '1-1:1'], 'NONCE', 64],
  ['dead', [], 'ID', 64],
  ['complete', ['k', '1-1:1'], 'TEXT', 65_536],
  ['complete', ['k', '1-1:1'], 'RESULT', 65_536],
  ['complete', ['k', '1-1:1'], 'WORKER', 64],
  ['archived', [], 'KEY', 1024],
  ['archived', [], 'ID', 512],
  ['archived', [], 'BATCH', 64],
  ['events', [], 'KEY', 1024],
  ['events', [], 'ID', 512],
  ['events', [], 'BATCH', 64],
  ['trace', [], 'KEY', 1024],
  ['trace', ['KEY', 'k'], 'ID', 512],
  ['trace', [], 'BATCH', 64],
  ['erase', ['k'], 'AFTER', 256],
  ['erase', ['k'], 'NONCE', 64],
  ['policy', ['WAIT', '1'], 'GIVEN', 64],
  ['partition', ['OPEN', 'GENERATION', '1'], 'LAYOUT', 64],
  ['repartition', ['RESTORE', '1'], 'LAYOUT', 64],
]

describeBindings('limits', (lua) => {
  /** What a call says of the value of a token; nothing when it goes on to look at other things. */
  async function said(name: FunctionName, args: string[], token: string, value: string): Promise<string | undefined> {
    await lua().reset()
    const text = await lua()
      .call(name, ...args, token, value)
      .then(String, (error: Error) => error.message)
    return text.includes(`${token} must be an integer`) || text.includes(`${token} must have at most`) ? text : undefined
  }

  it.each(NUMBERS)('%s %j takes %s from %d to %d', async (name, args, token, least, most) => {
    for (const value of [least, most]) expect(await said(name, args, token, String(value))).toBeUndefined()
    for (const value of [least - 1, most + 1]) expect(await said(name, args, token, String(value))).toContain(`from ${least} to ${most},`)
  })

  it.each(TEXTS)('%s %j takes %s of up to %d bytes', async (name, args, token, bytes) => {
    expect(await said(name, args, token, 'x'.repeat(bytes))).toBeUndefined()
    expect(await said(name, args, token, 'x'.repeat(bytes + 1))).toContain(`at most ${bytes} bytes`)
  })
})

describeBindings('the most that one call does', (lua) => {
  const part = (name: string) => `${lua().root}:${name}`
  const calls = async (command: string) =>
    Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(await lua().redis.info('commandstats'))?.[1] ?? 0)

  /** Batches of so many messages with so many bytes each, in the hands of a worker. */
  async function held(...batches: [count: number, bytes: number][]): Promise<(string | number)[]> {
    const pipeline = lua().redis.pipeline()
    for (const [n, [count, bytes]] of batches.entries()) {
      pipeline.rpush(part(`messages:k${n}`), ...Array.from({ length: count }, () => `${START} 0 `.padEnd(bytes, 'x')))
      pipeline.hset(part('claims'), `k${n}`, `${START}-${n}:1:1:0:${count}:${START}:size:30000`)
      pipeline.zadd(part('active'), START + 30_000, `k${n}`)
    }
    await pipeline.exec()
    return batches.flatMap((_, n) => [...(n > 0 ? ['NEXT'] : []), `k${n}`, `${START}-${n}:1`, 'ATTEMPTS', 1])
  }

  it.each<[string, (string | number)[], number]>([
    ['no token', [], 2048],
    ['an id', ['ID', 'abc'], 2051],
    ['options', ['WAIT', 5], 5120],
    ['options and an id', ['WAIT', 5, 'ID', 'abc'], 5123],
    ['what was dead', ['REQUEUED', `${START - 1}:1-1:1`], 65_536],
  ])('add takes messages of 262144 bytes together, one with %s weighing so much more', async (_, tokens, work) => {
    const add = (bytes: number) => lua().call('add', 'k', 'x'.repeat(bytes), 'NEXT', 'k', 'x', ...tokens)
    const most = 262_144 - (1 + 2048) - (2 + work)
    await expect(add(most + 1)).rejects.toThrow(/^RAPIDFIRE_BAD_ARGUMENT the messages of one call must weigh at most 262144 /)
    expect(await add(most)).toEqual(['added', expect.any(Number), 'added', expect.any(Number)])
  })

  it.each([
    [65_536, 10_000],
    [65_537, 0],
  ])('add reads first messages of keys with options up to 64 KiB: %d bytes', async (bytes, due) => {
    for (const [key, size] of [['a', bytes] as const, ['b', 100] as const]) {
      await lua().redis.rpush(part(`messages:${key}`), `${START} 0 `.padEnd(size, 'x'))
      await lua().redis.zadd(part('due'), START + 50_000, key)
      await lua().redis.sadd(part('overrides'), key)
    }
    await lua().call('add', 'a', 'x', 'NEXT', 'b', 'x')
    expect(await lua().redis.zscore(part('due'), 'b')).toBe(String(START + due))
  })

  it.each([
    [4096, 1],
    [4097, 0],
  ])('add writes a message of up to 4096 bytes without asking whether its key has room: %d', async (bytes, written) => {
    await lua().call('policy', 'MAXSIZE', 1, 'MAXBACKLOG', 1)
    await lua().call('add', 'k', 'x')
    await lua().redis.config('RESETSTAT')
    await lua().refuses('BACKLOG_FULL', 'maxBacklog is 1', 'add', 'k', 'x'.repeat(bytes - `${START} 0 `.length))
    expect(await calls('rpush')).toBe(written)
  })

  it.each<[number, number, string]>([
    [118, 100, 'dead'],
    [119, 100, 'again'],
  ])('fail moves 256 messages, each batch counting for ten more: 118 and %d', async (count, bytes, said) => {
    expect(await lua().call('fail', ...(await held([118, bytes], [count, bytes])))).toEqual(['dead', said])
  })

  it.each([
    [262_143, 'dead'],
    [262_144, 'again'],
  ])('fail moves a batch more while it has moved less than 256 KiB: %d bytes', async (bytes, said) => {
    expect(await lua().call('fail', ...(await held([1, bytes], [1, 100])))).toEqual(['dead', said])
  })

  it.each([
    [262_143, 'retry'],
    [262_144, 'again'],
  ])('fail takes what is done out of a batch more while it has moved less than 256 KiB: %d bytes', async (bytes, said) => {
    const batches = (await held([1, bytes], [1, 100])).map((word) => (word === 'ATTEMPTS' ? 'KEEP' : word))
    expect(await lua().call('fail', ...batches)).toEqual(['retry', said])
  })

  it.each([
    ['KEEP', 'retry'],
    ['ATTEMPTS', 'dead'],
  ])('fail counts nothing of what is behind a batch: %s', async (token, said) => {
    const batches = (await held([1, 100], [1, 100])).map((word) => (word === 'ATTEMPTS' ? token : word))
    await lua().redis.rpush(part('messages:k0'), `${START} 0 `.padEnd(262_144, 'x'))
    expect(await lua().call('fail', ...batches)).toEqual([said, said])
  })

  // Of two messages, each as large as one may be, and 2048 bytes more for its options.
  it.each([
    [260_096, 5000],
    [260_097, 0],
  ])('the end of a batch reads half a MiB of messages with options to learn when they are due: %d bytes each', async (largest, due) => {
    await lua().call('add', 'k', 1, 'FLUSH')
    const { token } = await lua().claimOne()
    await lua().call('add', 'k', 2, 'WAIT', 5000, 'NEXT', 'k', 3, 'WAIT', 5000)
    await lua().set({ largest: largest })
    expect(await lua().call('complete', 'k', token)).toEqual(['completed'])
    expect(await lua().redis.zscore(part('due'), 'k')).toBe(String(START + due))
  })

  // Of two messages, each as large as one may be.
  it.each([
    [262_144, 10_000],
    [262_145, 0],
  ])('the end of a batch reads half a MiB of messages without options to learn when they are due: %d bytes each', async (largest, due) => {
    await lua().call('add', 'k', 1)
    await lua().tick(10_000)
    const { token } = await lua().claimOne()
    await lua().call('add', 'k', 2, 'NEXT', 'k', 3)
    await lua().set({ largest })
    expect(await lua().call('complete', 'k', token)).toEqual(['completed'])
    expect(await lua().redis.zscore(part('due'), 'k')).toBe(String(lua().now + due))
  })

  // Of the first key its first and its last message are read, and with options 2048 bytes more for each; of the second twice what is the largest, 4096.
  it.each([
    ['', 516_096, 10_000],
    ['', 516_097, 0],
    [',W10000', 512_000, 10_000],
    [',W10000', 512_001, 0],
  ])('the ends of batches in one call read half a MiB together: messages %j of %d bytes', async (options, bytes, due) => {
    const redis = lua().redis.pipeline()
    for (const [key, size, with_] of [['a', bytes, options] as const, ['b', 100, ''] as const]) {
      const behind = [Math.floor(size / 2), Math.ceil(size / 2)].map((each) => `${START} 0${with_} `.padEnd(each, 'x'))
      redis.rpush(part(`messages:${key}`), `${START} 0 x`, ...behind)
      redis.hset(part('claims'), key, `${START}-1:1:1:0:1:${START}:size:30000`)
      redis.zadd(part('active'), START + 30_000, key)
      if (with_) redis.sadd(part('overrides'), key)
    }
    await redis.exec()
    expect(await lua().call('complete', 'a', `${START}-1:1`, 'b', `${START}-1:1`)).toEqual(['completed', 'completed'])
    expect(await lua().redis.zscore(part('due'), 'a')).toBe(String(START + 10_000))
    expect(await lua().redis.zscore(part('due'), 'b')).toBe(String(START + due))
  })

  it.each(['', ',W10000'])(
    'of a key of which nothing is left nothing is looked at later, also when half a MiB was read: messages %j',
    async (options) => {
      const redis = lua().redis.pipeline()
      redis.rpush(part('messages:a'), `${START} 0 x`, `${START} 0,W10000 `.padEnd(600_000, 'x'))
      redis.rpush(part('messages:b'), `${START} 0${options} x`)
      for (const key of ['a', 'b']) {
        redis.hset(part('claims'), key, `${START}-1:1:1:0:1:${START}:size:30000`)
        redis.zadd(part('active'), START + 30_000, key)
        if (key === 'a' || options) redis.sadd(part('overrides'), key)
      }
      await redis.exec()
      expect(await lua().call('complete', 'a', `${START}-1:1`, 'b', `${START}-1:1`)).toEqual(['completed', 'completed'])
      expect(await lua().redis.zrange(part('due'), 0, '-1')).toEqual(['a'])
      expect(await lua().redis.smembers(part('overrides'))).toEqual(['a'])
    },
  )

  it('a root knows a thousand workers', async () => {
    await lua().redis.zadd(part('watch:present'), ...Array.from({ length: 1000 }, (_, n) => [START + 5000, `~w${n}`]).flat())
    expect(await lua().call('present', '~w')).toEqual(['~w'])
    expect(await lua().redis.zcard(part('watch:present'))).toBe(1000)
  })

  it.each([
    [99, 6],
    [100, 5],
  ])('check and repair look at messages until they are a thousand, each part counting for twenty: %d', async (count, parts) => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g']
    for (const name of names) {
      const size = name < 'e' ? 200 : name === 'e' ? count : 1
      await lua().redis.rpush(part(`messages:${name}`), ...Array.from({ length: size }, () => `${START} 0 x`))
    }
    for (const call of ['check', 'repair'] as const)
      expect(await lua().call(call, ...names.map((name) => `messages:${name}`))).toHaveLength(parts)
  })
})
