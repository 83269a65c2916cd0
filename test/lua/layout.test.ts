import { describe, expect, it } from 'vitest'
import { describeBindings } from '../support/lua.ts'

const part = (n: number) => `rapid-fire:{orders:${n}}`

describeBindings('layout', (lua) => {
  const layout = (...args: (string | number)[]) => lua().call(args.length > 0 ? 'repartition' : 'layout', ...args)

  it('of a queue without partitions is steady, and reading it writes nothing', async () => {
    expect(await layout()).toEqual(['steady', 0, 0, 0, 0])
    expect(await layout('PREPARE', 1)).toEqual(['steady', 0, 0, 0, 0])
    expect(await lua().keyspace()).toEqual({})
  })

  it('changes in three steps, each of which may be repeated', async () => {
    for (let n = 0; n < 2; n += 1) expect(await layout('PREPARE', 4)).toEqual(['preparing', 0, 0, 4, 0])
    for (let n = 0; n < 2; n += 1) expect(await layout('COMMIT', 0)).toEqual(['draining', 4, 0, 0, 0])
    for (let n = 0; n < 2; n += 1) expect(await layout('SETTLE', 0)).toEqual(['steady', 4, 0, 0, 0])
    expect(await layout('PREPARE', 4)).toEqual(['steady', 4, 0, 0, 0])
  })

  it('numbers no partition twice', async () => {
    await layout('PREPARE', 4)
    await layout('COMMIT', 0, 'DRAINED')
    expect(await layout('PREPARE', 2)).toEqual(['preparing', 4, 0, 2, 4])
    expect(await layout('COMMIT', 4)).toEqual(['draining', 2, 4, 4, 0])
    await layout('SETTLE', 4)
    expect(await layout('PREPARE', 1)).toEqual(['preparing', 2, 4, 1, 6])
    expect(await layout('COMMIT', 6, 'DRAINED')).toEqual(['steady', 1, 6, 0, 0])
  })

  it('takes a step of another change for none', async () => {
    await layout('PREPARE', 4)
    expect(await layout('COMMIT', 7)).toEqual(['preparing', 0, 0, 4, 0])
    expect(await layout('SETTLE', 0)).toEqual(['preparing', 0, 0, 4, 0])
    await layout('COMMIT', 0)
    expect(await layout('SETTLE', 4)).toEqual(['draining', 4, 0, 0, 0])
  })

  it.each([
    [['PREPARE', 4], 'preparing'],
    [['PREPARE', 4, 'COMMIT', 0], 'draining'],
  ])('begins no other change after %j', async (before, state) => {
    await layout('PREPARE', 4)
    if (before.includes('COMMIT')) await layout('COMMIT', 0)
    await lua().refuses('REPARTITIONING', `the queue is ${state} its partitions`, 'repartition', 'PREPARE', 8)
    await layout('PREPARE', 4)
  })

  it.each([
    ['BAD_ARGUMENT', 'PREPARE must be an integer from 1 to 1024', ['PREPARE', '1025']],
    ['BAD_ARGUMENT', 'SETTLE must be an integer from 0', ['SETTLE', '-1']],
    ['MISSING_ARGUMENT', 'COMMIT must be followed by a value', ['COMMIT']],
    ['UNKNOWN_ARGUMENT', 'expected COMMIT, DRAINED, PREPARE, SETTLE', ['4']],
  ])('refuses with %s: %s', (code, says, args) => lua().refuses(code, says, 'repartition', ...args))

  it('has no arguments', () => lua().refuses('UNKNOWN_ARGUMENT', 'expected no more arguments', 'layout', '4'))

  it.each(['layout', 'repartition'] as const)('belongs to the root of the queue: %s', (name) =>
    lua().refusesWith('BAD_ROOT', 'got that of a partition', name, [part(0)]),
  )
})

describeBindings('partition', (lua) => {
  const partition = (n: number, ...args: (string | number)[]) => lua().callWith('partition', [part(n)], ...args)

  it('is opened once, with a policy, and retired once and for all', async () => {
    expect(await partition(3)).toEqual(['unused', 0, 0])
    expect(await lua().keyspace()).toEqual({})
    expect(await partition(3, 'OPEN', 'WAIT', 5000, 'MAXSIZE', 3)).toEqual(['open', 0, 0])
    expect(await partition(3, 'OPEN', 'WAIT', 6000)).toEqual(['open', 0, 0])
    const policy = await lua().callWith('policy', [part(3)])
    expect(policy.slice(0, 6)).toEqual(['wait', 5000, 'maxWait', 60_000, 'maxSize', 3])
    expect(await partition(3, 'RETIRE')).toEqual(['retired', 0, 0])
    expect(await partition(3, 'OPEN')).toEqual(['retired', 0, 0])
  })

  it('tells what is left: keys with messages, and remembered ids', async () => {
    await lua().call('add', 'ann', 'x', 'NEXT', 'bob', 'x', 'FLUSH')
    await lua().claimOne()
    expect(await lua().call('partition')).toEqual(['open', 2, 0])
    await lua().call('add', 'ann', 'x', 'ID', '1')
    const [state, keys, remembers] = await lua().call('partition', 'RETIRE')
    expect([state, keys]).toEqual(['retired', 2])
    expect(remembers).toBe(lua().now + 7_200_000)
  })

  it('that is retired takes messages of keys that have some there, knows duplicates, and refuses all others', async () => {
    await lua().call('add', 'ann', '1', 'ID', 'a')
    await lua().call('partition', 'RETIRE')
    expect(await lua().call('add', 'ann', '2')).toEqual(['added', 2])
    await lua().refuses('REPARTITIONED', 'does not serve new messages', 'add', 'bob', 'x', 'ID', 'b')
    await lua().refuses('REPARTITIONED', 'does not serve new messages', 'add', 'bob', 'x', 'WAIT', '5')
    expect(await lua().call('add', 'ann', 'x', 'ID', 'a')).toEqual(['duplicate', 2])
    const several = await lua().call('add', 'bob', 'x', 'NEXT', 'ann', '3')
    expect(several.map(String)).toEqual([expect.stringContaining('RAPIDFIRE_REPARTITIONED'), '0', 'added', '3'])
    await lua().tick(10_000)
    await lua().refuses('REPARTITIONED', 'does not serve', 'claim_ready')
    const batch = await lua().claimOne('DRAIN', 'WORKER', 'w')
    expect(batch.messages.map(({ data }) => data)).toEqual(['1', '2', '3'])
    expect((await lua().claim('DRAIN', 'WORKER', 'w')).next).toBeGreaterThan(0)
    await lua().call('complete', 'ann', batch.token)
    expect((await lua().claim('DRAIN', 'WORKER', 'w')).next).toBe(0)
    await lua().refuses('REPARTITIONED', 'does not serve', 'add', 'ann', '4')
    await lua().holds()
  })

  it('that is retired forwards what is left only to those who know', async () => {
    await lua().call('add', 'ann', '1', 'FLUSH')
    await lua().call('partition', 'RETIRE')
    await lua().refuses('REPARTITIONED', 'does not serve', 'forward', 'batches')
    expect((await lua().call('forward', 'batches', 'DRAIN'))[2]).toBe(1)
  })

  it('that is retired gives dead batches back to nobody', async () => {
    await lua().call('add', 'ann', '1', 'FLUSH')
    const { token } = await lua().claimOne()
    await lua().call('fail', 'ann', token, 'ATTEMPTS', 1)
    await lua().call('partition', 'RETIRE')
    await lua().refuses('REPARTITIONED', 'does not serve', 'requeue', token.split(':')[0] as string)
  })

  it('that was never opened takes nothing: nobody would look there', async () => {
    await lua().refusesWith('REPARTITIONED', "'rapid-fire:{orders:5}' does not serve", 'add', [part(5)], 'ann', 'x')
    await lua().refusesWith('REPARTITIONED', 'does not serve', 'claim_ready', [part(5)])
  })

  it('wakes all workers when it is retired', async () => {
    const subscriber = lua().redis.duplicate()
    const heard: string[] = []
    subscriber.on('message', (_, message) => heard.push(message))
    await subscriber.subscribe(`${lua().root}:wake`)
    await lua().call('partition', 'RETIRE')
    await lua().call('partition', 'RETIRE')
    await subscriber.unsubscribe()
    subscriber.disconnect()
    expect(heard).toEqual(['* 0'])
  })

  it('has its number in the ids of its batches', async () => {
    await partition(12, 'OPEN')
    await lua().callWith('add', [part(12)], 'ann', 'x', 'FLUSH')
    const [, , batch] = await lua().callWith('claim_ready', [part(12)])
    expect(batch[1]).toBe(`${lua().now}-1-12:1`)
    expect(await lua().callWith('complete', [part(12)], 'ann', batch[1])).toEqual(['completed'])
  })

  it.each([
    ['BAD_ARGUMENT', 'expected OPEN or RETIRE, got both', ['OPEN', 'RETIRE']],
    ['BAD_POLICY', 'maxWait must not be shorter than wait', ['OPEN', 'WAIT', '5000', 'MAXWAIT', '1']],
    ['BAD_POLICY', 'WAIT must be an integer', ['OPEN', 'WAIT', '0']],
    ['UNKNOWN_ARGUMENT', 'OPEN, RETIRE', ['CLOSE']],
    ['MISSING_ARGUMENT', 'WAIT must be followed', ['OPEN', 'WAIT']],
  ])('refuses with %s: %s', (code, says, args) => lua().refusesWith(code, says, 'partition', [part(0)], ...args))
})

describe('REST', () => {
  describeBindings('of a worker', (lua) => {
    it('bounds how far ahead its next look lies', async () => {
      await lua().call('add', 'ann', 'x')
      const next = async (...args: (string | number)[]) => (await lua().call('claim_ready', 'WORKER', 'w', ...args))[1] - lua().now
      expect(await next()).toBe(1000)
      expect(await next('REST', 4000)).toBe(4000)
      expect(await next('REST', 16_000)).toBe(10_000)
    })
  })
})
