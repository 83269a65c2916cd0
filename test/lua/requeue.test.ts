import { Redis } from 'ioredis'
import { expect, it, onTestFinished } from 'vitest'
import { commandsOf } from '../../cli/doctor/rights.ts'
import { urlOf } from '../support/acl.ts'
import { brokenLaws } from '../support/laws.ts'
import { describeBindings, TEST_SOURCE } from '../support/lua.ts'
import { bury, texts } from './dead-batches.ts'
import { NO_RIGHT, userWithout } from './users.ts'

describeBindings('requeue', (lua) => {
  const intact = async () => expect(await brokenLaws(lua().redis, lua().root)).toEqual([])
  const held = async (key: string) => texts((await lua().call('peek', key))[7])

  it('opens a batch with a new id, ready at once, when the key is empty', async () => {
    const id = await bury(lua(), 'ann', 1, 2)
    await lua().tick(3000)
    expect(await lua().call('requeue', id)).toEqual(['requeued'])
    expect(await lua().call('dead')).toEqual([])
    await intact()
    const [, , batch] = await lua().call('claim_ready')
    expect(batch[1]).toMatch(/^[\d-]+:1$/)
    expect(batch[1]).not.toBe(`${id}:1`)
    expect(texts(batch[5])).toEqual(['1', '2'])
    await lua().call('complete', 'ann', batch[1])
    expect(Object.keys(await lua().keyspace())).toEqual([lua().root])
    await intact()
  })

  // Oldest first, newest first, and everything between.
  const permutations = (items: string[]): string[][] =>
    items.length < 2
      ? [items]
      : items.flatMap((item, n) => permutations([...items.slice(0, n), ...items.slice(n + 1)]).map((rest) => [item, ...rest]))

  it.each([0, 1])(
    'never turns a conversation around, whatever the order of the calls, with %j ms between its messages',
    async (between) => {
      for (const order of permutations(['0', '1', '2', '3'])) {
        await lua().reset()
        const ids: string[] = []
        for (const data of ['m1', 'm2', 'm3', 'm4']) {
          ids.push(await bury(lua(), 'ann', data))
          await lua().tick(between)
        }
        await lua().call('add', 'ann', 'm5')
        const requeue = async () => {
          for (const n of order) expect(await lua().call('requeue', ids[Number(n)] as string)).toEqual(['requeued'])
        }
        await requeue()
        expect(await held('ann')).toEqual(['m1', 'm2', 'm3', 'm4', 'm5'])
        await intact()
      }
    },
  )

  it('keeps the order of messages of one ms that die more than once', async () => {
    const [first, second] = [await bury(lua(), 'ann', 1), await bury(lua(), 'ann', 2)]
    await lua().call('add', 'ann', 3)
    await lua().call('requeue', first)
    const { token } = await lua().claimOne()
    await lua().call('fail', 'ann', token, 'ATTEMPTS', 1)
    await lua().call('requeue', token.slice(0, -2))
    await lua().call('requeue', second)
    expect(await held('ann')).toEqual(['1', '2', '3'])
    await intact()
  })

  it('keeps the order of messages of one ms that died together and die again one by one', async () => {
    const id = await bury(lua(), 'ann', 1, 2, 3)
    await lua().call('policy', 'MAXSIZE', 1)
    await lua().call('requeue', id)
    const { token } = await lua().claimOne()
    await lua().call('fail', 'ann', token, 'ATTEMPTS', 1)
    await lua().call('requeue', token.slice(0, -2))
    expect(await held('ann')).toEqual(['1', '2', '3'])
  })

  it('brings back a bounded number of messages in one call, and says which batches are left', async () => {
    await lua().call('policy', 'MAXSIZE', 300, 'MAXBACKLOG', 300)
    const ids: string[] = []
    const counts: [key: string, count: number][] = [
      ['ann', 290],
      ['bob', 271],
      ['cid', 270],
      ['dan', 1],
    ]
    for (const [key, count] of counts) ids.push(await bury(lua(), key, ...Array.from({ length: count }, (_, n) => n)))
    const [ann, bob, cid, dan] = ids as [string, string, string, string]
    // Each batch counts for twenty messages more, and 600 are the most.
    expect(await lua().call('requeue', ann, bob, cid, dan, '1-1')).toEqual(['requeued', 'again', 'requeued', 'again', 'unknown'])
    expect(await lua().stats()).toMatchObject({ messages: 560 })
    expect(await lua().redis.hget(lua().root, 'deadMessages')).toBe('272')
    expect(await lua().call('requeue', bob, ann)).toEqual(['requeued', 'unknown'])
    expect(await lua().redis.llen(`${lua().root}:messages:bob`)).toBe(271)
    expect((await held('bob')).slice(0, 3)).toEqual(['0', '1', '2'])
    await intact()
  })

  it.each([
    ['0', 'requeued'],
    ['500', 'again'],
    ['501', 'again'],
    ['many', 'again'],
  ])('goes by how many messages a batch says that it has, the most when it says nothing that can be: %s', async (count, said) => {
    await lua().call('policy', 'MAXSIZE', 500)
    const [ann, bob] = [await bury(lua(), 'ann', ...Array.from({ length: 70 }, (_, n) => n)), await bury(lua(), 'bob', 1)]
    await lua().redis.hset(`${lua().root}:dead:${bob}`, 'count', count)
    expect(await lua().call('requeue', ann, bob)).toEqual(['requeued', said])
    expect(await lua().call('requeue', bob)).toEqual([said === 'again' ? 'requeued' : 'unknown'])
  })

  it('takes where a message died for no option of it', async () => {
    await lua().call('policy', 'MAXSIZE', 2)
    await lua().call('add', 'ann', 1, 'NEXT', 'ann', 2)
    const { token } = await lua().claimOne()
    await lua().call('fail', 'ann', token, 'ATTEMPTS', 1)
    await lua().call('requeue', token.slice(0, -2))
    expect(await lua().redis.exists(`${lua().root}:overrides`)).toBe(0)
    await intact()
  })

  it('keeps a foreign element of a dead batch between its neighbours', async () => {
    await lua().call('add', 'ann', 1)
    await lua().redis.rpush(`${lua().root}:messages:ann`, 'junk')
    await lua().redis.hincrby(lua().root, 'added', 1)
    await lua().call('add', 'ann', 3, 'FLUSH')
    const [, , batch] = await lua().call('claim_ready')
    await lua().call('fail', 'ann', batch[1], 'ATTEMPTS', 1)
    await lua().redis.rpush(`${lua().root}:messages:ann`, 'older junk', `${lua().now - 5} 0 old`, 'junk too', `${lua().now + 5} 0 new`)
    await lua().call('requeue', batch[1].slice(0, -2))
    expect((await lua().redis.lrange(`${lua().root}:messages:ann`, 0, -1)).map((text) => text.split(' ').at(-1))).toEqual([
      ...['junk', 'old', 'too', '1', 'junk', '3', 'new'],
    ])
  })

  it('puts each message of a batch where its time belongs', async () => {
    const seconds = async (...data: number[]) => {
      for (const each of data) {
        await lua().call('add', 'ann', each)
        await lua().tick(1000)
      }
    }
    await lua().call('policy', 'MAXSIZE', 1)
    await seconds(1)
    const [, , one] = await lua().call('claim_ready')
    await lua().call('fail', 'ann', one[1], 'ATTEMPTS', 1)
    await lua().call('policy', 'MAXSIZE', 10)
    await seconds(2, 3)
    await lua().call('add', 'ann', 4, 'FLUSH')
    const [, , others] = await lua().call('claim_ready')
    await lua().call('fail', 'ann', others[1], 'ATTEMPTS', 1)
    await lua().call('requeue', others[1].slice(0, -2), one[1].slice(0, -2))
    expect(await held('ann')).toEqual(['1', '2', '3', '4'])
    await intact()
  })

  it.each([
    [6, -1],
    [6, 1],
    [6, 6],
    [1300, 1201],
  ])(
    'puts the messages of a batch between those of its key, nearer to the one end or to the other: of %d from %d ms on',
    async (count, from) => {
      const list = `${lua().root}:messages:ann`
      const message = (ms: number) => `${lua().now + ms} 0 ${ms}`
      await lua().redis.rpush(list, ...Array.from({ length: count }, (_, n) => message(2 * n)))
      const dead = [from, from + 2].map((ms) => message(ms + (from % 2 ? 0 : 1)))
      await lua().redis.hset(`${lua().root}:dead:mine`, 'key', 'ann', 'count', 2, '1', dead[0] as string, '2', dead[1] as string)
      await lua().redis.zadd(`${lua().root}:dead`, 1, 'mine')
      expect(await lua().call('requeue', 'mine')).toEqual(['requeued'])
      const after = await lua().redis.lrange(list, 0, -1)
      expect(after).toHaveLength(count + 2)
      expect(after).toEqual([...after].sort())
    },
  )

  it('loses nothing of a long list that is out of order since the clock has gone back', async () => {
    const list = `${lua().root}:messages:ann`
    const message = (ms: number) => `${lua().now + ms} 0 ${ms}`
    const held = Array.from({ length: 200 }, (_, n) => message(n === 150 ? 900 : 2 * n))
    await lua().redis.rpush(list, ...held)
    await lua().redis.hset(`${lua().root}:dead:mine`, 'key', 'ann', 'count', 2, '1', message(21), '2', message(361))
    await lua().redis.zadd(`${lua().root}:dead`, 1, 'mine')
    expect(await lua().call('requeue', 'mine')).toEqual(['requeued'])
    expect(await lua().redis.lrange(list, 0, -1)).toEqual([
      ...[...held.slice(0, 11), message(21)],
      ...[...held.slice(11, 150), message(361), ...held.slice(150)],
    ])
  })

  it.each([
    ['front', 1, [10, 10, 20], [10, 5, 10, 20]],
    ['back', 2, [10, 1, 10], [10, 1, 5, 10]],
  ])('puts one message in front of one that reads like one of a claimed batch, by the %s', async (_, claimed, held, expected) => {
    const message = (ms: number) => `${lua().now + ms} 0 ${ms}`
    await lua().redis.rpush(`${lua().root}:messages:ann`, ...held.map(message))
    await lua().redis.hset(`${lua().root}:claims`, 'ann', `1-1:1:1:0:${claimed}:1:wait:30000`)
    await lua().redis.zadd(`${lua().root}:active`, lua().now + 30_000, 'ann')
    await lua().redis.hset(`${lua().root}:dead:mine`, 'key', 'ann', 'count', 1, '1', message(5))
    await lua().redis.zadd(`${lua().root}:dead`, 1, 'mine')
    expect(await lua().call('requeue', 'mine')).toEqual(['requeued'])
    expect(await lua().redis.lrange(`${lua().root}:messages:ann`, 0, -1)).toEqual(expected.map(message))
  })

  it.each([
    ['in front of what is newer', 0],
    ['behind what is older', -2000],
  ])('brings back a batch of the largest size %s', async (_, ms) => {
    const list = `${lua().root}:messages:ann`
    const messages = Array.from({ length: 500 }, (_, n) => `${lua().now + n - 1000} 0 ${n}`)
    const other = `${lua().now + ms} 0 other`
    await lua().redis.rpush(list, other)
    await lua().redis.hset(`${lua().root}:dead:mine`, 'key', 'ann', 'count', 500, ...messages.flatMap((each, n) => [`${n + 1}`, each]))
    await lua().redis.zadd(`${lua().root}:dead`, 1, 'mine')
    expect(await lua().call('requeue', 'mine')).toEqual(['requeued'])
    expect(await lua().redis.lrange(list, 0, -1)).toEqual(ms < 0 ? [other, ...messages] : [...messages, other])
  })

  it('goes behind a backlog that is older, however long', async () => {
    await lua().call('policy', 'MAXSIZE', 1)
    await lua().addAll(
      'ann',
      ...Array.from({ length: 300 }, (_, n) => ['NEXT', 'ann', n])
        .flat()
        .slice(2),
    )
    const ids: string[] = []
    for (let n = 0; n < 300; n += 1) {
      const { token } = await lua().claimOne()
      await lua().call('fail', 'ann', token, 'ATTEMPTS', 1)
      ids.push(token.slice(0, -2))
    }
    for (let left = ids.slice(0, 299); left.length > 0; ) {
      const said = await lua().call('requeue', ...left.slice(0, 100))
      left = left.filter((_, n) => n >= said.length || said[n] === 'again')
    }
    await lua().call('add', 'ann', 300)
    await lua().call('requeue', ids[299] as string)
    expect((await lua().redis.lrange(`${lua().root}:messages:ann`, 0, -1)).map((text) => text.split(' ')[2])).toEqual(
      Array.from({ length: 301 }, (_, n) => String(n)),
    )
    await intact()
  })

  it('goes behind ten thousand older messages', async () => {
    const id = await bury(lua(), 'ann', 'dead')
    const older = Array.from({ length: 10_000 }, (_, n) => `${lua().now - 1} 0 ${n}`)
    await lua().redis.rpush(`${lua().root}:messages:ann`, ...older, `${lua().now + 1} 0 newer`)
    expect(await lua().call('requeue', id)).toEqual(['requeued'])
    expect(await lua().redis.lrange(`${lua().root}:messages:ann`, 0, -1)).toEqual([
      ...older,
      ...[`${lua().now} 0,R1.0001,F dead`, `${lua().now + 1} 0 newer`],
    ])
  })

  it('takes a hundred ids, and a generation from 1 to 999999', async () => {
    expect(await lua().call('requeue', ...Array(100).fill('1-1'))).toEqual(Array(100).fill('unknown'))
    expect(await lua().call('drop', ...Array(100).fill('1-1'))).toEqual(Array(100).fill('unknown'))
    for (const [generation, code] of [
      [0, 'BAD_ARGUMENT'],
      [1, 'REPARTITIONED'],
      [999_999, 'REPARTITIONED'],
      [1_000_000, 'BAD_ARGUMENT'],
    ] as const)
      await lua().refuses(code, '', 'requeue', '1-1', 'GENERATION', generation)
  })

  it('goes by the policy that holds now', async () => {
    await lua().call('add', 'ann', 1)
    await lua().tick(10_000)
    const { token } = await lua().claimOne()
    await lua().call('fail', 'ann', token, 'ATTEMPTS', 1)
    await lua().call('policy', 'WAIT', 10_500)
    await lua().call('requeue', token.slice(0, -2))
    expect(await lua().redis.zscore(`${lua().root}:due`, 'ann')).toBe(String(lua().now + 500))
    await intact()
  })

  it('goes by the options of what waits', async () => {
    await lua().call('add', 'ann', 1)
    await lua().tick(10_000)
    const { token } = await lua().claimOne()
    await lua().call('fail', 'ann', token, 'ATTEMPTS', 1)
    await lua().call('add', 'ann', 2, 'WAIT', 30_000)
    await lua().call('requeue', token.slice(0, -2))
    // The next claim finds out.
    expect(await lua().claim()).toMatchObject({ batches: [], next: lua().now + 30_000 })
  })

  it('notes the options of any message of a batch', async () => {
    await lua().call('add', 'ann', 1, 'WAIT', 700, 'NEXT', 'ann', 2)
    await lua().tick(10_000)
    const { token } = await lua().claimOne()
    await lua().call('fail', 'ann', token, 'ATTEMPTS', 1)
    await lua().call('requeue', token.slice(0, -2))
    expect(await lua().redis.smembers(`${lua().root}:overrides`)).toEqual(['ann'])
  })

  it('puts the key where somebody looks, also when its claim was lost', async () => {
    const id = await bury(lua(), 'ann', 1)
    await lua().call('add', 'ann', 2, 'FLUSH')
    await lua().claimOne()
    await lua().redis.hdel(`${lua().root}:claims`, 'ann')
    await lua().call('requeue', id)
    expect(await lua().redis.zscore(`${lua().root}:due`, 'ann')).toBe(String(lua().now))
  })

  it('knows only what is in the index, whatever its id', async () => {
    await lua().redis.hset(`${lua().root}:dead:mine`, 'key', 'ann', '1', `${lua().now} 0 x`)
    expect(await lua().call('requeue', 'mine')).toEqual(['unknown'])
    await lua().redis.zadd(`${lua().root}:dead`, 1, 'mine')
    expect(await lua().call('requeue', 'mine')).toEqual(['requeued'])
    expect(await lua().redis.lrange(`${lua().root}:messages:ann`, 0, -1)).toEqual([`${lua().now} 0 x`])
  })

  it('leaves what somebody else wrote behind what it stands behind', async () => {
    const id = await bury(lua(), 'ann', 2)
    await lua().tick(1000)
    await lua().redis.rpush(`${lua().root}:messages:ann`, 'junk', `${lua().now - 2000} 0 1`, 'nan', '', `${lua().now} 0 3`)
    await lua().call('requeue', id)
    expect(await lua().redis.lrange(`${lua().root}:messages:ann`, 0, -1)).toEqual([
      ...['junk', `${lua().now - 2000} 0 1`, 'nan', ''],
      ...[`${lua().now - 1000} 0,R1.0001,F 2`, `${lua().now} 0 3`],
    ])
  })

  it('puts the key where somebody looks, also when the lease of its claim was lost', async () => {
    const id = await bury(lua(), 'ann', 1)
    await lua().call('add', 'ann', 2, 'FLUSH')
    await lua().claimOne()
    await lua().redis.zrem(`${lua().root}:active`, 'ann')
    await lua().call('requeue', id)
    expect(await lua().redis.zscore(`${lua().root}:due`, 'ann')).toBe(String(lua().now))
  })

  it.each(['lpush', 'rpushx', 'ltrim', 'lrange', 'del', 'unlink', 'zadd', 'sadd', 'sismember'])(
    'loses and doubles nothing for a user without %s',
    async (lacking) => {
      const ids = [await bury(lua(), 'ann', 1), await bury(lua(), 'ann', 2)]
      await lua().call('add', 'ann', 3, 'FLUSH')
      await lua().claimOne()
      await lua().call('add', 'bob', 1)
      const rights = ['+eval', '+get', ...commandsOf('operator', lua().mode).map((command) => `+${command}`)]
      await lua().redis.call('ACL', 'SETUSER', 'poor', 'reset', 'on', '>secret', '~*', '&*', ...rights, `-${lacking}`)
      const poor = new Redis(urlOf(lua().server.url, 'poor'))
      onTestFinished(() => poor.disconnect())
      const [name, entry] = lua().mode === 'functions' ? ['FCALL', 'rapidfire_requeue'] : ['EVAL', TEST_SOURCE.scripts.requeue.text]
      const refused: string[] = []
      for (const id of ids) await poor.call(name as string, entry as string, 1, lua().root, id).catch(() => refused.push(id))
      // What the call could not take back is left to repair.
      if (lacking !== 'zadd') expect((await lua().call('dead')).map(([id]: string[]) => id)).toEqual(refused)
      await lua().redis.call('ACL', 'DELUSER', 'poor')
      await lua().call('repair', ...ids.map((id) => `dead:${id}`))
      for (const id of ids) await lua().call('requeue', id)
      expect((await held('ann')).map((text: string) => text.split(' ').at(-1))).toEqual(['3', '1', '2'])
      await intact()
    },
  )

  it('loses nothing for a user who may not take back what was begun', async () => {
    const id = await bury(lua(), 'ann', 1)
    const poor = await userWithout(lua(), 'ltrim', 'sadd')
    await expect(poor.call('requeue', id)).rejects.toThrow(NO_RIGHT)
    expect((await lua().call('dead')).map(([dead]: string[]) => dead)).toEqual([id])
    expect(await held('ann')).toEqual([])
  })

  it('puts them in front of what is being collected', async () => {
    const id = await bury(lua(), 'ann', 1, 2)
    await lua().call('add', 'ann', 3, 'NEXT', 'ann', 4)
    await lua().call('requeue', id)
    expect(await held('ann')).toEqual(['1', '2', '3', '4'])
    await intact()
    // The flush that closed the dead batch closes it again.
    const [, , batch] = await lua().call('claim_ready')
    expect(texts(batch[5])).toEqual(['1', '2'])
  })

  it('lets newer messages join when nothing closed the batch, at the newer deadline', async () => {
    await lua().call('add', 'ann', 1)
    await lua().tick(10_000)
    const [, , batch] = await lua().call('claim_ready')
    await lua().call('fail', 'ann', batch[1], 'ATTEMPTS', 1)
    await lua().call('add', 'ann', 2)
    await lua().redis.zadd(`${lua().root}:due`, lua().now + 5000, 'ann')
    await lua().call('requeue', batch[1].slice(0, -2))
    expect(await lua().redis.zscore(`${lua().root}:due`, 'ann')).toBe(String(lua().now + 10_000))
    expect((await lua().call('peek', 'ann')).slice(0, 3)).toEqual(['collecting', lua().now, lua().now + 10_000])
    await intact()
    await lua().tick(10_000)
    expect(texts((await lua().call('claim_ready'))[2][5])).toEqual(['1', '2'])
  })

  it.each(['active', 'retry'])('puts them behind the batch and in front of what waits when the key is %s', async (state) => {
    const id = await bury(lua(), 'ann', 1, 2)
    await lua().call('add', 'ann', 3, 'NEXT', 'ann', 4, 'FLUSH')
    const [, , batch] = await lua().call('claim_ready')
    if (state === 'retry') await lua().call('fail', 'ann', batch[1], 'DELAY', 500)
    await lua().call('add', 'ann', 5)
    await lua().call('requeue', id)
    expect((await lua().call('peek', 'ann'))[0]).toBe(state)
    expect(await held('ann')).toEqual(['3', '4', '1', '2', '5'])
    await intact()
    await lua().tick(500)
    const token = state === 'retry' ? (await lua().call('claim_ready'))[2][1] : batch[1]
    expect(await lua().call('complete', 'ann', token)).toEqual(['completed'])
    const [, , next] = await lua().call('claim_ready')
    expect(texts(next[5])).toEqual(['1', '2'])
    await intact()
  })

  it('requeues several of a key in one call', async () => {
    const first = await bury(lua(), 'ann', 1)
    const second = await bury(lua(), 'ann', 2)
    expect(await lua().call('requeue', second, first, 'unknown', first)).toEqual(['requeued', 'requeued', 'unknown', 'unknown'])
    expect(await held('ann')).toEqual(['1', '2'])
    await intact()
  })

  it('takes a key over its maxBacklog, which refuses new messages and loses none', async () => {
    await lua().call('policy', 'MAXSIZE', 2, 'MAXBACKLOG', 2)
    const id = await bury(lua(), 'ann', 1, 2)
    await lua().call('add', 'ann', 3, 'NEXT', 'ann', 4)
    await lua().call('requeue', id)
    await expect(lua().call('add', 'ann', 5)).rejects.toThrow(/^RAPIDFIRE_BACKLOG_FULL/)
    const handed: string[] = []
    for (let n = 0; n < 2; n += 1) {
      const [, , batch] = await lua().call('claim_ready')
      handed.push(...texts(batch[5]))
      await lua().call('complete', 'ann', batch[1])
    }
    expect(handed).toEqual(['1', '2', '3', '4'])
    await intact()
  })

  it('takes a dead batch that somebody deleted by hand for an unknown one', async () => {
    const ids = [await bury(lua(), 'ann', 1), await bury(lua(), 'bob', 2)]
    await lua().redis.del(`${lua().root}:dead:${ids[0]}`)
    expect(await lua().call('requeue', ...ids)).toEqual(['unknown', 'requeued'])
    expect(await lua().call('drop', ids[0] as string)).toEqual(['dropped'])
    expect(await lua().redis.exists(`${lua().root}:dead`)).toBe(0)
  })

  it('keeps the ids, the options and any bytes of the messages', async () => {
    const data = Buffer.from([0, 255, 10, 32])
    await lua().call('add', 'ann', data, 'ID', 'wamid.1', 'WAIT', 700, 'NEXT', 'ann', 2, 'FLUSH')
    const [, , batch] = await lua().call('claim_ready')
    const before = await lua().redis.lrange(`${lua().root}:messages:ann`, 0, -1)
    await lua().call('fail', 'ann', batch[1], 'ATTEMPTS', 1)
    await lua().call('requeue', batch[1].slice(0, -2))
    // Each carries the number of the batch with which it died and its position, and is the same otherwise.
    const after = await lua().redis.lrange(`${lua().root}:messages:ann`, 0, -1)
    expect(after).toEqual([before[0]?.replace('7,', '7,R1.0001,'), before[1]?.replace('0,', '0,R1.0002,')])
    expect((await lua().redis.lindexBuffer(`${lua().root}:messages:ann`, 0))?.subarray(-4)).toEqual(data)
    expect(await lua().call('add', 'ann', 3, 'ID', 'wamid.1')).toEqual(['duplicate', 2])
    await intact()
  })

  it('counts the messages as waiting again, and a second death as one more', async () => {
    const id = await bury(lua(), 'ann', 1, 2)
    expect(await lua().redis.hmget(lua().root, 'dead', 'deadMessages')).toEqual(['1', '2'])
    await lua().call('requeue', id)
    expect(await lua().redis.hmget(lua().root, 'dead', 'deadMessages')).toEqual(['1', '0'])
    const [, , batch] = await lua().call('claim_ready')
    await lua().call('fail', 'ann', batch[1], 'ATTEMPTS', 1)
    expect(await lua().redis.hmget(lua().root, 'dead', 'deadMessages')).toEqual(['2', '2'])
    await intact()
  })

  it('moves as many messages as the batch has, however many wait behind it', async () => {
    const id = await bury(lua(), 'ann', 1, 2)
    for (let n = 0; n < 9; n += 1) await lua().addAll(...Array(100).fill(['ann', 3, 'NEXT']).flat().slice(0, -1))
    await lua().redis.config('RESETSTAT')
    await lua().call('requeue', id)
    const pushes = [...(await lua().redis.info('commandstats')).matchAll(/cmdstat_[lr]push:calls=(\d+)/g)]
    expect(pushes.map((each) => Number(each[1]))).toEqual([1])
    expect((await held('ann')).slice(0, 3)).toEqual(['1', '2', '3'])
    await intact()
  })

  it('refuses when the list of a key is a key of another type, and loses nothing', async () => {
    const [ann, bob] = [await bury(lua(), 'ann', 1, 2), await bury(lua(), 'bob', 3)]
    await lua().redis.set(`${lua().root}:messages:bob`, 'mine')
    await lua().refuses('WRONG_TYPE', 'expected a list', 'requeue', ann, bob)
    expect(await lua().call('requeue', ann)).toEqual(['requeued'])
    await lua().redis.del(`${lua().root}:messages:bob`)
    expect(await lua().call('requeue', bob)).toEqual(['requeued'])
    await intact()
  })

  it('brings back the messages that are there when one of a dead batch was deleted by hand', async () => {
    const id = await bury(lua(), 'ann', 1, 2, 3)
    await lua().redis.hdel(`${lua().root}:dead:${id}`, '2')
    expect(texts((await lua().call('dead', 'ID', id))[0][9])).toEqual(['1', '3'])
    expect(await lua().call('requeue', id)).toEqual(['requeued'])
    expect(await held('ann')).toEqual(['1', '3'])
  })

  it.each([[[]], [Array(101).fill('1-1')]])('refuses %j and changes nothing', async (ids) => {
    await bury(lua(), 'ann', 1)
    const before = await lua().keyspace()
    await expect(lua().call('requeue', ...ids)).rejects.toThrow(/^RAPIDFIRE_(MISSING|BAD)_ARGUMENT/)
    expect(await lua().keyspace()).toEqual(before)
  })
})
