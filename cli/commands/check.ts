import type { Command } from 'commander'
import type { CheckReport } from '../../src/check/check.ts'
import { isCountable } from '../../src/check/violations.ts'
import { RapidFire } from '../../src/rapidfire.ts'
import { redisOption, withRedis } from '../terminal/connection.ts'
import { howMany, printable, toJson } from '../terminal/format.ts'
import { expectQueue, queueOption } from '../terminal/queue.ts'

interface CheckOptions {
  queue: string
  redis: string
  repair?: true
  json?: true
}

export function check(program: Command): void {
  program
    .command('check')
    .summary('look for broken data in a queue, and mend it')
    .description('Walks a live queue and tells each law of its data that is broken. The exit code is 1 when one was.')
    .addOption(queueOption())
    .addOption(redisOption())
    .option('--repair', 'mend what can be mended without loss')
    .option('--json', 'one JSON object')
    .action((options: CheckOptions) =>
      withRedis(options.redis, async (redis) => {
        const report = await new RapidFire({ redis, queue: options.queue }).check({ repair: options.repair === true })
        if (report.keys + report.violations.length === 0) await expectQueue(redis, options.queue)
        const violations = report.violations.map((each) => ({ ...each, key: each.key?.toString(), part: each.part?.toString() }))
        console.log(options.json ? toJson({ ...report, violations }) : format(report))
        if (violations.length > 0) process.exitCode = 1
      }),
    )
}

function format({ queue, keys, violations, counted }: CheckReport): string {
  const lines = violations.map(({ root, law, key, part, text, since, repairable, mended, unmended }) => {
    const name = JSON.stringify([root, ...(part ? [part.toString()] : [])].join(':'))
    const conversation = key && `key ${JSON.stringify(key.toString())}`
    const where = !conversation ? name : law.startsWith('dead-') ? `${conversation} (${name})` : conversation
    const when = since === undefined ? '' : `, since ${new Date(since).toISOString()}`
    const possible = repairable ? '--repair mends it' : 'only a person can mend it'
    const done = mended !== undefined ? `mended: ${mended}` : unmended !== undefined ? `not mended: ${unmended}` : possible
    return `${law}: ${where}: ${text}${when} (${done})`
  })
  if (!counted) {
    const why = !isCountable(violations.filter(({ mended }) => mended === undefined))
      ? 'messages are not where they should be'
      : 'too many to be counted at one moment'
    lines.push(`The counters were not compared with what is held: ${why}.`)
  }
  const broken = violations.length === 0 ? 'all laws hold' : `${violations.length} broken`
  return [...lines, `${queue}: ${howMany(keys, 'key')} looked at, ${broken}.`].map(printable).join('\n')
}
