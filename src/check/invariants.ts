import type { DeadFacts, Facts, KeyFacts, OtherFacts, QueueFacts } from './facts.ts'

/**
 * What must hold of the keys of a queue (lua/README.md), judged from the facts that `rapidfire_check` sees at one moment.
 * All tests that look at the keys, and `rapidfire check`, go by these laws.
 */

/** So far the clock of Redis may go back without anybody being told, ms. */
const AHEAD = 1000

/** For how long a claim puts off what has no list, ms: `forget` in lua/lib/conversation.lua. */
const PUT_OFF = 10_000

/** A law that is broken. */
export interface Violation {
  law: string
  /** The conversation, or undefined when it concerns the queue. */
  key: Buffer | undefined
  /** The key in Redis without the root and its colon, as `rapidfire_repair` takes it; undefined for the root. */
  part: Buffer | undefined
  text: string
  /** When the oldest message concerned was received, ms since 1970. */
  since: number | undefined
  /** Whether `rapidfire_repair` mends it without loss. */
  repairable: boolean
}

/** What `check` found broken. */
export interface Found extends Violation {
  /** Root key of the queue, or of the partition, in which it was found. */
  root: string
  /** What was done about it; the next look found it in order. */
  mended?: string
  /** Why it could not be mended: the next look found it again. */
  unmended?: string
}

type Broken = (law: string, text: string, repairable?: boolean) => void

const CLAIM = /^[\d-]+:\d+:\d+:\d+:(\d+):\d+:[a-zA-Z]+:(\d+)(?::(?:retry|released|done|by=[\w-]+\/\d+))?$/
const TYPES: Record<string, string> = { due: 'zset', active: 'zset', claims: 'hash', overrides: 'set', dead: 'zset' }
/** What has a name of its own behind the colon. */
const NAMED: Record<string, { type: string; expires: boolean }> = {
  seen: { type: 'set', expires: true },
  calls: { type: 'string', expires: true },
  rate: { type: 'string', expires: true },
  stream: { type: 'stream', expires: false },
}

/** The laws of one part of a queue. */
export function judge(facts: Facts): Violation[] {
  const violations: Violation[] = []
  const { part } = facts
  const { key, since } = concerned(facts)
  const broken: Broken = (law, text, repairable = true) => violations.push({ law, key, part, text, since, repairable })
  if (facts.what === 'messages') judgeKey(facts, broken)
  else if (facts.what === 'dead') judgeDead(facts, broken)
  else judgeOther(facts, broken)
  const kept = facts.what !== 'other' || part.toString('latin1') in TYPES
  if (kept && facts.expires) broken('kept', 'it will expire, and what is in it will be lost')
  return violations
}

function concerned(facts: Facts): { key: Buffer | undefined; since: number | undefined } {
  if (facts.what === 'messages') return { key: facts.part.subarray('messages:'.length), since: facts.first }
  if (facts.what === 'dead') return { key: facts.key, since: facts.died }
  return { key: undefined, since: undefined }
}

function judgeKey(facts: KeyFacts, broken: Broken): void {
  const { type, size, due, active, claim } = facts
  const indexed = [due !== undefined && 'due', active !== undefined && 'active'].filter(Boolean).join(' and ')

  if (type !== 'list' && type !== 'none') broken('list-type', `its messages should be a list and are a ${type}`, false)
  if (facts.unreadable > 0) broken('readable', `${facts.unreadable} of ${size} messages cannot be read`, false)
  if (type === 'none' && indexed) broken('index-has-messages', `it is in ${indexed} and has no messages`)
  if (type === 'list' && !indexed)
    broken('messages-indexed', `it has ${size} messages and is in neither due nor active: nobody would look at it`)
  if (due !== undefined && active !== undefined) broken('one-index', 'it is in both due and active')
  if (active !== undefined && claim === undefined) broken('active-has-claim', 'it is active without a claim')
  if (claim !== undefined && active === undefined) broken('claim-is-active', 'it has a claim and is not active')
  if (claim !== undefined) {
    const count = Number(CLAIM.exec(claim)?.[1] ?? Number.NaN)
    if (Number.isNaN(count)) broken('claim-readable', `its claim cannot be read: ${claim.slice(0, 40)}`)
    else if (type === 'list' && (count < 1 || count > size)) broken('claim-count', `its claim has ${count} messages and the list ${size}`)
  }
  const span = Number(CLAIM.exec(claim ?? '')?.[2] ?? Number.NaN)
  // What ends in .5 was put off, for its list was missing: while a slot is moved it may have been on another node.
  const isPutOff = (score: number) => score % 1 === 0.5 && score <= facts.now + PUT_OFF + 1
  if (type === 'list' && active !== undefined && active > facts.now + span + AHEAD && !isPutOff(active)) {
    broken('lease-ends', `its lease or pause of ${span} ms ends in ${active - facts.now} ms: the clock of Redis has gone back`)
  }
  if (due !== undefined && facts.latest !== undefined && due > facts.latest && !isPutOff(due)) {
    broken('due-in-time', `it is due ${due - facts.latest} ms later than the longest wait of any of its messages allows`)
  } else if (type === 'list' && due !== undefined && due > facts.now + (facts.wait ?? Number.POSITIVE_INFINITY) + AHEAD) {
    broken('due-ahead', `it is due in ${due - facts.now} ms, the longest wait is ${facts.wait} ms: the clock of Redis has gone back`)
  }
  if (facts.ahead > 0) broken('received', `${facts.ahead} of ${size} messages lie in the future: the clock of Redis has gone back`, false)
  if (facts.own > 0 && !facts.overridden) broken('overrides-known', 'a message has options of its own and the key is not in overrides')
  if (type === 'none' && facts.overridden) broken('overrides-have-messages', 'it is in overrides and has no messages')
}

function judgeDead(facts: DeadFacts, broken: Broken): void {
  const { type, died, count, gapless, messages } = facts
  if (type === 'none') {
    if (died !== undefined) broken('dead-has-batch', 'it is in dead, and the batch itself is not there')
    return
  }
  if (type !== 'hash') {
    broken('dead-type', `a dead batch should be a hash and is a ${type}`, false)
    return
  }
  if (died === undefined) broken('dead-indexed', `a dead batch of ${messages} messages is not in dead: nobody would see it`)
  if (facts.key === undefined) broken('dead-has-key', 'a dead batch does not say of which key it is', false)
  if (messages === 0) broken('dead-has-messages', 'a dead batch has no messages that could be read', false)
  else if (gapless !== messages) broken('dead-complete', `message ${gapless + 1} of a dead batch is missing`)
  else if (count !== messages) broken('dead-complete', `a dead batch says that it has ${count} messages, there are ${messages}`)
}

function judgeOther({ part, type, expires }: OtherFacts, broken: Broken): void {
  if (type === 'none') return
  const name = part.toString('latin1')
  const expected = TYPES[name]
  if (expected) {
    if (type !== expected) broken('index-type', `${name} should be a ${expected} and is a ${type}`, false)
    return
  }
  const named = NAMED[/^([a-z]+):./s.exec(name)?.[1] ?? '']
  if (!named) broken('known-key', `this ${type} is no key of a queue`, false)
  else if (type !== named.type) broken('part-type', `it should be a ${named.type} and is a ${type}`, false)
  else if (named.expires && !expires) broken('expires', 'it never expires', type === 'set')
}

/** The laws by which messages are not where they are counted: as long as one is broken, the counters say nothing. */
const UNCOUNTED = new Set(['list-type', 'index-has-messages', 'messages-indexed', 'index-type'])

/** Whether the counters can be compared with what is held, while these laws are broken. */
export const isCountable = (broken: readonly Violation[]): boolean =>
  !broken.some(({ law }) => UNCOUNTED.has(law) || law.startsWith('dead-'))

/** The laws of a queue as a whole. `held` and `buried` are the messages counted, or undefined when there were too many to count. */
export function judgeQueue(facts: QueueFacts): Violation[] {
  const violations: Violation[] = []
  const broken = (law: string, text: string) =>
    violations.push({ law, key: undefined, part: undefined, text, since: undefined, repairable: true })
  const value = (name: string) => facts.get(name) ?? 0
  if (value('expires') >= 0) broken('kept', 'the root will expire, and with it the policy and the counters')
  if (!facts.has('held')) return violations
  const counted = value('added') - value('completedMessages') - value('deadMessages') - value('droppedMessages')
  if (counted !== value('held')) broken('counters', `the counters say that ${counted} messages are held, there are ${value('held')}`)
  if (value('deadMessages') !== value('buried')) {
    broken('dead-counter', `the counter says that ${value('deadMessages')} messages are in dead batches, there are ${value('buried')}`)
  }
  return violations
}
