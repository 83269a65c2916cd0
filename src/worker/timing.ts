/** Times that a worker goes by, ms. Tests shorten them. */
export interface Timing {
  /** A command that Redis has not answered for so long has failed, and the connection is made anew. */
  stall: number
  /** An idle worker looks once in so many ms: at its partitions in turn. That is what a lost wake-up costs at most, times their number. */
  rest: number
  /** How often a worker looks whether a step of a change of partitions was lost, or is still to be taken. */
  maintainEvery: number
  /** How long after a connection was made anew it looks as well, at most: not all workers at once. */
  reconnected: number
  /** How often a worker tests that wake-ups reach it, and how long it waits for the echo. */
  echoEvery: number
  echoWithin: number
  /** Pause after a claim that failed: doubles from the first to the second. */
  pauses: readonly [number, number]
  /** Pause between two tries to tell Redis the end of a batch. */
  settlePause: number
  /** A claim that is not answered for so long keeps no slot from the other lanes any more. */
  silent: number
}

export const TIMING: Timing = {
  stall: 5000,
  rest: 1000,
  maintainEvery: 60_000,
  reconnected: 1000,
  echoEvery: 10_000,
  echoWithin: 3000,
  pauses: [100, 2000],
  settlePause: 500,
  silent: 250,
}
