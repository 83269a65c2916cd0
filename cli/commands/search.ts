import { type Command, Option } from 'commander'
import { searchByReading } from '../../src/history/search.ts'
import { RapidFire } from '../../src/rapidfire.ts'
import { redisOption, withRedis } from '../terminal/connection.ts'
import { UsageError } from '../terminal/errors.ts'
import { formatArchived, toJson } from '../terminal/format.ts'
import { expectQueue, queueOption } from '../terminal/queue.ts'

interface SearchOptions {
  queue: string
  redis: string
  key?: string
  since?: number
  reason?: 'wait' | 'maxWait' | 'size' | 'flush' | 'bytes'
  limit: number
  json?: true
}

export function search(program: Command): void {
  program
    .command('search [text]')
    .summary('find batches that were handled, in the archive')
    .description('Shows batches that were completed while the policy kept an archive, with what was said, the oldest first.')
    .addOption(queueOption())
    .addOption(redisOption())
    .option('--key <key>', 'only of this conversation')
    .option('--since <time>', 'completed since then: 30s, 10m, 2h or 7d ago, or a date', sinceOf)
    .addOption(new Option('--reason <reason>', 'what has closed the batch').choices(['wait', 'maxWait', 'size', 'flush', 'bytes']))
    .addOption(new Option('--limit <count>', 'at most so many').argParser(Number).default(100))
    .option('--json', 'one JSON object a line for each batch')
    .action((text: string | undefined, { queue, redis: url, json, since, ...options }: SearchOptions) =>
      withRedis(url, async (redis) => {
        await expectQueue(redis, queue)
        const wanted = { ...options, ...(text !== undefined && { text }), ...(since !== undefined && { from: since }) }
        const { batches, partial } = await searchByReading(new RapidFire({ redis, queue }), wanted)
        for (const batch of batches) console.log(json ? toJson(batch) : formatArchived(batch))
        if (partial) console.error('There may be more: ask for a shorter time, a key, or more with --limit.')
      }),
    )
}

const UNITS: Record<string, number> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** A time as ms since 1970: so long ago, or a date. */
function sinceOf(text: string): number {
  const [, count, unit = ''] = /^(\d+)([smhd])$/.exec(text) ?? []
  const at = count === undefined ? Date.parse(text) : Date.now() - Number(count) * (UNITS[unit] as number)
  if (Number.isNaN(at)) throw new UsageError(`--since must be so long ago, such as 30s, 10m, 2h or 7d, or a date; got '${text}'`)
  return Math.max(0, at)
}
