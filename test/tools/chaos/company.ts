import { execFile } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { Cluster, Redis } from 'ioredis'
import type { RapidFire } from '../../../src/rapidfire.ts'
import type { Processes } from '../../fault/support/processes.ts'
import type { Task } from '../../fault/support/worker.ts'
import type { Verdict } from './verdict.ts'

/** The processes of a run, the servers that they use, and the queues. */
export interface Company extends Processes {
  /** One for each queue. */
  readonly clients: readonly RapidFire<Task>[]
  /** A queue in which people are erased; none where a server may forget what it has said is done. */
  readonly erased?: RapidFire
  readonly redis: Redis | Cluster
  /** Where servers and processes have written down what they did. */
  readonly folders: readonly string[]
  /** Whether a fault is under way that leaves keys where they do not belong until it is over. */
  readonly disturbed: boolean
  /** For how long `check` may find what a fault has left before somebody comes by and mends it, ms. */
  readonly mendsWithin: number
  /** Everybody enters. */
  enterAll(seed: string): Promise<void>
  /** Every key of every server that takes writes. */
  keys(): Promise<string[]>
  /** The laws of the keys that are broken, whatever library Redis has. */
  laws(): Promise<string[]>
  /** What became of a run that is settled. */
  judge(faults: ReadonlyMap<string, number>): Promise<Verdict>
  end(): Promise<void>
}

const execute = promisify(execFile)

/** Whether a process is stopped now, by what the system says. */
export async function isStopped(pid: number): Promise<boolean> {
  const { stdout } = await execute('ps', ['-o', 'stat=', '-p', String(pid)])
  return stdout.startsWith('T')
}

/** What a call gives, once Redis can be used again. */
export async function eventually<Result>(call: () => Promise<Result>, most = 10_000): Promise<Result> {
  for (const end = Date.now() + most; ; await sleep(100)) {
    try {
      return await call()
    } catch (error) {
      if (Date.now() > end) throw error
    }
  }
}
