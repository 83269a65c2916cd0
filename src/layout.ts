import { crc32 } from 'node:zlib'
import { COMMANDS } from './commands.ts'
import type { Argument } from './connection.ts'
import { RapidfireError } from './errors.ts'
import type { FunctionName } from './generated/library.ts'
import type { Policy } from './options.ts'

/** A row of partitions, by their numbers. `count` 0 is the root of the queue itself, which serves a queue without partitions. */
export interface Partitions {
  first: number
  count: number
}

/** Which partitions a queue has. While they change, `other` are those that are being prepared or drained. */
export interface Layout {
  state: 'steady' | 'preparing' | 'draining'
  serving: Partitions
  other: Partitions
}

/** Calls a function of one root. */
export type CallRoot = <Output>(root: string, name: FunctionName, args: Argument[], reply: (raw: unknown) => Output) => Promise<Output>

/** For how long a layout that is about to change is believed, ms. */
const FRESH = 10_000

const NONE: Partitions = { first: 0, count: 0 }

/** Root key of a queue, or of one of its partitions. */
export const rootKey = (queue: string, partition?: number) => `rapid-fire:{${queue}${partition === undefined ? '' : `:${partition}`}}`

/**
 * The partition that a key belongs to: CRC-32 of its bytes (the checksum of zlib and of Ethernet, ISO/IEC 8802-3), modulo the number of
 * partitions. Every language has it, so that every caller finds the same one.
 *
 * @param key text is taken as UTF-8
 * @param count partitions that serve, from 1
 * @returns 0 to count - 1; to this the number of the first partition is added
 * @example partitionOf('79001234567', 16) // 15
 */
export const partitionOf = (key: string | Uint8Array, count: number): number => crc32(key) % count

export const rootsOf = (queue: string, { first, count }: Partitions): string[] =>
  count === 0 ? [rootKey(queue)] : Array.from({ length: count }, (_, n) => rootKey(queue, first + n))

export const rootOfKey = (queue: string, { first, count }: Partitions, key: string | Uint8Array): string =>
  count === 0 ? rootKey(queue) : rootKey(queue, first + partitionOf(key, count))

/** A batch of a partition has the number of it at the end of its id. */
export function rootOfBatch(queue: string, id: string): string {
  const partition = /^\d+-\d+-(\d+)$/.exec(id)?.[1]
  return rootKey(queue, partition === undefined ? undefined : Number(partition))
}

/** The layout of a queue as far as this process knows it: asked for anew when Redis says that it has changed. */
export class Partitioning {
  readonly #queue: string
  readonly #root: string
  readonly #call: CallRoot
  #known: Layout = { state: 'steady', serving: NONE, other: NONE }
  #readAt = 0
  #reading: Promise<Layout> | undefined

  constructor(queue: string, call: CallRoot) {
    this.#queue = queue
    this.#root = rootKey(queue)
    this.#call = call
  }

  /** Where a message of this key is to be sent. While partitions are drained the old one is asked first: it may hold messages of the key. */
  rootFor(key: string | Uint8Array): string {
    const { state, serving, other } = this.#known
    if (state !== 'draining') return serving.count === 0 ? this.#root : rootOfKey(this.#queue, serving, key)
    if (performance.now() - this.#readAt > FRESH) this.read().catch(() => {})
    return rootOfKey(this.#queue, other, key)
  }

  /** Where a message is to be sent that `root` has not taken; undefined when the layout must be read anew. */
  rootAfter(root: string, key: string | Uint8Array): string | undefined {
    const { state, serving, other } = this.#known
    if (state !== 'draining' || root !== rootOfKey(this.#queue, other, key)) return undefined
    return rootOfKey(this.#queue, serving, key)
  }

  /** Roots that serve, and those that are being drained; `refused` is one that would not. */
  async roots(refused?: string): Promise<{ serving: string[]; draining: string[] }> {
    const { state, serving, other } = await (refused === undefined ? this.read() : this.readAfter(refused))
    return { serving: rootsOf(this.#queue, serving), draining: state === 'draining' ? rootsOf(this.#queue, other) : [] }
  }

  /** Every root that the queue has ever had: those that are retired may still hold dead batches. */
  async everyRoot(): Promise<string[]> {
    const { serving, other } = await this.read()
    const count = Math.max(serving.first + serving.count, other.first + other.count)
    return [this.#root, ...rootsOf(this.#queue, { first: 0, count }).slice(0, count)]
  }

  /** Asks Redis for the layout, and ends a change that somebody has broken off. */
  read(): Promise<Layout> {
    this.#reading ??= this.#read().finally(() => (this.#reading = undefined))
    return this.#reading
  }

  /** The same after a root has refused to serve. One that should serve has lost its data, with its server: it is opened anew. */
  async readAfter(root: string): Promise<Layout> {
    const layout = await this.read()
    if (layout.serving.count > 0 && rootsOf(this.#queue, layout.serving).includes(root)) await this.#open([root])
    return layout
  }

  async #read(): Promise<Layout> {
    const layout = await this.#call(this.#root, 'layout', [], COMMANDS.layout.reply)
    this.#known = layout.state === 'preparing' ? await this.#finish(layout) : layout
    this.#readAt = performance.now()
    return this.#known
  }

  /** Partitions that serve, as far as this process knows. */
  get partitions(): number {
    return Math.max(this.#known.serving.count, 1)
  }

  /**
   * The stored policy, after storing `changes` in every root.
   *
   * @throws RapidfireError `BAD_POLICY`, `UNKNOWN_ARGUMENT`, `REPARTITIONING`
   */
  async policy(changes: Partial<Policy>): Promise<Policy> {
    const { partitions, ...members } = changes
    if (partitions !== undefined && !(Number.isInteger(partitions) && partitions >= 1 && partitions <= 1024)) {
      throw new RapidfireError('BAD_POLICY', `partitions must be an integer from 1 to 1024, got ${String(partitions)}`)
    }
    const write = (root: string) => this.#call(root, 'policy', COMMANDS.policy.args(members), COMMANDS.policy.reply)
    const { serving, draining } = await this.roots()
    // First where it is read from.
    const policy = await write(this.#root)
    if (Object.keys(members).length > 0) await Promise.all([...serving, ...draining].filter((root) => root !== this.#root).map(write))
    if (partitions !== undefined) await this.#change(partitions)
    return { ...policy, partitions: this.partitions }
  }

  /**
   * Changes the number of partitions: new ones are opened, the old ones retired, and what they hold is drained in its order.
   *
   * @throws RapidfireError `REPARTITIONING`, `BAD_ARGUMENT`
   */
  async #change(count: number): Promise<void> {
    await this.#repartition({ prepare: count })
    await this.read()
  }

  /** Forgets partitions that are drained. Returns whether they are forgotten, and whether they still hold messages. */
  async settle(): Promise<{ settled: boolean; empty: boolean }> {
    const { state, serving, other } = await this.read()
    if (state !== 'draining') return { settled: true, empty: true }
    const left = await Promise.all(rootsOf(this.#queue, other).map((root) => this.#partition(root)))
    const empty = left.every(({ keys }) => keys === 0)
    if (!left.every(({ keys, remembers }) => keys === 0 && remembers === 0)) return { settled: false, empty }
    await this.#repartition({ settle: serving.first })
    await this.read()
    return { settled: true, empty }
  }

  async #finish({ serving, other }: Layout): Promise<Layout> {
    await this.#open(rootsOf(this.#queue, other))
    const left = await Promise.all(rootsOf(this.#queue, serving).map((root) => this.#partition(root, { state: 'RETIRE' })))
    const drained = left.every(({ keys, remembers }) => keys === 0 && remembers === 0)
    return this.#repartition({ commit: other.first, drained })
  }

  async #open(roots: string[]): Promise<void> {
    const policy = await this.#call(this.#root, 'policy', [], COMMANDS.policy.reply)
    await Promise.all(roots.map((root) => this.#partition(root, { state: 'OPEN', policy })))
  }

  #repartition(change: Parameters<typeof COMMANDS.repartition.args>[0]): Promise<Layout> {
    return this.#call(this.#root, 'repartition', COMMANDS.repartition.args(change), COMMANDS.repartition.reply)
  }

  #partition(root: string, change: Parameters<typeof COMMANDS.partition.args>[0] = {}) {
    return this.#call(root, 'partition', COMMANDS.partition.args(change), COMMANDS.partition.reply)
  }
}

/** Does something with items, those of each root together; one result each, in order. */
export async function byRoot<Item, Result>(
  items: readonly Item[],
  rootOf: (item: Item) => string,
  call: (root: string, items: Item[]) => Promise<Result[]>,
): Promise<Result[]> {
  const places = new Map<string, number[]>()
  items.forEach((item, n) => {
    const root = rootOf(item)
    const place = places.get(root)
    if (place) place.push(n)
    else places.set(root, [n])
  })
  const results: Result[] = []
  await Promise.all(
    [...places].map(async ([root, at]) => {
      const some = await call(
        root,
        at.map((n) => items[n] as Item),
      )
      for (const [m, n] of at.entries()) results[n] = some[m] as Result
    }),
  )
  return results
}
