import { crc32 } from 'node:zlib'
import { RapidfireError } from '../errors.ts'
import type { RootPolicy } from '../options.ts'

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
  /** Number of the change that made those that serve; 0 when there never was one. */
  generation: number
}

/** What a program has given as a member of the policy. */
export interface Gift {
  value: number
  program: string
}

/** What one root tells: the layout as far as it knows it, and what it is itself. */
export interface RootLayout {
  layout: Layout
  serves: 'open' | 'retired' | 'unused'
  /** Generation in which it began to serve new keys, or ceased. */
  since: number
  /** Conversations that have messages in it. */
  keys: number
  /** The members of the policy that are stored in it. */
  policy: Partial<RootPolicy>
  /** By member: what programs have given at their start, newest first. */
  given: ReadonlyMap<string, Gift[]>
}

/** The roots of a queue to claim from. */
export interface Roots {
  serving: string[]
  /** Those that serve no more and may hold messages. */
  draining: string[]
}

/** Whether a root has refused since it goes by another generation than the caller, whatever it holds. */
export const isOtherGeneration = (refusal: Error) => /goes by generation \d+ /.test(refusal.message)

/** @throws RapidfireError `BAD_QUEUE` */
export function checkQueueName(queue: unknown): string {
  if (typeof queue === 'string' && /^[^{}\s]{1,128}$/u.test(queue) && !/:\d+$/.test(queue)) return queue
  throw new RapidfireError(
    'BAD_QUEUE',
    // With a colon and a number at its end it would be a partition of another queue.
    `a queue name must have 1 to 128 characters without braces and blanks, and must not end in a colon and digits; got '${String(queue)}'`,
  )
}

/** Root key of a queue, or of one of its partitions. */
export const rootKey = (queue: string, partition?: number) => `rapid-fire:{${queue}${partition === undefined ? '' : `:${partition}`}}`

/** The queue that a root is of, or that the root of one of its partitions is of. */
export const queueOf = (root: string): string => root.replace(/^rapid-fire:\{(.*?)(?::\d+)?\}$/, '$1')

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

/** The same by the root of the queue. */
export const rootsBetween = (queueRoot: string, { first, count }: Partitions): string[] =>
  count === 0 ? [queueRoot] : Array.from({ length: count }, (_, n) => `${queueRoot.slice(0, -1)}:${first + n}}`)

export const rootOfKey = (queue: string, { first, count }: Partitions, key: string | Uint8Array): string =>
  count === 0 ? rootKey(queue) : rootKey(queue, first + partitionOf(key, count))

/** The number of the partition that a root is of, by the root of the queue; undefined when it is of none. */
export function numberOf(queueRoot: string, root: string): number | undefined {
  if (typeof root !== 'string' || !root.startsWith(`${queueRoot.slice(0, -1)}:`)) return undefined
  const number = /^(\d+)\}$/.exec(root.slice(queueRoot.length))?.[1]
  return number === undefined ? undefined : Number(number)
}

export const includes = ({ first, count }: Partitions, number: number): boolean => number >= first && number < first + count

/** Whether a root is that of the queue, or of one of its partitions. */
export function isRootOf(queue: string, root: string): boolean {
  const whole = rootKey(queue)
  return root === whole || numberOf(whole, root) !== undefined
}

/**
 * The root that holds a dead batch, by its id: a batch of a partition has the number of it at the end, `<ms>-<number>-<partition>`. Ids are all
 * that people have of a dead batch; a claimed one carries its root.
 */
export function rootOfId(queue: string, id: string): string {
  const partition = /^\d+-\d+-(\d+)$/.exec(id)?.[1]
  return rootKey(queue, partition === undefined ? undefined : Number(partition))
}

/** The roots to claim from, one after the other: what is left in those that serve no more comes first, for it is older. */
export const inTurn = ({ serving, draining }: Roots): { root: string; drain: boolean }[] => [
  ...draining.map((root) => ({ root, drain: true })),
  ...serving.map((root) => ({ root, drain: false })),
]

/** Whether two layouts, of one generation, are the same change. */
export const isSameChange = (a: Layout, b: Layout) => a.serving.first === b.serving.first && a.serving.count === b.serving.count

/** Whether a root has missed the change of this generation, in which it should serve or not. */
export function isBehind({ serves, since }: Pick<RootLayout, 'serves' | 'since'>, shouldServe: boolean, generation: number): boolean {
  return since < generation || serves !== (shouldServe ? 'open' : 'retired')
}

/** Does something with items, those of each root together; one result each, in order. */
export async function byRoot<Item, Result>(
  items: readonly Item[],
  rootOf: (item: Item) => string,
  call: (root: string, items: Item[]) => Promise<Result[]>,
): Promise<Result[]> {
  const roots = items.map(rootOf)
  const [first] = roots
  if (first === undefined) return []
  if (roots.every((root) => root === first)) return call(first, [...items])
  const places = new Map<string, number[]>()
  roots.forEach((root, n) => {
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
