import { type Cluster, Redis, type RedisOptions } from 'ioredis'
import { RapidfireError } from './errors.ts'

/** An argument of a Redis command. */
export type Argument = string | Buffer | number

type Command = 'fcall' | 'fcall_ro' | 'evalsha' | 'function' | 'script' | 'command'

/**
 * Sends one command; strings of the reply come as buffers, since keys and data may be any bytes. `after` is a second command that must
 * follow on the same connection: then the replies of both are returned.
 */
export type Send = (command: Command, args: Argument[], after?: Argument[]) => Promise<unknown>

/** The few things that rapidfire needs of a Redis client. */
export interface Connection {
  send: Send
  /** Whether it is a cluster. */
  cluster: boolean
  /** Asks a cluster anew which node serves which slots: a pipeline that is sent to the wrong one does not do so by itself. */
  refresh(): Promise<void>
  /** One sender for each primary of a cluster, or for the one server. */
  primaries(): Promise<Send[]>
  /** Walks with SCAN, or with ZSCAN, HSCAN or SSCAN of a key, in bounded steps; of a cluster all primaries are walked. */
  scan(command: 'SCAN' | 'ZSCAN' | 'HSCAN' | 'SSCAN', key: string | undefined, pattern?: string): AsyncGenerator<Buffer>
  /**
   * Another connection of our own to the same server. A command fails when it is not answered within `commandTimeout` ms, and at once when
   * the connection is lost: it is never sent again, since a claim that was sent twice would take batches for nobody.
   */
  duplicate(commandTimeout: number): Connection
  /** Hears the messages of channels, named without the client's key prefix, on this connection and on each one that is made after it. */
  subscribe(
    channels: () => string[],
    heard: { message: (channel: string, message: string) => void; subscribed: () => void; failed: (error: unknown) => unknown },
  ): void
  /** Hears the channels that `subscribe` names by now as well. */
  resubscribe(): void
  /** Drops a connection that may be dead and makes a new one; of a cluster only the one to the node of `root`. */
  reconnect(root?: string): void
  /** `listener` is told whenever a new connection, of a cluster one to a node, is ready. */
  onReady(listener: () => void): void
  /** Ends the connection if it is our own. */
  close(): Promise<void>
}

/** How to reach Redis: a URL, ioredis options, or a client or Cluster of your own, which is never closed by rapidfire. */
export type RedisInput = string | RedisOptions | Redis | Cluster

const isClient = (redis: RedisInput): redis is Redis | Cluster => typeof redis === 'object' && 'fcallBuffer' in redis

type Methods = Record<`${Command}Buffer`, (args: Argument[]) => Promise<unknown>> & {
  callBuffer(name: Argument, args: Argument[]): Promise<unknown>
}

// The method of the command and not `callBuffer`, which loses the command's name when the caller's client pipelines automatically.
// The arguments in one array, since ioredis flattens once: an array among them must not become several arguments.
function sender(client: Redis | Cluster): Send {
  // The automatic pipelines of ioredis 5 choose the node by the first argument, which is not the key here.
  const pipelined = 'nodes' in client && client.options.enableAutoPipelining
  return (command, args, after) => {
    if (!pipelined && !after) return (client as unknown as Methods)[`${command}Buffer`](args)
    const pipeline = client.pipeline()
    const methods = pipeline as unknown as Methods
    methods[`${command}Buffer`](args)
    if (after) methods.callBuffer(after[0] as Argument, after.slice(1))
    return replies(pipeline.exec() as Promise<[Error | null, unknown][]>, after !== undefined)
  }
}

async function replies(results: Promise<[Error | null, unknown][]>, both: boolean): Promise<unknown> {
  const [first, second] = await results
  const failure = first?.[0] ?? second?.[0]
  if (failure) throw failure
  return both ? [first?.[1], second?.[1]] : first?.[1]
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
  const options = { lazyConnect: true, reconnectOnError: leaveReplica }
  return connectionOf(typeof redis === 'string' ? new Redis(redis, options) : new Redis({ ...options, ...redis, lazyConnect: true }), true)
}

/**
 * For `reconnectOnError`: at a failover a primary that has become a replica still answers; its address, or a sentinel, leads to the new one.
 * The command is not sent again by itself: without an end, where there is no other server than a replica.
 */
export const leaveReplica = (error: Error) => /\bREADONLY\b/.test(error.message)

function connectionOf(client: Redis | Cluster, own: boolean, commandTimeout?: number): Connection {
  // Without a listener ioredis prints each failed attempt; the calls that fail say it better.
  if (own) client.on('error', () => {})
  const send = sender(client)
  let resubscribe = () => {}
  let dropping = false
  return {
    send: (command, args, after) => within(commandTimeout, send(command, args, after)),
    cluster: 'nodes' in client,
    refresh: () => new Promise((resolve) => ('nodes' in client ? client.refreshSlotsCache(() => resolve()) : resolve())),
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
        reconnectOnError: leaveReplica,
        retryStrategy: (times: number) => Math.min(times * 50, 500),
      }
      const duplicate =
        'nodes' in client
          ? client.duplicate([], { redisOptions: options, lazyConnect: true, enableOfflineQueue: true })
          : client.duplicate(options)
      return connectionOf(duplicate, true, commandTimeout)
    },
    subscribe: (channels, { message: listener, subscribed, failed }) => {
      const prefix = client.options.keyPrefix ?? ''
      resubscribe = () => {
        if (client.status === 'ready') client.subscribe(...channels().map((channel) => `${prefix}${channel}`)).then(subscribed, failed)
      }
      client.on('message', (channel: string, message: string) => listener(channel.slice(prefix.length), message))
      client.on('ready', resubscribe)
      client.connect().catch(failed)
    },
    resubscribe: () => resubscribe(),
    // Once, however many calls have found it dead: a connection that is not yet ready looks after itself.
    reconnect: () => {
      if (dropping || client.status !== 'ready') return
      dropping = true
      client.once('close', () => {
        dropping = false
      })
      client.disconnect(true)
    },
    onReady: (listener) => {
      client.on('ready', listener)
      if ('nodes' in client) client.on('+node', (node: Redis) => node.on('ready', listener))
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
