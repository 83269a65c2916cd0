import { expect, it } from 'vitest'
import { LIMITS } from '../../src/redis/generated/limits.ts'
import { eventsOf } from '../support/events.ts'
import { describeBindings, partsLeft, START } from '../support/lua.ts'
import { NO_RIGHT, userWithout } from './users.ts'

type Args = (string | number)[]

describeBindings('edits and withdrawals', (lua) => {
  const list = (key = 'ann') => lua().redis.lrange(`${lua().root}:messages:${key}`, 0, -1)
  const add = (...args: Args) => lua().call('add', ...args)
  /** Messages of ann, a second apart: m1, m2 and so on. */
  const say = async (count: number, ...options: Args) => {
    for (let n = 1; n <= count; n += 1) {
      if (n > 1) await lua().tick(1000)
      await add('ann', `${n}`, 'ID', `m${n}`, ...options)
    }
  }
  const said = async () => (await lua().claimOne()).messages.map(({ id, data }) => `${id}=${data}`)

  it('replace what is open: place, time, id and options stay', async () => {
    await add('ann', 'at 17', 'ID', 'm1', 'WAIT', 5000, 'MAXSIZE', 9)
    await lua().tick(10)
    await add('ann', 'thanks', 'ID', 'm2')
    await lua().tick(10)
    expect(await add('ann', 'at 18, please', 'ID', 'e1', 'EDITS', 'm1')).toEqual(['replaced', 2])
    expect(await add('ann', '', 'ID', 'e2', 'EDITS', 'm2')).toEqual(['replaced', 2])
    expect(await list()).toEqual([`${START} 2,W5000,S9 m1at 18, please`, `${START + 10} 2 m2`])
    expect(await lua().stats()).toMatchObject({ added: 2, messages: 2, duplicates: 0 })
    await lua().holds()
  })

  it('count once, however often the call is made, and leave the id of the message known', async () => {
    await say(1)
    expect(await add('ann', 'x', 'ID', 'e1', 'EDITS', 'm1')).toEqual(['replaced', 1])
    expect(await add('ann', 'y', 'ID', 'e1', 'EDITS', 'm1', 'NEXT', 'ann', 'z', 'ID', 'm1')).toEqual(['duplicate', 1, 'duplicate', 1])
    expect(await list()).toEqual([`${START} 2 m1x`])
    expect(await add('ann', 'gone', 'ID', 'w1', 'WITHDRAWS', 'm1')).toEqual(['withdrawn', 0])
    expect(await add('ann', 'gone', 'ID', 'w1', 'WITHDRAWS', 'm1', 'NEXT', 'ann', 'z', 'ID', 'm1')).toEqual([
      ...['duplicate', 0],
      ...['duplicate', 0],
    ])
    await lua().holds()
  })

  it('need no id of their own', async () => {
    await say(1)
    expect(await add('ann', 'x', 'EDITS', 'm1')).toEqual(['replaced', 1])
    expect(await add('ann', 'y', 'edits', 'm1')).toEqual(['replaced', 1])
    expect(await add('ann', '', 'withdraws', 'm1')).toEqual(['withdrawn', 0])
    expect(await lua().redis.keys('*:seen:*')).toHaveLength(1)
  })

  it('are messages of their own when what they change is with a worker, was handed over, or was never there', async () => {
    await say(2, 'FLUSH')
    const { token, messages } = await lua().claimOne()
    expect(messages.map(({ id }) => id)).toEqual(['m1'])
    expect(await add('ann', 'x', 'ID', 'e1', 'EDITS', 'm1')).toEqual(['added', 3])
    expect(await add('ann', 'y', 'ID', 'e2', 'EDITS', 'm2')).toEqual(['replaced', 3])
    expect(await add('ann', 'z', 'ID', 'w1', 'WITHDRAWS', 'm1', 'WAIT', 7)).toEqual(['added', 4])
    expect(await add('bob', 'z', 'ID', 'w1', 'WITHDRAWS', 'm1')).toEqual(['added', 1])
    // It pauses before its next attempt, with the same messages.
    await lua().call('fail', 'ann', token)
    expect(await add('ann', 'x', 'ID', 'e3', 'EDITS', 'm1')).toEqual(['added', 5])
    expect((await list()).map((each) => each.slice(14))).toEqual(['2,F m11', '2,F m2y', '2 e1x', '2,W7 w1z', '2 e3x'])
    await lua().holds()
  })

  it('take away what is behind the batch of a worker, and leave the batch', async () => {
    await say(3, 'FLUSH')
    const { token } = await lua().claimOne()
    expect(await add('ann', '', 'ID', 'w3', 'WITHDRAWS', 'm3')).toEqual(['withdrawn', 2])
    expect(await add('ann', '', 'ID', 'w2', 'WITHDRAWS', 'm2')).toEqual(['withdrawn', 1])
    expect(await add('ann', '', 'ID', 'w1', 'WITHDRAWS', 'm1')).toEqual(['added', 2])
    await lua().holds()
    expect(await lua().call('complete', 'ann', token)).toEqual(['completed'])
    await lua().tick(10_000)
    expect(await said()).toEqual(['w1='])
  })

  it('find the newest message of an id', async () => {
    await lua().call('policy', 'DEDUPE', 1)
    for (const data of ['old', 'new']) {
      await add('ann', data, 'ID', 'm1')
      await lua().tick(10)
    }
    expect(await add('ann', 'x', 'ID', 'e1', 'EDITS', 'm1')).toEqual(['replaced', 2])
    expect((await list()).map((each) => each.slice(14))).toEqual(['2 m1old', '2 m1x'])
    expect(await add('ann', 'x', 'ID', 'w1', 'WITHDRAWS', 'm1')).toEqual(['withdrawn', 1])
    expect((await list()).map((each) => each.slice(14))).toEqual(['2 m1old'])
  })

  it('take away the message that was found, and not one that reads the same', async () => {
    // Brought from another partition twice, it is there twice.
    for (const name of ['a', 'b']) await add('ann', 'x', 'ID', 'm1', 'REQUEUED', `${START}:${name}`)
    await add('ann', 'y', 'ID', 'm2')
    expect(await add('ann', '', 'WITHDRAWS', 'm1')).toEqual(['withdrawn', 2])
    expect(await list()).toEqual([`${START} 2 m1x`, `${START} 2 m2y`])
  })

  it('do not move the deadline when a message is edited', async () => {
    await say(2)
    await lua().tick(8999)
    const due = await lua().redis.zscore(`${lua().root}:due`, 'ann')
    expect(await add('ann', 'x', 'ID', 'e1', 'EDITS', 'm2')).toEqual(['replaced', 2])
    // Nor is the key looked at without need.
    expect(await lua().redis.zscore(`${lua().root}:due`, 'ann')).toBe(due)
    await lua().tick(1)
    expect(await lua().claim()).toMatchObject({ batches: [], next: START + 11_000 })
    await lua().tick(1000)
    expect(await said()).toEqual(['m1=1', 'm2=x'])
  })

  it('leave the deadline that there is without the message that is taken away', async () => {
    await say(3)
    await lua().tick(8000)
    // The key is known to be due when the third message says.
    expect(await lua().claim()).toMatchObject({ batches: [], next: START + 12_000 })
    expect(await add('ann', '', 'ID', 'w3', 'WITHDRAWS', 'm3')).toEqual(['withdrawn', 2])
    await lua().holds()
    expect(await lua().claim()).toMatchObject({ batches: [], next: START + 11_000 })
    expect(await add('ann', '', 'ID', 'w2', 'WITHDRAWS', 'm2')).toEqual(['withdrawn', 1])
    // That has passed.
    const { reason, deadline, due, messages } = await lua().claimOne()
    expect([reason, deadline, due, messages.length]).toEqual(['wait', START + 10_000, START + 10_000, 1])
    await lua().holds()
  })

  it('count maxWait from what is the first message then', async () => {
    await lua().call('policy', 'MAXWAIT', 10_500)
    await say(3)
    expect(await add('ann', '', 'ID', 'w1', 'WITHDRAWS', 'm1')).toEqual(['withdrawn', 2])
    await lua().tick(8500)
    expect(await lua().claim()).toMatchObject({ batches: [], next: START + 11_500 })
    await lua().tick(1000)
    expect((await lua().claimOne()).reason).toBe('maxWait')
  })

  it('open a batch again that a message had filled, or closed, which is gone', async () => {
    await lua().call('policy', 'MAXSIZE', 2)
    await say(2)
    expect(await add('ann', '', 'WITHDRAWS', 'm1')).toEqual(['withdrawn', 1])
    expect(await lua().claim()).toMatchObject({ batches: [], next: START + 11_000 })
    await add('bob', '1', 'ID', 'b1', 'NEXT', 'bob', '2', 'ID', 'b2', 'FLUSH')
    expect(await add('bob', '', 'WITHDRAWS', 'b2')).toEqual(['withdrawn', 1])
    expect((await lua().claim()).batches).toEqual([])
    await lua().holds()
  })

  it('leave nothing of a key whose only message is taken away, and make room for others', async () => {
    await lua().call('policy', 'MAXKEYS', 1)
    await say(1, 'WAIT', 500)
    await expect(add('bob', 'x')).rejects.toThrow('BACKLOG_FULL')
    expect(await add('ann', '', 'ID', 'w1', 'WITHDRAWS', 'm1')).toEqual(['withdrawn', 0])
    expect((await partsLeft(lua())).filter((part) => !part.includes(':seen:'))).toEqual([lua().root])
    expect(await add('bob', 'x')).toEqual(['added', 1])
    expect(await lua().stats()).toMatchObject({ added: 2, messages: 1, collecting: 1 })
    expect(await lua().redis.hget(lua().root, 'droppedMessages')).toBe('1')
    await lua().holds()
  })

  it('are bound by no maxBacklog, but by maxMessageBytes', async () => {
    await lua().call('policy', 'MAXSIZE', 1, 'MAXBACKLOG', 1, 'MAXMESSAGEBYTES', 5)
    await say(1)
    await lua().refuses('MESSAGE_TOO_LARGE', 'got 6', 'add', 'ann', '123456', 'EDITS', 'm1')
    expect(await add('ann', '12345', 'ID', 'e1', 'EDITS', 'm1')).toEqual(['replaced', 1])
    // As a message of its own it is bound, and its id is not remembered then.
    await expect(add('ann', 'x', 'ID', 'e2', 'EDITS', 'none')).rejects.toThrow('BACKLOG_FULL')
    expect(await add('ann', 'x', 'ID', 'e2', 'EDITS', 'm1')).toEqual(['replaced', 1])
  })

  it('are in batches of maxBatchBytes, with the bytes that they have now', async () => {
    await lua().call('policy', 'MAXBATCHBYTES', 80)
    await say(3)
    expect(await add('ann', 'x'.repeat(50), 'EDITS', 'm2')).toEqual(['replaced', 3])
    await lua().tick(60_000)
    expect(await said()).toEqual(['m1=1'])
  })

  it('let a key be looked at whose options close its batch earlier with fewer bytes', async () => {
    await lua().call('policy', 'MAXBATCHBYTES', 60)
    await add('ann', 'x'.repeat(40), 'ID', 'm1', 'NEXT', 'ann', '2', 'ID', 'm2', 'FLUSH', 'NEXT', 'ann', '3', 'ID', 'm3')
    // What the flush closes does not fit into a batch.
    expect(await lua().claim()).toMatchObject({ batches: [], next: START + 10_000 })
    expect(await add('ann', '1', 'EDITS', 'm1')).toEqual(['replaced', 3])
    await lua().holds()
    expect(await said()).toEqual(['m1=1', 'm2=2'])
  })

  it('wake the worker when a batch is due before it would look', async () => {
    await say(2)
    await lua().call('claim_ready', 'WORKER', 'w1')
    const heard: string[] = []
    const subscriber = lua().redis.duplicate()
    await subscriber.subscribe(`${lua().root}:wake:w1`)
    subscriber.on('message', (_, said) => heard.push(said))
    await add('ann', 'x', 'EDITS', 'm1')
    await add('ann', 'x', 'WITHDRAWS', 'm2')
    await subscriber.ping()
    subscriber.disconnect()
    expect(heard).toEqual([`${lua().now}`])
  })

  it('are in the order of their call', async () => {
    const reply = await add(
      ...['ann', '1', 'ID', 'm1', 'NEXT', 'ann', '2', 'ID', 'e1', 'EDITS', 'm1', 'NEXT', 'ann', '3', 'ID', 'e1', 'EDITS', 'm1'],
      ...['NEXT', 'bob', '1', 'ID', 'm1', 'NEXT', 'ann', '', 'ID', 'w1', 'WITHDRAWS', 'm1'],
    )
    expect(reply).toEqual(['added', 1, 'replaced', 1, 'duplicate', 1, 'added', 1, 'withdrawn', 0])
    expect(await add('ann', '4', 'EDITS', 'm1')).toEqual(['added', 1])
    expect(await list('bob')).toEqual([`${START} 2 m11`])
    await lua().holds()
  })

  it('look among so many of the newest messages, and so many bytes, and not further', async () => {
    const many = Array.from({ length: LIMITS.sought + 1 }, (_, n) => ['NEXT', 'ann', `${n}`, 'ID', `m${n}`]).flat()
    await lua().addAll(...many.slice(1))
    expect(await add('ann', 'x', 'EDITS', 'm0')).toEqual(['added', LIMITS.sought + 2])
    expect(await add('ann', 'x', 'EDITS', 'm2')).toEqual(['replaced', LIMITS.sought + 2])
    expect((await list())[2]).toBe(`${START} 2 m2x`)
    // Two of them have as much as that, with their headers, and none may be sought behind.
    const half = 'x'.repeat(LIMITS.soughtBytes / 2 - `${START} 2 b0`.length)
    for (const id of ['b0', 'b1', 'b2', 'b3']) await add('bob', half, 'ID', id)
    expect(await add('bob', half.slice(1), 'EDITS', 'b1')).toEqual(['added', 5])
    await lua().redis.rpop(`${lua().root}:messages:bob`)
    expect(await add('bob', half.slice(1), 'EDITS', 'b2')).toEqual(['replaced', 4])
    expect(await add('bob', half, 'EDITS', 'b1')).toEqual(['replaced', 4])
    expect(await add('bob', half, 'ID', 'b4')).toEqual(['added', 5])
    expect(await add('bob', 'x', 'EDITS', 'b3')).toEqual(['replaced', 5])
    expect(await add('bob', 'x', 'EDITS', 'b2')).toEqual(['replaced', 5])
    // All that one call looks for, together.
    await add('bob', half, 'ID', 'b5')
    const looks = ['bob', 'x', 'EDITS', 'b0', 'NEXT', 'ann', 'x', 'EDITS', 'm100']
    expect(await add(...looks)).toEqual(['added', 7, 'added', LIMITS.sought + 3])
  })

  it('are found beside what somebody has pushed by hand', async () => {
    await say(1)
    await lua().redis.rpush(`${lua().root}:messages:ann`, 'junk m1', `${START} 9 m1`, '')
    expect(await add('ann', 'x', 'EDITS', 'm1')).toEqual(['replaced', 4])
    expect((await list())[0]).toBe(`${START} 2 m1x`)
  })

  it('go to a retired root while the key has messages there', async () => {
    await say(2)
    await lua().call('repartition', 'PREPARE', 2)
    await lua().call('partition', 'RETIRE')
    expect(await add('ann', 'x', 'EDITS', 'm1')).toEqual(['replaced', 2])
    expect(await add('ann', '', 'WITHDRAWS', 'm2')).toEqual(['withdrawn', 1])
    expect(await add('ann', 'x', 'ID', 'e1', 'EDITS', 'none')).toEqual(['added', 2])
    await lua().refuses('REPARTITIONED', '', 'add', 'bob', 'x', 'ID', 'e1', 'EDITS', 'm1')
  })

  it('are told as events of the message that they change', async () => {
    await lua().call('policy', 'EVENTS', 1000)
    await say(2)
    await add('ann', 'x', 'ID', 'e1', 'EDITS', 'm1', 'NEXT', 'ann', 'x', 'ID', 'e2', 'EDITS', 'm2', 'NEXT', 'ann', '', 'WITHDRAWS', 'm1')
    const entries = await lua().redis.xrange(`${lua().root}:events`, '-', '+')
    expect(entries.slice(2).map(([, flat]) => eventsOf(flat))).toEqual([
      [
        { event: 'replaced', key: 'ann', fields: {}, ids: ['m1', 'm2'] },
        { event: 'withdrawn', key: 'ann', fields: {}, ids: ['m1'] },
      ],
    ])
  })

  it('begin a slice of ids as any message does', async () => {
    await say(1)
    await lua().tick(3_600_000)
    await add('ann', 'x', 'ID', 'e1', 'EDITS', 'm1')
    expect((await lua().settings()).slice).toBe(`${lua().now}`)
    expect(await add('ann', 'x', 'ID', 'e1', 'EDITS', 'm1')).toEqual(['duplicate', 1])
  })

  it.each([
    ['BAD_ID', 'must name an id of 1 to 512 bytes, got 0', ['EDITS', '']],
    ['BAD_ID', 'must name an id of 1 to 512 bytes, got 0', ['WITHDRAWS', '']],
    ['BAD_ID', 'EDITS must have at most 512 bytes, got 513', ['EDITS', 'x'.repeat(513)]],
    ['BAD_ID', 'WITHDRAWS must have at most 512 bytes, got 513', ['WITHDRAWS', 'x'.repeat(513)]],
    ['BAD_ID', 'an id must have 1 to 512 bytes, got 0', ['ID', '', 'EDITS', 'm1']],
    ['BAD_ARGUMENT', 'another message, got its own ID', ['ID', 'm1', 'EDITS', 'm1']],
    ['BAD_ARGUMENT', 'another message, got its own ID', ['WITHDRAWS', 'm1', 'ID', 'm1']],
    ['BAD_ARGUMENT', 'exclude each other', ['EDITS', 'm1', 'WITHDRAWS', 'm2']],
    ['BAD_ARGUMENT', 'exclude each other', ['EDITS', 'm1', 'REQUEUED', '1:x']],
    ['BAD_ARGUMENT', 'exclude each other', ['WITHDRAWS', 'm1', 'REQUEUED', '1:x']],
    ['MISSING_ARGUMENT', 'EDITS must be followed by a value', ['EDITS']],
  ] as const)('are refused: %s %s', async (code, says, args) => {
    await say(1)
    await lua().refuses(code, says, 'add', 'ann', 'x', ...args)
    if (code !== 'MISSING_ARGUMENT')
      expect((await add('bob', 'x', 'NEXT', 'ann', 'x', ...args))[2]).toMatchObject({ message: expect.stringContaining(code) })
  })

  it('are refused, with an id or without, where nobody can tell what a worker has', async () => {
    await say(1)
    await lua().redis.set(`${lua().root}:claims`, 'theirs')
    await lua().refuses('WRONG_TYPE', 'expected a hash', 'add', 'ann', 'x', 'EDITS', 'm1')
    const both = await add('bob', 'x', 'NEXT', 'ann', 'x', 'EDITS', 'm1', 'NEXT', 'ann', 'x', 'ID', 'e1', 'WITHDRAWS', 'm1')
    const refused = expect.objectContaining({ message: expect.stringContaining('WRONG_TYPE') })
    expect(both).toEqual(['added', 1, refused, 0, refused, 0])
    await lua().redis.del(`${lua().root}:claims`)
    expect(await add('ann', 'x', 'ID', 'e1', 'WITHDRAWS', 'm1')).toEqual(['withdrawn', 0])
  })

  it('are refused where the list of the key is of another type', async () => {
    await lua().redis.set(`${lua().root}:messages:ann`, 'theirs')
    await lua().refuses('WRONG_TYPE', 'expected a list', 'add', 'ann', 'x', 'EDITS', 'm1')
  })

  it('find a message that is larger than what one call reads to find it', async () => {
    await lua().call('policy', 'MAXMESSAGEBYTES', 2 * LIMITS.soughtBytes)
    await add('ann', '1', 'ID', 'm1')
    await add('ann', 'x'.repeat(LIMITS.soughtBytes + 1), 'ID', 'm2')
    expect(await add('ann', 'y', 'EDITS', 'm2')).toEqual(['replaced', 2])
    expect(await add('ann', 'z', 'EDITS', 'm1')).toEqual(['replaced', 2])
  })

  it.each(['lrange', 'sismember', 'lset'])('are refused, and change nothing, for a user who lacks the right to %s', async (command) => {
    await say(2)
    // Messages may have options.
    await add('bob', 'x', 'WAIT', 500)
    const user = await userWithout(lua(), command)
    const before = await list()
    await expect(user.call('add', 'ann', 'x', 'ID', 'e1', 'EDITS', 'm1')).rejects.toThrow(NO_RIGHT)
    expect(await list()).toEqual(before)
    expect(await add('ann', 'x', 'ID', 'e1', 'EDITS', 'm1')).toEqual(['replaced', 2])
  })

  it('weigh more than other messages', async () => {
    const edits = (count: number) =>
      Array.from({ length: count }, (_, n) => ['NEXT', 'ann', `${n}`, 'EDITS', 'none'])
        .flat()
        .slice(1)
    const most = Math.floor(LIMITS.added / (LIMITS.changeWork + 5))
    expect(await add(...edits(most))).toHaveLength(2 * most)
    await lua().refuses('BAD_ARGUMENT', 'must weigh at most', 'add', ...edits(most + 1))
  })
})
