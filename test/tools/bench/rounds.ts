/** One row of a table: what is measured of one system, or in one way. */
export interface Row {
  name: string
  /** Starts what it needs, before the first round. */
  open(): Promise<OpenRow>
}

interface OpenRow {
  /** The figures of one round, by the names of the columns. */
  round(): Promise<Record<string, number>>
  close(): Promise<unknown>
}

export interface Column {
  name: string
  title: string
  /** Digits after the point. */
  digits: number
  /** Instead of being measured: this column, divided by that of the first row in the same round. */
  ratioOf?: string
  /** Print the least and the greatest round as well. */
  spread?: true
}

/** One table. */
export interface Measure {
  title: string
  columns: Column[]
  rows: Row[]
  rounds: number
  /** Rounds that go before and do not count, for the compilers: where there is more than one round. @default 1 */
  warmUp?: number
}

/** By row and column: one figure for each round. */
export type Figures = Record<string, Record<string, number[]>>

/** Runs the rows in turn, round after round, so that a machine that slows down slows all of them. */
export async function runRounds(measure: Measure): Promise<Figures> {
  const { columns, rounds } = measure
  const warmUp = rounds > 1 ? (measure.warmUp ?? 1) : 0
  const rows = await Promise.all(measure.rows.map(async ({ name, open }) => ({ name, row: await open() })))
  const figures: Figures = Object.fromEntries(rows.map(({ name }) => [name, {}]))
  try {
    for (let round = 1 - warmUp; round <= rounds; round += 1) {
      let first: Record<string, number> | undefined
      for (const { name, row } of rows) {
        const found = await row.round()
        first ??= found
        if (round < 1) continue
        for (const { name: column, ratioOf } of columns) {
          const value = ratioOf === undefined ? found[column] : divided(found[ratioOf], first[ratioOf])
          if (value === undefined || !Number.isFinite(value)) continue
          const values = (figures[name] as Record<string, number[]>)[column]
          if (values) values.push(value)
          else (figures[name] as Record<string, number[]>)[column] = [value]
        }
      }
    }
  } finally {
    await Promise.all(rows.map(({ row }) => row.close()))
  }
  return figures
}

const divided = (value: number | undefined, by: number | undefined) => (value === undefined || by === undefined ? undefined : value / by)

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? (sorted[middle] as number) : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2
}

/** The value below which a part of them lies, such as 0.99. */
export const percentile = (sorted: readonly number[], part: number) =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] as number
