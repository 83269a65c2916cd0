import type { Cluster, Redis } from 'ioredis'
import type { RateLimiterRedis } from 'rate-limiter-flexible'
import { RapidfireError, RefusedMessagesError, toRapidfireError } from '../errors.ts'
import { Coalescer } from '../messages/coalescer.ts'
import type { AddResult } from '../messages/results.ts'
import type { NewMessage } from '../options.ts'
import { TIMEOUT } from '../redis/connection.ts'
import { reacher } from '../redis/readiness.ts'
import type { Gate } from './gate.ts'
import { Line } from './line.ts'
import { type Call, type Entry, NewConversations, take } from './new-conversations.ts'
import { RETRY_AFTER, Refusal, toRefusal } from './problem.ts'

/** So many within a time that begins with the first of them. */
export interface RateLimit {
  /** 1 to 1 000 000. */
  points: number
  /** Seconds, 1 to 86 400. @default 1 */
  duration?: number | undefined
}

/**
 * Refusals are by conversation: of a payload with messages of several, those are stored that may be, and the answer is 429 all the same, so that
 * the sender sends it again. A payload in which a message has no id is stored as a whole or not at all.
 */
export interface RateLimits {
  /**
   * Conversations that one source may open. One that is open, since it has messages in Redis, is never refused by this.
   * @default { points: 100, duration: 1 }
   */
  newConversations?: RateLimit | false | undefined
  /**
   * Requests for one conversation; one with several messages of it counts once.
   * @default false
   * @example { points: 5, duration: 1 }
   */
  perConversation?: RateLimit | false | undefined
}

/** Least and most of the members of a `RateLimit`. */
export const RATE_LIMIT_RANGES = { points: [1, 1_000_000], duration: [1, 86_400] } as const

/** What the limits need of a queue. */
export interface LimitedQueue<T> {
  readonly queue: string
  addMessages(messages: readonly NewMessage<T>[]): Promise<AddResult[]>
  /** Asked for the size alone, with a limit of 1. */
  peek(key: string, limit: number): Promise<{ size: number }>
}

/** What became of messages, in order. */
type Results = readonly (AddResult | RapidfireError)[]

/** The messages of one conversation in a payload: all of them pass, or none. */
interface Group<T> {
  key: string
  messages: NewMessage<T>[]
  /** Whether somebody waits in the line of the conversation. */
  hasLine: boolean
  /** When they may come again, ms from now; 0 when they may be stored. */
  wait: number
}

/** Keys that one MGET asks for at most, unless one request has more. */
const LOOK = 500

/** Refusals that a repetition does not mend. */
const FINAL: ReadonlySet<string> = new Set(['BAD_KEY', 'BAD_ID', 'BAD_DATA', 'MESSAGE_TOO_LARGE'])

type Groups<T> = ReadonlyMap<string, Group<T>>

/**
 * Makes the limits. The package that counts is loaded here: who has none needs it not.
 *
 * @throws RapidfireError `BAD_OPTION` when it is not installed
 */
export async function openLimits<T>(redis: Redis | Cluster, queue: LimitedQueue<T>, gate: Gate, limits: RateLimits): Promise<Limits<T>> {
  const { RateLimiterRedis } = await import('rate-limiter-flexible').catch((cause: NodeJS.ErrnoException) => {
    if (!cause.code?.endsWith('MODULE_NOT_FOUND')) throw cause
    const text = 'rateLimit needs a package more: npm install rate-limiter-flexible, or give rateLimit: false'
    throw new RapidfireError('BAD_OPTION', text, { cause })
  })
  return new Limits(RateLimiterRedis, redis, queue, gate, limits)
}

/**
 * Stores what is not over a limit. Who is refused gets a place in the line of the conversation, and what comes later is refused too until it has
 * come again. Usually this costs one MGET, which requests of the same moment share: it tells how many conversations the source has opened, and which
 * of the conversations have a line.
 */
class Limits<T> {
  readonly #queue: LimitedQueue<T>
  readonly #gate: Gate
  /** For what concerns the limits alone. */
  readonly #call: Call
  /** What there is under the names of each. */
  readonly #looks: Coalescer<string[], (string | null)[]>
  readonly #line: Line
  readonly #opened: NewConversations | undefined
  readonly #requests: RateLimiterRedis | undefined
  /** Ends when it is decided on the latest request of a conversation. */
  readonly #turns = new Map<string, Promise<void>>()

  /** @internal Its types are of a package that may not be there. */
  constructor(
    Limiter: typeof RateLimiterRedis,
    redis: Redis | Cluster,
    queue: LimitedQueue<T>,
    gate: Gate,
    { newConversations, perConversation }: RateLimits,
  ) {
    const prefix = `rapid-fire:{${queue.queue}}:rate`
    const limiter = (name: string, { points, duration = 1 }: RateLimit) =>
      new Limiter({ storeClient: redis, keyPrefix: `${prefix}:${name}`, points, duration })
    this.#queue = queue
    this.#gate = gate
    // A client that queues nothing refuses what comes before it is connected.
    const reached = reacher(redis, TIMEOUT)
    const whenReached = <Result>(call: () => Promise<Result>): Promise<Result> => reached()?.then(call) ?? call()
    this.#call = (call) =>
      gate
        .run(() => whenReached(call))
        .catch((error) => {
          throw error instanceof Refusal ? error : toRapidfireError(error, 'rate limit')
        })
    const look = async (looks: string[][]) => {
      const found = await redis.mget(looks.flat())
      return looks.map(({ length }) => found.splice(0, length))
    }
    this.#looks = new Coalescer(look, { most: LOOK, weightOf: ({ length }) => length })
    const durations = [newConversations, perConversation].map((limit) => (limit ? (limit.duration ?? 1) : 1))
    const longest = Math.max(RETRY_AFTER.BACKLOG_FULL, ...durations)
    this.#line = new Line(redis, `${prefix}:line`, longest * 1000)
    if (newConversations !== false) {
      this.#opened = new NewConversations(limiter('new', newConversations ?? { points: 100 }), queue, gate, this.#call)
    }
    if (perConversation) this.#requests = limiter('key', perConversation)
  }

  /** Throws when a message was not stored; then the sender has to send all of them again. */
  async store(source: string, messages: readonly NewMessage<T>[]): Promise<AddResult[]> {
    const groups = groupsOf(messages)
    const { earlier, endTurn } = this.#takeTurn(groups)
    let entry: Entry | undefined
    try {
      if (earlier.length > 0) await this.#gate.wait(Promise.all(earlier))
      const told = this.#opened?.told ?? 0
      const opened = await this.#look(source, groups)
      entry = await this.#opened?.admit(source, opened, told, passing(groups))
      if (this.#requests) await this.#countRequests(groups, this.#requests)
      const refused = Array.from(groups.values()).filter(({ wait }) => wait > 0)
      const wait = refused.length === 0 ? undefined : await this.#refuse(refused, groups, messages)
      const sent = wait === undefined ? messages : messages.filter(({ key }) => groups.get(key)?.wait === 0)
      const adding = this.#add(sent)
      endTurn()
      const { results, error } = await adding
      entry?.count(openedBy(sent, results))
      const changes = this.#changesOf(groups, sent, results, wait)
      // They are stored or refused: it is too late to fail.
      if (changes.length > 0) await this.#call(() => each(changes, (change) => change())).catch(() => {})
      if (wait !== undefined) throw toRefusal(error, wait)
      if (error !== undefined) throw error
      return results as AddResult[]
    } finally {
      entry?.end()
      endTurn()
    }
  }

  /** It must be decided on earlier requests of the same conversations before: one may take longer than the next. */
  #takeTurn(groups: Groups<T>): { earlier: Promise<void>[]; endTurn: () => void } {
    const earlier: Promise<void>[] = []
    let end = () => {}
    const turn = new Promise<void>((resolve) => {
      end = resolve
    })
    for (const key of groups.keys()) {
      const before = this.#turns.get(key)
      if (before) earlier.push(before)
      this.#turns.set(key, turn)
    }
    const endTurn = () => {
      end()
      for (const key of groups.keys()) if (this.#turns.get(key) === turn) this.#turns.delete(key)
    }
    return { earlier, endTurn }
  }

  /** Finds who has to wait for others of the same conversation, and tells how many conversations the source has opened. */
  async #look(source: string, groups: Groups<T>): Promise<number> {
    const names = Array.from(groups.keys(), (key) => this.#line.nameOf(key))
    if (this.#opened) names.push(this.#opened.nameOf(source))
    const found = await this.#call(() => this.#looks.add(names))
    const inLine: Group<T>[] = []
    let n = 0
    for (const group of groups.values()) {
      group.hasLine = found[n++] !== null
      if (group.hasLine) inLine.push(group)
    }
    if (inLine.length > 0) {
      await this.#call(() => each(inLine, async (group) => void (group.wait = await this.#line.ask(group.key, group.messages))))
    }
    return this.#opened ? Number(found[n] ?? 0) : 0
  }

  async #countRequests(groups: Groups<T>, limiter: RateLimiterRedis): Promise<void> {
    await this.#call(() => each(passing(groups), async (group) => void (group.wait = (await take(limiter, group.key, 1)).wait)))
  }

  /** Gives those who are refused a place in their lines. Returns the seconds until they may come again. */
  async #refuse(refused: Group<T>[], groups: Groups<T>, messages: readonly NewMessage<T>[]): Promise<number> {
    // The first of them that may come again should not wait for the last: they are of different people.
    const wait = Math.max(1, Math.ceil(Math.min(...refused.map((group) => group.wait)) / 1000))
    // What has no id would be stored twice when it comes again.
    const isWhole = messages.some(({ id }) => id === undefined)
    for (const group of isWhole ? passing(groups) : []) {
      group.wait = wait * 1000
      refused.push(group)
    }
    await this.#call(() => each(refused, (group) => this.#line.join(group.key, isWhole ? [] : group.messages, wait * 1000)))
    return wait
  }

  async #add(messages: readonly NewMessage<T>[]): Promise<{ results: Results; error?: unknown }> {
    if (messages.length === 0) return { results: [] }
    try {
      return { results: await this.#gate.run(() => this.#queue.addMessages(messages)) }
    } catch (error) {
      return { results: error instanceof RefusedMessagesError ? error.results : [], error }
    }
  }

  /** What puts those into their lines whose conversation is full, and takes out who will not come again. */
  #changesOf(groups: Groups<T>, sent: readonly NewMessage<T>[], results: Results, wait?: number): (() => Promise<void>)[] {
    const full = Math.min(wait ?? RETRY_AFTER.BACKLOG_FULL, RETRY_AFTER.BACKLOG_FULL) * 1000
    const failures = new Map<string, RapidfireError['code']>()
    for (const [n, result] of results.entries()) {
      if (result instanceof RapidfireError) failures.set((sent[n] as NewMessage<T>).key, result.code)
    }
    const changes: (() => Promise<void>)[] = []
    for (const group of results.length > 0 ? passing(groups) : []) {
      const code = failures.get(group.key)
      if (code === 'BACKLOG_FULL') {
        changes.push(() => this.#line.join(group.key, group.messages, full))
      } else if (group.hasLine && (code === undefined || FINAL.has(code))) {
        changes.push(() => this.#line.leave(group.key, group.messages))
      }
    }
    return changes
  }
}

const each = <Item>(items: readonly Item[], run: (item: Item) => Promise<void>) => Promise.all(items.map(run))

function groupsOf<T>(messages: readonly NewMessage<T>[]): Map<string, Group<T>> {
  const groups = new Map<string, Group<T>>()
  for (const message of messages) {
    const group = groups.get(message.key)
    if (group) group.messages.push(message)
    else groups.set(message.key, { key: message.key, messages: [message], hasLine: false, wait: 0 })
  }
  return groups
}

const passing = <T>(groups: Groups<T>): Group<T>[] => Array.from(groups.values()).filter(({ wait }) => wait === 0)

/** How many conversations these messages have opened: those in which one is the first. */
function openedBy(messages: readonly NewMessage<unknown>[], results: Results): number {
  const keys = new Set<string>()
  for (const [n, result] of results.entries()) {
    if (result instanceof RapidfireError || result.status !== 'added' || result.size > 1) continue
    keys.add((messages[n] as NewMessage<unknown>).key)
  }
  return keys.size
}
