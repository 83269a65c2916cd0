import { checkFlag, checkNames } from '../../given.ts'
import { Refusal } from '../problem.ts'
import { fitsId, fitsKey, member, OWN_KEYS, type Source } from './message.ts'

export interface GenericOptions {
  /** Takes keys that begin as those of the other sources do: its senders may write into any conversation. @default false */
  anyKey?: boolean
}

/**
 * `{ key, id, data }`, or an array of them: the form for senders of your own. The id is what makes a repeated delivery harmless, so
 * it must be there; `data` is anything and is taken as it is, for the schema of the client to check.
 *
 * @throws RapidfireError `BAD_OPTION`
 */
export function generic<T = unknown>(options: GenericOptions = {}): Source<T> {
  checkNames('generic', options, { anyKey: true })
  checkFlag('anyKey', options.anyKey)
  const { anyKey = false } = options
  const isFree = (key: string) => anyKey || !OWN_KEYS.some((begin) => key.startsWith(begin))
  return {
    name: 'generic',
    proof: 'sender',
    read(payload) {
      const elements: unknown[] = Array.isArray(payload) ? payload : [payload]
      if (elements.length === 0 || !elements.every(isMessage)) return undefined
      return elements.map((element) => {
        const key = member(element, 'key') as string
        if (!isFree(key)) throw new Refusal('RESERVED_KEY')
        return { key, id: member(element, 'id') as string, data: member(element, 'data') as T }
      })
    },
  }
}

const isMessage = (element: unknown): boolean =>
  fitsKey(member(element, 'key')) && fitsId(member(element, 'id')) && member(element, 'data') !== undefined
