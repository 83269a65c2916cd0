import type { Roots } from '../partitions/roots.ts'
import { Lane } from './lane.ts'

/** The lanes of a worker: one for each root that it claims from. */
export class Lanes {
  /** By root. */
  #lanes = new Map<string, Lane>()
  readonly #look: (lane: Lane) => void

  /** @param look called when it is time to look at a lane */
  constructor(look: (lane: Lane) => void) {
    this.#look = look
  }

  /** Those that are drained come first, for what is left there is older. */
  get all(): Lane[] {
    return [...this.#lanes.values()]
  }

  get size(): number {
    return this.#lanes.size
  }

  of(root: string): Lane | undefined {
    return this.#lanes.get(root)
  }

  /** Whether the lane has not been replaced, while it was asked. */
  has(lane: Lane): boolean {
    return this.#lanes.get(lane.root) === lane
  }

  every(holds: (lane: Lane) => boolean): boolean {
    return this.all.every(holds)
  }

  /** Looks at all of them now. */
  look(): void {
    for (const lane of this.all) {
      lane.together = true
      lane.lookIn(0)
    }
  }

  /** Takes back all looks that are set. */
  cancel(): void {
    for (const lane of this.all) lane.cancel()
  }

  /** Has a lane for each of these roots from now on. The lanes that are new; undefined when nothing has changed. */
  serve({ serving, draining }: Roots): Lane[] | undefined {
    const wanted = [...draining.map((root) => ({ root, drains: true })), ...serving.map((root) => ({ root, drains: false }))]
    const before = this.#lanes
    const isKnown = ({ root, drains }: { root: string; drains: boolean }) => before.get(root)?.draining === drains
    if (wanted.length === before.size && wanted.every(isKnown)) return undefined
    this.#lanes = new Map(wanted.map((each) => [each.root, isKnown(each) ? (before.get(each.root) as Lane) : this.#make(each)]))
    for (const lane of before.values()) if (!this.has(lane)) lane.cancel()
    return this.all.filter((lane) => before.get(lane.root) !== lane)
  }

  #make({ root, drains }: { root: string; drains: boolean }): Lane {
    const lane: Lane = new Lane(root, drains, () => this.#look(lane))
    return lane
  }
}
