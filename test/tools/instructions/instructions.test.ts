import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CountedRedis, hasValgrind, startCounted } from './callgrind.ts'
import { priceOf, priceOfPing } from './measure.ts'
import { PRICES } from './prices.ts'
import { ROWS } from './rows.ts'

/** So much more than before a call may take. */
const RISE = 1.03

// A server that was named may be a script, which valgrind cannot follow, and is another build anyway.
const valgrind = !process.env.REDIS_BINARY && !process.env.REDIS_URL && (await hasValgrind())
if (!valgrind) console.log('The prices of calls were not compared: it takes valgrind, and the redis-server of this system')

describe.runIf(valgrind)('the price of a call', () => {
  let server: CountedRedis
  let ping: number
  beforeAll(async () => {
    server = await startCounted()
    ping = await priceOfPing(server)
  }, 120_000)
  afterAll(() => server?.stop())

  it.each(ROWS.filter(({ short }) => short))(
    'has not risen: $name',
    async (row) => {
      const known = PRICES[server.build]?.functions[row.name]
      if (known === undefined) return console.log(`${row.name}: no price is known for Redis ${server.build}`)
      expect(await priceOf(row, server, 'functions', ping)).toBeLessThanOrEqual(known * RISE)
    },
    120_000,
  )
})

it('tells which row has an aim, and keeps a price for each', () => {
  const names = ROWS.map(({ name }) => name)
  expect(new Set(names).size).toBe(names.length)
  for (const { functions, scripts } of Object.values(PRICES)) {
    expect(Object.keys(functions).sort()).toEqual([...names].sort())
    expect(Object.keys(scripts).sort()).toEqual([...names].sort())
  }
})
