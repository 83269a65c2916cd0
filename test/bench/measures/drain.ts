import { PER_KEY } from '../messages.ts'
import type { Measure, Row } from '../rounds.ts'
import type { BenchMessage, System } from '../systems/system.ts'
import { addFromCallers } from './add.ts'

/** The first system does no more than store the messages: the others are compared with that. */
export function drainMeasure([first, ...systems]: readonly System[], messages: readonly BenchMessage[]): Measure {
  const drained = (system: System, concurrency: number): Row => ({
    name: `${system.name}, concurrency ${concurrency}`,
    system,
    prepare: () => addFromCallers(system, messages),
    run: async () => {
      const batches = (await system.drain?.(concurrency)) ?? 0
      if (batches !== messages.length / PER_KEY)
        throw new Error(`${system.name} drained ${batches} of ${messages.length / PER_KEY} batches`)
      return batches
    },
  })
  const reference = first as System
  return {
    title: `Claim + a handler that does nothing + complete: batches of ${PER_KEY} messages (${reference.name}: messages added)`,
    unit: 'batches/s',
    rows: [
      { name: reference.name, system: reference, run: () => addFromCallers(reference, messages) },
      ...systems.filter(({ drain }) => drain).flatMap((system) => [drained(system, 50), drained(system, 100)]),
    ],
  }
}
