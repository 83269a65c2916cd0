import { createHash } from 'node:crypto'

/** Numbers from 0 to below 1 that depend on the seed alone. */
export type Random = () => number

export function randomOf(seed: string): Random {
  let n = 0
  return () => createHash('sha256').update(`${seed} ${n++}`).digest().readUInt32BE() / 2 ** 32
}

/** A number from `least` to below `most`. */
export const between = (random: Random, least: number, most: number) => least + random() * (most - least)

/** A whole number from `least` to `most`. */
export const whole = (random: Random, least: number, most: number) => Math.floor(between(random, least, most + 1))

export const oneOf = <Item>(random: Random, items: readonly Item[]) => items[Math.floor(random() * items.length)] as Item

export function shuffled<Item>(random: Random, items: readonly Item[]): Item[] {
  const left = [...items]
  return items.map(() => left.splice(Math.floor(random() * left.length), 1)[0] as Item)
}
