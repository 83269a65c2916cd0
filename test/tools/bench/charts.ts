/** A chart of README.md beside this file; the one of the lateness stands in the README at the top too. */
export interface Chart {
  name: string
  title: string
  /** Measure, column and name of each series. */
  series: { measure: string; column: string; name: string }[]
  logarithmic?: true
  digits: number
}

export const CHARTS: Chart[] = [
  {
    name: 'add',
    title: 'Adding messages, × raw RPUSH (more is better)',
    series: [
      { measure: 'add', column: 'ratio', name: 'single, 64 callers' },
      { measure: 'bulk', column: 'ratio', name: '250 at once' },
    ],
    digits: 2,
  },
  {
    name: 'drain',
    title: 'Handling batches that are due, a second (more is better)',
    series: [{ measure: 'drain', column: 'rate', name: 'batches/s' }],
    digits: 0,
  },
  {
    name: 'lateness',
    title: 'Lateness at p99, ms, logarithmic (less is better)',
    series: [
      { measure: 'quiet', column: 'p99', name: '1 batch/s' },
      { measure: 'late200', column: 'p99', name: '200 batches/s' },
      { measure: 'late2000', column: 'p99', name: '2,000 batches/s' },
    ],
    logarithmic: true,
    digits: 1,
  },
  {
    name: 'memory',
    title: 'Memory of Redis for a pending message of 100 bytes (less is better)',
    series: [{ measure: 'memory', column: 'bytes', name: 'bytes' }],
    digits: 0,
  },
]
