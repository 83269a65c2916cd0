import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import type { Saved } from './aims.ts'
import { withFigures, withSentence } from './readme.ts'
import { isInstalled } from './systems/index.ts'

const folder = new URL('.', import.meta.url)

/** What the README beside it shows. */
export const PUBLISHED = new URL('results.json', folder)
export const README = new URL('README.md', folder)
/** The README at the top of the repository, which shows a chart and a sentence. */
export const DOOR = new URL('../../../README.md', folder)

const UNPUBLISHED = new URL('dist/results.json', folder)

/** Forgets an earlier run that was not published. */
export const startAnew = () => rm(UNPUBLISHED, { force: true })

/**
 * Writes the figures of a table as JSON and draws the charts: into dist, which git ignores, or over what the READMEs show. Other tables stay as
 * they are there.
 */
export async function save(found: Saved, publish: boolean): Promise<void> {
  const file = publish ? PUBLISHED : UNPUBLISHED
  const earlier = await read(file)
  const text = JSON.stringify(
    {
      machine: found.machine,
      busy: { ...earlier?.busy, ...found.busy },
      figures: { ...earlier?.figures, ...found.figures },
    } satisfies Saved,
    (_, value) => (typeof value === 'number' ? Number(value.toPrecision(4)) : value),
    1,
  )
  // As the file has it, rounded, so that the READMEs can be checked against the file.
  const saved: Saved = JSON.parse(text)
  await mkdir(new URL('.', file), { recursive: true })
  await writeFile(file, `${text}\n`)
  if (publish) {
    await writeFile(README, withFigures(await readFile(README, 'utf8'), saved))
    await writeFile(DOOR, withSentence(await readFile(DOOR, 'utf8'), saved))
  }
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
