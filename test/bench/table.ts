import { type Figures, type Measure, median } from './rounds.ts'

/** Medians over the rounds, with the least and the greatest in brackets. */
export function formatTable(measure: Measure, figures: readonly Figures[]): string {
  const head = ['', measure.unit, '', `× ${measure.rows[0]?.name}`, '', 'server µs']
  const cells = figures.map(({ name, rates, ratios, micros }) => [
    name,
    Math.round(median(rates)).toLocaleString('en-US'),
    spread(rates, (rate) => `${Math.round(rate / 1000)}k`),
    median(ratios).toFixed(2),
    spread(ratios, (ratio) => ratio.toFixed(2)),
    median(micros).toFixed(2),
  ])
  const widths = head.map((title, n) => Math.max(title.length, ...cells.map((row) => (row[n] as string).length)))
  const line = (row: readonly string[]) =>
    row.map((cell, n) => (n === 0 ? cell.padEnd(widths[n] as number) : cell.padStart(widths[n] as number))).join('  ')
  return [measure.title, ...[head, ...cells].map((row) => `  ${line(row)}`)].join('\n')
}

const spread = (values: readonly number[], format: (value: number) => string) =>
  `(${format(Math.min(...values))} to ${format(Math.max(...values))})`
