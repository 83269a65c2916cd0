// `make chaos`: MINUTES of faults (3), from SEED (by chance). Exits 1 when a promise was broken or a fault never happened.
import { randomInt } from 'node:crypto'
import { chaos } from './chaos.ts'
import { formatReport } from './report.ts'

const minutes = Number(process.env.MINUTES || 3)
if (!(minutes > 0)) throw new Error(`MINUTES must be a positive number, got '${process.env.MINUTES}'`)
const seed = process.env.SEED || String(randomInt(1_000_000))

console.log(`${minutes} minutes of faults, seed ${seed}`)
const report = await chaos(seed, minutes * 60_000)
console.log(`\n${formatReport(report)}`)
process.exitCode = report.broken.length === 0 ? 0 : 1
