import type { Batch, Message } from './batches/batch.ts'
import type { Durability } from './messages/durability.ts'
import type { Schema } from './messages/schema.ts'
import type { BindingOptions } from './redis/binding.ts'
import type { RedisInput } from './redis/connection.ts'
import type { ProcessorOptions } from './worker/handler.ts'

/** The policy of a queue. Stored in Redis, so that every process and redis-cli go by the same one. */
export interface Policy {
  /** Quiet time after the last message, ms, 1 to a year. @default 10000 */
  wait: number
  /** From the first message, ms, at most a year and not shorter than `wait`. Equal to `wait` it gives a fixed window. @default 60000 */
  maxWait: number
  /** Messages a batch, 1 to 1000. @default 10 */
  maxSize: number
  /** Messages a key, those of a batch in work included; not fewer than `maxSize`, at most a million. @default 1000 */
  maxBacklog: number
  /** Bytes of one message's data as JSON, 1 to 16 MiB. @default 262144 */
  maxMessageBytes: number
  /** For how long a message id is accepted only once, ms, 1 to a year. @default 3600000 */
  dedupe: number
  /** Dead batches that are kept, 1 to a million; with more, a batch that fails for the last time is tried again. @default 10000 */
  maxDead: number
  /** Roots that the queue is spread over, 1 to 1024. @default 1 */
  partitions: number
}

/** The policy as each root has it. */
export type RootPolicy = Omit<Policy, 'partitions'>

/** Options of one message; `wait`, `maxWait` and `maxSize` hold instead of the policy's until the next message of the key. */
export interface MessageOptions {
  /** 1 to 512 bytes, unique in the conversation: a second message of the key with it is a duplicate within `dedupe`. */
  id?: string | undefined
  /** ms, 1 to a year */
  wait?: number | undefined
  /** ms from the first message of the batch, 1 to a year */
  maxWait?: number | undefined
  /** messages, 1 to 1000 */
  maxSize?: number | undefined
  /** The batch ends with this message and is ready at once. @default false */
  flush?: boolean | undefined
}

/** A message on its way to Redis; `data` is its JSON. */
export interface OutgoingMessage extends Omit<MessageOptions, 'id'> {
  key: string | Buffer
  data: string | Buffer
  id?: string | Buffer | undefined
  /** Of one that died in another partition: `<ms>:<name>`, when it was received, and by what it is remembered instead of its id. */
  requeued?: string
}

/** How a worker that rests hears of what is due before. */
export interface Watching {
  /** Its name, 1 to 64 bytes. */
  worker: string
  /** Whether to send it an echo. */
  echo: boolean
  /** How long it rests at most, ms. */
  rest: number
}

export interface RapidFireOptions<T, Input = T> extends BindingOptions {
  /** A URL, ioredis options, or an ioredis client or Cluster of your own, which `close` leaves open. @default 'redis://127.0.0.1:6379' */
  redis?: RedisInput
  /** Name of the queue: 1 to 128 characters, no braces or blanks. @default 'default' */
  queue?: string
  /**
   * Stored in Redis on the first call: each member that differs from what a program gave last. So a restart undoes nothing that `policy()`
   * or `rapidfire policy` has set since, and a deploy with another value does. Without it, or for members left out, what is stored there holds.
   * `partitions` is for a new queue alone; `policy()` changes it later. A bad one is refused then, with `BAD_POLICY`, by each call.
   */
  policy?: Partial<Policy>
  /** What each message waits for before `addMessage` answers. @default that Redis has stored it */
  durability?: Durability
  /**
   * Checks each message on the way in and may transform it; what it returns must be something that JSON can carry. It may be asynchronous:
   * the messages of a key keep their order.
   */
  schema?: Schema<T, Input>
}

export interface AddOptions extends MessageOptions {
  /** What this message waits for before `addMessage` answers. @default that of the client */
  durability?: Durability
}

/** A message for `addMessages`. */
export interface NewMessage<T> extends MessageOptions {
  /** The conversation: 1 to 1024 bytes. */
  key: string
  /** Anything that JSON can carry. */
  data: T
}

/** What one call of `processPendingBatches` did. */
export interface Summary {
  /** Batches handled. */
  batches: number
  messages: number
  completed: number
  /** Failed and to be tried again. */
  retry: number
  /** Failed for the last time. */
  dead: number
  /** Their lease ran out before they were done: they are handed out again. */
  lost: number
}

export interface FailOptions<T> {
  /** Why; kept with a dead batch. */
  error?: unknown
  /** Pause before the next attempt, ms. @default 1000 */
  delay?: number
  /** A batch that fails in this attempt or a later one is dead. @default 5 */
  attempts?: number
  /** The messages of the batch that failed; the others are done. @default all */
  messages?: readonly Message<T>[]
}

export interface ProcessOptions extends ProcessorOptions {
  /** At most this many batches. @default all that are due */
  limit?: number
}

export interface ClaimOptions {
  /** At most this many batches, 1 to 1000. @default 10 */
  limit?: number
  /** ms, 1 to a day, until a batch that is neither completed nor failed is handed out again. @default 30000 */
  lease?: number
  /** A batch whose lease ran out in this attempt is dead, 1 to 1000. @default 5 */
  attempts?: number
  /** Only what was due at this time, ms since 1970 in Redis time. @default now */
  before?: number | undefined
}

/** A claim of one root, for those who serve the roots of a queue in turn. */
export interface RootClaimOptions extends ClaimOptions {
  /** Root key of the queue or of one of its partitions. */
  root: string
  /** The worker that claims; see lua/lib/watch.lua. */
  watching?: Watching | undefined
  /** Whether the root is known to serve no more. */
  drain?: boolean | undefined
}

export interface Claimed<T> {
  /** The time in Redis, ms since 1970. */
  now: number
  /** When to look next, ms since 1970; 0 when nothing is pending. */
  next: number
  batches: Batch<T>[]
}

/** What a claim of one root got. */
export interface RootClaimed<T> extends Claimed<T> {
  /** Whether an earlier claim was not answered: batches that it took have the lease that it asked for, and have had it since then. */
  repeats: boolean
}
