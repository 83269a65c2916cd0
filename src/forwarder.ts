import type { RapidFire } from './rapidfire.ts'

export interface ForwardOptions {
  /** Batches moved by one call, 1 to 1000. @default 100 */
  limit?: number
  /** Most entries of the stream, 1 to 10 million; when so many are unacknowledged the batches wait in the queue. @default 100000 */
  maxLength?: number
}

/** What one call of `forward` did. */
export interface Forwarded {
  /** ms, Redis time. */
  now: number
  /** When to look next, ms; 0 when nothing is pending. */
  next: number
  /** Batches moved. */
  forwarded: number
  /** Entries that still fit into the stream. */
  room: number
}

/**
 * The client of a worker that has nothing to handle: what it claims goes into the stream in the same call.
 *
 * @param moved is told how many batches each call has moved, when it has moved some
 */
export function forwardingClient<T, Input>(
  client: RapidFire<T, Input>,
  stream: string,
  options: ForwardOptions,
  moved: (batches: number) => void,
) {
  return {
    queue: client.queue,
    claimReady: async ({ worker, echo }: { worker?: string | undefined; echo?: boolean | undefined }) => {
      const { now, next, forwarded } = await client.forward(stream, { ...options, worker, echo })
      if (forwarded > 0) moved(forwarded)
      return { now, next, batches: [] }
    },
    complete: client.complete.bind(client),
    fail: client.fail.bind(client),
    extend: client.extend.bind(client),
    close: () => client.close(),
  }
}
