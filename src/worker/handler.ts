// What somebody who writes a handler has to know: what it gets, what may be set, and how a batch ends.

import type { Batch } from '../batches/batch.ts'
import { ms } from '../given.ts'
import { OPTIONS } from '../redis/generated/limits.ts'
import type { Timing } from './timing.ts'

/** Where a handler's `log` goes; a pino logger is one. */
export interface Logger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
  /** When there is one, each attempt logs by a child with `batch`, its id, and `attempt`. */
  child?(fields: object): Logger
}

/** What a handler gets besides its batch. */
export interface HandlerContext {
  /**
   * Aborts when this attempt no longer counts: the lease is lost and another worker may hold the batch, `timeout` has passed, or the worker
   * closes and waits no longer.
   */
  readonly signal: AbortSignal
  /**
   * Lengthens the lease to `ms` from now at once (`lease` by default); it is kept up while the handler runs anyway.
   * Before a side effect it tells whether this attempt still counts, and how many messages have arrived behind the batch.
   */
  extend(ms?: number): Promise<{ status: 'extended' | 'lost'; queued: number }>
  /** The worker's logger; with `batch` and `attempt` in each line, if it can make children. */
  readonly log: Logger
}

/**
 * Handles one batch. Resolving completes it; throwing gives it back for a later attempt: see `Discard`, `RetryLater`, `GiveUp` and `PartialFailure`.
 * A batch may be handed over more than once, so what a handler does should bear being done again; `batch.id` is the same each time.
 */
export type Handler<T> = (batch: Batch<T>, context: HandlerContext) => unknown

export interface ProcessorOptions {
  /** Handlers that run at once, 1 to 1000. @default 10 */
  concurrency?: number
  /** How long a crashed process keeps its batches from the others, ms, 1 to a day; kept up while a handler runs. @default 30000 */
  lease?: number
  /** A batch that fails in this attempt is dead, 1 to 1000. @default 5 */
  attempts?: number
  /** Pause before the next attempt, whole ms from 0 to a year, given the attempt that failed. @default exponentialBackoff() */
  backoff?: (attempt: number) => number
  /** A handler that runs longer than this has failed, ms. @default none */
  timeout?: number
  /** @default nothing is logged */
  logger?: Logger
  /** @internal */
  timing?: Partial<Timing>
}

/** What became of a claimed batch; `released`: given back by a worker that closes, which uses up no attempt. */
export type Outcome = 'completed' | 'retry' | 'dead' | 'lost' | 'released'

/**
 * Doubles with each attempt, and leaves half of the pause to chance, so that batches that failed together do not come back together
 * ("equal jitter" in Marc Brooker's "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
 *
 * @param base pause after the first attempt, ms, 0 to a year, 1000 by default
 * @param max longest pause, ms, 0 to a year, 60000 by default
 * @throws RapidfireError `BAD_OPTION`
 * @example await rapidfire.processPendingBatches(handler, { backoff: exponentialBackoff(5000, 300_000) })
 */
export function exponentialBackoff(base = 1000, max = 60_000): (attempt: number) => number {
  ms('base', base, OPTIONS.delay)
  ms('max', max, OPTIONS.delay)
  return (attempt) => {
    const pause = Math.min(base * 2 ** (attempt - 1), max)
    return Math.round(pause / 2 + (Math.random() * pause) / 2)
  }
}
