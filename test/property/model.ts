import { LIMITS } from '../../src/redis/generated/limits.ts'
import type { Folded } from '../support/events.ts'
import { START } from '../support/lua.ts'
import { type BatchPolicy, headOf, type OpenHead } from '../support/message.ts'
import {
  AHEAD,
  bucket,
  bytesOf,
  type Claimed,
  COUNTERS,
  type Conversation,
  type Dead,
  digestOf,
  type Held,
  hasOptions,
  isBehind,
  type Kept,
  LATENESS,
  type Nonce,
  type Policy,
  placed,
  type Remembered,
  type Stream,
  tokenOf,
} from './shapes.ts'

/** What a call has read already to find messages that are to be changed. */
export interface Sought {
  bytes: number
}

/** Other data for a message, or none: it is taken away. */
interface Amendment {
  by: string
  of: string
  data: string | undefined
  sought: Sought
}

/** What users are promised, in memory and without a thought of how Redis keeps it. Texts are latin1, so that they may be any bytes. */
export class Model {
  now = START
  policy: Policy
  readonly conversations = new Map<string, Conversation>()
  /** By batch id, in the order in which they died. */
  readonly dead = new Map<string, Dead>()
  readonly streams = new Map<string, Stream>()
  /** Every claim that was ever handed out to a worker that lives: most of them are stale. */
  claims: { worker: string; key: string; token: string }[] = []
  /** The last claim of each name that has taken something: its number, and what it took. */
  readonly calls = new Map<string, { number: number; taken: { key: string; token: string; due: number }[] }>()
  readonly counters = Object.fromEntries([...COUNTERS, ...LATENESS.map(bucket)].map((name) => [name, 0])) as Record<string, number>
  /** By the digest of key and id. */
  readonly ids = new Map<string, Remembered>()
  /** Each message that was ever added with an id, by the digest. */
  readonly named = new Map<string, { key: string; id: string }>()
  longestDedupe: number
  /** The longest wait that the policy had before it was shortened, or 0. */
  longestWait = 0
  /** When somebody looked last, as far as that is told to others: they see by it that the clock has gone back. */
  looked = 0
  /** The latest time that there ever was. */
  latestNow = START
  /** What was open and dead behind the step before, how many events there were, and whether any were kept. */
  told: { state: Folded; entries: number; kept: number } | undefined
  /** What this step does the events do not tell: a hand, a call that is cut off, or a person who is erased, with what else the same entries told. */
  untold = false
  /** By batch id, what the archive has; and whether this step leaves it open what it has. */
  readonly archived = new Map<string, { key: string; size: number; until: number }>()
  /** By batch id, when it was completed: what has expired may still stand there. */
  readonly indexed = new Map<string, number>()
  indexedUntil = 0
  unkept = false
  #arrived = 0
  #serial = 0
  #pushed = false
  readonly #written: (message: Kept) => string

  /** @param written a message as it counts against the bounds in bytes */
  constructor(policy: Policy, written: (message: Kept) => string) {
    this.policy = policy
    this.longestDedupe = policy.dedupe
    this.#written = written
  }

  /** What the events should say of what is open and dead. */
  folded(): Folded {
    const states = { known: 'held', by: 'held', paused: 'paused', released: 'released' } as const
    return {
      keys: new Map(
        [...this.conversations].map(([key, { messages, held }]) => [
          key,
          { size: messages.length, ...(held && { batch: { id: held.id, count: held.count, state: states[held.state] } }) },
        ]),
      ),
      dead: new Map([...this.dead].map(([id, { count }]) => [id, count])),
    }
  }

  /** A number that no other has. */
  serial(): number {
    this.#serial += 1
    return this.#serial
  }

  count(counter: string, by = 1): void {
    this.counters[counter] = (this.counters[counter] as number) + by
  }

  at(key: string): Conversation {
    return this.conversations.get(key) ?? { messages: [], held: undefined, policies: [] }
  }

  /** Whether a message of this key with this id is a duplicate; undefined when both answers are right. */
  isDuplicate(key: string, id: string): boolean | undefined {
    const known = this.ids.get(digestOf(key, id))
    if (!known || this.now >= known.forgotten) return false
    return this.now < known.until ? true : undefined
  }

  hasRoom(key: string): boolean {
    const { maxBacklog, maxKeys } = this.policy
    if (maxKeys > 0 && !this.conversations.has(key) && this.conversations.size - this.lost.length >= maxKeys) return false
    return this.at(key).messages.length < maxBacklog
  }

  /** An id is accepted. */
  #remember(key: string, id: string): void {
    const { dedupe } = this.policy
    // Since the clock has gone back, it is remembered together with ids that came later, maybe under a longer policy.
    const longest = this.now < this.latestNow ? this.longestDedupe : dedupe
    if (id) this.named.set(digestOf(key, id), { key, id })
    if (id)
      this.ids.set(digestOf(key, id), {
        ...{ accepted: this.now, latest: this.latestNow },
        ...{ until: this.now + dedupe, forgotten: this.latestNow + 3 * longest },
      })
  }

  /**
   * A message with the id `by` changes the newest one that has the id `of`, if that is still open: its data, or it is taken away. What became of it;
   * undefined when it is not there, or the call has read enough before it is found.
   */
  amend(key: string, { by, of, data, sought }: Amendment): 'replaced' | 'withdrawn' | undefined {
    const { messages, held } = this.at(key)
    let at = messages.length - 1
    while (at >= (held?.count ?? 0) && sought.bytes < 262_144 && messages[at]?.id !== of) {
      sought.bytes += this.#written(messages[at] as Kept).length
      at -= 1
    }
    if (at < (held?.count ?? 0) || sought.bytes >= 262_144) return undefined
    this.#remember(key, by)
    const conversation = this.at(key)
    const planned = this.latest(key)
    const changed = data === undefined ? [] : [{ ...(messages[at] as Kept), data }]
    conversation.messages = [...messages.slice(0, at), ...changed, ...messages.slice(at + 1)]
    if (data === undefined) this.count('droppedMessages')
    if (conversation.messages.length === 0) this.conversations.delete(key)
    // As if it had been sent so, or never; but a deadline that has passed does not take the key in front of others.
    else if (this.latest(key) < planned) conversation.entered = Math.min(planned, this.now)
    return data === undefined ? 'withdrawn' : 'replaced'
  }

  accept(key: string, message: Omit<Kept, 'receivedAt' | 'order'>): void {
    const { maxSize } = this.policy
    this.#remember(key, message.id)
    const conversation = this.conversations.get(key) ?? { messages: [], held: undefined, policies: [this.policy] }
    // What is older than what was there makes the batch due earlier, and nobody looks for that.
    if (conversation.messages.some(({ receivedAt }) => receivedAt > this.now)) conversation.until = this.latest(key)
    const planned = this.latest(key)
    this.#arrived += 1
    conversation.messages.push({ ...message, receivedAt: this.now, order: this.#arrived })
    this.conversations.set(key, conversation)
    // A deadline that becomes an earlier one, and has passed, does not take the key in front of others.
    if (this.latest(key) < planned) conversation.entered = Math.min(planned, this.now)
    this.count('added')
    // It writes to the index anyway, and notices that the key is not there.
    if (hasOptions(message) || conversation.messages.length >= maxSize) this.found(conversation)
  }

  /** Whoever notices that nobody looks at a key puts it in. */
  found(conversation: Conversation): void {
    if (conversation.lost) conversation.entered = this.now
    conversation.lost = false
  }

  /** Messages of a key that are there a second time, with the dead or in the list, come behind those: as if all of the list had arrived again. */
  arriveAgain(key: string): void {
    const conversation = this.at(key)
    conversation.messages = conversation.messages.map((message) => {
      if (message.foreign || message.died) return message
      this.#arrived += 1
      return { ...message, order: this.#arrived }
    })
  }

  /** Somebody pushes an element into the list of a key by hand. */
  push(key: string, data: string): void {
    const conversation = this.at(key)
    this.untold = true
    conversation.until = this.latest(key)
    conversation.messages.push({ id: '', data, receivedAt: 0, order: 0, foreign: true })
    this.#pushed = true
    this.count('added')
  }

  /** What may be seen of it that the clock has gone back: keys with messages in the future, and those that are due or held for too long, or came in later than now. */
  get ahead(): { received: string[]; due: string[]; late: string[]; held: string[] } {
    const all = [...this.conversations]
    const keys = (found: typeof all) => found.map(([key]) => key)
    return {
      received: keys(all.filter(([, { messages }]) => messages.some((message) => this.isAhead(message)))),
      due: keys(all.filter(([key, { held }]) => !held && this.latest(key) > this.now + this.longestRest + AHEAD)),
      late: keys(all.filter(([, { held, entered = 0, until = 0 }]) => !held && Math.max(entered, until) > this.now + AHEAD)),
      held: keys(all.filter(([, { held }]) => held && this.endOf(held) < held.ends)),
    }
  }

  /** Whether anything was ever pushed by hand. */
  get pushed(): boolean {
    return this.#pushed
  }

  get hasForeign(): boolean {
    return [...this.conversations.values()].some(({ messages }) => messages.some(({ foreign }) => foreign))
  }

  /** Keys that nobody looks at. */
  get lost(): string[] {
    return [...this.conversations].filter(([, { lost }]) => lost).map(([key]) => key)
  }

  /** False when the change is to be refused. */
  change(changes: Partial<Policy>): boolean {
    const policy = { ...this.policy, ...changes }
    if (policy.maxWait < policy.wait || policy.maxBacklog < policy.maxSize) return false
    if (policy.dedupe !== this.policy.dedupe) {
      for (const known of this.ids.values()) {
        known.forgotten = Math.max(known.forgotten, known.latest + 3 * Math.max(policy.dedupe, this.policy.dedupe))
        if (this.now < known.until) known.until = known.accepted + policy.dedupe
      }
    }
    this.longestDedupe = Math.max(this.longestDedupe, policy.dedupe)
    if (policy.wait < this.policy.wait) this.longestWait = Math.max(this.longestWait, this.policy.wait)
    // The next look was planned under the earlier policy. It holds for messages that came since, even if they had made that batch full, by their number or bytes.
    const earlier = { ...this.policy, maxSize: Number.POSITIVE_INFINITY, maxBatchBytes: Number.POSITIVE_INFINITY }
    for (const { policies } of this.conversations.values()) policies.push(earlier, policy)
    this.policy = policy
    this.#letGo()
    return true
  }

  /** Moves the clock. */
  tick(ms: number): void {
    // What is planned stays planned, but what comes now is older than what was there.
    if (ms < 0) for (const [key, conversation] of this.conversations) if (!conversation.held) conversation.until = this.latest(key)
    // `dedupe` is a length of time: an id that was accepted so long ago, by whatever clock, need not be refused.
    if (ms < 0) {
      for (const known of this.ids.values()) {
        known.accepted += ms
        known.until += ms
      }
    }
    this.now += ms
    for (const each of this.conversations.values()) if (each.behind) each.behind = Math.min(each.behind, this.now)
    this.latestNow = Math.max(this.latestNow, this.now)
    this.expireArchive()
    this.#letGo()
  }

  /** Ids that need not be refused any more. */
  #letGo(): void {
    for (const known of this.ids.values()) if (this.now >= known.until) known.until = 0
  }

  /** Whether a message lies so far in the future that the clock has gone back since it came. */
  isAhead({ receivedAt }: Kept): boolean {
    return receivedAt > this.now + AHEAD
  }

  /** The open batch of a key, when no worker has its messages; `ahead`: it is ready at once, since its last message lies in the future. */
  open(key: string): (OpenHead & { ahead: boolean }) | undefined {
    const { messages, held } = this.at(key)
    return held ? undefined : this.#headOf(key, messages, this.policy)
  }

  #headOf(key: string, messages: Kept[], policy: BatchPolicy): (OpenHead & { ahead: boolean }) | undefined {
    const listed = this.at(key).listed || messages.some(hasOptions)
    const head = headOf(
      messages.map((message) => ({ ...message, bytes: this.#written(message).length })),
      policy,
      listed,
    )
    if (!head) return undefined
    const ahead = head.deadline > this.now && this.isAhead(messages[head.window - 1] as Kept)
    return { ...head, ahead, deadline: ahead ? this.now : head.deadline }
  }

  /** When its open batch is handed over at the latest, lateness aside: at its deadline, or as soon as its key was there to be looked at. */
  latest(key: string): number {
    return Math.max(this.deadline(key), this.at(key).entered ?? 0)
  }

  /** The deadline of its open batch, the latest one under the policies since somebody looked. */
  deadline(key: string): number {
    const { messages, policies, until = 0 } = this.at(key)
    return Math.max(until, ...policies.map((policy) => this.#headOf(key, messages, policy)?.deadline ?? 0))
  }

  /** How far ahead a key may be due that has no message with a wait of its own, ms. */
  get longestRest(): number {
    return Math.max(this.policy.wait, this.longestWait)
  }

  /**
   * Somebody looks. When the look before lies in the future, the clock has gone back: no lease and no pause lasts longer than it was
   * granted, and no key is due later than in its longest wait. Whether it was so.
   */
  notice(): boolean {
    if (this.looked <= this.now + AHEAD) return false
    for (const [key, conversation] of this.conversations) {
      if (conversation.held) this.lower(conversation.held)
      else this.planned(key, Math.min(this.latest(key), Math.max(this.now + this.longestRest, this.open(key)?.deadline ?? 0)))
    }
    this.looked = this.now
    return true
  }

  /** Somebody tells others that it has looked now, unless it is still to be seen that the clock has gone back. */
  leaveLook(): void {
    if (this.looked <= this.now + AHEAD) this.looked = this.now
  }

  /** When a lease or pause ends for those who see that the clock has gone back: no later than if it began now. */
  endOf({ ends, span }: Held): number {
    return ends > this.now + span + AHEAD ? this.now + span : ends
  }

  /** Somebody has seen it. Whether that changes anything. */
  lower(held: Held): boolean {
    const { ends } = held
    held.ends = this.endOf(held)
    return held.ends < ends
  }

  /** Somebody has put all in order: what is due, or held, for too long, and keys that nobody looks at. */
  mended(): void {
    for (const [key, conversation] of this.conversations) {
      this.found(conversation)
      if (conversation.held) this.lower(conversation.held)
      // What was due by then keeps its turn.
      else this.planned(key, undefined, this.now)
    }
  }

  /** Somebody has looked at an open key: it is due then at the latest, until somebody finds out more. */
  planned(key: string, until: number | undefined, entered?: number): void {
    Object.assign(this.at(key), { until, entered, policies: [this.policy] })
  }

  /** When each key has to be looked at next, at the latest. */
  pending(): number[] {
    return [...this.conversations].filter(([, { lost }]) => !lost).map(([key, { held }]) => held?.ends ?? this.latest(key))
  }

  /** The same without leases: a worker that did not hand a batch out learns only from its next look that the lease of it has run out. */
  watched(): number[] {
    return [...this.conversations]
      .filter(([, { held, lost }]) => !lost && (!held || held.state === 'paused' || held.state === 'released'))
      .map(([key, { held }]) => held?.ends ?? this.latest(key))
  }

  /** Bytes of all messages in all conversations. */
  bytes(): number {
    return [...this.conversations.values()].reduce((sum, { messages }) => sum + bytesOf(messages, this.#written), 0)
  }

  /** Whether the token still proves a claim. */
  holds(key: string, token: string): Held | undefined {
    const { held } = this.at(key)
    return held && (held.state === 'known' || held.state === 'by') && tokenOf(held) === token ? held : undefined
  }

  /** The keys whose lease or pause has ended, as a call looks at them: `limit` at a time, of which those of batches that were given back come first. */
  ended(before: number, limit: number): { key: string; held: Held }[] {
    const ended = [...this.conversations].flatMap(([key, { held }]) => (held && held.ends <= before ? [{ key, held }] : []))
    ended.sort((one, other) => one.held.ends - other.held.ends || (one.key < other.key ? -1 : 1))
    const isGiven = ({ held }: { held: Held }) => held.state === 'released'
    const looks = Array.from({ length: Math.ceil(ended.length / limit) }, (_, n) => ended.slice(n * limit, (n + 1) * limit))
    return looks.flatMap((look) => [...look.filter(isGiven), ...look.filter((each) => !isGiven(each))])
  }

  /** Hands out once more a batch whose lease or pause has ended. Undefined when it is dead instead. */
  takeAgainOf(key: string, lease: number, attempts: number, by?: Nonce): Claimed | undefined {
    const { held, messages } = this.at(key)
    if (!held || this.#ended(key, held, attempts, by)) return undefined
    const due = held.ends
    this.#lease(held, lease, by)
    held.claim += 1
    this.count('redelivered')
    return this.#handOut(key, held, messages, due)
  }

  /** Hands out the open batch of a key. Undefined when there is none. */
  take(key: string, lease: number, by?: Nonce): Claimed | undefined {
    const { ahead: _, ...head } = this.open(key) ?? { ahead: false }
    const conversation = this.conversations.get(key)
    if (!('count' in head) || !conversation) return undefined
    this.count('batches')
    const id = `${this.now}-${this.counters.batches}`
    conversation.held = { ...head, id, claim: 1, attempt: 1, lost: 0, ends: 0, span: 0, state: 'known' }
    this.#lease(conversation.held, lease, by)
    // What somebody else has written counts as received at 0, and is not late.
    const due = Math.max(head.deadline, Math.min(conversation.score ?? this.now, this.now))
    const late = head.deadline > 31_536_000_000 ? this.now - due : 0
    this.count(`closedBy:${head.reason}`)
    this.count('latenessSum', late)
    this.counters.latenessMax = Math.max(this.counters.latenessMax as number, late)
    this.count(bucket(LATENESS.find((bound) => late <= bound) as number))
    return this.#handOut(key, conversation.held, conversation.messages, this.now - late)
  }

  #handOut(key: string, held: Held, messages: Kept[], due: number): Claimed {
    const { id, attempt, count, deadline, reason } = held
    return { key, id, token: tokenOf(held), attempt, count, deadline, reason, due, messages: messages.slice(0, count) }
  }

  #lease(held: Held, lease: number, by: Nonce | undefined): void {
    Object.assign(held, { ends: this.now + lease, span: lease, state: by ? 'by' : 'known' })
    if (by) held.by = by
  }

  /** The lease or the pause of a batch has ended: true when it is dead. */
  #ended(key: string, held: Held, attempts: number, call: Nonce | undefined): boolean {
    if (held.state === 'released') return false
    // A later call of the same name says that the reply has arrived.
    const { name, number } = held.by ?? { name: '', number: 0 }
    const last = Math.max(this.calls.get(name)?.number ?? 0, call?.name === name ? call.number : 0)
    if (held.state === 'by' && last <= number) {
      held.lost += 1
      const why = `nobody has said that a claim of it arrived, ${held.lost} times`
      return held.lost >= 4 * attempts && this.bury(key, held, 'unacknowledged', why)
    }
    const over = held.state !== 'paused' && held.attempt >= attempts
    if (over && this.bury(key, held, 'lease', `the lease of attempt ${held.attempt} ran out`)) return true
    held.attempt += 1
    return false
  }

  /** A claim is made again: what it still holds, under a lease that begins anew. */
  takeAgain(taken: { key: string; token: string; due: number }[], lease: number): Claimed[] {
    return taken.flatMap(({ key, token, due }) => {
      const held = this.holds(key, token)
      if (!held) return []
      held.ends = Math.max(held.ends, this.now + lease)
      held.span = Math.max(held.span, lease)
      return [this.#handOut(key, held, this.at(key).messages, due)]
    })
  }

  release(key: string, token: string): 'released' | 'lost' {
    const held = this.holds(key, token)
    if (!held) {
      const given = this.at(key).held
      return given?.state === 'released' && tokenOf(given) === token ? 'released' : 'lost'
    }
    Object.assign(held, { state: 'released', span: 0, ends: this.now })
    return 'released'
  }

  /** In one call. */
  complete(pairs: readonly { key: string; token: string }[]): ('completed' | 'lost')[] {
    let kept = 0
    const said = pairs.map(({ key, token }) => {
      const held = this.holds(key, token)
      if (held && this.policy.archive > 0) {
        if (this.indexed.size === 0) this.indexedUntil = 0
        const until = this.now + this.policy.archive
        this.archived.set(held.id, { key, size: held.count, until })
        this.indexed.set(held.id, this.now)
        this.indexedUntil = Math.max(this.indexedUntil, until)
        kept += 1
      }
      return this.finish(key, token)
    })
    if (kept > 0) this.#trimArchive(kept + LIMITS.oldArchived)
    return said
  }

  /** What is kept for a while expires. */
  expireArchive(): void {
    for (const [id, { until }] of this.archived) if (until <= this.now) this.archived.delete(id)
    if (this.indexedUntil <= this.now) this.indexed.clear()
  }

  /** The oldest of the archive go, so many at most. */
  #trimArchive(most: number): void {
    const { archive, maxArchived } = this.policy
    const oldest = [...this.indexed].sort(([a, one], [b, other]) => one - other || (a < b ? -1 : 1))
    const excess = this.indexed.size - maxArchived
    for (const [n, [id, at]] of oldest.slice(0, most).entries()) {
      if (n >= excess && at > this.now - archive) break
      this.archived.delete(id)
      this.indexed.delete(id)
    }
  }

  /** How many batches of a person went there. */
  eraseArchive(key: string): number {
    const ids = [...this.archived].flatMap(([id, each]) => (each.key === key ? [id] : []))
    for (const id of ids) {
      this.archived.delete(id)
      this.indexed.delete(id)
    }
    return ids.length
  }

  /** Takes the archive as it was found. */
  adoptArchive(
    found: ReadonlyMap<string, { key: string; size: number; until: number }>,
    index: Record<string, number>,
    until: number,
  ): void {
    this.archived.clear()
    this.indexed.clear()
    for (const [id, each] of found) this.archived.set(id, each)
    for (const [id, at] of Object.entries(index)) this.indexed.set(id, at)
    this.indexedUntil = until
  }

  /** A call is cut off: what is told and kept of it, nothing promises. */
  cut(): void {
    this.untold = true
    this.unkept = true
  }

  /** A batch is done. */
  finish(key: string, token: string): 'completed' | 'lost' {
    const held = this.holds(key, token)
    if (!held) return 'lost'
    this.count('completed')
    this.count('completedMessages', held.count)
    this.#drop(key, held)
    return 'completed'
  }

  /** `keep`: positions from 1 of the messages that failed, when not all did. */
  fail(
    key: string,
    token: string,
    { delay, attempts, error, keep }: { delay: number; attempts: number; error: string; keep: number[] | undefined },
  ): 'retry' | 'dead' | 'lost' {
    const conversation = this.at(key)
    const held = this.holds(key, token)
    if (!held) {
      // A repeated call gets the answer of the first one.
      const paused = conversation.held
      if (paused?.state === 'paused' && tokenOf(paused) === token) return 'retry'
      const [id, claim] = token.split(':') as [string, string]
      return this.dead.get(id)?.claim === Number(claim) ? 'dead' : 'lost'
    }
    if (keep) {
      const kept = keep.map((at) => conversation.messages[at - 1] as Kept)
      this.count('completedMessages', held.count - kept.length)
      conversation.messages = [...kept, ...conversation.messages.slice(held.count)]
      held.count = kept.length
    }
    if (held.attempt >= attempts && this.bury(key, held, 'failed', error)) return 'dead'
    Object.assign(held, { state: 'paused', span: delay, ends: this.now + delay, failed: error })
    this.count('failed')
    return 'retry'
  }

  extend(key: string, token: string, lease: number): ['extended' | 'lost', number] {
    const held = this.holds(key, token)
    if (!held) return ['lost', 0]
    held.ends = Math.max(held.ends, this.now + lease)
    held.span = Math.max(held.span, lease)
    held.state = 'known'
    return ['extended', this.at(key).messages.length - held.count]
  }

  /** False when so many are dead already that it is to be tried again. */
  bury(key: string, held: Held, cause: Dead['cause'], error: string): boolean {
    if (this.dead.size >= this.policy.maxDead) return false
    const { count, deadline, reason, attempt, claim } = held
    // A call that was cut off may have left it with the dead and with a worker.
    const again = this.dead.has(held.id)
    this.dead.set(held.id, {
      key,
      count,
      deadline,
      reason,
      attempt,
      claim,
      cause,
      error,
      died: this.now,
      messages: this.at(key).messages.slice(0, count),
    })
    if (!again) {
      this.count('dead')
      this.count('deadMessages', count)
    }
    this.#drop(key, held)
    return true
  }

  /** The messages go where their times belong, in one ms in the order of arrival, and behind those that are with a worker. */
  requeue(id: string): 'requeued' | 'unknown' {
    const dead = this.dead.get(id)
    if (!dead) return 'unknown'
    const { messages, held, listed } = this.at(dead.key)
    const claimed = held?.count ?? 0
    const died = (n: number) => `${id.split('-')[1]}.${String(n + 1).padStart(4, '0')}`
    const back = placed(dead.messages.map((message, n) => (message.foreign ? message : { ...message, died: message.died ?? died(n) })))
    const waiting = placed(messages.slice(claimed))
    const all = messages.slice(0, claimed)
    for (const { message, newest } of back) {
      while (waiting[0] && !isBehind(waiting[0].newest, newest)) all.push((waiting.shift() as { message: Kept }).message)
      all.push(message)
    }
    all.push(...waiting.map(({ message }) => message))
    this.conversations.set(dead.key, { messages: all, held, listed: listed ?? false, policies: [this.policy], entered: this.now })
    this.dead.delete(id)
    this.count('deadMessages', -dead.count)
    return 'requeued'
  }

  /** Dead batches that are older than they may be. */
  tooOld(): string[] {
    const { maxDeadAge } = this.policy
    return maxDeadAge === 0 ? [] : [...this.dead].flatMap(([id, { died }]) => (died <= this.now - maxDeadAge ? [id] : []))
  }

  /** Somebody claims, and drops them. */
  dropOld(): void {
    for (const id of this.tooOld()) this.discard(id)
  }

  discard(id: string): 'dropped' | 'unknown' {
    const dead = this.dead.get(id)
    if (!dead) return 'unknown'
    this.dead.delete(id)
    this.count('deadMessages', -dead.count)
    this.count('droppedMessages', dead.count)
    return 'dropped'
  }

  /** What is kept of a conversation goes, but for its ids. What went: messages, 1 when somebody had a batch of them, dead batches, their messages, entries. */
  erase(key: string): [number, number, number, number, number] {
    const { messages, held } = this.at(key)
    this.untold = true
    this.count('droppedMessages', messages.length)
    this.conversations.delete(key)
    const dead = [...this.dead].filter(([, each]) => each.key === key)
    for (const [id] of dead) this.discard(id)
    let entries = 0
    for (const stream of this.streams.values()) {
      const isErased = stream.entries.map((entry) => entry.key === key)
      entries += isErased.filter(Boolean).length
      stream.entries = stream.entries.filter((_, n) => !isErased[n])
      if (stream.read !== undefined) stream.read -= isErased.slice(0, stream.read).filter(Boolean).length
    }
    const claimed = held && (held.state === 'known' || held.state === 'by') ? 1 : 0
    return [messages.length, claimed, dead.length, dead.reduce((sum, [, { count }]) => sum + count, 0), entries]
  }

  #drop(key: string, held: Held): void {
    const { listed = false } = this.at(key)
    const messages = this.at(key).messages.slice(held.count)
    if (messages.length === 0) this.conversations.delete(key)
    else this.conversations.set(key, { messages, held: undefined, listed, policies: [this.policy], entered: this.now, behind: this.now })
  }
}
