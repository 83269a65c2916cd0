import { expect, it } from 'vitest'
import { describeBindings, START } from '../support/lua.ts'
import { bury } from './dead-batches.ts'
import { wakesOf } from './watchers.ts'

describeBindings('check and repair', (lua) => {
  it('tell the watcher of a key that is put back into due', async () => {
    await lua().call('add', 'ann', '"Hi"')
    await lua().redis.zrem(`${lua().root}:due`, 'ann')
    await lua().tick(9500)
    await lua().call('claim_ready', 'WORKER', 'w1')
    const wakes = await wakesOf(lua())
    try {
      expect(await lua().call('repair', 'messages:ann')).toEqual(['added to due'])
      expect(await wakes.heard()).toEqual([`w1 ${START + 10_000}`])
    } finally {
      wakes.close()
    }
    await lua().holds()
  })

  it('leave the time at which a batch died', async () => {
    const id = await bury(lua(), 'ann', 1)
    await lua().tick(5000)
    expect(await lua().call('repair', `dead:${id}`)).toEqual([''])
    expect(await lua().redis.zscore(`${lua().root}:dead`, id)).toBe(String(START))
  })

  it('remember ids for twice dedupe that would have been remembered for ever', async () => {
    await lua().call('add', 'ann', 'x', 'ID', 'm1')
    await lua().redis.persist(`${lua().root}:seen:${START}`)
    await lua().tick(1000)
    expect(await lua().call('repair', `seen:${START}`)).toEqual(['expires'])
    expect(await lua().redis.pexpiretime(`${lua().root}:seen:${START}`)).toBe(START + 7_201_000)
  })

  it('see a gap in a dead batch also when its count says nothing of it', async () => {
    const id = await bury(lua(), 'ann', 1, 2, 3)
    await lua().redis.hdel(`${lua().root}:dead:${id}`, '2')
    await lua().redis.hset(`${lua().root}:dead:${id}`, 'count', 2)
    const incomplete = ['dead-complete', 'message 2 of a dead batch is missing', 1]
    expect(await lua().call('check', `dead:${id}`)).toEqual([['ann', String(START), 2, incomplete]])
    expect(await lua().call('repair', `dead:${id}`)).toEqual([''])
    expect(await lua().call('check', `dead:${id}`)).toEqual([['ann', String(START), 2]])
  })

  it('mend over maxmemory', async () => {
    await lua().call('add', 'ann', 'x')
    await lua().redis.zrem(`${lua().root}:due`, 'ann')
    await lua().redis.config('SET', 'maxmemory', '1')
    try {
      expect(await lua().call('repair', 'messages:ann')).toEqual(['added to due'])
    } finally {
      await lua().redis.config('SET', 'maxmemory', '0')
    }
    await lua().holds()
  })
})
