import { setTimeout as sleep } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import type { RapidFire, Worker } from '../../../../src/index.ts'
import type { Agent } from '../agents.ts'
import type { Scale } from '../bench.ts'

/** An ordinary deployment, to which fresh conversations come. */
export interface Deployment {
  workers: number
  concurrency: number
  /** How long a handler takes, ms. */
  handler: number
  /** Conversations that begin in a second, of one message each. */
  fresh: number
  seconds: number
  partitions?: number
  /** The policy, ms. @default 100 */
  wait?: number
  /** Whether somebody wants to know when the workers are idle. */
  idle?: true
  /** Instead of workers there is a loop of `claimReady`. */
  claims?: true
  /** An older worker than the others is a process of its own. */
  process?: true
  /** What the queue holds before the fresh conversations come. */
  load?: (client: RapidFire, redis: Redis) => Promise<unknown>
  /** Keys whose handler fails each time; `together`: all of them when the event happens. */
  fails?: (key: string) => boolean
  together?: true
  /** Happens when a third of the time has passed: what comes from then on counts. */
  event?: (workers: Worker<unknown>[], agent: Agent | undefined) => unknown
}

const MESSAGE = { text: 'x'.repeat(100) }

/** What deployments differ in, by the names of their rows. */
export function deployments(scale: Scale): Record<string, Deployment> {
  const seconds = 3 * scale.seconds.fed
  /** A short run has fewer of what costs much. */
  const some = (count: number) => Math.max(2, Math.ceil((count * Math.min(scale.keys, 2000)) / 2000))
  const messages = (keys: number, each: number, name: string) => (client: RapidFire) =>
    client.addMessages(Array.from({ length: keys * each }, (_, n) => ({ key: `${name} ${n % keys}`, data: MESSAGE })))
  const flood = (keys: number) => messages(keys, some(1000), 'flood')
  const failing = (keys: number) => ({
    load: messages(some(keys), 1, 'fails'),
    fails: (key: string) => key.startsWith('fails'),
  })
  /** Each gets a message again before it is ready. */
  const chatting = (keys: number) => async (client: RapidFire) => {
    const until = performance.now() + (seconds + 1) * 1000
    const add = messages(keys, 1, 'chats')
    await add(client)
    void (async () => {
      while (performance.now() < until) {
        await sleep(700)
        await add(client).catch(() => {})
      }
    })()
  }

  const one: Deployment = { concurrency: 10, handler: 100, workers: 1, fresh: 4, seconds }
  const two: Deployment = { ...one, workers: 2, handler: 1, fresh: 20 }
  return {
    'nothing else': one,
    'beside 10 keys that flood': { ...one, load: flood(10) },
    'beside 200 keys that fail': { ...one, ...failing(200) },
    'beside 1,000 that fail at once': { ...one, ...failing(1000), concurrency: 1000, together: true, event: () => {} },
    'behind 500 whose data is no JSON': {
      ...{ ...one, handler: 1 },
      load: async (_, redis) => {
        const adding = redis.pipeline()
        for (let n = 0; n < some(500); n += 1) adding.fcall('rapidfire_add', 1, 'rapid-fire:{bench}', `odd ${n}`, 'no JSON')
        await adding.exec()
      },
    },
    'beside 200 keys that go on writing': { ...one, wait: 1000, load: chatting(some(200)) },
    'the older of 2 workers pauses': { ...two, event: ([older]) => older?.pause() },
    '16 partitions, the older of 2 workers closes': { ...two, partitions: 16, event: ([older]) => older?.close() },
    '16 partitions, the older of 2 workers is killed': {
      ...two,
      workers: 1,
      partitions: 16,
      process: true,
      event: (_, older) => older?.stop(),
    },
    '16 partitions, one of them flooded': { ...two, workers: 1, partitions: 16, load: flood(1) },
    '16 partitions, one of them flooded, claimReady': { ...two, partitions: 16, load: flood(1), claims: true },
    '64 partitions, 2 workers of 4, handlers of 1 s': { ...one, workers: 2, concurrency: 4, partitions: some(64), handler: 1000 },
    '256 partitions, a listener for idle': { ...two, workers: 1, partitions: some(256), idle: true },
    '50 workers of 2': { ...two, workers: some(50), concurrency: 2 },
    '100 workers of 1': { ...two, workers: some(100), concurrency: 1 },
  }
}
