import { styleText } from 'node:util'
import type { Command } from 'commander'
import type { Cluster, Redis } from 'ioredis'
import type { Stats } from '../../src/batches/stats.ts'
import { RapidfireError } from '../../src/errors.ts'
import { RapidFire } from '../../src/rapidfire.ts'
import { addressOf, primaries, redisOption, withRedis } from '../terminal/connection.ts'
import { formatStats } from '../terminal/format.ts'

/** Keys looked at for each server in search of queues: some seconds at most, also on a server that holds much else. */
const MOST_KEYS = 1_000_000
const STEP = 1000

export function stats(program: Command): void {
  program
    .command('stats')
    .description('show what each queue holds and what it has done')
    .option('--queue <name>', 'this queue only (default: RAPIDFIRE_QUEUE, else all)')
    .addOption(redisOption())
    .option('--json', 'one JSON object a line for each queue')
    .action((options: { queue?: string; redis: string; json?: true }) =>
      withRedis(options.redis, async (redis) => {
        const queue = options.queue ?? (process.env.RAPIDFIRE_QUEUE || undefined)
        const queues = queue === undefined ? await findQueues(redis) : [queue]
        const all: Stats[] = []
        for (const queue of queues) all.push(await read(redis, queue))
        if (options.json) for (const each of all) console.log(JSON.stringify(each))
        else if (all.length === 0) console.log(`No queues on ${primaries(redis).map(addressOf).join(', ')}.`)
        else console.log(all.map((each) => formatStats(each, styleText)).join('\n\n'))
      }),
    )
}

/** Looking changes nothing: where no library is loaded, and none must be, a script reads the queue. */
async function read(redis: Redis | Cluster, queue: string): Promise<Stats> {
  try {
    return await new RapidFire({ redis, queue, load: 'never' }).getStats()
  } catch (error) {
    if (!(error instanceof RapidfireError) || error.code !== 'NOT_LOADED') throw error
    return new RapidFire({ redis, queue, binding: 'scripts' }).getStats()
  }
}

/** The queues of a server, or of a cluster, found among at most so many keys of each node. */
export async function findQueues(redis: Redis | Cluster, most = MOST_KEYS): Promise<string[]> {
  const queues = new Set<string>()
  for (const node of primaries(redis)) {
    let cursor = '0'
    let looked = 0
    do {
      const [next, keys] = await node.scan(cursor, 'MATCH', 'rapid-fire:{*}', 'COUNT', STEP, 'TYPE', 'hash')
      for (const key of keys) {
        // The root of a queue, or of one of its partitions.
        const queue = /^rapid-fire:\{([^{}\s]+?)(:\d+)?\}$/.exec(key)?.[1]
        if (queue) queues.add(queue)
      }
      cursor = next
      looked += STEP
    } while (cursor !== '0' && looked < most)
    if (cursor !== '0')
      console.error(`rapidfire: looked at about ${looked} keys of ${addressOf(node)}; there may be more queues (--queue names one)`)
  }
  return [...queues].sort()
}
