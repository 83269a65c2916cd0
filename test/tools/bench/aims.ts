import { type Figures, median } from './rounds.ts'
import { LEASING, SYSTEMS } from './systems/index.ts'
import { formatNumber } from './table.ts'

/** What is measured, by the name that ONLY has for it. */
export type MeasureName =
  | 'add'
  | 'bulk'
  | 'call'
  | 'drain'
  | 'drain100'
  | 'drain10k'
  | 'late200'
  | 'late2000'
  | 'quiet'
  | 'memory'
  | 'growth'
  | 'fair'
  | 'idle'
  | 'queues'
  | 'steady'
  | 'cluster'
  | 'webhook'

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
  measure: MeasureName
  what: string
  /** What was reached, or undefined when it was not measured. */
  figure: Figure
  digits: number
  atLeast?: number
  atMost?: number
  unit: string
}

type Figure = (figures: Figures) => number | undefined

const of =
  (row: string, column: string): Figure =>
  (figures) => {
    const values = figures[row]?.[column]
    return values && median(values)
  }

const combined =
  (a: Figure, b: Figure, how: (a: number, b: number) => number): Figure =>
  (figures) => {
    const [left, right] = [a(figures), b(figures)]
    return left === undefined || right === undefined ? undefined : how(left, right)
  }

const { rapidfire, rapidfireIds, rapidfireArchive, rapidfireEvents, floor } = SYSTEMS
const OURS = rapidfire.title

/** The best peer that takes a lease, in batches a second. */
const bestPeer: Figure = (figures) => {
  const rates = LEASING.map((name) => of(SYSTEMS[name].title, 'rate')(figures)).filter((rate) => rate !== undefined)
  return rates.length > 0 ? Math.max(...rates) : undefined
}

/** The last row: the one with the most. */
const last =
  (column: string): Figure =>
  (figures) => {
    const row = Object.keys(figures).at(-1)
    return row === undefined ? undefined : of(row, column)(figures)
  }

/** The same against the first: the growth that was measured, up to a million keys with FULL=1. */
const grown = (column: string): Figure => last(`${column}Ratio`)

const share = (a: number, b: number) => a / b

export const AIMS: Aim[] = [
  { measure: 'add', what: 'single adds, 64 callers', figure: of(OURS, 'ratio'), digits: 2, atLeast: 1.1, unit: '× raw RPUSH' },
  {
    measure: 'add',
    what: 'single adds with message ids',
    figure: of(rapidfireIds.title, 'ratio'),
    digits: 2,
    atLeast: 0.95,
    unit: '× raw RPUSH',
  },
  {
    measure: 'add',
    what: 'single adds while events are kept',
    figure: combined(of(rapidfireEvents.title, 'rate'), of(OURS, 'rate'), share),
    digits: 2,
    atLeast: 0.8,
    unit: '× without',
  },
  { measure: 'bulk', what: 'bulk adds of 250', figure: of(OURS, 'ratio'), digits: 2, atLeast: 0.75, unit: '× raw RPUSH in a pipeline' },
  {
    measure: 'bulk',
    what: 'server cost of bulk adds',
    figure: combined(of(OURS, 'micros'), of(floor.title, 'micros'), share),
    digits: 2,
    atMost: 1.6,
    unit: '× RPUSH + ZADD in a function',
  },
  {
    measure: 'drain',
    what: 'drain, 10 messages a batch, concurrency 50',
    figure: of(OURS, 'rate'),
    digits: 0,
    atLeast: 60_000,
    unit: 'batches/s',
  },
  {
    measure: 'drain',
    what: 'drain against the best peer with a lease',
    figure: combined(of(OURS, 'rate'), bestPeer, share),
    digits: 1,
    atLeast: 4,
    unit: '×',
  },
  { measure: 'drain', what: 'batches of ten drained', figure: of(OURS, 'ratio'), digits: 2, atLeast: 0.35, unit: '× raw RPUSH' },
  {
    measure: 'drain',
    what: 'batches of ten drained into an archive',
    figure: combined(of(rapidfireArchive.title, 'rate'), of(OURS, 'rate'), share),
    digits: 2,
    atLeast: 0.7,
    unit: '× without',
  },
  {
    measure: 'drain100',
    what: 'messages drained in batches of 100',
    figure: of(OURS, 'messagesRatio'),
    digits: 1,
    atLeast: 3.5,
    unit: '× raw RPUSH',
  },
  {
    measure: 'drain10k',
    what: 'messages of 10 kB drained',
    figure: of(OURS, 'messagesRatio'),
    digits: 1,
    atLeast: 1,
    unit: '× raw RPUSH',
  },
  { measure: 'late200', what: 'lateness at 200 batches/s, p50', figure: of(OURS, 'p50'), digits: 2, atMost: 0.5, unit: 'ms' },
  { measure: 'late200', what: 'lateness at 200 batches/s, p99', figure: of(OURS, 'p99'), digits: 2, atMost: 2, unit: 'ms' },
  { measure: 'late2000', what: 'lateness at 2,000 batches/s, p99', figure: of(OURS, 'p99'), digits: 2, atMost: 10, unit: 'ms' },
  { measure: 'quiet', what: 'lateness at 1 batch/s, p99', figure: of(OURS, 'p99'), digits: 2, atMost: 3, unit: 'ms' },
  {
    measure: 'memory',
    what: 'memory of Redis per pending message',
    figure: of(OURS, 'ratio'),
    digits: 2,
    atMost: 1.25,
    unit: '× RPUSH + ZADD',
  },
  {
    measure: 'memory',
    what: 'memory of Redis for its id',
    figure: combined(of(rapidfireIds.title, 'bytes'), of(OURS, 'bytes'), (a, b) => a - b),
    digits: 0,
    atMost: 100,
    unit: 'bytes',
  },
  { measure: 'growth', what: 'cost of add, most open keys against fewest', figure: grown('add'), digits: 2, atMost: 1.3, unit: '×' },
  { measure: 'growth', what: 'cost of claim, most open keys against fewest', figure: grown('claim'), digits: 2, atMost: 1.3, unit: '×' },
  { measure: 'idle', what: 'worker at rest, commands', figure: of(OURS, 'commands'), digits: 1, atMost: 1, unit: 'a second' },
  { measure: 'idle', what: 'worker at rest, CPU', figure: of(OURS, 'cpu'), digits: 2, atMost: 0.2, unit: '%' },
  { measure: 'idle', what: 'worker at rest, memory', figure: of(OURS, 'megabytes'), digits: 0, atMost: 55, unit: 'MB' },
  { measure: 'queues', what: 'process with 200 queues at rest', figure: last('connections'), digits: 0, atMost: 4, unit: 'connections' },
  {
    measure: 'queues',
    what: 'process with 200 queues at rest, in all',
    figure: last('calls'),
    digits: 1,
    atMost: 10,
    unit: 'calls a second',
  },
  {
    measure: 'steady',
    what: 'lateness at 2,000 batches/s beside many open keys, last part, p99',
    figure: last('p99'),
    digits: 2,
    atMost: 10,
    unit: 'ms',
  },
  {
    measure: 'steady',
    what: 'memory of Redis in the last part against the first',
    figure: last('redisMegabytesRatio'),
    digits: 2,
    atMost: 1.05,
    unit: '×',
  },
  { measure: 'webhook', what: 'webhook', figure: of('rapidfire serve', 'ratio'), digits: 2, atLeast: 0.65, unit: '× without storing' },
  {
    measure: 'webhook',
    what: 'webhook at 500 requests/s, p99',
    figure: of('rapidfire serve', 'steady'),
    digits: 0,
    atMost: 20,
    unit: 'ms',
  },
]

/** Each aim whose figure was measured, in words: what, figure, aim, whether it was reached. */
export function judged(results: Results): { measure: MeasureName; what: string; figure: string; aim: string; reached: boolean }[] {
  return AIMS.flatMap(({ measure, what, figure, digits, atLeast, atMost, unit }) => {
    const value = figure(results[measure] ?? {})
    if (value === undefined) return []
    const bound = (atLeast ?? atMost) as number
    const reached = atLeast === undefined ? value <= bound : value >= bound
    const aim = `${atLeast === undefined ? '≤' : '≥'} ${formatNumber(bound, Number.isInteger(bound) ? 0 : digits)}`
    return [{ measure, what, figure: `${formatNumber(value, digits)} ${unit}`, aim, reached }]
  })
}
