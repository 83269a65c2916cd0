import { expect, it } from 'vitest'
import { brokenPromises, type Entry, type Fact } from './history.ts'

const one = { key: 'ann', batch: '7-1', attempt: 1 }
const again = { ...one, attempt: 2 }
const two = { key: 'ann', batch: '7-2', attempt: 1 }

/** A history of facts of process 1, or of the process that is given, one ms after the other. */
const history = (...facts: (Fact | [number, Fact])[]): Entry[] =>
  facts.map((fact, n) => (Array.isArray(fact) ? { at: n, pid: fact[0], ...fact[1] } : { at: n, pid: 1, ...fact }))

const added = (...messages: string[]): Fact[] =>
  messages.flatMap((message): Fact[] => [
    { what: 'offered', key: 'ann', message },
    { what: 'accepted', key: 'ann', message },
  ])
const started = (attempt: typeof one, ...messages: string[]): Fact => ({ what: 'started', ...attempt, messages })
const ended = (attempt: typeof one, ...handled: string[]): Fact => ({ what: 'ended', ...attempt, handled })
const told = (event: 'completed' | 'failed' | 'dead' | 'lost', attempt: typeof one): Fact => ({ what: 'told', event, ...attempt })
const killed: Fact = { what: 'killed' }
/** Of `ann`, between the entries with these numbers. */
const forgot = (since: number, until: number, ...messages: string[]): Fact => ({ what: 'forgot', since, until, keys: ['ann'], messages })
/** What Redis has forgotten counts a while longer than it says, for processes write late: so long until the next entry. */
const later = (ms: number, entries: Entry[]): Entry[] => entries.map((entry) => ({ ...entry, at: entry.at + ms }))

it('allows a message to come out twice that was told again after its id was forgotten, and no other', () => {
  const twice = (...facts: Fact[]) =>
    history(...added('a'), started(one, 'a'), ended(one, 'a'), ...facts, started(two, 'a'), ended(two, 'a'))
  const again: Fact = { what: 'accepted', key: 'ann', message: 'a', duplicate: false }
  const broken = ['a of ann was handed out after a']
  expect(brokenPromises(twice(again), 4)).toEqual([])
  expect(brokenPromises(twice(again), 5)).toEqual(broken)
  expect(brokenPromises(twice({ ...again, duplicate: true }), 4)).toEqual(broken)
  expect(brokenPromises(twice(), 4)).toEqual(broken)
})

/**
 * A conversation that two partitions have: the one that is drained has `a` again, which it had given out, when the other has got `b`, offered before the
 * loss or after it, and pauses with that. What is offered later follows `a`.
 */
function apart({ claimed = 8, partition = 16, late = false, loss = forgot(2, 7) as Fact | null } = {}): Entry[] {
  const a = { key: 'ann', batch: '7-1-7', attempt: 1 }
  const b = { key: 'ann', batch: `${claimed}-1-${partition}`, attempt: 1 }
  const c = { key: 'ann', batch: '9-2-7', attempt: 1 }
  const offered: Fact = { what: 'offered', key: 'ann', message: 'b' }
  return [
    ...history(...added('a'), started(a, 'a'), ended(a, 'a'), told('completed', a), ...(late ? [] : [offered]), ...(loss ? [loss] : [])),
    ...later(
      1000,
      history(
        ...(late ? [offered] : []),
        { what: 'accepted', key: 'ann', message: 'b' },
        ...added('c'),
        started(b, 'b'),
        told('failed', b),
        started(c, 'c'),
        ended(c, 'c'),
        started({ ...b, attempt: 2 }, 'b'),
        ended({ ...b, attempt: 2 }, 'b'),
      ),
    ),
  ]
}

it('allows two partitions to have a conversation at a time, in any order, since one of them has lost what it did, and no others', () => {
  const broken = [expect.stringMatching(/^batch 9-2-7:1 of ann was handed out while 8-1-\d+:2 was active$/)]
  for (const claimed of [8, 10]) expect(brokenPromises(apart({ claimed }))).toEqual([])
  expect(brokenPromises(apart({ late: true }))).toEqual(broken)
  expect(brokenPromises(apart({ late: true, claimed: 10 }))).toContain('b of ann was handed out after c')
  expect(brokenPromises(apart({ partition: 7 }))).toEqual(broken)
  expect(brokenPromises(apart({ loss: null }))).toEqual(broken)
  expect(brokenPromises(apart({ loss: { what: 'forgot', since: 0, until: 7, keys: ['ann'] } }))).toEqual(broken)
  expect(brokenPromises(apart({ loss: { what: 'forgot', since: 0, until: 7, keys: ['bob'], messages: [] } }))).toEqual(broken)
})

it.each<[string, Entry[]]>([
  ['nothing', []],
  [
    'two batches one after the other',
    history(
      ...added('a', 'b', 'c'),
      started(one, 'a', 'b'),
      ended(one, 'a', 'b'),
      started(two, 'c'),
      told('completed', one),
      ended(two, 'c'),
    ),
  ],
  [
    'a batch that failed',
    history(...added('a'), started(one, 'a'), ended(one), told('failed', one), started(again, 'a'), ended(again, 'a')),
  ],
  [
    'a batch of which a part failed',
    history(...added('a', 'b'), started(one, 'a', 'b'), ended(one, 'a'), told('failed', one), started(again, 'b'), ended(again, 'b')),
  ],
  ['a batch whose process was killed', history(...added('a'), started(one, 'a'), killed, [2, started(again, 'a')], [2, ended(again, 'a')])],
  [
    'a batch that is handed out once more after the next one, since Redis has forgotten that it was done',
    [
      ...history(
        ...added('a', 'b'),
        started(one, 'a'),
        ended(one, 'a'),
        told('completed', one),
        started(two, 'b'),
        ended(two, 'b'),
        told('completed', two),
        forgot(4, 6),
      ),
      ...later(1000, history(started(one, 'a'), ended(one, 'a'), told('completed', one))),
    ],
  ],
  [
    'a batch whose process was stopped, and killed before it could say so',
    history(
      ...added('a'),
      started(one, 'a'),
      { what: 'stopped' },
      [2, started(again, 'a')],
      [2, ended(again, 'a')],
      { what: 'continued' },
      killed,
    ),
  ],
  [
    'a batch whose lease was lost, which came out later',
    history(...added('a'), started(one, 'a'), [2, started(again, 'a')], [2, ended(again, 'a')], ended(one, 'a'), told('lost', one)),
  ],
  [
    'a batch that died and is kept',
    history(...added('a', 'b'), started(one, 'a'), ended(one), told('dead', one), started(two, 'b'), ended(two, 'b'), {
      what: 'buried',
      ...one,
      messages: ['a'],
    }),
  ],
  [
    'a batch whose process was stopped between claim and handler, while another one had it',
    history(
      ...added('a'),
      [2, started(again, 'a')],
      [2, ended(again, 'a')],
      [2, told('completed', again)],
      started(one, 'a'),
      told('lost', one),
    ),
  ],
  [
    'an attempt that was over for Redis, whose process told nothing of it',
    history(...added('a'), started(one, 'a'), { what: 'over', by: 'lease', ...one }, [2, started(again, 'a')], [2, ended(again, 'a')]),
  ],
  [
    'a batch whose end Redis was never told',
    history(
      ...added('a'),
      started(one, 'a'),
      ended(one, 'a'),
      { what: 'error', text: 'gone' },
      [2, started(again, 'a')],
      [2, ended(again, 'a')],
    ),
  ],
  ['an attempt of which nobody heard', history(...added('a'), started(again, 'a'), ended(again, 'a'))],
  ['a message that was offered and not accepted', history({ what: 'offered', key: 'ann', message: 'a' })],
  [
    'a message whose acceptance was not heard',
    history({ what: 'offered', key: 'ann', message: 'a' }, started(one, 'a'), ended(one, 'a'), told('completed', one)),
  ],
  [
    'a batch that came again when its lease had ended',
    history(
      ...added('a'),
      started(one, 'a'),
      { what: 'leased', ...one, until: 5 },
      killed,
      [2, started(again, 'a')],
      [2, ended(again, 'a')],
    ),
  ],
  [
    'a message that Redis has forgotten',
    history(...added('a', 'b'), started(one, 'a'), ended(one, 'a'), told('completed', one), forgot(2, 7, 'b')),
  ],
  ['messages of a node that came back empty', history(...added('a'), { what: 'forgot', since: 0, until: 5, keys: ['ann'] })],
  [
    'a batch that comes again since Redis has forgotten that it was completed, and with it the next one',
    [
      ...history(
        ...added('a', 'b'),
        started(one, 'a'),
        ended(one, 'a'),
        told('completed', one),
        started(two, 'b'),
        ended(two, 'b'),
        forgot(5, 8),
      ),
      ...later(200, history([2, started(again, 'a')], [2, ended(again, 'a')], [2, started({ ...two, batch: '9-2' }, 'b')])),
    ],
  ],
])('finds nothing wrong with %s', (_, entries) => {
  expect(brokenPromises(entries)).toEqual([])
})

it.each<[string, Entry[]]>([
  [
    'b of ann was accepted and never handled',
    history(...added('a', 'b'), started(one, 'a'), ended(one, 'a'), started(two, 'b'), ended(two)),
  ],
  [
    'a of ann was accepted and never handled',
    history(...added('a', 'b'), started(one, 'a'), ended(one), told('dead', one), started(two, 'b'), ended(two, 'b')),
  ],
  [
    'batch 7-2:1 of ann was handed out while 7-1:2 was active',
    history(
      ...added('a', 'b'),
      started(one, 'a'),
      told('failed', one),
      started(two, 'b'),
      ended(two, 'b'),
      started(again, 'a'),
      ended(again, 'a'),
    ),
  ],
  [
    'batch 7-1:2 of ann was handed out after 7-1:1 was completed',
    history(...added('a'), started(one, 'a'), ended(one, 'a'), [2, started(again, 'a')], [2, ended(again, 'a')], told('completed', one)),
  ],
  [
    'b of ann was handed out after c',
    history(...added('a', 'b', 'c'), started(one, 'a', 'c'), ended(one, 'a', 'c'), started(two, 'b'), ended(two, 'b')),
  ],
  ['a of ann was handed out after a', history(...added('a'), started(one, 'a'), ended(one, 'a'), started(two, 'a'), ended(two, 'a'))],
  ['z of ann was handed out and never offered', history(started(one, 'z'), ended(one, 'z'))],
  [
    'batch 7-1:2 of ann came again with other messages: a,b instead of a',
    history(...added('a', 'b'), started(one, 'a'), told('failed', one), started(again, 'a', 'b'), ended(again, 'a', 'b')),
  ],
  [
    'batch 7-2:1 of ann was handed out while 7-1:1 was active',
    history(...added('a', 'b'), started(one, 'a'), [2, started(two, 'b')], ended(one, 'a'), told('completed', one), [2, ended(two, 'b')]),
  ],
  [
    'batch 7-1:2 of ann was handed out although 7-1:1 had neither failed nor lost its lease',
    history(
      ...added('a'),
      started(one, 'a'),
      { what: 'stopped' },
      { what: 'continued' },
      [2, started(again, 'a')],
      [2, ended(again, 'a')],
      ended(one, 'a'),
    ),
  ],
  [
    'batch 7-1:2 of ann was handed out although 7-1:1 had neither failed nor lost its lease',
    history(...added('a'), started(one, 'a'), [2, started(again, 'a')], [2, ended(again, 'a')], ended(one, 'a')),
  ],
  [
    'batch 7-1:2 of ann was handed out after 7-1:1 was completed',
    history(...added('a'), started(one, 'a'), ended(one, 'a'), told('completed', one), started(again, 'a'), ended(again, 'a')),
  ],
  [
    'batch 7-1:1 of ann was handed out after 7-1:1',
    history(...added('a'), started(one, 'a'), told('lost', one), [2, started(one, 'a')], [2, ended(one, 'a')]),
  ],
  [
    'batch 7-1:1 of ann was completed although it was over',
    history(...added('a'), started(one, 'a'), ended(one, 'a'), { what: 'over', by: 'lease', ...one }, told('completed', one)),
  ],
  [
    'batch 7-1:2 of ann was handed out 4 ms before the lease of 7-1:1 ended',
    history(
      ...added('a'),
      started(one, 'a'),
      { what: 'leased', ...one, until: 9 },
      killed,
      [2, started(again, 'a')],
      [2, ended(again, 'a')],
    ),
  ],
  [
    'b of ann was accepted and never handled',
    history(...added('a', 'b'), started(one, 'a'), ended(one, 'a'), told('completed', one), forgot(2, 7, 'a')),
  ],
  ['a of ann was accepted and never handled', later(200, history(...added('a'), { what: 'forgot', since: 0, until: 5, keys: ['ann'] }))],
  [
    'batch 7-1:2 of ann was handed out after 7-1:1 was completed',
    [
      ...history(...added('a'), started(one, 'a'), ended(one, 'a'), told('completed', one), forgot(5, 6)),
      ...later(200, history([2, started(again, 'a')], [2, ended(again, 'a')])),
    ],
  ],
])('finds that %s', (broken, entries) => {
  expect(brokenPromises(entries)).toEqual([broken])
})
