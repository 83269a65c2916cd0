/** What one call of `processPendingBatches` did. */
export interface Summary {
  /** Batches that a handler has seen. */
  batches: number
  messages: number
  completed: number
  /** Failed and to be tried again. */
  retry: number
  /** Failed for the last time; and those whose last lease had run out, which no handler has seen now. */
  dead: number
  /** Their lease ran out before they were done: they are handed out again. */
  lost: number
}
