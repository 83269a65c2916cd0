import type { Cluster } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { Batch } from '../../src/batches/batch.ts'
import { partitionOf, rootKey } from '../../src/partitions/roots.ts'
import { RapidFire } from '../../src/rapidfire.ts'
import { lacksServer } from '../client/clients.ts'
import { type ClusterNode, TestCluster } from '../support/cluster.ts'
import { eventually, gate, type Told } from './workers.ts'

const PARTITIONS = 12

describe.skipIf(lacksServer('a silent node'))('while a node of a cluster is stopped', () => {
  let cluster: TestCluster
  beforeAll(async () => {
    // It must stay a member: nobody takes over, and the others go on serving.
    cluster = await TestCluster.start({ replicas: 0, nodeTimeout: 60_000, redis: ['--cluster-require-full-coverage', 'no'] })
  })
  afterAll(() => cluster?.stop())

  function client(queue: string, redis = connect()): RapidFire<any> {
    const made = new RapidFire<any>({ redis, queue, policy: { partitions: PARTITIONS } })
    onTestFinished(() => made.close())
    return made
  }

  function connect(redisOptions: { commandTimeout?: number } = {}): Cluster {
    const redis = cluster.client({ redisOptions })
    redis.on('error', () => {})
    onTestFinished(() => redis.disconnect())
    return redis
  }

  /** Notes which roots are asked, for rights or batches, and how many have been when the first one fails. */
  function noted(redis: Cluster): { roots: string[]; failed: number[] } {
    const notes: { roots: string[]; failed: number[] } = { roots: [], failed: [] }
    const methods = redis as unknown as { fcallBuffer(args: unknown[]): Promise<unknown> }
    const real = methods.fcallBuffer.bind(redis)
    methods.fcallBuffer = (args) => {
      const isNoted = ['rapidfire_rights', 'rapidfire_claim_ready'].includes(String(args[0]))
      if (isNoted) notes.roots.push(String(args[2]))
      const reply = real(args)
      if (isNoted) reply.catch(() => notes.failed.push(new Set(notes.roots).size))
      return reply
    }
    return notes
  }

  /** A node with partitions of the queue but not its root, and which partitions those are. */
  async function nodeOf(queue: string): Promise<{ node: ClusterNode; partitions: number[] }> {
    const owner = async (partition?: number) => cluster.primaryOf(await cluster.slotOf(rootKey(queue, partition)))
    const [first, ...owners] = [await owner(), ...(await Promise.all(Array.from({ length: PARTITIONS }, (_, n) => owner(n))))]
    const node = owners.find((each) => each !== first) as ClusterNode
    return { node, partitions: owners.flatMap((each, n) => (each === node ? [n] : [])) }
  }

  function stop(node: ClusterNode): () => void {
    const { pid } = node.server.process
    const go = () => void process.kill(pid as number, 'SIGCONT')
    process.kill(pid as number, 'SIGSTOP')
    onTestFinished(go)
    return go
  }

  it('a worker goes on with the partitions of all others, and aborts none of their handlers', async () => {
    const rapidfire = client('others')
    await rapidfire.getStats()
    const { node, partitions } = await nodeOf('others')
    const keys = Array.from({ length: 200 }, (_, n) => `key ${n}`)
    const isThere = (key: string) => partitions.includes(partitionOf(key, PARTITIONS))
    const [there, elsewhere] = [keys.filter(isThere), keys.filter((key) => !isThere(key))]
    const told: Told[] = []
    const signals = new Map<string, AbortSignal>()
    const held = gate()
    const worker = rapidfire.worker(
      async (batch, { signal }) => {
        if (batch.messages[0]?.data !== 'long') return
        signals.set(batch.key, signal)
        await held.opened
      },
      { concurrency: 8, lease: 1500, timing: { stall: 400 } },
    )
    onTestFinished(() => worker.close({ timeout: 0 }))
    for (const event of ['completed', 'failed', 'dead', 'lost'] as const) worker.on(event, (...args: any[]) => told.push([event, ...args]))
    worker.on('error', () => {})
    worker.run()
    await rapidfire.addMessages([there[0], ...elsewhere.slice(0, 2)].map((key) => ({ key: key as string, data: 'long', flush: true })))
    await eventually(() => expect(signals.size).toBe(3))
    const go = stop(node)
    for (const key of elsewhere.slice(2, 60)) await rapidfire.addMessage(key, 'short', { flush: true })
    await eventually(() => expect(signals.get(there[0] as string)?.aborted).toBe(true))
    for (const key of elsewhere.slice(60)) await rapidfire.addMessage(key, 'short', { flush: true })
    const completed = () => told.filter(([event]) => event === 'completed').length
    await eventually(() => expect(completed()).toBe(elsewhere.length - 2))
    for (const key of elsewhere.slice(0, 2)) expect(signals.get(key)?.aborted).toBe(false)
    expect(worker.isHealthy()).toBe(false)
    go()
    held.open()
    await eventually(() => expect(worker.isHealthy()).toBe(true))
    await eventually(() => expect(told.length).toBeGreaterThanOrEqual(elsewhere.length + 1))
    expect(told.filter(([event, batch]) => event !== 'completed' && batch.key !== there[0])).toEqual([])
  })

  it('a worker keeps no slot from the others for one that does not answer, and gives back what it brings when there is none left', async () => {
    const rapidfire = client('slots')
    await rapidfire.getStats()
    const { node, partitions } = await nodeOf('slots')
    const keys = Array.from({ length: 200 }, (_, n) => `key ${n}`)
    const isThere = (key: string) => partitions.includes(partitionOf(key, PARTITIONS))
    const [there, elsewhere] = [keys.filter(isThere), keys.filter((key) => !isThere(key))]
    const held = gate()
    const started: string[] = []
    // It does not fail within the test.
    const options = { concurrency: 1, timing: { stall: 60_000, rest: 5, silentAfter: 20 } }
    const worker = rapidfire.worker(async (batch) => {
      started.push(batch.key)
      await held.opened
    }, options)
    onTestFinished(() => worker.close({ timeout: 0 }))
    worker.on('error', () => {})
    worker.run()
    await new Promise<void>((resolve) => worker.once('ready', resolve))
    await rapidfire.addMessages(there.slice(0, 10).map((key) => ({ key, data: 1, wait: 300 })))
    const go = stop(node)
    // When they are due all partitions of the node are asked, one after the other.
    await new Promise((resolve) => setTimeout(resolve, 600))
    await rapidfire.addMessage(elsewhere[0] as string, 1, { flush: true })
    await eventually(() => expect(started).toEqual([elsewhere[0]]))
    go()
    // Nothing runs besides, and all that was claimed can be claimed by others, in its first attempt.
    const other = client('slots')
    const taken: Batch[] = []
    await eventually(async () => {
      taken.push(...(await other.claimReady({ limit: 100 })).batches)
      expect(taken).toHaveLength(10)
    })
    expect(taken.map(({ attempt }) => attempt)).toEqual(Array(10).fill(1))
    expect(taken.some(({ token }) => token.endsWith(':2'))).toBe(true)
    expect(started).toHaveLength(1)
    held.open()
  })

  it.each<[string, (rapidfire: RapidFire<any>) => Promise<unknown>]>([
    ['claimReady', (rapidfire) => rapidfire.claimReady()],
    ['processPendingBatches', (rapidfire) => rapidfire.processPendingBatches(() => {}, { concurrency: 1 })],
  ])('%s waits for all of its partitions together, and not for one after the other', async (name, call) => {
    await client(name).getStats()
    // Its answers are late, and so all that was asked before is.
    const redis = connect({ commandTimeout: 3000 })
    const rapidfire = client(name, redis)
    await rapidfire.getStats()
    const { node } = await nodeOf(name)
    stop(node)
    const notes = noted(redis)
    await expect(call(rapidfire)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    expect(notes.failed[0]).toBe(PARTITIONS)
  })

  it('claimReady gets the batches of the others, whichever is asked first, and what comes late goes back', async () => {
    const rapidfire = client('first')
    await rapidfire.getStats()
    const { node, partitions } = await nodeOf('first')
    const keys = Array.from({ length: 200 }, (_, n) => `key ${n}`)
    const isThere = (key: string) => partitions.includes(partitionOf(key, PARTITIONS))
    const [there, elsewhere] = [keys.filter(isThere), keys.filter((key) => !isThere(key))]
    await rapidfire.addMessages(keys.map((key) => ({ key, data: 1, flush: true })))
    const go = stop(node)
    const batches: Batch[] = []
    // Nothing that was sent to the node fails within the test. Each claim begins with another partition.
    for (let turn = 0; turn < PARTITIONS; turn += 1) batches.push(...(await rapidfire.claimReady({ limit: 3 })).batches)
    expect(batches).toHaveLength(3 * PARTITIONS)
    expect(batches.every(({ key }) => elsewhere.includes(key))).toBe(true)
    go()
    const left = new Set(keys.filter((key) => !batches.some((batch) => batch.key === key)))
    const other = client('first')
    await eventually(async () => {
      for (const { key, attempt } of (await other.claimReady({ limit: 100 })).batches) if (attempt === 1) left.delete(key)
      expect(left.size).toBe(0)
    })
    expect(there.length).toBeGreaterThan(3)
  })
})
