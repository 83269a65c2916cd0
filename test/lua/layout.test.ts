import { describe, expect, it } from 'vitest'
import { describeBindings, START } from '../support/lua.ts'
import { keep, restore } from '../support/roots.ts'

const part = (n: number) => `rapid-fire:{orders:${n}}`

describeBindings('layout', (lua) => {
  const layout = async (...args: (string | number)[]) => (await lua().call(args.length > 0 ? 'repartition' : 'layout', ...args)).slice(0, 6)

  it('of a queue without partitions is steady, and reading it writes nothing', async () => {
    expect(await layout()).toEqual(['steady', 0, 0, 0, 0, 0])
    expect(await layout('PREPARE', 1)).toEqual(['steady', 0, 0, 0, 0, 0])
    expect(await lua().keyspace()).toEqual({})
  })

  it('changes in three steps, each of which may be repeated', async () => {
    for (let n = 0; n < 2; n += 1) expect(await layout('PREPARE', 4)).toEqual(['preparing', 0, 0, 4, 0, 0])
    for (let n = 0; n < 2; n += 1) expect(await layout('COMMIT', 0)).toEqual(['draining', 4, 0, 0, 0, 1])
    for (let n = 0; n < 2; n += 1) expect(await layout('SETTLE', 0)).toEqual(['steady', 4, 0, 0, 0, 1])
    expect(await layout('PREPARE', 4)).toEqual(['steady', 4, 0, 0, 0, 1])
  })

  it('numbers no partition twice, and each change once', async () => {
    await layout('PREPARE', 4)
    await layout('COMMIT', 0, 'DRAINED')
    expect(await layout('PREPARE', 2)).toEqual(['preparing', 4, 0, 2, 4, 1])
    expect(await layout('COMMIT', 4)).toEqual(['draining', 2, 4, 4, 0, 2])
    expect(await layout('SETTLE', 4)).toEqual(['steady', 2, 4, 0, 0, 2])
    expect(await layout('PREPARE', 1)).toEqual(['preparing', 2, 4, 1, 6, 2])
    expect(await layout('COMMIT', 6, 'DRAINED')).toEqual(['steady', 1, 6, 0, 0, 3])
  })

  it('takes what is under way, and nothing else, for what is wanted', async () => {
    expect(await layout('PREPARE', 2)).toEqual(['preparing', 0, 0, 2, 0, 0])
    await layout('COMMIT', 0, 'DRAINED')
    await layout('PREPARE', 4)
    await lua().refuses('REPARTITIONING', 'the queue is preparing', 'repartition', 'PREPARE', 2)
    await layout('COMMIT', 2)
    await lua().refuses('REPARTITIONING', 'the queue is draining', 'repartition', 'PREPARE', 2)
    expect(await layout('PREPARE', 4)).toEqual(['draining', 4, 2, 2, 0, 2])
  })

  it('takes a policy along only when it is restored', async () => {
    await layout('PREPARE', 4, 'WAIT', 5)
    await layout('COMMIT', 0, 'WAIT', 5)
    expect(await lua().redis.hgetall(lua().root)).toEqual({ layout: 'draining:1:4:0:0:0' })
  })

  it('takes a step of another change for none', async () => {
    await layout('PREPARE', 4)
    expect(await layout('COMMIT', 7)).toEqual(['preparing', 0, 0, 4, 0, 0])
    expect(await layout('SETTLE', 0)).toEqual(['preparing', 0, 0, 4, 0, 0])
    await layout('COMMIT', 0)
    expect(await layout('SETTLE', 4)).toEqual(['draining', 4, 0, 0, 0, 1])
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
    [
      'UNKNOWN_ARGUMENT',
      'EVENTS, LAYOUT, MAXARCHIVED, MAXBACKLOG, MAXBATCHBYTES, MAXDEAD, MAXDEADAGE, MAXKEYS, MAXMESSAGEBYTES, MAXSIZE, MAXWAIT, NEW, PREPARE, RESTORE, SETTLE',
      ['4'],
    ],
    ['BAD_ARGUMENT', 'expected RESTORE and LAYOUT together', ['RESTORE', '1']],
    ['BAD_ARGUMENT', 'expected RESTORE and LAYOUT together', ['LAYOUT', '4:0:0:0']],
    ['BAD_ARGUMENT', 'LAYOUT must be <partitions>:<first>:<other>:<otherFirst>', ['RESTORE', '1', 'LAYOUT', '4:0:0']],
    ['BAD_ARGUMENT', 'LAYOUT must be <partitions>', ['RESTORE', '1', 'LAYOUT', '0:0:0:0']],
    ['BAD_POLICY', 'maxWait must not be shorter than wait', ['RESTORE', '1', 'LAYOUT', '4:0:0:0', 'WAIT', '5000', 'MAXWAIT', '1']],
  ])('refuses with %s: %s', (code, says, args) => lua().refuses(code, says, 'repartition', ...args))

  it.each(['0:0:0:0', '1025:0:0:0', '1:1000000:0:0', '1:0:1025:0', '1:0:0:1000000', '1:0:0', 'x'])('cannot be %s', (told) =>
    lua().refuses('BAD_ARGUMENT', 'LAYOUT must be <partitions>', 'repartition', 'RESTORE', '1', 'LAYOUT', told),
  )

  it('has no arguments', () => lua().refuses('UNKNOWN_ARGUMENT', 'expected no more arguments', 'layout', '4'))

  it('is changed at the root of the queue alone', () => lua().refusesWith('BAD_ROOT', 'got that of a partition', 'repartition', [part(0)]))

  it('is asked of any root, which tells what it knows and what it is', async () => {
    await lua().call('add', 'ann', 'x')
    await lua().call('policy', 'WAIT', 5000)
    expect(await lua().call('layout')).toEqual(['steady', 0, 0, 0, 0, 0, 'open', 0, 1, ['wait', '5000'], []])
    expect(await lua().callWith('layout', [part(2)])).toEqual(['steady', 0, 0, 0, 0, 0, 'unused', 0, 0, [], []])
    await lua().callWith('partition', [part(2)], 'OPEN', 'GENERATION', 1, 'LAYOUT', '4:0:0:0', 'MAXSIZE', 3)
    await lua().call('partition', 'RETIRE', 'GENERATION', 1, 'LAYOUT', '4:0:0:0')
    expect(await lua().callWith('layout', [part(2)])).toEqual(['draining', 4, 0, 0, 0, 1, 'open', 1, 0, ['maxSize', '3'], []])
    // The layout that holds now is another matter, of which repartition decides.
    expect(await lua().call('layout')).toEqual(['steady', 0, 0, 0, 0, 0, 'retired', 1, 1, ['wait', '5000'], []])
  })

  it('is for a new queue alone when a program gives it at its start', async () => {
    expect(await layout('PREPARE', 4, 'NEW')).toEqual(['preparing', 0, 0, 4, 0, 0])
    expect(await layout('PREPARE', 8, 'NEW')).toEqual(['preparing', 0, 0, 4, 0, 0])
    await layout('COMMIT', 0, 'DRAINED')
    expect(await layout('PREPARE', 8, 'NEW')).toEqual(['steady', 4, 0, 0, 0, 1])
    await lua().reset()
    await lua().call('add', 'ann', 'x', 'FLUSH')
    const { token } = await lua().claimOne()
    await lua().call('complete', 'ann', token)
    expect(await layout('PREPARE', 4, 'NEW')).toEqual(['steady', 0, 0, 0, 0, 0])
  })

  it('that was lost is restored when it is newer, with the policy as far as that was lost too', async () => {
    await lua().call('policy', 'WAIT', 5000)
    expect(await layout('RESTORE', 2, 'LAYOUT', '2:4:4:0', 'WAIT', 7000, 'MAXSIZE', 3)).toEqual(['draining', 2, 4, 4, 0, 2])
    expect((await lua().call('policy')).slice(0, 6)).toEqual(['wait', 5000, 'maxWait', 60_000, 'maxSize', 3])
    for (const generation of [1, 2]) {
      expect(await layout('RESTORE', generation, 'LAYOUT', '8:0:0:0', 'MAXSIZE', 9)).toEqual(['draining', 2, 4, 4, 0, 2])
    }
    await layout('SETTLE', 4)
    expect(await layout('PREPARE', 1)).toEqual(['preparing', 2, 4, 1, 6, 2])
    expect(await layout('RESTORE', 3, 'LAYOUT', '1:6:2:4')).toEqual(['draining', 1, 6, 2, 4, 3])
    expect((await lua().call('policy')).slice(4, 6)).toEqual(['maxSize', 3])
  })
})

describeBindings('partition', (lua) => {
  const partition = (n: number, ...args: (string | number)[]) => lua().callWith('partition', [part(n)], ...args)

  it('is opened once, with a policy, and retired once and for all', async () => {
    expect(await partition(3)).toEqual(['unused', 0, 0, 0])
    expect(await lua().keyspace()).toEqual({})
    expect(await partition(3, 'OPEN', 'WAIT', 5000, 'MAXSIZE', 3)).toEqual(['open', 0, 0, 0])
    expect(await partition(3, 'OPEN', 'WAIT', 6000)).toEqual(['open', 0, 0, 0])
    const policy = await lua().callWith('policy', [part(3)])
    expect(policy.slice(0, 6)).toEqual(['wait', 5000, 'maxWait', 60_000, 'maxSize', 3])
    expect(await partition(3, 'RETIRE')).toEqual(['retired', 0, 0, 0])
    expect(await partition(3, 'OPEN')).toEqual(['retired', 0, 0, 0])
  })

  it('tells what is left: keys with messages, and remembered ids', async () => {
    await lua().call('add', 'ann', 'x', 'NEXT', 'bob', 'x', 'FLUSH')
    await lua().claimOne()
    expect(await lua().call('partition')).toEqual(['open', 2, 0, 0])
    await lua().call('add', 'ann', 'x', 'ID', '1')
    const [state, keys, remembers] = await lua().call('partition', 'RETIRE')
    expect([state, keys]).toEqual(['retired', 2])
    expect(remembers).toBe(lua().now + 7_200_000)
  })

  it('counts the keys of the indexes that are none of another type', async () => {
    await lua().call('add', 'ann', 'x', 'NEXT', 'bob', 'x', 'FLUSH', 'NEXT', 'cyd', 'x', 'FLUSH')
    await lua().claim()
    for (const [index, left] of [
      ['due', 2],
      ['active', 0],
    ] as const) {
      await lua().redis.del(`${lua().root}:${index}`)
      await lua().redis.set(`${lua().root}:${index}`, 'mine')
      expect((await lua().call('partition'))[1]).toBe(left)
    }
  })

  it('tells until when the last id is remembered that may be', async () => {
    await lua().call('add', 'ann', 'x', 'ID', '1', 'FLUSH')
    await lua().tick(7_199_999)
    expect(await lua().call('partition')).toEqual(['open', 1, START + 7_200_000, 0])
    await lua().tick(1)
    expect(await lua().call('partition')).toEqual(['open', 1, 0, 0])
    expect(await lua().call('partition', 'DEDUPE', 3_600_001)).toEqual(['open', 1, START + 7_200_002, 0])
  })

  it('that is retired takes messages of keys that have some there, knows duplicates, and refuses all others', async () => {
    await lua().call('add', 'ann', '1', 'ID', 'a')
    await lua().call('repartition', 'PREPARE', 4)
    await lua().call('partition', 'RETIRE', 'GENERATION', 1, 'LAYOUT', '4:0:0:0')
    await lua().call('repartition', 'COMMIT', 0)
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
    expect((await lua().claim('DRAIN', 'WORKER', 'w')).next).toBe(lua().now + 1000)
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

  it('goes by the newest generation that it was told, and is opened and retired by no older one', async () => {
    const told = (generation: number, layout: string) => ['GENERATION', generation, 'LAYOUT', layout]
    expect(await partition(4, 'OPEN', ...told(2, '2:4:4:0'))).toEqual(['open', 0, 0, 2])
    for (const generation of [1, 2]) expect(await partition(4, 'RETIRE', ...told(generation, '4:0:0:0'))).toEqual(['open', 0, 0, 2])
    expect(await partition(4, 'RETIRE', ...told(3, '1:6:2:4'))).toEqual(['retired', 0, 0, 3])
    expect(await partition(4, 'RETIRE', ...told(2, '2:4:4:0'))).toEqual(['retired', 0, 0, 3])
    expect((await lua().callWith('layout', [part(4)])).slice(0, 8)).toEqual(['draining', 1, 6, 2, 4, 3, 'retired', 3])
    expect(await partition(4, 'OPEN', ...told(4, '2:4:1:6'))).toEqual(['retired', 0, 0, 3])
    expect(await partition(4, 'RETIRE', ...told(5, '2:9:1:8'))).toEqual(['retired', 0, 0, 5])
    // One that was opened by hand learns of its change.
    await partition(9, 'OPEN', 'WAIT', 5000)
    expect(await partition(9, 'OPEN', ...told(5, '2:9:1:8'), 'WAIT', 6000)).toEqual(['open', 0, 0, 5])
    expect((await lua().callWith('policy', [part(9)])).slice(0, 2)).toEqual(['wait', 5000])
    expect(await partition(9, 'RETIRE')).toEqual(['retired', 0, 0, 5])
  })

  it('refuses callers that go by another generation, whoever is behind, and nobody else', async () => {
    await partition(0, 'OPEN', 'GENERATION', 2, 'LAYOUT', '1:0:0:0')
    const call = (name: 'add' | 'claim_ready' | 'forward' | 'requeue', ...args: (string | number)[]) =>
      lua().callWith(name, [part(0)], ...args)
    for (const generation of [1, 3]) {
      const says = `goes by generation 2 of the partitions and the caller by ${generation}`
      for (const [name, ...args] of [
        ['add', 'ann', 'x'],
        ['add', 'ann', 'x', 'ID', '1'],
        ['add', 'ann', 'x', 'FLUSH', 'NEXT', 'bob', 'y'],
        ['claim_ready', 'DRAIN'],
        ['forward', 'batches', 'DRAIN'],
        ['requeue', '1-1-0', '1-2-0'],
      ] as const) {
        await lua().refusesWith('REPARTITIONED', says, name, [part(0)], ...args, 'GENERATION', generation)
      }
    }
    for (const generation of [['GENERATION', 2], []]) {
      expect(await call('add', 'ann', 'x', ...generation)).toMatchObject(['added', {}])
      expect(await call('claim_ready', ...generation)).toHaveLength(2)
      expect(await call('forward', 'batches', ...generation)).toHaveLength(4)
      expect(await call('requeue', '1-1-0', ...generation)).toEqual(['unknown'])
    }
    await partition(0, 'RETIRE', 'GENERATION', 3, 'LAYOUT', '1:1:1:0')
    expect(await call('add', 'ann', 'x', 'GENERATION', 3)).toEqual(['added', 3])
    await lua().refusesWith('REPARTITIONED', 'does not serve', 'add', [part(0)], 'bob', 'x', 'GENERATION', 3)
    await lua().refusesWith('REPARTITIONED', 'does not serve', 'requeue', [part(0)], '1-1-0', 'GENERATION', 3)
    await lua().refusesWith('BAD_ARGUMENT', 'GENERATION must be an integer', 'requeue', [part(0)], '1-1-0', 'GENERATION', 'x')
    await lua().refusesWith('MISSING_ARGUMENT', 'expected the id of a dead batch', 'requeue', [part(0)], 'GENERATION', 3)
  })

  it('takes the word GENERATION for what it is where a key, data or an id stands', async () => {
    expect(await lua().call('add', 'GENERATION', '1')).toEqual(['added', 1])
    expect(await lua().call('add', 'k', 'GENERATION')).toEqual(['added', 1])
    expect(await lua().call('add', 'k', 'GENERATION', 'FLUSH', 'NEXT', 'GENERATION', '1')).toEqual(['added', 2, 'added', 2])
    expect(await lua().call('add', 'k', '2', 'ID', 'NEXT', 'GENERATION', 1).catch(String)).toContain('goes by generation 0')
    expect(await lua().call('add', 'k', '2', 'ID', 'GENERATION')).toEqual(['added', 3])
  })

  it('wakes all workers when it is retired', async () => {
    const subscriber = lua().redis.duplicate()
    const heard: string[] = []
    subscriber.on('message', (_, message) => heard.push(message))
    await subscriber.subscribe(`${lua().root}:wake`)
    await lua().call('partition', 'RETIRE')
    await lua().call('partition', 'RETIRE')
    await lua().call('partition', 'RETIRE', 'GENERATION', 2, 'LAYOUT', '4:4:4:0')
    await subscriber.unsubscribe()
    subscriber.disconnect()
    expect(heard).toEqual(['0'])
  })

  it('wakes nobody when it is opened, but when it is retired unused, and keeps no policy then', async () => {
    const heard = lua().redis.duplicate()
    await heard.subscribe(`${lua().root}:wake`)
    const messages: string[] = []
    heard.on('message', (_, message) => messages.push(message))
    await partition(3, 'OPEN')
    await partition(4, 'RETIRE', 'WAIT', 5)
    await heard.unsubscribe()
    heard.disconnect()
    expect([messages, await lua().redis.hgetall(part(4))]).toEqual([['0 4'], { settings: 'retired=0' }])
  })

  it('that is open is opened by no older change', async () => {
    for (const [generation, since] of [
      [2, 2],
      [1, 2],
      [3, 3],
    ] as const)
      expect(await partition(4, 'OPEN', 'GENERATION', generation, 'LAYOUT', '2:4:4:0')).toEqual(['open', 0, 0, since])
  })

  it('refuses a call that names another generation with any of its messages', async () => {
    await partition(0, 'OPEN', 'GENERATION', 2, 'LAYOUT', '1:0:0:0')
    await lua().refusesWith('REPARTITIONED', 'generation 2', 'add', [part(0)], 'k', 'x', 'GENERATION', 1, 'NEXT', 'k', 'y', 'FLUSH')
  })

  it('that has messages again which it had given out shares their conversation, until it has none left', async () => {
    const add = (n: number, data: string, generation = 2) =>
      lua().callWith('add', [part(n)], 'ann', data, 'ID', data, 'FLUSH', 'GENERATION', generation)
    const claim = async (n: number, ...args: string[]) => {
      const [, , batch] = await lua().callWith('claim_ready', [part(n)], ...args, 'GENERATION', 2)
      return { complete: () => lua().callWith('complete', [part(n)], 'ann', batch[1]), data: batch[5].map((each: string) => each.at(-1)) }
    }
    const told = ['GENERATION', 2, 'LAYOUT', '1:1:1:0']
    await partition(0, 'OPEN', 'GENERATION', 1, 'LAYOUT', '1:0:0:0')
    await add(0, 'a', 1)
    const earlier = await keep(lua().redis, part(0))
    await partition(1, 'OPEN', ...told)
    await partition(0, 'RETIRE', ...told)
    await (await claim(0, 'DRAIN')).complete()
    await expect(add(0, 'b')).rejects.toThrow('does not serve new messages')
    // On its way to the next partition when the server is replaced.
    await restore(lua().redis, part(0), earlier)
    await expect(add(0, 'x')).rejects.toThrow('goes by generation 1')
    await partition(0, 'RETIRE', ...told)
    expect([await add(1, 'b'), await add(0, 'c')]).toEqual([
      ['added', 1],
      ['added', 2],
    ])
    const both = [await claim(0, 'DRAIN'), await claim(1)]
    expect(both.map(({ data }) => data)).toEqual([['a'], ['b']])
    await both[0]?.complete()
    const last = await claim(0, 'DRAIN')
    expect([last.data, await last.complete()]).toEqual([['c'], ['completed']])
    await expect(add(0, 'd')).rejects.toThrow('does not serve new messages')
    expect(await add(1, 'd')).toEqual(['added', 2])
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
    ['BAD_ARGUMENT', 'expected GENERATION and LAYOUT together, got LAYOUT alone', ['OPEN', 'LAYOUT', '4:0:0:0']],
    ['BAD_ARGUMENT', 'expected GENERATION and LAYOUT together, got GENERATION alone', ['OPEN', 'GENERATION', '1']],
    ['BAD_ARGUMENT', 'LAYOUT must be <partitions>', ['OPEN', 'GENERATION', '1', 'LAYOUT', '4:0:0:x']],
    ['BAD_ARGUMENT', 'GENERATION must be an integer from 1', ['OPEN', 'GENERATION', '0', 'LAYOUT', '4:0:0:0']],
    ['BAD_POLICY', 'maxWait must not be shorter than wait', ['OPEN', 'WAIT', '5000', 'MAXWAIT', '1']],
    ['BAD_POLICY', 'WAIT must be an integer', ['OPEN', 'WAIT', '0']],
    ['UNKNOWN_ARGUMENT', 'OPEN, RETIRE, WAIT', ['CLOSE']],
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
