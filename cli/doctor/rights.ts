import type { Redis } from 'ioredis'
import { REGISTRY } from '../../src/redis/registry.ts'
import { commandsFor, type Use } from '../../src/redis/rights.ts'

/** What a user of Redis is for. */
export type Role = 'producer' | 'worker' | 'operator'

/** What any client may call: it begins with `version`, asks for its rights, stores a `policy` that it was given, and ends a change of partitions that was broken off. */
const EVERY: readonly Use[] = ['version', 'rights', 'policy', 'layout', 'partition', 'repartition']

/** The functions that each calls. */
export const CALLS: Record<Role, readonly Use[]> = {
  producer: [...EVERY, 'add'],
  worker: [...EVERY, 'claim_ready', 'complete', 'fail', 'release', 'extend', 'forward', 'leave', 'present'],
  operator: [
    ...EVERY,
    'stats',
    'peek',
    'trace',
    'events',
    'archived',
    'dead',
    'requeue',
    'drop',
    'erase',
    'check',
    'repair',
    'add requeued',
  ],
}

export type Binding = 'functions' | 'scripts'

const words = (text: string) => text.split(/\s+/)

/** What a connection needs, and what `rapidfire doctor` needs to look into the rights themselves. */
const COMMON = words('info time multi discard')

const BINDING: Record<Binding, string[]> = {
  functions: words('fcall fcall_ro'),
  // The last one is how a script that frees memory says so.
  scripts: words('evalsha script|load zremrangebyrank'),
}

/** What a client of the role sends itself: who begins a queue registers it, wake-ups come by subscription, and `check` walks over the keys. */
const SENT: Record<Role, string[]> = {
  producer: ['zadd'],
  worker: ['zadd', 'subscribe'],
  operator: words('exists scan hscan sscan zadd zrange zrem zscan zscore'),
}

/** What the user of a connection lacks. */
export interface Missing extends Record<Role, string[]> {
  /** The right by which it would put queues into the registry, a key of no queue; undefined when it has it. */
  registry: string | undefined
}

/**
 * The commands that a user of a role must be allowed.
 *
 * @param events whether the queue keeps events: who may not write them goes without, and nobody sees what he has done
 */
export function commandsOf(role: Role, binding: Binding, events = false): string[] {
  const load = role === 'operator' && binding === 'functions' ? ['function|load'] : []
  // Commands in a function are checked against the rights of its caller.
  const inside = CALLS[role].flatMap(commandsFor)
  const noted = events ? ['xadd'] : []
  return [...new Set([...COMMON, ...BINDING[binding], ...load, ...SENT[role], ...inside, ...noted])].sort()
}

/** Arguments behind the key or channel: enough for Redis to take the command into a transaction. */
const ARGUMENTS: Record<string, string> = {
  ...{ evalsha: '- 0', fcall: '- 0', fcall_ro: '- 0', 'function|load': '-', 'script|load': '-', scan: '0', 'xinfo|groups': 'KEY' },
  ...{ hdel: 'KEY -', hget: 'KEY -', hincrby: 'KEY - 1', hmget: 'KEY -', hscan: 'KEY 0', hset: 'KEY - -', lindex: 'KEY 0' },
  ...{
    linsert: 'KEY BEFORE - -',
    lpos: 'KEY -',
    lrem: 'KEY 0 -',
    lset: 'KEY 0 -',
    rpushx: 'KEY -',
    mget: 'KEY',
    set: 'KEY -',
    zrevrangebyscore: 'KEY 0 0',
    'pubsub|numsub': 'CHANNEL',
  },
  ...{ lpush: 'KEY -', lrange: 'KEY 0 0', ltrim: 'KEY 0 0', pexpireat: 'KEY 1', publish: 'CHANNEL -', rpush: 'KEY -', sadd: 'KEY -' },
  ...{
    sismember: 'KEY -',
    smismember: 'KEY -',
    srem: 'KEY -',
    sscan: 'KEY 0',
    xack: 'KEY - 1-1',
    xadd: 'KEY * - -',
    xdel: 'KEY 1-1',
    xpending: 'KEY -',
    xrange: 'KEY - +',
    xrevrange: 'KEY + -',
    xtrim: 'KEY MAXLEN 0',
  },
  ...{
    zadd: 'KEY 1 -',
    zcount: 'KEY 0 0',
    zmscore: 'KEY -',
    zrange: 'KEY 0 0',
    zrangebylex: 'KEY - +',
    zrangebyscore: 'KEY 0 0',
    zrank: 'KEY -',
    zrem: 'KEY -',
    zremrangebyrank: 'KEY 0 0',
    zremrangebyscore: 'KEY 0 0',
  },
  ...{ zscan: 'KEY 0', zscore: 'KEY -', zrank: 'KEY -', info: '', time: '' },
}

/** A command as it would be sent, and is only taken into a transaction here. */
export function sample(command: string, root: string): [string, ...string[]] {
  const args = (ARGUMENTS[command] ?? 'KEY').replace('KEY', `${root}:doctor`).replace('CHANNEL', `${root}:wake`)
  return `${command.replace('|', ' ')} ${args}`.trim().split(' ') as [string, ...string[]]
}

/**
 * The rights that the user of a connection lacks for each role, as ACL SETUSER takes them; undefined when they cannot be told. Each command is
 * taken into a transaction that is discarded: Redis looks at the rights then, on every version. ACL DRYRUN would need a right of an administrator.
 */
export async function missingRights(redis: Redis, root: string, binding: Binding, events = false): Promise<Missing | undefined> {
  const roles = Object.keys(CALLS) as Role[]
  const all = new Set(roles.flatMap((role) => commandsOf(role, binding, events)))
  const lacking = new Map<string, string>()
  const attempt = async (command: string, reply: Promise<unknown>) => {
    const right = await reply.then(
      () => undefined,
      (error: Error) => rightOf(error, command, redis.options.keyPrefix),
    )
    if (right) lacking.set(command, right)
  }
  // What is behind MULTI must not be sent when it is refused.
  if ((await redis.multi({ pipeline: false }).catch(() => 'refused')) !== 'OK') return undefined
  for (const command of ['multi', 'discard', 'subscribe']) all.delete(command)
  await Promise.all([...all].map((command) => attempt(command, redis.call(...sample(command, root)))))
  const registering = redis.call('zadd', REGISTRY, '0', 'doctor')
  const registry = registering.then(
    () => undefined,
    ({ message }: Error) => (message.startsWith('NOPERM') ? `~${redis.options.keyPrefix ?? ''}${REGISTRY}` : undefined),
  )
  await attempt('discard', redis.discard())
  // A connection that listens can do nothing else.
  const listener = redis.duplicate()
  listener.on('error', () => {})
  await attempt('subscribe', listener.subscribe(`${root}:wake`))
  listener.disconnect()
  const lackedBy = (role: Role) => [...new Set(commandsOf(role, binding, events).flatMap((command) => lacking.get(command) ?? []))]
  return { ...(Object.fromEntries(roles.map((role) => [role, lackedBy(role)])) as Record<Role, string[]>), registry: await registry }
}

/** Any other error comes after the rights were looked at: a replica that takes no writes, a slot of another node. */
function rightOf({ message }: Error, command: string, prefix = ''): string | undefined {
  if (!message.startsWith('NOPERM')) return undefined
  if (/\bkeys?\b/.test(message)) return `~${prefix}rapid-fire:*`
  return /\bchannels?\b/.test(message) ? `&${prefix}rapid-fire:*` : `+${command}`
}
