import { type Claim, decodeLeniently, type Message, type Reason } from './batch.ts'
import type { Argument } from './connection.ts'
import type { AddResult } from './errors.ts'
import type { FunctionName } from './generated/library.ts'
import type { Facts, QueueFacts } from './invariants.ts'

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
}

/** Options of one message; `wait`, `maxWait` and `maxSize` hold instead of the policy's until the next message of the key. */
export interface MessageOptions {
  /** 1 to 512 bytes, unique in the queue: a second message with it is a duplicate within `dedupe`. */
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

/** A message on its way to Redis; `data` is its text. */
export interface OutgoingMessage extends MessageOptions {
  key: string
  data: string
}

export type State = 'empty' | 'collecting' | 'ready' | 'active' | 'retry'

/** What `peek` shows of a key. Times in ms since 1970. */
export interface Peek<T = unknown> {
  /** `retry`: the batch pauses before its next attempt. */
  state: State
  now: number
  /** True deadline of the batch at the head; undefined when empty. */
  deadline: number | undefined
  /** When the lease or the pause ends; undefined when neither holds. */
  until: number | undefined
  /** `<batch id>:<attempt>` of an active batch, or of the attempt that failed before a retry; else undefined. */
  token: string | undefined
  /** Messages of the batch at the head. */
  count: number
  /** Messages of the key. */
  size: number
  /** Oldest first, at most `limit`. */
  messages: Message<T>[]
}

/** A batch whose attempts are used up. Times in ms since 1970. */
export interface DeadBatch {
  id: string
  key: string
  diedAt: number
  /** The attempt that was the last. */
  attempt: number
  reason: Reason
  deadline: number
  /** What the last attempt failed with. */
  error: string
  /** Number of messages. */
  size: number
  /** Only when asked for by id. Data that is not JSON, perhaps the cause of death, is given as its text. */
  messages: Message[]
}

type Pair = { key: string | Buffer; token: string }

interface Command<Input, Output> {
  args(input: Input): Argument[]
  reply(raw: unknown): Output
}

const command = <Input, Output>(each: Command<Input, Output>) => each

// Integers are made numbers here, since a client with `stringNumbers` brings them as text.

/** Whole array replies; a single error is thrown by the connection before it comes here. */
const array = (raw: unknown) => raw as unknown[]

/** Appends `NAME value` for each option that is given. */
function tokens(args: Argument[], options: Record<string, Argument | undefined>): Argument[] {
  for (const name in options) {
    const value = options[name]
    if (value !== undefined) args.push(name, value)
  }
  return args
}

function fields(raw: unknown): [string, number][] {
  const flat = array(raw)
  return Array.from({ length: flat.length / 2 }, (_, n) => [String(flat[2 * n]), Number(flat[2 * n + 1])])
}

const pairs = (input: Pair[]) => input.flatMap(({ key, token }) => [key, token])

/** Reads what `rapidfire_check` replies when no part is named. */
export const readQueueFacts = (raw: unknown): QueueFacts => new Map(fields(raw))

function readFacts([what, part, type, ttl, ...about]: unknown[]): Facts {
  const common = { part: part as Buffer, type: String(type), expires: Number(ttl) >= 0 }
  // A score may be `inf`.
  const number = (value: unknown) => (String(value) === '' ? undefined : Number(String(value).replace('inf', 'Infinity')))
  if (String(what) === 'messages') {
    const [now, size, first, last, unreadable, own, latest, due, active, claim, overridden] = about
    return {
      ...common,
      what: 'messages',
      now: Number(now),
      size: Number(size),
      // A message that cannot be read has no time.
      first: number(first) || undefined,
      last: number(last) || undefined,
      unreadable: Number(unreadable),
      own: Number(own),
      latest: number(latest),
      due: number(due),
      active: number(active),
      claim: String(claim) || undefined,
      overridden: Number(overridden) === 1,
    }
  }
  if (String(what) !== 'dead') return { ...common, what: 'other' }
  const [died, key, count, gapless, messages] = about
  return {
    ...common,
    what: 'dead',
    died: number(died),
    key: (key as Buffer).length > 0 ? (key as Buffer) : undefined,
    count: Number(String(count)),
    gapless: Number(gapless),
    messages: Number(messages),
  }
}

/** Every function of lua/functions: how its arguments are written, and what its reply means. */
export const COMMANDS = {
  add: command({
    args: (messages: OutgoingMessage[]) => {
      const args: Argument[] = []
      for (const message of messages) {
        if (args.length > 0) args.push('NEXT')
        args.push(message.key, message.data)
        if (message.id !== undefined) args.push('ID', message.id)
        if (message.wait !== undefined) args.push('WAIT', message.wait)
        if (message.maxWait !== undefined) args.push('MAXWAIT', message.maxWait)
        if (message.maxSize !== undefined) args.push('MAXSIZE', message.maxSize)
        if (message.flush) args.push('FLUSH')
      }
      return args
    },
    reply: (raw): (AddResult | Error)[] => {
      const flat = array(raw)
      const results: (AddResult | Error)[] = []
      for (let n = 0; n < flat.length; n += 2) {
        const status = flat[n]
        results.push(status instanceof Error ? status : { status: String(status) as AddResult['status'], size: Number(flat[n + 1]) })
      }
      return results
    },
  }),
  claim_ready: command({
    args: (input: {
      limit: number
      lease: number
      attempts: number
      before?: number | undefined
      worker?: string | undefined
      echo?: boolean | undefined
    }) => [
      ...tokens([], { LIMIT: input.limit, LEASE: input.lease, ATTEMPTS: input.attempts, BEFORE: input.before, WORKER: input.worker }),
      ...(input.echo ? ['ECHO'] : []),
    ],
    reply: (raw): { now: number; next: number; claims: Claim[] } => {
      const [now, next, ...claims] = array(raw)
      return {
        now: Number(now),
        next: Number(next),
        claims: claims.map((each) => {
          const [key, token, reason, deadline, messages] = each as [Buffer, Buffer, Buffer, number, Buffer[]]
          return { key, token: token.toString('latin1'), reason: reason.toString('latin1') as Reason, deadline: Number(deadline), messages }
        }),
      }
    },
  }),
  forward: command({
    args: (input: { stream: string; limit: number; longest: number; worker?: string | undefined; echo?: boolean | undefined }) => [
      ...tokens([input.stream], { LIMIT: input.limit, MAXLEN: input.longest, WORKER: input.worker }),
      ...(input.echo ? ['ECHO'] : []),
    ],
    reply: (raw) => {
      const [now, next, forwarded, room] = array(raw).map(Number) as [number, number, number, number]
      return { now, next, forwarded, room }
    },
  }),
  complete: command({
    args: (input: Pair[]) => pairs(input),
    reply: (raw) => array(raw).map(String) as ('completed' | 'lost')[],
  }),
  fail: command({
    args: (input: Pair & { delay: number; attempts: number; error: string; keep?: string | undefined }) =>
      tokens([input.key, input.token], { DELAY: input.delay, ATTEMPTS: input.attempts, ERROR: input.error, KEEP: input.keep }),
    reply: (raw) => String(raw) as 'retry' | 'dead' | 'lost',
  }),
  extend: command({
    args: (input: { lease: number; claims: Pair[] }) => [input.lease, ...pairs(input.claims)],
    reply: (raw) => {
      const flat = array(raw)
      return Array.from({ length: flat.length / 2 }, (_, n) => ({
        status: String(flat[2 * n]) as 'extended' | 'lost',
        queued: Number(flat[2 * n + 1]),
      }))
    },
  }),
  peek: command({
    args: (input: { key: string; limit?: number | undefined }) => tokens([input.key], { LIMIT: input.limit }),
    reply: (raw): Peek => {
      const [state, now, deadline, until, token, count, size, messages] = array(raw) as [
        Buffer,
        number,
        number,
        number,
        Buffer,
        number,
        number,
        Buffer[],
      ]
      return {
        state: state.toString() as State,
        now: Number(now),
        deadline: Number(deadline) || undefined,
        until: Number(until) || undefined,
        token: token.toString() || undefined,
        count: Number(count),
        size: Number(size),
        messages: messages.map(decodeLeniently),
      }
    },
  }),
  dead: command({
    args: (input: { limit?: number | undefined; offset?: number | undefined; id?: string | undefined }) =>
      tokens([], { LIMIT: input.limit, OFFSET: input.offset, ID: input.id }),
    reply: (raw): DeadBatch[] =>
      array(raw).map((each) => {
        const [id, key, diedAt, attempt, reason, deadline, error, size, messages] = each as [
          Buffer,
          Buffer,
          number,
          number,
          Buffer,
          number,
          Buffer,
          number,
          Buffer[],
        ]
        return {
          id: id.toString(),
          key: key.toString(),
          diedAt,
          attempt,
          reason: reason.toString() as Reason,
          deadline,
          error: error.toString(),
          size,
          messages: messages.map(decodeLeniently),
        }
      }),
  }),
  requeue: command({
    args: (ids: readonly string[]) => [...ids],
    reply: (raw) => array(raw).map(String) as ('requeued' | 'unknown')[],
  }),
  drop: command({
    args: (ids: readonly string[]) => [...ids],
    reply: (raw) => array(raw).map(String) as ('dropped' | 'unknown')[],
  }),
  policy: command({
    args: (input: Partial<Policy>) => {
      const upper = Object.entries(input).map(([name, value]) => [name.toUpperCase(), value] as const)
      return tokens([], Object.fromEntries(upper))
    },
    reply: (raw) => Object.fromEntries(fields(raw)) as unknown as Policy,
  }),
  check: command({
    args: (parts: readonly (string | Buffer)[]) => [...parts],
    /** What stands for each part that was named, or for the first of them. */
    reply: (raw: unknown) => array(raw).map((each) => readFacts(each as unknown[])),
  }),
  repair: command({
    args: (parts: readonly (string | Buffer)[]) => [...parts],
    reply: (raw) => array(raw).map(String),
  }),
  stats: command({ args: (_: undefined) => [], reply: fields }),
  version: command({ args: (_: undefined) => [], reply: String }),
} satisfies Record<FunctionName, Command<never, unknown>>
