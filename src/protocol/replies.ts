// How replies of Redis are taken apart. Integers are made numbers, since a client with `stringNumbers` brings them as text.

/** Whole array replies; a single error is thrown by the connection before it comes here. */
export const array = (raw: unknown) => raw as unknown[]

/** An array of names and numbers in turn. */
export function readFields(raw: unknown): [string, number][] {
  const flat = array(raw)
  return Array.from({ length: flat.length / 2 }, (_, n) => [String(flat[2 * n]), Number(flat[2 * n + 1])])
}
