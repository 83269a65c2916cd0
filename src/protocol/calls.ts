import { readJudged } from '../check/violations.ts'
import type { EncodedMessage } from '../messages/encode.ts'
import type { RootPolicy } from '../options.ts'
import type { Layout } from '../partitions/roots.ts'
import type { Argument } from '../redis/connection.ts'
import type { FunctionName } from '../redis/generated/facts.ts'
import type { Use } from '../redis/rights.ts'
import {
  appendTokens,
  type ClaimName,
  claimNames,
  completionArguments,
  endArguments,
  generationTokens,
  layoutText,
  messageArguments,
  type NamedFailure,
  type NamedRelease,
  policyTokens,
  type Taker,
  takerTokens,
} from './arguments.ts'
import { type Nonce, nonceText } from './nonces.ts'
import {
  array,
  readAdded,
  readArchived,
  readClaimed,
  readDead,
  readEnds,
  readErased,
  readEvents,
  readExtended,
  readFields,
  readForwarded,
  readLayout,
  readPartition,
  readPeek,
  readRootLayout,
  readTraced,
  readWords,
} from './replies.ts'

/** How a function of lua/functions is called. */
export interface Definition<Input, Output> {
  /** Its arguments, which stand behind the root. */
  write(input: Input): Argument[]
  /** What its reply means. */
  read(reply: unknown): Output
  /** Where the NONCE stands by which Redis knows a call that is sent again (lua/lib/nonce.lua): in front of the other arguments, or behind. */
  nonce?: 'first' | 'last'
  /** Whether a call that was not answered is made again by the next one of the root: what it has taken would be lost to all until then. */
  takes?: boolean
  /** For how long it is sent again when Redis does not answer, ms. @default that of the connection */
  patience?: number
  /** Whether a call must not be sent twice, since Redis would not know it again. @default none must not */
  once?(input: Input): boolean
  /** What it needs rights for. @default all that the function may do */
  use?(input: Input): Use
  /** Whether a queue may begin with it: then it is put into the registry. @default false */
  makes?: boolean
}

const define = <Input, Output>(each: Definition<Input, Output>) => each

/** For how long the end of a batch is told again, ms: whoever has handled it has nothing better to do. */
const END_PATIENCE = 30_000

/** Whether Redis knows a message again that comes once more: one that was dead has a name of its own. */
export const isNamed = ({ id, requeued }: EncodedMessage) => id !== undefined || requeued !== undefined

/** Every function of lua/functions: what it is given, how that is written, and what its reply means. */
export const CALLS = {
  add: define({
    write: ({ messages, generation }: { messages: readonly EncodedMessage[]; generation: number }) => {
      const args = messageArguments(messages)
      if (generation > 0) args.push(...generationTokens(generation))
      return args
    },
    read: readAdded,
    once: ({ messages }) => !messages.every(isNamed),
    makes: true,
    use: ({ messages }) => (messages.some(({ requeued }) => requeued !== undefined) ? 'add requeued' : 'add'),
  }),
  claim_ready: define({
    write: (input: Taker & { limit: number; lease: number; attempts: number; before?: number | undefined }) => [
      ...appendTokens([], { LIMIT: input.limit, LEASE: input.lease, ATTEMPTS: input.attempts, BEFORE: input.before }),
      'DEAD',
      ...takerTokens(input),
    ],
    read: readClaimed,
    nonce: 'last',
    takes: true,
    makes: true,
  }),
  forward: define({
    write: (input: Taker & { stream: string; limit: number; maxLength: number; keep: number }) => [
      ...appendTokens([input.stream], { LIMIT: input.limit, MAXLEN: input.maxLength, KEEP: input.keep }),
      ...takerTokens(input),
    ],
    read: readForwarded,
    nonce: 'last',
    takes: true,
    makes: true,
  }),
  complete: define({
    write: completionArguments,
    read: readWords<'completed' | 'lost'>,
    nonce: 'first',
    patience: END_PATIENCE,
  }),
  fail: define({
    write: (failures: readonly NamedFailure[]) =>
      endArguments(failures, ({ delay, attempts, error, keep }) => ({ DELAY: delay, ATTEMPTS: attempts, ERROR: error, KEEP: keep })),
    /** `again`: nothing was done for this one, since so much was for the others. */
    read: readEnds<'retry' | 'dead' | 'lost' | 'again'>('fail'),
    nonce: 'last',
    patience: END_PATIENCE,
  }),
  release: define({
    write: (releases: readonly NamedRelease[]) => endArguments(releases, ({ reason }) => ({ REASON: reason })),
    read: readEnds<'released' | 'lost'>('release'),
    nonce: 'last',
    patience: END_PATIENCE,
  }),
  /** The next look of somebody else mends what it has not told: it is made once. */
  leave: define({
    write: ({ worker }: { worker: string }) => [worker],
    read: (reply) => String(reply) as 'passed' | 'vacant' | 'idle',
    patience: 0,
  }),
  present: define({
    write: ({ worker, rest }: { worker: string; rest: number }) => [worker, 'REST', rest],
    /** The names of the others that are there no more. */
    read: (reply) => array(reply).map(String),
    patience: 0,
  }),
  extend: define({
    write: (input: { lease: number; claims: readonly ClaimName[] }) => [input.lease, ...claimNames(input.claims)],
    read: readExtended,
  }),
  erase: define({
    /** `after`: where the call before has ended, any bytes. */
    write: ({ key, after }: { key: string; after?: Buffer | undefined }) => (after === undefined ? [key] : [key, 'AFTER', after]),
    read: readErased,
    nonce: 'last',
  }),
  events: define({
    /** `after`: where the call before has ended; `+`: what is to come. The others: what each entry must name. */
    write: (input: {
      after?: string | undefined
      limit?: number | undefined
      key?: string | Buffer | undefined
      id?: string | undefined
      batch?: string | undefined
    }) => appendTokens([], { AFTER: input.after, LIMIT: input.limit, KEY: input.key, ID: input.id, BATCH: input.batch }),
    read: readEvents,
  }),
  archived: define({
    /** `after`: where the call before has ended, or a time, ms. The others: what each batch must be of. */
    write: (input: {
      after?: string | undefined
      limit?: number | undefined
      key?: string | Buffer | undefined
      id?: string | undefined
      batch?: string | undefined
    }) => appendTokens([], { AFTER: input.after, LIMIT: input.limit, KEY: input.key, ID: input.id, BATCH: input.batch }),
    read: readArchived,
  }),
  peek: define({
    write: (input: { key: string; limit?: number | undefined }) => appendTokens([input.key], { LIMIT: input.limit }),
    read: readPeek,
  }),
  trace: define({
    /** `after`: where the call before has ended. */
    write: (input: {
      key?: string | Buffer | undefined
      id?: string | undefined
      batch?: string | undefined
      after?: string | undefined
    }) => appendTokens([], { KEY: input.key, ID: input.id, BATCH: input.batch, AFTER: input.after }),
    read: readTraced,
  }),
  dead: define({
    write: (input: { limit?: number | undefined; offset?: number | undefined; id?: string | undefined }) =>
      appendTokens([], { LIMIT: input.limit, OFFSET: input.offset, ID: input.id }),
    read: readDead,
  }),
  requeue: define({
    write: ({ ids, generation }: { ids: readonly string[]; generation: number }) => [...ids, ...generationTokens(generation)],
    read: readWords<'requeued' | 'unknown' | 'again'>,
    nonce: 'first',
  }),
  drop: define({
    write: ({ ids }: { ids: readonly string[] }) => [...ids],
    read: readWords<'dropped' | 'unknown'>,
    nonce: 'first',
  }),
  policy: define({
    /** `given`: a program gives the members at its start; `again`, since Redis may have lost them. */
    write: ({ members = {}, given }: { members?: Partial<RootPolicy>; given?: { program: string; again: boolean } | undefined }) => [
      ...policyTokens(members),
      ...(given ? ['GIVEN', given.program] : []),
      ...(given?.again ? ['AGAIN'] : []),
    ],
    read: (reply) => Object.fromEntries(readFields(reply)) as unknown as RootPolicy,
  }),
  layout: define({ write: (_: object) => [], read: readRootLayout }),
  repartition: define({
    write: (input: {
      prepare?: number
      fresh?: boolean
      commit?: number
      drained?: boolean
      settle?: number
      restore?: Layout
      policy?: Partial<RootPolicy>
    }) => [
      ...appendTokens([], { PREPARE: input.prepare, COMMIT: input.commit, SETTLE: input.settle }),
      ...(input.fresh ? ['NEW'] : []),
      ...(input.drained ? ['DRAINED'] : []),
      ...(input.restore ? ['RESTORE', input.restore.generation, 'LAYOUT', layoutText(input.restore)] : []),
      ...(input.policy ? policyTokens(input.policy) : []),
    ],
    read: readLayout,
  }),
  partition: define({
    write: (input: { state?: 'OPEN' | 'RETIRE'; layout?: Layout; policy?: Partial<RootPolicy> }) => [
      ...(input.state ? [input.state] : []),
      ...(input.layout ? [...generationTokens(input.layout.generation), 'LAYOUT', layoutText(input.layout)] : []),
      ...(input.policy ? policyTokens(input.policy) : []),
    ],
    read: readPartition,
  }),
  check: define({
    write: ({ parts }: { parts: readonly (string | Buffer)[] }) => [...parts],
    /** What is broken in each part that was named, or in the first of them; in the root when none was. */
    read: (reply) => array(reply).map((each) => readJudged(array(each))),
  }),
  repair: define({
    write: ({ parts }: { parts: readonly (string | Buffer)[] }) => [...parts],
    read: readWords,
  }),
  rights: define({
    write: ({ commands }: { commands: readonly string[] }) => [...commands],
    /** Those that the user of Redis may not use. */
    read: readWords,
  }),
  stats: define({ write: (_: object) => [], read: readFields }),
  version: define({ write: (_: object) => [], read: String }),
} satisfies Record<FunctionName, Definition<never, unknown>>

/** What a function is given. */
export type Input<Name extends FunctionName> = Parameters<(typeof CALLS)[Name]['write']>[0]

/** What it replies. */
export type Output<Name extends FunctionName> = ReturnType<(typeof CALLS)[Name]['read']>

export const definitionOf = <Name extends FunctionName>(name: Name) => CALLS[name] as unknown as Definition<Input<Name>, Output<Name>>

/** The arguments of a call that may be sent again. */
export const withNonce = (place: 'first' | 'last', args: Argument[], nonce: Nonce): Argument[] =>
  place === 'first' ? ['NONCE', nonceText(nonce), ...args] : [...args, 'NONCE', nonceText(nonce)]

/**
 * Calls a function of a root; `version` alone has none.
 *
 * @example const { state } = await call(root, 'peek', { key, limit: 1 })
 */
export type Call = <Name extends FunctionName>(root: string | undefined, name: Name, input: Input<Name>) => Promise<Output<Name>>
