// Everything that rapidfire tells of while it works: the name of an event, and what its listeners get. A batch comes whole, with its key and what
// people wrote: what is logged of it is chosen in cli/terminal/log.ts.

import type { Batch } from './batches/batch.ts'

/** Figures of one attempt. */
export interface Run {
  /** How long the handler ran, ms. */
  took: number
  /**
   * How long after it was due the batch was claimed, ms by the clock of Redis. The time for which it waited for a free slot is in it, not that for
   * which it waited for the batch before it or for its next attempt.
   */
  lateness: number
}

/** Events of a worker. */
export interface WorkerEvents<T = unknown> {
  /** Redis has answered for the first time. */
  ready: []
  /** The handler has returned or discarded the batch: it is done. */
  completed: [batch: Batch<T>, run: Run]
  /** The handler has failed: the batch comes again. */
  failed: [batch: Batch<T>, error: unknown, run: Run]
  /** The last attempt has failed, or its lease has run out: it is kept. */
  dead: [batch: Batch<T>, error: unknown, run: Run]
  /** The lease ran out before the end was told: another claim has the batch, or will. */
  lost: [batch: Batch<T>, run: Run]
  /** The worker closed meanwhile: the batch was given back, and no attempt is used up. */
  released: [batch: Batch<T>, run: Run]
  /** A forwarder has moved so many batches into its stream. */
  forwarded: [batches: number]
  /** Nothing is due and nothing runs, after something did. */
  idle: []
  /** Redis cannot be reached, does not answer or refuses: it is tried again. */
  error: [error: Error]
}

/** Events of a webhook. Nothing of what was sent is in them, but in an error there may be. */
export interface WebhookEvents {
  /** All messages of a request are stored, now or before. */
  stored: [request: { source: string; added: number; duplicates: number; changed: number }]
  /** A request is answered 4xx, with this code, and why in words. */
  refused: [answer: { status: number; code: string; why: string }]
  /** A request is answered 5xx: Redis cannot be used, or a rule or a source has thrown. */
  error: [error: Error]
}

/** Events of a process of the command line: `work`, `forward` and `serve`. */
export interface ProcessEvents {
  /** It answers. `sources`: what proves each of them. */
  listening: [server: { host: string; port: number; path: string; sources?: Record<string, string> }]
  /** It does what it is for. */
  ready: []
  /** It was told to stop, and lets end what runs. */
  stopping: [signal: NodeJS.Signals]
  /** It was told so again, and ends at once. */
  killed: [signal: NodeJS.Signals]
  /** All has ended. */
  stopped: []
  /** Redis cannot be reached: it is tried again. */
  error: [error: Error]
}

export interface Events<T = unknown> extends WorkerEvents<T>, WebhookEvents, ProcessEvents {}
