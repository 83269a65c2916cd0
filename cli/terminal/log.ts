import type { EventEmitter } from 'node:events'
import { type Logger, pino } from 'pino'
import type { Batch } from '../../src/batches/batch.ts'
import type { Events, Run } from '../../src/events.ts'
import { printable } from './format.ts'

type Level = 'debug' | 'info' | 'warn' | 'error'

/** How an event is logged: at which level, and with which fields; its name is the message. */
type Lines = { [Name in keyof Events]: [level: Level, fields: (...args: Events[Name]) => object] }

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
    error: ['error', (error) => ({ error: textOf(error) })],
    stored: ['debug', (request) => request],
    refused: ['debug', (answer) => answer],
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

/** Logs what these tell, one line an event. */
export function logEvents(logger: Logger, emitters: readonly EventEmitter<any>[], { content = false } = {}): void {
  for (const [name, [level, fields]] of Object.entries(linesOf(content))) {
    // Whoever listens to `idle` makes a worker ask for it.
    if (!logger.isLevelEnabled(level)) continue
    for (const emitter of emitters)
      emitter.on(name, (...args: any[]) => logger[level]((fields as (...args: any[]) => object)(...args), name))
  }
}
