import type { Command } from 'commander'
import { RapidfireError } from '../../src/errors.ts'
import type { Policy } from '../../src/options.ts'
import { RapidFire } from '../../src/rapidfire.ts'
import { POLICY } from '../../src/redis/generated/limits.ts'
import { redisOption, withRedis } from '../terminal/connection.ts'
import { CliError, UsageError } from '../terminal/errors.ts'
import { count, howMany, toJson } from '../terminal/format.ts'
import { expectQueue, queueOption } from '../terminal/queue.ts'

const MEMBERS = [...Object.keys(POLICY), 'partitions']

export function policy(program: Command): void {
  program
    .command('policy')
    .summary('show or change how long a queue waits')
    .description('Shows the policy of a queue, after changing the members that are named.')
    .argument('[members...]', 'such as wait=5000 partitions=4')
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
        const lines = Object.entries(stored).map(([name, value]) => `${name.padEnd(16)} ${withUnit(name, value)}`)
        console.log(options.json ? toJson(stored) : lines.join('\n'))
      })
    })
}

/** Members that are no times. */
const UNITS: Record<string, (value: number) => string> = {
  maxSize: (value) => `${howMany(value, 'message')} a batch`,
  maxBacklog: (value) => `${howMany(value, 'message')} a conversation`,
  maxMessageBytes: (value) => howMany(value, 'byte'),
  maxBatchBytes: (value) => howMany(value, 'byte'),
  maxDead: (value) => howMany(value, 'dead batch', 'dead batches'),
  maxKeys: (value) => howMany(value, 'conversation'),
  events: (value) => howMany(value, 'entry', 'entries'),
  maxArchived: (value) => howMany(value, 'batch', 'batches'),
  partitions: (value) => howMany(value, 'partition'),
}

/** What a member that may be 0 means then, unless it has no limit. */
const NOTHING: Record<string, string> = { events: '0, none are written', archive: '0, nothing is kept' }

const withUnit = (name: string, value: number) =>
  value === 0 ? (NOTHING[name] ?? '0, no limit') : (UNITS[name]?.(value) ?? `${count(value)} ms`)

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
