import { randomUUID } from 'node:crypto'
import { captureRejectionSymbol, EventEmitter } from 'node:events'
import type { Batch } from '../batches/batch.ts'
import type { Run, WorkerEvents } from '../events.ts'
import type { Connection } from '../redis/connection.ts'
import type { WorkerClient } from './client.ts'
import type { Handler, Outcome, ProcessorOptions } from './handler.ts'
import { Loop } from './loop.ts'

export interface WorkerOptions extends ProcessorOptions {}

/**
 * Handles the batches of a queue when they are due. It claims only for free slots, keeps leases, sleeps until the next deadline, and is
 * woken early when a batch becomes ready before. Made by `rapidfire.worker(handler, options)`.
 */
export class Worker<T = unknown> extends EventEmitter<WorkerEvents<T>> implements AsyncDisposable {
  /** Its name among the workers of the queue. */
  readonly id = randomUUID()
  readonly #client: WorkerClient<T>
  readonly #connections: { commands: Connection; subscriber: Connection }
  readonly #loop: Loop<T>
  #state: 'new' | 'running' | 'paused' | 'closed' = 'new'
  #run: Promise<void> | undefined
  #closing: Promise<void> | undefined
  #whenClosed: () => void = () => {}

  /** @internal */
  constructor(client: WorkerClient<T>, commands: Connection, subscriber: Connection, handler: Handler<T>, options: WorkerOptions) {
    super({ captureRejections: true })
    this.#client = client
    this.#connections = { commands, subscriber }
    this.#loop = new Loop(this.id, client, this.#connections, handler, options, {
      ready: () => this.#tell(() => this.emit('ready')),
      ended: (...told) => this.#tell(() => this.#emitEnd(...told)),
      died: (...told) => this.#tell(() => this.emit('dead', ...told)),
      idle: () => this.#tell(() => this.emit('idle')),
      isIdleWanted: () => this.listenerCount('idle') > 0,
      failed: (error) => this.#report(error),
    })
  }

  /** Starts claiming; resolves when the worker has been closed. Calling it again returns the same promise. */
  run(): Promise<void> {
    this.#run ??= new Promise((resolve) => {
      this.#whenClosed = resolve
      if (this.#state === 'closed') resolve()
      if (this.#state !== 'new') return
      this.#state = 'running'
      this.#loop.start()
    })
    return this.#run
  }

  /** Claims no more until `resume`; what runs goes on. */
  pause(): void {
    if (this.#state !== 'running') return
    this.#state = 'paused'
    this.#loop.pause()
  }

  /** Claims again after `pause`. */
  resume(): void {
    if (this.#state !== 'paused') return
    this.#state = 'running'
    this.#loop.resume()
  }

  /** Whether it runs, or pauses, and Redis has answered its last claim and kept its leases. */
  isHealthy(): boolean {
    return (this.#state === 'running' || this.#state === 'paused') && this.#loop.isHealthy()
  }

  /** Handlers that run now. */
  get running(): number {
    return this.#loop.processor.running
  }

  /**
   * Claims no more, waits for the handlers that run, and closes the connections. Calling it again may shorten the wait.
   *
   * @param options.timeout how long to wait, ms; then what still runs is given back, at once claimable by others, and its handlers'
   *   signals abort. By default it waits for ever.
   */
  close(options: { timeout?: number } = {}): Promise<void> {
    this.#state = 'closed'
    this.#closing ??= this.#closeAll()
    if (options.timeout === undefined) return this.#closing
    let timer = setTimeout(() => {
      this.#loop.processor.giveUp()
      // A Redis that does not answer is not waited for: what it is not told has its lease, and comes again.
      timer = setTimeout(() => this.#connections.commands.close(), this.#loop.processor.settings.timing.stall)
    }, options.timeout)
    return this.#closing.finally(() => clearTimeout(timer))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /** @internal A claim of a forwarder has moved so many batches, and so many more fit into the stream. */
  forwarded(root: string, batches: number, room: number): void {
    this.#loop.forwarded(root, batches, room)
    if (batches > 0) this.#tell(() => this.emit('forwarded', batches))
  }

  /** What an asynchronous listener rejects with. */
  override [captureRejectionSymbol](error: Error, ..._: unknown[]): void {
    this.#report(error)
  }

  async #closeAll(): Promise<void> {
    await this.#loop.stop()
    await Promise.all([this.#client.close(), this.#connections.subscriber.close()])
    this.#whenClosed()
  }

  #emitEnd(outcome: Outcome, batch: Batch<T>, error: unknown, run: Run): void {
    if (outcome === 'retry') this.emit('failed', batch, error, run)
    else if (outcome === 'dead') this.emit('dead', batch, error, run)
    else this.emit(outcome, batch, run)
  }

  /** Emits an event; what a listener throws is an `error` of its own, and does not disturb the work. */
  #tell(emit: () => void): void {
    try {
      emit()
    } catch (error) {
      this.#report(error)
    }
  }

  #report(error: unknown): void {
    const known = error instanceof Error ? error : new Error(String(error))
    try {
      // An `error` event without a listener would end the process.
      if (this.listenerCount('error') > 0) this.emit('error', known)
      else process.emitWarning(known)
    } catch (thrown) {
      process.emitWarning(thrown as Error)
    }
  }
}
