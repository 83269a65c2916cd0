/** The slots in which handlers run: one for each that may run at once. */
export class Slots {
  readonly count: number
  /** Slots in which a handler runs, or that are reserved. */
  #taken = 0
  /** Batches that may still be taken. */
  #quota = Number.POSITIVE_INFINITY

  constructor(count: number) {
    this.count = count
  }

  /** Slots that may be filled now. */
  get free(): number {
    return Math.max(0, Math.min(this.count - this.#taken, this.#quota))
  }

  /** So many batches may be taken from now on, however many slots are free. */
  limit(quota: number): void {
    this.#quota = quota
  }

  /** Keeps slots for batches that may come, or that have come and do not run yet. */
  reserve(slots: number): void {
    this.#taken += slots
    this.#quota -= slots
  }

  /** Gives up reserved slots in which no handler will run. */
  cancel(slots: number): void {
    this.reserve(-slots)
  }

  /** The handler in a slot has ended. */
  vacate(): void {
    this.#taken -= 1
  }
}
