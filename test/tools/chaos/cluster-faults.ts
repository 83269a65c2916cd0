import { setTimeout as sleep } from 'node:timers/promises'
import { rootKey } from '../../../src/partitions/roots.ts'
import type { ClusterNode } from '../../support/cluster.ts'
import { type ClusterCast, QUEUE } from './cluster-cast.ts'
import { eventually } from './company.ts'
import { closeWorker, killOne, type Lanes, stopWorker } from './faults.ts'
import { between, oneOf, type Random, shuffled } from './seed.ts'
import { LEASE } from './settings.ts'

/** What goes wrong on a cluster: something with its nodes, something with a process. */
export const CLUSTER_LANES: Lanes<ClusterCast> = [
  [
    { name: 'primary killed, replaced by a replica without the last writes', strike: loseWrites },
    {
      name: 'change of partitions that the root of the queue forgets',
      strike: async (cast, random) => loseChange(cast, random, rootKey(QUEUE)),
    },
    {
      name: 'change of partitions that a partition forgets',
      strike: async (cast, random) => loseChange(cast, random, await cast.elsewhere(oneOf(random, [0, 1]))),
    },
    { name: 'primary restarted empty', strike: restartEmpty },
    { name: 'primary killed while a slot of it was half moved', strike: loseMove },
    { name: 'partitions changed while a primary is replaced', strike: repartition },
    { name: 'primary stopped for longer than a worker waits', strike: stopPrimary },
  ],
  [
    { name: 'worker killed', strike: (cast, random) => killOne(cast, random, 'worker') },
    { name: 'producer killed', strike: (cast, random) => cast.withProducers(() => killOne(cast, random, 'producer')) },
    {
      name: 'worker stopped for longer than its lease',
      strike: (cast, random) => stopWorker(cast, random, between(random, 1.5 * LEASE, 3 * LEASE)),
    },
    { name: 'worker closed', strike: closeWorker },
  ],
]

/** A root that holds conversations, and the node that serves it. */
async function chosen(cast: ClusterCast, random: Random): Promise<{ root: string; primary: ClusterNode }> {
  const root = oneOf(random, await eventually(() => cast.roots()))
  return { root, primary: await cast.primaryOf(root) }
}

/** Writes go on while the replica is cut off, and are gone when it takes over. The old primary comes back as a replica. */
async function loseWrites(cast: ClusterCast, random: Random): Promise<boolean> {
  const { root } = await chosen(cast, random)
  return (await loseWritesOf(cast, random, root, () => sleep(between(random, 300, 1500)))).messages > 0
}

/** What one of the roots concerned did is gone, what the others did stands. */
async function loseChange(cast: ClusterCast, random: Random, root: string): Promise<boolean> {
  const wanted = await otherNumber(cast, random)
  if (wanted === undefined) return false
  const change = async () => {
    const changed = cast.client.policy({ partitions: wanted }).catch(() => {})
    await Promise.race([changed, sleep(1000)])
    await sleep(between(random, 50, 500))
  }
  return (await loseWritesOf(cast, random, root, change)).changes > 0
}

async function loseWritesOf(cast: ClusterCast, random: Random, root: string, meanwhile: () => Promise<unknown>) {
  const primary = await cast.primaryOf(root)
  const takeover = random() < 0.5
  const { cluster } = cast
  let lost = { messages: 0, changes: 0 }
  await cast.disturb(primary, async (gone) => {
    const replica = await cluster.replicaOf(primary)
    const mark = await cast.mark(primary, root)
    replica.server.process.kill('SIGSTOP')
    await primary.redis.call('CLIENT', 'KILL', 'TYPE', 'replica')
    await meanwhile()
    gone()
    await cluster.kill(primary)
    const until = Date.now()
    replica.server.process.kill('SIGCONT')
    await cluster.promoted(replica, takeover)
    lost = cast.noteForgotten(mark, until)
    await cluster.restart(primary)
    return true
  })
  return lost
}

/** Another number of partitions, when it can be changed now. */
async function otherNumber(cast: ClusterCast, random: Random): Promise<number | undefined> {
  const numbers = shuffled(random, [3, 4, 5, 6, 7, 8])
  if (!(await eventually(() => cast.steady(40_000)))) return undefined
  const { count } = await eventually(() => cast.partitions())
  return numbers.find((each) => each !== count)
}

/** No replica takes over: the node is there again before, or none may. */
async function restartEmpty(cast: ClusterCast, random: Random): Promise<boolean> {
  const { primary } = await chosen(cast, random)
  const away = between(random, 0, 1500)
  const { cluster } = cast
  return cast.disturb(primary, async (gone) => {
    const keys = await cast.keysIn(await cast.rootsOn(primary))
    const replica = await cluster.replicaOf(primary)
    await replica.redis.config('SET', 'cluster-replica-no-failover', 'yes')
    const dead = await cast.deadOn(primary)
    gone()
    await cluster.kill(primary)
    await sleep(away)
    const until = Date.now()
    cast.history.write({ what: 'forgot', since: 0, until, keys })
    // Of other conversations only that: what they did elsewhere stands.
    cast.history.write({ what: 'forgot', since: 0, until, keys: [], messages: dead })
    await cluster.restart(primary, { empty: true })
    const [role] = (await primary.redis.role()) as unknown[]
    return role === 'master'
  })
}

/**
 * Of a slot that is being moved, half of the lists are on the new node when the old one dies, and the replica that takes over knows nothing of
 * that. Then the move is done again from its beginning, and to its end. Producers are stopped meanwhile: what they add would be in the way of
 * the same list on the other node, and one of both would have to go.
 */
async function loseMove(cast: ClusterCast, random: Random): Promise<boolean> {
  const root = oneOf(random, await eventually(() => cast.servingRoots()))
  const primary = await cast.primaryOf(root)
  const slot = cast.slotOf(root)
  const { cluster } = cast
  const others = (await cluster.primaries()).filter((node) => node !== primary)
  const to = oneOf(random, others)
  await cast.addWaiting(root, 4000)
  const loseHalf = async (gone: () => void) => {
    const replica = await cluster.replicaOf(primary)
    const producers = cast.of('producer').map(({ pid }) => pid)
    for (const pid of producers) cast.signal(pid, 'SIGSTOP')
    try {
      const lists = shuffled(random, await indexedLists(primary, root))
      await cluster.beginMove(slot, primary, to)
      const half = lists.slice(0, Math.ceil(lists.length / 2))
      const moved = half.length > 0 && (await cluster.moveKeys(primary, to, half))
      const mark = await cast.mark(primary, await markable(cast, primary, root))
      gone()
      await cluster.kill(primary)
      const until = Date.now()
      await cluster.promoted(replica)
      cast.noteForgotten(mark, until)
      // Time enough for workers to meet what is missing.
      await sleep(between(random, 500, 2500))
      await cluster.migrateSlot(slot, to)
      await cluster.restart(primary)
      return moved
    } finally {
      await cluster.endMove(slot)
      for (const pid of producers) cast.signal(pid, 'SIGCONT')
    }
  }
  // One that is killed meanwhile would come back, and add.
  return cast.withProducers(() => cast.disturb(primary, loseHalf))
}

/** Names of the lists of conversations that wait, or are in work, by what the indexes say. */
async function indexedLists({ redis }: ClusterNode, root: string): Promise<Buffer[]> {
  const keys = await Promise.all(['due', 'active'].map((index) => redis.zrangeBuffer(`${root}:${index}`, 0, '-1')))
  return keys.flat().map((key) => Buffer.concat([Buffer.from(`${root}:messages:`), key]))
}

/** A root of the node whose slot is not being moved. */
async function markable(cast: ClusterCast, primary: ClusterNode, moving: string): Promise<string> {
  const [root] = (await cast.rootsOn(primary)).filter((each) => each !== moving)
  return root as string
}

async function repartition(cast: ClusterCast, random: Random): Promise<boolean> {
  const wanted = await otherNumber(cast, random)
  if (wanted === undefined) return false
  const { root, primary } = await chosen(cast, random)
  const delay = between(random, 0, 60)
  const { cluster } = cast
  return cast.disturb(primary, async (gone) => {
    const replica = await cluster.replicaOf(primary)
    const mark = await cast.mark(primary, root)
    const change = eventually(() => cast.client.policy({ partitions: wanted }), 30_000)
    change.catch(() => {})
    await sleep(delay)
    gone()
    await cluster.kill(primary)
    const until = Date.now()
    await cluster.promoted(replica)
    cast.noteForgotten(mark, until)
    await change
    await cluster.restart(primary)
    return (await cast.partitions()).count === wanted
  })
}

async function stopPrimary(cast: ClusterCast, random: Random): Promise<boolean> {
  const { primary } = await chosen(cast, random)
  const ms = between(random, 5500, 6500)
  return cast.disturb(primary, async (gone) => {
    await cast.cluster.replicaOf(primary)
    // Another replica may have come over from a primary that has two.
    for (const { redis } of cast.cluster.alive) {
      const follows = (await redis.info('replication')).includes(`master_port:${primary.port}\r`)
      if (follows) await redis.config('SET', 'cluster-replica-no-failover', 'yes')
    }
    gone()
    primary.server.process.kill('SIGSTOP')
    await sleep(ms)
    primary.server.process.kill('SIGCONT')
    const [role] = (await primary.redis.role()) as unknown[]
    return role === 'master'
  })
}
