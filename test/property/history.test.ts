import { expect, it } from 'vitest'
import { describeBindings } from '../support/lua.ts'
import { TEST_SOURCE } from '../support/source.ts'
import { add, policy, tick } from './calls.ts'
import { runHistories, runHistory } from './histories.ts'
import type { Step } from './step.ts'
import { World } from './world.ts'

/** HISTORIES=5000 for a longer run, SEED=… for one that was printed. */
const HISTORIES = Number(process.env.HISTORIES ?? 500)

const say = (id: string) => add([{ key: 'ann', id, data: 'plain' }])

/** Those that chance finds too seldom to be left to it. */
const SELDOM: [what: string, steps: Step[]][] = [
  [
    'an id comes while the clock is behind, to others that came under a longer policy',
    [policy({ dedupe: 10_000 }), say('m2'), policy({ dedupe: 500 }), tick(-500), say('m1'), tick(3000), say('m1'), tick(30_000), say('m1')],
  ],
]

describeBindings('every history keeps the promises', (lua) => {
  it(`${HISTORIES} of them`, { timeout: 120_000 + HISTORIES * 1000 }, async () => {
    const { histories, steps } = await runHistories(new World(lua().redis, lua().mode, TEST_SOURCE), HISTORIES)
    console.log(`${lua().mode}: ${histories} histories, ${steps} steps`)
    expect(histories).toBe(HISTORIES)
  })

  it.each(SELDOM)('%s', async (_, steps) => {
    const world = new World(lua().redis, lua().mode, TEST_SOURCE)
    await world.load()
    await runHistory(world, steps)
  })
})
