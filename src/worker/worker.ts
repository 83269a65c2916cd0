import { captureRejectionSymbol, EventEmitter } from 'node:events'
import type { Batch } from '../batches/batch.ts'
import type { Run, WorkerEvents } from '../events.ts'
import { checkNames, msOrForever } from '../given.ts'
import type { Connection } from '../redis/connection.ts'
import type { WorkerClient } from './client.ts'
import { textOf } from './endings.ts'
import type { Handler, Logger, Outcome, ProcessorOptions } from './handler.ts'
import type { Hub } from './hub.ts'
import { Loop } from './loop.ts'
import { WORKER_OPTIONS } from './settings.ts'

export interface WorkerOptions extends ProcessorOptions {}

/** Who counts the events of a worker; `about` is the last of what its listeners get. */
type Observer = (event: keyof WorkerEvents, about: Run | number | Error) => void

export const CLOSE_OPTIONS = { timeout: true } as const

/**
 * Handles the batches of a queue when they are due. It claims only for free slots, keeps leases, sleeps until the next deadline, and is
 * woken early when a batch becomes ready before. Made by `rapidfire.worker(handler, options)`.
 */
export class Worker<T = unknown> extends EventEmitter<WorkerEvents<T>> implements AsyncDisposable {
  /** Its name among the workers of the queue. */
  readonly id: string
  readonly #client: WorkerClient<T>
  readonly #commands: Connection
  readonly #hub: Hub
  readonly #loop: Loop<T>
  #state: 'new' | 'running' | 'paused' | 'closed' = 'new'
  #run: Promise<void> | undefined
  #closing: Promise<void> | undefined
  #whenClosed: () => void = () => {}
  readonly #hasLogger: boolean
  readonly #logger: Logger
  readonly #notRun: NodeJS.Timeout
  #hasWarned = false
  readonly #observers: Observer[] = []

  /** @internal */
  constructor(id: string, client: WorkerClient<T>, commands: Connection, hub: Hub, handler: Handler<T>, options: WorkerOptions) {
    super({ captureRejections: true })
    checkNames('worker', options, WORKER_OPTIONS)
    this.id = id
    this.#client = client
    this.#commands = commands
    this.#hub = hub
    this.#loop = new Loop(id, client, commands, hub, handler, options, {
      ready: () => this.#tell(() => this.emit('ready')),
      ended: (...told) => this.#tell(() => this.#emitEnd(...told)),
      died: (...told) => {
        this.#observed('dead', told[2])
        this.#tell(() => this.emit('dead', ...told))
      },
      idle: () => this.#tell(() => this.emit('idle')),
      isIdleWanted: () => this.listenerCount('idle') > 0,
      failed: (error) => this.#report(error),
    })
    const { logger, timing } = this.#loop.processor.settings
    this.#logger = logger
    this.#hasLogger = options.logger !== undefined
    this.#notRun = setTimeout(() => this.#warn('NOT_RUN', 'was made, and nobody runs it: call run(), or close()'), timing.runWithin)
  }

  /**
   * Starts claiming; resolves when the worker has been closed. Calling it again returns the same promise.
   *
   * @throws RapidfireError `CLOSED` when the client that has made it was closed before
   */
  run(): Promise<void> {
    clearTimeout(this.#notRun)
    this.#run ??= new Promise((resolve) => {
      this.#client.checkOpen()
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

  /** The name of its queue. */
  get queue(): string {
    return this.#client.queue
  }

  /** Handlers that may run at once. */
  get concurrency(): number {
    return this.#loop.processor.settings.concurrency
  }

  /** @internal Tells of its events besides its listeners: without one of these, failures are a warning, and who only counts is none. */
  observe(observer: Observer): void {
    this.#observers.push(observer)
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
   * Claims no more, waits for the handlers that run, and closes its connections, unless others of this process use them. Calling it again may shorten the wait.
   *
   * @param options.timeout how long to wait, ms, 0 to 2 147 483 647; then what still runs is given back, at once claimable by others, and its
   *   handlers' signals abort. By default, and with `Infinity`, it waits for ever.
   * @throws RapidfireError `BAD_OPTION`; then it goes on
   */
  async close(options: { timeout?: number } = {}): Promise<void> {
    checkNames('close', options, CLOSE_OPTIONS)
    const timeout = msOrForever('timeout', options.timeout)
    clearTimeout(this.#notRun)
    this.#state = 'closed'
    this.#closing ??= this.#closeAll()
    if (timeout === undefined) return this.#closing
    let timer = setTimeout(() => {
      this.#loop.processor.giveUp()
      // A Redis that does not answer is not waited for: what it is not told has its lease, and comes again.
      timer = setTimeout(() => this.#commands.end(), this.#loop.processor.settings.timing.stall)
    }, timeout)
    return this.#closing.finally(() => clearTimeout(timer))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /** @internal A claim of a forwarder has moved so many batches, and so many more fit into the stream. */
  forwarded(root: string, batches: number, room: number): void {
    this.#loop.forwarded(root, batches, room)
    if (batches === 0) return
    this.#observed('forwarded', batches)
    this.#tell(() => this.emit('forwarded', batches))
  }

  /** What an asynchronous listener rejects with. */
  override [captureRejectionSymbol](error: Error, ..._: unknown[]): void {
    this.#report(error)
  }

  async #closeAll(): Promise<void> {
    await this.#loop.stop()
    await this.#client.close()
    await this.#hub.ended
    this.#whenClosed()
  }

  #emitEnd(outcome: Outcome, batch: Batch<T>, error: unknown, run: Run): void {
    this.#observed(outcome === 'retry' ? 'failed' : outcome, run)
    if (outcome !== 'retry' && outcome !== 'dead') {
      this.emit(outcome, batch, run)
      return
    }
    const event = outcome === 'retry' ? 'failed' : 'dead'
    if (!this.emit(event, batch, error, run)) this.#tellFailure(event, batch, error)
  }

  /** Nobody listens to what a handler throws: it must not be tried again in silence until it is dead. */
  #tellFailure(event: 'failed' | 'dead', { id, attempt }: Batch<T>, error: unknown): void {
    if (this.#hasLogger) {
      this.#logger[event === 'failed' ? 'warn' : 'error']({ batch: id, attempt, error: textOf(error) }, event)
      return
    }
    if (this.#hasWarned) return
    this.#hasWarned = true
    const then = event === 'failed' ? 'the batch comes again' : 'the batch is dead'
    // What a handler throws may quote what somebody has written.
    const text = textOf(error).replace(/\p{Cc}/gu, ' ')
    this.#warn('HANDLER_FAILED', `has a handler that failed, and ${then}: ${text} (said once: listen to failed and dead, or give a logger)`)
  }

  #observed(...told: Parameters<Observer>): void {
    for (const observer of this.#observers) observer(...told)
  }

  #warn(code: string, text: string): void {
    process.emitWarning(`a worker of the queue '${this.#client.queue}' ${text}`, { type: 'RapidfireWarning', code })
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
    this.#observed('error', known)
    try {
      // An `error` event without a listener would end the process.
      if (this.listenerCount('error') > 0) this.emit('error', known)
      else process.emitWarning(known)
    } catch (thrown) {
      process.emitWarning(thrown as Error)
    }
  }
}
