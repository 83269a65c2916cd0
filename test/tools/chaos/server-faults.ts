import { setTimeout as sleep } from 'node:timers/promises'
import type { Entry } from '../../fault/history.ts'
import type { Cast } from './cast.ts'
import { eventually, isStopped } from './company.ts'
import { closeWorker, killOne, type Lanes, stopWorker } from './faults.ts'
import { between, oneOf, type Random, whole } from './seed.ts'
import { LEASE } from './settings.ts'
import { CLAIMED, COMPLETED } from './way.ts'

/** What goes wrong on one server: something with Redis, something with a process, something with an answer on its way. */
export const SERVER_LANES: Lanes<Cast> = [
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
    { name: 'worker killed', strike: (cast, random) => killOne(cast, random, 'worker') },
    { name: 'producer killed', strike: (cast, random) => killOne(cast, random, 'producer') },
    { name: 'forwarder killed', strike: (cast, random) => killOne(cast, random, 'forwarder') },
    { name: 'worker stopped', strike: (cast, random) => stopWorker(cast, random, between(random, 200, LEASE / 2)) },
    {
      name: 'worker stopped for longer than its lease',
      strike: (cast, random) => stopWorker(cast, random, between(random, 1.5 * LEASE, 3 * LEASE)),
    },
    { name: 'worker closed', strike: closeWorker },
    {
      name: 'worker stopped between a claim and its answer',
      strike: (cast, random) => stopClaiming(cast, random, between(random, 0.3 * LEASE, 0.9 * LEASE)),
    },
    {
      name: 'worker stopped between a claim and its answer, for longer than its lease',
      strike: (cast, random) => stopClaiming(cast, random, between(random, 1.2 * LEASE, 2.5 * LEASE)),
    },
    { name: 'connection closed between a claim and its answer', strike: (cast, random) => cutAnswer(cast, random, CLAIMED) },
    { name: 'connection closed between a completion and its answer', strike: (cast, random) => cutAnswer(cast, random, COMPLETED) },
  ],
]

async function killServer(cast: Cast, random: Random): Promise<boolean> {
  const before = cast.serverPid
  await cast.silence(async () => {
    await cast.killServer()
    await sleep(between(random, 0, 1500))
    await cast.startServer()
  })
  return cast.serverPid !== before
}

async function stopServer(cast: Cast, ms: number): Promise<boolean> {
  return cast.silence(async () => {
    cast.signalServer('SIGSTOP')
    await sleep(ms)
    const stopped = await isStopped(cast.serverPid)
    cast.signalServer('SIGCONT')
    return stopped
  })
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

/** The worker reads the answer to its claim only when it goes on. */
async function stopClaiming(cast: Cast, random: Random, ms: number): Promise<boolean> {
  const worker = oneOf(random, cast.of('worker'))
  const claim = await cast.wayOf(worker).catch(CLAIMED)
  if (!claim) return false
  cast.signal(worker.pid, 'SIGSTOP')
  await sleep(50)
  claim.pass()
  await sleep(ms)
  const stopped = await isStopped(worker.pid)
  cast.signal(worker.pid, 'SIGCONT')
  return stopped
}

async function cutAnswer(cast: Cast, random: Random, answer: RegExp): Promise<boolean> {
  const caught = await cast.wayOf(oneOf(random, cast.of('worker'))).catch(answer)
  caught?.cut()
  return caught !== undefined
}
