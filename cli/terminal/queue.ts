import { Option } from 'commander'
import type { Cluster, Redis } from 'ioredis'
import { checkQueueName, rootKey } from '../../src/partitions/roots.ts'
import { REGISTRY } from '../../src/redis/registry.ts'
import { addressOf, primaries } from './connection.ts'
import { CliError } from './errors.ts'

/** Keys looked at for each server in search of queues: some seconds at most, also on a server that holds much else. */
const MOST_KEYS = 1_000_000
const STEP = 1000

/** Names that are said when there is no such queue. */
const MOST_NAMES = 10

/** Names of the registry that are asked for, and looked for, at once. */
const PAGE = 500

/** `--queue`, of a command that is about one. */
export const queueOption = () => new Option('--queue <name>', 'the queue').env('RAPIDFIRE_QUEUE').default('default')

/** The queues of a server or of a cluster, by name. */
export interface Queues {
  queues: string[]
  /** Registered, and not there (any more). */
  gone: string[]
  /** Why they were looked for among all keys, if they were. */
  walked?: string
}

/**
 * For a command that has found nothing in a queue: perhaps there is none of that name, which must not look as if all were well.
 *
 * @throws CliError
 */
export async function expectQueue(redis: Redis | Cluster, queue: string): Promise<void> {
  if (await isThere(redis, queue)) return
  // Who may not look for others is told no names.
  const found = await listQueues(redis).catch(() => undefined)
  if (found?.queues.includes(queue)) return
  // Of one that is registered there may be partitions that nobody knows of.
  if (found?.gone.includes(queue) && (await walkQueues(redis).catch(() => [] as string[])).includes(queue)) return
  throw new CliError(`there is no queue ${queue} on ${serversOf(redis)}${found ? `; ${those(found.queues, queue)}` : ''}`)
}

/** Whether anything of a queue is there. The root may be lost; partition 0 is there for ever once there were partitions. */
async function isThere(redis: Redis | Cluster, queue: string): Promise<boolean> {
  const root = rootKey(queue)
  const parts = [root, `${root}:due`, `${root}:active`, `${root}:dead`]
  return (await Promise.all([redis.exists(...parts), redis.exists(rootKey(queue, 0))])).some((count) => count > 0)
}

/** Those that are registered and there; where none is registered, or the registry cannot be read, those that a walk over the keys finds. */
export async function listQueues(redis: Redis | Cluster): Promise<Queues> {
  const list: Queues = { queues: [], gone: [] }
  const walk = async (why: string) => ({ ...list, queues: await walkQueues(redis), walked: why })
  for (let from = 0; ; from += PAGE) {
    let page: string[]
    try {
      page = await redis.zrange(REGISTRY, String(from), String(from + PAGE - 1))
    } catch (error) {
      if ((error as Error).name !== 'ReplyError') throw error
      return walk(`${REGISTRY} cannot be read: ${(error as Error).message}`)
    }
    if (from === 0 && page.length === 0) return walk(`no queue is in ${REGISTRY}`)
    const names = page.filter(isQueueName)
    const there = await Promise.all(names.map((name) => isThere(redis, name)))
    for (const [n, name] of names.entries()) (there[n] ? list.queues : list.gone).push(name)
    if (page.length < PAGE) return list
  }
}

/** What others have written into the registry may be no name. */
function isQueueName(name: string): boolean {
  try {
    return checkQueueName(name) === name
  } catch {
    return false
  }
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
export async function walkQueues(redis: Redis | Cluster, most = MOST_KEYS): Promise<string[]> {
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
