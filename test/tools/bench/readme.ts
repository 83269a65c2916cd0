import { judged } from './aims.ts'
import { CHARTS } from './charts.ts'
import type { Saved } from './results.ts'
import { median } from './rounds.ts'
import { ALL, SYSTEMS } from './systems/index.ts'
import { formatNumber } from './table.ts'

const COLUMNS = [
  { title: 'single adds', measure: 'add', column: 'ratio', digits: 2, unit: ' ×' },
  { title: 'bulk adds', measure: 'bulk', column: 'ratio', digits: 2, unit: ' ×' },
  { title: 'drain', measure: 'drain', column: 'rate', digits: 0, unit: '/s' },
  { title: 'p99 late, 1/s', measure: 'quiet', column: 'p99', digits: 1, unit: ' ms' },
  { title: '200/s', measure: 'late200', column: 'p99', digits: 1, unit: ' ms' },
  { title: '2,000/s', measure: 'late2000', column: 'p99', digits: 1, unit: ' ms' },
  { title: 'CPU at 200/s', measure: 'late200', column: 'cpu', digits: 0, unit: ' %' },
  { title: 'Redis memory', measure: 'memory', column: 'bytes', digits: 0, unit: ' B' },
  { title: 'at rest', measure: 'idle', column: 'commands', digits: 1, unit: '/s' },
  { title: '10,000 pending', measure: 'idle', column: 'pendingCommands', digits: 1, unit: '/s' },
  { title: 'worker', measure: 'idle', column: 'megabytes', digits: 0, unit: ' MB' },
]

const BEGIN = '<!-- figures: written by make bench PUBLISH=1 -->'
const END = '<!-- end of figures -->'

/** Puts the figures into the text of README.md, in place of those that stand there. */
export function withFigures(readme: string, saved: Saved): string {
  const [before, after] = [readme.split(BEGIN)[0], readme.split(END)[1]]
  if (before === undefined || after === undefined) throw new Error(`README.md has no '${BEGIN}' and '${END}'`)
  return `${before}${BEGIN}\n${figuresOf(saved)}\n${END}${after}`
}

function figuresOf({ machine, busy, figures }: Saved): string {
  const elsewhere = Math.max(...Object.values(busy))
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  const compared = ALL.filter((name) => name !== 'rapidfireIds').map((name) => {
    const row = SYSTEMS[name].title
    const cell = ({ measure, column, digits, unit }: (typeof COLUMNS)[number]) => {
      // Draining has a row that only adds, to compare with.
      const values = measure === 'drain' && name === 'raw' ? undefined : figures[measure]?.[row]?.[column]
      return values ? formatNumber(median(values), digits) + unit : ''
    }
    return line([row, ...COLUMNS.map(cell)])
  })
  return [
    `${machine}. Other processes took ${elsewhere > 5 ? `up to ${elsewhere} % of the CPU: the figures are worse for it` : 'next to nothing of the CPU'}.`,
    '',
    line(['what', 'figure', 'aim', 'reached']),
    '|---|---|---|---|',
    ...judged(figures).map(({ what, figure, aim, reached }) => line([what, figure, aim, reached ? 'yes' : '**no**'])),
    '',
    line(['', ...COLUMNS.map(({ title }) => title)]),
    `|---|${COLUMNS.map(() => '---:|').join('')}`,
    ...compared,
    '',
    ...CHARTS.filter(({ series }) => series.every(({ measure }) => figures[measure])).map(
      ({ name, title }) => `![${title}](test/tools/bench/charts/${name}.svg)`,
    ),
  ].join('\n')
}
