import { setTimeout as sleep } from 'node:timers/promises'
import { type Load, makeMessages } from './messages.ts'
import { SYSTEMS, type SystemName } from './systems/index.ts'
import type { BenchBatch, BenchMessage, System, SystemOptions } from './systems/system.ts'

const CALLERS = 64

/** A burst of one person: its messages, ms after the first. */
export const BURST = [0, 100, 200]

export interface Handled {
  batches: number
  messages: number
  /** From the first call of the handler to the end of the last batch, ms. */
  took: number
  /** From the deadline to the call of the handler, ms, least first. */
  late: number[]
}

let system: System | undefined
let stopWork: (() => Promise<void>) | undefined
let seen: { first: number; last: number; completed: number; messages: number; late: number[] }

const opened = () => {
  if (!system) throw new Error('open a system first')
  return system
}

const loads = new Map<string, BenchMessage[]>()

function messagesOf(load: Load): BenchMessage[] {
  const name = `${load.keys} × ${load.perKey} × ${load.bytes}`
  if (!loads.has(name)) loads.set(name, makeMessages(load))
  return loads.get(name) as BenchMessage[]
}

/** What a process that runs a system does when it is told to. */
export const TASKS = {
  open: async ({ name, ...options }: { name: SystemName } & Omit<SystemOptions, 'ids' | 'policy'>): Promise<void> => {
    const { open, ...kind } = SYSTEMS[name]
    system = await open({ ...options, ids: 'ids' in kind, policy: 'policy' in kind ? kind.policy : undefined })
  },

  close: async (_: undefined): Promise<void> => {
    await stopWork?.()
    stopWork = undefined
    await system?.close()
    system = undefined
  },

  /** Many callers; each awaits one add before it makes the next. Returns ms. */
  addSingly: async (load: Load): Promise<number> => {
    const to = opened()
    const messages = messagesOf(load)
    let next = 0
    const caller = async () => {
      while (next < messages.length) await to.add(messages[next++] as BenchMessage)
    }
    const start = performance.now()
    await Promise.all(Array.from({ length: CALLERS }, caller))
    return performance.now() - start
  },

  /** One caller, `size` messages at once. Returns ms. */
  addInBulk: async ({ size, ...load }: Load & { size: number }): Promise<number> => {
    const to = opened()
    const messages = messagesOf(load)
    const start = performance.now()
    for (let at = 0; at < messages.length; at += size) await to.addMany(messages.slice(at, at + size))
    return performance.now() - start
  },

  /** Bursts of several people, begun at random times: `rate` a second on average. Returns how many there were. */
  feed: async ({ rate, seconds }: { rate: number; seconds: number }): Promise<number> => {
    const to = opened()
    const bursts = Math.ceil(rate * seconds)
    const messages = makeMessages({ keys: bursts, perKey: BURST.length })
    const starts = Array.from({ length: bursts }, (_, n) => ((n + Math.random()) * 1000) / rate)
    const plan = messages
      .map((message, n) => ({ message, at: (starts[n % bursts] as number) + (BURST[Math.trunc(n / bursts)] as number) }))
      .sort((a, b) => a.at - b.at)
    const adding: Promise<unknown>[] = []
    const start = performance.now()
    for (const { message, at } of plan) {
      while (performance.now() - start < at) await sleep(Math.max(1, at - (performance.now() - start)))
      adding.push(to.add(message))
    }
    await Promise.all(adding)
    return bursts
  },

  /** Starts a worker with a handler that does nothing. */
  work: async ({ concurrency }: { concurrency: number }): Promise<void> => {
    const work = opened().work
    if (!work) throw new Error('this system handles no batches')
    const clock = wallClock()
    seen = { first: 0, last: 0, completed: 0, messages: 0, late: [] }
    stopWork = await work({
      concurrency,
      handler: ({ count, deadline }: BenchBatch) => {
        const now = performance.now()
        seen.first ||= now
        seen.messages += count
        seen.late.push(now + clock - deadline)
      },
      completed: () => {
        seen.last = performance.now()
        seen.completed += 1
      },
    })
  },

  /** What the worker has done until now does not count. */
  forget: async (_: undefined): Promise<void> => {
    seen = { first: 0, last: 0, completed: 0, messages: 0, late: [] }
  },

  /** What the worker has done, once it has handled so many messages, or after `within` ms. */
  handled: async ({ messages, within }: { messages: number; within: number }): Promise<Handled> => {
    const until = performance.now() + within
    const isDone = () => seen.messages >= messages && seen.completed === seen.late.length
    while (!isDone() && performance.now() < until) await sleep(5)
    const late = seen.late.toSorted((a, b) => a - b)
    return { batches: seen.completed, messages: seen.messages, took: seen.last - seen.first, late }
  },

  usage: async (_: undefined): Promise<{ cpu: number; megabytes: number }> => {
    const { user, system: inKernel } = process.cpuUsage()
    return { cpu: user + inKernel, megabytes: process.memoryUsage.rss() / 1e6 }
  },
}

export type Tasks = typeof TASKS

/** What has to be added to `performance.now` to get ms since 1970: read when the whole ms changes, and at its least disturbed. */
function wallClock(): number {
  let ahead = Number.NEGATIVE_INFINITY
  for (let n = 0; n < 20; n += 1) {
    const before = Date.now()
    let now = before
    while (now === before) now = Date.now()
    ahead = Math.max(ahead, now - performance.now())
  }
  return ahead
}
