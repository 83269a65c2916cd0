import { createHash } from 'node:crypto'
import type { BatchPolicy, Head, Overrides } from '../support/message.ts'

/** What the model keeps of messages and batches, and what can be told of it without the rest. */

export interface Policy extends BatchPolicy {
  maxBacklog: number
  maxMessageBytes: number
  maxBatchBytes: number
  dedupe: number
  maxDead: number
  maxDeadAge: number
  maxKeys: number
  events: number
  archive: number
  maxArchived: number
}

export interface Kept extends Overrides {
  id: string
  data: string
  /** Handed over with it. */
  context?: string
  /** 0 of what somebody has pushed into the list by hand, which is told apart by `foreign`. */
  receivedAt: number
  foreign?: boolean
  /** In which order the messages arrived, from 1; 0 of what was pushed by hand. Not that of their times when the clock has gone back. */
  order: number
  /** `<number of the batch with which it died first>.<position there>` */
  died?: string
}

export interface Held extends Head {
  id: string
  /** The how manieth claim of the batch, its attempt, and how many claims nobody has acknowledged. */
  claim: number
  attempt: number
  lost: number
  /** When the lease ends, or the pause before the next attempt; and how long it was made. */
  ends: number
  span: number
  /** `by`: claimed with this nonce, and not acknowledged yet. */
  state: 'known' | 'paused' | 'released' | 'by'
  /** What it has failed with, while it pauses. */
  failed?: string
  by?: Nonce
}

/** Who calls, and the number of the call. */
export interface Nonce {
  name: string
  number: number
}

export interface Conversation {
  /** Oldest first; the first `held.count` of them are with a worker, or pause. */
  messages: Kept[]
  held: Held | undefined
  /** Policies since its open batch was last computed: a shortened one holds from the next look on. */
  policies: BatchPolicy[]
  /** Somebody has deleted it from `due`: nobody looks at it until a call notices. */
  lost?: boolean
  /** It is known that messages of it have, or had, options: seen in Redis, where more may be known than is needed. */
  listed?: boolean
  /** When it was due at the latest before somebody pushed something old into its list, or the clock went back: nobody has looked since. */
  until?: number | undefined
  /** When it came into the index, or was put there again, with a deadline that had passed: from then on it takes its turn with the others. */
  entered?: number | undefined
  /** What was left of a batch that ended then comes behind whatever was due by then. */
  behind?: number | undefined
  /** When the index says that it is due, as far as that was seen: how late a batch is counts from there, when its deadline was before. */
  score?: number | undefined
}

export interface Dead extends Head {
  key: string
  attempt: number
  claim: number
  cause: 'failed' | 'lease' | 'unacknowledged'
  error: string
  died: number
  messages: Kept[]
}

export interface Remembered {
  accepted: number
  /** The latest time that there was when it was accepted: it may be remembered as if it had been accepted then. */
  latest: number
  /** Until then it must be refused. Once that has passed, it need not, even if the clock goes back behind it. */
  until: number
  /** From then on it must be accepted. */
  forgotten: number
}

export interface Claimed extends Head {
  key: string
  id: string
  token: string
  attempt: number
  /** Since when it could be claimed. */
  due: number
  messages: Kept[]
}

/** A stream of batches, and how many of its entries its one group has read and acknowledged. */
export interface Stream {
  entries: Omit<Claimed, 'token' | 'attempt' | 'due'>[]
  read: number | undefined
}

export const COUNTERS = [
  ...['added', 'duplicates', 'batches', 'closedBy:wait', 'closedBy:maxWait', 'closedBy:size', 'closedBy:flush', 'closedBy:bytes'],
  ...['completed', 'completedMessages', 'failed', 'redelivered', 'latenessSum', 'latenessMax', 'dead', 'deadMessages', 'droppedMessages'],
] as const

export const LATENESS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 5000, Number.POSITIVE_INFINITY]
export const bucket = (bound: number) => `lateness:${bound === Number.POSITIVE_INFINITY ? 'more' : bound}`

/** So far the clock may go back, or a message lie in the future, without anything being done about it, ms. */
export const AHEAD = 1000

/** Bytes that a message takes in Redis, about: id, data and some 20 more. */
export const bytesOf = (messages: readonly Kept[], written: (message: Kept) => string) =>
  messages.reduce((sum, message) => sum + written(message).length, 0)

/** As what an id of a key is remembered, per lua/README.md. */
export const digestOf = (key: string, id: string) =>
  createHash('sha1')
    .update(Buffer.from(`${key.length}:${key}${id}`, 'latin1'))
    .digest('hex')
    .slice(0, 32)

export const hasOptions = ({ wait, maxWait, maxSize, flush }: Overrides) => Boolean(wait || maxWait || maxSize || flush)

/** Whether one message belongs behind another: it is newer by the clock or, within one ms, arrived later. */
export const isBehind = (one: Kept, other: Kept) =>
  one.receivedAt > other.receivedAt || (one.receivedAt === other.receivedAt && one.order > other.order)

/** With each message the newest up to it: what stands behind a newer one, since it was pushed by hand or the clock went back, stays behind it. */
export function placed(messages: Kept[]): { message: Kept; newest: Kept }[] {
  let [newest] = messages
  return messages.map((message) => {
    if (isBehind(message, newest as Kept)) newest = message
    return { message, newest: newest as Kept }
  })
}

export const tokenOf = ({ id, claim }: Held) => `${id}:${claim}`
