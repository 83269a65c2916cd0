import { describe, expect, it } from 'vitest'
import { describeBindings, START } from '../support/lua.ts'

describeBindings('add', (lua) => {
  const score = async (part: 'due' | 'active', key: string) => Number(await lua().redis.zscore(`${lua().root}:${part}`, key))

  it('stores a message with its time, and puts its key into the index', async () => {
    expect(await lua().call('add', 'ann', 'one')).toEqual(['added', 1])
    await lua().tick(5)
    expect(await lua().call('add', 'ann', 'two', 'ID', 'm2')).toEqual(['added', 2])
    expect(await lua().redis.lrange(`${lua().root}:messages:ann`, 0, -1)).toEqual([`${START} 0 one`, `${START + 5} 2 m2two`])
    expect(await score('due', 'ann')).toBe(START + 10_000)
    await lua().holds()
  })

  it('writes the list alone for the second to the ninth message of a burst', async () => {
    await lua().call('add', 'ann', '1')
    const before = await lua().keyspace()
    for (let n = 2; n <= 9; n += 1) {
      await lua().tick(100)
      expect(await lua().call('add', 'ann', `${n}`)).toEqual(['added', n])
    }
    const after = await lua().keyspace()
    const changed = Object.keys(after).filter((key) => after[key] !== before[key])
    expect(changed.sort()).toEqual([lua().root, `${lua().root}:messages:ann`])
    await lua().holds()
  })

  it('asks Redis for nothing that a plain message does not need', async () => {
    const commands = async (...args: string[]) => {
      await lua().redis.config('RESETSTAT')
      await lua().call('add', ...args)
      const found = [...(await lua().redis.info('commandstats')).matchAll(/cmdstat_(\w+):calls=(\d+)/g)].map(([, name, calls]) => [
        name,
        calls,
      ])
      const calls = Object.fromEntries(found.filter(([name]) => !['fcall', 'eval', 'info', 'config', 'get'].includes(name as string)))
      expect(Object.values(calls).every((each) => each === '1')).toBe(true)
      return Object.keys(calls).sort().join(' ')
    }
    // The first call of all finds out whether this is a node of a cluster, which a script asks each time, and the first message whether any has options.
    await lua().call('layout')
    const guard = lua().mode === 'scripts' ? 'exists ' : ''
    expect(await commands('ann', '1')).toBe(`${guard}hincrby hmget hset rpush scard zadd`)
    expect(await commands('ann', '2')).toBe(`${guard}hincrby hmget rpush`)
    expect(await commands('bob', '1')).toBe(`${guard}hincrby hmget rpush zadd`)
    await lua().call('add', 'ann', '3', 'ID', 'm3')
    expect(await commands('ann', '4', 'ID', 'm4')).toBe(`${guard}hincrby hmget pexpireat rpush sadd smismember`)
    await lua().call('add', 'own', '1', 'WAIT', '5')
    expect(await commands('own', '2', 'WAIT', '5')).toBe(`${guard}hincrby hmget lindex rpush sadd zadd zscore`)
  })

  it('looks at the index of a key that is flooded once a call', async () => {
    const flood = Array.from({ length: 30 }, (_, n) => ['NEXT', 'ann', `${n}`]).flat()
    await lua().redis.config('RESETSTAT')
    await lua().call('add', ...flood.slice(1))
    const stats = await lua().redis.info('commandstats')
    // Its first message opens the batch, and the tenth closes it.
    expect(stats).toMatch(/cmdstat_zadd:calls=2,/)
    expect(stats).toMatch(/cmdstat_rpush:calls=30,/)
    expect(stats).not.toContain('cmdstat_zscore')
    await lua().holds()
  })

  it('makes a batch due at once when it holds maxSize messages, and leaves it so', async () => {
    for (let n = 1; n <= 9; n += 1) await lua().call('add', 'ann', `${n}`)
    expect(await score('due', 'ann')).toBe(START + 10_000)
    await lua().tick(700)
    await lua().call('add', 'ann', '10')
    expect(await score('due', 'ann')).toBe(START + 700)
    await lua().tick(1000)
    await lua().call('add', 'ann', '11')
    expect(await score('due', 'ann')).toBe(START + 700)
    expect((await lua().call('peek', 'ann')).slice(0, 3)).toEqual(['ready', START + 1700, START + 700])
    await lua().holds()
  })

  it('makes every message due at once when maxSize is 1', async () => {
    await lua().call('policy', 'MAXSIZE', 1)
    await lua().call('add', 'ann', 'one')
    expect(await score('due', 'ann')).toBe(START)
    await lua().call('add', 'ann', 'two')
    const { batches } = await lua().claim()
    expect(batches.map(({ reason, messages }) => [reason, messages.length])).toEqual([['size', 1]])
  })

  it('leaves an active key where it is, whatever arrives', async () => {
    await lua().call('add', 'ann', 'one')
    await lua().tick(10_000)
    await lua().claimOne()
    const ends = await score('active', 'ann')
    for (let n = 0; n < 15; n += 1) await lua().call('add', 'ann', `${n}`)
    await lua().call('add', 'ann', 'now', 'FLUSH')
    expect(await lua().redis.zcard(`${lua().root}:due`)).toBe(0)
    expect(await score('active', 'ann')).toBe(ends)
    await lua().holds()
  })

  it('takes many messages of many keys in one call, each with its own result', async () => {
    const args = Array.from({ length: 100 }, (_, n) => [`key${n % 7}`, `data${n}`, 'id', `m${n % 84}`, 'NEXT']).flat()
    const reply = await lua().call('add', ...args.slice(0, -1))
    const statuses = reply.filter((_: unknown, n: number) => n % 2 === 0)
    expect(statuses).toEqual(Array.from({ length: 100 }, (_, n) => (n < 84 ? 'added' : 'duplicate')))
    expect(reply.slice(0, 4)).toEqual(['added', 1, 'added', 1])
    expect(reply.slice(14, 16)).toEqual(['added', 2])
    expect(reply.at(-1)).toBe(await lua().redis.llen(`${lua().root}:messages:key${99 % 7}`))
    await lua().holds()
  })

  it('reads tokens in any order and case, and words that look like tokens where key, data or id stand', async () => {
    expect(await lua().call('add', 'NEXT', 'NEXT', 'flush', 'wait', 5, 'Id', 'NEXT', 'next', 'ID', 'FLUSH', 'NEXT', 'WAIT', '')).toEqual([
      'added',
      1,
      'added',
      1,
      'added',
      1,
    ])
    expect((await lua().redis.keys('*:messages:*')).sort()).toEqual(['ID', 'NEXT', 'WAIT'].map((key) => `${lua().root}:messages:${key}`))
    expect(await lua().redis.lrange(`${lua().root}:messages:NEXT`, 0, -1)).toEqual([`${START} 4,W5,F NEXTNEXT`])
    expect(await lua().call('add', 'ann', 'ID', 'WAIT', '5')).toEqual(['added', 1])
    expect(await lua().redis.lrange(`${lua().root}:messages:ann`, 0, -1)).toEqual([`${START} 0,W5 ID`])
    await lua().holds()
  })

  it('takes the word NEXT in any case, also behind a message without tokens', async () => {
    expect(await lua().call('add', 'ann', '1', 'next', 'bob', '2', 'Next', 'bob', '3', 'ID', 'm1')).toEqual([
      'added',
      1,
      'added',
      1,
      'added',
      2,
    ])
  })

  it('refuses what is too much for a key, and does not remember its id', async () => {
    await lua().call('policy', 'MAXSIZE', 2, 'MAXBACKLOG', 3)
    await lua().call('add', 'ann', '1', 'NEXT', 'ann', '2', 'NEXT', 'ann', '3', 'ID', 'm3')
    await lua().refuses('BACKLOG_FULL', 'the key holds 3 messages, maxBacklog is 3', 'add', 'ann', '4')
    await lua().refuses('BACKLOG_FULL', 'maxBacklog is 3', 'add', 'ann', '4', 'ID', 'm4')
    await lua().refuses('BACKLOG_FULL', 'maxBacklog is 3', 'add', 'ann', '4', 'ID', 'm4', 'FLUSH')
    expect(await lua().call('add', 'bob', '1')).toEqual(['added', 1])
    const batch = await lua().claimOne()
    await lua().refuses('BACKLOG_FULL', 'the key holds 3 messages', 'add', 'ann', '4', 'ID', 'm4')
    await lua().call('complete', 'ann', batch.token)
    expect(await lua().call('add', 'ann', '4', 'ID', 'm4')).toEqual(['added', 2])
    await lua().holds()
  })

  /** Calls of RPUSH and LLEN that adding makes. */
  async function written(...args: string[]): Promise<{ pushed: number; asked: number; said: string }> {
    await lua().redis.config('RESETSTAT')
    const said = await lua()
      .call('add', ...args)
      .then(String, (error) => error.message)
    const info = await lua().redis.info('commandstats')
    const of = (name: string) => Number(new RegExp(`cmdstat_${name}:calls=(\\d+)`).exec(info)?.[1] ?? 0)
    return { pushed: of('rpush'), asked: of('llen'), said }
  }

  it.each([
    [4096, undefined],
    [4097, '8192'],
    [8192, '8192'],
    [8193, '16384'],
  ])('notes that messages are larger than the small ones, and doubles what it notes: %d bytes', async (bytes, noted) => {
    await lua().call('add', 'ann', 'x'.repeat(bytes))
    expect((await lua().settings()).largest).toBe(noted)
  })

  it.each([
    ['4095', '8192'],
    ['5000', '5000'],
    ['2097152', '2097152'],
    ['2097153', '8192'],
  ])('takes what somebody wrote for the size of the largest message when it may be that: %s', async (written, noted) => {
    await lua().set({ largest: written })
    await lua().call('add', 'ann', 'x'.repeat(5000))
    expect((await lua().settings()).largest).toBe(noted)
  })

  it('does not write what is large before it knows that there is room, and does not ask for what is small', async () => {
    await lua().call('policy', 'MAXSIZE', 1, 'MAXBACKLOG', 2)
    const [small, large] = ['x'.repeat(4000), 'x'.repeat(5000)]
    expect(await written('ann', small, 'ID', 'a')).toEqual({ pushed: 1, asked: 0, said: 'added,1' })
    expect(await written('ann', large, 'ID', 'b')).toEqual({ pushed: 1, asked: 1, said: 'added,2' })
    const full = expect.stringMatching(/^RAPIDFIRE_BACKLOG_FULL the key holds 2 messages, maxBacklog is 2/)
    expect(await written('ann', large, 'ID', 'c')).toEqual({ pushed: 0, asked: 1, said: full })
    expect(await written('ann', large)).toEqual({ pushed: 0, asked: 1, said: full })
    expect(await written('ann', small, 'ID', 'c')).toEqual({ pushed: 1, asked: 0, said: full })
    await lua().call('policy', 'MAXBACKLOG', 3)
    expect(await written('ann', large, 'ID', 'c')).toMatchObject({ said: 'added,3' })
    await lua().holds()
  })

  it('writes nothing of what a retired root does not take', async () => {
    await lua().call('add', 'ann', '1')
    await lua().call('partition', 'RETIRE')
    expect(await written('bob', '1', 'ID', 'a')).toMatchObject({ pushed: 0, said: expect.stringContaining('REPARTITIONED') })
    expect(await written('ann', '2', 'ID', 'a')).toMatchObject({ pushed: 1, said: 'added,2' })
  })

  describe('with maxKeys', () => {
    const full = 'the queue has 2 conversations with messages, maxKeys is 2'

    it('opens no more conversations than that, and takes what comes to those that are open', async () => {
      await lua().call('policy', 'MAXKEYS', 2)
      await lua().call('add', 'ann', '1', 'FLUSH', 'NEXT', 'bob', '1')
      await lua().refuses('BACKLOG_FULL', full, 'add', 'cyd', '1', 'ID', 'm1', 'WAIT', '5')
      await lua().refuses('BACKLOG_FULL', full, 'add', 'cyd', 'x'.repeat(4090), 'ID', 'm1')
      const { token } = await lua().claimOne()
      // One that is with a worker is open.
      await lua().refuses('BACKLOG_FULL', full, 'add', 'cyd', '1', 'ID', 'm1')
      expect(await lua().call('add', 'ann', '2', 'NEXT', 'bob', '2')).toEqual(['added', 2, 'added', 2])
      await lua().call('complete', 'ann', token)
      await lua().refuses('BACKLOG_FULL', full, 'add', 'cyd', '1', 'ID', 'm1')
      await lua().call('erase', 'ann')
      expect(await lua().call('add', 'cyd', '1', 'ID', 'm1')).toEqual(['added', 1])
      await lua().holds()
    })

    it('counts those that the same call opens', async () => {
      await lua().call('policy', 'MAXKEYS', 2)
      const reply = await lua().call('add', 'ann', '1', 'NEXT', 'bob', '1', 'NEXT', 'cyd', '1', 'NEXT', 'ann', '2')
      expect(reply).toMatchObject(['added', 1, 'added', 1, { message: expect.stringContaining(full) }, 0, 'added', 2])
      await lua().holds()
    })

    it('brings back what has died', async () => {
      await lua().call('policy', 'MAXKEYS', 1)
      await lua().call('add', 'ann', '1', 'FLUSH')
      const { token } = await lua().claimOne()
      await lua().call('fail', 'ann', token, 'ATTEMPTS', 1)
      await lua().call('add', 'bob', '1')
      expect(await lua().call('requeue', token.slice(0, -2))).toEqual(['requeued'])
      await lua().refuses('BACKLOG_FULL', 'has 2 conversations with messages, maxKeys is 1', 'add', 'cyd', '1')
      await lua().holds()
    })

    it.each(['due', 'active'])('says that %s is a foreign key', async (index) => {
      await lua().call('policy', 'MAXKEYS', 1)
      await lua().redis.set(`${lua().root}:${index}`, 'mine')
      await lua().refuses('WRONG_TYPE', index, 'add', 'ann', '1', 'ID', 'm1')
    })

    it('costs no command without it', async () => {
      const cards = async () => {
        await lua().redis.config('RESETSTAT')
        await lua().call('add', `k${Math.random()}`, '1')
        return Number(/cmdstat_zcard:calls=(\d+)/.exec(await lua().redis.info('commandstats'))?.[1] ?? 0)
      }
      expect(await cards()).toBe(0)
      await lua().call('policy', 'MAXKEYS', 9)
      expect(await cards()).toBe(2)
    })
  })

  it('does not remember the first id of a queue when that message is refused', async () => {
    await lua().call('policy', 'MAXSIZE', 1, 'MAXBACKLOG', 1)
    await lua().call('add', 'ann', '1')
    await lua().refuses('BACKLOG_FULL', 'maxBacklog is 1', 'add', 'ann', '2', 'ID', 'm2')
    expect(await lua().redis.keys('*:seen:*')).toEqual([])
  })

  it('refuses some of several messages and stores the others', async () => {
    await lua().call('policy', 'MAXMESSAGEBYTES', 5)
    const reply = await lua().call(
      'add',
      ...['ann', '12345', 'NEXT', '', 'x', 'NEXT', 'ann', '123456', 'ID', 'big', 'NEXT', 'bob', 'x', 'WAIT', '0', 'FLUSH', 'NEXT'],
      ...['bob', 'y', 'ID', 'i'.repeat(513), 'NEXT', 'bob', 'z', 'ID', '', 'NEXT', 'bob', 'ok', 'ID', 'big'],
    )
    const said = reply.map((each: unknown) => (each instanceof Error ? each.message.split(' ')[0] : each))
    expect(said).toEqual([
      ...['added', 1, 'RAPIDFIRE_BAD_KEY', 0, 'RAPIDFIRE_MESSAGE_TOO_LARGE', 0, 'RAPIDFIRE_BAD_ARGUMENT', 0],
      ...['RAPIDFIRE_BAD_ID', 0, 'RAPIDFIRE_BAD_ID', 0, 'added', 1],
    ])
    expect(await lua().redis.lrange(`${lua().root}:messages:bob`, 0, -1)).toEqual([`${START} 3 bigok`])
    await lua().holds()
  })

  it.each([
    ['BAD_ARGUMENT', ['k', 'x', 'WAIT', '0', 'ID', '']],
    ['BAD_ID', ['k', 'x', 'ID', '', 'WAIT', '10', 'MAXWAIT', '5']],
    ['BAD_ID', ['k', 'x', 'ID', '', 'REQUEUED', 'x']],
    ['BAD_ARGUMENT', ['k', 'x', 'WAIT', '0', 'REQUEUED', '5:x']],
    ['BAD_ARGUMENT', ['k', 'x', 'WAIT', '10', 'MAXWAIT', '5', 'REQUEUED', 'x']],
    ['BAD_ID', ['', 'xx', 'ID', '', 'FLUSH']],
    ['BAD_KEY', ['', 'xx']],
  ])('tells the first of what is wrong, %s: %j', async (code, args) => {
    await lua().call('policy', 'MAXMESSAGEBYTES', 1)
    await lua().refuses(code, '', 'add', ...args)
  })

  it('tells in words how much a key holds, and of each message that is refused that it is not held', async () => {
    await lua().call('policy', 'MAXSIZE', 1, 'MAXBACKLOG', 1)
    await lua().call('add', 'ann', '1', 'ID', 'm1')
    await lua().redis.set(`${lua().root}:messages:bob`, 'mine')
    const reply = await lua().call('add', 'ann', '2', 'NEXT', 'ann', '3', 'ID', 'm3', 'NEXT', 'bob', '1', 'NEXT', 'ann', '1', 'ID', 'm1')
    expect(reply.map((each: unknown) => (each instanceof Error ? each.message : each))).toEqual([
      ...['RAPIDFIRE_BACKLOG_FULL the key holds 1 message, maxBacklog is 1', 0],
      ...['RAPIDFIRE_BACKLOG_FULL the key holds 1 message, maxBacklog is 1', 0],
      ...["RAPIDFIRE_WRONG_TYPE expected a list at 'rapid-fire:{orders}:messages:...'", 0],
      ...['duplicate', 1],
    ])
    expect(await lua().redis.hmget(lua().root, 'added', 'duplicates')).toEqual(['1', '1'])
  })

  it('counts only what there is to count', async () => {
    const counters = async () => Object.keys(await lua().redis.hgetall(lua().root)).filter((name) => name !== 'settings')
    await lua().redis.set(`${lua().root}:messages:bob`, 'mine')
    await lua().call('add', 'bob', '1', 'NEXT', 'bob', '2')
    expect(await counters()).toEqual([])
    await lua().call('add', 'ann', '1', 'ID', 'm1')
    expect(await counters()).toEqual(['added'])
    await lua().redis.hdel(lua().root, 'added')
    await lua().call('add', 'ann', '1', 'ID', 'm1')
    expect(await counters()).toEqual(['duplicates'])
  })

  it.each([
    [['ID', 'i', 'FLUSH', 'MAXSIZE', 7, 'MAXWAIT', 6, 'WAIT', 5], '1,W5,X6,S7,F ix'],
    [['REQUEUED', `${START - 20}-7-3:12`, 'MAXSIZE', 7, 'ID', 'i'], '1,R7.0012,S7 ix'],
    [['REQUEUED', `${START - 20}-7:1234`], '0,R7.1234 x'],
    [['REQUEUED', `${START - 20}-7:12345`], '0 x'],
    [['REQUEUED', 'seven:1'], '0 x'],
    [['REQUEUED', `${START - 20}-7`], '0 x'],
  ])('stores what is said of a message, and where it has died, in front of it: %j', async (tokens, stored) => {
    const said = tokens.map((token, n) => (tokens[n - 1] === 'REQUEUED' ? `${START}:${token}` : token))
    await lua().call('add', 'ann', 'x', ...said)
    expect(await lua().redis.lrange(`${lua().root}:messages:ann`, 0, -1)).toEqual([`${START} ${stored}`])
  })

  it('takes what comes back at any time that there was, the first ms of all included', async () => {
    expect(await lua().call('add', 'ann', '1', 'REQUEUED', '0:a', 'NEXT', 'ann', '2', 'REQUEUED', '9999999999999:b')).toEqual([
      ...['added', 1, 'added', 2],
    ])
    expect(await lua().redis.lrange(`${lua().root}:messages:ann`, 0, -1)).toEqual(['0000000000000 0 1', `${START} 0 2`])
    await lua().refuses('BAD_ARGUMENT', 'REQUEUED must be a time in ms', 'add', 'ann', '1', 'REQUEUED', '10000000000000:c')
  })

  it('takes the longest of everything', async () => {
    const [key, id] = ['k'.repeat(1024), 'i'.repeat(512)]
    await lua().call('add', key, 'd'.repeat(262_144), 'ID', id, 'WAIT', 31_536_000_000, 'MAXWAIT', 31_536_000_000, 'MAXSIZE', 500)
    expect(await lua().call('add', key, 'again', 'ID', id)).toEqual(['duplicate', 1])
    expect((await lua().call('peek', key)).slice(0, 3)).toEqual(['collecting', START, START + 31_536_000_000])
    await lua().holds()
  })

  it.each([
    ['MISSING_ARGUMENT', 'expected a key and its data; got nothing', []],
    ['MISSING_ARGUMENT', 'got a key alone', ['ann']],
    ['MISSING_ARGUMENT', 'got nothing', ['ann', 'one', 'NEXT']],
    ['MISSING_ARGUMENT', 'got a key alone', ['ann', 'one', 'ID', 'm1', 'NEXT', 'bob']],
    ['MISSING_ARGUMENT', 'ID must be followed by a value', ['ann', 'one', 'ID']],
    ['MISSING_ARGUMENT', 'WAIT must be followed by a value', ['ann', 'one', 'NEXT', 'ann', 'two', 'wait']],
    [
      'UNKNOWN_ARGUMENT',
      "expected EDITS, FLUSH, GENERATION, ID, MAXSIZE, MAXWAIT, REQUEUED, WAIT, WITHDRAWS, NEXT; got 'TTL'",
      ['ann', 'one', 'TTL', '5'],
    ],
    ['UNKNOWN_ARGUMENT', "got 'bob'", ['ann', 'one', 'FLUSH', 'bob', 'two']],
    ['UNKNOWN_ARGUMENT', "got ''", ['ann', 'one', '']],
    ['UNKNOWN_ARGUMENT', 'got a text of 5 bytes', ['ann', 'one', 'a\nb\0c']],
    ['UNKNOWN_ARGUMENT', `got '${'x'.repeat(40)}'`, ['ann', 'one', 'x'.repeat(40)]],
    ['UNKNOWN_ARGUMENT', `got '${'x'.repeat(40)}...'`, ['ann', 'one', 'x'.repeat(41)]],
    ['UNKNOWN_ARGUMENT', `got '${'x'.repeat(40)}...'`, ['ann', 'one', 'x'.repeat(5000)]],
    ['BAD_KEY', '1 to 1024 bytes, got 0', ['', 'one']],
    ['BAD_KEY', '1 to 1024 bytes, got 1025', ['k'.repeat(1025), 'one']],
    ['BAD_KEY', '1 to 1024 bytes, got 1026', ['ы'.repeat(513), 'one', 'ID', 'm1']],
    ['BAD_ID', '1 to 512 bytes, got 0', ['ann', 'one', 'ID', '']],
    ['BAD_ID', 'at most 512 bytes, got 513', ['ann', 'one', 'ID', 'i'.repeat(513)]],
    ['MESSAGE_TOO_LARGE', 'at most 262144 bytes, got 262145', ['ann', 'd'.repeat(262_145), 'ID', 'm1']],
    ['BAD_ARGUMENT', "WAIT must be an integer from 1 to 31536000000, got '0'", ['ann', 'one', 'WAIT', '0']],
    ['BAD_ARGUMENT', "WAIT must be an integer from 1 to 31536000000, got '0'", ['ann', 'one', 'WAIT', '0', 'MAXSIZE', '0']],
    ['BAD_ARGUMENT', "got '0'", ['ann', 'one', ...Array(8).fill(['MAXSIZE', '2']).flat(), 'WAIT', '0']],
    ['BAD_ARGUMENT', "got '0'", ['ann', 'x'.repeat(5000), 'WAIT', '0']],
    ['BAD_ARGUMENT', "got '0'", ['ann', 'NEXT', 'WAIT', '0']],
    ['BAD_ARGUMENT', "got 'NEXT'", ['ann', 'one', 'WAIT', 'NEXT']],
    ['BAD_ARGUMENT', "got 'ID'", ['ann', 'one', 'WAIT', 'ID']],
    ['BAD_ARGUMENT', "got '-1'", ['ann', 'one', 'WAIT', '-1']],
    ['BAD_ARGUMENT', "got '1.5'", ['ann', 'one', 'WAIT', '1.5']],
    ['BAD_ARGUMENT', "got '1e3'", ['ann', 'one', 'MAXWAIT', '1e3']],
    ['BAD_ARGUMENT', "got '0x10'", ['ann', 'one', 'MAXSIZE', '0x10']],
    ['BAD_ARGUMENT', 'got a text of 2 bytes', ['ann', 'one', 'MAXSIZE', ' 5']],
    ['BAD_ARGUMENT', "got ''", ['ann', 'one', 'WAIT', '']],
    ['BAD_ARGUMENT', "got 'nan'", ['ann', 'one', 'WAIT', 'nan']],
    ['BAD_ARGUMENT', "got '31536000001'", ['ann', 'one', 'MAXWAIT', '31536000001']],
    ['BAD_ARGUMENT', "got '99999999999999999999'", ['ann', 'one', 'WAIT', '99999999999999999999']],
    ['BAD_ARGUMENT', "MAXSIZE must be an integer from 1 to 500, got '501'", ['ann', 'one', 'ID', 'm1', 'MAXSIZE', '501']],
    ['BAD_ARGUMENT', 'MAXWAIT must not be shorter than WAIT (500), got 400', ['ann', 'one', 'MAXWAIT', '400', 'WAIT', '500']],
  ])('refuses with %s: %s', async (code, says, args) => {
    await lua().refuses(code, says, 'add', ...args)
    await lua().call('add', 'ann', 'before', 'ID', 'm0')
    await lua().refuses(code, says, 'add', ...args)
  })

  it('refuses a list of the key that is no list, and forgets its id', async () => {
    await lua().call('add', 'bob', 'one', 'ID', 'm1')
    const list = `${lua().root}:messages:ann`
    await lua().redis.set(list, 'something else')
    await lua().refuses('WRONG_TYPE', `expected a list at '${lua().root}:messages:...'`, 'add', 'ann', 'one')
    await lua().refuses('WRONG_TYPE', 'expected a list', 'add', 'ann', 'one', 'ID', 'm2')
    await lua().refuses('WRONG_TYPE', 'expected a list', 'add', 'ann', 'one', 'ID', 'm1')
    const reply = await lua().call('add', 'bob', 'two', 'NEXT', 'ann', 'one', 'ID', 'm1', 'NEXT', 'bob', 'three', 'ID', 'm2')
    expect(reply.map(String)).toEqual(['added', '2', expect.stringContaining('RAPIDFIRE_WRONG_TYPE'), '0', 'added', '3'])
  })
})
