import type { Redis } from 'ioredis'
import { Agent } from './agents.ts'
import type { Row } from './rounds.ts'
import { isInstalled, SYSTEMS, type SystemName } from './systems/index.ts'

/** How much of everything. */
export interface Scale {
  rounds: number
  /** Rounds of adding: they are short, and whatever else the machine does shows in them. */
  addRounds: number
  /** Of adding and draining; ten messages each. */
  keys: number
  /** Of feeding, when lateness is looked at, of resting, and of posting. */
  seconds: { fed: number; quiet: number; idle: number; posted: number }
  /** Keys that are pending when memory is looked at, three messages each. */
  pending: number
  /** How many keys are open when the cost of a call is looked at. */
  open: number[]
  /** How many keys are open beside a steady load, and for how long that goes on: so many parts of so many seconds. */
  steady: { open: number; parts: number; seconds: number }
}

export const SCALES = {
  normal: {
    rounds: 5,
    addRounds: 15,
    keys: 10_000,
    seconds: { fed: 2, quiet: 30, idle: 10, posted: 3 },
    pending: 100_000,
    open: [1000, 10_000, 100_000],
    steady: { open: 100_000, parts: 3, seconds: 10 },
  },
  quick: {
    rounds: 1,
    addRounds: 1,
    keys: 2000,
    seconds: { fed: 0.7, quiet: 1.5, idle: 1, posted: 1 },
    pending: 10_000,
    open: [1000, 10_000],
    steady: { open: 10_000, parts: 2, seconds: 2 },
  },
  /** Whether it works, in seconds: the figures mean nothing. */
  tiny: {
    rounds: 1,
    addRounds: 1,
    keys: 100,
    seconds: { fed: 0.2, quiet: 1, idle: 0.2, posted: 1 },
    pending: 100,
    open: [100, 200],
    steady: { open: 100, parts: 2, seconds: 0.2 },
  },
} satisfies Record<string, Scale>

/** What a measure needs. */
export interface Bench {
  url: string
  redis: Redis
  scale: Scale
  /** Processes that all rows share, where the figures mean nothing: to start one costs more than a short row. */
  shared?: Agent[] | undefined
}

export const installed = <N extends SystemName>(names: readonly N[]) =>
  names.filter((name) => {
    const kind = SYSTEMS[name]
    return !('needs' in kind) || isInstalled(kind.needs)
  })

type Round<A extends Agent[]> = (...agents: A) => Promise<Record<string, number>>

/** A row in which each round begins with an empty server and a new client of the system, in a process of its own. */
export const addingRow = (bench: Bench, name: SystemName, wait: number, round: Round<[Agent]>) =>
  systemRow(bench, name, wait, 1, round as Round<Agent[]>)

/** The same with a second process, for the worker. */
export const workingRow = (
  bench: Bench,
  name: SystemName,
  wait: number,
  round: Round<[adder: Agent, worker: Agent]>,
  options: { batch?: number } = {},
) => systemRow(bench, name, wait, 2, round as Round<Agent[]>, options)

function systemRow(
  { redis, url, shared }: Bench,
  name: SystemName,
  wait: number,
  processes: number,
  round: Round<Agent[]>,
  options: { batch?: number } = {},
): Row {
  return {
    name: SYSTEMS[name].title,
    open: async () => {
      const own = shared ?? []
      while (own.length < processes) own.push(new Agent())
      const agents = own.slice(0, processes)
      return {
        round: async () => {
          await redis.flushall()
          for (const agent of agents) await agent.do('open', { name, url, wait, ...options })
          await redis.config('RESETSTAT')
          const figures = await round(...agents)
          for (const agent of agents) await agent.do('close', undefined)
          return figures
        },
        close: () => Promise.all(shared ? [] : agents.map((agent) => agent.stop())),
      }
    },
  }
}

/** What the server has spent since RESETSTAT on the commands that clients of this system send, µs. */
export async function serverMicros(redis: Redis, name: SystemName): Promise<number> {
  const { commands } = SYSTEMS[name]
  const stats = await redis.info('commandstats')
  let sum = 0
  for (const [, command, usec] of stats.matchAll(/cmdstat_(\S+?):calls=\d+,usec=(\d+)/g)) {
    if ((commands as readonly string[]).includes(command as string)) sum += Number(usec)
  }
  return sum
}
