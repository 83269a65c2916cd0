import type { Batch } from '../batches/batch.ts'
import type { Claimed, FailOptions, RootClaimOptions } from '../batches/claims.ts'
import type { CompleteOptions } from '../batches/completion.ts'
import type { Roots } from '../partitions/roots.ts'

/** What a processor needs of its client: to get batches, and to say what became of them. */
export interface BatchClient<T> {
  claim(options: RootClaimOptions): Promise<Claimed<T>>
  complete(batch: Batch<T>, told?: CompleteOptions): Promise<'completed' | 'lost'>
  fail(batch: Batch<T>, options: FailOptions<T>): Promise<'retry' | 'dead' | 'lost'>
  extend(batches: readonly Batch<T>[], lease: number): Promise<{ status: 'extended' | 'lost'; queued: number }[]>
  release(batch: Batch<T>, options: { reason?: string }): Promise<'released' | 'lost'>
}

/** What a worker needs of its client. */
export interface WorkerClient<T> extends BatchClient<T> {
  readonly queue: string
  /** Throws `CLOSED` when the client that has made the worker is closed. */
  checkOpen(): void
  /** Roots that serve, and those that are being drained; `refused` is one that would not. */
  roots(refused?: string): Promise<Roots>
  /** Restores roots that have lost a step of a change of partitions, forgets those that are drained, and tells which are to be claimed from. */
  maintain(): Promise<Roots>
  /** Gives up the watch of a worker that does not look at a root for a while. */
  leave(root: string, worker: string): Promise<'passed' | 'vacant' | 'idle'>
  /** Says that a worker is there for twice `rest` ms; the names of others that are there no more. */
  present(worker: string, rest: number): Promise<string[]>
  close(): Promise<void>
}
