// `make chaos`: MINUTES of faults (3) on each stage, or on STAGE=server or cluster, from SEED (by chance); ONLY those faults whose names
// have that in them; EVENTS=1: the queues keep events, and these are compared with what is there. Exits 1 when a promise was broken or a fault never happened.
import { randomInt } from 'node:crypto'
import { chaos, STAGES } from './chaos.ts'
import { formatReport } from './report.ts'

const minutes = Number(process.env.MINUTES || 3)
if (!(minutes > 0)) throw new Error(`MINUTES must be a positive number, got '${process.env.MINUTES}'`)
const wanted = process.env.STAGE || 'all'
const stages = STAGES.filter((stage) => wanted === 'all' || wanted === stage)
if (stages.length === 0) throw new Error(`STAGE must be all, ${STAGES.join(' or ')}, got '${wanted}'`)
const seed = process.env.SEED || String(randomInt(1_000_000))

let broken = 0
for (const stage of stages) {
  console.log(`${minutes} minutes of faults, ${stage}, seed ${seed}`)
  const report = await chaos(stage, seed, minutes * 60_000, { only: process.env.ONLY ?? '', events: Boolean(process.env.EVENTS) })
  console.log(`\n${formatReport(report)}\n`)
  broken += report.broken.length
}
process.exitCode = broken === 0 ? 0 : 1
