import { fitsId, fitsKey, member, type Source } from './message.ts'

/**
 * `{ key, id, data }`, or an array of them: the form for senders of your own. The id is what makes a repeated delivery harmless, so
 * it must be there; `data` is anything and is taken as it is, for the schema of the client to check.
 */
export function generic<T = unknown>(): Source<T> {
  return function generic(payload) {
    const elements: unknown[] = Array.isArray(payload) ? payload : [payload]
    if (elements.length === 0 || !elements.every(isMessage)) return undefined
    return elements.map((element) => ({
      key: member(element, 'key') as string,
      id: member(element, 'id') as string,
      data: member(element, 'data') as T,
    }))
  }
}

const isMessage = (element: unknown): boolean =>
  fitsKey(member(element, 'key')) && fitsId(member(element, 'id')) && member(element, 'data') !== undefined
