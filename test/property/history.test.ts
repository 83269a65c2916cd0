import { expect, it } from 'vitest'
import { describeBindings } from '../support/lua.ts'
import { TEST_SOURCE } from '../support/source.ts'
import { runHistories } from './histories.ts'
import { World } from './world.ts'

/** HISTORIES=5000 for a longer run, SEED=… for one that was printed. */
const HISTORIES = Number(process.env.HISTORIES ?? 500)

describeBindings('every history keeps the promises', (lua) => {
  it(`${HISTORIES} of them`, { timeout: 120_000 + HISTORIES * 1000 }, async () => {
    const { histories, steps } = await runHistories(new World(lua().redis, lua().mode, TEST_SOURCE), HISTORIES)
    console.log(`${lua().mode}: ${histories} histories, ${steps} steps`)
    expect(histories).toBe(HISTORIES)
  })
})
