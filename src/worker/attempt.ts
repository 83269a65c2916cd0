import type { Batch } from '../batches/batch.ts'
import type { Run } from '../events.ts'
import type { HandlerContext, Logger } from './handler.ts'

export type Extension = ReturnType<HandlerContext['extend']>

/** A batch that was claimed. */
export interface Held<T> {
  batch: Batch<T>
  /** Where it is. */
  root: string
  /** Until when its lease is held for certain, by `performance.now`. */
  heldUntil: number
  /** How long after it was due it was claimed, ms. */
  lateness: number
}

/** One attempt at a batch, as its handler sees it. */
export class Attempt<T> implements HandlerContext {
  readonly batch: Batch<T>
  /** Where the batch is. */
  readonly root: string
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
  readonly #logger: Logger
  readonly #lateness: number
  readonly #began = performance.now()
  #log: Logger | undefined
  #controller: AbortController | undefined

  constructor({ batch, root, heldUntil, lateness }: Held<T>, logger: Logger, extend: (attempt: Attempt<T>, ms?: number) => Extension) {
    this.batch = batch
    this.root = root
    this.heldUntil = heldUntil
    this.#lateness = lateness
    this.#logger = logger
    this.extend = (ms) => extend(this, ms)
  }

  /** Its figures so far. */
  get run(): Run {
    return { took: Math.round(performance.now() - this.#began), lateness: this.#lateness }
  }

  // A logger and a signal are made only for the handlers that look at them: most never do.
  get log(): Logger {
    this.#log ??= this.#logger.child?.({ batch: this.batch.id, attempt: this.batch.attempt }) ?? this.#logger
    return this.#log
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    return this.#controller.signal
  }

  abort(reason: Error): void {
    this.#controller ??= new AbortController()
    this.#controller.abort(reason)
  }
}
