/** What one call of `processPendingBatches` did. */
export interface Summary {
  /** Batches handled. */
  batches: number
  messages: number
  completed: number
  /** Failed and to be tried again. */
  retry: number
  /** Failed for the last time. */
  dead: number
  /** Their lease ran out before they were done: they are handed out again. */
  lost: number
}
