import type { Command } from 'commander'
import { RapidFire } from '../../src/rapidfire.ts'
import { redisOption, withRedis } from '../terminal/connection.ts'
import { formatEvent, toJson } from '../terminal/format.ts'
import { expectQueue, queueOption } from '../terminal/queue.ts'

interface TailOptions {
  queue: string
  redis: string
  key?: string
  from?: string
  follow: boolean
  json?: true
}

export function tail(program: Command): void {
  program
    .command('tail')
    .summary('show what happens in a queue, while it happens')
    .description('Shows what happens to the messages of a queue, without what people wrote, until it is stopped.')
    .addOption(queueOption())
    .addOption(redisOption())
    .option('--key <key>', 'only what happens to this conversation')
    .option('--from <id>', 'go on behind the event with this id, or with the oldest that is kept: 0')
    .option('--no-follow', 'end when all is shown')
    .option('--json', 'one JSON object a line for each event, with its id')
    .action(({ queue, redis: url, json, ...options }: TailOptions) =>
      withRedis(url, async (redis) => {
        const stopped = new AbortController()
        const stop = () => stopped.abort()
        process.once('SIGINT', stop).once('SIGTERM', stop)
        try {
          await expectQueue(redis, queue)
          const events = new RapidFire({ redis, queue }).events({ ...options, signal: stopped.signal })
          for await (const event of events) console.log(json ? toJson(event) : formatEvent(event))
        } finally {
          process.off('SIGINT', stop).off('SIGTERM', stop)
        }
      }),
    )
}
