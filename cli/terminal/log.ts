import type { EventEmitter } from 'node:events'
import { type Logger, pino } from 'pino'
import type { Batch } from '../../src/batches/batch.ts'
import type { Events, Run } from '../../src/events.ts'
import { printable } from './format.ts'

type Level = 'debug' | 'info' | 'warn' | 'error'

/**
 * How an event is logged: at which level, and with which fields; its name is the message. With `kind`, of those of one kind at most one line a second: its
 * `count` says how many they were.
 */
type Lines = {
  [Name in keyof Events]: [level: Level, fields: (...args: Events[Name]) => object, kind?: (...args: Events[Name]) => string]
}

/** The lines of all events. No key and no content is in any of them, unless `content` says so. */
export function linesOf(content: boolean): Lines {
  const about = (batch: Batch, run: Run) => {
    const { id, attempt, reason, messages, key } = batch
    const personal = content ? { key, content: messages.map(({ data }) => data) } : {}
    return { batch: id, attempt, reason, messages: messages.length, ...run, ...personal }
  }
  return {
    ready: ['info', () => ({ pid: process.pid })],
    completed: ['info', about],
    failed: ['warn', (batch, error, run) => ({ ...about(batch, run), error: textOf(error) })],
    dead: ['error', (batch, error, run) => ({ ...about(batch, run), error: textOf(error), hint: '`rapidfire dead` shows it' })],
    lost: ['warn', about],
    released: ['info', about],
    forwarded: ['info', (batches) => ({ batches })],
    idle: ['debug', () => ({})],
    error: ['error', (error) => ({ error: textOf(error) }), textOf],
    stored: ['debug', (request) => request],
    refused: ['warn', (answer) => answer, ({ code }) => code],
    listening: ['info', (server) => server],
    stopping: ['info', (signal) => ({ signal })],
    killed: ['warn', (signal) => ({ signal })],
    stopped: ['info', () => ({})],
  }
}

/** What ioredis cannot connect with has a code and no message. */
function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.message || String((error as NodeJS.ErrnoException).code ?? error.name)
}

export const loggerOf = ({ queue, logLevel }: { queue: string; logLevel: string }): Logger =>
  pino({ level: logLevel, base: { queue }, hooks: { streamWrite: (line) => `${printable(line.trimEnd())}\n` } })

/** Logs what these tell, a line for each event, or for those of its kind. */
export function logEvents(logger: Logger, emitters: readonly EventEmitter<any>[], { content = false } = {}): void {
  for (const [name, [level, fields, kind]] of Object.entries(linesOf(content))) {
    // Whoever listens to `idle` makes a worker ask for it.
    if (!logger.isLevelEnabled(level)) continue
    const write = (args: any[], more: object) => logger[level]({ ...(fields as (...args: any[]) => object)(...args), ...more }, name)
    const counter = kind && new Counter(kind as (...args: any[]) => string, write)
    for (const emitter of emitters) {
      emitter.on(name, (...args: any[]) => (counter ? counter.tell(args) : write(args, {})))
      // What was counted comes before the line that ends the log.
      if (counter) emitter.on('stopped', () => counter.end())
    }
  }
}

/** For how long what comes is counted behind a line of its kind, ms. */
const COUNTED = 1000

/** Lets the first of a kind through at once, and what follows within a second as one, with the last of them and their number. */
class Counter {
  readonly #kindOf: (...args: any[]) => string
  readonly #write: (args: any[], more: { count: number }) => void
  readonly #waiting = new Map<string, { count: number; args: any[] }>()

  constructor(kindOf: (...args: any[]) => string, write: (args: any[], more: { count: number }) => void) {
    this.#kindOf = kindOf
    this.#write = write
  }

  tell(args: any[]): void {
    const kind = this.#kindOf(...args)
    const waiting = this.#waiting.get(kind)
    if (waiting) {
      waiting.count += 1
      waiting.args = args
    } else this.#let(kind, args, 1)
  }

  /** Lets through what waits. */
  end(): void {
    for (const { count, args } of this.#waiting.values()) if (count > 0) this.#write(args, { count })
    this.#waiting.clear()
  }

  #let(kind: string, args: any[], count: number): void {
    this.#write(args, { count })
    const waiting = { count: 0, args }
    this.#waiting.set(kind, waiting)
    const next = () => {
      if (this.#waiting.get(kind) !== waiting) return
      this.#waiting.delete(kind)
      if (waiting.count > 0) this.#let(kind, waiting.args, waiting.count)
    }
    setTimeout(next, COUNTED).unref()
  }
}
