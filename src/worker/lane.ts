/**
 * Whoever may add messages may publish wake-ups. When so many looks in a row for them were in vain, the next one is made so many ms after the last
 * answer at the earliest. One that finds something ends that.
 */
const VAIN = { looks: 20, pause: 50 }

/**
 * One root of a queue, as those see it who claim from it: whether to look at it now, and when next. To look is to claim what is due. A queue
 * without partitions has one lane.
 */
export class Lane {
  readonly root: string
  /** Whether the root serves no more: what is left in it is taken all the same. */
  readonly draining: boolean
  /** Whether it is served for one round only: of what was due when the first claim was answered. */
  readonly once: boolean
  /** Of a lane that is served once: only what was due at this Redis time is claimed. Not known before the first claim is answered. */
  before: number | undefined
  /** Whether something may be due, so that it is to be looked at when a slot is free. */
  mayBeDue = true
  /** So many claims in a row, up to the last one, got all that they asked for, or some while more was due. */
  full = 0
  /** Whether something may be due for which there is no room: in the stream of a forwarder. */
  blocked = false
  /** Whether a batch of it has ended since the last claim was made: what has come behind it may be due. */
  ended = false
  /** Claims under way, and all that were ever made. */
  claims = 0
  looks = 0
  /** Claims that have failed since the last one that was answered. */
  failures = 0
  /** Whether others are to look there: the last claim has taken all that it asked for, or the watch was given up since. */
  left = false
  /** Whether it is looked at together with all others, as when wake-ups are heard again: from then on they are to take turns. */
  together = true
  /** How often in a row the root has refused because it does not serve. */
  refusals = 0
  /** Whether the last claim has failed, or has not been answered for long: the next one keeps no slot from other lanes. */
  silent = false
  /** Whether its last heartbeat was not answered, so that leases may run out. */
  unkept = false
  /** When a claim was answered last, by `performance.now`; 0 before the first. */
  answered = 0
  readonly #look: () => void
  #timer: NodeJS.Timeout | undefined
  #immediate: NodeJS.Immediate | undefined
  /** When the look that is set will be made, by `performance.now`. */
  #at = Number.POSITIVE_INFINITY
  /** Redis time minus local time, ms: nodes of a cluster have clocks of their own. */
  #skew = Number.NEGATIVE_INFINITY
  #trip = 0
  /** The earliest wake-up that has come since the last look, Redis time. */
  #early = Number.POSITIVE_INFINITY
  /** Whether the last look was for a wake-up; and how many of those in a row have found nothing. */
  #woken = false
  #vain = 0

  /** @param look called when it is time to look; without it the lane is served once */
  constructor(root: string, draining: boolean, look?: () => void) {
    this.root = root
    this.draining = draining
    this.once = look === undefined
    this.#look = look ?? (() => {})
  }

  /** Looks now, or in `ms`; a late look is as good when it is not `exact`. */
  lookIn(ms: number, exact = false): void {
    this.cancel()
    this.#at = performance.now() + ms
    const at = exact ? this.#at : 0
    const arrive = () => {
      if (performance.now() < at) {
        this.#immediate = setImmediate(arrive)
        return
      }
      this.#at = Number.POSITIVE_INFINITY
      this.#woken = this.#early < Number.POSITIVE_INFINITY
      this.#early = Number.POSITIVE_INFINITY
      this.#look()
    }
    // Timers count whole ms and may fire one late: the last one is waited out with the event loop turning.
    if (ms > 0) this.#timer = setTimeout(arrive, exact ? Math.max(0, Math.trunc(ms) - 1) : ms)
    else arrive()
  }

  /** Takes back the look that `lookIn`, `lookAt` or a wake-up has set. */
  cancel(): void {
    this.#at = Number.POSITIVE_INFINITY
    clearTimeout(this.#timer)
    clearImmediate(this.#immediate)
  }

  /**
   * Looks at a Redis time, `longest` ms from now at most, or before if a wake-up has said so. By what answers say of Redis time, they are older
   * than they seem by their way back, and a claim needs its way there: it leaves a whole trip early, and arrives just in time.
   */
  lookAt(time: number, longest: number): void {
    const ms = Math.min(this.#until(time), this.#wakesIn())
    this.lookIn(Math.max(0, Math.min(ms, longest)), ms < longest)
  }

  /** A wake-up has come: something is due at this Redis time. A look that is set is made no later for it, and none is waited for when it is time. */
  wake(time: number, longest: number): void {
    this.#early = Math.min(this.#early, time)
    const ms = Math.max(0, Math.min(this.#wakesIn(), longest))
    if (!this.mayBeDue && (ms === 0 || performance.now() + ms < this.#at)) this.lookIn(ms, ms < longest)
  }

  /** How long it is until a claim has to leave for this Redis time, ms. */
  #until(time: number): number {
    return time - this.#skew - this.#trip - performance.now()
  }

  /** The same for the earliest wake-up. */
  #wakesIn(): number {
    const ms = this.#until(this.#early)
    return this.#vain < VAIN.looks ? ms : Math.max(ms, this.answered + VAIN.pause - performance.now())
  }

  /** A look has brought so many batches. */
  brought(batches: number): void {
    if (batches > 0) this.#vain = 0
    else if (this.#woken) this.#vain += 1
  }

  /** The shortest time from asking to the answer, ms; 0 until it is known. */
  get trip(): number {
    return this.#trip
  }

  /** A claim was asked for and answered, both by `performance.now`, and bears the Redis time `now`. */
  compareClocks(now: number, asked: number, answered: number): void {
    this.answered = answered
    this.#skew = compareClocks(this.#skew, now, asked, answered)
    this.#trip = Math.min(this.#trip || Number.POSITIVE_INFINITY, answered - asked)
  }
}

/**
 * How far Redis time is ahead of `performance.now`, ms, after an answer that was asked for at `asked`, came at `answered`, and bears the Redis
 * time `now`, in whole ms, cut off. The earlier figure stands as long as it fits: an answer that was read late tells little.
 */
export function compareClocks(earlier: number, now: number, asked: number, answered: number): number {
  return Math.max(now - answered, Math.min(earlier, now + 1 - asked))
}
