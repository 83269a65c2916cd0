/** The JSON that some data were parsed from. */
const given = new WeakMap<object, string>()

/**
 * Has data stored as the JSON that they came in, which may say more than they do: digits of numbers beyond 2^53.
 *
 * @param json what `data` was parsed from, and nothing else
 */
export function keepJson(data: object, json: string): void {
  given.set(data, json)
}

/** The JSON that these data are stored as, if not their own. */
export const keptJson = (data: unknown): string | undefined => (typeof data === 'object' && data !== null ? given.get(data) : undefined)

/** Has it stored as it is: a schema may have changed it. */
export function forgetJson(data: unknown): void {
  if (typeof data === 'object' && data !== null) given.delete(data)
}
