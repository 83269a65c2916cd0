import type { Call } from '../protocol/calls.ts'
import {
  includes,
  isOtherGeneration,
  type Layout,
  numberOf,
  type Partitions,
  type RootLayout,
  type Roots,
  rootKey,
  rootOfKey,
  rootsOf,
} from './roots.ts'

/** For how long a layout that is about to change is believed, ms. */
const FRESH = 10_000

/** For how long it is waited for what must keep nobody waiting, such as a root that a queue may not even have, ms. */
export const PROBE = 1000

/** Layouts that may be found, each newer than the one before, by one look. */
export const MOST_TURNS = 16

/** Partitions that a change would make which was lost, and that one look further asks. */
const NEXT = 4

const NONE: Partitions = { first: 0, count: 0 }

/**
 * The layout of a queue as far as this process knows it: asked for anew when Redis says that it has changed. Any root may have missed a change,
 * when its server was replaced by one that had not heard of it; so every root tells what it knows, and the newest holds. Nothing is written here:
 * whoever meets a root that is behind restores it in change.ts.
 */
export class KnownLayout {
  /** The root of the queue. */
  readonly root: string
  readonly #queue: string
  readonly #call: Call
  readonly #begin: () => Promise<void>
  #known: Layout = { state: 'steady', serving: NONE, other: NONE, generation: 0 }
  #told: RootLayout | undefined
  #readAt = 0
  #isRead = false
  #reading: Promise<Layout> | undefined
  #probed: Promise<RootLayout | undefined> | undefined

  /** @param begin waits for the start of the client, in which another one of these reads the layout and hands it over */
  constructor(queue: string, call: Call, begin: () => Promise<void> = async () => {}) {
    this.#queue = queue
    this.root = rootKey(queue)
    this.#call = call
    this.#begin = begin
  }

  get known(): Layout {
    return this.#known
  }

  /** Generation of the layout that this process goes by; sent with each call that depends on it, unless it is 0. */
  get generation(): number {
    return this.#known.generation
  }

  /** What the root of the queue has told last. */
  get told(): RootLayout | undefined {
    return this.#told
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
    if (state !== 'draining') return serving.count === 0 ? this.root : rootOfKey(this.#queue, serving, key)
    if (performance.now() - this.#readAt > FRESH) this.read().catch(() => {})
    return rootOfKey(this.#queue, other, key)
  }

  /**
   * Where a message is to be sent that `root` has not taken; undefined when the layout must be read anew, and the message sent to `rootFor` again.
   * So it must be when the root goes by another layout: it has not looked whether it holds messages of the key.
   */
  rootAfter(root: string, key: string | Uint8Array, refusal?: Error): string | undefined {
    const { state, serving, other } = this.#known
    if (refusal && isOtherGeneration(refusal)) return undefined
    if (state !== 'draining' || root !== rootOfKey(this.#queue, other, key)) return undefined
    return rootOfKey(this.#queue, serving, key)
  }

  /** Roots to claim from; `strays` serve no more either, and hold messages. */
  roots(strays: readonly string[] = []): Roots {
    const { state, serving, other } = this.#known
    const draining = new Set([...(state === 'draining' ? rootsOf(this.#queue, other) : []), ...strays])
    const roots = rootsOf(this.#queue, serving)
    for (const root of roots) draining.delete(root)
    return { serving: roots, draining: [...draining] }
  }

  /** Every root that the queue has ever had: those that are retired may still hold dead batches. */
  async everyRoot(): Promise<string[]> {
    const { serving, other } = await this.current()
    const count = Math.max(serving.first + serving.count, other.first + other.count)
    return [this.root, ...(count === 0 ? [] : rootsOf(this.#queue, { first: 0, count }))]
  }

  /** Whether a root serves no more and is not drained any more either, as far as this process knows: it gets nothing new. */
  isFormer(root: string): boolean {
    const { state, serving, other } = this.#known
    const number = numberOf(this.root, root)
    return number !== undefined && !includes(serving, number) && !(state === 'draining' && includes(other, number))
  }

  /** The layout as it is now. What the start has read, which this very call has begun, is not read again. */
  async current(): Promise<Layout> {
    return (await this.#isNew()) ? this.#known : this.read()
  }

  /** Asks for the layout if nobody has done so yet. */
  async readOnce(): Promise<void> {
    if (!this.#isRead && !(await this.#isNew())) await this.read()
  }

  /** Begins, if that was not done; whether the layout was read by that. */
  async #isNew(): Promise<boolean> {
    if (this.#isRead) return false
    await this.#begin()
    return this.#isRead
  }

  /** Asks Redis for the layout. */
  read(): Promise<Layout> {
    this.#reading ??= this.#read().finally(() => (this.#reading = undefined))
    return this.#reading
  }

  async #read(): Promise<Layout> {
    const asked = this.askQueue()
    // A queue whose root has lost its first change looks like one that never had partitions. Then there is a partition 0, for ever.
    const probe = this.generation === 0 ? (this.#probed ??= this.#probeFirst()) : undefined
    const { layout } = await asked
    if (probe && this.generation === 0 && layout.generation === 0) {
      const further = await within(PROBE, probe)
      if (further) await this.follow(further.layout)
    }
    this.#readAt = performance.now()
    this.#isRead = true
    return this.#known
  }

  /** Asks the root of the queue alone. */
  async askQueue(): Promise<RootLayout> {
    this.#told = await this.ask(this.root)
    this.learn(this.#told.layout)
    return this.#told
  }

  /** What a root tells. */
  ask(root: string): Promise<RootLayout> {
    return this.#call(root, 'layout', {})
  }

  /** What partition 0 tells. When it does not answer, it is asked again by the next look. */
  async #probeFirst(): Promise<RootLayout | undefined> {
    const answer = await this.ask(rootKey(this.#queue, 0)).catch(() => undefined)
    if (!answer) this.#probed = undefined
    return answer
  }

  /** What a root tells that may not even be there, and must keep nobody waiting; undefined when it does not answer in time. */
  #probe(root: string): Promise<RootLayout | undefined> {
    return within(
      PROBE,
      this.ask(root).catch(() => undefined),
    )
  }

  /** Takes a layout for the one that holds, unless a newer one is known. */
  learn(layout: Layout): void {
    if (layout.generation >= this.generation) this.#known = layout
  }

  /** Takes over what another client of this queue knows. */
  learnFrom(other: KnownLayout): void {
    if (!other.#isRead) return
    this.learn(other.#known)
    this.#isRead = true
    this.#readAt = other.#readAt
    this.#told = other.#told
    this.#probed ??= other.#probed
  }

  /** Takes over a layout that a root of a partition has told, if it is newer; and those that its partitions know, if they are still newer. */
  async follow(layout: Layout): Promise<void> {
    for (let turn = 0; turn < MOST_TURNS && layout.generation > this.generation; turn += 1) {
      this.#known = layout
      const told = await Promise.allSettled(rootsOf(this.#queue, layout.serving).map((root) => this.ask(root)))
      for (const each of told) {
        if (each.status === 'fulfilled' && each.value.layout.generation > layout.generation) layout = each.value.layout
      }
    }
  }

  /**
   * Reads, and asks the first few of the partitions that the next change would make: they are there if such a change was lost. A few, since the
   * server that lost it may have lost some of them as well.
   */
  async readFurther(): Promise<void> {
    if (this.generation === 0) this.#probed = undefined
    const { state, serving, generation } = await this.read()
    if (state === 'preparing') return
    const next = serving.first + serving.count
    // Without partitions, reading looks at the first by itself.
    const first = generation === 0 ? 1 : 0
    const told = await Promise.all(Array.from({ length: NEXT - first }, (_, n) => this.#probe(rootKey(this.#queue, next + first + n))))
    for (const each of told) if (each) await this.follow(each.layout)
  }
}

/** What `work` comes to, or undefined when that takes longer than `ms`. */
export async function within<Result>(ms: number, work: Promise<Result>): Promise<Result | undefined> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<undefined>((resolve) => {
    // When the event loop was blocked, what has arrived meanwhile is read before.
    timer = setTimeout(() => setImmediate(resolve, undefined), ms)
  })
  const result = await Promise.race([work, late])
  clearTimeout(timer)
  return result
}
