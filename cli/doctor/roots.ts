import type { Redis } from 'ioredis'
import { type Layout, type RootLayout, rootKey } from '../../src/partitions/roots.ts'
import { CALLS } from '../../src/protocol/calls.ts'
import { clientOf } from '../terminal/connection.ts'

/** Partitions that are asked at most: beyond them, `rapidfire check` looks. */
const MOST = 2048

/**
 * What the roots of a queue tell of its partitions: the root of the queue, all that have numbers, and the first that the next change would make.
 * Those that cannot be asked are left out; nothing when the root of the queue is one of them.
 */
export async function readRoots(redis: Redis, queue: string): Promise<Map<string, RootLayout>> {
  const nodes = new Map<string, Redis>()
  const told = new Map<string, RootLayout>()
  const ask = async (root: string) => {
    const answer = await askRoot(redis, nodes, root)
    if (answer) told.set(root, answer)
  }
  try {
    await ask(rootKey(queue))
    if (told.size === 0) return told
    // Each may know of more than those before.
    for (let asked = 0; asked <= Math.min(numbered(told), MOST); asked += 1) await ask(rootKey(queue, asked))
  } finally {
    for (const node of nodes.values()) node.disconnect()
  }
  // One that is not there tells nothing.
  const isThere = (root: string, { serves, keys }: RootLayout) => root === rootKey(queue) || serves !== 'unused' || keys > 0
  const serving = newestOf(told)?.serving ?? { first: 0, count: 0 }
  const serves = new Set(Array.from({ length: serving.count }, (_, n) => rootKey(queue, serving.first + n)))
  return new Map([...told].filter(([root, each]) => isThere(root, each) || serves.has(root)))
}

/** The newest layout of those that are known; undefined when none is. */
export function newestOf(told: ReadonlyMap<string, RootLayout>): Layout | undefined {
  return [...told.values()]
    .map(({ layout }) => layout)
    .reduce<Layout | undefined>((best, each) => (best && best.generation >= each.generation ? best : each), undefined)
}

/** How many partitions have numbers. */
function numbered(told: ReadonlyMap<string, RootLayout>): number {
  return Math.max(
    ...[...told.values()].map(({ layout: { serving, other } }) => Math.max(serving.first + serving.count, other.first + other.count)),
  )
}

/** As a library function, without loading it: nothing is changed here. */
const layoutOf = async (redis: Redis, root: string) => CALLS.layout.read(await redis.fcall_ro('rapidfire_layout', 1, root))

/** Asks the server, and the node of the cluster that it points to. */
async function askRoot(redis: Redis, nodes: Map<string, Redis>, root: string): Promise<RootLayout | undefined> {
  try {
    return await layoutOf(redis, root)
  } catch (error) {
    const address = /^MOVED \d+ (\S+)$/.exec((error as Error).message)?.[1]
    if (address === undefined) return undefined
    let node = nodes.get(address)
    if (!node) {
      node = clientOf(redis, address)
      node.on('error', () => {})
      nodes.set(address, node)
    }
    return layoutOf(node, root).catch(() => undefined)
  }
}
