import { RapidfireError } from '../errors.ts'
import type { Call } from '../protocol/calls.ts'
import { KnownLayout, MOST_TURNS, PROBE, within } from './layout.ts'
import { isBehind, type Layout, type RootLayout, type Roots, rootKey, rootsOf } from './roots.ts'
import { Steps } from './steps.ts'

/** How often a client that claims does what `maintain` does, ms: without a worker nobody else would. */
const MAINTAIN_EVERY = 60_000

/** Former partitions that one maintenance looks at. */
const FORMER = 64

/** The layout that a change leads to which is being prepared. */
const prepared = ({ serving, other, generation }: Layout): Layout => ({
  state: 'draining',
  serving: other,
  other: serving,
  generation: generation + 1,
})

/** The partitions of a queue: changes their number, ends what others have begun, and restores roots that have missed a change. */
export class Partitioning {
  readonly layout: KnownLayout
  readonly steps: Steps
  readonly #queue: string
  #maintaining: Promise<Roots> | undefined
  #maintainedAt = Number.NEGATIVE_INFINITY
  /** Roots outside the layout that hold messages. */
  #strays: readonly string[] = []
  /** The former partition that is looked at next. */
  #former = 0

  /** @param begin waits for the start of the client: see `KnownLayout` */
  constructor(queue: string, call: Call, begin?: () => Promise<void>) {
    this.#queue = queue
    this.layout = new KnownLayout(queue, call, begin)
    this.steps = new Steps(queue, call)
  }

  /** Roots to claim from, as far as this process knows. */
  get known(): Roots {
    return this.layout.roots(this.#strays)
  }

  /**
   * Roots to claim from; `refused` is one that would not serve. On its way it ends what others have begun, restores roots that are behind,
   * and once a minute does what `maintain` does.
   */
  async roots(refused?: string): Promise<Roots> {
    if (refused !== undefined) await this.readAfter(refused)
    else {
      await this.layout.current()
      // One server that is away must not keep the others from being served: what it keeps from being restored is restored later.
      await this.mend().catch(() => {})
    }
    // Of a queue without partitions, reading has looked at all that there is.
    if (this.layout.generation === 0 && this.#maintainedAt === Number.NEGATIVE_INFINITY) this.#maintainedAt = performance.now()
    // It takes several calls: behind a server that is silent it goes on by itself.
    if (performance.now() - this.#maintainedAt > MAINTAIN_EVERY)
      await within(
        PROBE,
        this.maintain().catch(() => {}),
      )
    return this.known
  }

  /** Reads the layout after a root has refused to serve, or to serve by the layout that is known here. Whoever of them is behind is restored. */
  async readAfter(root: string): Promise<void> {
    const { layout } = this
    const [told] = await Promise.all([layout.ask(root), layout.read()])
    await layout.follow(told.layout)
    await this.mend()
    await this.#restore(root, told)
  }

  /** Makes a call that takes from a root. One that has missed a change refuses: it is restored, and called again if it is to be claimed from. */
  async takeFrom<Result>(root: string, drain: boolean, call: (generation: number) => Promise<Result>): Promise<Result> {
    try {
      return await call(this.layout.generation)
    } catch (error) {
      if (!(error instanceof RapidfireError && error.code === 'REPARTITIONED')) throw error
      await this.readAfter(root)
      const { serving, draining } = this.known
      if (!(drain ? draining : serving).includes(root)) throw error
      return await call(this.layout.generation)
    }
  }

  /** Begins a change to so many partitions, with `fresh` only when the queue is new, and carries it out. */
  async change(partitions: number, fresh: boolean): Promise<void> {
    await this.steps.prepare(partitions, fresh)
    await this.layout.read()
    await this.mend()
  }

  /** Ends a change that somebody has broken off, and restores the root of the queue if it has lost one. */
  async mend(): Promise<void> {
    const { layout } = this
    for (let turn = 0; turn < MOST_TURNS && layout.told; turn += 1) {
      const { told } = layout
      const isLost = told.layout.generation < layout.generation
      if (!isLost && told.layout.state !== 'preparing') return
      const target = isLost ? layout.known : prepared(told.layout)
      const newer = await this.steps.carryOut(target, told)
      if (newer === undefined) {
        layout.learn(target)
        await layout.askQueue()
      } else await layout.follow((await layout.ask(newer)).layout)
    }
  }

  /** Restores a root that is behind: one that should serve has lost its data, with its server, or a step. */
  async #restore(root: string, told: RootLayout): Promise<void> {
    const { known, generation } = this.layout
    const serves = rootsOf(this.#queue, known.serving).includes(root)
    if (generation === 0 || !isBehind(told, serves, generation)) return
    if (serves) await this.steps.open(known, root, this.layout.told as RootLayout)
    else await this.steps.retire(known, root)
  }

  /**
   * What somebody has to do about once a minute, and after servers were replaced: takes again the steps of the last change that may have been
   * lost, ends a change when nothing is left to drain, and finds roots outside the layout that hold messages.
   */
  maintain(): Promise<Roots> {
    this.#maintaining ??= this.#maintain().finally(() => (this.#maintaining = undefined))
    return this.#maintaining
  }

  async #maintain(): Promise<Roots> {
    const { layout } = this
    await layout.readFurther()
    await this.mend()
    this.#maintainedAt = performance.now()
    if (layout.generation === 0) return this.known
    const { state, serving, other } = layout.known
    const draining = state === 'draining' ? rootsOf(this.#queue, other) : []
    const retired = [...new Set([layout.root, ...draining])]
    const left = await Promise.allSettled(retired.map((root) => this.steps.retire(layout.known, root)))
    const states = new Map(retired.map((root, n) => [root, left[n]?.status === 'fulfilled' ? left[n].value : undefined]))
    for (const [root, each] of states) {
      if (each && each.generation > layout.generation) {
        await this.readAfter(root)
        return this.known
      }
    }
    const isDrained = (root: string) => states.get(root)?.keys === 0 && states.get(root)?.remembers === 0
    if (state === 'draining' && draining.every(isDrained)) layout.learn(await this.steps.settle(serving.first))
    this.#strays = [...(states.get(layout.root)?.keys === 0 ? [] : [layout.root]), ...(await this.#formerStrays(draining))]
    return this.known
  }

  /** Former partitions that hold messages, some of them looked at in turn. One that takes new keys, or is about to be drained, is retired anew. */
  async #formerStrays(draining: string[]): Promise<string[]> {
    const { layout } = this
    const count = layout.known.serving.first
    const numbers = new Set(Array.from({ length: Math.min(count, FORMER) }, (_, n) => (this.#former + n) % count))
    this.#former = count === 0 ? 0 : (this.#former + numbers.size) % count
    const roots = [...numbers].map((n) => rootKey(this.#queue, n)).filter((root) => !draining.includes(root))
    const found = await Promise.allSettled(
      roots.map(async (root) => {
        const told = await layout.ask(root)
        if (told.serves === 'open' || (told.keys > 0 && isBehind(told, false, layout.generation)))
          await this.steps.retire(layout.known, root)
        return told.keys > 0
      }),
    )
    // Those that were not looked at in this turn, or did not answer, are drained until they are known to be empty.
    const looked = new Map(roots.map((root, n) => [root, found[n]?.status === 'fulfilled' ? found[n].value : undefined]))
    const before = this.#strays.filter((root) => root !== layout.root && looked.get(root) === undefined)
    return [...before, ...roots.filter((root) => looked.get(root))]
  }

  /** Restores what is behind, of all these roots; for `check`, which has looked at them. */
  async restore(roots: ReadonlyMap<string, RootLayout>): Promise<void> {
    const { layout } = this
    await layout.readFurther()
    for (const told of roots.values()) await layout.follow(told.layout)
    await this.mend()
    if (layout.generation === 0) return
    const serving = new Set(rootsOf(this.#queue, layout.known.serving))
    for (const [root, told] of roots) {
      if (serving.has(root) || told.serves !== 'unused' || told.keys > 0) await this.#restore(root, told)
    }
    const policy = await this.steps.policy(layout.root, {})
    const draining = layout.known.state === 'draining' ? rootsOf(this.#queue, layout.known.other) : []
    for (const root of [...serving, ...draining]) if (root !== layout.root && roots.has(root)) await this.steps.policy(root, policy)
  }
}
