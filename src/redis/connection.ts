import { type Cluster, Redis, type RedisOptions } from 'ioredis'
import { RapidfireError, toRapidfireError } from '../errors.ts'
import { ms } from '../given.ts'
import { checkRedisOptions, isClient, LOCAL, notReachable, type RedisInput } from './input.ts'
import { gotNoAnswer, Late, NotSent, type Patience, patiently, Unanswered } from './patience.ts'
import { addressOf, drop, nodeOf, reacher, ready, tellWhenReady, unlessSilent } from './readiness.ts'
import { type Hearing, Subscriptions } from './subscriptions.ts'
import { Limit, LONGEST_CALL, Term } from './term.ts'

/** An argument of a Redis command. */
export type Argument = string | Buffer | number

type Walk = 'scan' | 'zscan' | 'hscan' | 'sscan'

type Other = 'exists' | 'zadd' | 'zrem' | 'zscore' | 'ft.create' | 'ft.info'
type Command = 'fcall' | 'fcall_ro' | 'evalsha' | 'function' | 'script' | 'command' | Other | Walk

/**
 * Sends one command; strings of the reply come as buffers, since keys and data may be any bytes. `after` is a second command that must
 * follow on the same connection: then the replies of both are returned, the second one perhaps an `Error`. When `term` is over it is not sent
 * any more.
 */
export type Send = (command: Command, args: Argument[], after?: Argument[], term?: Term) => Promise<unknown>

/** The few things that rapidfire needs of a Redis client. */
export interface Connection {
  /** Of a part of one that several users have: that connection, by which they know each other. */
  origin?: Connection
  /** Where Redis is, for errors: host and port, or a socket. */
  readonly address: string
  /** What connecting has failed with last, as long as there is no connection; of one of our own. */
  readonly failure: unknown
  /**
   * On a connection of our own nothing is ever sent twice, and it is always known whether a command was sent at all: else `NotSent` is thrown.
   * It waits for the connection that is being made.
   */
  send: Send
  /** The same for what nobody waits for: a connection is not given up for want of its answer. */
  tell: Send
  /** Whether it is a cluster. */
  cluster: boolean
  /** Whether the client sends again, by itself, what was not answered: then only an id tells a message that was stored from one that was not. */
  resends: boolean
  /** For how long a call is waited for; undefined where its caller has made the client, or a worker looks after it. */
  limit: Limit | undefined
  /** For how long, and how often, a call that got no answer is repeated unless it says otherwise; not by us on a client of the caller's. */
  patience: Patience
  /** Asks a cluster anew which node serves which slots: a pipeline that is sent to the wrong one does not do so by itself. */
  refresh(): Promise<void>
  /** One sender for each primary of a cluster, or for the one server. */
  primaries(): Promise<Send[]>
  /** Walks with SCAN, or with ZSCAN, HSCAN or SSCAN of a key, in bounded steps; of a cluster all primaries are walked. */
  scan(command: Walk, key: string | undefined, pattern?: string): AsyncGenerator<Buffer>
  /**
   * Another connection of our own to the same server, for calls that are not repeated unless they ask for it. A command fails when nothing
   * arrives from its server for `silence` ms: a long answer on a slow way goes on arriving.
   */
  duplicate(silence: number): Connection
  /** Hears the messages of channels: see `Subscriptions`. Returns what ends that. */
  subscribe(channels: readonly string[], hearing: Hearing): () => void
  /** Drops a connection that may be dead and makes a new one; of a cluster the one to the node that serves `root`, or all of them. */
  reconnect(root?: string): void
  /** `listener` is told whenever a new connection, of a cluster one to a node, is ready. Returns what ends that. */
  onReady(listener: () => void): () => void
  /** Ends the connection if it is our own: Redis is told, and may answer what is under way. */
  close(): Promise<void>
  /** The same at once, whatever is under way. */
  end(): void
}

type Methods = Record<`${Command}Buffer`, (args: Argument[]) => Promise<unknown>> & {
  callBuffer(name: Argument, args: Argument[]): Promise<unknown>
}

// The method of the command and not `callBuffer`, which loses the command's name when the caller's client pipelines automatically.
// The arguments in one array, since ioredis flattens once: an array among them must not become several arguments. It has no methods for `ft.`.
function sender(client: Redis | Cluster): Send {
  // The automatic pipelines of ioredis 5 choose the node by the first argument, which is not the key here.
  const pipelined = 'nodes' in client && client.options.enableAutoPipelining
  const gather = gatherer(client)
  return (command, args, after) => {
    gather()
    if (command.startsWith('ft.')) return (client as unknown as Methods).callBuffer(command, args)
    if (!pipelined && !after) return (client as unknown as Methods)[`${command}Buffer`](args)
    const pipeline = client.pipeline()
    const methods = pipeline as unknown as Methods
    methods[`${command}Buffer`](args)
    if (after) methods.callBuffer(after[0] as Argument, after.slice(1))
    return replies(pipeline.exec() as Promise<[Error | null, unknown][]>, after !== undefined)
  }
}

/**
 * Lets what is sent in one tick leave in one write to each node.
 *
 * WHY: with many partitions a tick has many calls, and a write of its own for each took more of this process than all else about the call; Redis,
 * woken by the first of them, answered in as many pieces, so that the callers came back one by one and the next calls carried less.
 */
function gatherer(client: Redis | Cluster): () => void {
  let gathering = false
  return () => {
    if (gathering) return
    gathering = true
    const streams = ('nodes' in client ? client.nodes('master') : [client]).map(({ stream }) => stream)
    for (const stream of streams) stream?.cork()
    process.nextTick(() => {
      gathering = false
      for (const stream of streams) stream?.uncork()
    })
  }
}

async function replies(results: Promise<[Error | null, unknown][]>, both: boolean): Promise<unknown> {
  const [first, second] = await results
  if (first?.[0]) throw first[0]
  // What the second command is refused with is a reply: the first one has been carried out.
  return both ? [first?.[1], second?.[0] ?? second?.[1]] : first?.[1]
}

function clientOf(url: string): Redis {
  try {
    return new Redis(url, { ...AT_ONCE, lazyConnect: true })
  } catch {
    throw notReachable(url)
  }
}

/**
 * Connects as the options of a client say.
 *
 * @throws RapidfireError `BAD_OPTION`
 */
export function connectTo(options: { redis?: RedisInput; timeout?: number }): Connection {
  if ('redis' in options && options.redis === undefined) {
    throw new RapidfireError('BAD_OPTION', `redis is undefined, as a variable that is not set is: leave it out to mean ${LOCAL}`)
  }
  return connect(options.redis === undefined ? LOCAL : options.redis, options.timeout)
}

/**
 * @param timeout ms, for a connection that is made here
 * @throws RapidfireError `BAD_OPTION`
 */
export function connect(redis: RedisInput, timeout?: number): Connection {
  if (typeof redis === 'string' ? !/^(rediss?:)?\/\//.test(redis) : typeof redis !== 'object' || redis === null) throw notReachable(redis)
  if (isClient(redis)) {
    if (timeout === undefined) return connectionOf(redis)
    throw new RapidfireError('BAD_OPTION', 'timeout is for connections that rapidfire makes; give your own client a commandTimeout')
  }
  if (typeof redis === 'object' && 'sendCommand' in redis) {
    throw new RapidfireError('BAD_OPTION', 'redis must be a client or Cluster of ioredis; got one of another library')
  }
  if (typeof redis === 'object') checkRedisOptions(redis)
  const limit = new Limit(ms('timeout', timeout ?? TIMEOUT, { most: LONGEST_CALL }))
  const given: RedisOptions = typeof redis === 'string' ? {} : redis
  const client = typeof redis === 'string' ? clientOf(redis) : new Redis({ ...AT_ONCE, ...redis, lazyConnect: true })
  const { reconnectOnError = leaveReplica, retryStrategy = soon, enableReadyCheck = needsReadyCheck(client) } = given
  Object.assign(client.options, ONCE, {
    retryStrategy,
    enableReadyCheck,
    // It may ask to have the command sent again as well (2), which is up to us.
    reconnectOnError: (error: Error) => Boolean(reconnectOnError?.(error)),
  })
  return connectionOf(client, { patience: limit.ms, retries: retriesOf(given), limit, readyCheck: given.enableReadyCheck !== false })
}

/**
 * A connection of our own never sends a command a second time, nor keeps it for later: a claim that was sent twice would take batches for
 * nobody, and of a message without an id there would be two. What may be repeated, a `Caller` repeats. ioredis settles what is under way
 * when the connection is lost only with this number of retries.
 */
const ONCE = { maxRetriesPerRequest: 0, enableOfflineQueue: false }

/** What was answered is all that is waited for: ioredis would keep the process for two seconds more when the other side is silent or gone. */
export const AT_ONCE = { disconnectTimeout: 0 }

/**
 * The ready check costs a round trip before the first call, and finds out what the call itself is told: that Redis is still loading. But it tells
 * a primary from a replica where a sentinel has named it; and ioredis 5, which knows no `protocol`, would send calls before Redis has taken the
 * password and the database.
 */
const needsReadyCheck = ({ options }: Redis) => Boolean(options.sentinels) || !('protocol' in options)

/** For how long a call is waited for, ms. */
export const TIMEOUT = 5000

/** How long it waits for one attempt to connect, ms. */
const CONNECT_WITHIN = 5000

const soon = (times: number) => Math.min(times * 50, 500)

/** What a caller asks of ioredis, which we do in its place. */
function retriesOf({ maxRetriesPerRequest, enableOfflineQueue }: RedisOptions): number {
  if (enableOfflineQueue === false) return 0
  return maxRetriesPerRequest ?? Number.POSITIVE_INFINITY
}

/**
 * For `reconnectOnError`: at a failover a primary that has become a replica still answers; its address, or a sentinel, leads to the new one.
 * The command is not sent again by itself: without an end, where there is no other server than a replica.
 */
export const leaveReplica = (error: Error) => /\bREADONLY\b/.test(error.message)

/** When Redis refuses the database that was asked for, ioredis goes on in the first one, which may be somebody else's. */
export function leaveOtherDatabase(client: Redis): void {
  client.on('error', (error: Error & { command?: { name: string } }) => {
    if (error.command?.name === 'select') client.disconnect(true)
  })
}

/**
 * @param own given for a connection that we have made: how patient its calls are, and for how long they are waited for, or after how much
 *   silence they fail, ms; and whether its duplicates have the ready check, unless that is as with itself
 */
function connectionOf(
  client: Redis | Cluster,
  own?: Patience & ({ limit: Limit } | { silence: number }) & { readyCheck?: boolean },
): Connection {
  let failure: unknown
  // Without a listener ioredis prints each failed attempt; the calls that fail say it better.
  if (own) client.on('error', (error) => (failure = error)).on('ready', () => (failure = undefined))
  if (own && !('nodes' in client)) leaveOtherDatabase(client)
  const plain = sender(client)
  const patience: Patience = own ?? { patience: undefined, retries: Number.POSITIVE_INFINITY }
  const limit = own && 'limit' in own ? own.limit : undefined
  const silence = () => (own && 'silence' in own ? own.silence : limit?.ms)
  const wait = own && 'silence' in own ? own.silence : CONNECT_WITHIN
  let closed = false
  const reached = own ? () => undefined : reacher(client, TIMEOUT)
  /** @param watched whether a connection that does not answer this is given up */
  const sending = (watched: boolean): Send =>
    own
      ? (command, args, after, term) => {
          // A client that was making a new connection when it was closed does not say so.
          if (closed) return Promise.reject(new NotSent('Connection is closed.', true))
          // FCALL and EVALSHA name the number of their keys and then the keys.
          const key = Number(args[1]) > 0 ? String(args[2]) : undefined
          const write = () => {
            if (term?.over) return Promise.reject(new NotSent('its time is over', true))
            if (term) term.sent = true
            const reply = plain(command, args, after)
            return watched ? unlessSilent(silence(), reply, () => nodeOf(client, key)) : reply
          }
          const waiting = ready(client, key, wait)
          return waiting ? waiting.then(write) : write()
        }
      : (command, args, after) => {
          const waiting = reached()
          return waiting ? waiting.then(() => plain(command, args, after)) : plain(command, args, after)
        }
  const send = sending(true)
  const end = () => {
    if (!own) return
    closed = true
    client.disconnect()
    // A server that is stopped does not close its side either.
    for (const each of 'nodes' in client ? client.nodes() : [client]) each.stream?.destroy()
  }
  let dropping = false
  const stopTelling: (() => void)[] = []
  const address = addressOf(client)
  const subscriptions = new Subscriptions(client, (error) => {
    // All that ioredis says of an attempt to connect is that it has ended.
    const why = failure !== undefined && /^Connection is closed/.test(String((error as Error).message)) ? failure : error
    return toRapidfireError(gotNoAnswer(why) ? new Unanswered(why) : why, 'subscribe', { address })
  })
  return {
    address,
    get failure() {
      return failure
    },
    send,
    tell: sending(false),
    cluster: 'nodes' in client,
    resends: !own && doesResend(client),
    limit,
    patience,
    refresh: () => new Promise((resolve) => ('nodes' in client ? client.refreshSlotsCache(() => resolve()) : resolve())),
    primaries: async () => {
      if (!('nodes' in client)) return [send]
      // A cluster knows its nodes once it is connected.
      if (own) await ready(client, undefined, wait)
      else if (client.status !== 'ready') await (reached() ?? client.ping())
      return client.nodes('master').map((node) => {
        const plain = sender(node)
        return (command, args, after) => unlessSilent(silence(), plain(command, args, after), () => node)
      })
    },
    scan: async function* (command, key, pattern) {
      const prefix = client.options.keyPrefix ?? ''
      const match = pattern === undefined ? [] : ['MATCH', `${prefix}${pattern}`]
      const tried = async <Reply>(node: Redis | Cluster, attempt: () => Promise<Reply>): Promise<Reply> => {
        const term = limit && new Term(limit.ms)
        const connected = async () => {
          await (own ? ready(node, key, wait) : reached())
          if (term?.over) throw new NotSent('its time is over', true)
          return unlessSilent(silence(), attempt(), () => nodeOf(node, key))
        }
        const work = () => connected().catch((error) => patiently(error, connected, patience))
        try {
          return await (term ? term.within(work, () => new Late(term.ms, undefined)) : work())
        } catch (error) {
          throw gotNoAnswer(error) ? toRapidfireError(error, command, { address }) : error
        }
      }
      const nodes: (Redis | Cluster)[] =
        key === undefined && 'nodes' in client ? await tried(client, async () => client.nodes('master')) : [client]
      for (const node of nodes) {
        const walk = sender(node)
        let cursor = '0'
        do {
          const args = [...(key === undefined ? [] : [key]), cursor, ...match, 'COUNT', 500]
          const [next, found] = (await tried(node, () => walk(command, args))) as [Buffer, (Buffer | Buffer[])[]]
          yield* found.flat() as Buffer[]
          cursor = next.toString()
        } while (cursor !== '0')
      }
    },
    duplicate: (silence) => {
      const options = {
        ...ONCE,
        ...AT_ONCE,
        commandTimeout: undefined,
        lazyConnect: true,
        // It would end the process when the connection is lost once more before the subscription is renewed.
        autoResubscribe: false,
        reconnectOnError: leaveReplica,
        retryStrategy: soon,
      }
      const duplicate =
        'nodes' in client
          ? client.duplicate([], {
              redisOptions: options,
              lazyConnect: true,
              enableOfflineQueue: true,
              retryDelayOnFailover: 0,
              // It asks any node, perhaps the one that is silent, and waits for it for ever.
              enableReadyCheck: false,
            })
          : // A new connection means to a worker that Redis takes its heartbeat.
            client.duplicate({ ...options, enableReadyCheck: own?.readyCheck ?? client.options.enableReadyCheck } as RedisOptions)
      return connectionOf(duplicate, { patience: 0, retries: Number.POSITIVE_INFINITY, silence })
    },
    subscribe: (channels, hearing) => subscriptions.add(channels, hearing),
    reconnect: (root) => {
      if (!('nodes' in client) || root !== undefined) {
        drop(nodeOf(client, root))
        return
      }
      // Once, however many calls have found it dead.
      if (dropping || client.status !== 'ready') return
      dropping = true
      client.once('close', () => {
        dropping = false
      })
      client.disconnect(true)
    },
    onReady: (listener) => {
      const stop = tellWhenReady(client, listener)
      stopTelling.push(stop)
      return stop
    },
    close: async () => {
      for (const stop of stopTelling.splice(0)) stop()
      if (!own || client.status === 'end') return
      // QUIT waits for the replies that are under way; a server that is gone, or silent, does not answer it.
      if (client.status === 'ready') await unlessSilent(silence(), client.quit(), () => nodeOf(client, undefined)).catch(() => {})
      end()
    },
    end,
  }
}

/** A cluster sends again what got no answer, and so does a client of one server when its connection is back. */
function doesResend(client: Redis | Cluster): boolean {
  if ('nodes' in client) return true
  const { autoResendUnfulfilledCommands, maxRetriesPerRequest } = client.options
  return autoResendUnfulfilledCommands !== false && maxRetriesPerRequest !== 0
}
