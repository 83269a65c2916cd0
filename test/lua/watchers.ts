import { Redis } from 'ioredis'
import { afterEach } from 'vitest'
import type { Lua } from '../support/lua.ts'

/**
 * Hears the wake-ups of the queue: those of the workers that are named, or of all; each as `<worker, * for all> <what>`. Redis knows then of each of
 * these that it hears.
 */
export async function wakesOf(lua: Lua, ...workers: string[]) {
  const channel = `${lua.root}:wake`
  const subscriber = new Redis(lua.server.url)
  let messages: string[] = []
  const hear = (from: string, message: string) => messages.push(`${from.slice(channel.length + 1) || '*'} ${message}`)
  subscriber.on('message', (from, message: string) => hear(from, message))
  subscriber.on('pmessage', (_, from, message: string) => from === 'end' || hear(from, message))
  if (workers.length > 0) await subscriber.subscribe(...workers.map((worker) => `${channel}:${worker}`))
  else await subscriber.psubscribe(`${channel}*`)
  await subscriber.psubscribe('end')
  return {
    /** What was said since the last call, in order. */
    async heard(): Promise<string[]> {
      const ended = new Promise<void>((resolve) => {
        const listen = (_: string, from: string) => {
          if (from !== 'end') return
          subscriber.off('pmessage', listen)
          resolve()
        }
        subscriber.on('pmessage', listen)
      })
      await lua.redis.publish('end', '')
      await ended
      const heard = messages
      messages = []
      return heard
    },
    close: () => subscriber.disconnect(),
  }
}

/** What a test of the watch has in hand: claims of workers, what these are told, and who stands by. */
export function useWatch(lua: () => Lua) {
  let wakes: Awaited<ReturnType<typeof wakesOf>> | undefined
  afterEach(() => wakes?.close())
  const claim = (worker: string, ...more: (string | number)[]) => lua().call('claim_ready', 'WORKER', worker, ...more)
  return {
    claim,
    /** In how many ms the worker looks next. */
    next: async (worker: string, ...more: (string | number)[]): Promise<number> => (await claim(worker, ...more))[1] - lua().now,
    /** From now on these workers are heard, or all, and no others. */
    listen: async (...workers: string[]) => {
      wakes?.close()
      wakes = await wakesOf(lua(), ...workers)
    },
    /** What was said since the last time, in order. */
    heard: () => (wakes as NonNullable<typeof wakes>).heard(),
    standbys: (): Promise<string[]> => lua().redis.zrange(`${lua().root}:watch:standby`, '0', '-1'),
  }
}

interface Watcher {
  name: string
  slots: number
  running: { key: string; token: string; until: number }[]
  /** When it looks next; never while it waits for a slot. */
  look: number
  /** The earliest wake-up since its last look. */
  early: number
  resting: boolean
  alive: boolean
}

/** What happens to the queue at a time, ms from the start. */
export type Step = { at: number } & (
  | { what: 'add'; key: string; tokens: (string | number)[] }
  | { what: 'kill'; worker: number }
  | { what: 'start'; slots: number }
)

/**
 * Idle workers as src/worker/loop.ts has them, on the moved clock: each claims for its free slots when it looks, when it is woken and, unless it
 * rests, when a slot becomes free. Handlers take `busy` ms.
 */
export class Watchers {
  readonly #lua: Lua
  readonly #wakes: Awaited<ReturnType<typeof wakesOf>>
  readonly #busy: number
  readonly #workers: Watcher[] = []
  readonly #keys = new Set<string>()
  /** Since when keys are ready and a worker has a free slot. */
  readonly #ready = new Map<string, number>()
  /** Claims made. */
  claims = 0
  /** The longest that a ready batch has waited although a worker had a free slot, ms. */
  latest = 0

  constructor(lua: Lua, wakes: Awaited<ReturnType<typeof wakesOf>>, busy: number) {
    this.#lua = lua
    this.#wakes = wakes
    this.#busy = busy
  }

  /** Goes through the steps, and on for `rest` ms. */
  async run(steps: Step[], rest = 5000): Promise<void> {
    const start = this.#lua.now
    const left = [...steps].sort((a, b) => a.at - b.at)
    const end = start + (left.at(-1)?.at ?? 0) + rest
    for (let turns = 0; turns < 1000; turns += 1) {
      const alive = this.#workers.filter((worker) => worker.alive)
      const times = alive.flatMap((worker) => [worker.look, ...worker.running.map(({ until }) => until)])
      const time = Math.min(end, left[0] ? start + left[0].at : end, ...times)
      if (time > this.#lua.now) {
        await this.#check(time)
        await this.#lua.tick(time - this.#lua.now)
      }
      if (time === end) return
      if (left[0] && start + left[0].at <= time) await this.#take(left.shift() as Step)
      else await this.#turn(alive.find((worker) => worker.look <= time || worker.running.some(({ until }) => until <= time)) as Watcher)
      await this.#deliver()
    }
    throw new Error('the workers do not come to rest')
  }

  async #take(step: Step): Promise<void> {
    if (step.what === 'add') {
      this.#keys.add(step.key)
      await this.#lua.call('add', step.key, '"Hi"', ...step.tokens)
    } else if (step.what === 'kill') {
      const victim = this.#workers[step.worker % Math.max(this.#workers.length, 1)]
      if (victim) victim.alive = false
    } else {
      this.#workers.push({
        name: `w${this.#workers.length}`,
        slots: step.slots,
        running: [],
        look: this.#lua.now,
        early: Number.POSITIVE_INFINITY,
        resting: true,
        alive: true,
      })
    }
  }

  async #turn(worker: Watcher): Promise<void> {
    if (worker.look <= this.#lua.now) {
      worker.look = Number.POSITIVE_INFINITY
      worker.early = Number.POSITIVE_INFINITY
      worker.resting = false
    }
    for (const done of worker.running.filter(({ until }) => until <= this.#lua.now)) {
      worker.running.splice(worker.running.indexOf(done), 1)
      await this.#lua.call('complete', done.key, done.token)
    }
    const lane = Math.ceil(worker.slots / 2)
    for (let free = worker.slots - worker.running.length; !worker.resting && free > 0; free = worker.slots - worker.running.length) {
      const limit = Math.min(lane, free)
      const [now, next, ...batches] = await this.#lua.call('claim_ready', 'WORKER', worker.name, 'LIMIT', limit, 'LEASE', 86_400_000)
      this.claims += 1
      for (const [key, token] of batches) worker.running.push({ key, token, until: now + this.#busy })
      if (batches.length === limit || next <= now) continue
      worker.resting = true
      worker.look = Math.min(next, worker.early)
    }
  }

  async #deliver(): Promise<void> {
    for (const message of await this.#wakes.heard()) {
      const [name, at] = message.split(' ')
      for (const worker of this.#workers.filter((each) => each.name === name || name === '*')) {
        worker.early = Math.min(worker.early, Number(at))
        if (worker.resting) worker.look = Math.min(worker.look, Number(at))
      }
    }
  }

  /** Up to `time` nothing happens: whoever is ready waits until then. */
  async #check(time: number): Promise<void> {
    if (!this.#workers.some((worker) => worker.alive && worker.running.length < worker.slots)) return this.#ready.clear()
    for (const key of this.#keys) {
      const [state, now, deadline] = await this.#lua.call('peek', key)
      if (state !== 'ready') this.#ready.delete(key)
      // A key that was active may become ready long after its deadline.
      else if (!this.#ready.has(key)) this.#ready.set(key, now)
      const since = this.#ready.get(key) ?? (state === 'collecting' ? deadline : time)
      this.latest = Math.max(this.latest, time - since)
    }
  }
}
