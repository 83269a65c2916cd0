import type { Cluster, Redis } from 'ioredis'
import { RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible'
import { toRapidfireError } from '../errors.ts'
import { Refusal } from './problem.ts'

export interface RateLimit {
  /** Requests for one key, 1 or more. @default 5 */
  points?: number
  /** Within so many seconds, 1 or more. @default 1 */
  duration?: number
}

/**
 * Takes a point from each key of a payload, one however many messages the payload has: a provider that was away sends many in one
 * request, and they must pass some time. Throws `RATE_LIMITED` when any key has none left, and then nothing of the payload is stored.
 */
export function rateLimiter(redis: Redis | Cluster, queue: string, { points = 5, duration = 1 }: RateLimit) {
  const limiter = new RateLimiterRedis({ storeClient: redis, keyPrefix: `rapid-fire:{${queue}}:rate`, points, duration })
  return async (keys: Iterable<string>): Promise<void> => {
    const taken = await Promise.allSettled(Array.from(keys, (key) => limiter.consume(key)))
    let wait = -1
    for (const each of taken) {
      if (each.status === 'fulfilled') continue
      if (!(each.reason instanceof RateLimiterRes)) throw toRapidfireError(each.reason, 'rate limit')
      wait = Math.max(wait, each.reason.msBeforeNext)
    }
    if (wait >= 0) throw new Refusal('RATE_LIMITED', { 'retry-after': String(Math.max(1, Math.ceil(wait / 1000))) })
  }
}
