import { type Column, type Figures, type Measure, median } from './rounds.ts'

export const formatNumber = (value: number, digits: number) =>
  value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits })

/** Medians over the rounds; of some columns the least and the greatest round in brackets. */
export function formatTable({ title, columns, rows }: Pick<Measure, 'title' | 'columns' | 'rows'>, figures: Figures): string {
  const head = ['', ...columns.map((column) => column.title)]
  const cells = rows.map(({ name }) => [name, ...columns.map((column) => cell(column, figures[name]?.[column.name]))])
  const widths = head.map((text, n) => Math.max(text.length, ...cells.map((row) => (row[n] as string).length)))
  const line = (row: readonly string[]) =>
    row.map((text, n) => (n === 0 ? text.padEnd(widths[n] as number) : text.padStart(widths[n] as number))).join('  ')
  return [title, ...[head, ...cells].map((row) => `  ${line(row).trimEnd()}`)].join('\n')
}

function cell({ digits, spread }: Column, values: readonly number[] | undefined): string {
  if (!values) return '–'
  const shown = formatNumber(median(values), digits)
  if (!spread || values.length === 1) return shown
  return `${shown} (${formatNumber(Math.min(...values), digits)} to ${formatNumber(Math.max(...values), digits)})`
}
