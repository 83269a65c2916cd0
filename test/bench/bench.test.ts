import { expect, it } from 'vitest'
import { lacksServer } from '../client/clients.ts'
import { run } from '../support/shell.ts'

it('prints each row of each table with its figures', async ({ skip }) => {
  if (lacksServer('the bench')) return skip()
  const { code, stdout, stderr } = await run(process.execPath, ['--import', 'tsx', 'test/bench/main.ts'], { QUICK: '1', ONLY: '' })
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  const tables = stdout.trim().split('\n\n').slice(1)
  const rows = tables.map((table) =>
    table
      .split('\n')
      .slice(2)
      .map((line) => line.trim().split(/ {2,}/)),
  )
  expect(rows.map((table) => table.map(([name]) => name))).toEqual([
    ['raw RPUSH', 'rapidfire', 'rapidfire, with ids'],
    ['raw RPUSH', 'rapidfire', 'rapidfire, with ids'],
    ['raw RPUSH', 'rapidfire, concurrency 50', 'rapidfire, concurrency 100'],
  ])
  for (const [name, rate, , ratio, , micros] of rows.flat()) {
    for (const figure of [rate, ratio, micros]) expect(figure, name).toMatch(/^\d[\d,]*(\.\d+)?$/)
    // The server always spends time: none means that its statistics were not understood.
    expect(Number(micros), name).toBeGreaterThan(0)
  }
})
