export type Check =
  | 'server'
  | 'library'
  | 'persistence'
  | 'memory'
  | 'replication'
  | 'cluster'
  | 'clock'
  | 'latency'
  | 'rights'
  | 'partitions'
  | 'clients'

export interface Finding {
  check: Check
  /** `wrong`: a promise of rapidfire does not hold, or soon will not. `note`: worth knowing. */
  level: 'ok' | 'note' | 'wrong'
  /** The servers that it is true of. */
  nodes: string[]
  text: string
  /** Commands, one for each server; or what else there is to do. */
  mend: string[]
}
