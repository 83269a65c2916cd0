import { expect, it } from 'vitest'
import { describeBindings, START } from '../support/lua.ts'

describeBindings('fail', (lua) => {
  const claimed = async (...messages: string[]) => {
    for (const message of messages) await lua().call('add', 'ann', message)
    await lua().tick(10_000)
    return lua().claimOne()
  }

  it('gives the batch back after a pause: same id and messages, next attempt', async () => {
    const first = await claimed('one', 'two')
    expect(await lua().call('fail', 'ann', first.token, 'DELAY', 700, 'ERROR', 'no')).toBe('retry')
    await lua().tick(699)
    expect(await lua().claim()).toMatchObject({ next: lua().now + 1, batches: [] })
    await lua().tick(6)
    const due = lua().now - 5
    expect(await lua().claimOne()).toEqual({ ...first, token: first.token.replace(/:1$/, ':2'), attempt: 2, due })
    expect(await lua().stats()).toMatchObject({ failed: 1, redelivered: 1, batches: 1, messages: 2 })
    await lua().holds()
  })

  it('pauses for a second when nothing else is said, and not at all with DELAY 0', async () => {
    const { token } = await claimed('one')
    await lua().call('fail', 'ann', token)
    expect((await lua().claim()).next).toBe(lua().now + 1000)
    await lua().tick(1000)
    const second = await lua().claimOne()
    await lua().call('fail', 'ann', second.token, 'delay', 0)
    expect((await lua().claimOne()).token).toBe(token.replace(/:1$/, ':3'))
  })

  it('is asked alone whether the attempts are used up: a claim with fewer ATTEMPTS takes the batch again', async () => {
    const { token } = await claimed('one')
    await lua().call('fail', 'ann', token, 'DELAY', 0, 'ATTEMPTS', 2)
    expect((await lua().claimOne('ATTEMPTS', 1)).token).toBe(token.replace(/:1$/, ':2'))
  })

  it('blocks the key during the pause, and keeps the order', async () => {
    const first = await claimed('one')
    await lua().call('fail', 'ann', first.token, 'DELAY', 60_000)
    await lua().call('add', 'ann', 'two', 'FLUSH')
    await lua().tick(59_999)
    expect((await lua().claim()).batches).toEqual([])
    await lua().holds()
    await lua().tick(1)
    const again = await lua().claimOne()
    expect(again.messages.map(({ data }) => data)).toEqual(['one'])
    await lua().call('complete', 'ann', again.token)
    expect((await lua().claimOne()).messages.map(({ data }) => data)).toEqual(['two'])
  })

  it('says the same when it is repeated, and changes nothing', async () => {
    const { token } = await claimed('one')
    expect(await lua().call('fail', 'ann', token)).toBe('retry')
    await lua().tick(10)
    const paused = await lua().keyspace()
    expect(await lua().call('fail', 'ann', token, 'DELAY', 5, 'ATTEMPTS', 1)).toBe('retry')
    expect(await lua().keyspace()).toEqual(paused)
    await lua().tick(1000)
    const second = await lua().claimOne()
    expect(await lua().call('fail', 'ann', token)).toBe('lost')
    expect(await lua().call('fail', 'ann', second.token, 'ATTEMPTS', 2, 'ERROR', 'first')).toBe('dead')
    const dead = await lua().keyspace()
    expect(await lua().call('fail', 'ann', second.token, 'ATTEMPTS', 2, 'ERROR', 'second')).toBe('dead')
    expect(await lua().call('fail', 'ann', token)).toBe('lost')
    expect(await lua().keyspace()).toEqual(dead)
  })

  it('says of an older token that it is lost, also while the batch pauses again', async () => {
    const { token } = await claimed('one')
    await lua().call('fail', 'ann', token, 'DELAY', 0)
    const second = await lua().claimOne()
    await lua().call('fail', 'ann', second.token)
    expect(await lua().call('fail', 'ann', token)).toBe('lost')
    for (const each of [token, second.token]) expect(await lua().call('release', 'ann', each)).toBe('lost')
  })

  it('ends the claim: the token no longer completes, extends or fails', async () => {
    const { token } = await claimed('one')
    await lua().call('fail', 'ann', token)
    const before = await lua().keyspace()
    expect(await lua().call('complete', 'ann', token)).toEqual(['lost'])
    expect(await lua().call('extend', 1000, 'ann', token)).toEqual(['lost', 0])
    expect(await lua().keyspace()).toEqual(before)
  })

  it('buries a batch whose attempts are used up, with why, and opens what is behind it', async () => {
    let batch = await claimed('one', 'two')
    await lua().call('add', 'ann', 'behind')
    for (let attempt = 1; attempt < 5; attempt += 1) {
      expect(await lua().call('fail', 'ann', batch.token, 'DELAY', 0)).toBe('retry')
      batch = await lua().claimOne()
    }
    expect(await lua().call('fail', 'ann', batch.token, 'DELAY', 0, 'ERROR', 'it is broken\0 …')).toBe('dead')
    const id = batch.token.replace(/:5$/, '')
    expect(await lua().redis.hgetall(`${lua().root}:dead:${id}`)).toEqual({
      ...{ key: 'ann', attempt: '5', claim: '5', deadline: String(START + 10_000), reason: 'wait' },
      ...{ cause: 'failed', error: 'it is broken\0 …', count: '2' },
      ...{ 1: `${START} 0 one`, 2: `${START} 0 two` },
    })
    expect(await lua().stats()).toMatchObject({ dead: 1, died: 1, failed: 4, collecting: 1, active: 0, messages: 1 })
    await lua().tick(10_000)
    expect((await lua().claimOne()).messages.map(({ data }) => data)).toEqual(['behind'])
    await lua().holds()
  })

  it('tries a batch again when as many are dead as are kept', async () => {
    await lua().call('policy', 'MAXDEAD', 1)
    await lua().call('add', 'bob', '1', 'FLUSH')
    const bob = await lua().claimOne()
    expect(await lua().call('fail', 'bob', bob.token, 'ATTEMPTS', 1)).toBe('dead')
    const { token } = await claimed('one')
    expect(await lua().call('fail', 'ann', token, 'ATTEMPTS', 1, 'DELAY', 0)).toBe('retry')
    expect((await lua().claimOne()).token).toBe(token.replace(/:1$/, ':2'))
    expect(await lua().stats()).toMatchObject({ dead: 1, failed: 1 })
    await lua().holds()
  })

  it('is still possible when the lease has run out and nobody else has claimed', async () => {
    const { token } = await claimed('one')
    await lua().tick(50_000)
    expect(await lua().call('fail', 'ann', token, 'DELAY', 5)).toBe('retry')
    expect(await lua().claim()).toMatchObject({ next: lua().now + 5, batches: [] })
  })

  it('says lost for a key that has no batch', async () => {
    expect(await lua().call('fail', 'nobody', '1-1:1')).toBe('lost')
    expect(await lua().call('fail', '', '')).toBe('lost')
    expect(await lua().keyspace()).toEqual({})
  })

  it.each([
    ['MISSING_ARGUMENT', 'expected a key and a token, got 0 arguments', []],
    ['MISSING_ARGUMENT', 'got 1 argument', ['ann']],
    ['MISSING_ARGUMENT', 'DELAY must be followed by a value', ['ann', 'TOKEN', 'DELAY']],
    ['MISSING_ARGUMENT', 'ERROR must be followed by a value', ['ann', 'TOKEN', 'error']],
    ['UNKNOWN_ARGUMENT', "expected ATTEMPTS, DELAY, ERROR, KEEP, NONCE, NEXT; got 'timeout'", ['ann', 'TOKEN', 'timeout']],
    ['BAD_ARGUMENT', "DELAY must be an integer from 0 to 31536000000, got '-1'", ['ann', 'TOKEN', 'DELAY', '-1']],
    ['BAD_ARGUMENT', "got '31536000001'", ['ann', 'TOKEN', 'DELAY', '31536000001']],
    ['BAD_ARGUMENT', "ATTEMPTS must be an integer from 1 to 1000, got '0'", ['ann', 'TOKEN', 'ATTEMPTS', '0']],
    ['BAD_ARGUMENT', "got '1001'", ['ann', 'TOKEN', 'DELAY', '1', 'ATTEMPTS', '1001']],
    ['BAD_ARGUMENT', 'ERROR must have at most 4096 bytes, got 4097', ['ann', 'TOKEN', 'ERROR', 'x'.repeat(4097)]],
  ])('refuses with %s: %s', async (code, says, args) => {
    const { token } = await claimed('one')
    await lua().refuses(code, says, 'fail', ...args.map((arg) => (arg === 'TOKEN' ? token : arg)))
  })
})
