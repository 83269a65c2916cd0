import type { Measure } from '../rounds.ts'
import type { BenchMessage, System } from '../systems/system.ts'

const CALLERS = 64

/** Each caller awaits one add before it makes the next. */
export async function addFromCallers(system: System, messages: readonly BenchMessage[]): Promise<number> {
  let next = 0
  const caller = async () => {
    while (next < messages.length) await system.add(messages[next++] as BenchMessage)
  }
  await Promise.all(Array.from({ length: CALLERS }, caller))
  return messages.length
}

export function addMeasure(systems: readonly System[], messages: readonly BenchMessage[]): Measure {
  return {
    title: `Single adds: ${CALLERS} callers, each awaiting its own`,
    unit: 'messages/s',
    rows: systems.map((system) => ({ name: system.name, system, run: () => addFromCallers(system, messages) })),
  }
}
