/**
 * What must hold of the keys of a queue (lua/README.md), judged from the facts that `rapidfire_check` sees at one moment.
 * The property tests, the fault tests, the chaos run and `rapidfire check` all go by these laws.
 */

/** What stands in Redis for one key, at one moment. Times in ms since 1970; undefined where nothing stands. */
export interface KeyFacts {
  key: Buffer
  /** Redis type of the list of messages, `none` when it is absent. */
  type: string
  size: number
  /** When the first and the last message were received. */
  first: number | undefined
  last: number | undefined
  /** Messages that are not written as messages are. */
  unreadable: number
  /** Messages with options of their own. */
  own: number
  due: number | undefined
  active: number | undefined
  claim: string | undefined
  overridden: boolean
}

/** What stands in Redis for a queue, at one moment: sizes, types and counters by name. */
export type QueueFacts = ReadonlyMap<string, string | number>

/** A law that is broken. */
export interface Violation {
  law: string
  /** The conversation, or undefined when it concerns the queue. */
  key: Buffer | undefined
  text: string
  /** When the oldest message concerned was received, ms since 1970. */
  since: number | undefined
  /** Whether `rapidfire_repair` mends it without loss. */
  repairable: boolean
}

const CLAIM = /^[\d-]+:\d+:(\d+):\d+:[a-zA-Z]+(:retry)?$/

/** The laws of one key. `longestWait` is the longest quiet time that the policy has ever had, ms. */
export function judgeKey(facts: KeyFacts, longestWait: number): Violation[] {
  const violations: Violation[] = []
  const broken = (law: string, text: string, repairable = true) =>
    violations.push({ law, key: facts.key, text, since: facts.first, repairable })
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
  // Messages with options of their own may wait as long as they say.
  if (due !== undefined && facts.last !== undefined && facts.own === 0 && due > facts.last + longestWait) {
    broken('due-in-time', `it is due ${due - facts.last} ms after its last message, the longest wait is ${longestWait} ms`)
  }
  if (facts.own > 0 && !facts.overridden) broken('overrides-known', 'a message has options of its own and the key is not in overrides')
  if (type === 'none' && facts.overridden) broken('overrides-have-messages', 'it is in overrides and has no messages')
  return violations
}

const TYPES = { due: 'zset', active: 'zset', claims: 'hash', overrides: 'set', dead: 'zset' } as const

/** The laws of a queue as a whole. `held` and `buried` are the messages counted, or undefined when there were too many to count. */
export function judgeQueue(facts: QueueFacts): Violation[] {
  const violations: Violation[] = []
  const broken = (law: string, text: string, repairable: boolean) =>
    violations.push({ law, key: undefined, text, since: undefined, repairable })
  const value = (name: string) => Number(facts.get(name) ?? 0)
  for (const [part, type] of Object.entries(TYPES)) {
    const found = facts.get(`${part}:type`)
    if (found !== 'none' && found !== type) broken('index-type', `${part} should be a ${type} and is a ${found}`, false)
  }
  if (facts.has('held')) {
    const counted = value('added') - value('completedMessages') - value('deadMessages') - value('droppedMessages')
    if (counted !== value('held'))
      broken('counters', `the counters say that ${counted} messages are held, there are ${value('held')}`, true)
    if (value('deadMessages') !== value('buried')) {
      broken(
        'dead-counter',
        `the counter says that ${value('deadMessages')} messages are in dead batches, there are ${value('buried')}`,
        true,
      )
    }
  }
  return violations
}
