import type { Redis } from 'ioredis'
import { connect } from '../../src/redis/connection.ts'
import { loadedVersion } from '../../src/redis/loader.ts'
import { addressOf, clientOf, connected } from '../terminal/connection.ts'
import type { Access } from './command.ts'
import { type Binding, type Missing, missingRights } from './rights.ts'

/** How often the round trip to a server is measured. */
const ROUND_TRIPS = 20

/** What one server says of itself. */
export interface NodeFacts {
  address: string
  /** The fields of INFO. */
  info: Map<string, string>
  /** Settings that INFO does not tell; undefined when this user may not read them. */
  config: Map<string, string> | undefined
  binding: Binding
  /** Of the library, and what Redis has answered if it refused to say; undefined when there is none. */
  version: string | undefined | Error
  /** Its time minus the local one, and how far that may be off, ms. */
  clock: { ahead: number; within: number }
  /** Round trips, ms, the shortest first. */
  roundTrips: number[]
  cluster: ClusterView | undefined
  missing: Missing | undefined
}

/** A server that is known of and could not be asked. */
export interface Unreachable {
  address: string
  why: string
}

/** The cluster as one of its nodes sees it. */
export interface ClusterView {
  /** The fields of CLUSTER INFO. */
  info: Map<string, string>
  nodes: { id: string; address: string; flags: string[]; slots: [first: number, last: number][]; moving: number[] }[]
}

export interface Facts {
  user: string
  access: Access
  nodes: NodeFacts[]
  unreachable: Unreachable[]
}

/**
 * Asks the server, and all others that belong to it: its replicas, its primary, the nodes of its cluster.
 *
 * @param events whether the queue keeps events
 */
export async function readFacts(redis: Redis, root: string, events = false): Promise<Facts> {
  const { username, password, tls } = redis.options
  const access = { password: Boolean(password), tls: tls !== undefined }
  const facts: Facts = { user: username || 'default', access, nodes: [], unreachable: [] }
  const waiting = [redis]
  const known = new Set([addressOf(redis)])
  // Each tells of others: the replica that was named of its primary, and that one of the other replicas.
  for (let node = waiting.shift(); node; node = waiting.shift()) {
    try {
      if (node !== redis) await connected(node)
      const read = await readNode(node, root, events)
      // One server may have several addresses.
      if (facts.nodes.some(({ info }) => info.get('run_id') === read.info.get('run_id'))) continue
      facts.nodes.push(read)
      for (const address of othersOf(read)) {
        if (known.has(address)) continue
        known.add(address)
        waiting.push(clientOf(redis, address))
      }
    } catch (error) {
      if (node === redis) throw error
      facts.unreachable.push({ address: addressOf(node), why: (error as Error).message })
    } finally {
      if (node !== redis) node.disconnect()
    }
  }
  return facts
}

async function readNode(redis: Redis, root: string, events: boolean): Promise<NodeFacts> {
  const info = fieldsOf(await redis.info())
  const library = await readLibrary(redis)
  const { roundTrips, clock } = await measure(redis)
  return {
    address: addressOf(redis),
    info,
    config: await readConfig(redis),
    ...library,
    clock,
    roundTrips,
    cluster: info.get('cluster_enabled') === '1' ? await readCluster(redis) : undefined,
    missing: await missingRights(redis, root, library.binding, events),
  }
}

async function readLibrary(redis: Redis): Promise<Pick<NodeFacts, 'binding' | 'version'>> {
  const version = await loadedVersion(connect(redis).send).catch((error: Error) => error)
  if (version instanceof Error && /unknown command/i.test(version.message)) return { binding: 'scripts', version: undefined }
  return { binding: 'functions', version }
}

async function readConfig(redis: Redis): Promise<Map<string, string> | undefined> {
  try {
    const replies = await Promise.all(['appendfsync', 'save'].map((name) => redis.config('GET', name)))
    return new Map((replies as string[][]).map(([name, value]) => [String(name), String(value)]))
  } catch {
    return undefined
  }
}

async function measure(redis: Redis): Promise<Pick<NodeFacts, 'roundTrips' | 'clock'>> {
  const roundTrips: number[] = []
  let clock = { ahead: 0, within: Number.POSITIVE_INFINITY }
  for (let n = 0; n < ROUND_TRIPS; n += 1) {
    const asked = performance.now()
    // Not PING: a server that cannot save refuses it.
    const [seconds, micros] = (await redis.time()) as unknown as [string, string]
    const told = performance.now()
    roundTrips.push(told - asked)
    const within = (told - asked) / 2
    // Of a quick answer it is known best when it was given.
    if (within < clock.within) {
      const local = performance.timeOrigin + asked + within
      clock = { ahead: Number(seconds) * 1000 + Number(micros) / 1000 - local, within }
    }
  }
  return { roundTrips: roundTrips.sort((a, b) => a - b), clock }
}

async function readCluster(redis: Redis): Promise<ClusterView> {
  const [info, nodes] = (await Promise.all([redis.cluster('INFO'), redis.cluster('NODES')])) as [string, string]
  return {
    info: fieldsOf(info),
    nodes: nodes
      .trim()
      .split('\n')
      .map((line) => {
        // Id, address, flags, primary, four figures; then slots, and in brackets those that are moving.
        const [id = '', where = '', flags = '', , , , , , ...ranges] = line.split(' ')
        const moving = ranges.flatMap((range) => /^\[(\d+)-/.exec(range)?.[1] ?? []).map(Number)
        const slots = ranges
          .filter((range) => !range.startsWith('['))
          .map((range) => {
            const [first, last] = range.split('-').map(Number) as [number, number?]
            return [first, last ?? first] as [number, number]
          })
        return { id, address: where.replace(/@.*/, ''), flags: flags.split(','), slots, moving }
      }),
  }
}

/** Addresses of the servers that this one knows. */
function othersOf({ info, cluster }: NodeFacts): string[] {
  if (cluster)
    return cluster.nodes.filter(({ flags }) => !flags.includes('noaddr') && !flags.includes('handshake')).map(({ address }) => address)
  const primary = info.get('role') === 'slave' ? [primaryOf(info)] : []
  const replicas = replicasOf(info).map(({ address }) => address)
  return [...primary, ...replicas]
}

export interface Replica {
  address: string
  state: string
  /** Bytes that it has not confirmed. */
  behind: number
  /** Seconds since it has confirmed something. */
  lag: number
}

/** The primary of a replica. */
export const primaryOf = (info: Map<string, string>) => `${info.get('master_host')}:${info.get('master_port')}`

/** The replicas of a primary, as it sees them. */
export function replicasOf(info: Map<string, string>): Replica[] {
  return [...info].flatMap(([name, value]) => {
    if (!/^slave\d+$/.test(name)) return []
    const fields = new Map(value.split(',').map((part) => part.split('=') as [string, string]))
    const behind = Number(info.get('master_repl_offset')) - Number(fields.get('offset'))
    return [
      { address: `${fields.get('ip')}:${fields.get('port')}`, state: fields.get('state') ?? '', behind, lag: Number(fields.get('lag')) },
    ]
  })
}

const fieldsOf = (text: string) =>
  new Map(
    text.split(/\r?\n/).flatMap((line) => {
      const at = line.indexOf(':')
      return at > 0 ? [[line.slice(0, at), line.slice(at + 1)] as const] : []
    }),
  )
