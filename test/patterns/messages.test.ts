// The ways in which queues of this kind are known to fail, each tried here on its own and small; other files, named below, try them at length.
import { afterEach, describe, expect, it, vi } from 'vitest'
import { useClients } from '../client/clients.ts'
import { describeBindings, type Lua, START } from '../support/lua.ts'
import { makeEveryCall } from './calls.ts'

describeBindings('patterns of messages', (lua) => {
  const client = useClients(lua)
  const add = (key: string, ...data: (string | number)[]) =>
    lua().call('add', ...data.flatMap((each, n) => [...(n ? ['NEXT'] : []), key, each]))
  const texts = (batch: { messages: { data: string }[] }) => batch.messages.map(({ data }) => data)

  // At length: test/lua/dedupe.test.ts.
  describe('an id that outlives its message', () => {
    it('is not remembered when its message is refused', async () => {
      await lua().call('policy', 'MAXSIZE', 1, 'MAXBACKLOG', 1)
      await add('ann', '1')
      await lua().refuses('BACKLOG_FULL', 'maxBacklog is 1', 'add', 'ann', '2', 'ID', 'm2')
      const { token } = await lua().claimOne()
      await lua().call('complete', 'ann', token)
      expect(await lua().call('add', 'ann', '2', 'ID', 'm2')).toEqual(['added', 1])
    })

    it('is forgotten after dedupe, and leaves nothing', async () => {
      await lua().call('add', 'ann', '1', 'ID', 'm1', 'FLUSH')
      const { token } = await lua().claimOne()
      await lua().call('complete', 'ann', token)
      expect(await lua().call('add', 'ann', '1', 'ID', 'm1')).toEqual(['duplicate', 0])
      await lua().tick(10_800_000)
      expect(Object.keys(await lua().keyspace())).toEqual([lua().root])
      expect(await lua().call('add', 'ann', '1', 'ID', 'm1')).toEqual(['added', 1])
    })
  })

  describe('a duplicate that costs content', () => {
    it('costs none: the first content of an id stays, and equal texts with ids of their own are all kept', async () => {
      for (const [id, text] of [
        ['m1', 'first'],
        ['m1', 'second'],
        ['m2', 'ok'],
        ['m3', 'ok'],
      ] as const) {
        await lua().call('add', 'ann', text, 'ID', id)
      }
      await add('ann', 'ok', 'ok')
      await lua().tick(10_000)
      expect(texts(await lua().claimOne())).toEqual(['first', 'ok', 'ok', 'ok', 'ok'])
    })
  })

  // The connections of workers, dead without a word or lost under a call: test/worker/connection.test.ts.
  describe('a command that is sent twice', () => {
    it('does no more than once: a message with an id, a completion, a failure, an extension', async () => {
      expect(await lua().call('add', 'ann', '1', 'ID', 'm1', 'FLUSH')).toEqual(['added', 1])
      const { token } = await lua().claimOne()
      const twice = async (...call: Parameters<Lua['call']>) => {
        const first = await lua().call(...call)
        const before = await lua().keyspace()
        const second = await lua().call(...call)
        const changed = Object.entries(await lua().keyspace()).filter(([key, content]) => key !== lua().root && before[key] !== content)
        expect(changed).toEqual([])
        return [first, second]
      }
      expect(await twice('add', 'ann', '1', 'ID', 'm1')).toEqual([
        ['duplicate', 1],
        ['duplicate', 1],
      ])
      expect(await twice('extend', 60_000, 'ann', token)).toEqual([
        ['extended', 0],
        ['extended', 0],
      ])
      expect(await twice('fail', 'ann', token, 'DELAY', 0)).toEqual(['retry', 'retry'])
      expect(await twice('complete', 'ann', (await lua().claimOne()).token)).toEqual([['completed'], ['lost']])
    })
  })

  // Of running workers: test/worker/waking.test.ts.
  describe('idle load that grows with the keys', () => {
    it('does not: a look and a reading of the figures cost the same with 3 open keys and with 3000', async () => {
      const cost = async () => {
        await lua().redis.config('RESETSTAT')
        expect((await lua().claim('WORKER', 'w1')).batches).toEqual([])
        await lua().stats()
        const info = await lua().redis.info('commandstats')
        return [...info.matchAll(/^cmdstat_([a-z]+):calls=(\d+)/gm)].map(([, name, calls]) => `${name} ${calls}`).sort()
      }
      await add('a', '1')
      await lua().call('add', 'b', '1', 'NEXT', 'c', '1')
      await cost()
      const few = await cost()
      await lua().addAll(
        ...Array.from({ length: 3000 }, (_, n) => ['NEXT', `key${n}`, 'x'])
          .flat()
          .slice(1),
      )
      expect(await cost()).toEqual(few)
    })
  })

  describe('clocks that differ', () => {
    afterEach(() => void vi.useRealTimers())

    it('make no difference: the time of Redis counts alone, in ms', async () => {
      await lua().redis.del('test:clock')
      const time = async () => {
        const [seconds, micros] = await lua().redis.time()
        return Number(seconds) * 1000 + Math.trunc(Number(micros) / 1000)
      }
      const rapidfire = client()
      for (const wrong of ['1999-01-01', '2090-01-01']) {
        vi.useFakeTimers({ toFake: ['Date'], now: new Date(wrong) })
        const before = await time()
        await rapidfire.addMessage(wrong, 1)
        const { deadline, now } = await rapidfire.peek(wrong)
        const after = await time()
        expect(deadline).toBeGreaterThanOrEqual(before + 10_000)
        expect(deadline).toBeLessThanOrEqual(now + 10_000)
        expect(now).toBeLessThanOrEqual(after)
        expect((await rapidfire.claimReady()).batches).toEqual([])
      }
    })

    it('that are coarse do not shuffle: messages of one ms keep their order', async () => {
      const numbers = Array.from({ length: 10 }, (_, n) => `${n}`)
      await add('ann', ...numbers)
      expect(texts(await lua().claimOne())).toEqual(numbers)
    })
  })

  // Any bytes, by every way: test/lua/bytes.test.ts.
  describe('payloads that a decoder damages', () => {
    it.each(['[]', '{}', '{"a":[],"b":{}}', '12345678901234567890', '1.0', '1e400', '{"a":1,"a":2}', '"\\ud800"', ' null '])(
      '%s comes back as it was, also from the dead and through a stream',
      async (json) => {
        await lua().call('add', 'ann', json, 'FLUSH', 'NEXT', 'bob', json, 'FLUSH')
        const [ann] = (await lua().claim('LIMIT', 1)).batches
        expect(texts(ann as never)).toEqual([json])
        await lua().call('forward', 'batches')
        expect((await lua().redis.xrange(`${lua().root}:stream:batches`, '-', '+')).map(([, fields]) => fields.at(-1))).toEqual([json])
        await lua().call('fail', 'ann', ann?.token as string, 'ATTEMPTS', 1)
        const [[id]] = await lua().call('dead')
        await lua().call('requeue', id)
        expect(texts(await lua().claimOne())).toEqual([json])
      },
    )
  })

  describe('a lifetime shorter than an outage', () => {
    it('has no key that holds a message, in any state', async () => {
      await makeEveryCall(client())
      const names = (await lua().redis.keys(`${lua().root}*`)).filter((name) => !/:(seen|calls):/.test(name))
      const parts = ['messages', 'due', 'active', 'claims', 'overrides', 'streams', 'dead', 'stream']
      expect(new Set(names.map((name) => name.split(':')[2]))).toEqual(new Set([undefined, ...parts]))
      // -1: it does not expire.
      for (const name of names) expect([name, await lua().redis.pttl(name)]).toEqual([name, -1])
    })
  })

  describe('leftovers of each key', () => {
    it('are none when all is handled, but for what expires by itself', async () => {
      const keys = Array.from({ length: 50 }, (_, n) => `key${n}`)
      for (const [n, key] of keys.entries()) await lua().call('add', key, 'x', 'ID', key, ...(n % 2 ? ['WAIT', 50] : []))
      await lua().tick(10_000)
      const { batches } = await lua().claim('LIMIT', 50)
      expect(await lua().call('complete', ...batches.flatMap(({ key, token }) => [key, token]))).toEqual(keys.map(() => 'completed'))
      expect(Object.keys(await lua().keyspace()).sort()).toEqual([lua().root, `${lua().root}:seen:${START}`])
      await lua().tick(10_800_000)
      expect(Object.keys(await lua().keyspace())).toEqual([lua().root])
    })
  })

  // A server that evicts any key (allkeys-*) takes messages with it, and nothing here could prevent that: README.md says what to set.
  describe('eviction', () => {
    afterEach(() => lua().redis.config('SET', 'maxmemory', '0', 'maxmemory-policy', 'noeviction'))

    it('with noeviction is a refusal, and nothing is accepted that is not kept', async () => {
      await lua().call('add', 'ann', '1', 'FLUSH')
      await lua().redis.config('SET', 'maxmemory', '1')
      await expect(lua().call('add', 'ann', '2', 'ID', 'm2')).rejects.toThrow(/OOM/)
      expect(texts(await lua().claimOne())).toEqual(['1'])
    })

    it('of keys that expire takes no message', async () => {
      await lua().call('add', 'ann', '1', 'ID', 'm1', 'FLUSH', 'NEXT', 'bob', '1')
      await lua().redis.config('SET', 'maxmemory-policy', 'volatile-random', 'maxmemory', '1')
      await expect(lua().redis.set('more', 'x')).rejects.toThrow(/OOM/)
      await vi.waitFor(async () => expect(await lua().redis.keys('*:seen:*')).toEqual([]))
      expect(texts(await lua().claimOne())).toEqual(['1'])
      expect(await lua().stats()).toMatchObject({ messages: 2 })
      await lua().holds()
    })
  })

  // Under traffic: test/fault/redis-faults.test.ts. On the nodes of a cluster: test/client/cluster.test.ts.
  describe('functions and scripts that Redis has lost', () => {
    it('are loaded again by the call that misses them, each time', async () => {
      const rapidfire = client()
      for (let n = 1; n <= 3; n += 1) {
        expect(await rapidfire.addMessage('ann', n)).toEqual({ status: 'added', size: n })
        await lua().redis.function('FLUSH')
        await lua().redis.script('FLUSH')
      }
      // For the other tests.
      expect(await rapidfire.addMessage('ann', 4)).toMatchObject({ size: 4 })
    })
  })
})
