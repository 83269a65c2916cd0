import { cp, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { RapidfireError } from '../../../src/errors.ts'
import type { RapidFire } from '../../../src/rapidfire.ts'
import type { Part } from '../../fault/support/processes.ts'
import type { Task } from '../../fault/support/worker.ts'
import { Cast } from './cast.ts'
import { ClusterCast, DEDUPE } from './cluster-cast.ts'
import { CLUSTER_LANES } from './cluster-faults.ts'
import { type Company, eventually } from './company.ts'
import { type Fault, type Lanes, planOf } from './faults.ts'
import { inspectQueue } from './leftovers.ts'
import { LiveErase } from './live-erase.ts'
import { LiveFold } from './live-fold.ts'
import { randomOf } from './seed.ts'
import { SERVER_LANES } from './server-faults.ts'
import type { Verdict } from './verdict.ts'

/** Where it takes place: on one server whose log is read, or on a cluster whose primaries are replaced. */
export const STAGES = ['server', 'cluster'] as const
export type StageName = (typeof STAGES)[number]

export interface Report extends Verdict {
  stage: StageName
  seed: string
  redis: string
  seconds: number
  /** How often each fault was seen to happen. */
  faults: Map<string, number>
  /** Walks of `check` over the live queues that were not cut short by a fault. */
  checks: number
  /** Where all that was written down is kept, when a promise was broken. */
  logs: string | undefined
}

interface Options {
  each?: boolean
  only?: string
  events?: boolean
}

/** More events than there will be. */
const EVENTS = 1_000_000

const POLICY = { wait: 200, maxWait: 1000, maxSize: 5, maxBacklog: 20 }

/**
 * Producers add and workers handle while everything fails that can fail; then all of it is settled, and judged by what every process and
 * Redis itself have written down.
 *
 * @param ms how long faults go on
 * @param options.each at least until each fault had its turn, by default
 * @param options.only faults whose names have this in them
 * @param options.events whether the queues keep events; on one server they must make what is there when they are taken one after the other
 */
export async function chaos(stage: StageName, seed: string, ms: number, options: Options = {}): Promise<Report> {
  return stage === 'server'
    ? play(stage, await Cast.start(), SERVER_LANES, { ...POLICY, dedupe: 60_000 }, seed, ms, options)
    : play(stage, await ClusterCast.start(), CLUSTER_LANES, { ...POLICY, dedupe: DEDUPE, partitions: 6 }, seed, ms, options)
}

async function play<Actors extends Company>(
  stage: StageName,
  cast: Actors,
  lanes: Lanes<Actors>,
  policy: Parameters<RapidFire['policy']>[0],
  seed: string,
  ms: number,
  { each = true, only = '', events = false }: Options,
): Promise<Report> {
  try {
    const began = Date.now()
    const redis = /(?:redis|valkey)_version:(\S+)/.exec(await cast.redis.info('server'))?.[1] ?? ''
    for (const client of cast.clients) await client.policy({ ...policy, events: events ? EVENTS : 0 })
    await cast.enterAll(seed)
    // A server that takes the place of another may have lost what both tell.
    const folding = events && stage === 'server' ? new LiveFold(cast) : undefined
    const live = new LiveCheck(cast, folding)
    const erasing = cast.erased && new LiveErase(cast.erased)
    const faults = new Map<string, number>()
    const chosen = lanes.map((lane) => lane.filter(({ name }) => name.includes(only))).filter(({ length }) => length > 0)
    await Promise.all(chosen.map((lane, n) => strike(cast, lane, `${seed} lane ${n}`, began + ms, each, faults))).finally(() =>
      Promise.all([live.stop(), erasing?.stop()]),
    )
    const left = await settle(cast)
    if (folding) await eventually(() => folding.compare(), REST)
    const verdict = await cast.judge(faults)
    verdict.broken.push(...live.broken, ...(erasing?.broken ?? []), ...(folding?.broken ?? []), ...left)
    if (folding)
      verdict.figures.push(['events that were taken', folding.events], ['times that all was compared with them', folding.compared])
    if (erasing) verdict.figures.push(['people who were erased', erasing.erased])
    const logs = verdict.broken.length > 0 ? await keepLogs(cast.folders) : undefined
    return { ...verdict, logs, stage, seed, redis, seconds: Math.round((Date.now() - began) / 1000), faults, checks: live.checks }
  } finally {
    await cast.end()
  }
}

async function keepLogs(folders: readonly string[]): Promise<string> {
  const kept = await mkdtemp(join(tmpdir(), 'rapidfire-chaos-'))
  for (const folder of folders) await cp(folder, join(kept, basename(folder)), { recursive: true })
  return kept
}

/** How often a fault that was not seen to happen is tried when the time is over. */
const TRIES = 4

/** One fault after the other until the time is over, and each at least once; some need luck, and are tried again. */
async function strike<Actors extends Company>(
  cast: Actors,
  lane: readonly Fault<Actors>[],
  seed: string,
  end: number,
  each: boolean,
  faults: Map<string, number>,
): Promise<void> {
  if (each) for (const { name } of lane) faults.set(name, 0)
  let n = 0
  for (const { pause, fault } of planOf(lane, randomOf(seed))) {
    const isOver = (n >= lane.length || !each) && Date.now() >= end
    const unseen = lane.some(({ name }) => faults.get(name) === 0)
    if (isOver && (!unseen || n >= TRIES * lane.length)) return
    n += 1
    if (isOver && faults.get(fault.name) !== 0) continue
    await sleep(pause)
    const since = Date.now()
    const seen = await fault.strike(cast, randomOf(`${seed} ${n - 1}`))
    cast.history.write({ what: 'fault', name: fault.name, since, seen })
    faults.set(fault.name, (faults.get(fault.name) ?? 0) + (seen ? 1 : 0))
  }
}

/** Checks the laws of the queues again and again while they are in use. */
class LiveCheck {
  readonly #cast: Company
  readonly #broken = new Set<string>()
  /** Since when each violation was found by every check. */
  #found = new Map<string, number>()
  checks = 0
  readonly #ended: Promise<void>
  readonly #folding: LiveFold | undefined
  #stopping = false

  /** @param folding compares events as well */
  constructor(cast: Company, folding: LiveFold | undefined) {
    this.#cast = cast
    this.#folding = folding
    this.#ended = this.#run()
  }

  get broken(): string[] {
    return [...this.#broken]
  }

  async #run(): Promise<void> {
    for (; !this.#stopping; await sleep(1000)) {
      const found: string[] = []
      for (const client of this.#cast.clients) {
        if (this.#cast.disturbed) continue
        try {
          const { violations } = await client.check()
          if (this.#cast.disturbed) continue
          this.checks += 1
          found.push(...violations.map((each) => `in use, ${wordsOf(client, each)}`))
        } catch (error) {
          if (!this.#cast.disturbed && !isPassing(error)) this.#broken.add(`in use, ${client.queue}: ${error}`)
        }
      }
      try {
        await this.#folding?.compare()
      } catch (error) {
        if (!isPassing(error)) this.#broken.add(`events: ${error}`)
      }
      const now = Date.now()
      this.#found = new Map(found.map((each) => [each, this.#found.get(each) ?? now]))
      for (const [each, since] of this.#found) if (now - since >= this.#cast.mendsWithin) this.#broken.add(each)
    }
  }

  stop(): Promise<void> {
    this.#stopping = true
    return this.#ended
  }
}

const wordsOf = ({ queue }: RapidFire<Task>, { root, key, text }: { root: string; key: Buffer | undefined; text: string }) =>
  `${queue}, ${root}: ${key ? `key ${key}: ` : ''}${text}`

/** Whether a check was cut short by a fault. What its SCAN meets is not made an error of ours. */
function isPassing(error: unknown): boolean {
  if (error instanceof RapidfireError) return ['UNAVAILABLE', 'NOT_LOADED', 'OUT_OF_MEMORY'].includes(error.code)
  return /^Error: (Connection is closed|Command timed out)|^MaxRetriesPerRequestError|^ClusterAllFailedError|^Error: connect ECONNREFUSED/.test(
    String(error),
  )
}

/** How long the queues may take to empty once nothing is added and nothing fails any more, ms. */
const REST = 60_000

/** Lets the producers finish, the queues empty and all processes end by themselves. What is not as it should be then. */
async function settle(cast: Company): Promise<string[]> {
  const broken: string[] = []
  for (const { role, pid } of cast.parts) if (!cast.alive.includes(pid)) broken.push(`${role} ${pid} has ended by itself`)
  const close = async (parts: Part[]) => {
    const codes = await cast.terminate(parts.map(({ pid }) => pid))
    parts.forEach(({ role, pid }, n) => {
      if (codes[n] !== 0) broken.push(`${role} ${pid} ended with exit code ${codes[n]}`)
    })
  }
  await close(cast.of('producer'))
  // By the lists in Redis, and not by what the client looks at.
  const held = async () => (await cast.keys()).filter((key) => /^rapid-fire:\{[^}]+\}:messages:/.test(key))
  for (const end = Date.now() + REST; ; await sleep(100)) {
    const left = await eventually(held, REST)
    if (left.length === 0) break
    if (Date.now() < end) continue
    broken.push(`after a minute of rest there are still messages of ${left.length} conversations: ${left.slice(0, 10).join(' ')}`)
    break
  }
  for (const client of cast.clients) {
    const { messages, active } = await eventually(() => client.getStats(), REST)
    if (messages + active > 0) broken.push(`${client.queue} says that it still has ${messages} messages and ${active} active batches`)
  }
  await close([...cast.of('worker'), ...cast.of('forwarder')])
  for (const client of cast.clients) broken.push(...(await inspectQueue(cast, client)))
  return [...broken, ...(await cast.laws())]
}
