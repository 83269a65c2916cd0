import { type Command, Option } from 'commander'
import type { DeadBatch } from '../../src/batches/dead.ts'
import { RefusedBatchesError } from '../../src/errors.ts'
import { RapidFire } from '../../src/rapidfire.ts'
import { LIMITS } from '../../src/redis/generated/limits.ts'
import { redisOption, withRedis } from '../terminal/connection.ts'
import { CliError, UsageError } from '../terminal/errors.ts'
import { formatDead } from '../terminal/format.ts'

interface DeadOptions {
  queue: string
  redis: string
  json?: true
  all?: true
}

/** Ids that one call takes. */
const PAGE = LIMITS.ids

export function dead(program: Command): void {
  const group = program.command('dead').description('look at batches whose attempts are used up, and bring them back')
  const command = (usage: string, description: string) =>
    group
      .command(usage)
      .description(description)
      .addOption(new Option('--queue <name>', 'the queue').env('RAPIDFIRE_QUEUE').default('default'))
      .addOption(redisOption())

  command('list', 'list them, oldest first')
    .option('--json', 'one JSON object a line for each batch')
    .action((options: DeadOptions) =>
      withQueue(options, async (rapidfire) => {
        let found = 0
        for await (const batch of everyDead(rapidfire)) {
          found += 1
          console.log(options.json ? JSON.stringify(batch) : formatDead(batch))
        }
        if (found === 0 && !options.json) console.log(`No dead batches in ${options.queue}.`)
      }),
    )
  command('show <id>', 'show one with its messages')
    .option('--json', 'as a JSON object')
    .action((id: string, options: DeadOptions) =>
      withQueue(options, async (rapidfire) => {
        const [batch] = await rapidfire.dead({ id })
        if (!batch) throw new CliError(`there is no dead batch ${id} in ${options.queue}`)
        if (options.json) return console.log(JSON.stringify(batch))
        console.log(formatDead(batch))
        for (const { id: message, receivedAt, data } of batch.messages) {
          console.log(`  ${new Date(receivedAt).toISOString()}  ${message ?? '-'}  ${JSON.stringify(data)}`)
        }
      }),
    )
  command('requeue [ids...]', 'put their messages back where their times belong, ready at once')
    .option('--all', 'all that are dead now')
    .action((ids: string[], options: DeadOptions) => withQueue(options, (rapidfire) => change(rapidfire, 'requeue', ids, options)))
  command('drop [ids...]', 'delete them with their messages')
    .option('--all', 'all that are dead now')
    .action((ids: string[], options: DeadOptions) => withQueue(options, (rapidfire) => change(rapidfire, 'drop', ids, options)))
}

function withQueue(options: DeadOptions, use: (rapidfire: RapidFire) => Promise<void>): Promise<void> {
  return withRedis(options.redis, (redis) => use(new RapidFire({ redis, queue: options.queue })))
}

async function* everyDead(rapidfire: RapidFire): AsyncGenerator<DeadBatch> {
  for (let offset = 0; ; offset += PAGE) {
    const page = await rapidfire.dead({ limit: PAGE, offset })
    yield* page
    if (page.length < PAGE) return
  }
}

async function change(rapidfire: RapidFire, what: 'requeue' | 'drop', named: string[], options: DeadOptions): Promise<void> {
  if (named.length > 0 === (options.all === true)) throw new UsageError(`name the batches to ${what}, or say --all`)
  let ids = named
  if (options.all) {
    ids = []
    for await (const { id } of everyDead(rapidfire)) ids.push(id)
  }
  const unknown: string[] = []
  const refused: string[] = []
  for (let at = 0; at < ids.length; at += PAGE) {
    const page = ids.slice(at, at + PAGE)
    for (const [n, result] of (await resultsOf(rapidfire[what](page))).entries()) {
      if (result instanceof Error) refused.push(`${page[n]}: ${result.message}`)
      if (result === 'unknown') unknown.push(page[n] as string)
    }
  }
  console.log(`${ids.length - unknown.length - refused.length} ${what === 'requeue' ? 'requeued' : 'dropped'}`)
  if (refused.length > 0) throw new CliError(`${refused.length} still dead in ${options.queue}:\n${refused.join('\n')}`)
  if (named.length > 0 && unknown.length > 0) throw new CliError(`not dead in ${options.queue}: ${unknown.join(', ')}`)
}

/** One result for each batch, errors as values. */
async function resultsOf(changed: Promise<readonly string[]>): Promise<readonly (string | Error)[]> {
  try {
    return await changed
  } catch (error) {
    if (error instanceof RefusedBatchesError) return error.results
    throw error
  }
}
