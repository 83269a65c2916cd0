import { setTimeout as sleep } from 'node:timers/promises'
import type { Entry } from '../fault/history.ts'
import { type Cast, eventually, isStopped, LEASE, type Role } from './cast.ts'
import { between, oneOf, type Random, shuffled, whole } from './seed.ts'

/** Something that goes wrong. `strike` resolves when it is over, and tells whether it was seen to happen. */
export interface Fault {
  name: string
  strike(cast: Cast, random: Random): Promise<boolean>
}

export interface Planned {
  /** ms before it. */
  pause: number
  fault: Fault
}

/** A part of the run in which one fault follows the other; the two parts go on at once. */
export const LANES: readonly (readonly Fault[])[] = [
  [
    { name: 'Redis killed and restarted', strike: killServer },
    { name: 'Redis stopped', strike: (cast, random) => stopServer(cast, between(random, 300, 1500)) },
    { name: 'Redis stopped for longer than a worker waits', strike: (cast, random) => stopServer(cast, between(random, 5500, 6500)) },
    { name: 'connections closed', strike: closeConnections },
    { name: 'functions flushed', strike: flushFunctions },
    { name: 'memory squeezed', strike: squeezeMemory },
    { name: 'policy changed', strike: changePolicy },
  ],
  [
    { name: 'worker killed', strike: (cast, random) => kill(cast, random, 'worker') },
    { name: 'producer killed', strike: (cast, random) => kill(cast, random, 'producer') },
    { name: 'forwarder killed', strike: (cast, random) => kill(cast, random, 'forwarder') },
    { name: 'worker stopped', strike: (cast, random) => stopWorker(cast, random, between(random, 200, LEASE / 2)) },
    {
      name: 'worker stopped for longer than its lease',
      strike: (cast, random) => stopWorker(cast, random, between(random, 1.5 * LEASE, 3 * LEASE)),
    },
    { name: 'worker closed', strike: closeWorker },
  ],
]

/** Faults without end, each as often as the others, after pauses: the seed alone decides which, on whom, and for how long. */
export function* planOf(faults: readonly Fault[], random: Random): Generator<Planned, never> {
  for (;;) for (const fault of shuffled(random, faults)) yield { pause: between(random, 300, 2000), fault }
}

async function killServer(cast: Cast, random: Random): Promise<boolean> {
  const before = cast.serverPid
  await cast.killServer()
  await sleep(between(random, 0, 1500))
  await cast.startServer()
  return cast.serverPid !== before
}

async function stopServer(cast: Cast, ms: number): Promise<boolean> {
  cast.signalServer('SIGSTOP')
  await sleep(ms)
  const stopped = await isStopped(cast.serverPid)
  cast.signalServer('SIGCONT')
  return stopped
}

async function closeConnections(cast: Cast): Promise<boolean> {
  const kill = (type: string) => cast.redis.call('CLIENT', 'KILL', 'TYPE', type, 'SKIPME', 'yes') as Promise<number>
  return (await kill('normal')) + (await kill('pubsub')) > 0
}

async function flushFunctions(cast: Cast): Promise<boolean> {
  const loaded = (await cast.redis.function('LIST')) as unknown[]
  await cast.redis.function('FLUSH')
  return loaded.length > 0
}

/** Until a producer has been refused, and for a while after. */
async function squeezeMemory(cast: Cast, random: Random): Promise<boolean> {
  const at = cast.history.read().length
  const used = Number(/used_memory:(\d+)/.exec(await cast.redis.info('memory'))?.[1])
  await cast.redis.config('SET', 'maxmemory', Math.floor(used * between(random, 0.5, 0.9)))
  const refused = (entries: Entry[]) => entries.slice(at).some((entry) => entry.what === 'refused' && entry.code === 'OUT_OF_MEMORY')
  await cast.until(refused, 5000).catch(() => {})
  await sleep(between(random, 0, 2000))
  await cast.redis.config('SET', 'maxmemory', 0)
  return refused(cast.history.read())
}

async function changePolicy(cast: Cast, random: Random): Promise<boolean> {
  const wait = whole(random, 20, 600)
  const policy = { wait, maxWait: wait + whole(random, 0, 1500), maxSize: whole(random, 1, 8), maxBacklog: whole(random, 8, 30) }
  const stored = await Promise.all(cast.clients.map((client) => eventually(() => client.policy(policy))))
  return stored.every((each) => each.wait === policy.wait && each.maxWait === policy.maxWait && each.maxSize === policy.maxSize)
}

async function kill(cast: Cast, random: Random, role: Role): Promise<boolean> {
  const part = oneOf(random, cast.of(role))
  await cast.kill(part.pid)
  const dead = !cast.alive.includes(part.pid)
  await cast.recast(part)
  return dead
}

async function stopWorker(cast: Cast, random: Random, ms: number): Promise<boolean> {
  const { pid } = oneOf(random, cast.of('worker'))
  cast.signal(pid, 'SIGSTOP')
  await sleep(ms)
  const stopped = await isStopped(pid)
  cast.signal(pid, 'SIGCONT')
  return stopped
}

/** A deploy: the worker gives back what it cannot finish soon, and ends by itself. */
async function closeWorker(cast: Cast, random: Random): Promise<boolean> {
  const part = oneOf(random, cast.of('worker'))
  const [code] = await cast.terminate([part.pid])
  await cast.recast(part)
  return code === 0
}
