/** What was confirmed of a message before `addMessage` answered. */
export interface Confirmation {
  /** Replicas that had it, in their append-only file when `aof` was asked for. */
  replicas?: number
  /** Whether the append-only file of the primary had it. */
  aof?: boolean
}

/** What became of one message. */
export interface AddResult extends Confirmation {
  /**
   * `duplicate`: a message with this id was accepted within `dedupe`; nothing was stored. `replaced`, `withdrawn`: the message that it `edits` or
   * `withdraws` was still open; `added` when it was not.
   */
  status: 'added' | 'duplicate' | 'replaced' | 'withdrawn'
  /** Messages that the key holds now, those of a batch in work included. */
  size: number
}
