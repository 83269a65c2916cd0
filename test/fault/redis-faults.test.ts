import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { findServer } from '../../cli/demo/private-redis.ts'
import type { BindingMode } from '../../src/redis/loader.ts'
import type { Entry } from './history.ts'
import { NOT_THERE, Run } from './support/run.ts'

const isTimeout = (entry: Entry) => entry.what === 'error' && /timed out/.test(entry.text)

const missing = !findServer()
if (missing) console.warn('skipped: faults of Redis: no redis-server or valkey-server on PATH to start')

const DURABLE = ['--appendonly', 'yes', '--appendfsync', 'always']
const OPTIONS = { lease: 1500, concurrency: 4 }
/** With less patience for a Redis that is stopped. */
const IMPATIENT = { ...OPTIONS, timing: { stall: 1500 } }

describe.skipIf(missing).each<BindingMode>(['functions', 'scripts'])('Redis, %s', (binding) => {
  it('killed and restarted with an append-only file, three times, under traffic', async () => {
    const run = await Run.start({ redis: DURABLE, binding })
    await run.workers(4, OPTIONS)
    await run.traffic(10, 20, 120, async () => {
      for (let n = 0; n < 3; n += 1) {
        await sleep(300)
        await run.killServer()
        await sleep(200)
        await run.startServer()
      }
    })
    await run.settle()
  })

  it('that loses its functions and scripts again and again while 4 workers run', async () => {
    const run = await Run.start({ binding })
    await run.workers(4, OPTIONS)
    await run.traffic(10, 20, 60, async () => {
      for (let n = 0; n < 40; n += 1) {
        await run.redis.function('FLUSH')
        await run.redis.script('FLUSH')
        await sleep(25)
      }
    })
    const errors = (await run.settle()).flatMap((entry) => (entry.what === 'error' ? [entry.text] : []))
    expect(errors.filter((text) => !NOT_THERE.test(text))).toEqual([])
  })

  it('over maxmemory, with noeviction: adds get a typed error, workers drain, and adds are accepted again', async () => {
    const run = await Run.start({ binding, policy: { wait: 1, maxWait: 1, maxSize: 5, maxBacklog: 100_000 } })
    const used = Number(/used_memory:(\d+)/.exec(await run.redis.info('memory'))?.[1])
    await run.redis.config('SET', 'maxmemory', used + 2_000_000)
    let refused: unknown
    for (let n = 0; !refused && n < 5000; n += 1) {
      await run.add(`key${n % 20}`, { message: `m${n}`, padding: 'x'.repeat(2000) }).catch((error) => (refused = error))
    }
    expect(refused).toMatchObject({ name: 'RapidfireError', code: 'OUT_OF_MEMORY', command: 'rapidfire_add' })
    await run.redis.config('SET', 'maxmemory', used)
    await expect(run.client.addMessage('key0', { message: 'none' })).rejects.toMatchObject({ code: 'OUT_OF_MEMORY' })
    await run.workers(2, OPTIONS)
    await run.until((entries) => entries.filter((entry) => entry.what === 'told' && entry.event === 'completed').length > 20)
    await run.redis.config('SET', 'maxmemory', used + 10_000_000)
    await run.add('zoe', { message: 'after' })
    const entries = await run.settle()
    expect(entries.filter(({ what }) => what === 'error')).toEqual([])
  })
})

describe.skipIf(missing)('Redis', () => {
  it('restarted with its data and without its functions', async () => {
    const run = await Run.start({ redis: DURABLE })
    await run.workers(2, OPTIONS)
    await run.traffic(5, 10, 100, async () => {
      await sleep(300)
      await run.killServer()
      await run.startServer((redis) => redis.function('FLUSH'))
    })
    await run.settle()
  })

  it('restarted empty: the workers go on with what comes then', async () => {
    const run = await Run.start()
    await run.workers(2, OPTIONS)
    await run.add('ann', { message: 'a' })
    await run.until((entries) => entries.some((entry) => entry.what === 'told' && entry.event === 'completed'))
    await run.killServer()
    await run.entry('error')
    await run.startServer()
    await run.add('ann', { message: 'b' })
    await run.add('bob', { message: 'c' })
    await run.settle()
    expect(await run.client.policy()).toMatchObject({ wait: 20, maxWait: 100, maxSize: 5 })
  })

  it('stopped for longer than a worker waits for an answer', async () => {
    const run = await Run.start()
    const pids = await run.workers(2, IMPATIENT)
    await run.traffic(10, 15, 100, async () => {
      await sleep(500)
      run.signalServer('SIGSTOP')
      await run.until((entries) => pids.every((pid) => entries.some((entry) => entry.pid === pid && isTimeout(entry))))
      run.signalServer('SIGCONT')
    })
    const entries = await run.settle()
    expect(entries.filter(isTimeout).some(({ pid }) => pids.includes(pid))).toBe(true)
  })

  it('that closes all connections again and again', async () => {
    const run = await Run.start()
    await run.workers(4, OPTIONS)
    await run.traffic(10, 20, 80, async () => {
      for (let n = 0; n < 12; n += 1) {
        await run.redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
        await run.redis.call('CLIENT', 'KILL', 'TYPE', 'pubsub', 'SKIPME', 'yes')
        await sleep(100)
      }
    })
    await run.settle()
  })

  it('that is stopped while the workers close: they end by themselves all the same', async () => {
    const run = await Run.start()
    const pids = await run.workers(2, IMPATIENT, 500)
    await run.add('ann', { message: 'a', act: 'never' }, { flush: true })
    await run.entry('started')
    run.signalServer('SIGSTOP')
    expect(await run.terminate(pids)).toEqual([0, 0])
    run.signalServer('SIGCONT')
    await run.workers(1, OPTIONS)
    await run.settle()
  })
})
