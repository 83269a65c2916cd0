import { isDeepStrictEqual } from 'node:util'
import type { Durability } from '../messages/durability.ts'
import { type Connection, connectTo, type Send, TIMEOUT } from './connection.ts'
import { isClient, LOCAL, type RedisInput } from './input.ts'
import { NotSent } from './patience.ts'
import { Limit } from './term.ts'

/** A connection that several users have, and how many they are. */
interface Shared {
  /** What it was made of. */
  given: { redis: RedisInput; timeout: number }
  connection: Connection
  users: number
}

/** Those that this process has made. They are compared member by member: who logs in otherwise, or into another database, has another one. */
const SHARED = new Set<Shared>()

/** The first connection by a client of a caller's, which stays open. */
const CLIENTS = new WeakMap<object, Connection>()

/**
 * Connects as the options of a client say, or joins a connection of this process that was made of the same. It is closed when the last of its users
 * has closed it.
 *
 * @throws RapidfireError `BAD_OPTION`
 */
export function joinRedis(options: { redis?: RedisInput; timeout?: number; durability?: Durability | undefined }): Connection {
  const { redis = LOCAL, timeout = TIMEOUT, durability } = options
  if (typeof redis === 'object' && redis !== null && isClient(redis)) {
    const connection = connectTo(options)
    const origin = CLIENTS.get(redis) ?? connection
    CLIENTS.set(redis, origin)
    return Object.assign(connection, { origin })
  }
  const shared = join({ redis, timeout }, options)
  const leave = () => {
    shared.users -= 1
    if (shared.users === 0) SHARED.delete(shared)
    return shared.users === 0
  }
  if (!durability) return partOf(shared.connection, leave)
  // Calls behind a wait for replicas wait as well: those of others must not. Workers wait for nobody, and share.
  const leaveBoth = () => {
    if (leave()) shared.connection.end()
    return true
  }
  return partOf(connectTo(options), leaveBoth, shared.connection)
}

function join(given: Shared['given'], options: { redis?: RedisInput; timeout?: number }): Shared {
  // An `undefined` that was given is refused below, and not taken for nothing.
  const isGiven = !('redis' in options && options.redis === undefined)
  for (const shared of isGiven ? SHARED : []) {
    if (!isDeepStrictEqual(shared.given, given)) continue
    shared.users += 1
    return shared
  }
  const { redis, timeout } = given
  const copy = { redis: typeof redis === 'object' ? { ...redis } : redis, timeout } as Shared['given']
  const shared = { given: copy, connection: connectTo(options), users: 1 }
  SHARED.add(shared)
  return shared
}

/** A call that is under way: one of a ring. */
interface Call {
  fail: (error: Error) => void
  before: Call
  after: Call
}

/** An empty ring. No table, as `Underway` has none, for the same reason. */
function ring(): Call {
  const first = { fail: () => {} } as unknown as Call
  first.before = first
  first.after = first
  return first
}

/**
 * What one of several users has of a connection. When it is closed or ended, nothing of the others is: only its own calls fail, and the connection
 * goes with the last of them.
 *
 * @param leave says that this user is gone; whether it was the last one
 * @param origin the connection by which those who use the same Redis know each other
 */
export function partOf(connection: Connection, leave: () => boolean, origin = connection.origin ?? connection): Connection {
  const { limit } = connection
  const underway = ring()
  const stops: (() => void)[] = []
  let left = false
  let closed = false
  const isLast = () => {
    if (left) return false
    left = true
    for (const stop of stops.splice(0)) stop()
    return leave()
  }
  const send: Send = (...args) => {
    if (closed) return Promise.reject(new NotSent('Connection is closed.', true))
    return new Promise((resolve, reject) => {
      const call = { fail: reject, before: underway.before, after: underway }
      underway.before.after = call
      underway.before = call
      const end = () => {
        call.before.after = call.after
        call.after.before = call.before
      }
      connection.send(...args).then(
        (reply) => {
          end()
          resolve(reply)
        },
        (error) => {
          end()
          reject(error)
        },
      )
    })
  }
  return {
    ...connection,
    get failure() {
      return connection.failure
    },
    origin,
    limit: limit && new Limit(limit.own, limit),
    send,
    onReady: (listener) => {
      const stop = connection.onReady(listener)
      stops.push(stop)
      return stop
    },
    close: async () => {
      if (!isLast()) {
        closed = true
        return
      }
      await connection.close()
      closed = true
    },
    end: () => {
      closed = true
      for (let call = underway.after; call !== underway; call = call.after) call.fail(new Error('Connection is closed.'))
      if (isLast()) connection.end()
    },
  }
}
