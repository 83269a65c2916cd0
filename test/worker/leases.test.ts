import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import type { Batch } from '../../src/batches/batch.ts'
import { describeBindings } from '../support/lua.ts'
import { findRedisCli } from '../support/shell.ts'
import { proxyTo } from './proxy.ts'
import { addDue, block, eventually, gate, useWorkers } from './workers.ts'

describeBindings('leases of a worker', (lua) => {
  const { client, start } = useWorkers(lua)

  /** Lets a claim be carried out, and keeps its reply back until `until`. */
  async function withLateReply(lease: number, until: () => Promise<unknown>) {
    const proxy = await proxyTo(lua().server.url)
    const other = client()
    const handled: number[] = []
    const signals: AbortSignal[] = []
    const worker = start(
      ({ attempt }, { signal }) => {
        handled.push(attempt)
        signals.push(signal)
      },
      { lease },
      client({ redis: proxy.url }),
    )
    await once(worker, 'ready')
    proxy.hold()
    await other.addMessage('ann', 1, { flush: true })
    await eventually(async () => expect(await other.peek('ann')).toMatchObject({ state: 'active' }))
    await until()
    proxy.letGo()
    return { worker, other, handled, signals }
  }

  it('a claim whose reply is read after its lease has ended starts no handler when another worker has the batch', async () => {
    const claimed: Batch[] = []
    const { worker, other, handled } = await withLateReply(80, async () => {
      await eventually(async () => {
        claimed.push(...(await client().claimReady()).batches)
        expect(claimed).toMatchObject([{ key: 'ann', token: expect.stringMatching(/:2$/) }])
      })
    })
    await other.addMessage('bob', 1, { flush: true })
    await eventually(() => expect(worker.told).toMatchObject([['completed', { key: 'bob' }]]))
    expect(handled).toEqual([1])
    expect(await other.complete(claimed[0] as Batch)).toBe('completed')
  })

  it('a claim whose reply is read late is lengthened before its handler starts, when nobody else has the batch', async () => {
    const { worker, handled, signals } = await withLateReply(80, () => sleep(100))
    await eventually(() => expect(worker.told).toMatchObject([['completed', { key: 'ann', attempt: 1 }]]))
    expect(handled).toEqual([1])
    expect(signals[0]?.aborted).toBe(false)
  })

  it('a handler that blocks the event loop past the lease lets no batch of the same claim start that another worker has by then', async ({
    skip,
  }) => {
    const cli = findRedisCli()
    if (!cli) {
      console.warn('skipped: a handler that blocks: no redis-cli or valkey-cli on PATH')
      return skip()
    }
    const handled: string[] = []
    const args = lua().mode === 'functions' ? ['FCALL', 'rapidfire_claim_ready'] : ['EVAL', (await scriptOf('claim_ready')) as string]
    await addDue(client(), 2)
    const worker = start(
      (batch) => {
        handled.push(batch.key)
        if (handled.length > 1) return
        block(120)
        // Another process claims meanwhile what this one has claimed and does not handle yet.
        execFileSync(cli, ['--no-auth-warning', '-u', lua().server.url, ...args, '1', lua().root, 'LIMIT', '10', 'LEASE', '60000'])
      },
      { lease: 100, concurrency: 4 },
    )
    await eventually(() => expect(worker.told).toHaveLength(1))
    await client().addMessage('bob', 1, { flush: true })
    await eventually(() => expect(worker.told.filter(([event]) => event === 'completed')).toMatchObject([['completed', { key: 'bob' }]]))
    expect(handled).toHaveLength(2)
  })

  const scriptOf = async (name: 'claim_ready') => (await import('../support/lua.ts')).TEST_SOURCE.scripts[name].text

  it('a new connection asks at once whether what runs is still ours: the server it leads to may know nothing of it', async () => {
    const proxy = await proxyTo(lua().server.url)
    const reasons: Error[] = []
    // Its heart beats in 200 s.
    const worker = start(
      async (_, { signal }) => {
        await once(signal, 'abort')
        reasons.push(signal.reason)
      },
      { lease: 600_000 },
      client({ redis: proxy.url }),
    )
    await client().addMessage('ann', 1, { flush: true })
    await eventually(() => expect(worker.running).toBe(1))
    // As after a failover to a replica that had not got the claim yet.
    await lua().redis.del(`${lua().root}:claims`, `${lua().root}:active`, `${lua().root}:messages:ann`)
    proxy.cut('')
    await eventually(() => expect(reasons).toMatchObject([{ message: expect.stringMatching(/is lost$/) }]))
    await eventually(() => expect(worker.told.filter(([event]) => event !== 'error')).toMatchObject([['lost', { key: 'ann' }]]))
  })

  it('the signal aborts as soon as the handler itself is told that the lease is lost', async () => {
    const seen: unknown[] = []
    const worker = start(
      async (_, { signal, extend }) => {
        await lua().redis.del(`${lua().root}:claims`, `${lua().root}:active`, `${lua().root}:messages:ann`)
        seen.push(signal.aborted, (await extend()).status, signal.aborted)
      },
      { lease: 600_000 },
    )
    await client().addMessage('ann', 1, { flush: true })
    await eventually(() => expect(worker.told).toMatchObject([['lost', { key: 'ann' }]]))
    expect(seen).toEqual([false, 'lost', true])
  })

  it('a lease that the handler has lengthened is held for as long, though no heartbeat comes through', async () => {
    const proxy = await proxyTo(lua().server.url)
    const held = gate()
    const signals: AbortSignal[] = []
    const worker = start(
      async (batch, { signal, extend }) => {
        signals.push(signal)
        if (batch.key === 'ann') await extend(600_000)
        await held.opened
      },
      { lease: 300, timing: { stall: 100 } },
      client({ redis: proxy.url }),
    )
    await client().addMessages(['ann', 'bob'].map((key) => ({ key, data: 1, flush: true })))
    await eventually(async () => expect((await client().peek('ann')).until).toBeGreaterThan(Date.now() + 500_000))
    await eventually(() => expect(worker.running).toBe(2))
    await sleep(20) // so that the answer has come
    proxy.silence()
    await eventually(() => expect(signals.some(({ aborted }) => aborted)).toBe(true))
    expect(signals.filter(({ aborted }) => aborted).map(({ reason }) => reason.message)).toMatchObject([
      expect.stringMatching(/may have run out/),
    ])
    proxy.silence(false)
    held.open()
  })
})
