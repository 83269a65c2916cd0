import type { Names } from './given.ts'
import type { Durability } from './messages/durability.ts'
import type { Schema } from './messages/schema.ts'
import type { TraceContext } from './messages/trace-context.ts'
import type { RedisInput } from './redis/input.ts'
import type { BindingOptions } from './redis/loader.ts'

/** The policy of a queue. Stored in Redis, so that every process and redis-cli go by the same one. */
export interface Policy {
  /** Quiet time after the last message, ms, 1 to a year. @default 10000 */
  wait: number
  /** From the first message, ms, at most a year and not shorter than `wait`. Equal to `wait` it gives a fixed window. @default 60000 */
  maxWait: number
  /** Messages a batch, 1 to 500. @default 10 */
  maxSize: number
  /** Messages a key, those of a batch in work included; not fewer than `maxSize`, at most a million. @default 1000 */
  maxBacklog: number
  /** Bytes of one message's data as JSON, 1 to 1 MiB. @default 262144 */
  maxMessageBytes: number
  /** Bytes of the messages of a batch as they are stored, 1 to 1 MiB; what does not fit is the next batch. A larger message is one alone. @default 1048576 */
  maxBatchBytes: number
  /** For how long a message id is accepted only once, ms, 1 to a year. @default 3600000 */
  dedupe: number
  /** Dead batches that are kept, 1 to a million; with more, a batch that fails for the last time is tried again. @default 10000 */
  maxDead: number
  /**
   * For how long a dead batch is kept, ms, at most a year; 0: for ever. Older ones go a few at a time, when somebody claims or forwards; not those of
   * a partition that serves no more. @default 0
   */
  maxDeadAge: number
  /**
   * Conversations that may have messages at a time, of each partition, at most 100 million; 0: any number. A message that would open one more is
   * refused with `BACKLOG_FULL`. @default 0
   */
  maxKeys: number
  /**
   * Entries of events that are kept, about, of each partition, at most a million: what has happened to messages, for `events()` and `trace()`. 0: none
   * are written, and those that were kept are deleted. @default 0
   */
  events: number
  /**
   * For how long a batch that was completed is kept, ms, at most a year: with its text and what the handler has returned, for `archived()` and
   * `rapidfire/archive`. 0: none is; what was kept before goes in its time. @default 0
   */
  archive: number
  /** Batches that are kept so, of each partition, 1 to a million: of more the oldest go. @default 10000 */
  maxArchived: number
  /** Roots that the queue is spread over, 1 to 1024. @default 1 */
  partitions: number
}

export const POLICY_MEMBERS: Names<Policy> = {
  wait: true,
  maxWait: true,
  maxSize: true,
  maxBacklog: true,
  maxMessageBytes: true,
  maxBatchBytes: true,
  dedupe: true,
  maxDead: true,
  maxDeadAge: true,
  maxKeys: true,
  events: true,
  archive: true,
  maxArchived: true,
  partitions: true,
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
  /**
   * The id of a message of the key whose data these replace, if it is still open: it keeps its place, time, id and options, and no deadline moves. When
   * a process has it already, or it is not there, this is a message of its own. Give it an id, another one.
   */
  edits?: string | undefined
  /** Likewise: that message is taken away, as if it had never been sent. */
  withdraws?: string | undefined
  /** Handed over with the message; `rapidfire/otel` gives it by itself. @default none */
  traceContext?: TraceContext | undefined
}

export const MESSAGE_OPTIONS: Names<MessageOptions> = {
  id: true,
  wait: true,
  maxWait: true,
  maxSize: true,
  flush: true,
  edits: true,
  withdraws: true,
  traceContext: true,
}

export interface RapidFireOptions<T, Input = T> extends BindingOptions {
  /** A URL, ioredis options, or an ioredis client or Cluster of your own, which `close` leaves open. @default 'redis://127.0.0.1:6379' */
  redis?: RedisInput
  /**
   * For how long a call is waited for, connecting and repeating included, ms, 1 to 600000 (ten minutes); the longest `durability.timeout` in use
   * is added. Then it fails with `UNAVAILABLE`, which says whether it may have been carried out. For connections that rapidfire makes: a client
   * of your own has its own settings. @default 5000
   */
  timeout?: number
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

export const CLIENT_OPTIONS: Names<RapidFireOptions<unknown>> = {
  redis: true,
  queue: true,
  policy: true,
  timeout: true,
  durability: true,
  schema: true,
  binding: true,
  load: true,
}

export interface AddOptions extends MessageOptions {
  /** What this message waits for before `addMessage` answers. @default that of the client */
  durability?: Durability
}

/** Options of the messages of one `addMessages`. */
export interface AddAllOptions {
  /** What these messages wait for before `addMessages` answers. @default that of the client */
  durability?: Durability | undefined
  /** That of each message which has none of its own. @default none */
  traceContext?: TraceContext | undefined
}

export const ADD_ALL_OPTIONS: Names<AddAllOptions> = { durability: true, traceContext: true }

export const ADD_OPTIONS: Names<AddOptions> = { ...MESSAGE_OPTIONS, durability: true }

/** A message for `addMessages`. */
export interface NewMessage<T> extends MessageOptions {
  /** The conversation: 1 to 1024 bytes. */
  key: string
  /** Anything that JSON can carry. */
  data: T
}

export const MESSAGE_MEMBERS: Names<NewMessage<unknown>> = { key: true, data: true, ...MESSAGE_OPTIONS }
