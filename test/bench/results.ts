import { mkdir, readFile, writeFile } from 'node:fs/promises'
import type { Results } from './aims.ts'
import { withFigures } from './readme.ts'
import { isInstalled } from './systems/index.ts'

/** A file of results: the figures, and what they were measured on. */
export interface Saved {
  machine: string
  figures: Results
}

const folder = new URL('.', import.meta.url)

/** What README.md shows. */
export const PUBLISHED = new URL('results.json', folder)
export const README = new URL('../../README.md', folder)

/**
 * Writes the figures as JSON and draws the charts: into dist, which git ignores, or over what README.md shows. Tables that were not measured
 * this time stay as they are there.
 */
export async function save(results: Results, machine: string, publish: boolean): Promise<void> {
  const file = publish ? PUBLISHED : new URL('dist/results.json', folder)
  const earlier = publish ? await read(file) : undefined
  const saved: Saved = { machine, figures: { ...earlier?.figures, ...results } }
  await mkdir(new URL('.', file), { recursive: true })
  await writeFile(file, `${JSON.stringify(saved, (_, value) => (typeof value === 'number' ? Number(value.toPrecision(4)) : value), 1)}\n`)
  if (publish) await writeFile(README, withFigures(await readFile(README, 'utf8'), saved))
  if (!isInstalled('echarts')) return
  const { drawCharts } = await import('./draw.ts')
  const charts = new URL('charts/', file)
  await mkdir(charts, { recursive: true })
  for (const [name, svg] of drawCharts(saved.figures)) await writeFile(new URL(`${name}.svg`, charts), svg)
}

async function read(file: URL): Promise<Saved | undefined> {
  const text = await readFile(file, 'utf8').catch(() => undefined)
  return text === undefined ? undefined : (JSON.parse(text) as Saved)
}
