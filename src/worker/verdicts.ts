import type { Message } from '../batches/batch.ts'

/** Throw it in a handler to drop the batch: it is completed without having been handled. */
export class Discard extends Error {
  override readonly name = 'Discard'
}

/**
 * Throw it in a handler to choose the pause before the next attempt; it counts as an attempt.
 *
 * @example if (response.status === 429) throw new RetryLater(60_000, 'rate limit')
 */
export class RetryLater extends Error {
  override readonly name = 'RetryLater'

  /** @param pause ms, 0 to a year */
  constructor(
    readonly pause: number,
    message = `to be tried again in ${pause} ms`,
  ) {
    super(message)
  }
}

/**
 * Throw it in a handler when no further attempt can help: the batch is dead at once. It is kept, and can be requeued.
 *
 * @example if (response.status === 410) throw new GiveUp('the bot is gone')
 */
export class GiveUp extends Error {
  override readonly name = 'GiveUp'
}

/**
 * Throw it in a handler when only some messages of the batch failed: those come again, before any newer ones, and the others are done.
 *
 * @example throw new PartialFailure(batch.messages.filter((message) => !sent.has(message)), 'timeout')
 */
export class PartialFailure extends Error {
  override readonly name = 'PartialFailure'

  /** @param messages those of `batch.messages` that failed, at least one */
  constructor(
    readonly messages: readonly Message<any>[],
    message = `${messages.length} ${messages.length === 1 ? 'message' : 'messages'} failed`,
  ) {
    super(message)
  }
}
