import { RapidfireError } from '../errors.ts'
import type { Proof, Source } from './sources/message.ts'
import { SECRETS, type Secrets } from './trust.ts'

/** Who may post: sources with a proof of who has sent, and those that need none. */
export interface Served<T> {
  sources: readonly Source<T>[]
  /** Names. */
  unsigned: readonly string[]
}

const bad = (message: string) => new RapidfireError('BAD_OPTION', message)

/**
 * Of the sources that are known those that are served: their secret is given, or they are named in `unsigned`.
 *
 * @param options.named whether each of them was asked for, and so must be served
 * @throws RapidfireError `BAD_OPTION`
 */
export function servedSources<T>(
  known: readonly Source<T>[],
  { secrets, unsigned = [], named }: { secrets: Secrets; unsigned?: readonly string[] | undefined; named: boolean },
): Served<T> {
  const names = known.map(({ name }) => name)
  const twice = names.find((name, n) => names.indexOf(name) !== n)
  if (twice !== undefined) throw bad(`two sources are named ${twice}`)
  if (!Array.isArray(unsigned)) throw bad('unsigned must be a list of names of sources')
  const unknown = unsigned.find((name) => !names.includes(name))
  if (unknown !== undefined) throw bad(`unsigned may name ${names.join(', ')}, got '${unknown}'`)
  const isServed = ({ name, proof, verify }: Source<T>) =>
    unsigned.includes(name) || verify !== undefined || (proof !== undefined && secrets[SECRETS[proof]] !== undefined)
  // Who names a source means to serve it.
  const lacking = named && known.find((source) => !isServed(source))
  if (lacking) throw bad(`the source ${lacking.name} needs ${SECRETS[lacking.proof as Proof]}, or must be named in unsigned`)
  const sources = known.filter(isServed)
  if (sources.length === 0) {
    throw bad(`without a secret nobody may post: give ${Object.values(SECRETS).join(', ')} or, for whom the port is enough, unsigned`)
  }
  return { sources, unsigned }
}
