import type { Cluster, Redis } from 'ioredis'
import type { Stats } from '../../src/batches/stats.ts'
import { RapidfireError } from '../../src/errors.ts'
import { RapidFire } from '../../src/rapidfire.ts'
import { howMany, printable } from './format.ts'
import { expectQueue, listQueues, walkQueues } from './queue.ts'

/**
 * The figures of a queue, by default of that in RAPIDFIRE_QUEUE, or else of all that there are. One of several that cannot be read is said, and keeps
 * nobody from being told of the others.
 *
 * @param walk looks for them among all keys
 * @throws CliError, RapidfireError
 */
export async function readStats(
  redis: Redis | Cluster,
  queue = process.env.RAPIDFIRE_QUEUE || undefined,
  walk?: boolean,
): Promise<Stats[]> {
  if (queue !== undefined) {
    const stats = await read(redis, queue)
    if (stats.totals.added + stats.dead === 0) await expectQueue(redis, queue)
    return [stats]
  }
  const all: Stats[] = []
  for (const each of await findQueues(redis, walk === true)) {
    try {
      all.push(await read(redis, each))
    } catch (error) {
      if (!(error instanceof RapidfireError) || error.code !== 'WRONG_TYPE') throw error
      say(`the queue ${each} is left out: ${error.message}`)
      process.exitCode = 1
    }
  }
  return all
}

async function findQueues(redis: Redis | Cluster, walk: boolean): Promise<string[]> {
  const { queues, walked } = await listQueues(redis)
  if (walked !== undefined) say(`these queues were looked for among all keys, since ${walked}`)
  if (walked !== undefined || !walk) return queues
  const found = await walkQueues(redis)
  const unlisted = found.filter((each) => !queues.includes(each))
  const mend = '`rapidfire check --repair --queue <name>` registers one'
  if (unlisted.length > 0) say(`${howMany(unlisted.length, 'queue is', 'queues are')} not registered: ${unlisted.join(', ')} (${mend})`)
  return [...new Set([...queues, ...found])].sort()
}

/** Beside what is told, which may be JSON. */
const say = (text: string) => console.error(printable(`rapidfire: ${text}`))

/** Looking changes nothing: where no library is loaded, and none must be, a script reads the queue. */
async function read(redis: Redis | Cluster, queue: string): Promise<Stats> {
  try {
    return await new RapidFire({ redis, queue, load: 'never' }).getStats()
  } catch (error) {
    if (!(error instanceof RapidfireError) || error.code !== 'NOT_LOADED') throw error
    return new RapidFire({ redis, queue, binding: 'scripts' }).getStats()
  }
}
