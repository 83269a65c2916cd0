import { init } from 'echarts'
import type { Results } from './aims.ts'
import { CHARTS, type Chart } from './charts.ts'
import { median } from './rounds.ts'
import { SYSTEMS } from './systems/index.ts'

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
    // Widths of texts are guessed without a browser: there is room to spare.
    legend: series.length > 1 ? { top: 40, left: 16, itemGap: 40 } : undefined,
    grid: { left: 210, right: 64, top: series.length > 1 ? 76 : 52, bottom: 32 },
    xAxis: logarithmic ? { type: 'log', min: 0.1, startValue: 0.1 } : { type: 'value' },
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
