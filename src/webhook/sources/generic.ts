import { checkFlag, checkNames } from '../../given.ts'
import type { NewMessage } from '../../options.ts'
import { Refusal, WRONG } from '../problem.ts'
import { keepExact } from './exact.ts'
import { fitsId, fitsKey, member, OWN_KEYS, type Source } from './message.ts'

export interface GenericOptions {
  /** Takes keys that begin as those of the other sources do: its senders may write into any conversation. @default false */
  anyKey?: boolean
}

/** What a message may name another one by. */
const CHANGES = ['edits', 'withdraws'] as const

/**
 * `{ key, id, data }`, with `edits` or `withdraws` to change another message, or an array of them: the form for senders of your own. The id is what makes a repeated delivery harmless, so
 * it must be there; `data` is anything and is taken as it is, for the schema of the client to check. Without one, numbers of any length in an object
 * or a list are stored to the last digit.
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
    read(payload, text) {
      const elements: unknown[] = Array.isArray(payload) ? payload : [payload]
      if (elements.length === 0) return undefined
      if (!elements.every(isMessage)) return refuse(elements)
      const messages = elements.map((element) => {
        const key = member(element, 'key') as string
        if (!isFree(key)) throw new Refusal('RESERVED_KEY')
        const message: NewMessage<T> = { key, id: member(element, 'id') as string, data: member(element, 'data') as T }
        for (const name of CHANGES) if (member(element, name) !== undefined) message[name] = member(element, name) as string
        return message
      })
      if (text !== undefined)
        keepExact(
          messages.map(({ data }) => data),
          text,
        )
      return messages
    },
  }
}

/** Says what is wrong with messages that have all members, and those of no other source; undefined when they are of another form. */
function refuse(elements: readonly unknown[]): undefined {
  const has = (element: unknown, name: string) => member(element, name) !== undefined
  if (!elements.every((element) => ['key', 'id', 'data'].every((name) => has(element, name)) && !has(element, 'from'))) return
  const some = (name: string, fits: (value: unknown) => boolean) => elements.some((element) => !fits(member(element, name)))
  const detail = some('key', fitsKey) ? WRONG.BAD_KEY : some('id', fitsId) ? WRONG.BAD_ID : WRONG.BAD_CHANGE
  throw new Refusal('BAD_MESSAGE', {}, { detail })
}

const isMessage = (element: unknown): boolean =>
  fitsKey(member(element, 'key')) && fitsId(member(element, 'id')) && member(element, 'data') !== undefined && changes(element)

/** Whether a message changes none, or one, which is another. */
function changes(element: unknown): boolean {
  const others = CHANGES.flatMap((name) => member(element, name) ?? [])
  return others.length < 2 && others.every((other) => fitsId(other) && other !== member(element, 'id'))
}
