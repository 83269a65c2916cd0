import { type Figures, median } from './rounds.ts'
import { LEASING, SYSTEMS } from './systems/index.ts'
import { formatNumber } from './table.ts'

/** By measure. */
export type Results = Record<string, Figures>

/** A file of results: the figures, and what they were measured on. */
export interface Saved {
  machine: string
  /** By measure: how much of the CPU other processes took before it, percent. */
  busy: Record<string, number>
  figures: Results
}

interface Aim {
  what: string
  /** What was reached, or undefined when it was not measured. */
  figure: (results: Results) => number | undefined
  digits: number
  atLeast?: number
  atMost?: number
  unit: string
}

const of = (measure: string, row: string, column: string) => (results: Results) => {
  const values = results[measure]?.[row]?.[column]
  return values && median(values)
}

type Figure = ReturnType<typeof of>

const combined = (a: Figure, b: Figure, how: (a: number, b: number) => number) => (results: Results) => {
  const [left, right] = [a(results), b(results)]
  return left === undefined || right === undefined ? undefined : how(left, right)
}

const { rapidfire, rapidfireIds, floor } = SYSTEMS
const OURS = rapidfire.title

/** The best peer that takes a lease, in batches a second. */
const bestPeer: Figure = (results) => {
  const rates = LEASING.map((name) => of('drain', SYSTEMS[name].title, 'rate')(results)).filter((rate) => rate !== undefined)
  return rates.length > 0 ? Math.max(...rates) : undefined
}

/** The last row: the one with the most. */
const last =
  (measure: string, column: string): Figure =>
  (results) => {
    const row = Object.keys(results[measure] ?? {}).at(-1)
    return row === undefined ? undefined : of(measure, row, column)(results)
  }

/** The same against the first: the growth that was measured, up to a million keys with FULL=1. */
const grown = (column: string): Figure => last('growth', `${column}Ratio`)

const share = (a: number, b: number) => a / b

export const AIMS: Aim[] = [
  { what: 'single adds, 64 callers', figure: of('add', OURS, 'ratio'), digits: 2, atLeast: 1.1, unit: '× raw RPUSH' },
  { what: 'single adds with message ids', figure: of('add', rapidfireIds.title, 'ratio'), digits: 2, atLeast: 0.95, unit: '× raw RPUSH' },
  { what: 'bulk adds of 250', figure: of('bulk', OURS, 'ratio'), digits: 2, atLeast: 0.75, unit: '× raw RPUSH in a pipeline' },
  {
    what: 'server cost of bulk adds',
    figure: combined(of('bulk', OURS, 'micros'), of('bulk', floor.title, 'micros'), share),
    digits: 2,
    atMost: 1.6,
    unit: '× RPUSH + ZADD in a function',
  },
  { what: 'drain, 10 messages a batch, concurrency 50', figure: of('drain', OURS, 'rate'), digits: 0, atLeast: 60_000, unit: 'batches/s' },
  {
    what: 'drain against the best peer with a lease',
    figure: combined(of('drain', OURS, 'rate'), bestPeer, share),
    digits: 1,
    atLeast: 4,
    unit: '×',
  },
  { what: 'lateness at 200 batches/s, p50', figure: of('late200', OURS, 'p50'), digits: 2, atMost: 0.5, unit: 'ms' },
  { what: 'lateness at 200 batches/s, p99', figure: of('late200', OURS, 'p99'), digits: 2, atMost: 2, unit: 'ms' },
  { what: 'lateness at 2,000 batches/s, p99', figure: of('late2000', OURS, 'p99'), digits: 2, atMost: 10, unit: 'ms' },
  { what: 'lateness at 1 batch/s, p99', figure: of('quiet', OURS, 'p99'), digits: 2, atMost: 3, unit: 'ms' },
  { what: 'memory of Redis per pending message', figure: of('memory', OURS, 'ratio'), digits: 2, atMost: 1.25, unit: '× RPUSH + ZADD' },
  {
    what: 'memory of Redis for its id',
    figure: combined(of('memory', rapidfireIds.title, 'bytes'), of('memory', OURS, 'bytes'), (a, b) => a - b),
    digits: 0,
    atMost: 100,
    unit: 'bytes',
  },
  { what: 'cost of add, most open keys against fewest', figure: grown('add'), digits: 2, atMost: 1.3, unit: '×' },
  { what: 'cost of claim, most open keys against fewest', figure: grown('claim'), digits: 2, atMost: 1.3, unit: '×' },
  { what: 'worker at rest, commands', figure: of('idle', OURS, 'commands'), digits: 1, atMost: 1, unit: 'a second' },
  { what: 'worker at rest, CPU', figure: of('idle', OURS, 'cpu'), digits: 2, atMost: 0.2, unit: '%' },
  { what: 'worker at rest, memory', figure: of('idle', OURS, 'megabytes'), digits: 0, atMost: 55, unit: 'MB' },
  { what: 'process with 200 queues at rest', figure: last('queues', 'connections'), digits: 0, atMost: 4, unit: 'connections' },
  { what: 'process with 200 queues at rest, in all', figure: last('queues', 'calls'), digits: 1, atMost: 10, unit: 'calls a second' },
  {
    what: 'lateness at 2,000 batches/s beside many open keys, last part, p99',
    figure: last('steady', 'p99'),
    digits: 2,
    atMost: 10,
    unit: 'ms',
  },
  {
    what: 'memory of Redis in the last part against the first',
    figure: last('steady', 'redisMegabytesRatio'),
    digits: 2,
    atMost: 1.05,
    unit: '×',
  },
  { what: 'webhook', figure: of('webhook', 'rapidfire serve', 'ratio'), digits: 2, atLeast: 0.6, unit: '× without storing' },
  { what: 'webhook at 500 requests/s, p99', figure: of('webhook', 'rapidfire serve', 'steady'), digits: 0, atMost: 20, unit: 'ms' },
]

/** Each aim whose figure was measured, in words: what, figure, aim, whether it was reached. */
export function judged(results: Results): { what: string; figure: string; aim: string; reached: boolean }[] {
  return AIMS.flatMap(({ what, figure, digits, atLeast, atMost, unit }) => {
    const value = figure(results)
    if (value === undefined) return []
    const bound = (atLeast ?? atMost) as number
    const reached = atLeast === undefined ? value <= bound : value >= bound
    const aim = `${atLeast === undefined ? '≤' : '≥'} ${formatNumber(bound, Number.isInteger(bound) ? 0 : digits)}`
    return [{ what, figure: `${formatNumber(value, digits)} ${unit}`, aim, reached }]
  })
}
