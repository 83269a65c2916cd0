import { type Command, Option } from 'commander'
import type { Erased } from '../../src/batches/erase.ts'
import { RapidFire } from '../../src/rapidfire.ts'
import { redisOption, withRedis } from '../terminal/connection.ts'

export function erase(program: Command): void {
  program
    .command('erase <key>')
    .description('erase all that Redis keeps of a conversation: messages, dead batches, entries of streams')
    .addOption(new Option('--queue <name>', 'the queue').env('RAPIDFIRE_QUEUE').default('default'))
    .addOption(redisOption())
    .option('--json', 'one JSON object')
    .action((key: string, options: { queue: string; redis: string; json?: true }) =>
      withRedis(options.redis, async (redis) => {
        const erased = await new RapidFire({ redis, queue: options.queue }).erase(key)
        console.log(options.json ? JSON.stringify(erased) : formatErased(erased))
      }),
    )
}

function formatErased({ messages, claimed, deadBatches, deadMessages, streamEntries, rateKeys }: Erased): string {
  const lines = [
    `${messages} messages${claimed ? ', of which a worker had a batch' : ''}`,
    `${deadBatches} dead batches with ${deadMessages} messages`,
    `${streamEntries} entries of streams`,
    `${rateKeys} keys of the webhook`,
  ]
  return ['Erased:', ...lines.map((line) => `  ${line}`)].join('\n')
}
