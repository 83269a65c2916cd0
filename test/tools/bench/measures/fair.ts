import { setTimeout as sleep } from 'node:timers/promises'
import { type Batch, RapidFire } from '../../../../src/index.ts'
import { Agent } from '../agents.ts'
import type { Bench } from '../bench.ts'
import { type Measure, percentile } from '../rounds.ts'
import { type Deployment, deployments } from './deployments.ts'

/** How ordinary deployments treat a fresh conversation: how late it is handled, and what Redis does for it. */
export function fairMeasure({ url, redis, scale }: Bench): Measure {
  async function round(deployment: Deployment) {
    const { concurrency, handler, partitions, wait = 100, load, fails, together, event, fresh, seconds } = deployment
    await redis.flushall()
    /** By key of a fresh conversation, in ms. */
    const late = new Map<string, number>()
    let batches = 0
    let happen = () => {}
    const happened = new Promise<void>((resolve) => (happen = resolve))
    const client = new RapidFire({ redis: url, queue: 'bench', policy: { wait, ...(partitions && { partitions }) } })
    await client.getStats()
    const handle = async ({ key, deadline }: Batch) => {
      batches += 1
      if (key.startsWith('fresh') && !late.has(key)) late.set(key, Date.now() - deadline)
      if (together && fails?.(key)) await happened
      else await sleep(handler)
      if (fails?.(key)) throw new Error('it fails each time')
    }
    const older = deployment.process && new Agent()
    if (older) {
      await older.do('open', { name: 'rapidfire', url, wait })
      await older.do('work', { concurrency })
    }
    const consume = deployment.claims ? claiming(client, concurrency, handle) : working(client, deployment, handle)
    await consume.ready
    await load?.(client, redis)
    await sleep(Math.min(1000, seconds * 300))
    const sent = Math.ceil(fresh * seconds)
    const first = event ? Math.floor(sent / 3) : 0
    let before = batches
    for (let n = 0; n < sent; n += 1) {
      if (n === first) {
        await redis.config('RESETSTAT')
        before = batches
        happen()
        void event?.(consume.workers, older || undefined)
      }
      void client.addMessage(`fresh ${n}`, MESSAGE)
      await sleep(1000 / fresh)
    }
    await sleep(wait + handler + Math.min(500, seconds * 300))
    const calls = Number(/cmdstat_fcall:calls=(\d+)/.exec(await redis.info('commandstats'))?.[1] ?? 0)
    const counted = Array.from({ length: sent - first }, (_, n) => late.get(`fresh ${first + n}`))
    // What is not handled yet is as late as the rest of the round was long.
    const ages = counted.map((age) => age ?? seconds * 1000).sort((a, b) => a - b)
    await consume.close()
    await older?.stop()
    await client.close()
    return {
      ...{ p50: percentile(ages, 0.5), p99: percentile(ages, 0.99), unhandled: counted.filter((age) => age === undefined).length },
      ...{ perBatch: calls / Math.max(1, batches - before), calls },
    }
  }

  return {
    title: 'Fresh conversations in ordinary deployments: ms from the deadline to the call of the handler',
    columns: [
      { name: 'p50', title: 'p50', digits: 0 },
      { name: 'p99', title: 'p99', digits: 0 },
      { name: 'unhandled', title: 'not handled', digits: 0 },
      { name: 'perBatch', title: 'calls a batch', digits: 1 },
      { name: 'calls', title: 'calls', digits: 0 },
    ],
    rows: Object.entries(deployments(scale)).map(([name, deployment]) => ({
      name,
      open: async () => ({ round: () => round(deployment), close: async () => {} }),
    })),
    rounds: 1,
  }
}

const MESSAGE = { text: 'x'.repeat(100) }

type Handle = (batch: Batch) => Promise<void>

/** Workers, the oldest first. */
function working(client: RapidFire, { workers, concurrency, idle }: Deployment, handle: Handle) {
  const started = Array.from({ length: workers }, () => client.worker(handle, { concurrency, backoff: () => 1000 }))
  for (const worker of started) {
    worker.on('error', () => {})
    // Some handlers fail on purpose: that is nothing to warn of.
    worker.on('failed', () => {})
    if (idle) worker.on('idle', () => {})
    void worker.run()
  }
  return {
    workers: started,
    ready: Promise.all(started.map((worker) => new Promise((resolve) => worker.once('ready', () => resolve(undefined))))),
    close: () => Promise.all(started.map((worker) => worker.close({ timeout: 1 }))),
  }
}

/** A loop that claims by itself, and looks again after 10 ms when there was nothing. */
function claiming(client: RapidFire, limit: number, handle: Handle) {
  let goesOn = true
  const loop = async () => {
    while (goesOn) {
      const { batches } = await client.claimReady({ limit })
      await Promise.all(batches.map((batch) => handle(batch).then(() => client.complete(batch))))
      if (batches.length === 0) await sleep(10)
    }
  }
  const ended = loop()
  const close = () => {
    goesOn = false
    return ended
  }
  return { workers: [], ready: Promise.resolve(), close }
}
