import { Redis } from 'ioredis'
import { describe, expect, it, onTestFinished } from 'vitest'
import { urlOf } from '../support/acl.ts'
import { brokenLaws } from '../support/laws.ts'
import { describeBindings, Lua, START } from '../support/lua.ts'
import { texts } from './dead-batches.ts'
import { NO_RIGHT } from './users.ts'

/** The commands that each call makes, where cutting it off there leaves something half-done. */
const CUTS = {
  claim_ready: ['hset', 'zadd', 'zrem', 'hincrby', 'zrange'],
  complete: ['hdel', 'llen', 'ltrim', 'lrange', 'zadd', 'unlink', 'zrem', 'hincrby'],
  fail: ['hset', 'zadd', 'hincrby'],
  'fail with KEEP': ['lpush', 'hset', 'ltrim', 'zadd', 'hincrby'],
  'fail for the last time': ['hset', 'zadd', 'hincrby', 'hdel', 'ltrim', 'zrem', 'lrange'],
  release: ['hset', 'zadd'],
  forward: ['hset', 'zadd', 'zrem', 'xadd', 'hdel', 'ltrim', 'unlink', 'hincrby', 'zrange'],
} as const

describeBindings('a call that is cut off by a missing right', (get) => {
  let number = 0
  /** A user who may do all but one command. */
  async function without(command: string): Promise<{ lua: Lua; allow: () => Promise<unknown> }> {
    const name = `cut${(number += 1)}`
    await get().redis.call('ACL', 'SETUSER', name, 'on', 'nopass', '+@all', `-${command}`, '~*', '&*')
    const redis = new Redis(urlOf(get().server.url, name, 'none'))
    onTestFinished(async () => {
      redis.disconnect()
      await get().redis.call('ACL', 'DELUSER', name)
    })
    const lua = new Lua({ ...get().server, redis }, get().mode)
    return { lua, allow: () => get().redis.call('ACL', 'SETUSER', name, '+@all') }
  }

  /** Hands everything out until nothing is left, and returns the messages by key, those of dead batches and of the stream included. */
  async function drained(): Promise<Record<string, string[]>> {
    const lua = get()
    const found: Record<string, string[]> = {}
    const note = (key: string, data: string[]) => (found[key] = [...(found[key] ?? []), ...data])
    for (const [, flat] of await lua.redis.xrange(`${lua.root}:stream:batches`, '-', '+')) {
      note(
        flat[3] as string,
        flat.flatMap((name, n) => (n % 2 === 0 && name.startsWith('data:') ? [flat[n + 1] as string] : [])),
      )
    }
    for (const [id, key] of await lua.call('dead')) note(key, texts((await lua.call('dead', 'ID', id))[0][9]))
    for (let round = 0; round < 6; round += 1) {
      await lua.tick(100_000)
      for (const { key, token, messages } of (await lua.claim()).batches) {
        note(
          key,
          messages.map(({ data }) => data),
        )
        expect(await lua.call('complete', key, token)).toEqual(['completed'])
      }
    }
    const parts = Object.keys(await lua.keyspace()).map((key) => key.slice(lua.root.length + 1).split(':')[0] as string)
    expect(parts.filter((part) => !['', 'dead', 'stream', 'streams', 'calls'].includes(part))).toEqual([])
    return found
  }

  const cases = Object.entries(CUTS).flatMap(([call, commands]) =>
    commands.flatMap((command) => [1, 2].map((nonce) => [call as keyof typeof CUTS, command, nonce === 1] as const)),
  )

  it.each(cases)('loses nothing and leaves nothing stuck: %s without %s, with a nonce %s', async (call, command, nonce) => {
    const lua = get()
    await lua.call('add', 'ann', '1', 'NEXT', 'ann', '2', 'NEXT', 'ann', '3', 'FLUSH')
    await lua.call('add', 'bob', '1', 'FLUSH')
    const name = call.split(' ')[0] as 'claim_ready' | 'complete' | 'fail' | 'release' | 'forward'
    const pairs: string[] = []
    if (name !== 'claim_ready' && name !== 'forward') {
      for (const { key, token } of (await lua.claim()).batches) pairs.push(key, token)
      await lua.call('add', 'ann', '4', 'FLUSH')
    }
    const more = call === 'fail with KEEP' ? ['KEEP', '2,3'] : call === 'fail for the last time' ? ['ATTEMPTS', 1] : []
    const pair = nonce ? ['NONCE', 'me/1'] : []
    const args = {
      claim_ready: pair,
      complete: [...pair, ...pairs],
      fail: [...pairs.slice(0, 2), ...more, ...pair],
      release: [...pairs.slice(0, 2), ...pair],
      forward: ['batches', ...pair],
    }[name]
    const { lua: cut, allow } = await without(command)
    await cut.call(name, ...args).catch((error: Error) => expect(error.message).toMatch(NO_RIGHT))
    await allow()
    // What it says now may be another thing than it would have said, but what it says is true.
    const reply = await cut.call(name, ...args)
    if (name === 'claim_ready')
      for (const [key, token] of reply.slice(2)) expect((await lua.call('extend', 1000, key, token))[0]).toBe('extended')
    const found = await drained()
    const expected = name === 'claim_ready' || name === 'forward' ? ['1', '2', '3'] : ['1', '2', '3', '4']
    // What was completed is gone, and what was not comes at least once.
    const done = name === 'complete' ? ['4'] : call === 'fail with KEEP' ? ['2', '3', '4'] : expected
    expect([...new Set(found.ann)].sort()).toEqual(expect.arrayContaining(done))
    if (name !== 'complete') expect(found.bob?.length).toBeGreaterThan(0)
    const broken = await brokenLaws(lua.redis, lua.root)
    expect(broken.filter((law) => !/^(counters|dead-counter): /.test(law))).toEqual([])
  })

  it('needs no more than the next look to be in order', async () => {
    const lua = get()
    await lua.call('add', 'ann', '1', 'FLUSH')
    const { lua: cut, allow } = await without('zrem')
    await expect(cut.call('claim_ready')).rejects.toThrow()
    expect(await brokenLaws(lua.redis, lua.root)).toEqual([expect.stringMatching(/^one-index: /)])
    await allow()
    expect(await cut.call('claim_ready')).toEqual([START, START + 30_000])
    await lua.holds()
  })

  it.each(['hset', 'lpush', 'ltrim', 'zadd'])('keeps each message that failed, wherever it stood: without %s', async (command) => {
    const lua = get()
    await lua.call('add', 'ann', '1', 'NEXT', 'ann', '2', 'NEXT', 'ann', '3', 'NEXT', 'ann', '4', 'FLUSH')
    const { token } = await lua.claimOne()
    const { lua: cut, allow } = await without(command)
    await expect(cut.call('fail', 'ann', token, 'KEEP', '1,3')).rejects.toThrow()
    await allow()
    expect(await cut.call('fail', 'ann', token, 'KEEP', '1,3')).toBe('retry')
    expect(texts(await lua.redis.lrange(`${lua.root}:messages:ann`, 0, -1))).toEqual(expect.arrayContaining(['1', '3']))
  })

  it('gives no two batches the same id', async () => {
    const lua = get()
    await lua.call('add', 'ann', '1', 'FLUSH', 'NEXT', 'bob', '1', 'FLUSH')
    const { lua: cut, allow } = await without('zrem')
    await expect(cut.call('claim_ready', 'LIMIT', 1)).rejects.toThrow()
    await allow()
    await lua.call('claim_ready')
    const claims = await lua.redis.hvals(`${lua.root}:claims`)
    expect(new Set(claims.map((claim) => claim.split(':')[0])).size).toBe(2)
  })

  it.each(['complete', 'fail'] as const)('says nothing is done that is not: %s without ltrim', async (call) => {
    const lua = get()
    await lua.call('add', 'ann', '1', 'FLUSH')
    const { token } = await lua.claimOne()
    await lua.call('add', 'ann', '2', 'FLUSH')
    const { lua: cut } = await without('ltrim')
    await expect(cut.call(call, 'ann', token, ...(call === 'fail' ? ['ATTEMPTS', 1] : []))).rejects.toThrow()
  })

  describe('what is left in both indexes without a claim', () => {
    it('is ready when its time has come', async () => {
      const lua = get()
      await lua.call('add', 'ann', '1', 'FLUSH')
      await lua.redis.zadd(`${lua.root}:active`, START + 30_000, 'ann')
      expect((await lua.claimOne()).messages).toHaveLength(1)
      await lua.holds()
    })

    it('waits until its time has come', async () => {
      const lua = get()
      await lua.call('add', 'ann', '1')
      await lua.redis.zadd(`${lua.root}:active`, START + 30_000, 'ann')
      await lua.redis.zadd(`${lua.root}:due`, START, 'ann')
      expect((await lua.claim()).batches).toEqual([])
      await lua.holds()
      await lua.tick(10_000)
      expect((await lua.claimOne()).messages).toHaveLength(1)
    })
  })
})
