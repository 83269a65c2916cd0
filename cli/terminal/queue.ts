import { Option } from 'commander'
import type { Cluster, Redis } from 'ioredis'
import { rootKey } from '../../src/partitions/roots.ts'
import { addressOf, primaries } from './connection.ts'
import { CliError } from './errors.ts'

/** Keys looked at for each server in search of queues: some seconds at most, also on a server that holds much else. */
const MOST_KEYS = 1_000_000
const STEP = 1000

/** Names that are said when there is no such queue. */
const MOST_NAMES = 10

/** `--queue`, of a command that is about one. */
export const queueOption = () => new Option('--queue <name>', 'the queue').env('RAPIDFIRE_QUEUE').default('default')

/**
 * For a command that has found nothing in a queue: perhaps there is none of that name, which must not look as if all were well.
 *
 * @throws CliError
 */
export async function expectQueue(redis: Redis | Cluster, queue: string): Promise<void> {
  // The root may be lost; partition 0 is there for ever once there were partitions.
  for (const root of [rootKey(queue), rootKey(queue, 0)]) if (await redis.exists(root)) return
  // Who may not look for others is told no names.
  const names = await findQueues(redis).catch(() => undefined)
  if (names?.includes(queue)) return
  throw new CliError(`there is no queue ${queue} on ${serversOf(redis)}${names ? `; ${those(names, queue)}` : ''}`)
}

/** Those that are there, the ones that begin alike first. */
function those(names: string[], wanted: string): string {
  if (names.length === 0) return 'there are none'
  const alike = (name: string) => {
    let same = 0
    while (same < name.length && name[same] === wanted[same]) same += 1
    return same
  }
  const nearest = names.sort((a, b) => alike(b) - alike(a)).slice(0, MOST_NAMES)
  return `there ${names.length === 1 ? 'is' : 'are'} ${nearest.join(', ')}${names.length > MOST_NAMES ? ` and ${names.length - MOST_NAMES} more` : ''}`
}

export const serversOf = (redis: Redis | Cluster) => primaries(redis).map(addressOf).join(', ')

/** The queues of a server, or of a cluster, found among at most so many keys of each node. */
export async function findQueues(redis: Redis | Cluster, most = MOST_KEYS): Promise<string[]> {
  const queues = new Set<string>()
  // SCAN is the one command whose keys ioredis does not put a prefix before.
  const prefix = redis.options.keyPrefix ?? ''
  const pattern = `${prefix.replace(/[\\*?[\]]/g, '\\$&')}rapid-fire:{*}`
  for (const node of primaries(redis)) {
    let cursor = '0'
    let looked = 0
    do {
      const [next, keys] = await node.scan(cursor, 'MATCH', pattern, 'COUNT', STEP, 'TYPE', 'hash')
      for (const key of keys) {
        // The root of a queue, or of one of its partitions.
        const queue = /^rapid-fire:\{([^{}\s]+?)(:\d+)?\}$/.exec(key.slice(prefix.length))?.[1]
        if (queue) queues.add(queue)
      }
      cursor = next
      looked += STEP
    } while (cursor !== '0' && looked < most)
    if (cursor !== '0')
      console.error(`rapidfire: looked at about ${looked} keys of ${addressOf(node)}; there may be more queues (--queue names one)`)
  }
  return [...queues].sort()
}
