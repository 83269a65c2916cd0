import { RapidfireError } from '../errors.ts'
import { checkNames, ms, type Names, shown, whole } from '../given.ts'
import type { Partitioning } from '../partitions/change.ts'
import { inTurn } from '../partitions/roots.ts'
import type { Watching } from '../protocol/arguments.ts'
import type { Caller } from '../redis/caller.ts'
import { OPTIONS } from '../redis/generated/limits.ts'
import { soonest } from './claims.ts'

export interface ForwardOptions {
  /** Batches moved by one call, 1 to 1000. @default 100 */
  limit?: number
  /**
   * Most entries of the stream, of each partition's, 1 to 10 million; when so many are unacknowledged the batches wait in the queue.
   * @default 100000
   */
  maxLength?: number
  /**
   * For how long an entry stays that all consumer groups have acknowledged, ms, from when it came into the stream, 0 to a year. Some of those that are
   * older go with each call, and newer ones when the stream is full. Without a group nobody has acknowledged anything. @default 3600000
   */
  keep?: number
}

const FORWARD_OPTIONS: Names<ForwardOptions> = { limit: true, maxLength: true, keep: true }

/** @throws RapidfireError `BAD_OPTION` */
export function checkForwarding(stream: string, options: ForwardOptions): void {
  if (typeof stream !== 'string') throw new RapidfireError('BAD_OPTION', `the name of a stream must be a text, got ${shown(stream)}`)
  checkNames('forward', options, FORWARD_OPTIONS)
  const { limit = OPTIONS.forwarded.default, maxLength = OPTIONS.entries.default, keep = OPTIONS.kept.default } = options
  whole('limit', limit, OPTIONS.forwarded)
  whole('maxLength', maxLength, OPTIONS.entries)
  ms('keep', keep, OPTIONS.kept)
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

/** Moves what is due into a stream. */
export class Forwarding {
  readonly #caller: Caller
  readonly #partitioning: Partitioning

  constructor(caller: Caller, partitioning: Partitioning) {
    this.#caller = caller
    this.#partitioning = partitioning
  }

  /** From one root. A call whose reply was lost is made again by the next one, and says what that has moved. */
  async forwardFrom(stream: string, options: RootForwardOptions): Promise<Forwarded> {
    const { root, limit = OPTIONS.forwarded.default, maxLength = OPTIONS.entries.default, keep = OPTIONS.kept.default, ...rest } = options
    return this.#partitioning.takeFrom(root, rest.drain === true, (generation) =>
      this.#caller.call(root, 'forward', { stream, limit, maxLength, keep, ...rest, generation }),
    )
  }

  /** From all roots, one after the other. */
  forward(stream: string, options: ForwardOptions): Promise<Forwarded> {
    return this.#caller.underway.run(async () => {
      checkForwarding(stream, options)
      const parts: Forwarded[] = []
      for (const turn of inTurn(await this.#partitioning.roots())) parts.push(await this.forwardFrom(stream, { ...options, ...turn }))
      return {
        now: Math.max(...parts.map(({ now }) => now)),
        next: soonest(parts),
        forwarded: parts.reduce((sum, { forwarded }) => sum + forwarded, 0),
        room: Math.min(...parts.map(({ room }) => room)),
      }
    })
  }
}
