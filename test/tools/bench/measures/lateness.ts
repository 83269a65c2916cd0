import { setTimeout as sleep } from 'node:timers/promises'
import { type Bench, installed, workingRow } from '../bench.ts'
import { type Measure, percentile } from '../rounds.ts'
import { WORKING } from '../systems/index.ts'
import { BURST } from '../tasks.ts'

const WAIT = 500
const CONCURRENCY = 50

export const latenessMeasure = (rate: number) => (bench: Bench) =>
  measureOf(bench, `Lateness at ${rate.toLocaleString('en-US')} batches/s`, rate, bench.scale.seconds.fed, bench.scale.rounds)

/** Few batches, so one long round. */
export const quietMeasure = (bench: Bench) =>
  measureOf(bench, 'Lateness at 1 batch/s, nothing else going on', 1, bench.scale.seconds.quiet, 1)

function measureOf(bench: Bench, title: string, rate: number, seconds: number, rounds: number): Measure {
  const rows = installed(WORKING).map((name) =>
    workingRow(bench, name, WAIT, async (adder, worker) => {
      await worker.do('work', { concurrency: CONCURRENCY })
      await sleep(500) // a worker that has just started may still be about to listen for wake-ups
      const before = await worker.do('usage', undefined)
      const start = performance.now()
      const fed = await adder.do('feed', { rate, seconds })
      const sent = fed * BURST.length
      const { messages, late } = await worker.do('handled', { messages: sent, within: 5_000 })
      const after = await worker.do('usage', undefined)
      return {
        p50: percentile(late, 0.5),
        p99: percentile(late, 0.99),
        max: percentile(late, 1),
        missing: sent - messages,
        cpu: (after.cpu - before.cpu) / (performance.now() - start) / 10,
        megabytes: after.megabytes,
      }
    }),
  )
  return {
    title: `${title}: ms from the deadline to the call of the handler (wait ${WAIT} ms, ${BURST.length} messages a batch)`,
    columns: [
      { name: 'p50', title: 'p50', digits: 2, spread: true },
      { name: 'p99', title: 'p99', digits: 2, spread: true },
      { name: 'max', title: 'max', digits: 1 },
      { name: 'missing', title: 'messages lost', digits: 0 },
      { name: 'cpu', title: 'worker CPU %', digits: 1 },
      { name: 'megabytes', title: 'worker MB', digits: 0 },
    ],
    rows,
    rounds,
  }
}
