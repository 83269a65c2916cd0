import type { Command } from 'commander'
import type { Erased } from '../../src/batches/erase.ts'
import { RapidFire } from '../../src/rapidfire.ts'
import { redisOption, withRedis } from '../terminal/connection.ts'
import { howMany, toJson } from '../terminal/format.ts'
import { expectQueue, queueOption } from '../terminal/queue.ts'

export function erase(program: Command): void {
  program
    .command('erase <key>')
    .summary('delete all that is kept of a conversation')
    .description('Deletes all that Redis keeps of a conversation: messages, dead batches, entries of streams, the archive.')
    .addOption(queueOption())
    .addOption(redisOption())
    .option('--json', 'one JSON object')
    .action((key: string, options: { queue: string; redis: string; json?: true }) =>
      withRedis(options.redis, async (redis) => {
        const erased = await new RapidFire({ redis, queue: options.queue }).erase(key)
        if (Object.values(erased).every((each) => !each)) await expectQueue(redis, options.queue)
        console.log(options.json ? toJson(erased) : formatErased(erased))
      }),
    )
}

function formatErased({ messages, claimed, deadBatches, deadMessages, streamEntries, rateKeys, archivedBatches }: Erased): string {
  const lines = [
    `${howMany(messages, 'message')}${claimed ? ', of which a worker had a batch' : ''}`,
    `${howMany(deadBatches, 'dead batch', 'dead batches')} with ${howMany(deadMessages, 'message')}`,
    howMany(streamEntries, 'entry of streams', 'entries of streams'),
    howMany(rateKeys, 'key of the webhook', 'keys of the webhook'),
    howMany(archivedBatches, 'batch in the archive', 'batches in the archive'),
  ]
  return ['Erased:', ...lines.map((line) => `  ${line}`)].join('\n')
}
