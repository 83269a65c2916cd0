import { expect, it } from 'vitest'
import { describeBindings, START } from '../support/lua.ts'

describeBindings('peek', (lua) => {
  const peek = async (key: string) => {
    const [state, now, deadline, until, token, count, size, messages, error] = await lua().call('peek', key)
    expect(now).toBe(lua().now)
    const about = { state, deadline: deadline && deadline - START, until: until && until - START, token, count, size }
    return { ...about, messages: messages.length, ...(error !== '' && { error }) }
  }
  const nothing = { until: 0, token: '' }

  it('shows a key without messages', async () => {
    expect(await peek('ann')).toEqual({ state: 'empty', deadline: 0, ...nothing, count: 0, size: 0, messages: 0 })
  })

  it('shows each state that a key goes through', async () => {
    await lua().call('add', 'ann', 'one', 'NEXT', 'ann', 'two')
    await lua().tick(9999)
    const open = { deadline: 10_000, ...nothing, count: 2, size: 2, messages: 2 }
    expect(await peek('ann')).toEqual({ state: 'collecting', ...open })
    await lua().tick(1)
    expect(await peek('ann')).toEqual({ state: 'ready', ...open })
    const { token } = await lua().claimOne('LEASE', 500)
    await lua().call('add', 'ann', 'behind')
    const held = { deadline: 10_000, token, count: 2, size: 3, messages: 3 }
    expect(await peek('ann')).toEqual({ state: 'active', ...held, until: 10_500 })
    await lua().tick(600)
    expect(await peek('ann')).toEqual({ state: 'active', ...held, until: 10_500 })
    await lua().call('fail', 'ann', token, 'DELAY', 40)
    expect(await peek('ann')).toEqual({ state: 'retry', ...held, until: 10_640 })
    await lua().tick(40)
    const again = await lua().claimOne('LEASE', 500)
    expect(await peek('ann')).toEqual({ state: 'active', ...held, token: again.token, until: 11_140 })
    await lua().call('complete', 'ann', again.token)
    expect(await peek('ann')).toEqual({ state: 'collecting', deadline: 20_000, ...nothing, count: 1, size: 1, messages: 1 })
  })

  it('shows what a batch has failed with while it pauses, however it is written', async () => {
    await lua().call('add', 'ann', 'one', 'FLUSH')
    for (const error of ['timeout', ':done', '1:by=name/7', 'retry', '.', 'a\0b:30000:done', 'line\nline', 'x'.repeat(256)]) {
      const { token } = await lua().claimOne('LEASE', 500)
      expect(await peek('ann')).not.toHaveProperty('error')
      await lua().call('fail', 'ann', token, 'ERROR', error, 'ATTEMPTS', 1000, 'DELAY', 5)
      expect(await peek('ann')).toMatchObject({ state: 'retry', token, error })
      expect(await lua().call('fail', 'ann', token, 'ERROR', 'again')).toBe('retry')
      expect(await lua().call('complete', 'ann', token)).toEqual(['lost'])
      expect(await peek('ann')).toMatchObject({ state: 'retry', error })
      await lua().holds()
      await lua().tick(5)
    }
    const { token } = await lua().claimOne()
    await lua().call('fail', 'ann', token, 'ERROR', 'x'.repeat(300), 'ATTEMPTS', 1000)
    expect(await peek('ann')).toMatchObject({ error: 'x'.repeat(256) })
    await lua().tick(1000)
    const last = await lua().claimOne()
    await lua().call('fail', 'ann', last.token, 'ERROR', '', 'ATTEMPTS', 1000)
    expect(await peek('ann')).not.toHaveProperty('error')
  })

  it('shows what a batch has failed with of which the other messages are done, and after a repair', async () => {
    await lua().call('add', 'ann', 'one', 'NEXT', 'ann', 'two', 'FLUSH')
    const { token } = await lua().claimOne()
    await lua().call('fail', 'ann', token, 'ERROR', 'timeout', 'KEEP', '2')
    await lua().redis.lpop(`${lua().root}:messages:ann`)
    await lua().redis.rpush(`${lua().root}:messages:ann`, `${START} 0 three`)
    await lua().redis.zadd(`${lua().root}:due`, START, 'ann')
    await lua().call('repair', 'messages:ann')
    expect(await peek('ann')).toMatchObject({ state: 'retry', count: 1, error: 'timeout' })
  })

  it('shows a batch that was given back as ready, and a claim without a lease as one that ends at no time', async () => {
    await lua().call('add', 'ann', 'one', 'FLUSH')
    const { token } = await lua().claimOne('LEASE', 500)
    await lua().call('release', 'ann', token)
    const released = { deadline: 0, token, count: 1, size: 1, messages: 1 }
    expect(await peek('ann')).toEqual({ state: 'ready', ...released, until: START - START })
    await lua().redis.zrem(`${lua().root}:active`, 'ann')
    expect(await peek('ann')).toEqual({ state: 'ready', ...released, until: 0 })
    await lua().redis.zadd(`${lua().root}:active`, START + 6, 'ann')
    await lua().redis.zadd(`${lua().root}:active`, START + 7.5, 'ann')
    expect(await peek('ann')).toEqual({ state: 'ready', ...released, until: 8 })
  })

  it('shows the true deadline where the index lags behind', async () => {
    await lua().call('add', 'ann', 'one')
    await lua().tick(9000)
    await lua().call('add', 'ann', 'two')
    await lua().tick(5000)
    expect(await lua().redis.zscore(`${lua().root}:due`, 'ann')).toBe(String(START + 10_000))
    expect(await peek('ann')).toMatchObject({ state: 'collecting', deadline: 19_000 })
  })

  it('shows the head of a backlog: its batch, and at most LIMIT messages', async () => {
    for (let n = 0; n < 120; n += 1) await lua().call('add', 'ann', `${n}`)
    expect(await peek('ann')).toMatchObject({ state: 'ready', count: 10, size: 120, messages: 100 })
    expect((await lua().call('peek', 'ann', 'LIMIT', 2))[7]).toEqual([`${START} 0 0`, `${START} 0 1`])
    expect((await lua().call('peek', 'ann', 'limit', 1000))[7]).toHaveLength(120)
  })

  it('shows messages until they have 256 KiB together', async () => {
    const shown = async (key: string, ...bytes: number[]) => {
      await lua().redis.rpush(`${lua().root}:messages:${key}`, ...bytes.map((count) => 'x'.repeat(count)))
      return (await lua().call('peek', key))[7].length
    }
    // As many as may be shown, each as large as the largest of the queue may be, are read at once; of larger ones one after the other.
    await lua().set({ largest: 262_144 })
    expect(await shown('ann', 262_143, 1, 1)).toBe(2)
    expect(await shown('bob', 262_144, 1, 1)).toBe(1)
    expect(await shown('carl', 100_000, 100_000, 100_000, 1)).toBe(3)
    // One is read at least.
    await lua().set({ largest: 1_048_576 })
    expect(await shown('dora', 262_144, 1)).toBe(1)
  })

  it('says that a batch is due since 1970 which has no time', async () => {
    await lua().call('policy', 'MAXSIZE', 1)
    await lua().redis.rpush(`${lua().root}:messages:ann`, 'mine')
    expect(await lua().call('peek', 'ann')).toEqual(['ready', START, 1, 0, '', 1, 1, ['mine'], ''])
  })

  it('changes nothing', async () => {
    await lua().call('add', 'ann', 'one', 'ID', 'm1', 'NEXT', 'bob', 'x', 'FLUSH')
    await lua().claimOne()
    await lua().tick(20_000)
    const before = await lua().keyspace()
    for (const key of ['ann', 'bob', 'nobody']) await lua().call('peek', key)
    expect(await lua().keyspace()).toEqual(before)
  })

  it.each([
    ['MISSING_ARGUMENT', 'expected the key of a conversation', []],
    ['MISSING_ARGUMENT', 'LIMIT must be followed by a value', ['ann', 'LIMIT']],
    ['BAD_KEY', '1 to 1024 bytes, got 0', ['']],
    ['BAD_KEY', '1 to 1024 bytes, got 1025', ['k'.repeat(1025)]],
    ['UNKNOWN_ARGUMENT', "expected LIMIT; got '5'", ['ann', '5']],
    ['BAD_ARGUMENT', "LIMIT must be an integer from 1 to 1000, got '0'", ['ann', 'LIMIT', '0']],
    ['BAD_ARGUMENT', "got '1001'", ['ann', 'LIMIT', '1001']],
  ])('refuses with %s: %s', async (code, says, args) => {
    await lua().call('add', 'ann', 'one')
    await lua().refuses(code, says, 'peek', ...args)
  })
})
