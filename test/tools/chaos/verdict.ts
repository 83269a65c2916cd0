/** What became of a run. */
export interface Verdict {
  /** What was not as promised, in words. */
  broken: string[]
  /** Figures of the run, by name. */
  figures: [name: string, value: string | number][]
}
