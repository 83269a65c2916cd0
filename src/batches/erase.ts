import { checkKey } from '../messages/encode.ts'
import type { KnownLayout } from '../partitions/layout.ts'
import type { Caller } from '../redis/caller.ts'

/** What `erase` has removed of a conversation. */
export interface Erased {
  /** Messages that waited, or were with a worker. */
  messages: number
  /** Whether a worker had a batch of them: it may still answer, and what it says of the batch is `lost`. */
  claimed: boolean
  /** Dead batches, and the messages in them. */
  deadBatches: number
  deadMessages: number
  /** Batches in streams that `forward` has written to. */
  streamEntries: number
  /** What the webhook had counted and noted of the conversation. */
  rateKeys: number
  /** Batches in the archive. */
  archivedBatches: number
}

/** Erases a conversation in every root that the queue has ever had: one that is retired may hold dead batches, and has a stream of its own. */
export function erase({ underway, call }: Caller, layout: KnownLayout, key: string): Promise<Erased> {
  return underway.run(async () => {
    checkKey(key)
    const erased: Erased = {
      ...{ messages: 0, claimed: false, deadBatches: 0, deadMessages: 0, streamEntries: 0, rateKeys: 0, archivedBatches: 0 },
    }
    const eraseIn = async (root: string) => {
      let after: Buffer | undefined
      do {
        const some = await call(root, 'erase', { key, after })
        erased.messages += some.messages
        erased.claimed ||= some.claimed
        erased.deadBatches += some.batches
        erased.deadMessages += some.dead
        erased.streamEntries += some.entries
        erased.rateKeys += some.rates
        erased.archivedBatches += some.archived
        after = some.next
      } while (after)
    }
    await Promise.all((await layout.everyRoot()).map(eraseIn))
    return erased
  })
}
