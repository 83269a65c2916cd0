import { setTimeout as sleep } from 'node:timers/promises'
import { addingRow, type Bench, installed, serverMicros, workingRow } from '../bench.ts'
import type { Load } from '../messages.ts'
import type { Measure, Row } from '../rounds.ts'
import { type SystemName, WORKING } from '../systems/index.ts'

const CONCURRENCY = 50
const WAIT = 200
const BULK = 250

/**
 * All batches are due before the worker starts. The first row only adds the messages: the rest are compared with that.
 *
 * @param also other systems than those that each table has
 * @param fewer so many times fewer keys than others have, since there is more of each
 */
export const drainMeasure =
  ({ fewer = 1, also = [], ...each }: Omit<Load, 'keys'> & { fewer?: number; also?: readonly SystemName[] }) =>
  (bench: Bench): Measure => {
    const { redis, scale } = bench
    const load = { ...each, keys: scale.keys / fewer }
    const { perKey, bytes = 100 } = load
    const sent = load.keys * perKey
    const reference = addingRow(bench, 'raw', WAIT, async (agent) => {
      const messages = (sent * 1000) / (await agent.do('addSingly', load))
      return { rate: messages, messages, volume: (messages * bytes) / 1e6 }
    })
    const drain = (name: SystemName): Row =>
      workingRow(
        bench,
        name,
        WAIT,
        async (adder, worker) => {
          await adder.do('addInBulk', { ...load, size: BULK })
          await sleep(WAIT + 50)
          await redis.config('RESETSTAT')
          await worker.do('work', { concurrency: CONCURRENCY })
          const { batches, messages, took } = await worker.do('handled', { messages: sent, within: 30_000 })
          return {
            rate: (batches / took) * 1000,
            messages: (messages / took) * 1000,
            volume: (messages * bytes) / took / 1000,
            missing: sent - messages,
            micros: (await serverMicros(redis, name)) / batches,
            megabytes: (await worker.do('usage', undefined)).megabytes,
          }
        },
        { batch: perKey },
      )
    const of = `${perKey} messages of ${bytes.toLocaleString('en-US')} bytes a batch`
    return {
      title: `Draining with a worker, concurrency ${CONCURRENCY}, a handler that does nothing, ${of} (raw RPUSH: messages added)`,
      columns: [
        { name: 'rate', title: 'batches/s', digits: 0, spread: true },
        { name: 'ratio', title: '× raw RPUSH', digits: 2, ratioOf: 'rate', spread: true },
        { name: 'messages', title: 'messages/s', digits: 0 },
        { name: 'messagesRatio', title: '× raw', digits: 2, ratioOf: 'messages' },
        { name: 'volume', title: 'MB/s', digits: 1 },
        { name: 'micros', title: 'server µs each', digits: 2 },
        { name: 'missing', title: 'messages lost', digits: 0 },
        { name: 'megabytes', title: 'worker MB', digits: 0 },
      ],
      rows: [reference, ...installed([...WORKING, ...also]).map(drain)],
      rounds: scale.rounds,
      // V8 compiles for the first 30 000 batches of a worker.
      warmUp: 3,
    }
  }
