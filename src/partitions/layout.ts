import { RapidfireError } from '../errors.ts'
import type { Policy, RootPolicy } from '../options.ts'
import { COMMANDS } from '../protocol/commands.ts'
import { OPTIONS } from '../redis/generated/limits.ts'
import {
  type CallRoot,
  isBehind,
  isOtherGeneration,
  type Layout,
  type Partitions,
  type RootLayout,
  type Roots,
  rootKey,
  rootOfKey,
  rootsOf,
} from './roots.ts'
import { Steps } from './steps.ts'

export * from './roots.ts'

/** For how long a layout that is about to change is believed, ms. */
const FRESH = 10_000

/** How often a client that claims does what `maintain` does, ms: without a worker nobody else would. */
const MAINTAIN_EVERY = 60_000

/** For how long the first look waits for a root that a queue may not even have, ms. */
const PROBE = 1000

/** Layouts that may be found, each newer than the one before, by one look. */
const MOST_TURNS = 16

/** Partitions that a change would make which was lost, and that one maintenance looks at. */
const NEXT = 4

/** Former partitions that one maintenance looks at. */
const FORMER = 64

const NONE: Partitions = { first: 0, count: 0 }

/** The layout that a change leads to which is being prepared. */
const prepared = ({ serving, other, generation }: Layout): Layout => ({
  state: 'draining',
  serving: other,
  other: serving,
  generation: generation + 1,
})

/**
 * The layout of a queue as far as this process knows it: asked for anew when Redis says that it has changed. Any root may have missed a change,
 * when its server was replaced by one that had not heard of it; so every root tells what it knows, the newest holds, and whoever meets a root
 * that is behind restores it.
 */
export class Partitioning {
  readonly #queue: string
  readonly #root: string
  readonly #call: CallRoot
  readonly #steps: Steps
  #known: Layout = { state: 'steady', serving: NONE, other: NONE, generation: 0 }
  /** What the root of the queue has told last. */
  #told: RootLayout | undefined
  #readAt = 0
  #isRead = false
  #reading: Promise<Layout> | undefined
  #probed: Promise<RootLayout | undefined> | undefined
  #maintaining: Promise<Roots> | undefined
  #maintainedAt = Number.NEGATIVE_INFINITY
  /** Roots outside the layout that hold messages. */
  #strays: readonly string[] = []
  /** The former partition that is looked at next. */
  #former = 0

  constructor(queue: string, call: CallRoot) {
    this.#queue = queue
    this.#root = rootKey(queue)
    this.#call = call
    this.#steps = new Steps(queue, call)
  }

  /** Generation of the layout that this process goes by; sent with each call that depends on it, unless it is 0. */
  get generation(): number {
    return this.#known.generation
  }

  /** Whether Redis has been asked for the layout: before that, this process would take any queue for one without partitions. */
  get isRead(): boolean {
    return this.#isRead
  }

  /** Partitions that serve, as far as this process knows. */
  get partitions(): number {
    return Math.max(this.#known.serving.count, 1)
  }

  /** Where a message of this key is to be sent. While partitions are drained the old one is asked first: it may hold messages of the key. */
  rootFor(key: string | Uint8Array): string {
    const { state, serving, other } = this.#known
    if (state !== 'draining') return serving.count === 0 ? this.#root : rootOfKey(this.#queue, serving, key)
    if (performance.now() - this.#readAt > FRESH) this.read().catch(() => {})
    return rootOfKey(this.#queue, other, key)
  }

  /**
   * Where a message is to be sent that `root` has not taken; undefined when the layout must be read anew (`readAfter`), and the message sent to
   * `rootFor` again. So it must be when the root goes by another layout: it has not looked whether it holds messages of the key.
   */
  rootAfter(root: string, key: string | Uint8Array, refusal?: Error): string | undefined {
    const { state, serving, other } = this.#known
    if (refusal && isOtherGeneration(refusal)) return undefined
    if (state !== 'draining' || root !== rootOfKey(this.#queue, other, key)) return undefined
    return rootOfKey(this.#queue, serving, key)
  }

  /**
   * Roots to claim from; `refused` is one that would not serve. On its way it ends what others have begun, restores roots that are behind,
   * and once a minute does what `maintain` does.
   */
  async roots(refused?: string): Promise<Roots> {
    if (refused !== undefined) await this.readAfter(refused)
    else {
      await this.read()
      // One server that is away must not keep the others from being served: what it keeps from being restored is restored later.
      await this.#mend().catch(() => {})
    }
    if (performance.now() - this.#maintainedAt > MAINTAIN_EVERY) await this.maintain().catch(() => {})
    return this.#roots()
  }

  #roots(): Roots {
    const { state, serving, other } = this.#known
    const draining = new Set(state === 'draining' ? rootsOf(this.#queue, other) : [])
    for (const stray of this.#strays) draining.add(stray)
    const roots = rootsOf(this.#queue, serving)
    return { serving: roots, draining: [...draining].filter((root) => !roots.includes(root)) }
  }

  /** Every root that the queue has ever had: those that are retired may still hold dead batches. Nothing is written. */
  async everyRoot(): Promise<string[]> {
    await this.read()
    const count = this.#numbered
    return [this.#root, ...rootsOf(this.#queue, { first: 0, count }).slice(0, count)]
  }

  /** How many partitions have numbers. */
  get #numbered(): number {
    const { serving, other } = this.#known
    return Math.max(serving.first + serving.count, other.first + other.count)
  }

  /** Asks Redis for the layout, and writes nothing. */
  read(): Promise<Layout> {
    this.#reading ??= this.#read().finally(() => (this.#reading = undefined))
    return this.#reading
  }

  async #read(): Promise<Layout> {
    const asked = this.#ask(this.#root)
    // A queue whose root has lost its first change looks like one that never had partitions. Then there is a partition 0, for ever.
    const probe = this.generation === 0 ? (this.#probed ??= this.#probeFirst()) : undefined
    const told = await asked
    this.#told = told
    if (this.#learn(told.layout) && told.layout.generation === 0) {
      const further = await probe
      if (further) await this.#follow(further.layout)
    }
    this.#readAt = performance.now()
    this.#isRead = true
    // Of a queue without partitions, that was all there is to look at.
    if (this.generation === 0 && this.#maintainedAt === Number.NEGATIVE_INFINITY) this.#maintainedAt = this.#readAt
    return this.#known
  }

  /** What partition 0 tells. When it does not answer, it is asked again by the next look. */
  async #probeFirst(): Promise<RootLayout | undefined> {
    const answer = await this.#probe(rootKey(this.#queue, 0))
    if (!answer) this.#probed = undefined
    return answer
  }

  /** What a root tells that may not even be there, and must keep nobody waiting; undefined when it does not answer in time. */
  async #probe(root: string): Promise<RootLayout | undefined> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), PROBE)
    })
    const answer = await Promise.race([this.#ask(root).catch(() => undefined), late])
    clearTimeout(timer)
    return answer
  }

  /** Takes a layout for the one that holds, unless a newer one is known. Returns whether it did. */
  #learn(layout: Layout): boolean {
    if (layout.generation < this.#known.generation) return false
    this.#known = layout
    return true
  }

  /** Takes over a layout that a root of a partition has told, if it is newer; and those that its partitions know, if they are still newer. */
  async #follow(layout: Layout): Promise<void> {
    for (let turn = 0; turn < MOST_TURNS && layout.generation > this.generation; turn += 1) {
      this.#known = layout
      const told = await Promise.allSettled(rootsOf(this.#queue, layout.serving).map((root) => this.#ask(root)))
      for (const each of told) {
        if (each.status === 'fulfilled' && each.value.layout.generation > layout.generation) layout = each.value.layout
      }
    }
  }

  /** Takes over what another client of this queue knows. */
  learnFrom(other: Partitioning): void {
    this.#learn(other.#known)
    this.#isRead ||= other.#isRead
  }

  /** Reads the layout after a root has refused to serve, or to serve by the layout that is known here. Whoever of them is behind is restored. */
  async readAfter(root: string): Promise<Layout> {
    const [told] = await Promise.all([this.#ask(root), this.read()])
    await this.#follow(told.layout)
    await this.#mend()
    const serves = rootsOf(this.#queue, this.#known.serving).includes(root)
    if (this.generation > 0 && isBehind(told, serves, this.generation)) {
      // One that should serve has lost its data, with its server, or a step.
      if (serves) await this.#steps.open(this.#known, [root], this.#told as RootLayout)
      else await this.#steps.retire(this.#known, [root])
    }
    return this.#known
  }

  /** After a root has refused to hand over, restores it. Returns whether it is to be claimed from in this way. */
  async isRestored(root: string, drain: boolean): Promise<boolean> {
    await this.readAfter(root)
    const { serving, draining } = this.#roots()
    return (drain ? draining : serving).includes(root)
  }

  /** Ends a change that somebody has broken off, and restores the root of the queue if it has lost one. */
  async #mend(): Promise<void> {
    for (let turn = 0; turn < MOST_TURNS && this.#told; turn += 1) {
      const { layout } = this.#told
      const lost = layout.generation < this.generation
      if (!lost && layout.state !== 'preparing') return
      const target = lost ? this.#known : prepared(layout)
      const newer = await this.#steps.carryOut(target, this.#told)
      if (newer === undefined) {
        this.#known = { ...target }
        this.#told = await this.#ask(this.#root)
        this.#learn(this.#told.layout)
      } else await this.#follow((await this.#ask(newer)).layout)
    }
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
    await this.#lookFurther()
    await this.#mend()
    this.#maintainedAt = performance.now()
    if (this.generation === 0) return this.#roots()
    const { state, serving, other } = this.#known
    const draining = state === 'draining' ? rootsOf(this.#queue, other) : []
    const retired = [...new Set([this.#root, ...draining])]
    const left = await Promise.allSettled(retired.map((root) => this.#steps.retire(this.#known, [root])))
    const states = new Map(retired.map((root, n) => [root, left[n]?.status === 'fulfilled' ? left[n].value[0] : undefined]))
    for (const [root, each] of states) {
      if (each && each.generation > this.generation) {
        await this.readAfter(root)
        return this.#roots()
      }
    }
    const isDrained = (root: string) => states.get(root)?.keys === 0 && states.get(root)?.remembers === 0
    if (state === 'draining' && draining.every(isDrained)) this.#learn(await this.#steps.settle(serving.first))
    this.#strays = [...(states.get(this.#root)?.keys === 0 ? [] : [this.#root]), ...(await this.#formerStrays(draining))]
    return this.#roots()
  }

  /**
   * Asks the root of the queue, and the first few of the partitions that the next change would make: they are there if such a change was lost.
   * A few, since the server that lost it may have lost some of them as well.
   */
  async #lookFurther(): Promise<void> {
    // Without partitions, reading looks at the first by itself.
    const first = this.generation === 0 ? 1 : 0
    if (first === 1) this.#probed = undefined
    await this.read()
    const { state, serving } = this.#known
    if (state === 'preparing') return
    const next = serving.first + serving.count
    const told = await Promise.all(Array.from({ length: NEXT - first }, (_, n) => this.#probe(rootKey(this.#queue, next + first + n))))
    for (const each of told) if (each) await this.#follow(each.layout)
  }

  /** Former partitions that hold messages, some of them looked at in turn. One that takes new keys, or is about to be drained, is retired anew. */
  async #formerStrays(draining: string[]): Promise<string[]> {
    const count = this.#known.serving.first
    const numbers = new Set(Array.from({ length: Math.min(count, FORMER) }, (_, n) => (this.#former + n) % count))
    this.#former = count === 0 ? 0 : (this.#former + numbers.size) % count
    const roots = [...numbers].map((n) => rootKey(this.#queue, n)).filter((root) => !draining.includes(root))
    const found = await Promise.allSettled(
      roots.map(async (root) => {
        const told = await this.#ask(root)
        if (told.serves === 'open' || (told.keys > 0 && isBehind(told, false, this.generation)))
          await this.#steps.retire(this.#known, [root])
        return told.keys > 0
      }),
    )
    // Those that were not looked at in this turn, or did not answer, are drained until they are known to be empty.
    const looked = new Map(roots.map((root, n) => [root, found[n]?.status === 'fulfilled' ? found[n].value : undefined]))
    const before = this.#strays.filter((root) => root !== this.#root && looked.get(root) === undefined)
    return [...before, ...roots.filter((root) => looked.get(root))]
  }

  #ask(root: string): Promise<RootLayout> {
    return this.#call(root, 'layout', [], COMMANDS.layout.reply)
  }

  /**
   * The stored policy, after storing `changes` in every root.
   *
   * @throws RapidfireError `BAD_POLICY`, `UNKNOWN_ARGUMENT`, `REPARTITIONING`
   */
  async policy(changes: Partial<Policy>): Promise<Policy> {
    const { partitions, ...members } = changes
    checkPartitions(partitions)
    const { serving, draining } = await this.roots()
    // First where it is read from.
    const policy = await this.#steps.policy(this.#root, members)
    if (Object.keys(members).length > 0) {
      const others = [...serving, ...draining].filter((root) => root !== this.#root)
      await Promise.all(others.map((root) => this.#steps.policy(root, members)))
    }
    if (partitions !== undefined) {
      await this.#lookFurther()
      await this.#mend()
      await this.#steps.prepare(partitions, false)
      await this.read()
      await this.#mend()
    }
    return { ...policy, partitions: this.partitions }
  }

  /**
   * Stores a policy that a program gives at its start: what it gave before, or what a person has set since, stays. `partitions` are for a new
   * queue alone. `again`: it was stored before, and Redis may have lost it.
   *
   * @throws RapidfireError `BAD_POLICY`, `UNKNOWN_ARGUMENT`
   */
  async give(given: Partial<Policy>, program: string, again: boolean): Promise<void> {
    const { partitions, ...members } = given
    checkPartitions(partitions)
    await this.read()
    await this.#mend().catch(() => {})
    const { serving, draining } = this.#roots()
    const policy = await this.#steps.policy(this.#root, members, { program, again })
    if (partitions !== undefined && this.generation === 0) {
      await this.#steps.prepare(partitions, true)
      await this.read()
      await this.#mend()
    }
    // What the root of the queue has decided. One that cannot be reached has its own, and `check` tells of the difference.
    const decided = Object.fromEntries(Object.keys(members).map((name) => [name, policy[name as keyof RootPolicy]]))
    if (Object.keys(decided).length === 0) return
    const others = [...serving, ...draining].filter((root) => root !== this.#root)
    await Promise.allSettled(others.map((root) => this.#steps.policy(root, decided)))
  }

  /** Restores what is behind, of all these roots; for `check`, which has looked at them. */
  async restore(roots: ReadonlyMap<string, RootLayout>): Promise<void> {
    await this.#lookFurther()
    for (const { layout } of roots.values()) await this.#follow(layout)
    await this.#mend()
    if (this.generation === 0) return
    const serving = new Set(rootsOf(this.#queue, this.#known.serving))
    for (const [root, told] of roots) {
      if (!isBehind(told, serving.has(root), this.generation)) continue
      if (serving.has(root)) await this.#steps.open(this.#known, [root], this.#told as RootLayout)
      else if (told.serves !== 'unused' || told.keys > 0) await this.#steps.retire(this.#known, [root])
    }
    const policy = await this.#steps.policy(this.#root, {})
    const draining = this.#known.state === 'draining' ? rootsOf(this.#queue, this.#known.other) : []
    for (const root of [...serving, ...draining]) if (root !== this.#root && roots.has(root)) await this.#steps.policy(root, policy)
  }
}

function checkPartitions(partitions: unknown): void {
  const { least, most } = OPTIONS.prepare
  if (partitions === undefined || (Number.isInteger(partitions) && Number(partitions) >= least && Number(partitions) <= most)) return
  throw new RapidfireError('BAD_POLICY', `partitions must be an integer from ${least} to ${most}, got ${String(partitions)}`)
}
