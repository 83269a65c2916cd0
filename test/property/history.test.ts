import fc from 'fast-check'
import { expect, it } from 'vitest'
import { describeBindings } from '../support/lua.ts'
import { claim, completeAll, START_POLICY, STEPS, TICK_A_DAY } from './commands.ts'
import { Model } from './model.ts'

/** HISTORIES=5000 for a longer run. A failure prints the seed and the shortest history that fails. */
const HISTORIES = Number(process.env.HISTORIES ?? 50)

describeBindings('every history keeps the promises', (lua) => {
  it(`${HISTORIES} of them`, { timeout: 60_000 + HISTORIES * 1000 }, async () => {
    const history = fc.asyncProperty(fc.commands(STEPS, { maxCommands: 50, size: 'max' }), async (steps) => {
      const model = new Model(START_POLICY)
      const setup = async () => {
        await lua().reset()
        await lua().call('policy', ...Object.entries(START_POLICY).flatMap(([name, value]) => [name.toUpperCase(), value]))
        return { model, real: lua() }
      }
      await fc.asyncModelRun(setup, steps)

      // Nobody sends any more: everything comes out.
      for (let round = 0; model.conversations.size > 0; round += 1) {
        expect(round).toBeLessThan(100)
        for (const step of [TICK_A_DAY, claim({ limit: 3, lease: 1000, attempts: 1000, ago: undefined }), completeAll]) {
          await step.run(model, lua())
        }
      }
      const left = Object.keys(await lua().keyspace()).map((key) => key.slice(lua().root.length).split(':')[1])
      expect(left.filter((part) => part !== undefined && part !== 'dead' && part !== 'seen')).toEqual([])
    })
    await fc.assert(history, { numRuns: HISTORIES })
  })
})
