import { expect, it } from 'vitest'
import { describeBindings, START } from '../support/lua.ts'

describeBindings('extend', (lua) => {
  it('lengthens the lease from now on, and tells what has arrived behind', async () => {
    await lua().call('add', 'ann', '1', 'FLUSH')
    const { token } = await lua().claimOne('LEASE', 1000)
    await lua().call('add', 'ann', '2', 'NEXT', 'ann', '3')
    await lua().tick(900)
    expect(await lua().call('extend', 1000, 'ann', token)).toEqual(['extended', 2])
    await lua().tick(999)
    expect(await lua().claim()).toMatchObject({ next: START + 1900, batches: [] })
    await lua().tick(1)
    expect((await lua().claimOne()).token).toBe(token.replace(/:1$/, ':2'))
    await lua().holds()
  })

  it('saves a lease that has run out, as long as nobody else has claimed', async () => {
    await lua().call('add', 'ann', '1', 'FLUSH')
    const { token } = await lua().claimOne('LEASE', 1)
    await lua().tick(5000)
    expect(await lua().call('extend', 86_400_000, 'ann', token)).toEqual(['extended', 0])
    expect(await lua().claim()).toMatchObject({ next: lua().now + 86_400_000, batches: [] })
  })

  it('answers for each of many batches', async () => {
    await lua().call('add', 'ann', '1', 'FLUSH', 'NEXT', 'bob', '1', 'FLUSH', 'NEXT', 'bob', '2')
    const tokens = new Map((await lua().claim('LEASE', 1000)).batches.map(({ key, token }) => [key, token]))
    const [ann, bob] = [tokens.get('ann') as string, tokens.get('bob') as string]
    expect(await lua().call('extend', 5000, 'bob', bob, 'bob', ann, 'nobody', ann, 'ann', ann, 'ann', ann)).toEqual([
      ...['extended', 1, 'lost', 0, 'lost', 0],
      ...['extended', 0, 'extended', 0],
    ])
    for (const key of ['ann', 'bob']) expect((await lua().call('peek', key))[3]).toBe(START + 5000)
    await lua().holds()
  })

  it('tells of nothing behind a batch of which messages are missing', async () => {
    await lua().call('add', 'ann', '1', 'NEXT', 'ann', '2', 'NEXT', 'ann', '3', 'FLUSH')
    const { token } = await lua().claimOne()
    await lua().redis.rpop(`${lua().root}:messages:ann`, 2)
    expect(await lua().call('extend', 5000, 'ann', token)).toEqual(['extended', 0])
  })

  it('acknowledges a claim also when its lease is longer', async () => {
    await lua().call('add', 'ann', '1', 'FLUSH')
    const { token } = await lua().claimOne('LEASE', 5000, 'NONCE', 'me/1')
    expect(await lua().call('extend', 1000, 'ann', token)).toEqual(['extended', 0])
    expect(await lua().redis.hget(`${lua().root}:claims`, 'ann')).toBe(`${token}:1:0:1:${START}:flush:5000`)
    expect(await lua().redis.zscore(`${lua().root}:active`, 'ann')).toBe(String(START + 5000))
  })

  it('shortens no lease and no span of one', async () => {
    await lua().call('add', 'ann', '1', 'FLUSH')
    const { token } = await lua().claimOne('LEASE', 5000)
    const before = await lua().keyspace()
    expect(await lua().call('extend', 1000, 'ann', token)).toEqual(['extended', 0])
    expect(await lua().keyspace()).toEqual(before)
  })

  it('brings no completed batch back', async () => {
    await lua().call('add', 'ann', '1', 'FLUSH', 'NEXT', 'ann', '2')
    const { token } = await lua().claimOne()
    await lua().call('complete', 'ann', token)
    const before = await lua().keyspace()
    expect(await lua().call('extend', 5000, 'ann', token)).toEqual(['lost', 0])
    expect(await lua().keyspace()).toEqual(before)
  })

  it.each([
    ['BAD_LEASE', 'lease must be an integer of ms from 1 to 86400000, got nothing', []],
    ['BAD_LEASE', "got 'ann'", ['ann', 'TOKEN']],
    ['BAD_LEASE', "got '0'", ['0', 'ann', 'TOKEN']],
    ['BAD_LEASE', "got '86400001'", ['86400001', 'ann', 'TOKEN']],
    ['BAD_LEASE', "got '1.5'", ['1.5', 'ann', 'TOKEN']],
    ['MISSING_ARGUMENT', 'expected a lease and pairs of key and token, got 1 argument', ['1000']],
    ['MISSING_ARGUMENT', 'got 2 arguments', ['1000', 'ann']],
    ['MISSING_ARGUMENT', 'got 4 arguments', ['1000', 'ann', 'TOKEN', 'bob']],
    ['BAD_ARGUMENT', 'expected at most 50 pairs, got 51', ['1000', ...Array.from({ length: 51 }, () => ['ann', 'TOKEN']).flat()]],
  ])('refuses with %s: %s', async (code, says, args) => {
    await lua().call('add', 'ann', '1', 'FLUSH')
    const { token } = await lua().claimOne()
    await lua().refuses(code, says, 'extend', ...args.map((arg) => (arg === 'TOKEN' ? token : arg)))
  })
})
