import { setTimeout as sleep } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import { addingRow, type Bench, installed } from '../bench.ts'
import type { Measure } from '../rounds.ts'
import { ALL, type SystemName } from '../systems/index.ts'

const PER_KEY = 3
const DAY = 86_400_000

/** The first row is what the others are compared with. */
const ROWS: SystemName[] = ['floor', ...ALL.filter((name) => name !== 'floor')]

export function memoryMeasure(bench: Bench): Measure {
  const { redis, scale } = bench
  const load = { keys: scale.pending, perKey: PER_KEY, size: 250 }
  return {
    title: `Memory of Redis for a pending message of 100 bytes: ${load.keys.toLocaleString('en-US')} keys × ${PER_KEY}`,
    columns: [
      { name: 'bytes', title: 'bytes each', digits: 0 },
      { name: 'ratio', title: '× RPUSH + ZADD', digits: 2, ratioOf: 'bytes' },
    ],
    rows: installed(ROWS).map((name) =>
      addingRow(bench, name, DAY, async (agent) => {
        const before = await usedMemory(redis)
        await agent.do('addInBulk', load)
        await agent.do('close', undefined)
        return { bytes: ((await usedMemory(redis)) - before) / (load.keys * PER_KEY) }
      }),
    ),
    rounds: 1,
  }
}

async function usedMemory(redis: Redis): Promise<number> {
  // Redis moves keys to a larger table, and frees buffers of clients, ten times a second.
  await sleep(300)
  return Number(/used_memory:(\d+)/.exec(await redis.info('memory'))?.[1])
}
