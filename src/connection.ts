import { type Cluster, Redis, type RedisOptions } from 'ioredis'
import { RapidfireError } from './errors.ts'

/** An argument of a Redis command. */
export type Argument = string | Buffer | number

/** The few things that rapidfire needs of a Redis client. */
export interface Connection {
  /** Sends one command; strings of the reply come as buffers, since keys and data may be any bytes. */
  send(command: string, args: Argument[]): Promise<unknown>
  /** Sends one command to each primary of a cluster, or to the one server. */
  sendToAll(command: string, args: Argument[]): Promise<unknown[]>
  /**
   * Another connection of our own to the same server. A command fails when it is not answered within `commandTimeout` ms, and at once when
   * the connection is lost: it is never sent again, since a claim that was sent twice would take batches for nobody.
   */
  duplicate(commandTimeout: number): Connection
  /** Hears the messages of a channel, named without the client's key prefix, on this connection and on each one that is made after it. */
  subscribe(channel: string, listener: (message: string) => void, failed: (error: unknown) => unknown): void
  /** Drops a connection that may be dead and makes a new one. */
  reconnect(): void
  /** Ends the connection if it is our own. */
  close(): Promise<void>
}

/** How to reach Redis: a URL, ioredis options, or a client or Cluster of your own, which is never closed by rapidfire. */
export type RedisInput = string | RedisOptions | Redis | Cluster

const isClient = (redis: RedisInput): redis is Redis | Cluster => typeof redis === 'object' && 'callBuffer' in redis

export function connect(redis: RedisInput): Connection {
  if (typeof redis === 'string' && !/^(rediss?:)?\/\//.test(redis)) {
    throw new RapidfireError(
      'BAD_OPTION',
      `redis must be a URL such as redis://127.0.0.1:6379, ioredis options or a client; got '${redis}'`,
    )
  }
  if (typeof redis !== 'string' && (typeof redis !== 'object' || redis === null)) {
    throw new RapidfireError(
      'BAD_OPTION',
      `redis must be a URL, ioredis options or a client; got ${redis === null ? 'null' : typeof redis}`,
    )
  }
  if (isClient(redis)) return connectionOf(redis, false)
  return connectionOf(
    typeof redis === 'string' ? new Redis(redis, { lazyConnect: true }) : new Redis({ ...redis, lazyConnect: true }),
    true,
  )
}

function connectionOf(client: Redis | Cluster, own: boolean, commandTimeout?: number): Connection {
  // Without a listener ioredis prints each failed attempt; the calls that fail say it better.
  if (own) client.on('error', () => {})
  return {
    send: (command, args) => within(commandTimeout, client.callBuffer(command, args)),
    sendToAll: (command, args) => {
      const nodes: Redis[] = 'nodes' in client ? client.nodes('master') : [client]
      return Promise.all(nodes.map((node) => node.callBuffer(command, args)))
    },
    duplicate: (commandTimeout) => {
      const options = {
        commandTimeout,
        maxRetriesPerRequest: 0,
        enableOfflineQueue: true,
        lazyConnect: true,
        // It would end the process when the connection is lost once more before the subscription is renewed.
        autoResubscribe: false,
        retryStrategy: (times: number) => Math.min(times * 50, 500),
      }
      const duplicate =
        'nodes' in client
          ? client.duplicate([], { redisOptions: options, lazyConnect: true, enableOfflineQueue: true })
          : client.duplicate(options)
      return connectionOf(duplicate, true, commandTimeout)
    },
    subscribe: (channel, listener, failed) => {
      const name = `${client.options.keyPrefix ?? ''}${channel}`
      client.on('message', (_, message: string) => listener(message))
      client.on('ready', () => client.subscribe(name).catch(failed))
      client.connect().catch(failed)
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

/** A Cluster holds commands back for ever while it finds no node. */
function within<Reply>(ms: number | undefined, reply: Promise<Reply>): Promise<Reply> {
  if (ms === undefined) return reply
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`Command timed out: no answer within ${ms} ms`)), ms)
    reply.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}
