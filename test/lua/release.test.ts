import { expect, it } from 'vitest'
import { describeBindings, START } from '../support/lua.ts'

describeBindings('release', (lua) => {
  async function claimed(...args: string[]) {
    await lua().call('add', 'ann', 'one', 'NEXT', 'ann', 'two', 'FLUSH')
    return lua().claimOne(...args)
  }

  it('gives the batch back at once: same id, messages and attempt, a new token', async () => {
    const first = await claimed()
    await lua().call('add', 'ann', 'behind')
    expect(await lua().call('release', 'ann', first.token, 'REASON', 'closing')).toBe('released')
    await lua().holds()
    expect(await lua().call('peek', 'ann')).toMatchObject(['ready', START, START, START, first.token, 2, 3, expect.any(Array), ''])
    expect(await lua().claimOne()).toEqual({ ...first, token: first.token.replace(/:1$/, ':2') })
    expect(await lua().stats()).toMatchObject({ failed: 0, redelivered: 1, batches: 1, messages: 3 })
    await lua().holds()
  })

  it('uses up no attempt, however often', async () => {
    let { token } = await claimed('ATTEMPTS', '2')
    for (let n = 0; n < 20; n += 1) {
      expect(await lua().call('release', 'ann', token)).toBe('released')
      const again = await lua().claimOne('ATTEMPTS', 2)
      expect(again.attempt).toBe(1)
      token = again.token
    }
    expect(await lua().call('fail', 'ann', token, 'ATTEMPTS', 2, 'DELAY', 0)).toBe('retry')
    expect((await lua().claimOne()).attempt).toBe(2)
  })

  it('says of an older token that it is lost, also while the batch is given back again', async () => {
    const { token } = await claimed()
    await lua().call('release', 'ann', token)
    const second = await lua().claimOne()
    await lua().call('release', 'ann', second.token)
    expect([await lua().call('release', 'ann', token), await lua().call('release', 'ann', second.token)]).toEqual(['lost', 'released'])
  })

  it('acknowledges the claim', async () => {
    const { token } = await claimed('NONCE', 'w1/1')
    await lua().call('release', 'ann', token)
    await lua().claimOne('NONCE', 'w2/1')
    expect(await lua().redis.hget(`${lua().root}:claims`, 'ann')).toMatch(/^[\d-]+:2:1:0:/)
  })

  it('makes the token worthless, and says the same to a second call', async () => {
    const { token } = await claimed()
    await lua().call('release', 'ann', token)
    const before = await lua().keyspace()
    expect(await lua().call('release', 'ann', token)).toBe('released')
    expect(await lua().call('complete', 'ann', token)).toEqual(['lost'])
    expect(await lua().call('fail', 'ann', token)).toBe('lost')
    expect(await lua().call('extend', 9000, 'ann', token)).toEqual(['lost', 0])
    expect(await lua().keyspace()).toEqual(before)
    await lua().claimOne()
    expect(await lua().call('release', 'ann', token)).toBe('lost')
  })

  it('says lost for a key that has no batch', async () => {
    expect(await lua().call('release', 'nobody', '1-1:1')).toBe('lost')
    expect(await lua().keyspace()).toEqual({})
  })

  it('is forwarded like any other', async () => {
    const { token } = await claimed()
    await lua().call('release', 'ann', token)
    expect((await lua().call('forward', 'batches'))[2]).toBe(1)
    expect(await lua().stats()).toMatchObject({ messages: 0, active: 0 })
    await lua().holds()
  })

  it.each([
    ['MISSING_ARGUMENT', 'expected a key and a token, got 0 arguments', []],
    ['MISSING_ARGUMENT', 'got 1 argument', ['ann']],
    ['MISSING_ARGUMENT', 'REASON must be followed by a value', ['ann', 'TOKEN', 'REASON']],
    ['UNKNOWN_ARGUMENT', "expected NONCE, REASON, NEXT; got 'DELAY'", ['ann', 'TOKEN', 'DELAY', '1']],
    ['BAD_ARGUMENT', 'REASON must have at most 256 bytes, got 257', ['ann', 'TOKEN', 'REASON', 'x'.repeat(257)]],
  ])('refuses with %s: %s', async (code, says, args) => {
    const { token } = await claimed()
    await lua().refuses(code, says, 'release', ...args.map((arg) => (arg === 'TOKEN' ? token : arg)))
  })
})
