/** Times that a worker goes by, ms. They are one object, so that tests can give others. */
export interface Timing {
  /** A worker that nobody has run for so long says so. */
  runWithin: number
  /** A command that Redis has not answered for so long has failed, and the connection is made anew. */
  stall: number
  /**
   * An idle worker looks once in so many ms. Where a process has more than a few queues or partitions, they take turns, and all of them together are
   * looked at a few times in so many ms (hub.ts). Where many stand by, Redis lets each look more seldom.
   */
  rest: number
  /** With so many queues or partitions a process says once in so many ms that it is there, and asks after the others. */
  present: number
  /** A claim that is not answered for so long keeps no slot from the other lanes any more. */
  silentAfter: number
  /** Pause after a claim that failed: doubles from the first to the second. */
  pauses: readonly [number, number]
  /** Pause between two tries to tell Redis the end of a batch. */
  tellAgain: number
  /** How long a process that has slept past the end of a lease waits for Redis to say whose the batch is, at most. */
  grace: number
  /** How long a worker that closes waits for Redis to take back its watch, so that others look at once. */
  leaveWithin: number
  /** How often a process tests that wake-ups reach it, and how long it waits for the echo. */
  echoEvery: number
  echoWithin: number
  /**
   * How often a worker looks whether a step of a change of partitions was lost, or is still to be taken; the workers of a process take turns, so
   * that many of them do so more seldom.
   */
  maintainEvery: number
  /** It does so after its connection was made anew as well, within so many ms: not all workers at once. */
  maintainAnew: number
}

export const TIMING: Timing = {
  runWithin: 5000,
  stall: 5000,
  rest: 1000,
  present: 900,
  silentAfter: 250,
  pauses: [100, 2000],
  tellAgain: 500,
  grace: 1000,
  leaveWithin: 1000,
  echoEvery: 10_000,
  echoWithin: 3000,
  maintainEvery: 60_000,
  maintainAnew: 1000,
}
