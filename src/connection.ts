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
  /** Walks with SCAN, or with ZSCAN, HSCAN or SSCAN of a key, in bounded steps; of a cluster all primaries are walked. */
  scan(command: 'SCAN' | 'ZSCAN' | 'HSCAN' | 'SSCAN', key: string | undefined, pattern?: string): AsyncGenerator<Buffer>
  /**
   * Another connection of our own to the same server. A command fails when it is not answered within `commandTimeout` ms, and at once when
   * the connection is lost: it is never sent again, since a claim that was sent twice would take batches for nobody.
   */
  duplicate(commandTimeout: number): Connection
  /** Hears the messages of a channel, named without the client's key prefix. Renewed after each reconnection. */
  subscribe(channel: string, listener: (message: string) => void): Promise<void>
  /** Drops a connection that may be dead and makes a new one. */
  reconnect(): void
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
  if (isClient(redis)) return connectionOf(redis, false)
  if (typeof redis === 'object' && 'sendCommand' in redis) {
    throw new RapidfireError('BAD_OPTION', 'redis must be a client or Cluster of ioredis; got one of another library')
  }
  return connectionOf(
    typeof redis === 'string' ? new Redis(redis, { lazyConnect: true }) : new Redis({ ...redis, lazyConnect: true }),
    true,
  )
}

function connectionOf(client: Redis | Cluster, own: boolean): Connection {
  // Without a listener ioredis prints each failed attempt; the calls that fail say it better.
  if (own) client.on('error', () => {})
  return {
    send: sender(client),
    primaries: async () => {
      if (!('nodes' in client)) return [sender(client)]
      // A cluster knows its nodes once it is connected.
      if (client.status !== 'ready') await client.ping()
      return client.nodes('master').map(sender)
    },
    scan: async function* (command, key, pattern) {
      const prefix = client.options.keyPrefix ?? ''
      const match = pattern === undefined ? [] : ['MATCH', `${prefix}${pattern}`]
      const nodes: (Redis | Cluster)[] = key === undefined && 'nodes' in client ? client.nodes('master') : [client]
      for (const node of nodes) {
        let cursor = '0'
        do {
          const args = [...(key === undefined ? [] : [key]), cursor, ...match, 'COUNT', 500]
          const [next, found] = (await node.callBuffer(command, args)) as [Buffer, (Buffer | Buffer[])[]]
          yield* found.flat() as Buffer[]
          cursor = next.toString()
        } while (cursor !== '0')
      }
    },
    duplicate: (commandTimeout) => {
      const options = {
        commandTimeout,
        maxRetriesPerRequest: 0,
        lazyConnect: true,
        retryStrategy: (times: number) => Math.min(times * 50, 500),
      }
      return connectionOf(
        'nodes' in client ? client.duplicate([], { redisOptions: options, lazyConnect: true }) : client.duplicate(options),
        true,
      )
    },
    subscribe: async (channel, listener) => {
      client.removeAllListeners('message').on('message', (_, message: string) => listener(message))
      await client.subscribe(`${client.options.keyPrefix ?? ''}${channel}`)
    },
    reconnect: () => client.disconnect(true),
    close: async () => {
      if (!own || client.status === 'end') return
      // QUIT waits for the replies that are under way; a server that is gone cannot answer it.
      if (client.status === 'ready') await client.quit().catch(() => {})
      client.disconnect()
    },
  }
}
