import type { Batch } from '../batches/batch.ts'
import type { Run } from '../events.ts'
import type { Watching } from '../protocol/arguments.ts'
import type { BatchClient } from './client.ts'
import { Endings } from './endings.ts'
import type { Handler, Outcome, ProcessorOptions } from './handler.ts'
import { Handling } from './handling.ts'
import type { Lane } from './lane.ts'
import { Leases } from './leases.ts'
import { type Settings, settingsOf } from './settings.ts'
import { Slots } from './slots.ts'

/** What a processor reports to its owner. */
export interface ProcessorHooks<T> {
  /** What became of a batch that a handler has seen; `error` is what it threw. */
  ended(outcome: Outcome, batch: Batch<T>, error: unknown, run: Run): void
  /** A claim has found that the last lease of a batch, which somebody else had, has run out. */
  died(batch: Batch<T>, error: Error, run: Run): void
  /**
   * A claim was answered at `now` in Redis time. Unless the lane may have something due, nothing is due there until `next` (0: nothing is
   * pending), and it is not claimed from until `look`.
   */
  answered(lane: Lane, now: number, next: number): void
  /** A claim has failed: its lane is not claimed from until `look`. */
  refused(lane: Lane, error: unknown): void
  /** Something may be due in a lane, and there is no slot for it. */
  full?(lane: Lane): void
  /** No claim from a lane is under way any more. */
  settled?(lane: Lane): void
  /** A claim has not been answered for long. */
  silent?(lane: Lane): void
  /** Something else has failed that `root` was told or asked for: the end of a batch, or whether it is still ours. */
  failed(error: unknown, root: string): void
  /** The leases of a root were kept up, or, with an error, could not be. */
  extended?(root: string, error: unknown): void
  /** The name of the worker. */
  worker?: string
  /** The worker in whose name batches are claimed. */
  watching?(lane: Lane): Watching
}

/** A claim takes so many times as long as the quickest one, and more, before its lane counts as silent. */
const SLOW = 10

/**
 * Claims batches for its free slots, and has them handled. Lanes take turns, so that a flooded one does not starve the others. While more is
 * due than two claims take, two are under way at once, each for half of the slots, so that Redis works while the handlers do.
 */
export class Processor<T> {
  readonly settings: Settings
  readonly #client: BatchClient<T>
  readonly #hooks: ProcessorHooks<T>
  readonly #slots: Slots
  readonly #leases: Leases<T>
  readonly #endings: Endings<T>
  readonly #handling: Handling<T>
  #lanes: readonly Lane[] = []
  /** Whose turn it is. */
  #turn = 0
  /** Whether the owner lets it claim. */
  #claiming = true
  /** Claims under way. */
  #claims = 0
  /** Slots that are kept for what they may bring. */
  #reserved = 0
  /** Lanes that are served once and were silent. */
  #silent = 0
  #fillingSoon = false
  #whenQuiet: (() => void) | undefined

  /** @throws RapidfireError `BAD_OPTION` */
  constructor(client: BatchClient<T>, handler: Handler<T>, options: ProcessorOptions, hooks: ProcessorHooks<T>) {
    this.settings = settingsOf(handler, options)
    this.#client = client
    this.#hooks = hooks
    this.#slots = new Slots(this.settings.concurrency)
    this.#leases = new Leases(client, this.settings, (root, error) => hooks.extended?.(root, error))
    this.#endings = new Endings(client, this.settings, (error, root) => hooks.failed(error, root))
    const parts = { slots: this.#slots, leases: this.#leases, endings: this.#endings }
    this.#handling = new Handling(handler, client, this.settings, parts, {
      ended: (...told) => hooks.ended(...told),
      failed: (error, root) => hooks.failed(error, root),
      freed: () => this.#fillSoon(),
      worker: hooks.worker,
    })
  }

  /** Handlers that run now. */
  get running(): number {
    return this.#leases.count
  }

  /** Whether nothing runs, and the end of all that ran has been told to Redis. */
  get isIdle(): boolean {
    return this.#leases.count + this.#endings.underway + this.#handling.renewing === 0
  }

  /** Where to claim from, from now on. */
  set lanes(lanes: readonly Lane[]) {
    this.#lanes = lanes
  }

  /** Claims from a lane in which something may be due; also after `pause`. */
  look(lane: Lane): void {
    this.#claiming = true
    lane.mayBeDue = true
    this.#fill()
  }

  /** Claims no more until `look`; what runs goes on. */
  pause(): void {
    this.#claiming = false
  }

  /** Claims no more; resolves when what runs has ended. */
  async stop(): Promise<void> {
    this.#claiming = false
    this.#slots.limit(0)
    if (!this.#isQuiet) await new Promise<void>((resolve) => (this.#whenQuiet = resolve))
  }

  /** Gives back what runs: see `Handling.giveUp`. */
  giveUp(): Promise<void> {
    return this.#handling.giveUp()
  }

  /** Asks at once whether what runs is still ours: a new connection may lead to a server that does not know of it. */
  beat(): void {
    this.#leases.beat()
  }

  /** Handles what is due in these lanes, each of which is served once, and at most `quota` batches. */
  async handleOnce(lanes: readonly Lane[], quota: number): Promise<void> {
    this.#lanes = lanes
    this.#slots.limit(quota)
    await new Promise<void>((resolve) => {
      this.#whenQuiet = resolve
      this.#fill()
    })
  }

  get #isQuiet(): boolean {
    return this.isIdle && this.#claims === 0
  }

  /** Claims for the slots that are free. */
  #fill(): void {
    const half = Math.ceil(this.#slots.count / 2)
    while (this.#claiming) {
      const limit = Math.min(half, this.#slots.free)
      const lane = limit < 1 ? undefined : this.#nextLane()
      if (!lane) break
      this.#claim(lane, lane.silent ? 1 : limit)
    }
    if (this.#claiming && this.#hooks.full && this.#slots.free + this.#reserved === 0) {
      for (const lane of this.#lanes) if (lane.mayBeDue && !lane.left) this.#hooks.full(lane)
    }
    if (this.#whenQuiet && this.#isQuiet) this.#whenQuiet()
  }

  /** Does so once all handlers that end in this tick have freed their slots. */
  #fillSoon(): void {
    if (this.#fillingSoon) return
    this.#fillingSoon = true
    process.nextTick(() => {
      this.#fillingSoon = false
      this.#fill()
    })
  }

  #nextLane(): Lane | undefined {
    const lanes = this.#lanes
    for (let n = 0; n < lanes.length; n += 1) {
      const lane = lanes[this.#turn++ % lanes.length] as Lane
      if (lane.mayBeDue && lane.claims < (lane.full > 1 ? 2 : 1)) return lane
    }
    return undefined
  }

  async #claim(lane: Lane, limit: number): Promise<void> {
    this.#claims += 1
    lane.claims += 1
    lane.looks += 1
    lane.left = false
    lane.ended = false
    const freeSlots = this.#reserve(lane, limit)
    // After the completions of this tick, and after a heartbeat that is overdue: when the event loop was blocked for longer than a lease,
    // the claim would find what this process has just handled or still handles.
    await new Promise((resolve) => process.nextTick(resolve))
    this.#leases.catchUp()
    const { lease, attempts } = this.settings
    const asked = performance.now()
    try {
      const { now, next, batches, dead } = await this.#client.claim({
        root: lane.root,
        limit,
        lease,
        attempts,
        before: lane.before,
        watching: this.#hooks.watching?.(lane),
        drain: lane.draining,
      })
      lane.compareClocks(now, asked, performance.now())
      lane.brought(batches.length)
      if (lane.once) lane.before ??= now
      lane.silent = false
      // One call brings no more than Redis does without keeping others waiting.
      const more = next !== 0 && next <= (lane.before ?? now)
      lane.left = batches.length === limit
      lane.full = lane.left || (more && batches.length > 0) ? lane.full + 1 : 0
      freeSlots()
      const room = this.#endings.givenUp ? 0 : this.#slots.free
      this.#handling.begin({ lane, batches: batches.slice(0, room), now, heldUntil: asked + lease })
      for (const batch of batches.slice(room)) this.#handling.decline(batch, lane.root)
      lane.mayBeDue = lane.full > 0 || batches.length > room || more
      for (const { batch, error } of dead) this.#hooks.died(batch, new Error(error), { took: 0, lateness: Math.max(0, now - batch.due) })
      this.#hooks.answered(lane, now, next)
    } catch (error) {
      freeSlots()
      lane.mayBeDue = false
      lane.silent = true
      lane.full = 0
      this.#hooks.refused(lane, error)
    }
    this.#claims -= 1
    lane.claims -= 1
    this.#fill()
    if (lane.claims === 0) this.#hooks.settled?.(lane)
  }

  /**
   * Reserves slots for what a claim may bring, until it is answered. A lane that says nothing must not keep them from the others: what it
   * brings all the same, and finds no slot, is given back.
   */
  #reserve(lane: Lane, slots: number): () => void {
    if (lane.silent) return () => {}
    this.#slots.reserve(slots)
    this.#reserved += slots
    const waiting = setTimeout(
      () => {
        // Those behind it may be on the same server, and are not asked again: the more there are, the less is each waited for alone.
        if (lane.once) this.#silent += 1
        lane.silent = true
        lane.full = 0
        free()
        this.#hooks.silent?.(lane)
        this.#fill()
      },
      Math.max(this.settings.timing.silentAfter / (1 + this.#silent), SLOW * lane.trip),
    )
    let reserved = slots
    const free = () => {
      clearTimeout(waiting)
      this.#slots.cancel(reserved)
      this.#reserved -= reserved
      reserved = 0
    }
    return free
  }
}
