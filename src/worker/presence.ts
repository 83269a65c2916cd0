import type { WorkerClient } from './client.ts'

/**
 * Says time and again that a worker is there, and hears which others are not: one that was killed watched lanes at which the others, with many
 * partitions, would not look for long. It is said in one place for the whole queue.
 */
export class Presence {
  readonly #client: WorkerClient<any>
  readonly #worker: string
  readonly #every: number
  readonly #gone: (worker: string) => void
  #running = false
  #timer: NodeJS.Timeout | undefined

  /**
   * @param worker its name among the workers of the queue
   * @param every pause between two times, ms
   * @param gone told of each worker that is there no more; of all workers one is told
   */
  constructor(client: WorkerClient<any>, worker: string, every: number, gone: (worker: string) => void) {
    this.#client = client
    this.#worker = worker
    this.#every = every
    this.#gone = gone
  }

  start(): void {
    if (this.#running) return
    this.#running = true
    this.#say()
  }

  /** Whether it was said until now. */
  stop(): boolean {
    const said = this.#running
    this.#running = false
    clearTimeout(this.#timer)
    return said
  }

  async #say(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    try {
      for (const worker of await this.#client.present(this.#worker, this.#every)) this.#gone(worker)
    } catch {
      // Claims tell what is wrong with Redis; and others are told of whoever is gone.
    }
    if (this.#running) this.#timer ??= setTimeout(() => this.#say(), this.#every)
  }
}
