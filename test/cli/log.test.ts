import { EventEmitter } from 'node:events'
import { pino } from 'pino'
import { expect, it } from 'vitest'
import { linesOf, logEvents } from '../../cli/terminal/log.ts'
import type { Batch } from '../../src/batches/batch.ts'
import type { Events } from '../../src/events.ts'

const KEY = '79001234567'
const SECRET = 'Запишите меня'
const batch: Batch = {
  id: '17-1',
  root: 'rapid-fire:{salon}',
  key: KEY,
  token: '17-1:1',
  attempt: 1,
  reason: 'flush',
  openedAt: 1,
  deadline: 2,
  due: 2,
  messages: [{ id: `wamid.${KEY}`, data: { text: SECRET }, receivedAt: 1 }],
}
const run = { took: 30, lateness: 4 }
const down = new Error('the bot is down')

/** What is emitted: each event once. */
const TOLD: { [Name in keyof Events]: Events[Name] } = {
  ready: [],
  completed: [batch, run],
  failed: [batch, down, run],
  dead: [batch, down, run],
  lost: [batch, run],
  released: [batch, run],
  forwarded: [3],
  idle: [],
  error: [Object.assign(new Error(''), { code: 'ECONNREFUSED' })],
  stored: [{ source: 'generic', added: 1, duplicates: 0 }],
  refused: [{ status: 401, code: 'BAD_SIGNATURE' }],
  listening: [{ host: '127.0.0.1', port: 3000, path: '/healthz' }],
  stopping: ['SIGTERM'],
  killed: ['SIGTERM'],
  stopped: [],
}

/** The lines that are logged when all of it is emitted. */
function logged(level: string, options?: { content?: boolean }) {
  const lines: Record<string, unknown>[] = []
  const emitter = new EventEmitter()
  logEvents(pino({ level, base: null, timestamp: false }, { write: (line) => lines.push(JSON.parse(line)) }), [emitter], options)
  for (const [name, args] of Object.entries(TOLD)) emitter.emit(name, ...args)
  return { lines, emitter }
}

it('a log has one line for each event, whose message is its name, and no key and no content', () => {
  const { lines } = logged('debug')
  expect(lines.map(({ msg }) => msg)).toEqual(Object.keys(TOLD))
  expect(lines).toHaveLength(Object.keys(linesOf(false)).length)
  expect(JSON.stringify(lines)).not.toContain(KEY)
  expect(JSON.stringify(lines)).not.toContain(SECRET)
})

it('a log has keys and content when it is told to', () => {
  const { lines } = logged('info', { content: true })
  expect(lines.find(({ msg }) => msg === 'completed')).toMatchObject({ key: KEY, content: [{ text: SECRET }] })
})

it('a log shows what a handler has thrown at warn and above, with the figures of the attempt', () => {
  const about = { batch: '17-1', attempt: 1, reason: 'flush', messages: 1, took: 30, lateness: 4, error: 'the bot is down' }
  expect(logged('warn').lines.filter(({ batch: id, error }) => id && error)).toEqual([
    { level: 40, ...about, msg: 'failed' },
    { level: 50, ...about, hint: '`rapidfire dead` shows it', msg: 'dead' },
  ])
})

it('a log names the code of an error that has no message', () => {
  expect(logged('error').lines.find(({ msg }) => msg === 'error')).toMatchObject({ level: 50, error: 'ECONNREFUSED' })
})

it('a log listens to nothing that it does not show', () => {
  expect(logged('info').emitter.listenerCount('idle')).toBe(0)
  expect(logged('debug').emitter.listenerCount('idle')).toBe(1)
})
