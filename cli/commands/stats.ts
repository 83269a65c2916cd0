import { styleText } from 'node:util'
import type { Command } from 'commander'
import type { Cluster, Redis } from 'ioredis'
import { redisOption, withRedis } from '../terminal/connection.ts'
import { formatQueues, formatStats, toJson } from '../terminal/format.ts'
import { serversOf } from '../terminal/queue.ts'
import { readStats } from '../terminal/stats.ts'

interface StatsOptions {
  queue?: string
  redis: string
  walk?: true
  json?: true
}

export function stats(program: Command): void {
  program
    .command('stats')
    .summary('show what queues hold and have done')
    .description('Shows what a queue holds and what it has done, or a line for each of all queues.')
    .option('--queue <name>', 'this queue only (default: RAPIDFIRE_QUEUE, else all)')
    .option('--walk', 'look for queues among all keys, also for those that nobody has registered')
    .addOption(redisOption())
    .option('--json', 'one JSON object a line for each queue')
    .action((options: StatsOptions) => withRedis(options.redis, (redis) => show(redis, options)))
}

async function show(redis: Redis | Cluster, { queue, walk, json }: StatsOptions): Promise<void> {
  const all = await readStats(redis, queue, walk)
  if (json) for (const each of all) console.log(toJson(each))
  else if (all.length === 0) console.log(`No queues on ${serversOf(redis)}.`)
  else console.log(all.length === 1 && all[0] ? formatStats(all[0], styleText) : formatQueues(all, styleText))
}
