import { PRICES } from '../../instructions/prices.ts'
import { Caller, ROWS } from '../../instructions/rows.ts'
import { type Bench, serverMicros } from '../bench.ts'
import { buildOf } from '../machine.ts'
import type { Measure } from '../rounds.ts'

/** Calls that do not count: Redis and Lua make room for what they need with the first ones. */
const WARM = 60

/** One call at a time, without a pipeline: what callers pay who cannot coalesce. Beside the time stands what `make instructions` has counted. */
export function callMeasure({ redis, scale }: Bench): Measure {
  const units = Math.min(2000, scale.keys)
  return {
    title: 'One call at a time, of a message of 100 bytes: what the server spends on it',
    columns: [
      { name: 'micros', title: 'server µs', digits: 1, spread: true },
      { name: 'microsRatio', title: '× floor', digits: 1, ratioOf: 'micros' },
      { name: 'instructions', title: 'thousand instructions', digits: 0 },
      { name: 'instructionsRatio', title: '× floor', digits: 1, ratioOf: 'instructions' },
    ],
    rows: ROWS.filter(({ short, of }) => short && !of).map(({ name, before, unit }) => ({
      name,
      open: async () => {
        // On another build of Redis the same call takes other instructions: there are none then.
        const price = PRICES[buildOf(await redis.info('server'))]?.functions[name] ?? Number.NaN
        return {
          round: async () => {
            const caller = new Caller(redis, 'functions')
            await caller.prepare()
            await before?.(caller)
            for (let n = 0; n < WARM; n += 1) await unit(caller, 1_000_000 + n)
            await redis.config('RESETSTAT')
            for (let n = 0; n < units; n += 1) await unit(caller, n)
            return { micros: (await serverMicros(redis, 'rapidfire')) / units, instructions: price / 1000 }
          },
          close: async () => {},
        }
      },
    })),
    rounds: scale.rounds,
  }
}
