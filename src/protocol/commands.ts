import { type Cause, type Claim, type DeadBatch, decodeMessage, type Peek, type Reason, type State } from '../batches/batch.ts'
import { readJudged } from '../check/violations.ts'
import type { AddResult } from '../errors.ts'
import type { OutgoingMessage, RootPolicy, Watching } from '../options.ts'
import type { Gift, Layout, RootLayout } from '../partitions/roots.ts'
import type { Argument } from '../redis/connection.ts'
import type { FunctionName } from '../redis/generated/facts.ts'
import { array, readFields } from './replies.ts'

type Pair = { key: string | Buffer; token: string }

interface Command<Input, Output> {
  args(input: Input): Argument[]
  reply(raw: unknown): Output
}

const command = <Input, Output>(each: Command<Input, Output>) => each

/** Appends `NAME value` for each option that is given. */
function tokens(args: Argument[], options: Record<string, Argument | undefined>): Argument[] {
  for (const name in options) {
    const value = options[name]
    if (value !== undefined) args.push(name, value)
  }
  return args
}

const policyTokens = (policy: Partial<RootPolicy>) =>
  tokens([], Object.fromEntries(Object.entries(policy).map(([name, value]) => [name.toUpperCase(), value])))

interface WatchingInput {
  watching?: Watching | undefined
  drain?: boolean | undefined
  generation?: number | undefined
}

function watchingTokens({ watching, drain, generation }: WatchingInput): Argument[] {
  const args: Argument[] = watching ? ['WORKER', watching.worker, 'REST', watching.rest] : []
  if (watching?.echo) args.push('ECHO')
  if (drain) args.push('DRAIN')
  args.push(...generationTokens(generation))
  return args
}

const pairs = (input: Pair[]) => input.flatMap(({ key, token }) => [key, token])

/** The functions that take a NONCE: in front of their other arguments, or among the tokens behind them. */
const NONCED: Partial<Record<FunctionName, 'first' | 'last'>> = {
  ...{ complete: 'first', requeue: 'first', drop: 'first' },
  ...{ claim_ready: 'last', fail: 'last', release: 'last', forward: 'last' },
}

/** The arguments of a call that can be repeated (lua/lib/nonce.lua), or those of one that cannot as they are. */
export function withNonce(name: FunctionName, args: Argument[], nonce: string): Argument[] {
  const place = NONCED[name]
  if (!place) return args
  return place === 'first' ? ['NONCE', nonce, ...args] : [...args, 'NONCE', nonce]
}

/** By what change of partitions the caller has found the root; nothing in a queue that never had any. Of `add` and `requeue` it is the end. */
export const generationTokens = (generation: number | undefined): Argument[] => (generation ? ['GENERATION', generation] : [])

function readLayout(raw: unknown): Layout {
  const [state, ...numbers] = array(raw).slice(0, 6)
  const [count, first, otherCount, otherFirst, generation] = numbers.map(Number) as [number, number, number, number, number]
  return {
    state: String(state) as Layout['state'],
    serving: { first, count },
    other: { first: otherFirst, count: otherCount },
    generation,
  }
}

/** `LAYOUT` of a root that is to know it. */
const layoutText = ({ serving, other }: Layout) => [serving.count, serving.first, other.count, other.first].join(':')

function readRootLayout(raw: unknown): RootLayout {
  const [serves, since, keys, policy, given] = array(raw).slice(6)
  const texts = array(given).map(String)
  return {
    layout: readLayout(raw),
    serves: String(serves) as RootLayout['serves'],
    since: Number(since),
    keys: Number(keys),
    policy: Object.fromEntries(readFields(policy)),
    given: new Map(Array.from({ length: texts.length / 2 }, (_, n) => [texts[2 * n] as string, readGifts(texts[2 * n + 1] as string)])),
  }
}

/** `<value> <program>`, newest first; nothing of a member that was restored. */
const readGifts = (text: string): Gift[] =>
  [...text.matchAll(/(\d+) ([^,]+)/g)].map(([, value, program]) => ({ value: Number(value), program: program as string }))

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
        if (message.requeued !== undefined) args.push('REQUEUED', message.requeued)
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
    args: (input: WatchingInput & { limit: number; lease: number; attempts: number; before?: number | undefined }) => [
      ...tokens([], { LIMIT: input.limit, LEASE: input.lease, ATTEMPTS: input.attempts, BEFORE: input.before }),
      ...watchingTokens(input),
    ],
    reply: (raw): { now: number; next: number; claims: Claim[] } => {
      const [now, next, ...claims] = array(raw)
      return {
        now: Number(now),
        next: Number(next),
        claims: claims.map((each) => {
          const [key, token, attempt, reason, deadline, messages] = each as [Buffer, Buffer, number, Buffer, number, Buffer[]]
          return {
            key,
            token: token.toString('latin1'),
            attempt: Number(attempt),
            reason: reason.toString('latin1') as Reason,
            deadline: Number(deadline),
            messages,
          }
        }),
      }
    },
  }),
  forward: command({
    args: (input: WatchingInput & { stream: string; limit: number; longest: number }) => [
      ...tokens([input.stream], { LIMIT: input.limit, MAXLEN: input.longest }),
      ...watchingTokens(input),
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
  release: command({
    args: (input: Pair & { reason?: string | undefined }) => tokens([input.key, input.token], { REASON: input.reason }),
    reply: (raw) => String(raw) as 'released' | 'lost',
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
        messages: messages.map((message) => decodeMessage(message)),
      }
    },
  }),
  dead: command({
    args: (input: { limit?: number | undefined; offset?: number | undefined; id?: string | undefined }) =>
      tokens([], { LIMIT: input.limit, OFFSET: input.offset, ID: input.id }),
    reply: (raw): DeadBatch[] =>
      array(raw).map((each) => {
        const [id, key, diedAt, attempt, reason, deadline, cause, error, size, messages] = each as [
          Buffer,
          Buffer,
          number,
          number,
          Buffer,
          number,
          Buffer,
          Buffer,
          number,
          Buffer[],
        ]
        return {
          id: id.toString(),
          key: key.toString(),
          diedAt: Number(diedAt),
          attempt: Number(attempt),
          reason: reason.toString() as Reason,
          deadline: Number(deadline),
          cause: cause.toString() as Cause,
          error: error.toString(),
          size: Number(size),
          messages: messages.map((message) => decodeMessage(message)),
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
    args: ({ given, ...members }: Partial<RootPolicy> & { given?: { program: string; again: boolean } }) => [
      ...policyTokens(members),
      ...(given ? ['GIVEN', given.program] : []),
      ...(given?.again ? ['AGAIN'] : []),
    ],
    reply: (raw) => Object.fromEntries(readFields(raw)) as unknown as RootPolicy,
  }),
  layout: command({ args: (_: undefined) => [], reply: readRootLayout }),
  repartition: command({
    args: (input: {
      prepare?: number
      fresh?: boolean
      commit?: number
      drained?: boolean
      settle?: number
      restore?: Layout
      policy?: Partial<RootPolicy>
    }) => [
      ...tokens([], { PREPARE: input.prepare, COMMIT: input.commit, SETTLE: input.settle }),
      ...(input.fresh ? ['NEW'] : []),
      ...(input.drained ? ['DRAINED'] : []),
      ...(input.restore ? ['RESTORE', input.restore.generation, 'LAYOUT', layoutText(input.restore)] : []),
      ...(input.policy ? policyTokens(input.policy) : []),
    ],
    reply: readLayout,
  }),
  partition: command({
    args: (input: { state?: 'OPEN' | 'RETIRE'; layout?: Layout; policy?: Partial<RootPolicy> }) => [
      ...(input.state ? [input.state] : []),
      ...(input.layout ? [...generationTokens(input.layout.generation), 'LAYOUT', layoutText(input.layout)] : []),
      ...(input.policy ? policyTokens(input.policy) : []),
    ],
    reply: (raw) => {
      const [state, keys, remembers, generation] = array(raw)
      return {
        state: String(state) as 'open' | 'retired' | 'unused',
        keys: Number(keys),
        remembers: Number(remembers),
        generation: Number(generation),
      }
    },
  }),
  check: command({
    args: (parts: readonly (string | Buffer)[]) => [...parts],
    /** What is broken in each part that was named, or in the first of them; in the root when none was. */
    reply: (raw: unknown) => array(raw).map((each) => readJudged(each as unknown[])),
  }),
  repair: command({
    args: (parts: readonly (string | Buffer)[]) => [...parts],
    reply: (raw) => array(raw).map(String),
  }),
  stats: command({ args: (_: undefined) => [], reply: readFields }),
  version: command({ args: (_: undefined) => [], reply: String }),
} satisfies Record<FunctionName, Command<never, unknown>>
