import { expect, it, vi } from 'vitest'
import { describeBindings } from '../support/lua.ts'
import { gate, useClients } from './clients.ts'

// The clock of the leases is moved; the heartbeat, a third of a lease, runs on real time. So the leases here are short, and not so short that a busy machine loses them.
describeBindings('leases', (lua) => {
  const client = useClients(lua)

  it('keeps the lease of a handler that runs for longer', async () => {
    const rapidfire = client()
    const other = client()
    await rapidfire.addMessage('ann', 1, { flush: true })
    const summary = await rapidfire.processPendingBatches(
      async (_, { signal }) => {
        for (let n = 0; n < 4; n += 1) {
          await lua().tick(500)
          await vi.waitFor(async () => expect((await rapidfire.peek('ann')).until).toBe(lua().now + 600), { interval: 5, timeout: 10_000 })
          expect((await other.claimReady()).batches).toEqual([])
        }
        expect(signal.aborted).toBe(false)
      },
      { lease: 600 },
    )
    expect(summary).toMatchObject({ completed: 1, lost: 0 })
  })

  it('aborts the signal of a handler whose lease is lost, and of no other', async () => {
    const rapidfire = client()
    const other = client()
    await rapidfire.addMessages([
      { key: 'ann', data: 1, flush: true },
      { key: 'bob', data: 1, flush: true },
    ])
    const lost = gate()
    const summary = await rapidfire.processPendingBatches(
      async (batch, { signal }) => {
        if (batch.key === 'bob') {
          await lost.opened
          expect(signal.aborted).toBe(false)
          return
        }
        try {
          // As if the lease had run out; a heartbeat in between would lengthen it again.
          await vi.waitFor(
            async () => {
              await lua().redis.zadd(`${lua().root}:active`, lua().now, 'ann')
              expect((await other.claimReady({ limit: 1 })).batches).toMatchObject([{ key: 'ann', token: `${batch.id}:2` }])
            },
            { interval: 1, timeout: 10_000 },
          )
          if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve))
          expect(signal.reason.message).toBe(`the lease of batch ${batch.id} is lost`)
        } finally {
          lost.open()
        }
        throw new Error('stopped')
      },
      { lease: 1500, concurrency: 4, limit: 2 },
    )
    expect(summary).toMatchObject({ batches: 2, completed: 1, lost: 1 })
    expect(await rapidfire.peek('ann')).toMatchObject({ state: 'active', size: 1 })
  })

  it('tells of those that are dead, since the lease of their last attempt has run out', async () => {
    const rapidfire = client()
    await rapidfire.addMessages([...'ab'].map((key) => ({ key, data: 1, flush: true })))
    const { batches } = await rapidfire.claimReady({ lease: 1000 })
    await lua().tick(1000)
    const { dead, ...others } = await rapidfire.claimReady({ limit: 1, attempts: 1 })
    expect(others.batches).toEqual([])
    const error = 'the lease of attempt 1 ran out'
    expect(dead).toEqual(batches.map((batch) => ({ batch: { ...batch, due: lua().now }, cause: 'lease', error })))
    await rapidfire.addMessage('c', 1, { flush: true })
    await rapidfire.claimReady({ lease: 1000 })
    await lua().tick(1000)
    expect(await rapidfire.processPendingBatches(() => {}, { attempts: 1 })).toMatchObject({ batches: 0, messages: 0, dead: 1 })
  })

  it('counts as lost what a handler finishes too late', async () => {
    const rapidfire = client()
    const other = client()
    await rapidfire.addMessage('ann', 1, { flush: true })
    const summary = await rapidfire.processPendingBatches(async () => {
      await lua().tick(30_000)
      expect(await other.processPendingBatches(() => {})).toMatchObject({ completed: 1 })
    })
    expect(summary).toMatchObject({ batches: 1, completed: 0, lost: 1 })
    expect(await rapidfire.getStats()).toMatchObject({ messages: 0, totals: { completed: 1, redelivered: 1 } })
  })
})
