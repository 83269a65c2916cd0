import { randomUUID } from 'node:crypto'
import { rootKey } from '../partitions/roots.ts'
import type { Connection } from '../redis/connection.ts'
import { OPTIONS } from '../redis/generated/limits.ts'
import { partOf } from '../redis/sharing.ts'
import { Echo } from './echo.ts'
import type { Lane } from './lane.ts'
import type { Lanes } from './lanes.ts'
import { Presence, type Spokesman } from './presence.ts'
import type { Timing } from './timing.ts'

/** A worker that runs, as those see it with which it shares. */
export interface Member extends Spokesman {
  readonly lanes: Lanes
  /** Looks at this lane. */
  look(lane: Lane): void
  /** Looks at all of its lanes: what Redis knew of who watches them may be lost. */
  lookAll(): void
  /** Another process, or a worker of its own, is there no more. */
  gone(name: string): void
  failed(error: unknown): void
}

/** All lanes of a process together are looked at so often in `rest`, or each of them once. */
const LOOKS = 6

/** So many ms a process looks after the partitions of one of its queues, unless that would be more seldom than was asked. */
const MAINTAINED = 3000

/**
 * What the workers of one process have together that use the same Redis: a connection for their calls, and one by which they are woken. So have
 * their lanes, of however many queues and partitions: they take turns, one echo tests the subscription for all of them, and in one place it is said
 * for all that they are there.
 */
export class Hub {
  /** Its name among processes; those of its workers begin with it. */
  readonly name: string
  readonly subscriber: Connection
  readonly echo: Echo
  /** When Redis has answered a claim last, by `performance.now`. */
  answered = 0
  /** Set when the last worker has gone: resolves when the connection is closed. */
  ended: Promise<void> | undefined
  readonly #commands: Connection
  readonly #timing: Timing
  readonly #presence: Presence
  readonly #end: () => void
  readonly #members = new Set<Member>()
  /** Lanes of all members. */
  #size = 0
  /** Workers that were made, and those that are not closed. */
  #made = 0
  #users = 0

  /** @param end called when the last of its workers has gone */
  constructor(connection: Connection, timing: Timing, end: () => void) {
    this.#commands = connection.duplicate(timing.stall)
    this.subscriber = connection.duplicate(timing.stall)
    this.#timing = timing
    this.#end = end
    // Redis counts those who hear a wake-up on its own node of a cluster, and a subscription may be with any: then nothing follows from the count.
    this.name = `${this.subscriber.cluster ? '~' : ''}${randomUUID()}`
    this.echo = new Echo(this.subscriber, timing, {
      lanes: () => [...this.#members].flatMap(({ lanes }) => lanes.all),
      ask: (lane) => this.#memberOf(lane)?.look(lane),
      failed: (lane, error) => this.#memberOf(lane)?.failed(error),
    })
    this.#presence = new Presence(this.name, timing.present, this.subscriber, {
      gone: (name) => {
        for (const member of this.#members) member.gone(name)
      },
      forgotten: () => {
        for (const member of this.#members) member.lookAll()
      },
    })
  }

  /** The name of a new worker, and what it has of the connection for calls: it stays until it closes that. */
  join(): { worker: string; commands: Connection } {
    this.#users += 1
    this.#made += 1
    return { worker: `${this.name}/${this.#made}`, commands: partOf(this.#commands, () => this.#isLeft()) }
  }

  /** A worker looks at its lanes from now on. */
  enter(member: Member): void {
    this.#members.add(member)
    this.recount()
  }

  /** It does not, for a while or for ever. */
  leave(member: Member): void {
    if (!this.#members.delete(member)) return
    this.recount()
    this.echo.leave((lane) => member.lanes.has(lane))
  }

  /** Members or their lanes have changed. */
  recount(): void {
    this.#size = 0
    let first: Member | undefined
    for (const member of this.#members) {
      this.#size += member.lanes.size
      // All who serve the same queues say it in the same one.
      if (!first || rootKey(member.client.queue) < rootKey(first.client.queue)) first = member
    }
    // Where each lane is looked at once in a rest, that is soon enough to miss one that was killed.
    this.#presence.sayBy(this.#size > LOOKS ? first : undefined)
  }

  /** Whether there is one lane alone. */
  get isOne(): boolean {
    return this.#size === 1
  }

  /** How long a lane rests at most that can be woken, ms: all together are looked at a few times in `rest`. */
  get longest(): number {
    return Math.min(Math.ceil(this.#timing.rest * Math.max(1, this.#size / LOOKS)), OPTIONS.rest.most)
  }

  /** How often a worker looks after the partitions of its queue, ms. */
  get maintainEvery(): number {
    return Math.max(this.#timing.maintainEvery, this.#members.size * MAINTAINED)
  }

  #memberOf(lane: Lane): Member | undefined {
    for (const member of this.#members) if (member.lanes.has(lane)) return member
    return undefined
  }

  /** A worker is closed; whether it was the last one. */
  #isLeft(): boolean {
    this.#users -= 1
    if (this.#users > 0) return false
    this.#end()
    this.ended = this.subscriber.close()
    return true
  }
}

/** By the connection that they share, and the times that they go by. */
const HUBS = new WeakMap<Connection, Map<string, Hub>>()

/** What workers have together that are made by clients with this connection. */
export function hubOf(connection: Connection, timing: Timing): Hub {
  const origin = connection.origin ?? connection
  const hubs = HUBS.get(origin) ?? new Map<string, Hub>()
  HUBS.set(origin, hubs)
  const times = JSON.stringify(timing)
  const known = hubs.get(times)
  if (known) return known
  const hub: Hub = new Hub(connection, timing, () => hubs.delete(times))
  hubs.set(times, hub)
  return hub
}
