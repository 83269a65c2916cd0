import { setImmediate as nextTurn } from 'node:timers/promises'
import { RapidfireError } from '../errors.ts'
import { SLICE } from './keys.ts'
import type { AddResult } from './results.ts'

type Result = AddResult | RapidfireError

/** Calls of long lists that are under way at once: whoever adds a message meanwhile waits for no more of them. */
export const CALLS = 4

/** How much of what one call takes a list makes use of: what had to wait for its key goes with it. */
const PART = 7 / 8

/** Lets in so many at once, the others in the order in which they came. */
export class Gate {
  #free: number
  readonly #waiting: (() => void)[] = []

  constructor(places: number) {
    this.#free = places
  }

  async enter(): Promise<void> {
    if (this.#free > 0) this.#free -= 1
    else await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  leave(): void {
    const next = this.#waiting.shift()
    if (next) next()
    else this.#free += 1
  }
}

/** How the messages of a long list go to Redis. */
export interface Way<Message> {
  gate: Gate
  /** What decides where messages go: when another one holds, what is ready leaves before more is made ready. */
  layout(): unknown
  rootFor(message: Message): string
  weightOf(message: Message): number
  /** What the messages of one call may weigh. */
  most: number
  /** Sends messages of a root in one call; one result each, in order. */
  send(root: string, messages: Message[]): Promise<Result[]>
  /** Whether a result says that the root cannot be reached: then those that wait for it are not sent. */
  isAway(result: Result): boolean
}

/** Messages of one root that will be sent together. */
interface Part<Message> {
  messages: Message[]
  /** Their places in the list. */
  at: number[]
  weight: number
}

/**
 * Sends a long list so that it disturbs nobody: a few calls at a time, one in a turn of the event loop. One result for each message, in order.
 *
 * @param given is called when all have been handed over
 */
export async function sendList<Message>(messages: readonly Message[], way: Way<Message>, given: () => void): Promise<Result[]> {
  const results: Result[] = []
  const away = new Set<string>()
  const under: Promise<void>[] = []
  const open = new Map<string, Part<Message>>()
  let looked = 0

  const send = async (root: string, { messages: some, at }: Part<Message>): Promise<void> => {
    const said = await way.send(root, some)
    way.gate.leave()
    if (said.some(way.isAway)) away.add(root)
    for (const [m, n] of at.entries()) results[n] = said[m] as Result
  }

  const leave = async (root: string): Promise<void> => {
    const part = open.get(root) as Part<Message>
    open.delete(root)
    await way.gate.enter()
    if (away.has(root)) {
      way.gate.leave()
      for (const n of part.at) results[n] = notSent()
      return
    }
    under.push(send(root, part))
    looked = 0
    await nextTurn()
  }

  let layout = way.layout()
  for (const [n, message] of messages.entries()) {
    if (way.layout() !== layout) {
      for (const root of [...open.keys()]) await leave(root)
      layout = way.layout()
    }
    const root = way.rootFor(message)
    const weight = way.weightOf(message)
    const before = open.get(root)
    if (before && before.weight + weight > PART * way.most) await leave(root)
    let part = open.get(root)
    if (!part) open.set(root, (part = { messages: [], at: [], weight: 0 }))
    part.messages.push(message)
    part.at.push(n)
    part.weight += weight
    // With many roots it takes many messages until one part is full.
    looked += 1
    if (looked < SLICE) continue
    looked = 0
    await nextTurn()
  }
  for (const root of [...open.keys()]) await leave(root)
  given()
  await Promise.all(under)
  return results
}

function notSent(): RapidfireError {
  const text = 'Redis cannot be used: it did not answer to those before it in the list; it was not sent'
  return new RapidfireError('UNAVAILABLE', text, { command: 'rapidfire_add' })
}
