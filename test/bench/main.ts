// `make bench`. QUICK=1 runs it short, for a look at whether it works; ONLY=add, bulk or drain prints one table.
import { Redis } from 'ioredis'
import { startRedis } from '../../cli/private-redis.ts'
import { addMeasure } from './measures/add.ts'
import { bulkMeasure } from './measures/bulk.ts'
import { drainMeasure } from './measures/drain.ts'
import { makeMessages } from './messages.ts'
import { runRounds } from './rounds.ts'
import { rapidfire, rapidfireWithIds } from './systems/rapidfire.ts'
import { raw } from './systems/raw.ts'
import { formatTable } from './table.ts'

const MEASURES = { add: addMeasure, bulk: bulkMeasure, drain: drainMeasure }

const [rounds, keys] = process.env.QUICK ? [1, 200] : [5, 10_000]
const only = process.env.ONLY
if (only && !(only in MEASURES)) throw new Error(`ONLY must be one of ${Object.keys(MEASURES).join(', ')}, got '${only}'`)

const messages = makeMessages(keys)
const server = await startRedis()
const redis = new Redis(server.url)
const systems = [raw, rapidfire, rapidfireWithIds].map((system) => system(server.url))
try {
  const version = /redis_version:(\S+)/.exec(await redis.info('server'))?.[1]
  console.log(
    `Redis ${version}, Node ${process.versions.node}: ${keys} keys, ${messages.length} messages of 100 bytes in each round of each row.`,
  )
  console.log(`Rounds: ${rounds}, in which the rows take turns. Medians; in brackets the least and the greatest round.`)
  console.log("Server µs: Redis's own time for one message or batch, from INFO commandstats.\n")
  for (const [name, measure] of Object.entries(MEASURES)) {
    if (only && name !== only) continue
    const made = measure(systems, messages)
    console.log(`${formatTable(made, await runRounds(redis, made, rounds))}\n`)
  }
} finally {
  await Promise.all(systems.map((system) => system.close()))
  redis.disconnect()
  await server.stop()
}
