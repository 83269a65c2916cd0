import { EventEmitter } from 'node:events'
import { pino } from 'pino'
import { afterEach, expect, it, vi } from 'vitest'
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
  stored: [{ source: 'generic', added: 1, duplicates: 0, changed: 0 }],
  refused: [{ status: 401, code: 'BAD_SIGNATURE', why: 'The request must carry the proof of its source.' }],
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

afterEach(() => void vi.useRealTimers())

it('a log has at most a line a second for what is refused with one code, and says how many it stands for and why', () => {
  vi.useFakeTimers()
  const lines: Record<string, unknown>[] = []
  const emitter = new EventEmitter<Events>()
  logEvents(pino({ base: null, timestamp: false }, { write: (line) => lines.push(JSON.parse(line)) }), [emitter])
  const refuse = (code: string, why: string) => emitter.emit('refused', { status: 400, code, why })
  const told = () => lines.splice(0).map(({ code, count, why }) => [code, count, why])
  refuse('UNKNOWN_FORM', 'first')
  refuse('BAD_JSON', 'other')
  expect(told()).toEqual([
    ['UNKNOWN_FORM', 1, 'first'],
    ['BAD_JSON', 1, 'other'],
  ])
  for (const why of ['second', 'third', 'last']) refuse('UNKNOWN_FORM', why)
  vi.advanceTimersByTime(999)
  expect(told()).toEqual([])
  vi.advanceTimersByTime(1)
  expect(told()).toEqual([['UNKNOWN_FORM', 3, 'last']])
  refuse('UNKNOWN_FORM', 'within the next second')
  expect(told()).toEqual([])
  vi.advanceTimersByTime(1000)
  expect(told()).toEqual([['UNKNOWN_FORM', 1, 'within the next second']])
  vi.advanceTimersByTime(2000)
  expect([told(), vi.getTimerCount()]).toEqual([[], 0])
  refuse('UNKNOWN_FORM', 'at once again')
  refuse('UNKNOWN_FORM', 'before the end')
  emitter.emit('stopped')
  expect(lines.map(({ msg, why }) => [msg, why])).toEqual([
    ['refused', 'at once again'],
    ['refused', 'before the end'],
    ['stopped', undefined],
  ])
  vi.advanceTimersByTime(2000)
  expect(lines).toHaveLength(3)
})

it('a log repeats an error at most once a second', () => {
  vi.useFakeTimers()
  const lines: Record<string, unknown>[] = []
  const emitter = new EventEmitter<Events>()
  logEvents(pino({ base: null, timestamp: false }, { write: (line) => lines.push(JSON.parse(line)) }), [emitter])
  for (let n = 0; n < 5; n += 1) emitter.emit('error', down)
  emitter.emit('error', new Error('another'))
  vi.advanceTimersByTime(1000)
  expect(lines.map(({ error, count }) => [error, count])).toEqual([
    ['the bot is down', 1],
    ['another', 1],
    ['the bot is down', 4],
  ])
})

it('a log names the code of an error that has no message', () => {
  expect(logged('error').lines.find(({ msg }) => msg === 'error')).toMatchObject({ level: 50, error: 'ECONNREFUSED' })
})

it('a log listens to nothing that it does not show', () => {
  expect(logged('info').emitter.listenerCount('idle')).toBe(0)
  expect(logged('debug').emitter.listenerCount('idle')).toBe(1)
})
