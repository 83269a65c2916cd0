import { expect, it } from 'vitest'
import type { Entry, Fact } from '../../fault/history.ts'
import { judge } from './judge.ts'
import { LEASE } from './settings.ts'

const ROOT = 'rapid-fire:{handled}'
const TIME = 1_790_000_000_000
const first = { key: 'ann', batch: `${TIME + 100}-1`, attempt: 1 }
const second = { ...first, attempt: 2 }

const history = (...facts: [pid: number, fact: Fact][]): Entry[] => facts.map(([pid, fact], n) => ({ at: TIME + n, pid, ...fact }))
const claim = ({ batch, attempt }: typeof first, at: number) => [
  ['HSET', `${ROOT}:claims`, 'ann', `${batch}:${attempt}:${attempt}:0:1:${TIME + 100}:wait:${LEASE}`],
  ['ZADD', `${ROOT}:active`, String(at + LEASE), 'ann'],
]
const stored = [
  ['HSET', ROOT, 'settings', 'wait=100'],
  ['RPUSH', `${ROOT}:messages:ann`, `${TIME} 1 a{}`],
]
const added: [number, Fact][] = [
  [1, { what: 'offered', key: 'ann', message: 'a' }],
  [1, { what: 'accepted', key: 'ann', message: 'a' }],
]
const started = (attempt: typeof first, ...messages: string[]): Fact => ({ what: 'started', ...attempt, messages })
const ended = (attempt: typeof first, ...handled: string[]): Fact => ({ what: 'ended', ...attempt, handled })
const faults = new Map([['Redis killed and restarted', 1]])

it('has nothing against a batch that came again when the lease had ended by the log of Redis, whatever its process told', () => {
  const commands = [...stored, ...claim(first, TIME + 100), ...claim(second, TIME + 100 + LEASE)]
  const entries = history(...added, [2, started(first, 'a')], [3, started(second, 'a')], [3, ended(second, 'a')], [2, ended(first)])
  expect(judge(entries, commands, faults).broken).toEqual([])
})

it('finds a batch that came again before the lease had ended, although its process says that it was lost', () => {
  const commands = [...stored, ...claim(first, TIME + 100), ...claim(second, TIME + 99 + LEASE)]
  const lost: Fact = { what: 'told', event: 'lost', ...first }
  const entries = history(
    ...added,
    [2, started(first, 'a')],
    [3, started(second, 'a')],
    [3, ended(second, 'a')],
    [2, ended(first)],
    [2, lost],
  )
  expect(judge(entries, commands, faults).broken).toEqual([
    `batch ${first.batch}:2 of ann was claimed 1 ms before the lease of ${first.batch}:1 ended`,
  ])
})

it('finds a batch that two handlers have at once', () => {
  const commands = [...stored, ...claim(first, TIME + 100)]
  const entries = history(...added, [2, started(first, 'a')], [3, started(first, 'a')], [2, ended(first, 'a')], [3, ended(first, 'a')])
  expect(judge(entries, commands, faults).broken).toEqual([`batch ${first.batch}:1 of ann was handed out after ${first.batch}:1`])
})

it('finds a batch that Redis never handed out, or with other messages', () => {
  const entries = history(...added, [2, started(first, 'a')], [2, ended(first, 'a')])
  expect(judge(entries, stored, faults).broken).toEqual([`batch ${first.batch}:1 of ann was handled with a, Redis handed out nothing`])
  const other = [stored[0] as string[], ['RPUSH', `${ROOT}:messages:ann`, `${TIME} 1 b{}`], ...claim(first, TIME + 100)]
  expect(judge(entries, other, faults).broken).toEqual([`batch ${first.batch}:1 of ann was handled with a, Redis handed out b`])
})

it.each<[string | undefined, boolean, Partial<Extract<Fact, { what: 'accepted' }>>, (string | undefined)[]]>([
  [undefined, false, { change: 'replaced' }, ['b']],
  [undefined, false, { duplicate: true }, ['b']],
  [undefined, false, { duplicate: true }, ['a', undefined, 'b']],
  [undefined, false, {}, ['a', undefined, 'b']],
  [undefined, true, { change: 'withdrawn' }, []],
  [undefined, true, { duplicate: true }, []],
  [undefined, true, { duplicate: true }, ['a', undefined, 'b']],
  ['a was handed over as a has it, instead of b', false, { change: 'replaced' }, ['a']],
  ['a was handed over as a has it, instead of b', false, { duplicate: true }, ['a']],
  ['a was handed over as b has it, instead of a', false, {}, ['b', undefined, 'b']],
  ['a of ann was accepted and never handled', false, { change: 'replaced' }, []],
  ['b of ann was accepted and never handled', false, {}, ['a']],
  [
    'b, which edits a of ann, was handed over, and Redis had said that it has replaced that',
    false,
    { change: 'replaced' },
    ['a', undefined, 'b'],
  ],
  ['a of ann was handed over, and b, which takes back a of ann, had done so', true, { change: 'withdrawn' }, ['a']],
  ['a of ann was handed over, and b, which takes back a of ann, had done so', true, { duplicate: true }, ['a']],
])('finds %s, when another one that takes it back is %s is told %j, and %j is handed over', (found, withdraws, answer, [form, , own]) => {
  const messages = [...(form ? ['a'] : []), ...(own ? ['b'] : [])]
  const handed: [number, Fact][] = [
    [2, { ...started(first, ...messages), forms: [form, own].filter((each) => each !== undefined) } as Fact],
    [2, ended(first, ...messages)],
  ]
  const entries = history(
    ...added,
    [1, { what: 'offered', key: 'ann', message: 'b', of: 'a', withdraws }],
    [1, { what: 'accepted', key: 'ann', message: 'b', ...answer }],
    ...(messages.length ? handed : []),
  )
  const commands = [['HSET', ROOT, 'settings', 'wait=100'], ...messages.map((id) => ['RPUSH', `${ROOT}:messages:ann`, `${TIME} 1 ${id}{}`])]
  const claims = messages.length
    ? [
        ['HSET', `${ROOT}:claims`, 'ann', `${first.batch}:1:1:0:${messages.length}:${TIME + 100}:wait:${LEASE}`],
        ['ZADD', `${ROOT}:active`, String(TIME + 100 + LEASE), 'ann'],
      ]
    : []
  const { broken } = judge(entries, [...commands, ...claims], faults)
  expect(broken).toEqual(found ? [found] : [])
})

it('finds an error that no fault explains', () => {
  const errors = ['Redis cannot be used: Connection is closed.', 'ERR attempt to index a nil value (lua/functions/conversation/add.lua:27)']
  const entries = history(...errors.map((text): [number, Fact] => [2, { what: 'error', text }]))
  expect(judge(entries, [], faults).broken).toEqual([`process 2 met an error of its own: ${errors[1]}`])
})

it('finds a fault that never happened', () => {
  expect(judge([], [], new Map([...faults, ['functions flushed', 0]])).broken).toEqual(["'functions flushed' never happened"])
})
