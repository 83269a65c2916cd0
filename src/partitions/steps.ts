import type { RootPolicy } from '../options.ts'
import type { Call, Input, Output } from '../protocol/calls.ts'
import { type Layout, type RootLayout, rootKey, rootsOf } from './roots.ts'

/** Partitions that are asked for the policy that the root of the queue has lost. */
const LENDERS = 8

type PartitionState = Output<'partition'>

/** The steps of which a change of partitions is made. Each may be taken again, by anybody, and none by a caller with an older layout does harm. */
export class Steps {
  readonly #queue: string
  readonly #root: string
  readonly #call: Call

  constructor(queue: string, call: Call) {
    this.#queue = queue
    this.#root = rootKey(queue)
    this.#call = call
  }

  /** The stored policy of one root, after storing `members` there; `given` tells that a program gives them at its start. */
  policy(root: string, members: Partial<RootPolicy>, given?: { program: string; again: boolean }): Promise<RootPolicy> {
    return this.#call(root, 'policy', { members, given })
  }

  /** Begins a change; with `fresh` only when the queue is new. */
  prepare(count: number, fresh: boolean): Promise<Layout> {
    return this.#repartition({ prepare: count, fresh })
  }

  /** Forgets partitions that are drained. */
  settle(first: number): Promise<Layout> {
    return this.#repartition({ settle: first })
  }

  /** Lets a root serve; `told` is what the root of the queue has told. */
  async open(layout: Layout, root: string, told: RootLayout): Promise<PartitionState> {
    return this.#call(root, 'partition', { state: 'OPEN', layout, policy: await this.#policyFor(layout, told) })
  }

  /** Lets a root take no messages of new keys any more. */
  retire(layout: Layout, root: string): Promise<PartitionState> {
    return this.#call(root, 'partition', { state: 'RETIRE', layout })
  }

  /**
   * Makes a layout hold everywhere: first those that serve are opened, then the others retired, and at last the root of the queue, which has
   * told `told`, hears of it. Returns a root that knows a newer layout, if one does: then nobody needs this one.
   */
  async carryOut(layout: Layout, told: RootLayout): Promise<string | undefined> {
    const serving = rootsOf(this.#queue, layout.serving)
    const others = rootsOf(this.#queue, layout.other)
    const retired = [...new Set([...others, this.#root])]
    const policy = await this.#policyFor(layout, told)
    const opened = await Promise.allSettled(serving.map((root) => this.#call(root, 'partition', { state: 'OPEN', layout, policy })))
    const left = await Promise.allSettled(retired.map((root) => this.retire(layout, root)))
    const states = new Map(
      [...serving, ...retired].map((root, n) => [root, [...opened, ...left][n] as PromiseSettledResult<PartitionState>]),
    )
    for (const [root, state] of states) if (state.status === 'fulfilled' && state.value.generation > layout.generation) return root
    if (told.layout.state === 'preparing' && told.layout.generation + 1 === layout.generation) {
      for (const state of states.values()) if (state.status === 'rejected') throw state.reason
      const isDrained = (root: string) => {
        const state = states.get(root) as PromiseFulfilledResult<PartitionState>
        return state.value.keys === 0 && state.value.remembers === 0
      }
      await this.#repartition({ commit: layout.serving.first, drained: others.every(isDrained) })
    } else {
      // The change was made before. A root that cannot be reached now refuses whoever comes by it, and is restored then.
      await this.#repartition({ restore: layout, policy })
    }
    return undefined
  }

  /** The policy that holds: what the root of the queue has lost of it is taken from a partition that has it. */
  async #policyFor(layout: Layout, { policy: stored }: RootLayout): Promise<RootPolicy> {
    const own = await this.policy(this.#root, {})
    if (Object.keys(own).every((name) => name in stored)) return own
    for (const root of rootsOf(this.#queue, layout.serving).slice(0, LENDERS)) {
      const lent = await this.#call(root, 'layout', {}).catch(() => undefined)
      if (!lent || Object.keys(lent.policy).length === 0) continue
      const policy = { ...own, ...lent.policy, ...stored }
      return policy.maxWait >= policy.wait && policy.maxBacklog >= policy.maxSize ? policy : own
    }
    return own
  }

  #repartition(change: Input<'repartition'>): Promise<Layout> {
    return this.#call(this.#root, 'repartition', change)
  }
}
