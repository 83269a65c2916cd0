import { randomUUID } from 'node:crypto'
import { EventEmitter, once } from 'node:events'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { setImmediate } from 'node:timers/promises'
import { afterEach, beforeEach, expect, onTestFinished, vi } from 'vitest'
import type { WorkerEvents } from '../../src/events.ts'
import type { RapidFireOptions } from '../../src/options.ts'
import { RapidFire } from '../../src/rapidfire.ts'
import type { Handler } from '../../src/worker/handler.ts'
import type { Worker, WorkerOptions } from '../../src/worker/worker.ts'
import { type Lua, TEST_SOURCE } from '../support/lua.ts'

export type Told = [event: keyof WorkerEvents<unknown>, ...args: any[]]

/** Clients of one process that are made of the same share connections: of this URL each is as one in a process of its own. */
let processes = 0
export const fromElsewhere = (url: string) => `${url}?process=${++processes}`

/**
 * Makes clients and workers of the queue of `lua`; each is closed after its test. Unless they are given the same `redis`, clients share nothing, nor do
 * their workers. The clock of Redis is the real one until a test moves it.
 */
export function useWorkers(lua: () => Lua) {
  const clients: RapidFire<any>[] = []
  const workers: Worker<any>[] = []
  beforeEach(() => lua().redis.del('test:clock'))
  afterEach(async () => {
    await Promise.all(workers.splice(0).map((worker) => worker.close({ timeout: 0 })))
    await Promise.all(clients.splice(0).map((client) => client.close()))
  })

  const client = <T = any>(options: RapidFireOptions<T> = {}): RapidFire<T> => {
    const made = new RapidFire<T>({ redis: fromElsewhere(lua().server.url), queue: 'orders', binding: lua().mode, ...options }, TEST_SOURCE)
    clients.push(made)
    return made
  }

  /** A worker that has not been started. */
  const idle = <T = any>(handler: Handler<T>, options: WorkerOptions = {}, from = client<T>()): Worker<T> => {
    const worker = from.worker(handler, options)
    workers.push(worker)
    return worker
  }

  /** A worker that runs, with all that it has told so far; the figures of attempts are left out. */
  const start = <T = any>(handler: Handler<T>, options: WorkerOptions = {}, from = client<T>()): Worker<T> & { told: Told[] } => {
    const told: Told[] = []
    const worker = idle(handler, options, from)
    for (const event of ['completed', 'failed', 'dead', 'lost', 'released'] as const) {
      worker.on(event, (...args: unknown[]) => told.push([event, ...args.slice(0, -1)]))
    }
    worker.on('error', (error) => told.push(['error', error]))
    worker.run()
    return Object.assign(worker, { told })
  }

  /** Moves the clock of Redis by `ms`, and lets the workers look again. */
  const later = async (ms = 0) => {
    if (ms > 0) await lua().tick(ms)
    await lua().redis.publish(`${lua().root}:wake`, '0')
  }

  return { client, idle, start, later }
}

/** Adds `count` messages, each of a key of its own, that are due at once. */
export async function addDue(rapidfire: RapidFire<any>, count: number): Promise<void> {
  await rapidfire.addMessages(Array.from({ length: count }, (_, n) => ({ key: `key ${n}`, data: n, flush: true })))
}

/** How long the real clock may run while a test waits for something, ms. */
const PATIENCE = 20_000

/** Waits until the assertion holds. */
export const eventually = (assertion: () => unknown) => vi.waitFor(assertion, { interval: 5, timeout: PATIENCE })

/**
 * From here on the timers of this process stand still, until the end of the test, but for what the returned function lets pass: `step` ms at a
 * time, slowly enough for Redis to answer what it was asked, until something holds. It returns how much has passed.
 */
export function holdTime(lua: Lua) {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  return async function passUntil(holds: () => unknown, step: number | (() => number) = 5): Promise<number> {
    let passed = 0
    for (const end = Date.now() + PATIENCE; !(await holds()); ) {
      if (Date.now() > end) throw new Error(`not within ${PATIENCE} ms, in which ${passed} ms of the timers have passed: ${holds}`)
      const ms = typeof step === 'number' ? step : step()
      vi.advanceTimersByTime(ms)
      passed += ms
      await setImmediate()
      await lua.redis.echo('')
    }
    return passed
  }
}

/** Times at which a worker does nothing by itself but look when it has rested. */
export const ONLY_RESTS = { stall: 1e9, silentAfter: 1e9, echoEvery: 1e9, maintainEvery: 1e9 }

/** What a worker has told first of an event, once it has: it may have done so before anybody listened. */
export async function first(worker: { told: Told[] }, event: Told[0]): Promise<any[]> {
  const found = () => worker.told.find(([name]) => name === event)
  await eventually(() => expect(found()).toBeDefined())
  return (found() as Told).slice(1)
}

/** A gate that handlers wait at until the test opens it. */
export function gate() {
  let open = () => {}
  const opened = new Promise<void>((resolve) => (open = resolve))
  return { opened, open }
}

/** Keeps the event loop from turning. */
export function block(ms: number): void {
  for (const end = performance.now() + ms; performance.now() < end; );
}

/** Records the calls of Lua functions that reach the server, with their arguments behind the root. */
export async function recordCalls(lua: Lua) {
  const names = new Map(Object.entries(TEST_SOURCE.scripts).map(([name, { sha1 }]) => [sha1, name]))
  const { hostname, port, password } = new URL(lua.server.url)
  // The MONITOR of ioredis may stumble over its own commands.
  const socket = connect(Number(port), hostname)
  onTestFinished(() => void socket.destroy())
  const made: { name: string; root: string; args: string[] }[] = []
  const seen = new EventEmitter()
  createInterface(socket).on('line', (line) => {
    const [command, which, , root = '', ...args] = [...line.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map((quoted) => quoted[1] as string)
    if (/^(fcall|evalsha)$/i.test(command ?? ''))
      made.push({ name: names.get(which as string) ?? String(which).slice('rapidfire_'.length), root, args })
    else if (command === 'echo') seen.emit(which as string)
    else if (line === '+OK') seen.emit('OK')
  })
  for (const command of [...(password ? [`AUTH ${password}`] : []), 'MONITOR']) {
    const done = once(seen, 'OK')
    socket.write(`${command}\r\n`)
    await done
  }
  return {
    /** The calls since recording began, once the server has told of all of them. */
    async made(): Promise<typeof made> {
      const end = randomUUID()
      const told = once(seen, end)
      await lua.redis.echo(end)
      await told
      return made
    },
  }
}
