import type { Batch } from '../batches/batch.ts'
import { RapidfireError } from '../errors.ts'
import type { Run } from '../events.ts'
import { type Roots, rootKey } from '../partitions/roots.ts'
import type { Connection } from '../redis/connection.ts'
import { LIMITS } from '../redis/generated/limits.ts'
import type { WorkerClient } from './client.ts'
import type { Handler, Outcome, ProcessorOptions } from './handler.ts'
import type { Hub, Member } from './hub.ts'
import type { Lane } from './lane.ts'
import { Lanes } from './lanes.ts'
import { Leaving } from './leaving.ts'
import { Processor } from './processor.ts'
import { ServedRoots } from './served-roots.ts'
import type { Timing } from './timing.ts'
import { WakeUps } from './wake-ups.ts'

/** What a loop reports. */
export interface LoopHooks<T> {
  /** Redis has answered for the first time. */
  ready(): void
  /** What became of a batch; `error` is what the handler threw. */
  ended(outcome: Outcome, batch: Batch<T>, error: unknown, run: Run): void
  /** See `ProcessorHooks`. */
  died(batch: Batch<T>, error: Error, run: Run): void
  /** Nothing is due and nothing runs, after something did. */
  idle(): void
  /** Whether anybody wants to know that. */
  isIdleWanted(): boolean
  failed(error: unknown): void
}

/** So often in a row a root may refuse to serve before that is said: while the partitions change it may be for a moment. */
const REFUSALS = 3

/**
 * When a worker looks at its lanes: when something becomes due there, when it is woken, in turn with the others of its process, and again after a
 * failure. What it finds is handled by its processor.
 */
export class Loop<T> {
  readonly processor: Processor<T>
  readonly #client: WorkerClient<T>
  readonly #commands: Connection
  readonly #hub: Hub
  readonly #member: Member
  readonly #hooks: LoopHooks<T>
  readonly #timing: Timing
  readonly #lanes: Lanes
  readonly #wakeUps: WakeUps
  readonly #roots: ServedRoots
  readonly #leaving: Leaving
  #running = false
  #closed = false
  /** Until wake-ups are heard, or it turns out that they may not be for a while: then it looks for the first time. */
  #first: NodeJS.Timeout | undefined
  /** Whether it has ever heard wake-ups, and whether it hears them now, as far as it knows. */
  #subscribed = false
  #hears = false
  /** Whether Redis has ever answered a claim. */
  #answered = false
  /** Whether a batch was handled since the last `idle`. */
  #worked = false

  /**
   * @param worker its name among the workers of the queue
   * @param commands its part of the connection of its process
   * @param hub what it shares with the others of its process
   * @throws RapidfireError `BAD_OPTION`
   */
  constructor(
    worker: string,
    client: WorkerClient<T>,
    commands: Connection,
    hub: Hub,
    handler: Handler<T>,
    options: ProcessorOptions,
    hooks: LoopHooks<T>,
  ) {
    this.#client = client
    this.#commands = commands
    this.#hub = hub
    this.#hooks = hooks
    this.processor = new Processor(client, handler, options, {
      ended: (...told) => this.#ended(...told),
      died: (...told) => hooks.died(...told),
      answered: (lane, now, next) => this.#claimAnswered(lane, now, next),
      refused: (lane, error) => this.#claimFailed(lane, error),
      full: (lane) => this.#leaving.leave(lane),
      settled: (lane) => this.#running || this.#leaving.leave(lane),
      silent: () => hub.echo.serverSilent(),
      failed: (error, root) => this.#failed(error, root),
      extended: (root, error) => this.#extended(root, error),
      worker,
      watching: (lane) => ({ worker, echo: hub.echo.wants(lane), rest: this.#longest }),
    })
    this.#timing = this.processor.settings.timing
    this.#lanes = new Lanes((lane) => this.#look(lane))
    this.#wakeUps = new WakeUps(client.queue, worker, hub.subscriber, {
      due: (root, time) => this.#running && this.#lanes.of(root)?.wake(time, this.#longest),
      echo: () => hub.echo.arrived(),
      subscribed: () => this.#hearsAgain(),
      lost: () => this.#hearsNoMore(),
      failed: (error) => this.#unheard(error),
    })
    this.#roots = new ServedRoots(client, this.#timing, () => hub.maintainEvery, {
      found: (roots) => this.#serve(roots),
      failed: (error) => hooks.failed(error),
    })
    this.#leaving = new Leaving(client, worker)
    this.#member = {
      client,
      lanes: this.#lanes,
      look: (lane) => this.#look(lane),
      lookAll: () => this.#lanes.look(),
      gone: (name) => this.#gone(name),
      unsaid: (name) => this.#leaving.tell(rootKey(client.queue), name),
      failed: (error) => hooks.failed(error),
    }
    // It may lead to a server that does not know of our claims.
    commands.onReady(() => this.processor.beat())
    // The root of the queue tells by its first answer whether there are partitions.
    this.#serve({ serving: [rootKey(client.queue)], draining: [] })
  }

  start(): void {
    this.#go()
    // A look before wake-ups are heard would have to be repeated: they may be sent in between.
    this.#first = setTimeout(() => this.#lookFirst(), this.#timing.silentAfter)
    this.#wakeUps.subscribe()
  }

  /** Claims no more until `resume`; what runs goes on, and others look in its place. */
  pause(): void {
    this.#halt()
    this.processor.pause()
  }

  resume(): void {
    this.#go()
    this.#lanes.look()
    this.#roots.maintainIn()
  }

  /** Claims no more; resolves when what runs has ended, and others look in its place. */
  async stop(): Promise<void> {
    this.#closed = true
    this.#halt()
    await this.processor.stop()
    const isTold = await this.#leaving.end(this.#timing.leaveWithin)
    this.#wakeUps.unsubscribe()
    // Redis does not answer. Nothing else is under way, and the next look of others is as good.
    if (!isTold) this.#commands.end()
  }

  /** Whether Redis has answered the last claim of each root, and kept its leases. */
  isHealthy(): boolean {
    return this.#answered && this.#lanes.every(({ failures, unkept }) => failures === 0 && !unkept)
  }

  /** A claim of a forwarder has moved so many batches, and so many more fit into the stream. */
  forwarded(root: string, batches: number, room: number): void {
    const lane = this.#lanes.of(root)
    if (lane) lane.blocked = room === 0
    if (batches > 0) this.#worked = true
  }

  #go(): void {
    this.#running = true
    this.#hub.enter(this.#member)
    this.#roots.start()
  }

  #halt(): void {
    this.#running = false
    this.#hub.leave(this.#member)
    this.#roots.stop()
    clearTimeout(this.#first)
    this.#first = undefined
    this.#lanes.cancel()
    for (const lane of this.#lanes.all) this.#leaving.leave(lane)
  }

  /** How long a lane rests at most, ms: as one of all that the process has, unless nobody can wake it. */
  get #longest(): number {
    return this.#hears ? this.#hub.longest : this.#timing.rest
  }

  #look(lane: Lane): void {
    if (this.#running) this.processor.look(lane)
  }

  /** Claims from these roots from now on. */
  #serve(roots: Roots): void {
    const made = this.#lanes.serve(roots)
    if (!made) return
    this.processor.lanes = this.#lanes.all
    if (!this.#running) return
    this.#hub.recount()
    for (const lane of made) lane.lookIn(0)
  }

  /** Another process is there no more, or a worker alone: whoever stands by is told, or this one looks. */
  #gone(name: string): void {
    for (const lane of this.#lanes.all) {
      this.#leaving.leaveFor(`${name}/`, lane).then((isVacant) => isVacant && this.#running && this.#lanes.has(lane) && lane.lookIn(0))
    }
  }

  #lookFirst(): void {
    clearTimeout(this.#first)
    this.#first = undefined
    this.#lanes.look()
  }

  #unheard(error: unknown): void {
    if (this.#closed) return
    this.#hooks.failed(error)
    if (this.#first) this.#lookFirst()
  }

  /** Nobody can wake it: it looks once in a rest, whatever it was told. */
  #hearsNoMore(): void {
    this.#hears = false
    this.#hub.echo.lost()
    if (this.#running) for (const lane of this.#lanes.all) lane.wake(Number.POSITIVE_INFINITY, this.#longest)
  }

  #hearsAgain(): void {
    this.#hears = true
    this.#hub.echo.subscribed()
    if (!this.#running) return
    // Wake-ups may have been sent since the last look, and before anybody listened.
    this.#lookFirst()
    if (this.#subscribed) this.#roots.maintainSoon()
    this.#subscribed = true
  }

  #claimAnswered(lane: Lane, now: number, next: number): void {
    lane.failures = 0
    lane.refusals = 0
    lane.unkept = false
    const isFirst = !this.#answered
    this.#answered = true
    this.#hub.answered = performance.now()
    if (isFirst) {
      this.#roots.maintainIn(0)
      this.#hooks.ready()
    }
    if (lane.mayBeDue || !this.#running || !this.#lanes.has(lane)) return
    if (lane.draining && next === 0) {
      // Nothing comes there any more.
      lane.lookIn(this.#longest)
      return
    }
    const longest = this.#longest
    // With nothing due before, Redis answers that the longest rest has come to its end; one that stands by rests as long as it says.
    const far = next === 0 ? longest : next - now
    const rested = far >= Math.min(longest, LIMITS.longestStandby)
    // One of many that stand by looks more seldom, as long as it can be woken. A stream may get room without a word.
    const isOneOfMany = this.#hears && !lane.blocked && far > longest
    const most = isOneOfMany ? far : Math.min(far, longest)
    // Not all at once: else the one that a silent server, or the death of several workers, is noticed by may come late.
    const chance = this.#hub.isOne && !isOneOfMany ? 1 : this.#takesTurns(lane) ? Math.random() : 0.8 + Math.random() / 5
    lane.together = false
    lane.lookAt(rested ? Number.POSITIVE_INFINITY : next, chance * (rested ? most : longest))
    this.#tellIdle()
  }

  /** Whether a lane was looked at together with many others, which are to be looked at one after the other from now on. */
  #takesTurns(lane: Lane): boolean {
    return lane.together && this.#hub.longest > this.#timing.rest
  }

  #tellIdle(): void {
    if (!this.#worked || !this.processor.isIdle || !this.#lanes.every(({ mayBeDue, blocked }) => !mayBeDue && !blocked)) return
    this.#worked = false
    this.#hooks.idle()
  }

  #ended(...told: Parameters<LoopHooks<T>['ended']>): void {
    this.#worked = true
    const lane = this.#lanes.of(told[1].root)
    if (lane) lane.ended = true
    this.#hooks.ended(...told)
    if (!this.processor.isIdle || !this.#hooks.isIdleWanted() || !this.#lanes.every(({ mayBeDue }) => !mayBeDue)) return
    // What has arrived behind the last batches may be due already: only a claim can tell whether it is idle. Of other lanes it is known.
    const unsure = this.#lanes.all.filter(({ ended }) => ended)
    for (const each of unsure) each.lookIn(0)
    if (unsure.length === 0) this.#tellIdle()
  }

  #claimFailed(lane: Lane, error: unknown): void {
    if (!(error instanceof RapidfireError && error.code === 'REPARTITIONED')) {
      lane.refusals = 0
      this.#failed(error, lane.root)
      this.#lookAgain(lane)
      return
    }
    // The root serves no more, or never did: there is nothing wrong with that, unless it goes on being one of those that should.
    lane.refusals += 1
    if (lane.refusals > REFUSALS) this.#hooks.failed(error)
    this.#roots
      .ask(lane.root)
      .catch((problem) => this.#failed(problem, rootKey(this.#client.queue)))
      .then(() => this.#lookAgain(lane))
  }

  /** Looks after a pause at a lane whose claim has failed. */
  #lookAgain(lane: Lane): void {
    lane.failures += 1
    this.#hub.echo.claimFailed(lane)
    const [first, longest] = this.#timing.pauses
    if (this.#running && this.#lanes.has(lane)) lane.lookIn(Math.min(first * 2 ** (lane.failures - 1), longest))
  }

  #extended(root: string, error: unknown): void {
    const lane = this.#lanes.of(root)
    if (lane) lane.unkept = error !== undefined
    if (error) this.#failed(error, root)
  }

  /** A root has not done what it was asked for. */
  #failed(error: unknown, root: string): void {
    this.#hooks.failed(error)
    // Redis may be stopped, or the connection dead without a word: neither would say so by itself.
    if (!/timed out/.test(String((error as Error).cause))) return
    this.#commands.reconnect(root)
    // While other roots answer, echoes tell whether the subscription is alive.
    if (performance.now() - this.#hub.answered >= this.#timing.stall) this.#hub.subscriber.reconnect()
  }
}
