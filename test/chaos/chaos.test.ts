import { randomInt } from 'node:crypto'
import { expect, it } from 'vitest'
import { findServer } from '../../cli/private-redis.ts'
import { chaos } from './chaos.ts'
import { LANES, type Planned, planOf } from './faults.ts'
import { formatReport } from './report.ts'
import { randomOf } from './seed.ts'

it('keeps every promise through a minute of it', { timeout: 300_000 }, async ({ skip }) => {
  if (!findServer()) {
    console.warn('skipped: chaos: no redis-server or valkey-server on PATH to start')
    return skip()
  }
  const report = await chaos(process.env.SEED || String(randomInt(1_000_000)), 50_000)
  console.log(formatReport(report))
  expect(report.broken).toEqual([])
})

it('plans the same faults from the same seed, and each as often as the others', () => {
  for (const lane of LANES) {
    const planned = (seed: string): Planned[] => {
      const plan = planOf(lane, randomOf(seed))
      return Array.from({ length: 3 * lane.length }, () => plan.next().value)
    }
    expect(planned('7')).toEqual(planned('7'))
    expect(planned('7')).not.toEqual(planned('8'))
    for (const fault of lane) expect(planned('7').filter((each) => each.fault === fault)).toHaveLength(3)
  }
})
