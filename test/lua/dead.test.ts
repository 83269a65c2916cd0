import { describe, expect, it } from 'vitest'
import { brokenLaws } from '../support/laws.ts'
import { describeBindings } from '../support/lua.ts'
import { bury, texts } from './dead-batches.ts'

describeBindings('dead', (lua) => {
  it('lists nothing while nothing is dead', async () => {
    await lua().call('add', 'ann', 1)
    expect(await lua().call('dead')).toEqual([])
    expect(await lua().call('dead', 'ID', '2000000000000-1')).toEqual([])
  })

  it('lists the oldest first, without their messages', async () => {
    const died = []
    for (const key of ['zoe', 'ann', 'mia']) {
      died.push({ id: await bury(lua(), key, 1, 2), key, at: lua().now })
      await lua().tick(1000)
    }
    expect(await lua().call('dead')).toEqual(died.map(({ id, key, at }) => [id, key, at, 1, 'flush', at, 'failed', `no ${key}`, 2, []]))
    expect((await lua().call('dead', 'LIMIT', 1, 'OFFSET', 1)).map((batch: unknown[]) => batch[1])).toEqual(['ann'])
    expect(await lua().call('dead', 'OFFSET', 3)).toEqual([])
  })

  it('shows one with its messages, oldest first', async () => {
    const data = Array.from({ length: 10 }, (_, n) => `${n}`)
    const id = await bury(lua(), 'ann', ...data)
    await bury(lua(), 'bob', 1)
    const shown = await lua().call('dead', 'ID', id)
    expect(shown).toHaveLength(1)
    expect(texts(shown[0][9])).toEqual(data)
  })

  it('lists what is left of one that was damaged, and nothing that is in no index', async () => {
    await lua().redis.zadd(`${lua().root}:dead`, 5, '1-1')
    expect(await lua().call('dead')).toEqual([['1-1', '', 5, 0, '', 0, '', '', 0, []]])
    await lua().redis.hset(`${lua().root}:dead:1-1`, 'key', 'ann', '2', 'b', '1', 'a')
    await lua().redis.hset(`${lua().root}:dead:1-2`, 'key', 'ann', '1', 'a')
    expect(await lua().call('dead', 'ID', '1-1')).toEqual([['1-1', 'ann', 5, 0, '', 0, '', '', 0, ['a', 'b']]])
    expect(await lua().call('dead', 'ID', '1-2')).toEqual([])
  })

  it('lists the others beside one in whose place somebody has put something else', async () => {
    const [one, two] = [await bury(lua(), 'ann', 1), await bury(lua(), 'bob', 2)]
    await lua().redis.set(`${lua().root}:dead:${one}`, 'x')
    const [foreign, ours] = await lua().call('dead')
    expect(foreign).toEqual([one, '', expect.any(Number), 0, '', 0, '', '', 0, []])
    expect(ours.slice(0, 2)).toEqual([two, 'bob'])
    expect(await lua().call('dead', 'ID', one)).toEqual([foreign])
  })

  it('shows what is there of a batch with a gap, and looks for one only where fields are left over', async () => {
    const id = await bury(lua(), 'ann', 1, 2, 3)
    const shown = async () => texts((await lua().call('dead', 'ID', id))[0][9])
    await lua().redis.config('RESETSTAT')
    expect(await shown()).toEqual(['1', '2', '3'])
    expect(await lua().redis.info('commandstats')).not.toMatch(/cmdstat_hkeys:/)
    await lua().redis.hdel(`${lua().root}:dead:${id}`, '2')
    expect(await shown()).toEqual(['1', '3'])
  })

  it.each([
    [2000, ['1', '3']],
    [2001, []],
  ])('takes no messages from what has more fields than a batch may have: of %d', async (fields, held) => {
    const id = await bury(lua(), 'ann', 1, 2, 3)
    const dead = `${lua().root}:dead:${id}`
    await lua().redis.hdel(dead, '2')
    await lua().redis.hset(dead, ...Array.from({ length: fields - 10 }, (_, n) => [`other${n}`, '']).flat())
    expect(texts((await lua().call('dead', 'ID', id))[0][9])).toEqual(held)
    const laws = (await lua().call('check', `dead:${id}`))[0].slice(3).map(([law]: [string]) => law)
    expect(laws).toEqual(held.length > 0 ? ['dead-complete'] : ['dead-has-messages'])
  })

  it('lists fifty of them, and as many as LIMIT says from OFFSET on', async () => {
    await lua().redis.zadd(`${lua().root}:dead`, ...Array.from({ length: 120 }, (_, n) => [n, `1-${n}`]).flat())
    const listed = async (...args: (string | number)[]) => (await lua().call('dead', ...args)).map(([id]: string[]) => id)
    const ids = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => `1-${from + n}`)
    expect(await listed()).toEqual(ids(0, 50))
    expect(await listed('OFFSET', 110)).toEqual(ids(110, 120))
    expect(await listed('OFFSET', 1, 'LIMIT', 3)).toEqual(ids(1, 4))
  })

  it('keeps why the last attempt failed, and how many there were', async () => {
    await lua().call('add', 'ann', 1, 'FLUSH')
    for (let attempt = 1; attempt <= 3; attempt += 1) {
      const [, , batch] = await lua().call('claim_ready')
      expect(batch[1]).toMatch(new RegExp(`:${attempt}$`))
      const status = await lua().call('fail', 'ann', batch[1], 'ATTEMPTS', 3, 'DELAY', 0, 'ERROR', `failure ${attempt}`)
      expect(status).toBe(attempt < 3 ? 'retry' : 'dead')
    }
    expect(await lua().call('dead')).toMatchObject([
      [expect.any(String), 'ann', lua().now, 3, 'flush', lua().now, 'failed', 'failure 3', 1, []],
    ])
  })

  it('names the lease when it ran out in the last attempt, and opens what is behind', async () => {
    await lua().call('add', 'ann', 1, 'FLUSH')
    await lua().call('claim_ready', 'ATTEMPTS', 2)
    await lua().call('add', 'ann', 2, 'FLUSH')
    await lua().tick(30_000)
    expect((await lua().call('claim_ready', 'ATTEMPTS', 2))[2][1]).toMatch(/:2$/)
    await lua().tick(30_000)
    const [, , behind] = await lua().call('claim_ready', 'ATTEMPTS', 2)
    expect(texts(behind[5])).toEqual(['2'])
    expect((await lua().call('dead'))[0].slice(1, 9)).toEqual([
      'ann',
      lua().now,
      2,
      'flush',
      lua().now - 60_000,
      'lease',
      'the lease of attempt 2 ran out',
      1,
    ])
    expect(await brokenLaws(lua().redis, lua().root)).toEqual([])
  })

  it('keeps maxDead of them, and tries the others again instead of losing them', async () => {
    await lua().call('policy', 'MAXDEAD', 1)
    await bury(lua(), 'ann', 1)
    await lua().call('add', 'bob', 2, 'FLUSH')
    const [, , batch] = await lua().call('claim_ready')
    expect(await lua().call('fail', 'bob', batch[1], 'ATTEMPTS', 1, 'DELAY', 0)).toBe('retry')
    const [, , again] = await lua().call('claim_ready', 'ATTEMPTS', 1)
    expect(again[1]).toBe(batch[1].replace(/1$/, '2'))
    await lua().tick(30_000)
    expect((await lua().call('claim_ready', 'ATTEMPTS', 1))[2][1]).toBe(batch[1].replace(/1$/, '3'))
    expect(await lua().call('dead')).toHaveLength(1)
    expect(await brokenLaws(lua().redis, lua().root)).toEqual([])
  })

  describe('that are older than maxDeadAge', () => {
    const dead = async () => (await lua().call('dead')).map(([, key]: [string, string]) => key)

    it.each(['claim_ready', 'forward'] as const)('go with a call of %s, and others stay', async (name) => {
      await bury(lua(), 'ann', 1, 2)
      await lua().tick(1000)
      await bury(lua(), 'bob', 3)
      await lua().call('policy', 'MAXDEADAGE', 5000)
      const look = () => lua().call(name, ...(name === 'forward' ? ['batches'] : []))
      await lua().tick(3999)
      await look()
      expect(await dead()).toEqual(['ann', 'bob'])
      await lua().tick(1)
      await look()
      expect(await dead()).toEqual(['bob'])
      expect(await lua().redis.hmget(lua().root, 'deadMessages', 'droppedMessages')).toEqual(['1', '2'])
      expect(await lua().redis.keys('*:dead:*')).toHaveLength(1)
      await lua().call('policy', 'MAXDEADAGE', 0)
      await lua().tick(1_000_000)
      await look()
      expect(await dead()).toEqual(['bob'])
      await lua().call('policy', 'MAXDEADAGE', 1)
      await look()
      expect(await dead()).toEqual([])
      await lua().holds()
    })

    it('go ten at a time, the oldest first', async () => {
      for (let n = 1; n <= 12; n += 1) {
        await bury(lua(), `k${n}`, n)
        await lua().tick(1)
      }
      await lua().call('policy', 'MAXDEADAGE', 1)
      await lua().call('claim_ready')
      expect(await dead()).toEqual(['k11', 'k12'])
      await lua().call('claim_ready')
      expect(await dead()).toEqual([])
      await lua().holds()
    })

    it('make room for others in the same call', async () => {
      await lua().call('policy', 'MAXDEAD', 1, 'MAXDEADAGE', 1000)
      await bury(lua(), 'ann', 1)
      await lua().call('add', 'bob', 2, 'FLUSH')
      await lua().claimOne('LEASE', 1000)
      await lua().tick(1000)
      expect((await lua().claim('ATTEMPTS', 1)).batches).toEqual([])
      expect(await dead()).toEqual(['bob'])
    })
  })

  it.each([[['LIMIT', 0]], [['LIMIT', 51]], [['OFFSET', -1]], [['ID', 'x'.repeat(65)]], [['ID']], [['KEY', 'ann']]])(
    'refuses %j',
    async (args) => {
      await expect(lua().call('dead', ...args)).rejects.toThrow(/^RAPIDFIRE_(BAD|MISSING|UNKNOWN)_ARGUMENT/)
    },
  )
})
