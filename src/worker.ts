import { randomUUID } from 'node:crypto'
import { captureRejectionSymbol, EventEmitter } from 'node:events'
import type { Batch } from './batch.ts'
import type { Connection } from './connection.ts'
import { type Handler, type Outcome, Processor, type ProcessorOptions } from './processor.ts'
import type { RapidFire } from './rapidfire.ts'

/** A command that Redis has not answered for so long has failed, and the connection is made anew; ms. */
export const STALL = 5000

/** Longest rest of an idle worker, ms: what a lost wake-up costs at most. */
const REST = 1000

/** How often a worker tests that wake-ups reach it, and how long it waits for the echo; ms. */
const ECHO_EVERY = 10_000
const ECHO_WITHIN = 3000

/** Pause after a claim that failed: doubles from the first to the second, ms. */
const PAUSES = [100, 2000] as const

/** What a worker needs of its client. */
type Client<T> = Pick<RapidFire<T>, 'queue' | 'claimReady' | 'complete' | 'fail' | 'extend' | 'close'>

export interface WorkerOptions extends ProcessorOptions {}

/** Events of a worker, with their arguments. */
export interface WorkerEvents<T> {
  /** Redis has answered for the first time. */
  ready: []
  /** A batch was handled. */
  completed: [batch: Batch<T>]
  /** A handler failed; the batch comes again. */
  failed: [batch: Batch<T>, error: unknown]
  /** A batch failed for the last time, and is kept for a person to look at. */
  dead: [batch: Batch<T>, error: unknown]
  /** The lease ran out before the handler was done: the batch belongs to another claim, and what this one did no longer counts. */
  lost: [batch: Batch<T>]
  /** Redis cannot be reached, does not answer, or refuses; the worker goes on trying. */
  error: [error: Error]
  /** Of a forwarder: so many batches were moved into the stream. */
  forwarded: [batches: number]
  /** Nothing is due and nothing runs, after something did. */
  drained: []
}

/**
 * Handles the batches of a queue when they are due. It claims only for free slots, keeps leases, sleeps until the next deadline, and is
 * woken early when a batch becomes ready before. Made by `rapidfire.worker(handler, options)`.
 */
export class Worker<T = unknown> extends EventEmitter<WorkerEvents<T>> implements AsyncDisposable {
  /** Its name among the workers of the queue. */
  readonly id = randomUUID()
  readonly #rapidfire: Client<T>
  readonly #commands: Connection
  readonly #subscriber: Connection
  readonly #processor: Processor<T>
  #state: 'new' | 'running' | 'paused' | 'closed' = 'new'
  #closing: Promise<void> | undefined
  #whenClosed: () => void = () => {}
  #run: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined
  #immediate: NodeJS.Immediate | undefined
  /** Claims that have failed since the last one that was answered. */
  #failures = 0
  #answered = false
  /** Whether the last heartbeat of the leases was answered. */
  #leasesKept = true
  /** Redis time minus local time, ms. */
  #skew = Number.NEGATIVE_INFINITY
  /** The earliest wake-up that has come since the last claim, Redis time. */
  #early = Number.POSITIVE_INFINITY
  #resting = false
  /** Whether a batch was handled since the last `drained`. */
  #worked = false
  #echoAsked = 0
  #echoHeard = true

  /** @internal */
  constructor(rapidfire: Client<T>, commands: Connection, subscriber: Connection, handler: Handler<T>, options: WorkerOptions) {
    super({ captureRejections: true })
    this.#rapidfire = rapidfire
    this.#commands = commands
    this.#subscriber = subscriber
    this.#processor = new Processor(rapidfire, handler, options, {
      settled: (outcome, batch, error) => this.#settled(outcome, batch, error),
      claimed: (now, next, resting, asked) => this.#claimed(now, next, resting, asked),
      failed: (error, what) => this.#failed(error, what),
      extended: (error) => {
        this.#leasesKept = error === undefined
        if (error) this.#failed(error, 'lease')
      },
      worker: () => this.#introduce(),
    })
  }

  /** Starts claiming; resolves when the worker has been closed. Calling it again returns the same promise. */
  run(): Promise<void> {
    this.#run ??= new Promise((resolve) => {
      this.#whenClosed = resolve
      if (this.#state === 'closed') resolve()
      if (this.#state !== 'new') return
      this.#state = 'running'
      this.#forgetEcho()
      this.#subscriber.subscribe(
        `rapid-fire:{${this.#rapidfire.queue}}:wake`,
        (message) => this.#heard(message),
        (error) => this.#state !== 'closed' && this.#report(error),
      )
      this.#look()
    })
    return this.#run
  }

  /** Claims no more until `resume`; what runs goes on. */
  pause(): void {
    if (this.#state !== 'running') return
    this.#state = 'paused'
    this.#rest()
    this.#processor.rest()
  }

  /** Claims again after `pause`. */
  resume(): void {
    if (this.#state !== 'paused') return
    this.#state = 'running'
    this.#look()
  }

  /** Whether it runs, or pauses, and Redis has answered its last claim and kept its leases. */
  isHealthy(): boolean {
    const runs = this.#state === 'running' || this.#state === 'paused'
    return runs && this.#answered && this.#failures === 0 && this.#leasesKept
  }

  /** Handlers that run now. */
  get running(): number {
    return this.#processor.running
  }

  /**
   * Claims no more, waits for the handlers that run, and closes the connections. Calling it again may shorten the wait.
   *
   * @param options.timeout how long to wait, ms; then what still runs is given back, at once claimable by others, and its handlers'
   *   signals abort. By default it waits for ever.
   */
  close(options: { timeout?: number } = {}): Promise<void> {
    this.#state = 'closed'
    this.#rest()
    const timer = options.timeout === undefined ? undefined : setTimeout(() => this.#processor.release(), options.timeout)
    this.#closing ??= (async () => {
      await this.#processor.stop()
      await Promise.all([this.#rapidfire.close(), this.#subscriber.close()])
      this.#whenClosed()
    })()
    return this.#closing.finally(() => clearTimeout(timer))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #look(): void {
    this.#rest()
    if (this.#state !== 'running') return
    this.#resting = false
    this.#early = Number.POSITIVE_INFINITY
    this.#processor.wake()
  }

  #rest(): void {
    clearTimeout(this.#timer)
    clearImmediate(this.#immediate)
  }

  /** Looks in `ms`, at most a second from now. */
  #lookIn(ms: number): void {
    this.#rest()
    if (this.#state !== 'running') return
    const rest = Math.min(Math.max(ms, 0), REST)
    const at = performance.now() + rest
    // Timers count whole ms and may fire one early: the rest of it is waited out with the event loop turning.
    const arrive = () => {
      if (performance.now() >= at) this.#look()
      else this.#immediate = setImmediate(arrive)
    }
    this.#timer = setTimeout(arrive, Math.trunc(rest))
  }

  /** Looks at a Redis time, ms. */
  #lookAt(time: number): void {
    this.#lookIn(time - this.#skew - performance.now())
  }

  #claimed(now: number, next: number, resting: boolean, asked: number): void {
    this.#failures = 0
    if (!this.#answered) {
      this.#answered = true
      this.#tell(() => this.emit('ready'))
    }
    this.#leasesKept = true
    this.#skew = compareClocks(this.#skew, now, asked, performance.now())
    this.#resting = resting
    if (!resting) return
    this.#lookAt(Math.min(next === 0 ? now + REST : next, this.#early))
    if (!this.#worked || !this.#processor.idle) return
    this.#worked = false
    this.#tell(() => this.emit('drained'))
  }

  #settled(outcome: Outcome, batch: Batch<T>, error: unknown): void {
    this.#worked = true
    if (outcome === 'completed' || outcome === 'lost') this.#tell(() => this.emit(outcome, batch))
    else this.#tell(() => this.emit(outcome === 'dead' ? 'dead' : 'failed', batch, error))
    // What has arrived behind the last batch may be due already: only a claim can tell.
    if (this.#resting && this.#processor.idle && this.listenerCount('drained') > 0) this.#look()
  }

  #failed(error: unknown, what: 'claim' | 'end' | 'lease'): void {
    this.#report(error)
    // Redis may be stopped, or the connection dead without a word: neither would say so by itself.
    if (/timed out/.test(String((error as Error).cause))) {
      this.#commands.reconnect()
      this.#subscriber.reconnect()
    }
    if (what !== 'claim') return
    this.#failures += 1
    this.#forgetEcho()
    const [first, longest] = PAUSES
    this.#lookIn(Math.min(first * 2 ** (this.#failures - 1), longest))
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

  /** What an asynchronous listener rejects with. */
  override [captureRejectionSymbol](error: Error, ..._: unknown[]): void {
    this.#report(error)
  }

  #heard(message: string): void {
    const [worker, when] = message.split(' ')
    if (worker !== this.id && worker !== '*') return
    if (when === 'echo') {
      this.#echoHeard = true
      return
    }
    const at = Number(when)
    this.#early = Math.min(this.#early, at)
    if (this.#resting) this.#lookAt(at)
  }

  /** What a claim says of this worker. Now and then it asks for an echo: a subscription may be dead without a word. */
  #introduce(): { worker: string; echo: boolean } {
    if (!this.#echoHeard && performance.now() - this.#echoAsked > ECHO_WITHIN) {
      this.#report(new Error('wake-ups do not arrive: the subscription is made anew'))
      this.#subscriber.reconnect()
      this.#forgetEcho()
    }
    const echo = performance.now() - this.#echoAsked > ECHO_EVERY
    if (echo) {
      this.#echoAsked = performance.now()
      this.#echoHeard = false
    }
    return { worker: this.id, echo }
  }

  /** One that was asked for may not come: the claim has failed, or the subscription is being made. */
  #forgetEcho(): void {
    this.#echoHeard = true
    this.#echoAsked = performance.now()
  }
}

/**
 * How far Redis time is ahead of `performance.now`, ms, after an answer that was asked for at `asked`, came at `answered`, and bears the Redis
 * time `now`, in whole ms, cut off. The earlier figure stands as long as it fits: an answer that was read late tells little.
 */
export function compareClocks(earlier: number, now: number, asked: number, answered: number): number {
  return Math.max(now - answered, Math.min(earlier, now + 1 - asked))
}
