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
  const names = await namesOf(redis, root)
  if (names.length > 0) await redis.del(...names)
  for (const [name, content] of earlier) await redis.restore(name, 0, content)
}

/** The same of the hash at the root alone: the layout and the policy are lost, the messages are not. */
export async function restoreHash(redis: Redis, root: string, earlier: Earlier = new Map()): Promise<void> {
  await redis.del(root)
  const content = earlier.get(root)
  if (content) await redis.restore(root, 0, content)
}
