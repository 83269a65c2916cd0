import { Option } from 'commander'
import { Cluster, type ClusterOptions, Redis, type RedisOptions } from 'ioredis'
import { needsPassword } from '../../src/errors.ts'
import { AT_ONCE, leaveOtherDatabase, leaveReplica, TIMEOUT } from '../../src/redis/connection.ts'
import { CliError, UsageError } from './errors.ts'

const LOCAL = 'redis://127.0.0.1:6379'

/** No client of ours waits longer for a server that is away, or hangs, than the calls of the library do. */
const BOUNDED = { ...AT_ONCE, lazyConnect: true, connectTimeout: TIMEOUT, commandTimeout: TIMEOUT } satisfies RedisOptions

/** A person waits for the answer: a server that is not there is said so at once and not tried again. */
export const NO_RETRY = { ...BOUNDED, retryStrategy: null } satisfies RedisOptions

/** `--redis`, which wins over REDIS_URL. Help shows where the default comes from and not its value: it may hold a password. */
export const redisOption = () =>
  new Option('--redis <url>', 'the server: a URL, or the path of a socket').default(
    process.env.REDIS_URL || LOCAL,
    `REDIS_URL, else ${LOCAL}`,
  )

/**
 * What ioredis takes, of what people write for a server. It knows a socket by its path alone.
 *
 * @throws UsageError
 */
export function serverOf(url: string): string {
  const [, credentials, path, query] =
    /^(?:(?:redis|unix|redis\+unix|redis-socket):\/\/(?:([^/@]*)@)?)?(\/[^?]*)(?:\?(.*))?$/.exec(url) ?? []
  if (path !== undefined && !/^\/\/|^\/\d*$/.test(path)) {
    const options = new URLSearchParams(query)
    const [username = '', password = ''] = (credentials ?? '').split(':').map(decodeURIComponent)
    if (username) options.set('username', username)
    if (password) options.set('password', password)
    return options.size > 0 ? `${path}?${options}` : path
  }
  if (/^rediss?:\/\//.test(url) && URL.canParse(url)) return url
  throw new UsageError(`the server must be given as a URL such as ${LOCAL}, or as the path of a socket (--redis or REDIS_URL)`)
}

/**
 * Connects to the server, or to the whole cluster when it is a node of one, and disconnects when `use` is done.
 *
 * @throws UsageError, CliError
 */
export function withRedis<T>(url: string, use: (redis: Redis | Cluster) => Promise<T>): Promise<T> {
  return withServer(url, async (redis) => {
    if (!(await isCluster(redis))) return await use(redis)
    const cluster = clusterOf(redis.options, { clusterRetryStrategy: () => null })
    cluster.on('error', () => {})
    try {
      await cluster.connect()
      return await use(cluster)
    } finally {
      cluster.disconnect()
    }
  })
}

/**
 * Connects to the server alone, and disconnects when `use` is done.
 *
 * @throws UsageError, CliError
 */
export async function withServer<T>(url: string, use: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(serverOf(url), NO_RETRY)
  try {
    await connected(redis)
    return await use(redis)
  } finally {
    redis.disconnect()
  }
}

/** Each server that takes writes: the primaries of a cluster, or the one server. */
export const primaries = (redis: Redis | Cluster): Redis[] => (redis instanceof Cluster ? redis.nodes('master') : [redis])

/** A client of another server that the one has told of. */
export function clientOf(redis: Redis, address: string): Redis {
  const at = address.lastIndexOf(':')
  const { path: _, ...options } = redis.options
  return new Redis({ ...options, ...NO_RETRY, host: address.slice(0, at), port: Number(address.slice(at + 1)) })
}

export const addressOf = ({ options }: Redis) => options.path ?? `${options.host}:${options.port}`

/**
 * A client of the server, or of the cluster that it is a node of, for a command that goes on when it is gone.
 *
 * @throws UsageError
 */
export function openClient(url: string, cluster: boolean): Redis | Cluster {
  const server = serverOf(url)
  if (!cluster) {
    const redis = new Redis(server, { ...BOUNDED, reconnectOnError: leaveReplica })
    leaveOtherDatabase(redis)
    return redis
  }
  return clusterOf(new Redis(server, BOUNDED).options, {})
}

function clusterOf(server: RedisOptions, options: ClusterOptions): Cluster {
  const { host = '127.0.0.1', port = 6379, path, username, password, tls, keyPrefix } = server
  if (path) throw new UsageError('the nodes of a cluster are reached by host and port: --redis must be the URL of one, and no socket')
  const { lazyConnect: _, ...bounds } = BOUNDED
  const redisOptions = { ...bounds, username, password, tls }
  return new Cluster([{ host, port }], { lazyConnect: true, ...(keyPrefix !== undefined && { keyPrefix }), ...options, redisOptions })
}

/** @throws CliError that says why there is no connection */
export async function connected(redis: Redis): Promise<void> {
  // The promise of `connect` only says that the connection is closed; the events say why. A refused SELECT is nothing but an event.
  let failure: (Error & { code?: string }) | undefined
  redis.on('error', (error) => (failure ??= error))
  await redis.connect().catch((error) => (failure ??= error))
  if (!failure) return
  // Both addresses of a host name can fail: then the error has a code and no text.
  const why = failure.message || failure.code
  if (/^NOAUTH\b/.test(failure.message)) throw new CliError(needsPassword(addressOf(redis)))
  if (failure.name === 'ReplyError') throw new CliError(`Redis at ${addressOf(redis)} refuses the connection: ${why}`)
  const hint = /certificate/i.test(why ?? '')
    ? 'NODE_EXTRA_CA_CERTS names the file of your authority'
    : '--redis or REDIS_URL names the server'
  throw new CliError(`Redis at ${addressOf(redis)} cannot be reached: ${why} (${hint})`)
}

async function isCluster(redis: Redis): Promise<boolean> {
  // A user who may not ask is taken to be on a single server.
  const info = await redis.info('cluster').catch(() => '')
  return info.includes('cluster_enabled:1')
}
