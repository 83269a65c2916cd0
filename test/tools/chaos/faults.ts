import { setTimeout as sleep } from 'node:timers/promises'
import type { Processes } from '../../fault/support/processes.ts'
import { isStopped } from './company.ts'
import { between, oneOf, type Random, shuffled } from './seed.ts'

/** Something that goes wrong. `strike` resolves when it is over, and tells whether it was seen to happen. */
export interface Fault<Cast> {
  name: string
  strike(cast: Cast, random: Random): Promise<boolean>
}

export interface Planned<Cast> {
  /** ms before it. */
  pause: number
  fault: Fault<Cast>
}

/** Parts of a run that go on at once; in each of them one fault follows the other. */
export type Lanes<Cast> = readonly (readonly Fault<Cast>[])[]

/** Faults without end, each as often as the others, after pauses: the seed alone decides which, on whom, and for how long. */
export function* planOf<Cast>(faults: readonly Fault<Cast>[], random: Random): Generator<Planned<Cast>, never> {
  for (;;) for (const fault of shuffled(random, faults)) yield { pause: between(random, 300, 2000), fault }
}

export async function killOne(cast: Processes, random: Random, role: string): Promise<boolean> {
  const part = oneOf(random, cast.of(role))
  await cast.kill(part.pid)
  const dead = !cast.alive.includes(part.pid)
  await cast.recast(part)
  return dead
}

export async function stopWorker(cast: Processes, random: Random, ms: number): Promise<boolean> {
  const { pid } = oneOf(random, cast.of('worker'))
  cast.signal(pid, 'SIGSTOP')
  await sleep(ms)
  const stopped = await isStopped(pid)
  cast.signal(pid, 'SIGCONT')
  return stopped
}

/** A deploy: the worker gives back what it cannot finish soon, and ends by itself. */
export async function closeWorker(cast: Processes, random: Random): Promise<boolean> {
  const part = oneOf(random, cast.of('worker'))
  const [code] = await cast.terminate([part.pid])
  await cast.recast(part)
  return code === 0
}
