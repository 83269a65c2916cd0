import { setTimeout as sleep } from 'node:timers/promises'
import { RapidFire, type Worker } from '../../../../src/index.ts'
import type { Bench } from '../bench.ts'
import { type Measure, percentile } from '../rounds.ts'

/** The policy, unless a deployment has another, ms. */
const WAIT = 100
const MESSAGE = { text: 'x'.repeat(100) }

interface Deployment {
  concurrency: number
  /** How long a handler takes, ms. */
  handler: number
  workers: number
  partitions?: number
  wait?: number
  /** What the queue holds before the fresh conversations come. */
  load?: (client: RapidFire) => Promise<unknown>
  /** Keys whose handler fails each time. */
  fails?: (key: string) => boolean
  /** Happens when a third of the time has passed. */
  event?: (workers: Worker<unknown>[]) => unknown
  /** Conversations that begin in a second, of one message each. */
  fresh: number
  seconds: number
}

/** How ordinary deployments treat a fresh conversation: how late it is handled, and what Redis does for it. */
export function fairMeasure({ url, redis, scale }: Bench): Measure {
  const seconds = 3 * scale.seconds.fed
  const many = Math.ceil(scale.keys / 10)

  async function round({ concurrency, handler, workers, partitions, wait = WAIT, load, fails, event, fresh, seconds }: Deployment) {
    await redis.flushall()
    const late: number[] = []
    let batches = 0
    const client = new RapidFire({ redis: url, queue: 'bench', policy: { wait, ...(partitions && { partitions }) } })
    await client.getStats()
    const handle = async ({ key, deadline }: { key: string; deadline: number }) => {
      batches += 1
      if (key.startsWith('fresh')) late.push(Date.now() - deadline)
      await sleep(handler)
      if (fails?.(key)) throw new Error('it fails each time')
    }
    const started = Array.from({ length: workers }, () => client.worker(handle, { concurrency, backoff: () => 1000 }))
    for (const worker of started) {
      worker.on('error', () => {})
      void worker.run()
    }
    await Promise.all(started.map((worker) => new Promise((resolve) => worker.once('ready', () => resolve(undefined)))))
    await load?.(client)
    await sleep(Math.min(1000, seconds * 300))
    await redis.config('RESETSTAT')
    const [before, sent] = [batches, Math.ceil(fresh * seconds)]
    for (let n = 0; n < sent; n += 1) {
      if (n === Math.floor(sent / 3)) void event?.(started)
      void client.addMessage(`fresh ${n}`, MESSAGE)
      await sleep(1000 / fresh)
    }
    await sleep(wait + handler + Math.min(500, seconds * 300))
    const calls = Number(/cmdstat_fcall:calls=(\d+)/.exec(await redis.info('commandstats'))?.[1] ?? 0)
    const figures = { perBatch: calls / Math.max(1, batches - before), rate: calls / seconds }
    // What is not handled yet is as late as the rest of the round was long.
    const ages = [...late, ...Array.from({ length: sent - late.length }, () => seconds * 1000)].sort((a, b) => a - b)
    await Promise.all(started.map((worker) => worker.close({ timeout: 1 })))
    await client.close()
    return { ...figures, p50: percentile(ages, 0.5), p99: percentile(ages, 0.99), unhandled: sent - late.length }
  }

  const flood = (keys: number) => (client: RapidFire) =>
    client.addMessages(Array.from({ length: keys * many }, (_, n) => ({ key: `flood ${n % keys}`, data: MESSAGE })))
  const failing = (keys: number) => (client: RapidFire) =>
    client.addMessages(Array.from({ length: keys }, (_, n) => ({ key: `fails ${n}`, data: MESSAGE })))
  /** Each gets a message again before it is ready. */
  const chatting = (keys: number) => async (client: RapidFire) => {
    const until = performance.now() + (seconds + 1) * 1000
    const add = () => client.addMessages(Array.from({ length: keys }, (_, n) => ({ key: `chats ${n}`, data: MESSAGE })))
    await add()
    void (async () => {
      while (performance.now() < until) {
        await sleep(700)
        await add().catch(() => {})
      }
    })()
  }

  const one = { concurrency: 10, handler: 100, workers: 1, fresh: 4, seconds }
  const DEPLOYMENTS: Record<string, Deployment> = {
    'nothing else': one,
    'beside 10 keys that flood': { ...one, load: flood(10) },
    'beside 200 keys that fail': { ...one, load: failing(200), fails: (key) => key.startsWith('fails') },
    'beside 200 keys that go on writing': { ...one, wait: 1000, load: chatting(200) },
    '16 partitions, the older of 2 workers closes': {
      ...{ ...one, workers: 2, partitions: 16, handler: 1, fresh: 20 },
      event: ([older]) => older?.close(),
    },
    '64 partitions, 2 workers of 4, handlers of 1 s': { ...one, workers: 2, concurrency: 4, partitions: 64, handler: 1000 },
    '50 workers of 1': { ...one, workers: 50, concurrency: 1, fresh: 20 },
  }

  return {
    title: `Fresh conversations in ordinary deployments: ms from the deadline to the call of the handler`,
    columns: [
      { name: 'p50', title: 'p50', digits: 0 },
      { name: 'p99', title: 'p99', digits: 0 },
      { name: 'unhandled', title: 'not handled', digits: 0 },
      { name: 'perBatch', title: 'calls a batch', digits: 1 },
      { name: 'rate', title: 'calls/s', digits: 0 },
    ],
    rows: Object.entries(DEPLOYMENTS).map(([name, deployment]) => ({
      name,
      open: async () => ({ round: () => round(deployment), close: async () => {} }),
    })),
    rounds: 1,
  }
}
