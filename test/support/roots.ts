import type { Redis } from 'ioredis'

/** What stood in Redis under one root at an earlier time. */
export type Earlier = ReadonlyMap<string, Buffer>

/** Names of all keys of one root: of the queue alone, or of one of its partitions. */
async function namesOf(redis: Redis, root: string): Promise<string[]> {
  const names = await redis.keys(`${root.replace('}', '')}*`)
  return names.filter((name) => name === root || name.startsWith(`${root}:`))
}

/** Keeps what stands under a root, for `restore`. */
export async function keep(redis: Redis, root: string): Promise<Earlier> {
  const names = await namesOf(redis, root)
  return new Map(await Promise.all(names.map(async (name) => [name, (await redis.dumpBuffer(name)) as Buffer] as const)))
}

/** Puts a root back to an earlier state, as a replica does that is promoted and lacks the last writes; without one it is empty. */
export async function restore(redis: Redis, root: string, earlier: Earlier = new Map()): Promise<void> {
  await replace(redis, await namesOf(redis, root), earlier)
}

/** The same of the hash at the root alone: the layout and the policy are lost, the messages are not. */
export async function restoreHash(redis: Redis, root: string, earlier: Earlier = new Map()): Promise<void> {
  await replace(redis, [root], new Map([...earlier].filter(([name]) => name === root)))
}

/** At one moment: others may write meanwhile. */
async function replace(redis: Redis, names: string[], contents: Earlier): Promise<void> {
  const transaction = redis.multi()
  for (const name of names) transaction.del(name)
  for (const [name, content] of contents) transaction.restore(name, 0, content, 'REPLACE')
  for (const [error] of (await transaction.exec()) ?? []) if (error) throw error
}
