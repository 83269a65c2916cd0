/**
 * Calls a function that does a bounded number of things in one call, and says `again` of those that it has left, until it has left none. When a
 * later call fails, those that are left are told so, and no others.
 */
export async function askAgain<Item, Word>(
  items: readonly Item[],
  ask: (items: readonly Item[]) => Promise<(Word | Error)[]>,
): Promise<(Exclude<Word, 'again'> | Error)[]> {
  const results = await ask(items)
  const left = items.filter((_, n) => results[n] === 'again')
  const others = left.length === 0 ? [] : await askAgain(left, ask).catch((error: Error) => left.map(() => error))
  return results.map((result) => (result === 'again' ? (others.shift() as Error) : (result as Exclude<Word, 'again'>)))
}
