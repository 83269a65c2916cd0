import type { Command } from 'commander'
import { renderMetrics } from '../../src/metrics/index.ts'
import { redisOption, withRedis } from '../terminal/connection.ts'
import { readStats } from '../terminal/stats.ts'

export function metrics(program: Command): void {
  program
    .command('metrics')
    .summary('show the figures of queues as Prometheus reads them')
    .description(
      'Shows what queues hold and have done in the text format of Prometheus: for a file, or a look. `serve` answers it at /metrics.',
    )
    .option('--queue <name>', 'this queue only (default: RAPIDFIRE_QUEUE, else all)')
    .addOption(redisOption())
    .action((options: { queue?: string; redis: string }) =>
      withRedis(options.redis, async (redis) => void process.stdout.write(renderMetrics(await readStats(redis, options.queue)))),
    )
}
