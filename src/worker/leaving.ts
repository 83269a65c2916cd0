import type { WorkerClient } from './client.ts'
import type { Lane } from './lane.ts'

/**
 * Gives up the watch of lanes at which a worker does not look for a while: one that stands by is told at once (lua/lib/watch.lua). It is told
 * once, and not again when that fails: then others look when they have rested.
 */
export class Leaving {
  readonly #client: WorkerClient<any>
  readonly #worker: string
  readonly #underway = new Set<Promise<unknown>>()

  /** @param worker its name among the workers of the queue */
  constructor(client: WorkerClient<any>, worker: string) {
    this.#client = client
    this.#worker = worker
  }

  /** Nothing is told of a lane without a watch, nor to a server that did not answer last. A claim under way may take it: wait for that. */
  leave(lane: Lane): void {
    if (lane.left || lane.claims > 0 || lane.answered === 0 || lane.failures > 0) return
    lane.left = true
    this.tell(lane.root)
  }

  /** @param worker itself; or its process, which is not said to be there in this root any more */
  tell(root: string, worker = this.#worker): void {
    const told: Promise<unknown> = this.#client.leave(root, worker).then(
      () => this.#underway.delete(told),
      () => this.#underway.delete(told),
    )
    this.#underway.add(told)
  }

  /** Another worker is there no more, or all of a process, whose name ends in a slash. Whether nobody is known who would look instead, as far as Redis has said so. */
  async leaveFor(worker: string, { root }: Lane): Promise<boolean> {
    const left = await this.#client.leave(root, worker).catch(() => undefined)
    return left === 'vacant'
  }

  /** Resolves when all is told, or `ms` have passed; whether it is. */
  async end(ms: number): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise((resolve) => (timer = setTimeout(resolve, ms)))
    await Promise.race([Promise.all(this.#underway), late])
    clearTimeout(timer)
    return this.#underway.size === 0
  }
}
