import type { Entry, Of } from '../../fault/history.ts'

/** What a run breaks of the promises about messages that were edited or taken back, and the messages that for these need not be handled. */
interface Changes {
  broken: string[]
  excused: Set<string>
  /** How many were edited and taken back, as far as that was told. */
  replaced: number
  withdrawn: number
}

/**
 * Follows what became of messages that others edit or take back:
 * - one that was taken back is never handed over;
 * - one that was edited is handed over in its last form;
 * - what has edited or taken back another one is not handed over itself;
 * - of a call whose answer was lost one of all this holds: it has changed the other message, or is a message of its own.
 * None of them changes one that does so itself, and Redis may forget nothing.
 */
export function changesOf(entries: readonly Entry[]): Changes {
  const only = <What extends Entry['what']>(what: What) => entries.filter((entry): entry is Of<What> => entry.what === what)
  const broken: string[] = []
  const excused = new Set<string>()
  const told = new Map(only('accepted').map((entry) => [entry.message, entry]))
  /** In which forms each message was handed over: that of a message is its own name, or that of the message which has edited it. */
  const forms = new Map<string, Set<string>>()
  for (const { messages, forms: seen = messages } of only('started'))
    for (const [n, message] of messages.entries()) forms.set(message, (forms.get(message) ?? new Set()).add(seen[n] as string))
  const kept = new Set(only('buried').flatMap(({ messages }) => messages))
  const isThere = (message: string) => forms.has(message) || kept.has(message)

  const changes = new Map<string, Of<'offered'>[]>()
  for (const offered of only('offered')) if (offered.of) changes.set(offered.of, [...(changes.get(offered.of) ?? []), offered])
  let [replaced, withdrawn] = [0, 0]
  for (const [message, all] of changes) {
    let possible = new Set([message])
    let mayBeGone = false
    for (const { key, message: by, withdraws } of all) {
      const { duplicate, change } = told.get(by) ?? {}
      const what = `${by}, which ${withdraws ? 'takes back' : 'edits'} ${message} of ${key},`
      if (told.has(by) && !duplicate && !change) continue
      if (isThere(by)) {
        if (change) broken.push(`${what} was handed over, and Redis had said that it has ${change} that`)
        // Then it was a message of its own.
        continue
      }
      excused.add(by)
      if (withdraws) mayBeGone = true
      else if (change || duplicate) possible = new Set([by])
      else possible.add(by)
      if (change === 'replaced') replaced += 1
      if (change !== 'withdrawn' && !(duplicate && withdraws)) continue
      withdrawn += 1
      if (isThere(message)) broken.push(`${message} of ${key} was handed over, and ${what} had done so`)
    }
    if (mayBeGone) excused.add(message)
    for (const form of forms.get(message) ?? [])
      if (!possible.has(form)) broken.push(`${message} was handed over as ${form} has it, instead of ${[...possible].join(' or ')}`)
  }
  return { broken, excused, replaced, withdrawn }
}
