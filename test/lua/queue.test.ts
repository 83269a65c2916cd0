import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { describeBindings, START } from '../support/lua.ts'
import { LUA } from '../support/source.ts'
import { NO_RIGHT, userWithout } from './users.ts'

const LARGE = 'x'.repeat(5000)

describeBindings('what the root says of the queue', (get) => {
  const lua = () => get()
  const part = (name: string) => `${lua().root}:${name}`
  const due = async (key: string) => Number(await lua().redis.zscore(part('due'), key))
  /** Whether options of ann's first message are heeded: the second one lets her wait for less. */
  const heedsOptions = async () => {
    await lua().call('add', 'ann', '2')
    expect(await due('ann')).toBe(START + 10_000)
  }

  it.each([
    [4095, '8192'],
    [4096, '8192'],
    [2_097_152, '2097152'],
    [2_097_153, '8192'],
  ])('no message is larger than %d: a larger one makes it %s', async (largest, becomes) => {
    await lua().set({ largest })
    await lua().call('add', 'ann', LARGE)
    expect((await lua().settings()).largest).toBe(becomes)
  })

  it.each(['2', '-1', 'x', ''])('goes by no `options` that nobody writes: %j', async (options) => {
    await lua().call('add', 'ann', '1', 'WAIT', 20_000)
    await lua().set({ options })
    await heedsOptions()
  })

  it('finds out again whether there are options where that was lost', async () => {
    await lua().call('add', 'ann', '1', 'WAIT', 20_000)
    await lua().set({ options: null })
    await lua().call('add', 'bob', '1')
    expect(await lua().settings()).toEqual({ options: '1' })
    await heedsOptions()
  })

  it('says that there are options as long as there are, and that there are none at a look which finds nothing to do', async () => {
    await lua().call('add', 'ann', '1', 'WAIT', 20_000)
    expect((await lua().claim()).batches).toEqual([])
    expect((await lua().settings()).options).toBe('1')
    await heedsOptions()
    await lua().tick(10_000)
    await lua().call('complete', 'ann', (await lua().claimOne()).token)
    await lua().claim()
    expect(await lua().settings()).toEqual({ options: '0' })
  })

  it('is looked at all the same by who may not ask whether there are any', async () => {
    await lua().call('add', 'ann', '1', 'WAIT', 20_000)
    const poor = await userWithout(lua(), 'scard')
    expect(await poor.call('claim_ready')).toEqual([START, START + 20_000])
  })

  it('goes by what the same call has noted', async () => {
    await lua().call('add', 'bob', '1', 'NEXT', 'ann', '1', 'WAIT', 20_000, 'NEXT', 'ann', '2')
    expect(await due('ann')).toBe(START + 10_000)
    expect(await lua().call('add', 'cyd', LARGE, 'ID', 'm')).toEqual(['added', 1])
    expect(await lua().settings()).toEqual({ largest: '8192', slice: `${START}`, sliceEnds: `${START + 7_200_000}`, options: '1' })
  })

  it('forgets a slice that began at the first moment of all', async () => {
    await lua().set({ slice: 0 })
    await lua().redis.sadd(part('seen:0000000000000'), 'x')
    await lua().call('add', 'ann', 'x', 'ID', 'm')
    expect(await lua().redis.exists(part('seen:0000000000000'))).toBe(0)
  })

  describe.each([
    ['a new queue', []],
    ['a queue without options', ['bob', 'x']],
    ['one with some', ['bob', 'x', 'WAIT', 5]],
  ])('of %s', (_, first) => {
    it.each(['sadd', 'zadd'])('stays as it was when a message with options is refused: %s', async (command) => {
      if (first.length > 0) await lua().call('add', ...first)
      const before = await lua().keyspace()
      await expect((await userWithout(lua(), command)).call('add', 'ann', 'x', 'WAIT', 5)).rejects.toThrow(NO_RIGHT)
      expect(await lua().keyspace()).toEqual(before)
    })
  })

  it.each([[[]], [['bob', 'x']]])(
    'is not known to have options when that cannot be noted, and none are taken: behind %j',
    async (first) => {
      if (first.length > 0) await lua().call('add', ...first)
      const before = await lua().keyspace()
      await expect((await userWithout(lua(), 'hset')).call('add', 'ann', 'x', 'WAIT', 5)).rejects.toThrow(NO_RIGHT)
      expect(await lua().keyspace()).toEqual(before)
    },
  )

  it('keeps no half of a message when what it has noted cannot be taken back', async () => {
    await expect((await userWithout(lua(), 'sadd', 'hdel')).call('add', 'ann', 'x', 'WAIT', 5)).rejects.toThrow(NO_RIGHT)
    expect(await lua().redis.exists(part('messages:ann'))).toBe(0)
  })
})

describeBindings('what is kept by its text', (get) => {
  it('is so much and no more: what is too much begins anew', async () => {
    await get().call('layout')
    const texts = readFileSync(join(LUA, 'lib/texts.lua'), 'utf8')
    const script = `${texts}
      local memory, found = { kept = {}, count = 0, most = 2 }, {}
      for n = 1, 5 do
        remember(memory, 'text ' .. n, n)
        for kept = 1, n do found[#found + 1] = memory.kept['text ' .. kept] and kept or nil end
        found[#found + 1] = '|'
      end
      return table.concat(found, ' ')`
    expect(await get().redis.eval(script, 0)).toBe('1 | 1 2 | 3 | 3 4 | 5 |')
  })
})
