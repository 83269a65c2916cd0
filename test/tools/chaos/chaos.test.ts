import { randomInt } from 'node:crypto'
import { expect, it } from 'vitest'
import { findServer } from '../../../cli/demo/private-redis.ts'
import { chaos, STAGES } from './chaos.ts'
import { CLUSTER_LANES } from './cluster-faults.ts'
import { type Fault, planOf } from './faults.ts'
import { formatReport } from './report.ts'
import { randomOf } from './seed.ts'
import { SERVER_LANES } from './server-faults.ts'

// As many faults as there is time for; each of them is for `make chaos`.
it.for(STAGES)('keeps every promise through a quarter of a minute of it: %s', { timeout: 300_000 }, async (stage, { skip }) => {
  if (!findServer()) {
    console.warn('skipped: chaos: no redis-server or valkey-server on PATH to start')
    return skip()
  }
  const report = await chaos(stage, process.env.SEED || String(randomInt(1_000_000)), 15_000, { each: false, events: stage === 'server' })
  console.log(formatReport(report))
  expect(report.broken).toEqual([])
})

it('plans the same faults from the same seed, and each as often as the others', () => {
  for (const lane of [...SERVER_LANES, ...CLUSTER_LANES] as Fault<never>[][]) {
    const planned = (seed: string) => {
      const plan = planOf(lane, randomOf(seed))
      return Array.from({ length: 3 * lane.length }, () => plan.next().value)
    }
    expect(planned('7')).toEqual(planned('7'))
    expect(planned('7')).not.toEqual(planned('8'))
    for (const fault of lane) expect(planned('7').filter((each) => each.fault === fault)).toHaveLength(3)
  }
})
