import { afterEach, expect, it } from 'vitest'
import { describeBindings } from '../support/lua.ts'

describeBindings('over maxmemory', (lua) => {
  const full = async () => {
    await lua().redis.config('SET', 'maxmemory-policy', 'noeviction')
    await lua().redis.config('SET', 'maxmemory', '1')
    await expect(lua().redis.set('more', 'x')).rejects.toThrow('OOM')
  }
  // The clock of the tests is a key, so it is set before the memory is full.
  afterEach(() => lua().redis.config('SET', 'maxmemory', '0'))

  it.each([
    ['a message', ['ann', 'x']],
    ['a message with an id', ['ann', 'x', 'ID', 'm9']],
    ['a message with options', ['ann', 'x', 'FLUSH']],
    ['the first message of a key', ['new', 'x']],
    ['messages with and without ids', ['ann', 'x', 'ID', 'm1', 'NEXT', 'bob', 'x', 'NEXT', 'carl', 'x', 'ID', 'm9']],
    ['messages without ids', ['ann', 'x', 'NEXT', 'bob', 'x']],
  ])('add refuses %s and writes nothing', async (_, args) => {
    await lua().call('add', 'ann', 'x', 'ID', 'm1')
    const before = await lua().keyspace()
    await full()
    const reply = await lua()
      .call('add', ...args)
      .catch((error: Error) => [error])
    const errors = reply.filter((each: unknown) => each instanceof Error)
    expect(errors.length).toBeGreaterThan(0)
    for (const error of errors) expect(error.message).toMatch(/OOM command not allowed/)
    expect(reply).not.toContain('added')
    expect(await lua().keyspace()).toEqual(before)
    await lua().redis.config('SET', 'maxmemory', '0')
    expect((await lua().call('add', 'ann', 'x', 'ID', 'm9'))[0]).toBe('added')
    await lua().holds()
  })

  it('add stores no message with a known id, whether it is refused or told that it is known', async () => {
    await lua().call('add', 'ann', 'x', 'ID', 'm1')
    const before = await lua().keyspace()
    await full()
    const [status] = await lua()
      .call('add', 'ann', 'x', 'ID', 'm1')
      .catch((error: Error) => [error.message.replace(/.*(OOM command not allowed).*/s, '$1')])
    expect(['duplicate', 'OOM command not allowed']).toContain(status)
    expect(await lua().keyspace()).toEqual(before)
  })

  it('what is there can be handled, looked at and given up', async () => {
    for (const key of ['ann', 'bob', 'carl', 'dora']) await lua().call('add', key, 'x', 'FLUSH', 'NEXT', key, 'behind')
    const tokens = new Map((await lua().claim('LIMIT', 3)).batches.map(({ key, token }) => [key, token]))
    const token = (key: string) => tokens.get(key) as string
    await full()
    expect((await lua().claimOne()).key).toBe('dora')
    expect(await lua().call('extend', 60_000, 'ann', token('ann'))).toEqual(['extended', 1])
    expect(await lua().call('complete', 'ann', token('ann'))).toEqual(['completed'])
    expect(await lua().call('fail', 'bob', token('bob'), 'DELAY', 0)).toBe('retry')
    expect(await lua().call('fail', 'carl', token('carl'), 'ATTEMPTS', 1)).toBe('dead')
    expect(await lua().claimOne()).toMatchObject({ key: 'bob', messages: [{ data: 'x' }] })
    expect(await lua().call('policy', 'WAIT', 20_000)).toContain(20_000)
    expect((await lua().call('peek', 'ann'))[0]).toBe('collecting')
    expect(await lua().stats()).toMatchObject({ completed: 1, dead: 1, active: 2, collecting: 2, messages: 6 })
    await lua().holds()
  })

  it('a call that finds nothing to do works as well', async () => {
    await full()
    expect(await lua().call('claim_ready')).toEqual([lua().now, 0])
    expect(await lua().call('complete', 'ann', '1-1:1')).toEqual(['lost'])
    expect(await lua().keyspace()).toEqual({})
  })
})
