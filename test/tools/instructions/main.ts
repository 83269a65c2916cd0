/**
 * Prints how many instructions each function takes, called alone, without a pipeline: what callers pay who cannot coalesce. RECORD=1 keeps
 * the figures in prices.json, with which the tests compare; ONLY=add prints the rows whose names match.
 */
import { writeFileSync } from 'node:fs'
import { startCounted } from './callgrind.ts'
import { priceOf, priceOfPing } from './measure.ts'
import { PRICES, PRICES_FILE, type Prices } from './prices.ts'
import { type Binding, ROWS } from './rows.ts'

const only = new RegExp(process.env.ONLY ?? '', 'i')
const server = await startCounted()
try {
  const ping = await priceOfPing(server)
  const known = PRICES[server.build]
  const measured: Prices = { functions: {}, scripts: {} }
  const k = (price: number | undefined) => (price === undefined ? '' : (price / 1000).toFixed(1))
  console.log(`Thousands of instructions of Redis ${server.build}; what a PING takes (${k(ping)}) is taken off\n`)
  const line = (...cells: string[]) => console.log(cells[0]?.padEnd(50), ...cells.slice(1).map((cell) => cell.padStart(9)))
  line('', 'FCALL', 'kept', 'aim', 'EVALSHA', 'kept')
  for (const row of ROWS.filter(({ name }) => only.test(name))) {
    for (const binding of (process.env.BINDING ? [process.env.BINDING] : ['functions', 'scripts']) as Binding[])
      measured[binding][row.name] = await priceOf(row, server, binding, ping)
    line(
      row.name,
      k(measured.functions[row.name]),
      k(known?.functions[row.name]),
      k(row.aim),
      k(measured.scripts[row.name]),
      k(known?.scripts[row.name]),
    )
  }
  if (process.env.RECORD) {
    const kept = {
      ...PRICES,
      [server.build]: { functions: { ...known?.functions, ...measured.functions }, scripts: { ...known?.scripts, ...measured.scripts } },
    }
    writeFileSync(PRICES_FILE, `${JSON.stringify(kept, null, 2)}\n`)
  }
} finally {
  await server.stop()
}
