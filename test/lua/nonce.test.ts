import { describe, expect, it } from 'vitest'
import { describeBindings, type Lua, partsLeft, START } from '../support/lua.ts'

describeBindings('calls with a NONCE', (get) => {
  const lua = () => get()
  const add = (...keys: string[]) => lua().call('add', ...keys.flatMap((key, n) => [...(n ? ['NEXT'] : []), key, 'x', 'FLUSH']))
  const record = (key: string) => lua().redis.hget(`${lua().root}:claims`, key)

  describe('claim_ready', () => {
    it('returns the same batches when it is repeated, under a lease that begins anew', async () => {
      await add('ann', 'bob')
      const first = await lua().claim('NONCE', 'w1/1', 'LEASE', 1000)
      expect(first.batches.map(({ key }) => key)).toEqual(['ann', 'bob'])
      await lua().tick(900)
      await add('cyd')
      const again = await lua().claim('NONCE', 'w1/1', 'LEASE', 1000)
      expect(again.batches).toEqual(first.batches)
      expect(await lua().redis.zscore(`${lua().root}:active`, 'ann')).toBe(`${START + 1900}`)
      expect((await lua().claim('NONCE', 'w1/2')).batches.map(({ key }) => key)).toEqual(['cyd'])
      await lua().holds()
    })

    it('returns those again that it still holds', async () => {
      await add('done', 'failed', 'given', 'gone', 'held')
      const { batches } = await lua().claim('NONCE', 'w1/1')
      const token = (key: string) => batches.find((each) => each.key === key)?.token as string
      await lua().call('complete', 'done', token('done'))
      await lua().call('fail', 'failed', token('failed'))
      await lua().call('release', 'given', token('given'))
      await lua().redis.zadd(`${lua().root}:active`, lua().now, 'gone')
      await lua().claim('LIMIT', 1)
      expect((await lua().claim('NONCE', 'w1/1')).batches.map(({ key }) => key)).toContain('held')
      expect((await lua().claim('NONCE', 'w1/1')).batches.map(({ key }) => key)).not.toContain('done')
      for (const { key, token } of (await lua().claim('NONCE', 'w1/1')).batches) expect(await record(key)).toMatch(new RegExp(`^${token}:`))
      await lua().holds()
    })

    it('says when to look next when it is repeated: also when a lease of another ends', async () => {
      await add('ann')
      await lua().claim('LEASE', 3000)
      await add('bob')
      await lua().claim('NONCE', 'w1/1', 'LEASE', 5000)
      const again = await lua().claim('NONCE', 'w1/1', 'LEASE', 5000)
      expect(again.next).toBe(START + 3000)
      await lua().call('complete', 'bob', again.batches[0]?.token as string)
      expect(await lua().call('claim_ready', 'NONCE', 'w1/1')).toEqual([START, START + 3000])
    })

    it('does nothing for a number that was passed', async () => {
      await add('ann')
      await lua().claim('NONCE', 'w1/2')
      await add('bob')
      const before = await lua().keyspace()
      expect(await lua().call('claim_ready', 'NONCE', 'w1/1')).toEqual([START, 0])
      expect(await lua().call('claim_ready', 'NONCE', 'w1/1', 'DEAD')).toEqual([START, 0, []])
      expect(await lua().keyspace()).toEqual(before)
    })

    it('keeps nothing when there was nothing, and runs again then', async () => {
      expect(await lua().call('claim_ready', 'NONCE', 'w1/1')).toEqual([START, 0])
      expect(await lua().keyspace()).toEqual({})
      await add('ann')
      expect((await lua().claim('NONCE', 'w1/1')).batches).toHaveLength(1)
    })

    it('keeps its reply for the lease and a minute', async () => {
      await add('ann')
      await lua().claim('NONCE', 'w1/1', 'LEASE', 5000)
      const left = await lua().redis.pttl(`${lua().root}:calls:w1`)
      expect(left).toBeGreaterThan(64_000)
      expect(left).toBeLessThanOrEqual(65_000)
    })

    it('goes without when its user may not keep it', async () => {
      await add('ann')
      await lua().redis.call('ACL', 'SETUSER', 'default', '-set')
      try {
        expect((await lua().claim('NONCE', 'w1/1')).batches).toHaveLength(1)
        expect(await partsLeft(lua())).toEqual(Object.keys(await lua().keyspace()))
      } finally {
        await lua().redis.call('ACL', 'SETUSER', 'default', '+set')
      }
    })
  })

  describe('a claim', () => {
    /** Claims ann with a nonce until it is dead, acknowledging as told; attempt and lost of each claim. */
    async function counted(acknowledge: (lua: Lua, token: string, n: number) => Promise<unknown>, claims: number) {
      const found: string[] = []
      for (let n = 1; n <= claims; n += 1) {
        const { batches } = await lua().claim('NONCE', `w1/${n}`, 'LEASE', 1000, 'ATTEMPTS', 2)
        const [ann] = batches.filter(({ key }) => key === 'ann')
        if (!ann) break
        found.push(((await record('ann')) as string).split(':').slice(1, 4).join(':'))
        expect(ann.attempt).toBe(Number(found.at(-1)?.split(':')[1]))
        await acknowledge(lua(), ann.token, n)
        await lua().tick(1000)
      }
      return found
    }

    it('that nobody acknowledges uses up no attempt, and is given up after many', async () => {
      await add('ann')
      // The name is another one each time: a process that dies.
      const found: string[] = []
      for (let n = 1; n <= 9; n += 1) {
        const { batches } = await lua().claim('NONCE', `w${n}/1`, 'LEASE', 1000, 'ATTEMPTS', 2)
        if (batches[0]) found.push(((await record('ann')) as string).split(':').slice(1, 4).join(':'))
        await lua().tick(1000)
      }
      expect(found).toEqual(['1:1:0', '2:1:1', '3:1:2', '4:1:3', '5:1:4', '6:1:5', '7:1:6', '8:1:7'])
      expect((await lua().call('dead')).map((batch: unknown[]) => [batch[1], batch[3], batch[6], batch[7]])).toEqual([
        ['ann', 1, 'unacknowledged', 'nobody has said that a claim of it arrived, 8 times'],
      ])
      await lua().holds()
    })

    it('is not acknowledged by the same call, made again when its reply is kept no more', async () => {
      await add('ann')
      await lua().claimOne('NONCE', 'w1/1', 'LEASE', 1)
      await lua().redis.del(`${lua().root}:calls:w1`)
      await lua().tick(1)
      expect((await lua().claimOne('NONCE', 'w1/1')).attempt).toBe(1)
      expect(await record('ann')).toMatch(/:2:1:1:1:/)
    })

    it('is not acknowledged by a call of another name, whatever its number', async () => {
      await add('ann')
      await lua().claimOne('NONCE', 'w1/1', 'LEASE', 1)
      await lua().tick(1)
      expect((await lua().claimOne('NONCE', 'w2/9')).attempt).toBe(1)
    })

    it('that a later call of its name acknowledges is an attempt', async () => {
      await add('ann')
      const found = await counted(async (_, __, n) => {
        await add(`k${n}`)
        return lua().claim('NONCE', `w1/${n + 1}`, 'LEASE', 100_000)
      }, 1)
      expect(found).toEqual(['1:1:0'])
      await lua().claim('NONCE', 'w2/1', 'LEASE', 1000, 'ATTEMPTS', 2)
      expect(await record('ann')).toMatch(/^[\d-]+:2:2:0:.*:by=w2\/1$/)
    })

    it('that is extended is an attempt, and its record says so once', async () => {
      await add('ann')
      const { token } = await lua().claimOne('NONCE', 'w1/1', 'LEASE', 1000)
      await lua().call('extend', 500, 'ann', token)
      expect(await record('ann')).toMatch(/:flush:1000$/)
      await lua().tick(1000)
      expect(await lua().claimOne('NONCE', 'w2/1')).toMatchObject({ attempt: 2 })
    })

    it('without a NONCE is an attempt', async () => {
      await add('ann')
      await lua().claimOne('LEASE', 1000)
      await lua().tick(1000)
      expect(await lua().claimOne()).toMatchObject({ attempt: 2 })
    })

    it('of a name of which nothing is kept any more is none', async () => {
      await add('ann')
      await lua().claimOne('NONCE', 'w1/1', 'LEASE', 1000)
      await lua().redis.del(`${lua().root}:calls:w1`)
      await lua().tick(1000)
      expect(await lua().claimOne('NONCE', 'w2/1')).toMatchObject({ attempt: 1 })
    })
  })

  it('say what the first one did, and do nothing', async () => {
    await add('ann', 'bob', 'cyd', 'dan')
    const { batches } = await lua().claim()
    const [ann, bob, cyd, dan] = batches.map(({ key, token }) => [key, token]) as [string[], string[], string[], string[]]
    const twice = async (
      name: 'complete' | 'fail' | 'release' | 'requeue' | 'drop' | 'erase' | 'forward',
      ...args: (string | number)[]
    ) => {
      const reply = await lua().call(name, ...args)
      const before = await lua().keyspace()
      expect(await lua().call(name, ...args)).toEqual(reply)
      expect(await lua().keyspace()).toEqual(before)
      return reply
    }
    expect(await twice('complete', 'NONCE', 'a/1', ...ann, 'nobody', '1-1:1')).toEqual(['completed', 'lost'])
    expect(await twice('complete', 'nonce', 'a/2', ...ann)).toEqual(['lost'])
    expect(await twice('fail', ...bob, 'DELAY', 0, 'NONCE', 'b/1')).toBe('retry')
    await lua().claim('LIMIT', 1)
    expect(await lua().call('fail', ...bob, 'NONCE', 'b/1')).toBe('retry')
    expect(await lua().call('fail', ...bob, 'NONCE', 'b/2')).toBe('lost')
    expect(await twice('release', ...cyd, 'NONCE', 'c/1')).toBe('released')
    await lua().claim('LIMIT', 1)
    expect(await lua().call('release', ...cyd, 'NONCE', 'c/1')).toBe('released')
    expect(await lua().call('release', ...cyd, 'NONCE', 'c/0')).toBe('lost')
    expect(await twice('fail', ...dan, 'ATTEMPTS', 1, 'NONCE', 'd/1')).toBe('dead')
    const id = (dan[1] as string).replace(/:1$/, '')
    expect(await twice('requeue', 'NONCE', 'e/1', id)).toEqual(['requeued'])
    expect(await lua().call('requeue', id)).toEqual(['unknown'])
    const again = await lua().claimOne()
    expect(await lua().call('fail', 'dan', again.token, 'ATTEMPTS', 1)).toBe('dead')
    expect(await twice('drop', 'NONCE', 'f/1', again.token.replace(/:1$/, ''), '1-1')).toEqual(['dropped', 'unknown'])
    expect(await lua().call('drop', 'NONCE', 'f/0', '1-1')).toEqual(['unknown'])
    await add('eve')
    expect(await twice('erase', 'eve', 'NONCE', 'h/1')).toEqual([1, 0, 0, 0, 0, 0, '', 0])
    await add('eve')
    expect(await twice('forward', 'batches', 'NONCE', 'g/1')).toEqual([START, expect.any(Number), 1, 99_999])
    await lua().holds()
  })

  it('do nothing when a later one was made', async () => {
    await add('ann', 'bob', 'cyd')
    const tokens = new Map((await lua().claim()).batches.map(({ key, token }) => [key, token as string]))
    const [ann, bob, cyd] = ['ann', 'bob', 'cyd'].map((key) => tokens.get(key) as string) as [string, string, string]
    expect(await lua().call('fail', 'ann', ann, 'ATTEMPTS', 1)).toBe('dead')
    expect(await lua().call('complete', 'NONCE', 'me/5', 'bob', bob)).toEqual(['completed'])
    const before = await lua().keyspace()
    expect(await lua().call('complete', 'NONCE', 'me/4', 'cyd', cyd)).toEqual(['lost'])
    for (const name of ['requeue', 'drop'] as const) expect(await lua().call(name, 'NONCE', 'me/4', ann.slice(0, -2))).toEqual(['unknown'])
    for (const name of ['fail', 'release'] as const) expect(await lua().call(name, 'cyd', cyd, 'NONCE', 'me/4')).toBe('lost')
    expect(await lua().keyspace()).toEqual(before)
  })

  it('take a name of 48 letters and a number of 15 digits', async () => {
    expect(await lua().call('claim_ready', 'NONCE', `${'w'.repeat(48)}/123456789012345`)).toEqual([START, 0])
  })

  it('are what has a slash, and nothing else of five letters', async () => {
    expect(await lua().call('complete', 'alice', 'me/1')).toEqual(['lost'])
    expect(await lua().call('drop', 'NONCE')).toEqual(['unknown'])
  })

  it('of another function have another reply', async () => {
    await add('ann')
    const { token } = await lua().claimOne('NONCE', 'w1/1')
    expect(await lua().call('fail', 'ann', token, 'NONCE', 'w1/1')).toBe('lost')
    expect(await lua().call('fail', 'ann', token, 'NONCE', 'w1/2')).toBe('retry')
  })

  it('may complete a key that is called so', async () => {
    await add('NONCE')
    const { token } = await lua().claimOne()
    expect(await lua().call('complete', 'NONCE', token)).toEqual(['completed'])
  })

  it.each(['w1', '/1', 'w1/', 'w1/x', 'w 1/1', 'w:1/1', `${'w'.repeat(49)}/1`, 'w1/1234567890123456', 'w1/1/1'])(
    'are refused with %j, and change nothing',
    async (nonce) => {
      await add('ann')
      await lua().refuses('BAD_ARGUMENT', 'NONCE', 'claim_ready', 'NONCE', nonce)
      await lua().refuses('BAD_ARGUMENT', 'NONCE', 'forward', 'batches', 'NONCE', nonce)
      await lua().refuses('BAD_ARGUMENT', 'NONCE', 'fail', 'ann', '1-1:1', 'NONCE', nonce)
      await lua().refuses('BAD_ARGUMENT', 'NONCE', 'release', 'ann', '1-1:1', 'NONCE', nonce)
      if (!nonce.includes('/')) return
      for (const name of ['complete', 'requeue', 'drop'] as const)
        await lua().refuses('BAD_ARGUMENT', 'NONCE', name, 'NONCE', nonce, 'a', 'b')
    },
  )

  it('are looked at in the call that is made anyway, and cost one command to keep', async () => {
    const commands = async (call: () => Promise<unknown>) => {
      await lua().redis.config('RESETSTAT')
      await call()
      const stats = await lua().redis.info('commandstats')
      const found = Object.fromEntries(
        [...stats.matchAll(/cmdstat_([a-z|]+):calls=(\d+)/g)].map(([, name, calls]) => [name, Number(calls)]),
      )
      for (const name of ['config|resetstat', 'info', 'fcall', 'eval', 'zremrangebyrank']) delete found[name as string]
      return found
    }
    await add('ann', 'bob')
    const plain = await commands(() => lua().claim('LIMIT', 1))
    // A script does not know whether this is a node of a cluster.
    const guard = lua().mode === 'scripts' ? { exists: 1 } : {}
    expect(plain).toEqual({
      ...{ get: 1, hmget: 1, ...guard, zrange: 3, zrangebyscore: 1, sismember: 1, lrange: 1 },
      ...{ hset: 2, zadd: 1, zrem: 1, hincrby: 2 },
    })
    const { token } = (await lua().claim('LIMIT', 1)).batches[0] as { token: string }
    const completed = await commands(() => lua().call('complete', 'bob', token))
    const { exists: _, ...others } = completed
    await add('cyd')
    const next = await lua().claimOne()
    const noted = await commands(() => lua().call('complete', 'NONCE', 'w1/1', 'cyd', next.token))
    expect(noted).toEqual({ ...others, mget: 1, set: 1 })
  })
})
