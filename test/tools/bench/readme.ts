import { judged, type Saved } from './aims.ts'
import { CHARTS } from './charts.ts'
import { median } from './rounds.ts'
import { ALL, SYSTEMS } from './systems/index.ts'
import { formatNumber } from './table.ts'

const TABLES = [
  [
    { title: 'single adds', measure: 'add', column: 'ratio', digits: 2, unit: ' ×' },
    { title: 'bulk adds', measure: 'bulk', column: 'ratio', digits: 2, unit: ' ×' },
    { title: 'batches drained', measure: 'drain', column: 'rate', digits: 0, unit: '/s' },
    { title: 'memory of Redis', measure: 'memory', column: 'bytes', digits: 0, unit: ' B' },
    { title: 'memory of a worker', measure: 'idle', column: 'megabytes', digits: 0, unit: ' MB' },
  ],
  [
    { title: 'late at 1/s', measure: 'quiet', column: 'p99', digits: 1, unit: ' ms' },
    { title: 'at 200/s', measure: 'late200', column: 'p99', digits: 1, unit: ' ms' },
    { title: 'at 2,000/s', measure: 'late2000', column: 'p99', digits: 1, unit: ' ms' },
    { title: 'CPU at 200/s', measure: 'late200', column: 'cpu', digits: 0, unit: ' %' },
    { title: 'commands at rest', measure: 'idle', column: 'commands', digits: 1, unit: '/s' },
    { title: 'with 10,000 pending', measure: 'idle', column: 'pendingCommands', digits: 1, unit: '/s' },
  ],
]

type Column = (typeof TABLES)[number][number]

/** Of the measure `call`: what one call alone takes. */
const CALL = [
  { title: 'server µs', column: 'micros', digits: 1, unit: '' },
  { title: '× floor', column: 'microsRatio', digits: 1, unit: ' ×' },
  { title: 'thousand instructions', column: 'instructions', digits: 0, unit: '' },
  { title: '× floor', column: 'instructionsRatio', digits: 1, unit: ' ×' },
]

const BEGIN = '<!-- figures: written by make bench PUBLISH=1 -->'
const END = '<!-- end of figures -->'

/** Puts a text where the figures stand in a document. */
function replaced(document: string, figures: string): string {
  const [before, after] = [document.split(BEGIN)[0], document.split(END)[1]]
  if (before === undefined || after === undefined) throw new Error(`there is no '${BEGIN}' and '${END}'`)
  return `${before}${BEGIN}\n${figures}\n${END}${after}`
}

/** The README of the bench with these figures in place of those that stand there. */
export const withFigures = (readme: string, saved: Saved): string => replaced(readme, figuresOf(saved))

/** The README at the top with one sentence of these figures. */
export function withSentence(readme: string, { figures }: Saved): string {
  const late = (name: 'rapidfire' | 'poller' | 'bullmq') => {
    const values = figures.late200?.[SYSTEMS[name].title]?.p99
    if (!values) throw new Error('lateness at 200 batches a second has not been measured')
    return formatNumber(median(values), 1)
  }
  return replaced(
    readme,
    `At 200 batches a second, 99 of 100 are at most ${late('rapidfire')} ms late. With a once-a-second poller that is\n` +
      `${late('poller')} ms, with lists and delayed jobs of BullMQ ${late('bullmq')} ms.`,
  )
}

function figuresOf({ machine, busy, figures }: Saved): string {
  const elsewhere = Math.max(...Object.values(busy))
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  const cell = (name: keyof typeof SYSTEMS, { measure, column, digits, unit }: Column) => {
    // Draining has a row that only adds, to compare with.
    const values = measure === 'drain' && name === 'raw' ? undefined : figures[measure]?.[SYSTEMS[name].title]?.[column]
    return values ? formatNumber(median(values), digits) + unit : ''
  }
  const tables = TABLES.flatMap((columns) => [
    line(['', ...columns.map(({ title }) => title)]),
    `|---|${columns.map(() => '---:|').join('')}`,
    line(['`ONLY=`', ...columns.map(({ measure }) => measure)]),
    ...ALL.filter((name) => name !== 'rapidfireIds')
      .map((name) => [name, columns.map((column) => cell(name, column))] as const)
      .filter(([, cells]) => cells.some((text) => text !== ''))
      .map(([name, cells]) => line([SYSTEMS[name].title, ...cells])),
    '',
  ])
  const calls = figures.call
    ? [
        line(['one call alone (`ONLY=call`)', ...CALL.map(({ title }) => title)]),
        `|---|${CALL.map(() => '---:|').join('')}`,
        ...Object.entries(figures.call).map(([name, found]) =>
          line([
            name,
            ...CALL.map(({ column, digits, unit }) => (found[column] ? formatNumber(median(found[column]), digits) + unit : '')),
          ]),
        ),
        '',
      ]
    : []
  return [
    `${machine}. ${elsewhere > 5 ? `Other processes took up to ${elsewhere} % of the CPU: the figures are worse for it` : 'Other processes took next to nothing of the CPU'}.`,
    '',
    line(['`ONLY=`', 'what', 'figure', 'aim', 'reached']),
    '|---|---|---|---|---|',
    ...judged(figures).map(({ measure, what, figure, aim, reached }) => line([measure, what, figure, aim, reached ? 'yes' : '**no**'])),
    '',
    ...tables,
    ...calls,
    ...CHARTS.filter(({ series }) => series.every(({ measure }) => figures[measure])).map(
      ({ name, title }) => `![${title}](charts/${name}.svg)`,
    ),
  ].join('\n')
}
