import type { Redis } from 'ioredis'
import type { System } from './systems/system.ts'

/** One row of a table: what a system does in one round. */
export interface Row {
  name: string
  system: System
  /** Not timed. The server is empty before it. */
  prepare?(): Promise<unknown>
  /** Timed. Returns how many operations it did. */
  run(): Promise<number>
}

/** One table. The others are compared with the first row. */
export interface Measure {
  title: string
  unit: string
  rows: Row[]
}

export interface Figures {
  name: string
  /** Operations a second, one for each round. */
  rates: number[]
  /** Its rate by the rate of the first row in the same round, one for each round. */
  ratios: number[]
  /** What the server spent on one operation, µs, one for each round. */
  micros: number[]
}

/**
 * Runs the rows in turn, round after round, so that a machine that slows down slows all of them. One more round goes before, for the
 * compiler.
 */
export async function runRounds(redis: Redis, measure: Measure, rounds: number): Promise<Figures[]> {
  const figures: Figures[] = measure.rows.map(({ name }) => ({ name, rates: [], ratios: [], micros: [] }))
  for (let round = 0; round <= rounds; round += 1) {
    let first = 0
    for (const [n, row] of measure.rows.entries()) {
      await redis.flushall()
      await row.prepare?.()
      await redis.config('RESETSTAT')
      const start = performance.now()
      const operations = await row.run()
      const rate = (operations / (performance.now() - start)) * 1000
      const micros = (await serverMicros(redis, row.system.commands)) / operations
      if (n === 0) first = rate
      if (round === 0) continue
      figures[n]?.rates.push(rate)
      figures[n]?.ratios.push(rate / first)
      figures[n]?.micros.push(micros)
    }
  }
  return figures
}

async function serverMicros(redis: Redis, commands: readonly string[]): Promise<number> {
  const stats = await redis.info('commandstats')
  let sum = 0
  for (const [, name, usec] of stats.matchAll(/cmdstat_(\S+?):calls=\d+,usec=(\d+)/g)) {
    if (commands.includes(name as string)) sum += Number(usec)
  }
  return sum
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? (sorted[middle] as number) : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2
}
