import type { Command } from 'commander'
import { RapidfireError } from '../../src/errors.ts'
import type { Policy } from '../../src/options.ts'
import { RapidFire } from '../../src/rapidfire.ts'
import { POLICY } from '../../src/redis/generated/limits.ts'
import { redisOption, withRedis } from '../terminal/connection.ts'
import { CliError, UsageError } from '../terminal/errors.ts'
import { expectQueue, queueOption } from '../terminal/queue.ts'

const MEMBERS = [...Object.keys(POLICY), 'partitions']

export function policy(program: Command): void {
  program
    .command('policy [members...]')
    .description('show the policy of a queue, after changing members of it: wait=5000 partitions=4')
    .addOption(queueOption())
    .addOption(redisOption())
    .option('--json', 'one JSON object')
    .action((members: string[], options: { queue: string; redis: string; json?: true }) => {
      const changes = read(members)
      return withRedis(options.redis, async (redis) => {
        if (members.length === 0) await expectQueue(redis, options.queue)
        const stored = await new RapidFire({ redis, queue: options.queue }).policy(changes).catch((error) => {
          throw refusal(error, Object.keys(changes))
        })
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

/** What Redis refuses, in the words of who has typed it. */
function refusal(error: unknown, names: string[]): unknown {
  if (!(error instanceof RapidfireError)) return error
  const unknown = names.find((name) => !MEMBERS.includes(name))
  if (error.code === 'UNKNOWN_ARGUMENT' && unknown) {
    return new CliError(`a policy has no member '${unknown}'; expected ${MEMBERS.join(', ')}`)
  }
  // Redis names members in capitals.
  const inWords = (text: string, name: string) => text.replace(new RegExp(`\\b${name.toUpperCase()}\\b`, 'g'), name)
  return error.code === 'BAD_POLICY' ? new CliError(MEMBERS.reduce(inWords, error.message)) : error
}
