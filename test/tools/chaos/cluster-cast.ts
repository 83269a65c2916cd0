import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Cluster } from 'ioredis'
import { PASSWORD } from '../../../cli/demo/private-redis.ts'
import { type Layout, rootKey, rootOfKey, rootsOf } from '../../../src/partitions/roots.ts'
import { RapidFire } from '../../../src/rapidfire.ts'
import { type ClusterPlace, openCluster } from '../../fault/support/client.ts'
import { Processes } from '../../fault/support/processes.ts'
import type { Task, WorkerSetup } from '../../fault/support/worker.ts'
import { type ClusterNode, isAlive, TestCluster, until } from '../../support/cluster.ts'
import type { Company } from './company.ts'
import { judgeCluster } from './judge.ts'
import { readLayout } from './leftovers.ts'
import type { ProducerSetup } from './producer.ts'
import { readAppendOnlyFile } from './redis-log.ts'
import { ATTEMPTS, LEASE } from './settings.ts'
import type { Verdict } from './verdict.ts'

// Written at once, and not later by another thread: what a node has answered is in its file when it is killed.
const SERVER = ['--appendonly', 'yes', '--appendfsync', 'no', '--auto-aof-rewrite-percentage', '0', '--maxmemory-policy', 'noeviction']
// The slots of the other nodes are served while one is away.
const CLUSTER = ['--cluster-require-full-coverage', 'no']

export const QUEUE = 'spread'
/** For how long ids are remembered, ms: roots that no longer serve are drained for as long. */
export const DEDUPE = 8000
const PRODUCERS = ['eva', 'fox']
const KEYS = 12
const WORKERS = 3
const CLOSE_TIMEOUT = 500
/** Keys of conversations that the run itself begins, when a fault needs some that wait. */
const OWN_KEYS = Array.from({ length: 40 }, (_, n) => `own${n}`)
/** More partitions than a run ever makes. */
const MOST_PARTITIONS = 200

/** A place in the log of a primary: what stands before it, its replica has. */
export interface Mark {
  primary: ClusterNode
  key: string
  value: string
  since: number
}

/** The processes of a chaos run on a cluster: six nodes, a queue with partitions, workers and producers. */
export class ClusterCast extends Processes implements Company {
  readonly cluster: TestCluster
  readonly client: RapidFire<Task>
  readonly redis: Cluster
  readonly #folder: string
  readonly #slots: ReadonlyMap<string, number>
  /** Roots that have lost their data, or a step, are restored by whoever meets them. */
  readonly mendsWithin = 10_000
  #disturbances = 0
  #marks = 0
  #producers: Promise<unknown> = Promise.resolve()
  /** How many messages the run itself has added, by key. */
  readonly #added = new Map<string, number>()

  private constructor(cluster: TestCluster, folder: string, slots: ReadonlyMap<string, number>) {
    super(join(folder, 'history.jsonl'))
    this.cluster = cluster
    this.#slots = slots
    this.#folder = folder
    this.redis = openCluster(this.#place)
    this.client = new RapidFire<Task>({ redis: this.redis, queue: QUEUE })
  }

  static async start(): Promise<ClusterCast> {
    const cluster = await TestCluster.start({ nodeTimeout: 1500, redis: [...SERVER, ...CLUSTER] })
    const roots = [rootKey(QUEUE), ...Array.from({ length: MOST_PARTITIONS }, (_, n) => rootKey(QUEUE, n))]
    const slots = new Map(await Promise.all(roots.map(async (root) => [root, await cluster.slotOf(root)] as const)))
    return new ClusterCast(cluster, mkdtempSync(join(tmpdir(), 'rapidfire-chaos-history-')), slots)
  }

  get #place(): ClusterPlace {
    return { ports: this.cluster.ports, password: PASSWORD }
  }

  get clients(): readonly RapidFire<Task>[] {
    return [this.client]
  }

  get folders(): string[] {
    return [this.#folder, ...this.cluster.nodes.map(({ server }) => server.folder)]
  }

  get disturbed(): boolean {
    return this.#disturbances > 0
  }

  /** What stops or kills producers, one after the other. */
  withProducers<Result>(work: () => Promise<Result>): Promise<Result> {
    const turn = this.#producers.then(work)
    this.#producers = turn.catch(() => {})
    return turn
  }

  async enterAll(seed: string): Promise<void> {
    const history = this.history.file
    const client = { cluster: this.#place, queue: QUEUE }
    const options = { lease: LEASE, attempts: ATTEMPTS, concurrency: 4 }
    const worker: WorkerSetup = { history, client, options, closeTimeout: CLOSE_TIMEOUT, inquire: true }
    const producer = (name: string): ProducerSetup => {
      const keys = Array.from({ length: KEYS }, (_, n) => `${name}${n}`)
      return { history, client, seed, keys }
    }
    await Promise.all([
      ...Array.from({ length: WORKERS }, () => this.enter('worker', new URL('../../fault/support/worker.ts', import.meta.url), worker)),
      ...PRODUCERS.map((name) => this.enter('producer', new URL('producer.ts', import.meta.url), producer(name))),
    ])
  }

  /** Roots in which conversations may be now: those that serve, and those that are drained. */
  async roots(): Promise<string[]> {
    const { state, serving, other } = await this.#layout()
    return [...rootsOf(QUEUE, serving), ...(state === 'steady' ? [] : rootsOf(QUEUE, other))]
  }

  /** Roots to which messages of new conversations go. */
  async servingRoots(): Promise<string[]> {
    return rootsOf(QUEUE, (await this.#layout()).serving)
  }

  async #layout(): Promise<Layout> {
    return readLayout(this.redis, QUEUE)
  }

  /** How many partitions serve, and whether their number is being changed. */
  async partitions(): Promise<{ count: number; changing: boolean }> {
    const { state, serving } = await this.#layout()
    return { count: serving.count, changing: state !== 'steady' }
  }

  /** A root that serves, on one of the nodes that have not the root of the queue; of the queue itself when there is none. */
  async elsewhere(n: number): Promise<string> {
    const home = await this.primaryOf(rootKey(QUEUE))
    const others = (await this.cluster.primaries()).filter((node) => node !== home)
    const there = others[n % others.length]
    const roots = there ? await this.rootsOn(there) : []
    return (await this.servingRoots()).find((root) => roots.includes(root)) ?? rootKey(QUEUE)
  }

  slotOf(root: string): number {
    return this.#slots.get(root) as number
  }

  primaryOf(root: string): Promise<ClusterNode> {
    return this.cluster.primaryOf(this.slotOf(root))
  }

  /** Keys of conversations that may be in one of these roots now. */
  async keysIn(roots: readonly string[]): Promise<string[]> {
    const { state, serving, other } = await this.#layout()
    const mayBe = (key: string) =>
      roots.includes(rootOfKey(QUEUE, serving, key)) || (state !== 'steady' && roots.includes(rootOfKey(QUEUE, other, key)))
    const keys = PRODUCERS.flatMap((name) => Array.from({ length: KEYS }, (_, n) => `${name}${n}`))
    return [...keys, ...OWN_KEYS].filter(mayBe)
  }

  /** Every root that has its place on a node, used or not. */
  async rootsOn(node: ClusterNode): Promise<string[]> {
    const owns = await this.cluster.ownerTest(node)
    return [...this.#slots].filter(([, slot]) => owns(slot)).map(([root]) => root)
  }

  /**
   * Waits until the partitions of an earlier change are drained and forgotten: a worker asks for that once a minute only. False when that takes
   * longer.
   */
  async steady(most: number): Promise<boolean> {
    for (const end = Date.now() + most; ; await sleep(500)) {
      const { state, serving, other } = await this.#layout()
      if (state === 'steady') return true
      if (Date.now() > end) return false
      if (state === 'preparing') continue
      const drained = rootsOf(QUEUE, other)
      const left = await Promise.all(drained.map((root) => this.redis.fcall('rapidfire_partition', 1, root) as Promise<unknown[]>))
      const empty = left.every(([, keys, remembers]) => keys === 0 && remembers === 0)
      if (empty) await this.redis.fcall('rapidfire_repartition', 1, rootKey(QUEUE), 'SETTLE', serving.first)
    }
  }

  /**
   * Does something to a node; what is in its slots cannot be reached meanwhile. Afterwards all nodes are there and serve, or the run has failed.
   *
   * @param happen given what must be called when the node has gone
   */
  async disturb(node: ClusterNode, happen: (gone: () => void) => Promise<boolean>): Promise<boolean> {
    const roots = await this.rootsOn(node)
    this.#disturbances += 1
    let since = Date.now()
    try {
      return await happen(() => {
        since = Date.now()
      })
    } catch (error) {
      console.error(`a fault did not come to its end: ${error}`)
      return false
    } finally {
      for (const each of this.cluster.nodes) {
        if (isAlive(each.server)) each.server.process.kill('SIGCONT')
        else await this.cluster.restart(each)
      }
      for (const each of this.cluster.nodes) await each.redis.config('SET', 'cluster-replica-no-failover', 'no')
      await this.cluster.settled()
      this.history.write({ what: 'silent', since, until: Date.now(), roots })
      this.#disturbances -= 1
    }
  }

  /** Marks a place in the log of a primary, when its replica has all that was written before. */
  async mark(primary: ClusterNode, root: string): Promise<Mark> {
    const mark = { primary, key: `chaos:${root.slice(root.indexOf('{'))}`, value: String(++this.#marks), since: Date.now() }
    await until(async () => {
      await primary.redis.set(mark.key, mark.value)
      return (await primary.redis.wait(1, 1000)) >= 1 ? undefined : `the replica of ${primary.port} lags behind`
    }, 5000)
    return mark
  }

  /** Notes what a primary that was killed had written down behind a mark, and so nobody else may have. Returns how many messages, and changes of layouts. */
  noteForgotten({ primary, key, value, since }: Mark, until: number): { messages: number; changes: number } {
    const commands = readAppendOnlyFile(primary.server.folder)
    const at = commands.findLastIndex((words) => words[0]?.toUpperCase() === 'SET' && words[1] === key && words[2] === value)
    if (at < 0) throw new Error(`mark ${value} is not in the log of ${primary.port}`)
    const tail = commands.slice(at + 1)
    const { keys, messages } = touched(tail)
    this.history.write({ what: 'forgot', since, until, keys, messages })
    const changes = tail.filter(
      ([name, root = '', field = '']) => name === 'HSET' && /^rapid-fire:\{[^}]+\}$/.test(root) && field === 'layout',
    )
    return { messages: messages.length, changes: changes.length }
  }

  /** Messages in the dead batches of a node. They stay in the root in which they died, wherever the layout has their conversation by now. */
  async deadOn({ redis }: ClusterNode): Promise<string[]> {
    const names = await redis.keys('rapid-fire:{*}:dead:*')
    const batches = await Promise.all(names.map((name) => redis.hgetall(name)))
    return batches.flatMap((batch) => Object.values(batch).flatMap(messageIn))
  }

  /** Begins conversations in a root that wait for so long. */
  async addWaiting(root: string, wait: number): Promise<string[]> {
    const keys = (await this.keysIn([root])).filter((key) => OWN_KEYS.includes(key))
    await Promise.all(
      keys.map(async (key) => {
        const n = this.#added.get(key) ?? 0
        this.#added.set(key, n + 1)
        const message = `${key}.${n}`
        this.history.write({ what: 'offered', key, message })
        await this.client.addMessage(key, { message }, { id: message, wait, maxWait: wait })
        this.history.write({ what: 'accepted', key, message })
      }),
    )
    return keys
  }

  async keys(): Promise<string[]> {
    const primaries = await this.cluster.primaries()
    return (await Promise.all(primaries.map(({ redis }) => redis.keys('*')))).flat()
  }

  /** Those that hold between roots need them all: `check` alone sees them so. */
  async laws(): Promise<string[]> {
    return []
  }

  async judge(faults: ReadonlyMap<string, number>): Promise<Verdict> {
    await this.noteDead(this.client)
    return judgeCluster(this.history.read(), faults, DEDUPE)
  }

  override async end(): Promise<void> {
    await super.end()
    await this.client.close()
    this.redis.disconnect()
    await this.cluster.stop()
    await rm(this.#folder, { recursive: true, force: true })
  }
}

/** The data of a message says which one it is. */
const messageIn = (element: string) => /"message":"([^"]+)"/.exec(element)?.[1] ?? []

/** The conversations that commands have changed, and the messages that they have stored. */
function touched(commands: readonly string[][]): { keys: string[]; messages: string[] } {
  const keys = new Set<string>()
  const messages: string[] = []
  for (const [name = '', key = '', ...args] of commands) {
    const part = /^rapid-fire:\{[^}]+\}:(.*)$/s.exec(key)?.[1] ?? ''
    if (part.startsWith('messages:')) {
      keys.add(part.slice('messages:'.length))
      if (/^[RL]PUSH/i.test(name)) messages.push(...args.flatMap(messageIn))
    } else if (part === 'claims' || part === 'active' || part === 'due') {
      const paired = { HSET: 0, ZADD: 1 }[name.toUpperCase()]
      for (const [n, arg] of args.entries()) if (paired === undefined || n % 2 === paired) keys.add(arg)
    }
  }
  return { keys: [...keys], messages }
}
