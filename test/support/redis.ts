import { Redis } from 'ioredis'
import { findServer, type PrivateRedis, startRedis } from '../../cli/demo/private-redis.ts'

export { ended, type PrivateRedis, startRedis } from '../../cli/demo/private-redis.ts'

export interface TestRedis {
  url: string
  /** A connection for the test itself. */
  redis: Redis
  /** The process, when the server is one of ours. */
  server: PrivateRedis | undefined
}

const stops: (() => Promise<void>)[] = []

/** Stops the servers of a test file. */
export async function stopServers(): Promise<void> {
  await Promise.all(stops.splice(0).map((stop) => stop()))
}

/**
 * A throw-away server for the tests of one file, ended after them: REDIS_URL when it is set (it will be flushed), a redis-server or
 * valkey-server process, or a container when there is Docker.
 */
export async function useRedis(options: string[] = []): Promise<TestRedis> {
  const given = process.env.REDIS_URL
  const server = !given && findServer() ? await startRedis(options) : undefined
  const container = given || server ? undefined : await inContainer()
  const url = given ?? server?.url ?? (container?.url as string)
  const redis = new Redis(url)
  if (given) await empty(redis)
  stops.push(async () => {
    redis.disconnect()
    await server?.stop()
    await container?.stop()
  })
  return { url, redis, server }
}

/** What the tests of another file have left on the server that was given. */
async function empty(redis: Redis): Promise<void> {
  await redis.flushall()
  // Not every server has Functions.
  await redis.function('FLUSH').catch(() => {})
}

async function inContainer() {
  const { startContainer } = await import('./container.ts')
  try {
    return await startContainer('redis:7')
  } catch (error) {
    throw new Error('no redis-server on PATH and no Docker: install one (apt-get install redis-server) or set REDIS_URL', { cause: error })
  }
}
