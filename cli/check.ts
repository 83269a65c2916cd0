import { type Command, Option } from 'commander'
import type { CheckReport } from '../src/check.ts'
import { RapidFire } from '../src/rapidfire.ts'
import { redisOption, withRedis } from './connection.ts'

interface CheckOptions {
  queue: string
  redis: string
  repair?: true
  json?: true
}

export function check(program: Command): void {
  program
    .command('check')
    .description('walk a live queue and report each law that is broken; exit code 1 when one was')
    .addOption(new Option('--queue <name>', 'the queue').env('RAPIDFIRE_QUEUE').default('default'))
    .addOption(redisOption())
    .option('--repair', 'mend what can be mended without loss')
    .option('--json', 'one JSON object')
    .action((options: CheckOptions) =>
      withRedis(options.redis, async (redis) => {
        const report = await new RapidFire({ redis, queue: options.queue }).check({ repair: options.repair === true })
        const shown = { ...report, violations: report.violations.map((each) => ({ ...each, key: each.key?.toString() })) }
        console.log(options.json ? JSON.stringify(shown) : format(report))
        if (report.violations.length > 0) process.exitCode = 1
      }),
    )
}

function format({ queue, keys, violations, counted }: CheckReport): string {
  const lines = violations.map(({ law, key, text, since, repairable, mended }) => {
    const where = key === undefined ? 'queue' : `key ${JSON.stringify(key.toString())}`
    const when = since === undefined ? '' : `, since ${new Date(since).toISOString()}`
    const done = mended === undefined ? (repairable ? '--repair mends it' : 'only a person can mend it') : `mended: ${mended}`
    return `${law}: ${where}: ${text}${when} (${done})`
  })
  if (!counted) lines.push('The counters were not compared with what is held: too many keys to be counted at one moment.')
  const broken = violations.length === 0 ? 'all laws hold' : `${violations.length} broken`
  return [...lines, `${queue}: ${keys} keys looked at, ${broken}.`].join('\n')
}
