// `make bench`. QUICK=1: within three minutes; FULL=1: up to a million open keys; ONLY=add,drain: these tables alone; PUBLISH=1: like
// FULL=1, and the figures and charts of README.md, here and at the top, are made anew.
import { Redis } from 'ioredis'
import { startRedis } from '../../../cli/demo/private-redis.ts'
import { type Agent, buildPrograms } from './agents.ts'
import { judged, type MeasureName, type Results } from './aims.ts'
import { type Bench, SCALES } from './bench.ts'
import { busyElsewhere, machineOf } from './machine.ts'
import { addMeasure, bulkMeasure } from './measures/add.ts'
import { callMeasure } from './measures/call.ts'
import { clusterMeasure } from './measures/cluster.ts'
import { drainMeasure } from './measures/drain.ts'
import { fairMeasure } from './measures/fair.ts'
import { growthMeasure } from './measures/growth.ts'
import { idleMeasure } from './measures/idle.ts'
import { latenessMeasure, quietMeasure } from './measures/lateness.ts'
import { memoryMeasure } from './measures/memory.ts'
import { queuesMeasure } from './measures/queues.ts'
import { steadyMeasure } from './measures/steady.ts'
import { save, startAnew } from './results.ts'
import { type Measure, runRounds } from './rounds.ts'
import { isInstalled, SYSTEMS } from './systems/index.ts'
import { formatTable } from './table.ts'

const MEASURES: Record<MeasureName, (bench: Bench) => Measure | Promise<Measure>> = {
  add: addMeasure,
  bulk: bulkMeasure,
  call: callMeasure,
  drain: drainMeasure({ perKey: 10, also: ['rapidfireArchive'] }),
  drain100: drainMeasure({ perKey: 100, fewer: 10 }),
  drain10k: drainMeasure({ perKey: 10, bytes: 10_000, fewer: 20 }),
  late200: latenessMeasure(200),
  late2000: latenessMeasure(2000),
  quiet: quietMeasure,
  memory: memoryMeasure,
  growth: growthMeasure,
  fair: fairMeasure,
  idle: idleMeasure,
  queues: queuesMeasure,
  steady: steadyMeasure,
  cluster: clusterMeasure,
  webhook: async (bench) => (await import('./measures/webhook.ts')).webhookMeasure(bench),
}

const { QUICK, FULL, TINY, ONLY, PUBLISH } = process.env
const names = ONLY ? ONLY.split(',') : Object.keys(MEASURES)
const unknown = names.find((name) => !(name in MEASURES))
if (unknown !== undefined) throw new Error(`ONLY must be some of ${Object.keys(MEASURES).join(',')}, got '${unknown}'`)
if (PUBLISH && (QUICK || TINY)) throw new Error('a short run is not published')
const scale = structuredClone(SCALES[TINY ? 'tiny' : QUICK ? 'quick' : 'normal'])
if (FULL || PUBLISH) Object.assign(scale, { open: [...scale.open, 1_000_000], steady: { open: 1_000_000, parts: 10, seconds: 60 } })

const absent = [...new Set(Object.values(SYSTEMS).flatMap((kind) => ('needs' in kind && !isInstalled(kind.needs) ? [kind.title] : [])))]
if (absent.length > 0) console.log(`Left out, since their packages are installed by \`make bench\` alone: ${absent.join(', ')}.`)
if (names.includes('webhook') && !isInstalled('autocannon')) {
  console.log('Left out, since autocannon is installed by `make bench` alone: the webhook.')
  names.splice(names.indexOf('webhook'), 1)
}
if (!isInstalled('echarts')) console.log('Left out, since echarts is installed by `make bench` alone: the charts.')

await Promise.all([buildPrograms(), startAnew()])
const server = await startRedis()
const redis = new Redis(server.url)
const results: Results = {}
const shared: Agent[] | undefined = TINY ? [] : undefined
try {
  const machine = machineOf(await redis.info('server'))
  console.log(`${machine}. Rounds: ${scale.rounds}, of adds ${scale.addRounds}, in which the rows take turns.`)
  console.log('Medians; in brackets the least and the greatest.')
  if (scale.rounds === 1) console.log('One round alone, before V8 has compiled: the aims are for a whole run.')
  console.log('Clients and server share the machine; each client is a process of its own.\n')
  for (const name of names) {
    const measure = await MEASURES[name as MeasureName]({ url: server.url, redis, scale, shared })
    const busy = TINY ? 0 : await busyElsewhere()
    if (busy > 5) console.log(`Other processes take ${busy} % of the CPU: the figures are worse for it.`)
    results[name] = await runRounds(measure)
    console.log(`${formatTable(measure, results[name])}\n`)
    await save({ machine, busy: { [name]: busy }, figures: { [name]: results[name] } }, Boolean(PUBLISH))
  }
  for (const { measure, what, figure, aim, reached } of judged(results)) {
    console.log(`${reached ? 'reached' : 'MISSED '}  ${measure}: ${what}: ${figure} (aim ${aim})`)
  }
} finally {
  await Promise.all((shared ?? []).map((agent) => agent.stop()))
  redis.disconnect()
  await server.stop()
}
