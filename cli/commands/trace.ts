import { styleText } from 'node:util'
import type { Command } from 'commander'
import { RapidfireError } from '../../src/errors.ts'
import type { Trace, Traced } from '../../src/history/trace.ts'
import { RapidFire } from '../../src/rapidfire.ts'
import { redisOption, withRedis } from '../terminal/connection.ts'
import { CliError, UsageError } from '../terminal/errors.ts'
import { toJson } from '../terminal/format.ts'
import { expectQueue, queueOption } from '../terminal/queue.ts'
import { formatTrace } from '../terminal/trace.ts'

interface TraceOptions {
  queue: string
  redis: string
  key?: string
  batch?: string
  json?: true
}

export function trace(program: Command): void {
  program
    .command('trace [id]')
    .summary('tell what became of a message')
    .description('Tells where a message, a conversation or a batch is, and what it waits for, without what people wrote.')
    .addOption(queueOption())
    .addOption(redisOption())
    .option('--key <key>', 'the conversation: of the message, or all of it; without it an id is found only while events are kept')
    .option('--batch <id>', 'the batch with this id')
    .option('--json', 'one JSON object a line for each that is found')
    .action((id: string | undefined, options: TraceOptions) =>
      withRedis(options.redis, (redis) =>
        show(new RapidFire({ redis, queue: options.queue }), id, options, () => expectQueue(redis, options.queue)),
      ),
    )
}

async function show(
  rapidfire: RapidFire,
  id: string | undefined,
  { key, batch, json }: TraceOptions,
  expectThere: () => Promise<void>,
): Promise<void> {
  const given = { ...(key !== undefined && { key }), ...(id !== undefined && { id }), ...(batch !== undefined && { batch }) }
  if (batch === undefined ? key === undefined && id === undefined : key !== undefined || id !== undefined)
    throw new UsageError('name a message, a conversation with --key, both, or a batch with --batch')
  const found = await rapidfire.trace(given as Traced).catch(async (error: unknown) => {
    if (error instanceof RapidfireError && error.code === 'NO_EVENTS') await expectThere()
    throw error
  })
  if (found.every(({ state }) => state === 'unknown' || state === 'empty')) await expectThere()
  if (found.length === 0) throw new CliError(`no event that is kept names a message ${id}: name its conversation with --key`)
  const width = Math.max(process.stdout.columns ?? 80, 40)
  for (const [n, each] of found.entries())
    console.log(json ? toJson(withTimes(each)) : `${n > 0 ? '\n' : ''}${formatTrace(each, width, styleText)}`)
}

const TIMES = new Set(['now', 'receivedAt', 'deadline', 'until', 'lookedAt', 'looksAt', 'at'])

/** With times as people and other programs read them, to the ms. */
const withTimes = (trace: Trace): unknown =>
  JSON.parse(JSON.stringify(trace, (name, value) => (TIMES.has(name) && typeof value === 'number' ? new Date(value).toISOString() : value)))
