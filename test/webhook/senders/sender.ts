import type { NewMessage } from '../../../src/options.ts'
import type { AccountOptions, ChatMessage, Proof, Source } from '../../../src/webhook/index.ts'

/** What the tests know of a sender, of its documentation. */
export interface Sender {
  name: string
  make: (options?: AccountOptions) => Source<ChatMessage>
  proof: Proof
  /** The proof of another source that has the same form, and other keys. */
  also?: Proof
  /** Whether it posts forms. */
  form?: boolean
  /** Payloads, and what is found in them: of each message the members that are said. */
  cases: readonly Case[]
  /** How many messages of people a payload has that has the form of this sender, by what its documentation says is none. */
  count: (payload: any) => number
  /** A message in a chat of an account, where the payload can tell both. */
  conversation?: (account: string, chat: string) => unknown
}

export type Case = readonly [what: string, payload: unknown, found: readonly Found[], options?: AccountOptions]

/** With `content` and the like as they come; `undefined` for what must not be there. */
export type Found = Partial<Omit<NewMessage<ChatMessage>, 'data'>> & { data?: Partial<ChatMessage> }

export const isObject = (value: any): boolean => typeof value === 'object' && value !== null && !Array.isArray(value)

export const own = (value: any, ...path: string[]): any => {
  let at = value
  for (const name of path) at = typeof at === 'object' && at !== null && Object.hasOwn(at, name) ? at[name] : undefined
  return at
}

export const elements = (value: any): any[] => (Array.isArray(value) ? value : [])
