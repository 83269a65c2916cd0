import type { Cluster, Redis, RedisOptions } from 'ioredis'
import { RapidfireError } from '../errors.ts'
import { nearest, shown } from '../given.ts'

/** Where Redis is when nothing else is said. */
export const LOCAL = 'redis://127.0.0.1:6379'

/** How to reach Redis: a URL, ioredis options, or a client or Cluster of your own, which is never closed by rapidfire. */
export type RedisInput = string | RedisOptions | Redis | Cluster

export const isClient = (redis: RedisInput): redis is Redis | Cluster => typeof redis === 'object' && 'fcallBuffer' in redis

/** What was given is not shown: it may hold a password. */
export const notReachable = (given: unknown) =>
  new RapidfireError(
    'BAD_OPTION',
    `redis must be a URL such as ${LOCAL}, ioredis options or a client; got ${typeof given === 'string' ? 'a text that is none' : shown(given)}`,
  )

/** What people write for what ioredis calls by another name, and says nothing of. */
const MISNAMED: Readonly<Record<string, string>> = {
  url: 'give the URL itself, as in redis: process.env.REDIS_URL',
  uri: 'give the URL itself, as in redis: process.env.REDIS_URL',
  hostname: 'did you mean host?',
  user: 'did you mean username?',
  pass: 'did you mean password?',
  database: 'did you mean db?',
  socket: 'did you mean host and port, or path?',
  prefix: 'did you mean keyPrefix?',
  ssl: 'did you mean tls?',
}

/** Names that no other option of ioredis is near to. */
const NAMES = ['host', 'port', 'path', 'username', 'password', 'family', 'keyPrefix']

/**
 * Only what is surely meant otherwise is refused: which options there are is up to the version of ioredis.
 *
 * @throws RapidfireError `BAD_OPTION`
 */
export function checkRedisOptions(options: RedisOptions): void {
  for (const name in options) {
    const near = NAMES.includes(name) ? undefined : nearest(name, NAMES)
    const meant = Object.hasOwn(MISNAMED, name) ? MISNAMED[name] : near && `did you mean ${near}?`
    if (meant) throw new RapidfireError('BAD_OPTION', `redis has no option ${shown(name)}: ${meant}`)
  }
}
