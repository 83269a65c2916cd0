import { setTimeout as sleep } from 'node:timers/promises'
import { addingRow, type Bench, installed, serverMicros, workingRow } from '../bench.ts'
import type { Measure, Row } from '../rounds.ts'
import { WORKING } from '../systems/index.ts'

const PER_KEY = 10
const CONCURRENCY = 50
const WAIT = 200
const BULK = 250

/** All batches are due before the worker starts. The first row only adds the messages: the rest are compared with that. */
export function drainMeasure(bench: Bench): Measure {
  const { redis, scale } = bench
  const load = { keys: scale.keys, perKey: PER_KEY }
  const reference = addingRow(bench, 'raw', WAIT, async (agent) => ({
    rate: (load.keys * PER_KEY * 1000) / (await agent.do('addSingly', load)),
  }))
  const drained = installed(WORKING).map(
    (name): Row =>
      workingRow(bench, name, WAIT, async (adder, worker) => {
        await adder.do('addInBulk', { ...load, size: BULK })
        await sleep(WAIT + 50)
        await redis.config('RESETSTAT')
        await worker.do('work', { concurrency: CONCURRENCY })
        const sent = load.keys * PER_KEY
        const { batches, messages, took } = await worker.do('handled', { messages: sent, within: 30_000 })
        return {
          rate: (batches / took) * 1000,
          missing: sent - messages,
          micros: (await serverMicros(redis, name)) / batches,
          megabytes: (await worker.do('usage', undefined)).megabytes,
        }
      }),
  )
  return {
    title: `Draining with a worker, concurrency ${CONCURRENCY}, a handler that does nothing, ${PER_KEY} messages a batch (raw RPUSH: messages added)`,
    columns: [
      { name: 'rate', title: 'batches/s', digits: 0, spread: true },
      { name: 'ratio', title: '× raw RPUSH', digits: 2, ratioOf: 'rate', spread: true },
      { name: 'micros', title: 'server µs each', digits: 2 },
      { name: 'missing', title: 'messages lost', digits: 0 },
      { name: 'megabytes', title: 'worker MB', digits: 0 },
    ],
    rows: [reference, ...drained],
    rounds: scale.rounds,
    // V8 compiles for the first 30 000 batches of a worker.
    warmUp: 3,
  }
}
