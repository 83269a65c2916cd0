import { randomUUID } from 'node:crypto'
import { captureRejectionSymbol, EventEmitter } from 'node:events'
import type { Batch } from '../batches/batch.ts'
import { RapidfireError } from '../errors.ts'
import { rootKey } from '../partitions/roots.ts'
import type { Watching } from '../protocol/arguments.ts'
import type { Connection } from '../redis/connection.ts'
import type { WorkerClient } from './client.ts'
import type { Handler, Outcome, ProcessorOptions } from './handler.ts'
import { Lane } from './lane.ts'
import { Processor } from './processor.ts'
import { TIMING, type Timing } from './timing.ts'

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
  /**
   * The lease ran out before the handler was done, or before its end could be told to Redis: the batch is handed out again, and what this
   * attempt did no longer counts.
   */
  lost: [batch: Batch<T>]
  /** The worker closed before the handler was done: the batch was given back, at once for others, and no attempt is used up. */
  released: [batch: Batch<T>]
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
  readonly #timing: Timing
  #state: 'new' | 'running' | 'paused' | 'closed' = 'new'
  #closing: Promise<void> | undefined
  #whenClosed: () => void = () => {}
  #run: Promise<void> | undefined
  /** By root. The root of the queue tells by its first answer whether there are partitions. */
  #lanes = new Map<string, Lane>()
  /** Roots that have refused to serve, for which the layout is being asked. */
  readonly #dividing = new Map<string | undefined, Promise<void>>()
  #maintainTimer: NodeJS.Timeout | undefined
  #subscribed = false
  /** When Redis has answered a claim last, by `performance.now`. */
  #answered: number | undefined
  /** Roots whose last heartbeat was not answered. */
  readonly #unkept = new Set<string>()
  /** Whether a batch was handled since the last `drained`. */
  #worked = false
  /** When an echo was asked for, or is taken to have been, and of which root. */
  #echoAsked = 0
  #echoRoot: string | undefined
  #echoHeard = true
  #echoTimer: NodeJS.Timeout | undefined

  /** @internal */
  constructor(rapidfire: WorkerClient<T>, commands: Connection, subscriber: Connection, handler: Handler<T>, options: WorkerOptions) {
    super({ captureRejections: true })
    this.#rapidfire = rapidfire
    this.#commands = commands
    this.#subscriber = subscriber
    this.#timing = { ...TIMING, ...options.timing }
    this.#processor = new Processor(rapidfire, handler, options, {
      settled: (outcome, batch, error) => this.#settled(outcome, batch, error),
      claimed: (lane, now, next) => this.#claimed(lane, now, next),
      // Its server may be the one that the subscription is of.
      silent: () => this.#echoHeard && this.#hastenEcho(),
      refused: (lane, error) => this.#refused(lane, error),
      failed: (error, root) => this.#failed(error, root),
      extended: (root, error) => {
        if (error) this.#unkept.add(root)
        else this.#unkept.delete(root)
        if (error) this.#failed(error, root)
      },
      watching: (lane) => this.#introduce(lane),
    })
    // It may lead to a server that does not know of our claims.
    commands.onReady(() => this.#processor.beat())
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
          this.#forgetEcho(0)
          if (this.#state !== 'running') return
          this.#lookAll()
          // The connection was made anew: servers may have been replaced by others that have not heard of the last change.
          if (this.#subscribed) this.#maintainIn(Math.random() * this.#timing.reconnected)
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
    this.#maintainIn(this.#timing.maintainEvery)
  }

  /** Whether it runs, or pauses, and Redis has answered its last claim and kept its leases. */
  isHealthy(): boolean {
    const runs = this.#state === 'running' || this.#state === 'paused'
    return runs && this.#answered !== undefined && this.#unkept.size === 0 && this.#every((lane) => lane.failures === 0)
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
    let timer: NodeJS.Timeout | undefined
    const giveUp = () => {
      this.#processor.release()
      // A Redis that does not answer is not waited for: what it is not told has its lease, and comes again.
      timer = setTimeout(() => this.#commands.close(), this.#timing.stall)
    }
    if (options.timeout !== undefined) timer = setTimeout(giveUp, options.timeout)
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

  /** @internal A claim of a forwarder has moved so many batches, and so many more fit into the stream. */
  forwarded(root: string, batches: number, room: number): void {
    const lane = this.#lanes.get(root)
    if (lane) lane.blocked = room === 0
    if (batches === 0) return
    this.#worked = true
    this.#tell(() => this.emit('forwarded', batches))
  }

  #every(holds: (lane: Lane) => boolean): boolean {
    return [...this.#lanes.values()].every(holds)
  }

  #rest(): void {
    clearTimeout(this.#maintainTimer)
    this.#forgetEcho()
    for (const lane of this.#lanes.values()) lane.rest()
  }

  #lookAll(): void {
    for (const lane of this.#lanes.values()) lane.lookIn(0)
  }

  #look(lane: Lane): void {
    if (this.#state === 'running') this.#processor.wake(lane)
  }

  /** How long a lane rests at most, ms: all together look once in `rest`. */
  get #longest(): number {
    return this.#timing.rest * this.#lanes.size
  }

  /** Whether the lane has not been replaced while it was asked. */
  #isCurrent(lane: Lane): boolean {
    return this.#lanes.get(lane.root) === lane
  }

  #claimed(lane: Lane, now: number, next: number): void {
    lane.failures = 0
    lane.refusals = 0
    const first = this.#answered === undefined
    this.#answered = performance.now()
    if (first) this.#maintainIn(0)
    if (first) this.#tell(() => this.emit('ready'))
    this.#unkept.delete(lane.root)
    if (lane.awake || this.#state !== 'running' || !this.#isCurrent(lane)) return
    if (lane.draining && next === 0) {
      // Nothing comes there any more.
      lane.lookIn(this.#longest)
      return
    }
    // With nothing due before, it answers that the longest rest has come to its end.
    // Not all at once: else the one that a silent server is noticed by may come late.
    const rest = this.#lanes.size === 1 ? this.#longest : this.#longest * (0.5 + Math.random() / 2)
    lane.lookAt(next === 0 || next >= now + this.#longest ? Number.POSITIVE_INFINITY : next, rest)
    if (!this.#worked || !this.#processor.idle || !this.#every(({ awake, blocked }) => !awake && !blocked)) return
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
    for (const root of this.#unkept) if (!this.#lanes.has(root)) this.#unkept.delete(root)
    this.#processor.lanes = lanes
    this.#subscriber.resubscribe()
    if (this.#state === 'running') for (const each of lanes) if (before.get(each.root) !== each) each.lookIn(0)
  }

  /** Asks which roots serve, when one has refused to. */
  #divide(refused?: string): Promise<void> {
    const known = this.#dividing.get(refused)
    if (known) return known
    const dividing = this.#rapidfire
      .roots(refused)
      .then((roots) => this.#serve(roots))
      .finally(() => this.#dividing.delete(refused))
    this.#dividing.set(refused, dividing)
    return dividing
  }

  #maintainIn(ms: number): void {
    clearTimeout(this.#maintainTimer)
    if (this.#state !== 'running') return
    this.#maintainTimer = setTimeout(() => {
      this.#rapidfire
        .maintain()
        .then((roots) => this.#serve(roots))
        .catch((error) => this.#state === 'running' && this.#report(error))
        .finally(() => this.#maintainIn(this.#timing.maintainEvery))
    }, ms)
  }

  #settled(outcome: Outcome, batch: Batch<T>, error: unknown): void {
    this.#worked = true
    if (outcome === 'completed' || outcome === 'lost' || outcome === 'released') this.#tell(() => this.emit(outcome, batch))
    else this.#tell(() => this.emit(outcome === 'dead' ? 'dead' : 'failed', batch, error))
    // What has arrived behind the last batch may be due already: only a claim can tell.
    if (this.#processor.idle && this.listenerCount('drained') > 0 && this.#every(({ awake }) => !awake)) this.#lookAll()
  }

  /** A claim has failed. */
  #refused(lane: Lane, error: unknown): void {
    if (error instanceof RapidfireError && error.code === 'REPARTITIONED') {
      // The root serves no more, or never did: there is nothing wrong with that, unless it goes on being one of those that should. While the
      // partitions change it may be for a moment.
      lane.refusals += 1
      if (lane.refusals > 3) this.#report(error)
      this.#divide(lane.root).then(
        () => this.#again(lane),
        (problem) => {
          this.#failed(problem, rootKey(this.#rapidfire.queue))
          this.#again(lane)
        },
      )
      return
    }
    lane.refusals = 0
    this.#failed(error, lane.root)
    this.#again(lane)
  }

  /** A root has not done what it was asked for. */
  #failed(error: unknown, root: string): void {
    this.#report(error)
    // Redis may be stopped, or the connection dead without a word: neither would say so by itself.
    if (!/timed out/.test(String((error as Error).cause))) return
    this.#commands.reconnect(root)
    // While other roots answer, echoes tell whether the subscription is alive.
    if (performance.now() - (this.#answered ?? 0) >= this.#timing.stall) this.#subscriber.reconnect()
  }

  /** Looks again after a pause. */
  #again(lane: Lane): void {
    lane.failures += 1
    // Its echo may not come, but that of another root will.
    if (lane.root === this.#echoRoot) this.#forgetEcho(this.#timing.echoWithin)
    const [first, longest] = this.#timing.pauses
    if (this.#state === 'running' && this.#isCurrent(lane)) lane.lookIn(Math.min(first * 2 ** (lane.failures - 1), longest))
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
  #introduce(lane: Lane): Watching {
    const now = performance.now()
    const echo = this.#echoHeard && !lane.silent && !lane.draining && now - this.#echoAsked >= this.#timing.echoEvery
    if (echo) {
      this.#echoAsked = now
      this.#echoRoot = lane.root
      this.#echoHeard = false
      this.#expectEcho()
    }
    return { worker: this.id, echo, rest: this.#longest }
  }

  #expectEcho(): void {
    clearTimeout(this.#echoTimer)
    // While a server is silent that may be the one of the subscription, there is less patience.
    const { echoWithin } = this.#timing
    const ms = this.#every(({ silent }) => !silent) ? echoWithin : echoWithin / 3
    // What has arrived while the event loop was blocked is read before.
    this.#echoTimer = setTimeout(() => setImmediate(() => this.#echoHeard || this.#missEcho()), ms)
  }

  #missEcho(): void {
    if (this.#state !== 'running') return
    if (this.#lanes.get(this.#echoRoot as string)?.silent) {
      // It was not even asked for.
      this.#hastenEcho()
      return
    }
    // Once: after that it is tried again until there is one.
    if (this.#echoRoot !== undefined) this.#report(new Error('wake-ups do not arrive: the subscription is made anew'))
    this.#subscriber.reconnect()
    this.#echoRoot = undefined
    this.#expectEcho()
  }

  /** One that was asked for may not come: the claim has failed, or the subscription is being made. The next one is asked for in `ms`. */
  #forgetEcho(ms = this.#timing.echoEvery): void {
    clearTimeout(this.#echoTimer)
    this.#echoHeard = true
    this.#echoRoot = undefined
    this.#echoAsked = performance.now() + ms - this.#timing.echoEvery
  }

  /** Asks for an echo as soon as there is a lane to ask it of. */
  #hastenEcho(): void {
    this.#forgetEcho(0)
    const free = [...this.#lanes.values()].filter(({ silent, draining, claims }) => !silent && !draining && claims === 0)
    // That whose server has been heard last.
    const lane = free.sort((a, b) => b.answered - a.answered)[0]
    if (lane) this.#look(lane)
  }
}
