import type { Command } from 'commander'
import type { DeadBatch } from '../../src/batches/dead.ts'
import { RefusedBatchesError } from '../../src/errors.ts'
import { RapidFire } from '../../src/rapidfire.ts'
import { LIMITS } from '../../src/redis/generated/limits.ts'
import { redisOption, withRedis } from '../terminal/connection.ts'
import { CliError, UsageError } from '../terminal/errors.ts'
import { formatDead, howMany, printable, toJson } from '../terminal/format.ts'
import { expectQueue, queueOption } from '../terminal/queue.ts'

interface DeadOptions {
  queue: string
  redis: string
  json?: true
  all?: true
}

/** Ids that one call takes. */
const PAGE = LIMITS.ids

export function dead(program: Command): void {
  const group = program
    .command('dead')
    .summary('show batches that have failed, and bring them back')
    .description('Shows batches whose attempts are used up, and brings them back or deletes them.')
  const command = (usage: string, description: string) =>
    group.command(usage).description(description).addOption(queueOption()).addOption(redisOption())

  command('list', 'list them, oldest first')
    .option('--json', 'one JSON object a line for each batch')
    .action((options: DeadOptions) =>
      withQueue(options, async (rapidfire, expected) => {
        let found = 0
        for await (const batch of everyDead(rapidfire)) {
          found += 1
          console.log(options.json ? toJson(batch) : formatDead(batch))
        }
        if (found === 0) await expected()
        if (found === 0 && !options.json) console.log(printable(`No dead batches in ${options.queue}.`))
      }),
    )
  command('show <id>', 'show one with its messages')
    .option('--json', 'as a JSON object')
    .action((id: string, options: DeadOptions) =>
      withQueue(options, async (rapidfire, expected) => {
        const [batch] = await rapidfire.dead({ id })
        if (!batch) await expected()
        if (!batch) throw new CliError(`there is no dead batch ${id} in ${options.queue}`)
        if (options.json) return console.log(toJson(batch))
        console.log(formatDead(batch))
        for (const { id: message, receivedAt, data } of batch.messages) {
          console.log(printable(`  ${new Date(receivedAt).toISOString()}  ${message ?? '-'}  ${JSON.stringify(data)}`))
        }
      }),
    )
  command('requeue [ids...]', 'put their messages back where their times belong, ready at once')
    .option('--all', 'all that are dead now')
    .action((ids: string[], options: DeadOptions) => withQueue(options, (...queue) => change(...queue, 'requeue', ids, options)))
  command('drop [ids...]', 'delete them with their messages')
    .option('--all', 'all that are dead now')
    .action((ids: string[], options: DeadOptions) => withQueue(options, (...queue) => change(...queue, 'drop', ids, options)))
}

/** @param use is also given what fails when there is no such queue */
function withQueue(
  { redis, queue }: DeadOptions,
  use: (rapidfire: RapidFire, expected: () => Promise<void>) => Promise<void>,
): Promise<void> {
  return withRedis(redis, (redis) => use(new RapidFire({ redis, queue }), () => expectQueue(redis, queue)))
}

async function* everyDead(rapidfire: RapidFire): AsyncGenerator<DeadBatch> {
  for (let offset = 0; ; offset += PAGE) {
    const page = await rapidfire.dead({ limit: PAGE, offset })
    yield* page
    if (page.length < PAGE) return
  }
}

async function change(
  rapidfire: RapidFire,
  expected: () => Promise<void>,
  what: 'requeue' | 'drop',
  named: string[],
  options: DeadOptions,
): Promise<void> {
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
  if (unknown.length === ids.length) await expected()
  console.log(`${howMany(ids.length - unknown.length - refused.length, 'batch', 'batches')} ${what === 'requeue' ? 'requeued' : 'dropped'}`)
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
