import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { lacksServer } from '../../client/clients.ts'
import { run } from '../../support/shell.ts'
import { ROWS } from '../instructions/rows.ts'
import { AIMS } from './aims.ts'
import { SCALES } from './bench.ts'
import { deployments } from './measures/deployments.ts'
import { withFigures, withSentence } from './readme.ts'
import { DOOR, PUBLISHED, README } from './results.ts'
import { isInstalled, SYSTEMS } from './systems/index.ts'

const PEERS: string[] = Object.values(SYSTEMS).flatMap((kind) => ('needs' in kind ? [kind.title] : []))
const ADDING = ['raw RPUSH', 'RPUSH + ZADD in a function', 'rapidfire', 'rapidfire, with ids', 'once-a-second poller']
const DEPLOYMENTS = Object.keys(deployments(SCALES.tiny))
const CALLS = ROWS.filter(({ short, of }) => short && !of).map(({ name }) => name)
const WORKING = ['rapidfire', 'once-a-second poller']

const columnsOf = (line: string) => line.trim().split(/ {2,}/)

it('prints each row of each table with its figures', { timeout: 300_000 }, async ({ skip }) => {
  if (lacksServer('the bench')) return skip()
  const env = { TINY: '1', QUICK: '', FULL: '', ONLY: '', PUBLISH: '' }
  const { code, stdout, stderr } = await run(process.execPath, ['--import', 'tsx', 'test/tools/bench/main.ts'], env)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  // The packages of the others are not in the main install.
  for (const name of ['bee-queue', 'bullmq', 'groupmq', 'autocannon', 'echarts']) {
    if (!isInstalled(name)) expect(stdout).toMatch(/since .* installed by `make bench` alone/)
  }
  const [, ...tables] = stdout.trim().split('\n\n')
  const judgements = tables.pop()?.split('\n') ?? []
  const rows = tables.map((table) =>
    table
      .split('\n')
      .slice(2)
      .map(columnsOf)
      .filter(([name]) => !PEERS.includes(name as string)),
  )
  expect(rows.map((table) => table.map(([name]) => name))).toEqual([
    [...ADDING, 'rapidfire, with events'],
    ADDING,
    CALLS,
    ['raw RPUSH', ...WORKING, 'rapidfire, with an archive'],
    ['raw RPUSH', ...WORKING],
    ['raw RPUSH', ...WORKING],
    WORKING,
    WORKING,
    WORKING,
    ['RPUSH + ZADD in a function', 'raw RPUSH', ...ADDING.slice(2)],
    ['100 keys', '200 keys'],
    DEPLOYMENTS,
    WORKING,
    ['1 queue', '10 queues'],
    ['part 1', 'part 2'],
    ['one server, no partitions', 'one server, 16 partitions', 'cluster of 1, 16 partitions', 'cluster of 3, 16 partitions'],
    ...(isInstalled('autocannon') ? [['the same server, storing nothing', 'rapidfire serve, no rate limit', 'rapidfire serve']] : []),
  ])
  for (const [name, ...figures] of rows.flat()) {
    for (const figure of figures) expect(figure, name).toMatch(/^(-?\d[\d,]*(\.\d+)?|–)$/)
  }
  // The server always spends time: none means that its statistics were not understood.
  for (const [name, rate, , micros] of [rows[0], rows[1]].flatMap((table) => table ?? [])) {
    for (const figure of [rate, micros]) expect(Number(figure?.replaceAll(',', '')), name).toBeGreaterThan(0)
  }
  const lost = tables.flatMap((table, n) => {
    const column = columnsOf(table.split('\n')[1] as string).indexOf('messages lost')
    return column < 0 ? [] : [(rows[n]?.find(([name]) => name === 'rapidfire') ?? rows[n]?.at(-1))?.[column + 1]]
  })
  expect(lost).toEqual(['0', '0', '0', '0', '0', '0', '0', '0'])
  const measured = AIMS.filter(({ what }) => (isInstalled('autocannon') || !what.startsWith('webhook')) && !what.includes('peer'))
  for (const { what } of measured) expect(judgements.filter((line) => line.includes(what))).not.toEqual([])
  for (const line of judgements) expect(line).toMatch(/^(reached|MISSED ) {2}/)
})

it('says in README.md what each name of ONLY measures', async () => {
  const { stderr } = await run(process.execPath, ['--import', 'tsx', 'test/tools/bench/main.ts'], { TINY: '1', ONLY: 'nothing' })
  const names = /ONLY must be some of (\S+), got 'nothing'/.exec(stderr)?.[1]?.split(',')
  const rows = [...(await readFile(README, 'utf8')).matchAll(/^\| `(\w+)` \| /gm)].map(([, name]) => name)
  expect(rows).toEqual(names)
})

it('shows in README.md, here and at the top, what was measured', async () => {
  const saved = JSON.parse(await readFile(PUBLISHED, 'utf8'))
  const [readme, door] = [await readFile(README, 'utf8'), await readFile(DOOR, 'utf8')]
  expect(withFigures(readme, saved)).toBe(readme)
  expect(withSentence(door, saved)).toBe(door)
})
