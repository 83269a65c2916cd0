import type { Batch } from '../batches/batch.ts'
import type { HandlerContext, Logger } from './handler.ts'

export type Extension = ReturnType<HandlerContext['extend']>

/** One attempt at a batch, as its handler sees it. */
export class Attempt<T> implements HandlerContext {
  readonly batch: Batch<T>
  /** Where the batch is. */
  readonly root: string
  readonly log: Logger
  // A property, since handlers take it out of their context.
  readonly extend: HandlerContext['extend']
  /** Until when the lease is held for certain, by `performance.now`. */
  heldUntil: number
  /** Where it stands among those that run; -1 when it has ended. */
  place = -1
  /** Whether the end of the lease is watched: not any more when the signal has aborted for it. */
  watched = true
  /** Whether another claim has the batch. */
  lost = false
  #controller: AbortController | undefined

  constructor(batch: Batch<T>, root: string, log: Logger, heldUntil: number, extend: (attempt: Attempt<T>, ms?: number) => Extension) {
    this.batch = batch
    this.root = root
    this.log = log
    this.heldUntil = heldUntil
    this.extend = (ms) => extend(this, ms)
  }

  // Made only for the handlers that look at it: most never do.
  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    return this.#controller.signal
  }

  abort(reason: Error): void {
    this.#controller ??= new AbortController()
    this.#controller.abort(reason)
  }
}
