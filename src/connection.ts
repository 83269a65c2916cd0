import { type Cluster, Redis, type RedisOptions } from 'ioredis'
import { RapidfireError } from './errors.ts'

/** An argument of a Redis command. */
export type Argument = string | Buffer | number

type Command = 'fcall' | 'fcall_ro' | 'evalsha' | 'function' | 'script'

/** Sends one command; strings of the reply come as buffers, since keys and data may be any bytes. */
export type Send = (command: Command, args: Argument[]) => Promise<unknown>

/** The few things that rapidfire needs of a Redis client. */
export interface Connection {
  send: Send
  /** One sender for each primary of a cluster, or for the one server. */
  primaries(): Promise<Send[]>
  /** Ends the connection if it is our own. */
  close(): Promise<void>
}

/** How to reach Redis: a URL, ioredis options, or a client or Cluster of your own, which is never closed by rapidfire. */
export type RedisInput = string | RedisOptions | Redis | Cluster

const isClient = (redis: RedisInput): redis is Redis | Cluster => typeof redis === 'object' && 'fcallBuffer' in redis

type Methods = Record<`${Command}Buffer`, (args: Argument[]) => Promise<unknown>>

// The method of the command and not `callBuffer`, which loses the command's name when the caller's client pipelines automatically.
// The arguments in one array, since ioredis flattens once: an array among them must not become several arguments.
function sender(client: Redis | Cluster): Send {
  if (!('nodes' in client && client.options.enableAutoPipelining)) {
    return (command, args) => (client as unknown as Methods)[`${command}Buffer`](args)
  }
  // The automatic pipelines of ioredis 5 choose the node by the first argument, which is not the key here.
  return async (command, args) => {
    const pipeline = client.pipeline()
    ;(pipeline as unknown as Methods)[`${command}Buffer`](args)
    const [[error, reply]] = (await pipeline.exec()) as [[Error | null, unknown]]
    if (error) throw error
    return reply
  }
}

export function connect(redis: RedisInput): Connection {
  if (typeof redis === 'string' ? !/^(rediss?:)?\/\//.test(redis) : typeof redis !== 'object') {
    throw new RapidfireError(
      'BAD_OPTION',
      `redis must be a URL such as redis://127.0.0.1:6379, ioredis options or a client; got '${String(redis)}'`,
    )
  }
  if (typeof redis === 'object' && 'sendCommand' in redis && !isClient(redis)) {
    throw new RapidfireError('BAD_OPTION', 'redis must be a client or Cluster of ioredis; got one of another library')
  }
  const own = isClient(redis)
    ? undefined
    : typeof redis === 'string'
      ? new Redis(redis, { lazyConnect: true })
      : new Redis({ ...redis, lazyConnect: true })
  // Without a listener ioredis prints each failed attempt; the calls that fail say it better.
  own?.on('error', () => {})
  const client = own ?? (redis as Redis | Cluster)
  return {
    send: sender(client),
    primaries: async () => {
      if (!('nodes' in client)) return [sender(client)]
      // A cluster knows its nodes once it is connected.
      if (client.status !== 'ready') await client.ping()
      return client.nodes('master').map(sender)
    },
    close: async () => {
      if (!own || own.status === 'end') return
      // QUIT waits for the replies that are under way; a server that is gone cannot answer it.
      if (own.status === 'ready') await own.quit().catch(() => {})
      own.disconnect()
    },
  }
}
