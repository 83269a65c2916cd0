import { expect, it } from 'vitest'
import type { Entry, Fact } from '../../fault/history.ts'
import { brokenTelling } from './told.ts'

const LEASE = 1500
const LATEST = 10_000
const TIME = 1_790_000_000_000
const first = { key: 'ann', batch: `${TIME}-1-3`, attempt: 1 }
const second = { ...first, attempt: 2 }
const next = { ...first, batch: `${TIME + 1}-2-3` }

/** Facts with the ms after `TIME` and the process. */
const history = (...facts: [at: number, pid: number, fact: Fact][]): Entry[] =>
  facts.map(([at, pid, fact]) => ({ at: TIME + at, pid, ...fact }))
const started = (attempt: typeof first, ms = 0): Fact => ({ what: 'started', ...attempt, messages: ['a'], deadline: TIME + ms })
const ended = (attempt: typeof first): Fact => ({ what: 'ended', ...attempt, handled: ['a'] })
const told = (event: 'completed' | 'lost' | 'dead', attempt: typeof first): Fact => ({ what: 'told', event, ...attempt })
const over = (by: 'failure' | 'lease', attempt: typeof first): Fact => ({ what: 'over', by, ...attempt })
const aborted = (attempt: typeof first, reason = 'is lost'): Fact => ({ what: 'aborted', ...attempt, reason })
const held = (attempt: typeof first, left: number): Fact => ({ what: 'held', ...attempt, left })
const silent = (since: number, until: number, ...roots: string[]): Fact => ({
  what: 'silent',
  since: TIME + since,
  until: TIME + until,
  ...(roots.length > 0 ? { roots } : {}),
})
const forgot = (since: number, until: number): Fact => ({ what: 'forgot', since: TIME + since, until: TIME + until, keys: ['ann'] })

const telling = (entries: Entry[]) => brokenTelling(entries, LEASE, LATEST)

it.each<[string, Entry[]]>([
  ['an attempt that follows one that failed', history([0, 1, started(first)], [4, 1, ended(first)], [5, 1, started(second)])],
  ['an attempt whose handler was started after a lease had ended', history([0, 1, started(first)], [1600, 2, over('lease', first)])],
  [
    'a batch that nobody had got when it was handed out first',
    history(
      [0, 1, started({ ...first, claim: 2 } as typeof first)],
      [9, 1, { what: 'killed' }],
      [1600, 2, started({ ...second, claim: 5 } as typeof first)],
    ),
  ],
  [
    'a start that a process wrote down late, since it was stopped',
    history([1600, 2, started(second)], [1500, 1, started(first)], [1700, 1, aborted(first)]),
  ],
  ['a forwarded batch', history([0, 0, over('lease', first)])],
  ['attempts before the last of which Redis has forgotten something', history([0, 9, forgot(0, 1)], [5, 1, started(second)])],
  ['a signal that aborts when the lease has ended', history([0, 1, started(first)], [1600, 1, aborted(first)])],
  [
    'a signal that aborts when Redis could not be asked',
    history(
      [0, 1, started(first)],
      [1500, 1, aborted(first)],
      [1510, 1, held(first, 1400)],
      [1600, 9, silent(500, 1505, 'rapid-fire:{q:3}')],
    ),
  ],
  ['a signal that aborts because the worker closes', history([0, 1, aborted(first, 'the worker closes')], [9, 1, held(first, 1400)])],
  [
    'a signal that aborts in a process that was stopped',
    history([0, 1, { what: 'stopped' }], [1600, 1, { what: 'continued' }], [1600, 1, aborted(first)], [1605, 1, held(first, 1400)]),
  ],
  [
    'a batch that was lost to another worker',
    history([0, 1, started(first)], [1600, 2, started(second)], [1700, 1, ended(first)], [1700, 1, told('lost', first)]),
  ],
  [
    'a batch that was lost with a primary',
    history([0, 1, started(first)], [1, 1, ended(first)], [2, 1, told('lost', first)], [3, 9, forgot(0, 1)]),
  ],
  [
    'a batch of which a worker that closed was told nothing, since Redis was stopped',
    history(
      [0, 1, started(first)],
      [1, 1, ended(first)],
      [6000, 1, { what: 'error', text: 'closed; it may have been done all the same' }],
      [6000, 1, told('lost', first)],
    ),
  ],
  [
    'two batches of the same id, of two queues',
    history([0, 1, started(first)], [1, 1, ended(first)], [1600, 2, started(second)], [1700, 1, started({ ...first, key: 'bob' })]),
  ],
  ['a batch that waits while Redis is away', history([0, 9, silent(0, 20_000)], [20_500, 1, started(first)])],
  [
    'a batch that waits for the one before',
    history([0, 1, started(first)], [15_000, 1, ended(first)], [15_000, 1, told('completed', first)], [15_500, 1, started(next)]),
  ],
])('finds nothing wrong with %s', (_, entries) => {
  expect(telling(entries)).toEqual([])
})

const naming = (attempt: number) => `${attempt} of batch ${TIME}-1-3 of ann`
const name = `${TIME}-1-3:1 of ann`

it.each<[string, Entry[]]>([
  [`attempt ${naming(1)} was counted and no handler was ever started for it`, history([5, 1, started(second)])],
  [
    `attempt ${naming(2)} was counted and no handler was ever started for it`,
    history([0, 1, started(first)], [9, 9, { what: 'buried', ...second, messages: ['a'] }]),
  ],
  [
    `attempt ${naming(2)} was counted and no handler was ever started for it`,
    history([0, 1, started(first)], [9, 9, over('lease', second)]),
  ],
  [
    `the handler of ${name} was started although ${TIME}-1-3:2 had been handed out`,
    history([1600, 2, started(second)], [1700, 1, started(first)]),
  ],
  [
    `the signal of ${name} aborted (is lost) although its lease held for 1400 ms more`,
    history([0, 1, started(first)], [9, 1, aborted(first)], [10, 1, held(first, 1400)]),
  ],
  [
    `the signal of ${name} aborted (is lost) although its lease held for 1400 ms more`,
    history([0, 9, silent(0, 8, 'rapid-fire:{q:13}', 'rapid-fire:{q}')], [9, 1, aborted(first)], [10, 1, held(first, 1400)]),
  ],
  [
    `${name} was completed, and its worker was told that it had lost it`,
    history([0, 1, started(first)], [1, 1, ended(first)], [2, 1, told('lost', first)]),
  ],
  [`the failure of ${name} was told as lost`, history([0, 1, started(first)], [1, 9, over('failure', first)], [2, 1, told('lost', first)])],
  [`batch ${name} got its handler 10001 ms late`, history([10_101, 1, started(first, 100)])],
  [
    `batch ${name} got its handler 10001 ms late`,
    history([0, 9, silent(0, 500)], [0, 9, silent(0, 9000, 'rapid-fire:{q:4}')], [10_501, 1, started(first)]),
  ],
  [
    `batch ${TIME + 1}-2-3:1 of ann got its handler 10001 ms late`,
    history([0, 1, started(first)], [100, 1, ended(first)], [100, 1, told('completed', first)], [10_101, 1, started(next)]),
  ],
  [
    `the handler of ${name} went on 2501 ms after ${TIME}-1-3:2 had been handed out`,
    history([0, 1, started(first)], [1600, 2, started(second)], [4101, 1, aborted(first)]),
  ],
])('finds that %s', (broken, entries) => {
  expect(telling(entries)).toEqual([broken])
})
