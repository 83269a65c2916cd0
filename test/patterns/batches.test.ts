// The ways in which queues of this kind are known to fail, each tried here on its own and small; other files, named below, try them at length.
import { Redis } from 'ioredis'
import { describe, expect, it, vi } from 'vitest'
import { useClients } from '../client/clients.ts'
import { texts as dataOf } from '../lua/dead-batches.ts'
import { describeBindings, Lua, START } from '../support/lua.ts'

describeBindings('patterns of batches', (lua) => {
  const client = useClients(lua)
  const add = (key: string, ...data: (string | number)[]) =>
    lua().call('add', ...data.flatMap((each, n) => [...(n ? ['NEXT'] : []), key, each]))
  /** The same queue over another connection. */
  const over = (redis: Redis) => new Lua({ ...lua().server, redis }, lua().mode)
  const texts = (batch: { messages: { data: string }[] }) => batch.messages.map(({ data }) => data)

  // At length, with processes that are killed: test/fault/worker-faults.test.ts, test/pipeline.
  describe('a crash between claim and hand-off', () => {
    it('strands nothing: the batch is in the index of the leases from the claim on, and comes again whole', async () => {
      await add('ann', '1', '2')
      await lua().tick(10_000)
      const first = await lua().claimOne('LEASE', 5000)
      await lua().holds()
      await add('ann', 'behind')
      await lua().tick(5000)
      const again = await lua().claimOne()
      expect([again.token, texts(again)]).toEqual([first.token.replace(/:1$/, ':2'), ['1', '2']])
      await lua().call('complete', 'ann', again.token)
      await lua().tick(10_000)
      expect(texts(await lua().claimOne())).toEqual(['behind'])
      await lua().holds()
    })
  })

  describe('a gap between "nothing is left" and "the key is free"', () => {
    it('is not there: what is added around the end of a batch is handed over once', async () => {
      const connections = Array.from({ length: 4 }, () => new Redis(lua().server.url))
      const [one, two, three, four] = connections.map(over) as [Lua, Lua, Lua, Lua]
      try {
        const keys = Array.from({ length: 100 }, (_, n) => `key${n}`)
        for (const key of keys) await lua().call('add', key, 'first', 'FLUSH')
        // One call claims fewer.
        const { batches } = await lua().claim('LIMIT', 50)
        batches.push(...(await lua().claim('LIMIT', 50)).batches)
        await Promise.all([
          ...keys.map((key, n) => (n % 2 ? one : two).call('add', key, 'second')),
          ...batches.map(({ key, token }, n) => (n % 2 ? three : four).call('complete', key, token)),
        ])
        await lua().holds()
        await lua().tick(10_000)
        const second = [...(await lua().claim('LIMIT', 50)).batches, ...(await lua().claim('LIMIT', 200)).batches]
        expect(second.map(({ key }) => key).sort()).toEqual(keys.sort())
        expect(second.flatMap(texts)).toEqual(keys.map(() => 'second'))
      } finally {
        for (const redis of connections) redis.disconnect()
      }
    })
  })

  // At length: test/client/lease.test.ts, test/worker/handling.test.ts, test/fault/worker-faults.test.ts.
  describe('a lease shorter than the handler', () => {
    it('is lengthened for as long as the handler runs', async () => {
      const [rapidfire, other] = [client(), client()]
      await rapidfire.addMessage('ann', 1, { flush: true })
      const summary = await rapidfire.processPendingBatches(
        async () => {
          for (let lease = 1; lease <= 3; lease += 1) {
            await lua().tick(50)
            await vi.waitFor(async () => expect((await rapidfire.peek('ann')).until).toBe(lua().now + 60), { interval: 5, timeout: 10_000 })
            expect((await other.claimReady()).batches).toEqual([])
          }
        },
        { lease: 60 },
      )
      expect(summary).toMatchObject({ completed: 1, lost: 0 })
    })

    it('that runs out all the same makes the token worthless', async () => {
      await lua().call('add', 'ann', '1', 'FLUSH')
      const { token } = await lua().claimOne('LEASE', 1000)
      await lua().tick(1000)
      const current = await lua().claimOne()
      expect(await lua().call('extend', 1000, 'ann', token)).toEqual(['lost', 0])
      expect(await lua().call('complete', 'ann', token)).toEqual(['lost'])
      expect(await lua().call('fail', 'ann', token)).toBe('lost')
      expect(await lua().call('complete', 'ann', current.token)).toEqual(['completed'])
    })
  })

  describe('a flush that fails', () => {
    it('drops nothing: the batch comes again, and is kept when its attempts are used up', async () => {
      const rapidfire = client()
      await rapidfire.addMessages([1, 2].map((data) => ({ key: 'ann', data, flush: data === 2 })))
      const seen: unknown[] = []
      const failing = async (batch: { messages: { data: unknown }[] }) => {
        seen.push(batch.messages.map(({ data }) => data))
        throw new Error('the bot is down')
      }
      const options = { attempts: 2, backoff: () => 0 }
      expect(await rapidfire.processPendingBatches(failing, options)).toMatchObject({ retry: 1, dead: 1 })
      expect(seen).toEqual([
        [1, 2],
        [1, 2],
      ])
      const [dead] = await rapidfire.dead()
      expect(dead).toMatchObject({ key: 'ann', size: 2, error: 'the bot is down' })
      await rapidfire.requeue([dead?.id as string])
      expect((await rapidfire.claimReady()).batches).toMatchObject([{ messages: [{ data: 1 }, { data: 2 }] }])
    })
  })

  // At length: test/lua/claim_ready.test.ts, test/lua/overrides.test.ts.
  describe('a maxWait that is overshot', () => {
    it('is not, whatever the messages ask for and however they come', async () => {
      await lua().call('add', 'ann', '1')
      for (let n = 2; n <= 7; n += 1) {
        await lua().tick(9900)
        await lua().call('add', 'ann', `${n}`, 'WAIT', 31_536_000_000, 'MAXSIZE', 500)
      }
      await lua().tick(START + 59_999 - lua().now)
      expect((await lua().claim()).next).toBe(START + 60_000)
      await lua().tick(1)
      expect(await lua().claimOne()).toMatchObject({ reason: 'maxWait', deadline: START + 60_000 })
    })

    it('has a bound in every policy', async () => {
      await lua().refuses('BAD_POLICY', 'maxWait must not be shorter than wait', 'policy', 'WAIT', 60_001)
      await lua().refuses('BAD_POLICY', 'MAXWAIT must be an integer', 'policy', 'MAXWAIT', 'never')
    })
  })

  // At length: test/fault, where the history of every message is judged.
  describe('two turns of one conversation at once', () => {
    it('cannot be had: of many callers one gets the batch, and none gets more of the key until it is done', async () => {
      const connections = Array.from({ length: 8 }, () => new Redis(lua().server.url))
      const callers = connections.map(over)
      try {
        await lua().call('add', 'ann', '1', 'FLUSH', 'NEXT', 'ann', '2', 'FLUSH')
        const replies = await Promise.all([...callers, ...callers].map((caller) => caller.claim()))
        const batches = replies.flatMap((reply) => reply.batches)
        expect(batches.map(texts)).toEqual([['1']])
        await lua().call('complete', 'ann', batches[0]?.token as string)
        const next = await Promise.all(callers.map((caller) => caller.claim()))
        expect(next.flatMap((reply) => reply.batches).map(texts)).toEqual([['2']])
      } finally {
        for (const redis of connections) redis.disconnect()
      }
    })
  })

  describe('messages that queue behind a batch and then wait again', () => {
    it('are one batch that is ready when the batch before it is done, their time counting from their arrival', async () => {
      await lua().call('add', 'ann', '1', 'FLUSH')
      const { token } = await lua().claimOne()
      await add('ann', '2')
      await lua().tick(4000)
      await add('ann', '3')
      await lua().tick(10_000)
      expect(await lua().call('complete', 'ann', token)).toEqual(['completed'])
      const batch = await lua().claimOne()
      expect([texts(batch), batch.deadline]).toEqual([['2', '3'], START + 14_000])
    })
  })

  describe('a retry that is merged with itself', () => {
    it('is not: each message is there once, by whichever way its batch comes back', async () => {
      await lua().call('add', 'ann', '1', 'NEXT', 'ann', '2', 'FLUSH', 'NEXT', 'ann', '3', 'FLUSH')
      const { token } = await lua().claimOne('LEASE', 1000)
      await lua().call('fail', 'ann', token, 'DELAY', 500)
      await lua().call('fail', 'ann', token, 'DELAY', 0)
      await lua().tick(1000)
      const second = await lua().claimOne('LEASE', 1000)
      await lua().tick(1000)
      const third = await lua().claimOne()
      expect(await lua().call('fail', 'ann', second.token)).toBe('lost')
      expect([second, third].map(texts)).toEqual([
        ['1', '2'],
        ['1', '2'],
      ])
      await lua().call('fail', 'ann', third.token, 'ATTEMPTS', 1)
      const [[id]] = await lua().call('dead')
      expect([await lua().call('requeue', id), await lua().call('requeue', id)]).toEqual([['requeued'], ['unknown']])
      expect(dataOf((await lua().call('peek', 'ann'))[7])).toEqual(['1', '2', '3'])
      await lua().holds()
    })
  })
})
