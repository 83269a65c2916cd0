import { cp, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { RapidfireError } from '../../src/errors.ts'
import type { RapidFire } from '../../src/rapidfire.ts'
import type { Task } from '../fault/support/worker.ts'
import { brokenLaws } from '../support/laws.ts'
import { Cast, eventually, type Part } from './cast.ts'
import { type Fault, LANES, planOf } from './faults.ts'
import { judge, type Verdict } from './judge.ts'
import { readAppendOnlyFile } from './redis-log.ts'
import { randomOf } from './seed.ts'

export interface Report extends Verdict {
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

/**
 * Producers add and workers handle while everything fails that can fail; then all of it is settled, and judged by what every process and
 * Redis itself have written down.
 *
 * @param ms how long faults go on, at least until each had its turn
 */
export async function chaos(seed: string, ms: number): Promise<Report> {
  const cast = await Cast.start()
  try {
    const began = Date.now()
    const redis = /(?:redis|valkey)_version:(\S+)/.exec(await cast.redis.info('server'))?.[1] ?? ''
    for (const client of cast.clients) await client.policy({ wait: 200, maxWait: 1000, maxSize: 5, maxBacklog: 20, dedupe: 60_000 })
    await cast.enter(seed)
    const live = new LiveCheck(cast.clients)
    const faults = new Map<string, number>()
    await Promise.all(LANES.map((lane, n) => strike(cast, lane, `${seed} lane ${n}`, began + ms, faults))).finally(() => live.stop())
    const left = await settle(cast)
    for (const client of cast.clients) await cast.noteDead(client)
    await cast.noteStream()
    const verdict = judge(cast.history.read(), readAppendOnlyFile(cast.folder), faults)
    verdict.broken.push(...live.broken, ...left)
    const logs = verdict.broken.length > 0 ? await keepLogs(cast.folder) : undefined
    return { ...verdict, logs, seed, redis, seconds: Math.round((Date.now() - began) / 1000), faults, checks: live.checks }
  } finally {
    await cast.end()
  }
}

async function keepLogs(folder: string): Promise<string> {
  const kept = await mkdtemp(join(tmpdir(), 'rapidfire-chaos-'))
  await cp(folder, kept, { recursive: true })
  return kept
}

/** One fault after the other until the time is over, and each at least once. */
async function strike(cast: Cast, lane: readonly Fault[], seed: string, end: number, faults: Map<string, number>): Promise<void> {
  for (const { name } of lane) faults.set(name, 0)
  let n = 0
  for (const { pause, fault } of planOf(lane, randomOf(seed))) {
    if (n >= lane.length && Date.now() >= end) return
    await sleep(pause)
    if (await fault.strike(cast, randomOf(`${seed} ${n}`))) faults.set(fault.name, (faults.get(fault.name) ?? 0) + 1)
    n += 1
  }
}

/** Checks the laws of the queues again and again while they are in use. */
class LiveCheck {
  readonly #clients: readonly RapidFire<Task>[]
  readonly broken: string[] = []
  checks = 0
  readonly #ended: Promise<void>
  #stopping = false

  constructor(clients: readonly RapidFire<Task>[]) {
    this.#clients = clients
    this.#ended = this.#run()
  }

  async #run(): Promise<void> {
    for (; !this.#stopping; await sleep(1000)) {
      for (const client of this.#clients) {
        try {
          const { violations } = await client.check()
          this.checks += 1
          this.broken.push(...violations.map(({ key, text }) => `in use, ${client.queue}: ${key ? `key ${key}: ` : ''}${text}`))
        } catch (error) {
          if (!isPassing(error)) this.broken.push(`in use, ${client.queue}: ${error}`)
        }
      }
    }
  }

  stop(): Promise<void> {
    this.#stopping = true
    return this.#ended
  }
}

/** Whether a check was cut short by a fault. What its SCAN meets is not made an error of ours. */
function isPassing(error: unknown): boolean {
  if (error instanceof RapidfireError) return ['UNAVAILABLE', 'NOT_LOADED', 'OUT_OF_MEMORY'].includes(error.code)
  return /^Error: Connection is closed|^MaxRetriesPerRequestError/.test(String(error))
}

/** Lets the producers finish, the queues empty and all processes end by themselves. What is not as it should be then. */
async function settle(cast: Cast): Promise<string[]> {
  const broken: string[] = []
  for (const { role, pid } of cast.parts) if (!cast.alive.includes(pid)) broken.push(`${role} ${pid} has ended by itself`)
  const close = async (parts: Part[]) => {
    const codes = await cast.terminate(parts.map(({ pid }) => pid))
    parts.forEach(({ role, pid }, n) => {
      if (codes[n] !== 0) broken.push(`${role} ${pid} ended with exit code ${codes[n]}`)
    })
  }
  await close(cast.of('producer'))
  for (const client of cast.clients) {
    for (const end = Date.now() + 60_000; ; await sleep(100)) {
      const { messages, active } = await eventually(() => client.getStats())
      if (messages + active === 0) break
      if (Date.now() < end) continue
      broken.push(`${client.queue} still has ${messages} messages and ${active} active batches after a minute of rest`)
      break
    }
  }
  await close([...cast.of('worker'), ...cast.of('forwarder')])
  for (const client of cast.clients) {
    const { violations, counted } = await client.check()
    if (!counted) broken.push(`${client.queue}: the messages could not be counted`)
    broken.push(...violations.map(({ key, text }) => `${client.queue}: ${key ? `key ${key}: ` : ''}${text}`))
    broken.push(...(await brokenLaws(cast.redis, `rapid-fire:{${client.queue}}`)))
  }
  return [...broken, ...(await leftovers(cast))]
}

/** Keys that a queue with nothing pending should not have. That `seen` sets expire is among the invariants. */
async function leftovers(cast: Cast): Promise<string[]> {
  const kept = /^rapid-fire:\{\w+\}(:seen:\d+|:dead(:[\d-]+)?|:stream:\w+)?$/
  const keys = await cast.redis.keys('*')
  return keys.filter((key) => !kept.test(key)).map((key) => `${key} is left behind`)
}
