import { type Command, Option } from 'commander'
import type { Policy } from '../../src/options.ts'
import { RapidFire } from '../../src/rapidfire.ts'
import { redisOption, withRedis } from '../terminal/connection.ts'
import { UsageError } from '../terminal/errors.ts'

export function policy(program: Command): void {
  program
    .command('policy [members...]')
    .description('show the policy of a queue, after changing members of it: wait=5000 partitions=4')
    .addOption(new Option('--queue <name>', 'the queue').env('RAPIDFIRE_QUEUE').default('default'))
    .addOption(redisOption())
    .option('--json', 'one JSON object')
    .action((members: string[], options: { queue: string; redis: string; json?: true }) => {
      const changes = read(members)
      return withRedis(options.redis, async (redis) => {
        const stored = await new RapidFire({ redis, queue: options.queue }).policy(changes)
        const lines = Object.entries(stored).map(([name, value]) => `${name.padEnd(16)} ${value.toLocaleString('en-US')}`)
        console.log(options.json ? JSON.stringify(stored) : lines.join('\n'))
      })
    })
}

/** Reads `name=value` pairs. Which names and values a policy may have, Redis knows. */
function read(members: string[]): Partial<Policy> {
  return Object.fromEntries(
    members.map((member) => {
      const [, name, value] = /^([a-zA-Z]+)=(\d+)$/.exec(member) ?? []
      if (name === undefined) throw new UsageError(`a member must be given as name=integer, such as wait=5000; got '${member}'`)
      return [name, Number(value)]
    }),
  )
}
