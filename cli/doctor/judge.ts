import { judgeRoots } from '../../src/partitions/root-laws.ts'
import type { RootLayout } from '../../src/partitions/roots.ts'
import { REGISTRY } from '../../src/redis/registry.ts'
import { howMany } from '../terminal/format.ts'
import { Commands, quoted } from './command.ts'
import { type Facts, type NodeFacts, primaryOf, replicasOf } from './facts.ts'
import type { Check, Finding } from './finding.ts'
import { judgeCluster, type RootSlot } from './judge-cluster.ts'
import type { Role } from './rights.ts'

export interface Expected {
  /** Version of the library that the command line has. */
  version: string
  /** What the connected user is for, when that was said. */
  role: Role | undefined
  /** The roots of the queue, in a cluster. */
  roots: RootSlot[]
  /** What each root of the queue tells of the partitions, as far as they could be asked; the root of the queue first. */
  told?: ReadonlyMap<string, RootLayout>
}

/** What is said of one server. */
export type Opinion = Pick<Finding, 'level' | 'text'> & { mend?: string }

/** A lag of a replica that is more than its habit of telling once a second, s. */
const LAG = 10
/** Clocks of servers that differ by more move deadlines and leases at a failover, ms. */
const DRIFT = 1000
/** A round trip that will be felt in each call, ms. */
const SLOW = 20

const RULES: [Check, (node: NodeFacts, commands: Commands, facts: Facts, expected: Expected) => Opinion[]][] = [
  ['server', ({ info }) => judgeServer(info)],
  ['library', judgeLibrary],
  ['persistence', judgePersistence],
  ['memory', judgeMemory],
  ['replication', judgeReplication],
  ['latency', ({ roundTrips }) => judgeLatency(roundTrips)],
  ['rights', judgeRights],
]

/** Judges what was read; what is the same of several servers is one finding. */
export function judge(facts: Facts, expected: Expected): Finding[] {
  const commands = new Commands(facts.access)
  const findings: Finding[] = facts.unreachable.map(({ address, why }) => ({
    check: 'server',
    level: facts.nodes.some(({ cluster }) => cluster) ? 'wrong' : 'note',
    nodes: [address],
    text: why,
    mend: ['start it, or make it reachable from here: clients need it too'],
  }))
  for (const [check, rule] of RULES) {
    const found: Finding[] = []
    for (const node of facts.nodes) {
      for (const { level, text, mend } of rule(node, commands, facts, expected)) {
        let same = found.find((each) => each.level === level && each.text === text)
        if (!same) found.push((same = { check, level, nodes: [], text, mend: [] }))
        same.nodes.push(node.address)
        if (mend !== undefined && !same.mend.includes(mend)) same.mend.push(mend)
      }
    }
    findings.push(...found)
  }
  findings.push(...judgeCluster(facts.nodes, expected.roots, commands), ...judgeClocks(facts.nodes))
  findings.push(...judgePartitions(facts, commands, expected.told ?? new Map()))
  if (expected.role === undefined || expected.role === 'producer') {
    findings.push({ check: 'clients', level: 'note', nodes: facts.nodes.map(({ address }) => address), text: CLIENTS, mend: [] })
  }
  return findings
}

/** What no server can tell. */
const CLIENTS =
  'whether a call is sent twice is up to the client: one that rapidfire makes sends none twice; an ioredis client or Cluster of your own sends again ' +
  'what was not answered, and a message without an id then gets a random one, unless maxRetriesPerRequest is 0 or autoResendUnfulfilledCommands is false'

const ok = (text: string): Opinion => ({ level: 'ok', text })
const note = (text: string, mend?: string): Opinion => ({ level: 'note', text, ...(mend === undefined ? {} : { mend }) })
const wrong = (text: string, mend: string): Opinion => ({ level: 'wrong', text, mend })

const isReplica = (info: Map<string, string>) => info.get('role') === 'slave'

const isOlder = (a: string, b: string) => a.localeCompare(b, 'en', { numeric: true }) < 0

function judgeServer(info: Map<string, string>): Opinion[] {
  const [name, version] =
    info.get('server_name') === 'valkey'
      ? ['Valkey', info.get('valkey_version')]
      : info.has('dragonfly_version')
        ? ['Dragonfly', info.get('dragonfly_version')]
        : ['Redis', info.get('redis_version')]
  if (isOlder(info.get('redis_version') ?? '', '6.2')) {
    return [wrong(`${name} ${version} lacks commands that are needed`, 'install Redis 7 or later')]
  }
  return [ok(`${name} ${version}, ${isReplica(info) ? 'replica' : 'primary'}`)]
}

function judgeLibrary({ address, info, binding, version }: NodeFacts, commands: Commands, _: Facts, expected: Expected): Opinion[] {
  // A replica gets it from its primary.
  const load = commands.rapidfire(isReplica(info) ? primaryOf(info) : address, 'load')
  if (binding === 'scripts') return [ok('binding scripts: this server has no Functions, clients load what they need')]
  if (version instanceof Error) return [note(`binding functions; the version of the library cannot be asked: ${version.message}`)]
  if (version === undefined) return [wrong('binding functions; the library is not loaded', load)]
  if (isOlder(version, expected.version))
    return [wrong(`binding functions; the library is ${version}, older than ${expected.version}`, load)]
  const newer = isOlder(expected.version, version) ? `, newer than ${expected.version}, which this command has` : ''
  return [ok(`binding functions; the library is ${version}${newer}`)]
}

function judgePersistence({ address, info, config }: NodeFacts, commands: Commands): Opinion[] {
  const opinions: Opinion[] = []
  const fsync = config?.get('appendfsync')
  const snapshots = config === undefined || config.get('save') !== ''
  const set = (setting: string) => commands.redisCliOn(address, `CONFIG SET ${setting}`)
  if (info.get('aof_enabled') !== '1') {
    const lost = snapshots ? 'what came since the last snapshot, if there is one' : 'everything'
    opinions.push(wrong(`no append-only file: a restart or a crash loses ${lost}`, set('appendonly yes')))
  } else if (fsync === 'no') {
    opinions.push(
      wrong('append-only file, written through when the system likes: a power failure can lose half a minute', set('appendfsync everysec')),
    )
  } else {
    const lost = { always: 'loses nothing', everysec: 'can lose the last second or two' }[fsync ?? '']
    const how = lost ? `a crash or a power failure ${lost} (${fsync})` : 'what a crash loses says appendfsync, which +config|get lets read'
    opinions.push(ok(`append-only file: a restart loses nothing, ${how}`))
  }
  const isBroken = (what: string) => !['ok', undefined].includes(info.get(what))
  if (info.get('aof_enabled') === '1' && isBroken('aof_last_write_status')) {
    opinions.push(wrong('the append-only file cannot be written: Redis refuses messages', commands.redisCliOn(address, 'INFO persistence')))
  }
  if (snapshots && isBroken('rdb_last_bgsave_status')) {
    opinions.push(wrong('the last snapshot failed: Redis may refuse messages', commands.redisCliOn(address, 'INFO persistence')))
  }
  return opinions
}

function judgeMemory({ address, info }: NodeFacts, commands: Commands): Opinion[] {
  const opinions: Opinion[] = []
  const set = (setting: string) => commands.redisCliOn(address, `CONFIG SET ${setting}`)
  const policy = info.get('maxmemory_policy')
  if (policy !== undefined && policy !== 'noeviction') {
    opinions.push(wrong(`maxmemory-policy is ${policy}: conversations can be deleted`, set('maxmemory-policy noeviction')))
  }
  const [used, most] = [Number(info.get('used_memory')), Number(info.get('maxmemory'))]
  if (most === 0)
    opinions.push(note('no maxmemory: when the memory of the machine is full, the system ends Redis', set('maxmemory <bytes>')))
  else if (used > 0.9 * most) {
    opinions.push(
      wrong(`${Math.floor((100 * used) / most)} % of maxmemory is used: from 100 % on messages are refused`, set('maxmemory <more>')),
    )
  } else opinions.push(ok(`maxmemory is ${most} bytes`))
  return opinions
}

function judgeReplication({ address, info, cluster }: NodeFacts, commands: Commands, { nodes }: Facts): Opinion[] {
  if (isReplica(info)) {
    const primary = primaryOf(info)
    const opinions: Opinion[] = []
    if (info.get('master_link_status') !== 'up') {
      const mend = `start ${primary}, make it reachable from ${address}, or set masteruser and masterauth of ${address} right`
      opinions.push(wrong(`the link to its primary ${primary} is down: a failover to it loses what came since`, mend))
    } else opinions.push(ok(`follows ${primary}`))
    if (!cluster && nodes[0]?.address === address) {
      opinions.push(wrong('it is a replica and takes no messages', `give clients redis://${primary}, or the sentinels`))
    }
    return opinions
  }
  const replicas = replicasOf(info)
  if (replicas.length === 0) {
    const add = cluster
      ? commands.redisCli(`--cluster add-node <host>:<port> ${address} --cluster-slave`)
      : commands.redisCli(`-h <host> REPLICAOF ${address.replace(/:(\d+)$/, ' $1')}`)
    return [note('no replica: while this server is away, messages are refused', add)]
  }
  return replicas.map(({ address: replica, state, behind, lag }) => {
    if (state !== 'online')
      return wrong(`its replica ${replica} is in the state ${state}`, commands.redisCliOn(replica, 'INFO replication'))
    if (lag > LAG)
      return wrong(`its replica ${replica} has confirmed nothing for ${lag} s`, commands.redisCliOn(replica, 'INFO replication'))
    return ok(`its replica ${replica} is online, ${howMany(behind, 'byte')} behind`)
  })
}

function judgeLatency(roundTrips: number[]): Opinion[] {
  const [median, longest] = [roundTrips[Math.floor(roundTrips.length / 2)], roundTrips.at(-1)].map((ms) => (ms as number).toFixed(1))
  const text = `a round trip takes ${median} ms, the longest of ${roundTrips.length} took ${longest} ms`
  return Number(median) > SLOW ? [note(`${text}: each call waits for it`, 'run clients near Redis')] : [ok(text)]
}

function judgeRights({ address, missing }: NodeFacts, commands: Commands, { user }: Facts, { role }: Expected): Opinion[] {
  if (!missing)
    return [note(`what user ${user} may do cannot be told`, commands.redisCliOn(address, `ACL SETUSER ${quoted(user)} +multi +discard`))]
  const grant = (rights: string[]) => commands.redisCliOn(address, `ACL SETUSER ${[user, ...rights].map(quoted).join(' ')}`)
  const named = (of: Role) => `${of === 'operator' ? 'an' : 'a'} ${of}`
  const lacks = (of: Role) => `user ${user} lacks rights of ${named(of)}: ${missing[of].join(' ')}`
  const { registry, ...rights } = missing
  const roles = role ? [role] : (Object.keys(rights) as Role[])
  const has = roles.filter((each) => missing[each].length === 0)
  const unlisted = has.length === 0 || !registry ? [] : [note(`user ${user} may not write ${REGISTRY}: ${UNLISTED}`, grant([registry]))]
  if (role)
    return [has.length === 0 ? wrong(lacks(role), grant(missing[role])) : ok(`user ${user} has the rights of ${named(role)}`), ...unlisted]
  if (has.length === 0) return roles.map((each) => wrong(lacks(each), grant(missing[each])))
  const rest = roles.filter((each) => !has.includes(each)).map((each) => note(lacks(each), grant(missing[each])))
  return [ok(`user ${user} has the rights of ${has.join(', ')}`), ...rest, ...unlisted]
}

const UNLISTED = '`rapidfire stats` lists its queues only when another user has registered them'

/** Whether the roots of the queue agree on which of them serve, and by which policy. */
function judgePartitions({ nodes }: Facts, commands: Commands, told: ReadonlyMap<string, RootLayout>): Finding[] {
  const [queueRoot] = told.keys()
  if (queueRoot === undefined) return []
  const queue = queueRoot.slice('rapid-fire:{'.length, -1)
  const repair = commands.rapidfire(String(nodes[0]?.address), `check --repair --queue ${quoted(queue)}`)
  const findings = judgeRoots(queueRoot, told).map(({ law, root, text, repairable }): Finding => {
    // What goes to and fro loses nothing, and a change that is under way may end by itself.
    const level = law === 'programs-agree' || law === 'change-ends' ? 'note' : 'wrong'
    const otherwise = law === 'programs-agree' ? 'give both programs the same value' : `look at ${root} yourself`
    return { check: 'partitions', level, nodes: [root], text, mend: [repairable ? repair : otherwise] }
  })
  const { serving, generation } = told.get(queueRoot)?.layout ?? {}
  if (findings.length > 0 || !generation || !serving) return findings
  const last = serving.first + serving.count - 1
  const text = `partitions ${serving.first} to ${last} serve, and all ${told.size} roots agree on it`
  return [{ check: 'partitions', level: 'ok', nodes: [queueRoot], text, mend: [] }]
}

function judgeClocks(nodes: NodeFacts[]): Finding[] {
  const [first, ...others] = [...nodes].sort((a, b) => a.clock.ahead - b.clock.ahead)
  const last = others.at(-1)
  if (!first || !last) return []
  const apart = last.clock.ahead - first.clock.ahead
  // What the round trips leave open counts for the clocks.
  if (apart - first.clock.within - last.clock.within <= DRIFT) {
    return [
      {
        check: 'clock',
        level: 'ok',
        nodes: nodes.map(({ address }) => address),
        text: `the clocks differ by ${apart.toFixed(1)} ms`,
        mend: [],
      },
    ]
  }
  return [
    {
      check: 'clock',
      level: 'wrong',
      nodes: [first.address, last.address],
      text: `the clock of ${last.address} is ${Math.round(apart)} ms ahead of ${first.address}: at a failover deadlines and leases move by that`,
      mend: ['timedatectl set-ntp true'],
    },
  ]
}
