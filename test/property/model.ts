import { START } from '../support/lua.ts'
import { type BatchPolicy, type Head, headOf, type Overrides } from '../support/message.ts'

/** What users are promised, in memory and without a thought of how Redis keeps it. */

export interface Policy extends BatchPolicy {
  maxBacklog: number
  dedupe: number
  maxDead: number
}

export interface Kept extends Overrides {
  id: string
  data: string
  receivedAt: number
}

interface Held extends Head {
  id: string
  attempt: number
  /** When the lease ends, or the pause before the next attempt. */
  ends: number
  paused: boolean
}

interface Conversation {
  /** Oldest first; the first `held.count` of them are with a worker, or pause. */
  messages: Kept[]
  held: Held | undefined
  /** Policies since its open batch was last computed: a shortened one holds from the next look on. */
  policies: Policy[]
}

interface Remembered {
  accepted: number
  /** Until then it must be refused. */
  until: number
  /** From then on it must be accepted. */
  forgotten: number
}

export interface Claimed extends Head {
  key: string
  token: string
  messages: Kept[]
}

const COUNTERS = [
  ...['added', 'duplicates', 'batches', 'closedBy:wait', 'closedBy:maxWait', 'closedBy:size', 'closedBy:flush', 'completed'],
  ...['completedMessages', 'failed', 'redelivered', 'died', 'latenessSum', 'latenessMax'],
] as const

const LATENESS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 5000, Number.POSITIVE_INFINITY]
const bucket = (bound: number) => `lateness:${bound === Number.POSITIVE_INFINITY ? 'more' : bound}`

export class Model {
  now = START
  policy: Policy
  readonly conversations = new Map<string, Conversation>()
  /** Attempt in which each dead batch died, by batch id. */
  readonly dead = new Map<string, number>()
  /** Every claim that was ever handed out: most of them are stale. */
  readonly claims: { key: string; token: string }[] = []
  readonly figures = Object.fromEntries([...COUNTERS, ...LATENESS.map(bucket)].map((name) => [name, 0])) as Record<string, number>
  readonly #ids = new Map<string, Remembered>()
  readonly #batches = new Set<string>()

  constructor(policy: Policy) {
    this.policy = policy
  }

  count(figure: string, by = 1): void {
    this.figures[figure] = (this.figures[figure] as number) + by
  }

  at(key: string): Conversation {
    return this.conversations.get(key) ?? { messages: [], held: undefined, policies: [] }
  }

  /** Whether a message with this id is a duplicate; undefined when both answers are right. */
  isDuplicate(id: string): boolean | undefined {
    const known = this.#ids.get(id)
    if (!known || this.now >= known.forgotten) return false
    return this.now < known.until ? true : undefined
  }

  hasRoom(key: string): boolean {
    return this.at(key).messages.length < this.policy.maxBacklog
  }

  accept(key: string, message: Omit<Kept, 'receivedAt'>): void {
    const { dedupe } = this.policy
    if (message.id) {
      this.#ids.set(message.id, { accepted: this.now, until: this.now + dedupe, forgotten: this.now + 2 * dedupe })
    }
    const conversation = this.conversations.get(key) ?? { messages: [], held: undefined, policies: [this.policy] }
    conversation.messages.push({ ...message, receivedAt: this.now })
    this.conversations.set(key, conversation)
    this.count('added')
  }

  /** False when the change is to be refused. */
  change(changes: Partial<Policy>): boolean {
    const policy = { ...this.policy, ...changes }
    if (policy.maxWait < policy.wait || policy.maxBacklog < policy.maxSize) return false
    if (policy.dedupe !== this.policy.dedupe) {
      for (const known of this.#ids.values()) {
        known.forgotten = Math.max(known.forgotten, known.accepted + 3 * Math.max(policy.dedupe, this.policy.dedupe))
        if (this.now < known.until) known.until = known.accepted + policy.dedupe
      }
    }
    // The next look was planned under the earlier policy. It holds for messages that came since, even if they had made that batch full.
    const earlier = { ...this.policy, maxSize: Number.POSITIVE_INFINITY }
    for (const { policies } of this.conversations.values()) policies.push(earlier, policy)
    this.policy = policy
    return true
  }

  /** The open batch of a key, when no worker has its messages. */
  open(key: string): Head | undefined {
    const { messages, held } = this.at(key)
    return held ? undefined : headOf(messages, this.policy)
  }

  /** When its open batch is handed over at the latest, lateness aside. */
  latest(key: string): number {
    const { messages, policies } = this.at(key)
    return Math.max(...policies.map((policy) => headOf(messages, policy)?.deadline ?? 0))
  }

  /** Whether the token still proves a claim. */
  holds(key: string, token: string): Held | undefined {
    const { held } = this.at(key)
    return held && !held.paused && `${held.id}:${held.attempt}` === token ? held : undefined
  }

  /** What becomes of the batches whose lease or pause has ended; those come back that are handed out again. */
  takeReturned(before: number, limit: number, lease: number, attempts: number): { claimed: Claimed[]; looked: number } {
    const ended = [...this.conversations].filter(([, { held }]) => held && held.ends <= before)
    ended.sort(([a, { held: one }], [b, { held: other }]) => (one as Held).ends - (other as Held).ends || (a < b ? -1 : 1))
    const claimed: Claimed[] = []
    for (const [key, { held, messages }] of ended.slice(0, limit)) {
      if (!held || (!held.paused && held.attempt >= attempts && this.bury(key, held))) continue
      held.attempt += 1
      held.paused = false
      held.ends = this.now + lease
      this.count('redelivered')
      claimed.push(this.#handOut(key, held, messages))
    }
    return { claimed, looked: Math.min(ended.length, limit) }
  }

  /** Hands out the open batch of a key under an id that Redis chose. Undefined when there is none, or the id is not a new one. */
  take(key: string, id: string, lease: number): Claimed | undefined {
    const head = this.open(key)
    const conversation = this.conversations.get(key)
    if (!head || !conversation || this.#batches.has(id)) return undefined
    this.#batches.add(id)
    conversation.held = { ...head, id, attempt: 1, ends: this.now + lease, paused: false }
    const late = this.now - head.deadline
    this.count('batches')
    this.count(`closedBy:${head.reason}`)
    this.count('latenessSum', late)
    this.figures.latenessMax = Math.max(this.figures.latenessMax as number, late)
    this.count(bucket(LATENESS.find((bound) => late <= bound) as number))
    return this.#handOut(key, conversation.held, conversation.messages)
  }

  #handOut(key: string, { id, attempt, count, deadline, reason }: Held, messages: Kept[]): Claimed {
    const token = `${id}:${attempt}`
    this.claims.push({ key, token })
    return { key, token, count, deadline, reason, messages: messages.slice(0, count) }
  }

  complete(key: string, token: string): 'completed' | 'lost' {
    const held = this.holds(key, token)
    if (!held) return 'lost'
    this.count('completed')
    this.count('completedMessages', held.count)
    this.#drop(key, held)
    return 'completed'
  }

  fail(key: string, token: string, delay: number, attempts: number): 'retry' | 'dead' | 'lost' {
    const { held } = this.at(key)
    if (held && this.holds(key, token)) {
      if (held.attempt >= attempts && this.bury(key, held)) return 'dead'
      held.paused = true
      held.ends = this.now + delay
      this.count('failed')
      return 'retry'
    }
    // A repeated call gets the answer of the first one.
    if (held?.paused && `${held.id}:${held.attempt}` === token) return 'retry'
    const [id, attempt] = token.split(':') as [string, string]
    return this.dead.get(id) === Number(attempt) ? 'dead' : 'lost'
  }

  extend(key: string, token: string, lease: number): ['extended' | 'lost', number] {
    const held = this.holds(key, token)
    if (!held) return ['lost', 0]
    held.ends = this.now + lease
    return ['extended', this.at(key).messages.length - held.count]
  }

  /** False when as many are dead as are kept. */
  bury(key: string, held: Held): boolean {
    if (this.dead.size >= this.policy.maxDead) return false
    this.dead.set(held.id, held.attempt)
    this.count('died')
    this.#drop(key, held)
    return true
  }

  #drop(key: string, held: Held): void {
    const messages = this.at(key).messages.slice(held.count)
    if (messages.length === 0) this.conversations.delete(key)
    else this.conversations.set(key, { messages, held: undefined, policies: [this.policy] })
  }
}
