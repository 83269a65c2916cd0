import { Redis } from 'ioredis'
import { expect, it } from 'vitest'
import { urlOf } from '../support/acl.ts'
import { describeBindings, expiryOf, Lua } from '../support/lua.ts'
import { useWatch } from './watchers.ts'

describeBindings('present', (lua) => {
  const { listen } = useWatch(lua)
  const present = (worker: string, ...more: (string | number)[]) => lua().call('present', worker, ...more)
  const known = () => lua().redis.zrange(`${lua().root}:watch:present`, '0', '-1')

  it('is told once of each other that hears nothing any more', async () => {
    await listen('w1', 'w2', 'w3')
    for (const worker of ['w1', 'w2', 'w3']) expect(await present(worker)).toEqual([worker])
    expect(await known()).toEqual(['w1', 'w2', 'w3'])
    await listen('w1', 'w3')
    expect(await present('w3')).toEqual(['w2'])
    expect(await present('w1')).toEqual([])
    expect(await known()).toEqual(['w1', 'w3'])
  })

  it('is told of one that has not said so for twice its rest', async () => {
    await listen('w1', 'w2')
    await present('w1', 'REST', 500)
    await present('~w3', 'REST', 500)
    await present('w2', 'REST', 500)
    await lua().tick(999)
    expect(await present('w2')).toEqual([])
    await lua().tick(1)
    expect(await present('w2')).toEqual(['w1', '~w3'])
    expect(await present('w2')).toEqual([])
    expect(await lua().redis.zscore(`${lua().root}:watch:present`, 'w2')).toBe(`${lua().now + 2000}`)
    expect(await expiryOf(lua().redis, `${lua().root}:watch:present`)).toBe(lua().now + 3000)
  })

  it('is not known while it hears nothing itself, unless that cannot be told', async () => {
    await listen('w2')
    expect(await present('w1')).toEqual([])
    expect(await present('~w1')).toEqual(['~w1'])
    expect(await known()).toEqual(['~w1'])
    expect(await present('w2')).toEqual(['w2'])
  })

  it('is told of itself when it was not known, as when Redis has lost all that it knew', async () => {
    await listen('w1', 'w2')
    expect(await present('w1')).toEqual(['w1'])
    expect(await present('w1')).toEqual([])
    await lua().redis.del(`${lua().root}:watch:present`)
    await present('w2')
    expect(await present('w1')).toEqual(['w1'])
    await listen('w1')
    await lua().redis.zrem(`${lua().root}:watch:present`, 'w1')
    expect(await present('w1')).toEqual(['w2', 'w1'])
  })

  it('is known no more when it leaves', async () => {
    await listen('w1')
    await present('w1')
    expect(await lua().call('leave', 'w1')).toBe('idle')
    expect(await known()).toEqual([])
  })

  it('asks after a bounded number of others, those whose word is the oldest', async () => {
    await listen('w')
    for (let n = 0; n < 25; n += 1) {
      await lua().redis.zadd(`${lua().root}:watch:present`, `${lua().now + 100 + n}`, `w${`${n}`.padStart(2, '0')}`)
    }
    expect(await present('w')).toEqual([...Array.from({ length: 10 }, (_, n) => `w0${n}`), 'w'])
    expect(await present('w')).toHaveLength(10)
    expect(await present('w')).toHaveLength(5)
  })

  it('goes by time alone when it may not ask who hears', async () => {
    await listen('other')
    await lua().redis.call('ACL', 'SETUSER', 'mute', 'on', 'nopass', '+@all', '-pubsub', '~*', '&*')
    const redis = new Redis(urlOf(lua().server.url, 'mute', 'none'))
    try {
      const mute = new Lua({ ...lua().server, redis }, lua().mode)
      for (const worker of ['w1', 'w2']) expect(await mute.call('present', worker)).toEqual([worker])
      await lua().tick(1999)
      expect(await mute.call('present', 'w2')).toEqual([])
      await lua().tick(1)
      expect(await mute.call('present', 'w2')).toEqual(['w1'])
    } finally {
      redis.disconnect()
      await lua().redis.call('ACL', 'DELUSER', 'mute')
    }
  })

  it.each<[string[], string]>([
    [[], 'MISSING_ARGUMENT'],
    [[''], 'BAD_ARGUMENT'],
    [['w1', 'REST', '0'], 'BAD_ARGUMENT'],
    [['w1', 'FOR', '5'], 'UNKNOWN_ARGUMENT'],
  ])('is refused with %j', async (args, code) => {
    await listen()
    await expect(lua().call('present', ...args)).rejects.toThrow(`RAPIDFIRE_${code} `)
  })

  it('is refused when something else stands where the workers are known', async () => {
    await listen()
    await lua().redis.set(`${lua().root}:watch:present`, 'mine')
    await expect(present('w1')).rejects.toThrow('RAPIDFIRE_WRONG_TYPE ')
    expect(await lua().call('leave', 'w1')).toBe('idle')
  })

  it('is of a worker with a name of 1 to 64 bytes', async () => {
    await listen('w', 'w'.repeat(64))
    for (const worker of ['w', 'w'.repeat(64)]) expect(await lua().call('present', worker)).toEqual([worker])
    for (const worker of ['', 'w'.repeat(65)])
      await lua().refuses('BAD_ARGUMENT', `the name of a worker must have 1 to 64 bytes, got ${worker.length}`, 'present', worker)
    await lua().refuses('MISSING_ARGUMENT', 'expected the name of a worker', 'present')
  })
})
