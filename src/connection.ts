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
  /** Hears the messages of a channel, named without the client's key prefix, on this connection and on each one that is made after it. */
  subscribe(channel: string, listener: (message: string) => void, failed: (error: unknown) => unknown): void
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
      // Not shown: it may hold a password.
      'redis must be a URL such as redis://127.0.0.1:6379, ioredis options or a client; got a text that is none',
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

function connectionOf(client: Redis | Cluster, own: boolean, commandTimeout?: number): Connection {
  // Without a listener ioredis prints each failed attempt; the calls that fail say it better.
  if (own) client.on('error', () => {})
  const send = sender(client)
  let dropping = false
  return {
    send: (command, args) => within(commandTimeout, send(command, args)),
    primaries: async () => {
      if (!('nodes' in client)) return [send]
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
    // Once, however many calls have found it dead: a connection that is not yet ready looks after itself.
    reconnect: () => {
      if (dropping || client.status !== 'ready') return
      dropping = true
      client.once('close', () => {
        dropping = false
      })
      client.disconnect(true)
    },
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
