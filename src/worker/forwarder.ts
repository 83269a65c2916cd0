import type { Watching } from '../options.ts'

export interface ForwardOptions {
  /** Batches moved by one call, 1 to 1000. @default 100 */
  limit?: number
  /**
   * Most entries of the stream, of each partition's, 1 to 10 million; when so many are unacknowledged the batches wait in the queue.
   * @default 100000
   */
  maxLength?: number
}

/** The same of one root, for those who serve the roots of a queue in turn. */
export interface RootForwardOptions extends ForwardOptions {
  root: string
  watching?: Watching | undefined
  drain?: boolean | undefined
}

/** What one call of `forward` did. */
export interface Forwarded {
  /** ms, Redis time. */
  now: number
  /** When to look next, ms; 0 when nothing is pending. */
  next: number
  /** Batches moved. */
  forwarded: number
  /** Entries that still fit into the stream; of the fullest one with partitions. */
  room: number
}

/** What several roots have answered, as one. */
export function sumForwarded(parts: readonly Forwarded[]): Forwarded {
  return {
    now: Math.max(...parts.map(({ now }) => now)),
    next: soonest(parts),
    forwarded: parts.reduce((sum, { forwarded }) => sum + forwarded, 0),
    room: Math.min(...parts.map(({ room }) => room)),
  }
}

/** When to look next, of all that are pending; 0 when none is. */
export function soonest(parts: readonly { next: number }[]): number {
  const pending = parts.map(({ next }) => next).filter((next) => next > 0)
  return pending.length === 0 ? 0 : Math.min(...pending)
}
