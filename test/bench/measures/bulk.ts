import type { Measure } from '../rounds.ts'
import type { BenchMessage, System } from '../systems/system.ts'

const SIZE = 250

async function addInChunks(system: System, messages: readonly BenchMessage[]): Promise<number> {
  for (let at = 0; at < messages.length; at += SIZE) await system.addMany(messages.slice(at, at + SIZE))
  return messages.length
}

export function bulkMeasure(systems: readonly System[], messages: readonly BenchMessage[]): Measure {
  return {
    title: `Bulk adds: one caller, ${SIZE} messages at once (raw: in one pipeline)`,
    unit: 'messages/s',
    rows: systems.map((system) => ({ name: system.name, system, run: () => addInChunks(system, messages) })),
  }
}
