import { expect, it } from 'vitest'
import { describeBindings, START } from '../support/lua.ts'

const FIGURES = [
  ...['now', 'collecting', 'ready', 'active', 'queued', 'dead', 'messages', 'died', 'added', 'duplicates', 'batches'],
  ...['closedBy:wait', 'closedBy:maxWait', 'closedBy:size', 'closedBy:flush', 'closedBy:bytes'],
  ...['completed', 'completedMessages', 'failed', 'redelivered', 'latenessSum', 'latenessMax'],
  ...['lateness:1', 'lateness:2', 'lateness:5', 'lateness:10', 'lateness:20', 'lateness:50', 'lateness:100', 'lateness:200'],
  ...['lateness:500', 'lateness:1000', 'lateness:5000', 'lateness:more'],
]

describeBindings('stats', (lua) => {
  /** All figures that are not 0. */
  const figures = async () =>
    Object.fromEntries(Object.entries(await lua().stats()).filter(([name, value]) => name !== 'now' && value !== 0))

  it('has all figures of an empty queue, and writes nothing', async () => {
    expect(await lua().stats()).toEqual({ ...Object.fromEntries(FIGURES.map((name) => [name, 0])), now: START })
    expect(await lua().keyspace()).toEqual({})
  })

  it('tells how many events are kept, with one command more, and only while the policy keeps some', async () => {
    const commands = async () => {
      await lua().redis.config('RESETSTAT')
      const figures = await lua().stats()
      const calls = [...(await lua().redis.info('commandstats')).matchAll(/^cmdstat_(?!config|info)\S+?:calls=(\d+)/gm)]
      return [figures.events, calls.reduce((sum, [, count]) => sum + Number(count), 0)] as const
    }
    const [none, before] = await commands()
    expect(none).toBeUndefined()
    await lua().call('policy', 'EVENTS', 100)
    expect(await commands()).toEqual([0, before + 1])
    await lua().call('add', 'ann', 'x', 'NEXT', 'bob', 'x')
    await lua().call('add', 'ann', 'x')
    expect(await lua().stats()).toMatchObject({ events: 2 })
    await lua().redis.set(`${lua().root}:events`, 'mine')
    expect(await lua().stats()).not.toHaveProperty('events')
  })

  it('is exact after each step', async () => {
    await lua().call(
      'add',
      'ann',
      '1',
      'ID',
      'm1',
      'NEXT',
      'ann',
      '2',
      'NEXT',
      'ann',
      '2',
      'ID',
      'm1',
      'NEXT',
      'bob',
      '1',
      'NEXT',
      'carl',
      '1',
    )
    expect(await figures()).toEqual({ collecting: 3, messages: 4, added: 4, duplicates: 1 })
    await lua().call('add', 'carl', '2', 'FLUSH')
    expect(await figures()).toEqual({ collecting: 2, ready: 1, messages: 5, added: 5, duplicates: 1 })
    await lua().tick(10_003)
    const added = { added: 5, duplicates: 1 }
    expect(await figures()).toEqual({ ready: 3, messages: 5, ...added })

    const tokens = new Map((await lua().claim('LEASE', 5000)).batches.map(({ key, token }) => [key, token]))
    const token = (key: string) => tokens.get(key) as string
    const claimed = {
      ...{ batches: 3, 'closedBy:wait': 2, 'closedBy:flush': 1, latenessSum: 3 + 3 + 10_003, latenessMax: 10_003 },
      ...{ 'lateness:5': 2, 'lateness:more': 1 },
    }
    expect(await figures()).toEqual({ active: 3, messages: 5, ...added, ...claimed })
    await lua().call('add', 'ann', '3', 'NEXT', 'ann', '4', 'NEXT', 'bob', '2')
    expect(await figures()).toEqual({ active: 3, queued: 3, messages: 8, ...added, added: 8, ...claimed })

    await lua().call('complete', 'ann', token('ann'))
    await lua().call('fail', 'bob', token('bob'), 'DELAY', 4000)
    const left = { ...claimed, added: 8, duplicates: 1, completed: 1, completedMessages: 2, failed: 1 }
    expect(await figures()).toEqual({ active: 2, queued: 1, collecting: 1, messages: 6, ...left })

    await lua().tick(5000)
    expect((await lua().claim('ATTEMPTS', 1)).batches.map(({ key }) => key)).toEqual(['bob'])
    expect(await figures()).toEqual({
      ...{ active: 1, queued: 1, collecting: 1, messages: 4, ...left },
      ...{ redelivered: 1, dead: 1, died: 1 },
    })
    await lua().holds()
  })

  it('counts a refused message nowhere', async () => {
    await lua().call('add', 'ann', 'x', 'WAIT', '0', 'NEXT', 'bob', 'x')
    expect(await figures()).toEqual({ collecting: 1, messages: 1, added: 1 })
  })

  it('looks at a hundred active keys for what is queued, and takes as much for the others', async () => {
    const keys = Array.from({ length: 150 }, (_, n) => `key${1000 + n}`)
    await lua().addAll(...keys.flatMap((key) => ['NEXT', key, 'x', 'FLUSH']).slice(1))
    await lua().claimAll('LIMIT', 1000)
    await lua().addAll(
      ...keys
        .slice(0, 75)
        .flatMap((key) => ['NEXT', key, 'behind', 'NEXT', key, 'it'])
        .slice(1),
    )
    const queued = async () => (await figures()).queued
    // The hundred begin with another key each ms: there are 51 with which they can.
    const first = START % 51
    expect(await queued()).toBe(((75 - first) * 2 * 150) / 100)
    await lua().tick(50 - first)
    expect(await queued()).toBe((25 * 2 * 150) / 100)
    await lua().tick(1)
    expect(await queued()).toBe((75 * 2 * 150) / 100)
  })

  it('counts all messages as waiting behind nothing where a claim cannot be read, and fewer than none nowhere', async () => {
    await lua().call('add', 'ann', '1', 'NEXT', 'ann', '2', 'FLUSH', 'NEXT', 'ann', '3')
    const { token } = await lua().claimOne()
    expect(await figures()).toMatchObject({ active: 1, queued: 1 })
    await lua().redis.hset(`${lua().root}:claims`, 'ann', 'mine')
    expect(await figures()).toMatchObject({ active: 1, queued: 3 })
    await lua().redis.hset(`${lua().root}:claims`, 'ann', `${token}:1:0:9:1:wait:1`)
    expect(Object.keys(await figures())).not.toContain('queued')
    await lua().redis.del(`${lua().root}:messages:ann`)
    await lua().redis.set(`${lua().root}:messages:ann`, 'mine')
    expect(await figures()).toMatchObject({ active: 1, messages: 3 })
  })

  it('refuses arguments', async () => {
    await lua().refuses('UNKNOWN_ARGUMENT', "expected no more arguments; got 'all'", 'stats', 'all')
  })
})
