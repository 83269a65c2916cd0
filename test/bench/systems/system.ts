/** A message of the bench: about 100 bytes as JSON. */
export interface BenchMessage {
  key: string
  data: { text: string }
  /** `data` as text: what a system that stores text is given, so that JSON costs it nothing. */
  text: string
  id: string
}

/** Something to measure, on a connection of its own. */
export interface System {
  name: string
  /** The commands it sends, as INFO commandstats names them; what a function calls is counted in its FCALL. */
  commands: readonly string[]
  add(message: BenchMessage): Promise<unknown>
  addMany(messages: readonly BenchMessage[]): Promise<unknown>
  /** Claims and finishes all that is due, with a handler that does nothing; returns how many batches that were. */
  drain?(concurrency: number): Promise<number>
  close(): Promise<void>
}
