import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { findServer } from '../../cli/demo/private-redis.ts'
import { Run } from './support/run.ts'

const missing = !findServer()
if (missing) console.warn('skipped: faults of workers: no redis-server or valkey-server on PATH to start')

describe.skipIf(missing)('a worker process', () => {
  it('that is killed inside a handler: another one gets the same batch with attempt 2 when the lease has ended, and no earlier', async () => {
    const run = await Run.start()
    const pids = await run.workers(2, { lease: 1500 })
    await run.add('ann', { message: 'a', act: 'hold' }, { flush: true })
    const first = await run.entry('started', { key: 'ann' })
    await run.add('ann', { message: 'b' })
    await run.add('bob', { message: 'c' })
    await run.acknowledged('ann')
    await run.kill(first.pid)
    const until = await run.noteLease('ann')
    const second = await run.entry('started', { attempt: 2 })
    expect(second).toMatchObject({ key: 'ann', batch: first.batch, messages: ['a'], pid: pids.find((pid) => pid !== first.pid) })
    expect(second.at).toBeGreaterThanOrEqual(until)
    await run.settle()
  })

  it('that is stopped for longer than its lease: its signal aborts, its result is refused, and the batch is handled once more', async () => {
    const run = await Run.start()
    // A quarter of it is how long the answer may take once the process goes on.
    await run.workers(2, { lease: 2500 })
    await run.add('ann', { message: 'a', act: 'hold' }, { flush: true })
    const first = await run.entry('started', { key: 'ann' })
    await run.acknowledged('ann')
    run.signal(first.pid, 'SIGSTOP')
    await run.noteLease('ann')
    await run.add('ann', { message: 'b' })
    await run.entry('told', { event: 'completed', batch: first.batch, attempt: 2 })
    run.signal(first.pid, 'SIGCONT')
    const aborted = await run.entry('aborted', { batch: first.batch, attempt: 1 })
    // Whether Redis says so first, or it is only feared, depends on how fast the process goes on.
    const reason = new RegExp(`^the lease of batch ${first.batch} (is lost|may have run out, for Redis does not answer)$`)
    expect(aborted).toMatchObject({ pid: first.pid, reason: expect.stringMatching(reason) })
    await run.entry('told', { event: 'lost', batch: first.batch, attempt: 1 })
    const entries = await run.settle()
    const attempts = entries.filter((entry) => entry.what === 'started' && entry.batch === first.batch)
    expect(attempts.map((entry) => 'attempt' in entry && entry.attempt)).toEqual([1, 2])
    expect(entries.filter((entry) => entry.what === 'told' && entry.event === 'completed' && entry.batch === first.batch)).toHaveLength(1)
  })

  it('whose handler runs three times its lease: the batch is not handed out twice', async () => {
    const run = await Run.start()
    await run.workers(2, { lease: 700 })
    await run.add('ann', { message: 'a', act: 'sleep', ms: 2100 }, { flush: true })
    await run.entry('started', { key: 'ann' })
    await run.add('ann', { message: 'b' })
    const entries = await run.settle()
    expect(entries.filter((entry) => entry.what === 'started')).toMatchObject([
      { attempt: 1, messages: ['a'] },
      { attempt: 1, messages: ['b'] },
    ])
  })

  it('whose handlers throw, reject, never settle or throw undefined: their batches come again, and it lives on', async () => {
    const run = await Run.start()
    const pids = await run.workers(2, { lease: 1000, timeout: 700 })
    const acts = ['throw', 'reject', 'never', 'throw undefined'] as const
    for (const act of acts) await run.add(act, { message: act, act }, { flush: true })
    for (const act of acts) await run.add(act, { message: `behind ${act}` })
    const entries = await run.settle()
    const told = entries.filter((entry) => entry.what === 'told')
    expect(acts.map((act) => told.find(({ key }) => key === act))).toMatchObject([
      { event: 'failed', error: 'thrown' },
      { event: 'failed', error: 'rejected' },
      { event: 'failed', error: 'the handler took longer than 700 ms' },
      { event: 'failed' },
    ])
    expect(entries.flatMap(({ what, pid }) => (what === 'closed' ? [pid] : [])).sort()).toEqual(pids.sort())
  })

  it('whose handler blocks the event loop past the lease: its result is refused, and the batch is handled once more', async () => {
    const run = await Run.start()
    await run.workers(2, { lease: 700 })
    await run.add('ann', { message: 'a', act: 'block', ms: 2500 }, { flush: true })
    const first = await run.entry('started')
    await run.add('ann', { message: 'b' })
    await run.add('bob', { message: 'c' })
    const entries = await run.settle()
    expect(entries.filter((entry) => entry.what === 'told' && entry.batch === first.batch)).toMatchObject([
      // The first claim was never acknowledged: it might as well have got lost on its way, and is no attempt.
      { event: 'completed', attempt: 1, claim: 2 },
      { event: 'lost', attempt: 1, claim: 1, pid: first.pid },
    ])
  })

  it.each([
    ['', undefined],
    [' with a timeout', 200],
  ])(
    'that closes under load%s: each of 1000 batches in flight and due is completed or claimable, and it ends by itself',
    async (_, closeTimeout) => {
      const run = await Run.start()
      const [pid] = await run.workers(1, { concurrency: 1000, lease: 60_000 }, closeTimeout)
      const adding = Array.from({ length: 2000 }, (_, n) =>
        run.add(`key${n}`, { message: `m${n}`, act: 'sleep', ms: 100 + (n % 50) * 20 }, { flush: true }),
      )
      await Promise.all(adding)
      await run.until((entries) => entries.filter(({ what }) => what === 'started').length > 500)
      expect(await run.terminate([pid as number])).toEqual([0])
      const { active, ready, messages } = await run.client.getStats()
      const entries = run.history.read()
      const completed = entries.filter((entry) => entry.what === 'told' && entry.event === 'completed').length
      expect(messages).toBe(2000 - completed)
      expect(active + ready).toBe(messages)
      if (closeTimeout === undefined) expect(active).toBe(0)
      // All of it can be claimed now, and not only when the leases have run out.
      const rest: string[] = []
      await run.client.processPendingBatches((batch) => rest.push(batch.key), { concurrency: 500 })
      const done = entries.flatMap((entry) => (entry.what === 'told' && entry.event === 'completed' ? [entry.key] : []))
      expect(new Set([...done, ...rest]).size).toBe(2000)
      expect(done.length + rest.length).toBe(2000)
    },
  )

  it('that is idle, or was never used, ends by itself when it closes', async () => {
    const run = await Run.start()
    expect(await run.terminate(await run.workers(2, {}))).toEqual([0, 0])
  })

  it('that is killed again and again, as one of four under traffic', async () => {
    const run = await Run.start()
    let pids = await run.workers(4, { lease: 1000, concurrency: 4 })
    await run.traffic(12, 25, 100, async () => {
      for (let n = 0; n < 3; n += 1) {
        await sleep(500)
        await run.kill(pids[0] as number)
        pids = [...pids.slice(1), ...(await run.workers(1, { lease: 1000, concurrency: 4 }))]
      }
    })
    await run.settle()
  })
})
