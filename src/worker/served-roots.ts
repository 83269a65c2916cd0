import type { Roots } from '../partitions/roots.ts'
import type { WorkerClient } from './client.ts'
import type { Timing } from './timing.ts'

/** Finds out which roots a worker is to claim from: when one refuses to serve, and about once a minute, or as often as its process has time for. */
export class ServedRoots {
  readonly #client: WorkerClient<any>
  readonly #timing: Timing
  readonly #every: () => number
  readonly #hooks: { found(roots: Roots): void; failed(error: unknown): void }
  /** Roots that have refused, for which the others are being asked. */
  readonly #asking = new Map<string, Promise<void>>()
  #running = false
  #timer: NodeJS.Timeout | undefined

  /** @param every how often it looks by itself, ms */
  constructor(
    client: WorkerClient<any>,
    timing: Timing,
    every: () => number,
    hooks: { found(roots: Roots): void; failed(error: unknown): void },
  ) {
    this.#client = client
    this.#timing = timing
    this.#every = every
    this.#hooks = hooks
  }

  start(): void {
    this.#running = true
  }

  stop(): void {
    this.#running = false
    clearTimeout(this.#timer)
  }

  /** A root has refused to serve: asks which ones do. */
  ask(refused: string): Promise<void> {
    const known = this.#asking.get(refused)
    if (known) return known
    const asking = this.#client
      .roots(refused)
      .then((roots) => this.#hooks.found(roots))
      .finally(() => this.#asking.delete(refused))
    this.#asking.set(refused, asking)
    return asking
  }

  /** Looks in `ms`, and from then on time and again, whether a change of partitions has lost a step or is to take one. */
  maintainIn(ms = this.#every()): void {
    clearTimeout(this.#timer)
    if (!this.#running) return
    this.#timer = setTimeout(() => {
      this.#client
        .maintain()
        .then((roots) => this.#hooks.found(roots))
        .catch((error) => this.#running && this.#hooks.failed(error))
        .finally(() => this.maintainIn())
    }, ms)
  }

  /** The connection was made anew: servers may have been replaced by others that have not heard of the last change. */
  maintainSoon(): void {
    this.maintainIn(Math.random() * this.#timing.maintainAnew)
  }
}
