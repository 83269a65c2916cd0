/** A message of the bench: about 100 bytes as JSON. */
export interface BenchMessage {
  key: string
  data: { text: string }
  /** `data` as text: what a system that stores text is given, so that JSON costs it nothing. */
  text: string
  id: string
}

/** A batch as the handlers of the bench get it. */
export interface BenchBatch {
  /** Messages in it. */
  count: number
  /** When it was to be handled, by the system's own account: whole ms since 1970. */
  deadline: number
}

export interface SystemOptions {
  url: string
  /** Quiet time after the last message of a key, ms. */
  wait: number
  /** Whether messages have ids to find duplicates by. */
  ids: boolean
  /** Of rapidfire, beside the wait and the largest batch; when it is left out, the default one. */
  policy?: { archive: number } | { events: number } | undefined
  /** Of so many queues; of one when it is left out. */
  queues?: number | undefined
  /** Most messages of a batch; when it is left out, what the system has by default. */
  batch?: number | undefined
}

export interface WorkOptions {
  concurrency: number
  handler: (batch: BenchBatch) => void
  /** Called when the end of a batch has been told to Redis. */
  completed: () => void
}

/** What the bench does with each of the things that it compares. */
export interface System {
  add(message: BenchMessage): Promise<unknown>
  addMany(messages: readonly BenchMessage[]): Promise<unknown>
  /** Starts to handle batches when they are due; returns what stops it. Systems that only store have none. */
  work?(options: WorkOptions): Promise<() => Promise<void>>
  close(): Promise<void>
}
