import { styleText } from 'node:util'
import type { Command } from 'commander'
import type { Cluster, Redis } from 'ioredis'
import type { Stats } from '../../src/batches/stats.ts'
import { RapidfireError } from '../../src/errors.ts'
import { RapidFire } from '../../src/rapidfire.ts'
import { redisOption, withRedis } from '../terminal/connection.ts'
import { formatQueues, formatStats, toJson } from '../terminal/format.ts'
import { expectQueue, findQueues, serversOf } from '../terminal/queue.ts'

export function stats(program: Command): void {
  program
    .command('stats')
    .summary('show what queues hold and have done')
    .description('Shows what a queue holds and what it has done, or a line for each of all queues.')
    .option('--queue <name>', 'this queue only (default: RAPIDFIRE_QUEUE, else all)')
    .addOption(redisOption())
    .option('--json', 'one JSON object a line for each queue')
    .action((options: { queue?: string; redis: string; json?: true }) =>
      withRedis(options.redis, async (redis) => {
        const queue = options.queue ?? (process.env.RAPIDFIRE_QUEUE || undefined)
        const queues = queue === undefined ? await findQueues(redis) : [queue]
        const all: Stats[] = []
        for (const each of queues) all.push(await read(redis, each))
        if (queue !== undefined && all.every(({ totals, dead }) => totals.added + dead === 0)) await expectQueue(redis, queue)
        if (options.json) for (const each of all) console.log(toJson(each))
        else if (all.length === 0) console.log(`No queues on ${serversOf(redis)}.`)
        else console.log(all.length === 1 ? formatStats(all[0] as Stats, styleText) : formatQueues(all, styleText))
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
