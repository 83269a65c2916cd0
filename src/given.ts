// What callers have given, looked at before it does harm: whether its names are known and its values possible, said in the caller's words.

import { RapidfireError } from './errors.ts'

/** The names of the members of `T`; the compiler sees to it that none is left out, and none made up. */
export type Names<T> = Readonly<Record<keyof T, true>>

/**
 * A misspelt option must not be left out in silence: what it was to change would stay as it is.
 *
 * @param who takes the options, as its caller calls it
 * @throws RapidfireError `BAD_OPTION`, with the known name that is nearest
 */
export function checkNames<T>(who: string, given: unknown, names: Names<T>): void {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw bad(`${who} takes an object with ${listOf(names)}, got ${kindOf(given)}`)
  }
  for (const name in given) {
    if (Object.hasOwn(names, name)) continue
    const near = nearest(name, Object.keys(names))
    throw bad(`${who} has no option ${shown(name)}: ${near ? `did you mean ${near}?` : `it takes ${listOf(names)}`}`)
  }
}

/** The most that a timer of Node waits, ms: with more it does not wait at all. */
const LONGEST = 2 ** 31 - 1

/** @throws RapidfireError `BAD_OPTION` */
export function whole(name: string, value: unknown, { least, most }: { least: number; most: number }, unit = ''): number {
  if (Number.isInteger(value) && (value as number) >= least && (value as number) <= most) return value as number
  throw bad(`${name} must be an integer ${unit && `of ${unit} `}from ${least} to ${most}, got ${shown(value)}`)
}

/** A time in ms; by default one for which a timer can wait. */
export const ms = (name: string, value: unknown, { least = 1, most = LONGEST } = {}): number => whole(name, value, { least, most }, 'ms')

/** The same of a time for which somebody may choose to wait for ever. */
export function msOrForever(name: string, value: unknown, { least = 0, most = LONGEST } = {}): number | undefined {
  return value === undefined || value === Number.POSITIVE_INFINITY ? undefined : ms(name, value, { least, most })
}

/** @throws RapidfireError `BAD_OPTION` */
export function checkFlag(name: string, value: unknown): void {
  if (value !== undefined && typeof value !== 'boolean') throw bad(`${name} must be true or false, got ${shown(value)}`)
}

/** @throws RapidfireError `BAD_OPTION` */
export function checkFunction(name: string, value: unknown): void {
  if (typeof value !== 'function') throw bad(`${name} must be a function, got ${shown(value)}`)
}

/** What stands where no text belongs: of a text only that it is one, since it may be a URL with its password, or what somebody wrote. */
export const kindOf = (value: unknown): string => (typeof value === 'string' ? 'a text' : shown(value))

/** A value as it may stand in an error: what people write is not shown. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return /^[\w\p{P}]{0,40}$/u.test(value) ? `'${value}'` : `a text of ${value.length} characters`
  if (value === null || value === undefined || typeof value === 'number' || typeof value === 'boolean') return String(value)
  return Array.isArray(value) ? 'a list' : typeof value === 'object' ? 'an object' : `a ${typeof value}`
}

/** The name that somebody may have meant: at most two letters, or a third of them, apart. */
export function nearest(name: string, names: readonly string[]): string | undefined {
  const apart = names.map((each) => ({ each, by: distance(name.toLowerCase(), each.toLowerCase()) })).sort((a, b) => a.by - b.by)[0]
  return apart && apart.by <= Math.min(2, Math.ceil(apart.each.length / 3)) ? apart.each : undefined
}

/** How many letters must be put in, left out or changed to make one word of the other. */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, n) => n)
  for (let i = 1; i <= one.length; i += 1) {
    const next = [i]
    for (let j = 1; j <= other.length; j += 1) {
      const changed = (row[j - 1] as number) + (one[i - 1] === other[j - 1] ? 0 : 1)
      next.push(Math.min(changed, (row[j] as number) + 1, (next[j - 1] as number) + 1))
    }
    row = next
  }
  return row[other.length] as number
}

const listOf = (names: object) => Object.keys(names).join(', ')

const bad = (text: string) => new RapidfireError('BAD_OPTION', text)
