import { addingRow, type Bench, installed, serverMicros } from '../bench.ts'
import type { Column, Measure } from '../rounds.ts'
import { ALL, type SystemName } from '../systems/index.ts'

const PER_KEY = 10
const BULK = 250

const columns: Column[] = [
  { name: 'rate', title: 'messages/s', digits: 0, spread: true },
  { name: 'ratio', title: '× raw RPUSH', digits: 2, ratioOf: 'rate', spread: true },
  { name: 'micros', title: 'server µs each', digits: 2 },
]

export function addMeasure(bench: Bench): Measure {
  return measureOf(bench, 'Single adds: 64 callers, each awaiting its own', [...ALL, 'rapidfireEvents'])
}

export function bulkMeasure(bench: Bench): Measure {
  return measureOf(bench, `Bulk adds: one caller, ${BULK} messages at once (raw RPUSH: in one pipeline)`, ALL, BULK)
}

function measureOf(bench: Bench, title: string, names: readonly SystemName[], size?: number): Measure {
  const load = { keys: bench.scale.keys / 2, perKey: PER_KEY }
  const messages = load.keys * PER_KEY
  const rows = installed(names).map((name) =>
    addingRow(bench, name, 10_000, async (agent) => {
      const took = await (size === undefined ? agent.do('addSingly', load) : agent.do('addInBulk', { ...load, size }))
      return { rate: (messages / took) * 1000, micros: (await serverMicros(bench.redis, name)) / messages }
    }),
  )
  return { title, columns, rows, rounds: bench.scale.addRounds }
}
