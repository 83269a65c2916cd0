import type { Redis } from 'ioredis'
import { type Batch, RapidFire } from '../../../../src/index.ts'
import { type Bench, serverMicros } from '../bench.ts'
import { makeMessages } from '../messages.ts'
import type { Measure } from '../rounds.ts'
import { raw } from '../systems/raw.ts'
import type { BenchMessage } from '../systems/system.ts'

const DAY = 86_400_000
const PER_KEY = 10
const CLAIM = 50
const BULK = 250

/** Looks at the time of the server alone, so it needs no processes of its own. */
export function growthMeasure(bench: Bench): Measure {
  const { redis, url, scale } = bench
  const sample = makeMessages({ keys: Math.min(2000, scale.keys), perKey: PER_KEY }, '7100')
  const batches = sample.length / PER_KEY

  async function round(keys: number): Promise<Record<string, number>> {
    const others = makeMessages({ keys, perKey: 1 })
    await redis.flushall()
    const plain = raw({ url, wait: 0, ids: false })
    await inBulk(others, plain.addMany)
    const pushed = await spent(redis, 'raw', () => inBulk(sample, plain.addMany))
    await plain.close()

    await redis.flushall()
    const client = new RapidFire<{ text: string }>({ redis: url, queue: 'bench', policy: { wait: DAY, maxWait: DAY } })
    const add = (messages: readonly BenchMessage[]) => client.addMessages(messages.map(({ key, data }) => ({ key, data })))
    await inBulk(others, add)
    const added = await spent(redis, 'rapidfire', () => inBulk(sample, add))
    const claimed: Batch<{ text: string }>[] = []
    const claiming = await spent(redis, 'rapidfire', async () => {
      for (let more = 1; more > 0; ) {
        const { batches: found } = await client.claimReady({ limit: CLAIM })
        claimed.push(...found)
        more = found.length
      }
    })
    if (claimed.length !== batches) throw new Error(`${claimed.length} of ${batches} batches were claimed`)
    const completing = await spent(redis, 'rapidfire', () => Promise.all(claimed.map((batch) => client.complete(batch))))
    await client.close()
    return {
      raw: pushed / sample.length,
      add: added / sample.length,
      claim: claiming / batches,
      complete: completing / batches,
    }
  }

  return {
    title: `Cost as open keys grow: server µs for a message, and for claiming and completing a batch of ${PER_KEY}`,
    columns: [
      { name: 'raw', title: 'raw RPUSH', digits: 2 },
      { name: 'add', title: 'add', digits: 2 },
      { name: 'claim', title: 'claim', digits: 2 },
      { name: 'complete', title: 'complete', digits: 2 },
      ...(['raw', 'add', 'claim', 'complete'] as const).map((name) => ({
        name: `${name}Ratio`,
        title: `${name} × first`,
        digits: 2,
        ratioOf: name,
      })),
    ],
    rows: scale.open.map((keys) => ({
      name: `${keys.toLocaleString('en-US')} keys`,
      open: async () => ({ round: () => round(keys), close: async () => {} }),
    })),
    rounds: scale.rounds,
  }
}

async function inBulk(messages: readonly BenchMessage[], add: (part: readonly BenchMessage[]) => Promise<unknown>): Promise<void> {
  for (let at = 0; at < messages.length; at += BULK) await add(messages.slice(at, at + BULK))
}

async function spent(redis: Redis, name: 'raw' | 'rapidfire', work: () => Promise<unknown>): Promise<number> {
  await redis.config('RESETSTAT')
  await work()
  return serverMicros(redis, name)
}
