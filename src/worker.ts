import { randomUUID } from 'node:crypto'
import { captureRejectionSymbol, EventEmitter } from 'node:events'
import type { Batch } from './batch.ts'
import type { Connection } from './connection.ts'
import { RapidfireError } from './errors.ts'
import type { Handler, Outcome, ProcessorOptions } from './handler.ts'
import { Lane } from './lane.ts'
import { rootKey } from './layout.ts'
import type { Watching } from './options.ts'
import { Processor, type Source } from './processor.ts'

/** A command that Redis has not answered for so long has failed, and the connection is made anew; ms. */
export const STALL = 5000

/** An idle worker looks once in so many ms, ms: at its partitions in turn. That is what a lost wake-up costs at most, times their number. */
const REST = 1000

/** How often a worker looks whether a step of a change of partitions was lost, or is still to be taken, ms. */
const MAINTAIN_EVERY = 60_000

/** How long after a connection was made anew it looks as well, at most, ms: not all workers at once. */
const RECONNECTED = 1000

/** How often a worker tests that wake-ups reach it, and how long it waits for the echo; ms. */
const ECHO_EVERY = 10_000
const ECHO_WITHIN = 3000

/** Pause after a claim that failed: doubles from the first to the second, ms. */
const PAUSES = [100, 2000] as const

/** What a worker needs of its client. */
export interface WorkerClient<T> extends Source<T> {
  readonly queue: string
  /** Roots that serve, and those that are being drained; `refused` is one that would not. */
  roots(refused?: string): Promise<{ serving: string[]; draining: string[] }>
  /** Restores roots that have lost a step of a change of partitions, forgets those that are drained, and tells which are to be claimed from. */
  maintain(): Promise<{ serving: string[]; draining: string[] }>
  close(): Promise<void>
}

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
  readonly #rapidfire: WorkerClient<T>
  readonly #commands: Connection
  readonly #subscriber: Connection
  readonly #processor: Processor<T>
  #state: 'new' | 'running' | 'paused' | 'closed' = 'new'
  #closing: Promise<void> | undefined
  #whenClosed: () => void = () => {}
  #run: Promise<void> | undefined
  /** By root. The root of the queue tells by its first answer whether there are partitions. */
  #lanes = new Map<string, Lane>()
  #dividing: Promise<void> | undefined
  #maintainTimer: NodeJS.Timeout | undefined
  #answered = false
  #subscribed = false
  /** Whether the last heartbeat of the leases was answered. */
  #leasesKept = true
  /** Whether a batch was handled since the last `drained`. */
  #worked = false
  #echoAsked = 0
  #echoHeard = true

  /** @internal */
  constructor(rapidfire: WorkerClient<T>, commands: Connection, subscriber: Connection, handler: Handler<T>, options: WorkerOptions) {
    super({ captureRejections: true })
    this.#rapidfire = rapidfire
    this.#commands = commands
    this.#subscriber = subscriber
    this.#processor = new Processor(rapidfire, handler, options, {
      settled: (outcome, batch, error) => this.#settled(outcome, batch, error),
      claimed: (lane, now, next, asked) => this.#claimed(lane, now, next, asked),
      failed: (error, lane) => this.#failed(error, lane),
      extended: (error) => {
        this.#leasesKept = error === undefined
        if (error) this.#failed(error)
      },
      watching: () => this.#introduce(),
    })
    this.#serve({ serving: [rootKey(rapidfire.queue)], draining: [] })
  }

  /** Starts claiming; resolves when the worker has been closed. Calling it again returns the same promise. */
  run(): Promise<void> {
    this.#run ??= new Promise((resolve) => {
      this.#whenClosed = resolve
      if (this.#state === 'closed') resolve()
      if (this.#state !== 'new') return
      this.#state = 'running'
      this.#forgetEcho()
      this.#subscriber.subscribe(() => [...this.#lanes.keys()].map((root) => `${root}:wake`), {
        message: (channel, message) => this.#heard(channel.slice(0, -':wake'.length), message),
        // Wake-ups may have been sent since the last look, and before anybody listened.
        subscribed: () => {
          if (this.#state !== 'running') return
          this.#lookAll()
          // The connection was made anew: servers may have been replaced by others that have not heard of the last change.
          if (this.#subscribed) this.#maintainIn(Math.random() * RECONNECTED)
          this.#subscribed = true
        },
        failed: (error) => this.#state !== 'closed' && this.#report(error),
      })
      this.#lookAll()
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
    this.#lookAll()
    this.#maintainIn(MAINTAIN_EVERY)
  }

  /** Whether it runs, or pauses, and Redis has answered its last claim and kept its leases. */
  isHealthy(): boolean {
    const runs = this.#state === 'running' || this.#state === 'paused'
    return runs && this.#answered && this.#leasesKept && this.#every((lane) => lane.failures === 0)
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

  #every(holds: (lane: Lane) => boolean): boolean {
    return [...this.#lanes.values()].every(holds)
  }

  #rest(): void {
    clearTimeout(this.#maintainTimer)
    for (const lane of this.#lanes.values()) lane.rest()
  }

  #lookAll(): void {
    for (const lane of this.#lanes.values()) lane.lookIn(0)
  }

  #look(lane: Lane): void {
    if (this.#state === 'running') this.#processor.wake(lane)
  }

  /** How long a lane rests at most, ms: all together look once in `REST`. */
  get #longest(): number {
    return REST * this.#lanes.size
  }

  #claimed(lane: Lane, now: number, next: number, asked: number): void {
    lane.failures = 0
    if (!this.#answered) {
      this.#answered = true
      this.#maintainIn(0)
      this.#tell(() => this.emit('ready'))
    }
    this.#leasesKept = true
    lane.compareClocks(now, asked, performance.now())
    if (lane.awake || this.#state !== 'running') return
    if (lane.draining && next === 0) {
      // Nothing comes there any more.
      lane.lookIn(this.#longest)
      return
    }
    // With nothing due before, it answers that the longest rest has come to its end.
    lane.lookAt(next === 0 || next >= now + this.#longest ? Number.POSITIVE_INFINITY : next, this.#longest)
    if (!this.#worked || !this.#processor.idle || !this.#every(({ awake }) => !awake)) return
    this.#worked = false
    this.#tell(() => this.emit('drained'))
  }

  /** Claims from these roots from now on. */
  #serve({ serving, draining }: { serving: string[]; draining: string[] }): void {
    const isServed = (root: string, drains: boolean) => this.#lanes.get(root)?.draining === drains
    const same = serving.every((root) => isServed(root, false)) && draining.every((root) => isServed(root, true))
    if (same && this.#lanes.size === serving.length + draining.length) return
    const lanes = [...draining.map((root) => [root, true] as const), ...serving.map((root) => [root, false] as const)].map(
      ([root, drains]) => {
        const known = this.#lanes.get(root)
        return known?.draining === drains ? known : new Lane(root, drains, () => this.#look(lane(root)))
      },
    )
    const lane = (root: string) => this.#lanes.get(root) as Lane
    const before = this.#lanes
    this.#lanes = new Map(lanes.map((each) => [each.root, each]))
    for (const [root, each] of before) if (this.#lanes.get(root) !== each) each.rest()
    this.#processor.lanes = lanes
    this.#subscriber.resubscribe()
    if (this.#state === 'running') for (const each of lanes) if (before.get(each.root) !== each) each.lookIn(0)
  }

  /** Asks which roots serve, when one has refused to. */
  #divide(refused?: string): Promise<void> {
    this.#dividing ??= this.#rapidfire
      .roots(refused)
      .then((roots) => this.#serve(roots))
      .finally(() => (this.#dividing = undefined))
    return this.#dividing
  }

  #maintainIn(ms: number): void {
    clearTimeout(this.#maintainTimer)
    if (this.#state !== 'running') return
    this.#maintainTimer = setTimeout(() => {
      this.#rapidfire
        .maintain()
        .then((roots) => this.#serve(roots))
        .catch((error) => this.#state === 'running' && this.#report(error))
        .finally(() => this.#maintainIn(MAINTAIN_EVERY))
    }, ms)
  }

  #settled(outcome: Outcome, batch: Batch<T>, error: unknown): void {
    this.#worked = true
    if (outcome === 'completed' || outcome === 'lost') this.#tell(() => this.emit(outcome, batch))
    else this.#tell(() => this.emit(outcome === 'dead' ? 'dead' : 'failed', batch, error))
    // What has arrived behind the last batch may be due already: only a claim can tell.
    if (this.#processor.idle && this.listenerCount('drained') > 0 && this.#every(({ awake }) => !awake)) this.#lookAll()
  }

  #failed(error: unknown, lane?: Lane): void {
    // The root serves no more, or never did: there is nothing wrong with that, unless it is still one of those that should.
    if (lane && error instanceof RapidfireError && error.code === 'REPARTITIONED' && lane.failures === 0) {
      this.#divide(lane.root)
        .then(() => this.#lanes.get(lane.root) === lane && this.#again(lane))
        .catch((problem) => this.#failed(problem, lane))
      return
    }
    this.#report(error)
    // Redis may be stopped, or the connection dead without a word: neither would say so by itself.
    if (/timed out/.test(String((error as Error).cause))) {
      this.#commands.reconnect()
      this.#subscriber.reconnect()
    }
    if (lane) this.#again(lane)
  }

  /** Looks again after a pause. */
  #again(lane: Lane): void {
    lane.failures += 1
    this.#forgetEcho()
    const [first, longest] = PAUSES
    if (this.#state === 'running') lane.lookIn(Math.min(first * 2 ** (lane.failures - 1), longest))
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

  #heard(root: string, message: string): void {
    const [worker, when] = message.split(' ')
    if (worker !== this.id && worker !== '*') return
    if (when === 'echo') {
      this.#echoHeard = true
      return
    }
    if (this.#state === 'running') this.#lanes.get(root)?.heard(Number(when), this.#longest)
  }

  /** What a claim says of this worker. Now and then it asks for an echo: a subscription may be dead without a word. */
  #introduce(): Watching {
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
    return { worker: this.id, echo, rest: this.#longest }
  }

  /** One that was asked for may not come: the claim has failed, or the subscription is being made. */
  #forgetEcho(): void {
    this.#echoHeard = true
    this.#echoAsked = performance.now()
  }
}
