import { init } from 'echarts'
import type { Results } from './aims.ts'
import { median } from './rounds.ts'
import { SYSTEMS } from './systems/index.ts'

interface Chart {
  name: string
  title: string
  /** Measure, column and name of each series. */
  series: { measure: string; column: string; name: string }[]
  logarithmic?: true
  digits: number
}

const CHARTS: Chart[] = [
  {
    name: 'add',
    title: 'Adding messages, × raw RPUSH (more is better)',
    series: [
      { measure: 'add', column: 'ratio', name: 'single, 64 callers' },
      { measure: 'bulk', column: 'ratio', name: '250 at once' },
    ],
    digits: 2,
  },
  {
    name: 'drain',
    title: 'Handling batches that are due, a second (more is better)',
    series: [{ measure: 'drain', column: 'rate', name: 'batches/s' }],
    digits: 0,
  },
  {
    name: 'lateness',
    title: 'Lateness at p99, ms, logarithmic (less is better)',
    series: [
      { measure: 'quiet', column: 'p99', name: '1 batch/s' },
      { measure: 'late200', column: 'p99', name: '200 batches/s' },
      { measure: 'late2000', column: 'p99', name: '2,000 batches/s' },
    ],
    logarithmic: true,
    digits: 1,
  },
  {
    name: 'memory',
    title: 'Memory of Redis for a pending message of 100 bytes (less is better)',
    series: [{ measure: 'memory', column: 'bytes', name: 'bytes' }],
    digits: 0,
  },
]

const SIZE = { width: 760, height: 420 }

/** SVG files by name; those of which nothing was measured are left out. */
export function drawCharts(results: Results): [string, string][] {
  return CHARTS.filter(({ series }) => series.every(({ measure }) => results[measure])).map((chart) => [chart.name, draw(chart, results)])
}

function draw({ title, series, logarithmic, digits }: Chart, results: Results): string {
  // From the top down, as the tables have them; without the row that only adds.
  const shown = ({ measure, column }: Chart['series'][number], row: string) => results[measure]?.[row]?.[column]
  const rows = Object.values(SYSTEMS)
    .map((system) => system.title)
    .filter((row) => series.some((each) => shown(each, row)) && !(series[0]?.measure === 'drain' && row === SYSTEMS.raw.title))
  const chart = init(null, null, { renderer: 'svg', ssr: true, ...SIZE })
  chart.setOption({
    animation: false,
    backgroundColor: '#ffffff',
    title: { text: title, left: 16, top: 12, textStyle: { fontSize: 15 } },
    legend: series.length > 1 ? { top: 40, left: 16 } : undefined,
    grid: { left: 16, right: 64, top: series.length > 1 ? 76 : 52, bottom: 16, containLabel: true },
    xAxis: { type: logarithmic ? 'log' : 'value' },
    yAxis: { type: 'category', data: rows, inverse: true, axisTick: { show: false } },
    series: series.map((each) => ({
      name: each.name,
      type: 'bar',
      label: { show: true, position: 'right', fontSize: 10 },
      data: rows.map((row) => {
        const values = shown(each, row)
        return values ? Number(median(values).toFixed(digits)) : undefined
      }),
    })),
  })
  const svg = chart.renderToSVGString()
  chart.dispose()
  return `${svg}\n`
}
