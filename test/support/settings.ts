import type { Redis } from 'ioredis'

/** What stands in the settings of a root, by name. */
export async function settingsOf(redis: Redis, root: string): Promise<Record<string, string>> {
  const text = (await redis.hget(root, 'settings')) ?? ''
  return Object.fromEntries(text.split(' ').flatMap((each) => (each ? [each.split('=')] : [])))
}

/** Writes some of them by hand: null takes one away. */
export async function setBy(redis: Redis, root: string, changes: Record<string, string | number | null>): Promise<void> {
  const after = Object.entries({ ...(await settingsOf(redis, root)), ...changes }).filter(([, value]) => value !== null)
  await redis.hset(root, 'settings', after.map(([name, value]) => `${name}=${value}`).join(' '))
}
