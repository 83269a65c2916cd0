import { checkKey } from '../messages/encode.ts'
import type { KnownLayout } from '../partitions/layout.ts'
import type { State } from '../protocol/replies.ts'
import type { Caller } from '../redis/caller.ts'
import { decodeMessage, type Message } from './batch.ts'

/** What `peek` shows of a key. Times in ms since 1970. */
export interface Peek<T = unknown> {
  state: State
  now: number
  /** True deadline of the batch at the head; undefined when empty. */
  deadline: number | undefined
  /** When the lease or the pause ends; undefined when neither holds. */
  until: number | undefined
  /** Of the claim that holds the batch, or that held it last when it waits for its next attempt or was given back; else undefined. */
  token: string | undefined
  /** What the last attempt has failed with, the beginning of it, while the batch waits for its next attempt; else undefined. */
  error: string | undefined
  /** Messages of the batch at the head. */
  count: number
  /** Messages of the key. */
  size: number
  /** Oldest first, at most `limit`, and no more when they have 256 KiB together. */
  messages: Message<T>[]
}

/** Looks at a key where it is: while partitions change, it may be in one of two. */
export function peek<T>(caller: Caller, layout: KnownLayout, key: string, limit: number | undefined): Promise<Peek<T>> {
  return caller.underway.run(async () => {
    checkKey(key)
    await layout.current()
    const root = layout.rootFor(key)
    const found = await caller.call(root, 'peek', { key, limit })
    const after = found.state === 'empty' ? layout.rootAfter(root, key) : undefined
    const there = after === undefined ? found : await caller.call(after, 'peek', { key, limit })
    return { ...there, messages: there.messages.map((message) => decodeMessage<T>(message)) }
  })
}
