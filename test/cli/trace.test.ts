import { beforeAll, beforeEach, expect, it, onTestFinished } from 'vitest'
import { explain, formatTime, formatTrace } from '../../cli/terminal/trace.ts'
import { eventAt } from '../../src/history/entry.ts'
import type { Trace } from '../../src/history/trace.ts'
import type { Policy } from '../../src/options.ts'
import { RapidFire } from '../../src/rapidfire.ts'
import { type TestRedis, useRedis } from '../support/redis.ts'
import { command } from './command.ts'

let server: TestRedis
beforeAll(async () => {
  server = await useRedis()
})
beforeEach(() => server.redis.flushall())

const trace = (...args: string[]) => command(['trace', '--queue', 'salon', '--redis', server.url, ...args])
const client = (policy: Partial<Policy> = {}) => {
  const rapidfire = new RapidFire<any>({ redis: server.url, queue: 'salon', policy })
  onTestFinished(() => rapidfire.close())
  return rapidfire
}

/** Noon, wherever this runs. */
const NOW = new Date(2026, 8, 21, 12, 0, 0, 0).getTime()
const NOTHING: Trace = {
  ...{ state: 'unknown', key: 'ann', id: 'm1', now: NOW, behind: false, worker: undefined, ended: undefined, partition: undefined },
  ...{ serves: true, lookedAt: undefined, looksAt: undefined, others: [], events: undefined, batch: undefined, attempt: undefined },
  ...{ count: undefined, size: undefined, position: undefined, receivedAt: undefined, reason: undefined, deadline: undefined },
  ...{ until: undefined, cause: undefined, stream: undefined },
}
const said = (about: Partial<Trace>) => explain({ ...NOTHING, ...about }).join(' ')
const BEHIND = 'It waits behind the first batch of its conversation: one batch is handled at a time. '
const BUSY = 'No worker is known to look at this queue: none runs, or all are busy.'
const held = { batch: '1-1', attempt: 2 }

it.each<[Partial<Trace>, string]>([
  [
    { state: 'collecting', reason: 'wait', deadline: NOW + 5000 },
    'It waits until the person has been quiet for a while: it is ready at 12:00:05.000 (in 5.0 s), or later if more comes.',
  ],
  [
    { state: 'collecting', reason: 'maxWait', deadline: NOW + 50 },
    'It is ready at 12:00:00.050 (in 50 ms), `maxWait` after its first message, whatever comes.',
  ],
  [
    { state: 'collecting', reason: 'maxWait', deadline: NOW + 50, behind: true },
    `${BEHIND}That is ready at 12:00:00.050 (in 50 ms), \`maxWait\` after its first message, whatever comes.`,
  ],
  [{ state: 'ready', deadline: NOW - 70_000 }, `It is ready since 11:58:50.000 (1.2 min ago) and waits for a worker. ${BUSY}`],
  [
    { state: 'ready', deadline: NOW, id: undefined, lookedAt: NOW - 86_400_000 },
    'Its first batch is ready since 12:00:00.000 (0 ms ago) and waits for a worker. No worker with a free slot has looked since 2026-09-20 12:00:00.000: none runs, or all are busy.',
  ],
  [
    { state: 'ready', deadline: NOW, looksAt: NOW + 400 },
    'It is ready since 12:00:00.000 (0 ms ago) and waits for a worker. A worker that has a free slot looks in 400 ms at the latest.',
  ],
  [
    { state: 'ready', deadline: NOW, looksAt: NOW - 999 },
    'It is ready since 12:00:00.000 (0 ms ago) and waits for a worker. A worker that has a free slot looks now.',
  ],
  [{ state: 'ready', deadline: NOW, looksAt: NOW - 1000 }, `It is ready since 12:00:00.000 (0 ms ago) and waits for a worker. ${BUSY}`],
  [
    { ...held, state: 'active', until: NOW + 1000, worker: 'w/1', serves: false, partition: 3 },
    'It is with a worker, w/1: attempt 2. The lease ends at 12:00:01.000 (in 1.0 s), unless the worker makes it longer; then another one takes it. It is in partition 3, which takes no new conversations any more and is being emptied.',
  ],
  [
    { ...held, state: 'active', until: NOW, behind: true, serves: false },
    `${BEHIND}That is with a worker: attempt 2. The lease has ended at 12:00:00.000 (0 ms ago): the worker has gone or hangs, and the next one that looks takes it again. ${BUSY} It is in the root of the queue, which takes no new conversations any more and is being emptied.`,
  ],
  [{ ...held, state: 'retry', until: NOW + 1 }, 'Attempt 2 has failed. It pauses: the next attempt is due at 12:00:00.001 (in 1 ms).'],
  [
    { ...held, state: 'retry', until: NOW, id: undefined },
    `Attempt 2 has failed. The next attempt is due since 12:00:00.000 (0 ms ago), and waits for a worker. ${BUSY}`,
  ],
  [{ ...held, state: 'released' }, `A worker has given it back, with attempt 2 not used up. It waits for a worker. ${BUSY}`],
  [
    { ...held, state: 'released', behind: true },
    `${BEHIND}A worker has given that back, with attempt 2 not used up. It waits for a worker. ${BUSY}`,
  ],
  [{ ...held, state: 'done' }, 'It is completed. Its messages were missing then, and go with the next look.'],
  [{ state: 'unindexed', serves: false }, 'It is in no index, so no worker looks at it: `rapidfire check --repair` mends that.'],
  ...(
    [
      ['failed', 'attempt 2 failed, its last'],
      ['lease', 'the lease of attempt 2, its last, ran out'],
      ['unacknowledged', 'no worker has ever said that it arrived'],
    ] as const
  ).map(([cause, why]): [Partial<Trace>, string] => [
    { ...held, state: 'dead', until: NOW - 1000, cause },
    `It was given up at 11:59:59.000 (1.0 s ago): ${why}. \`rapidfire dead requeue 1-1\` brings it back, \`dead show\` tells what it failed with.`,
  ]),
  [
    { state: 'streamed', stream: 'crm', until: NOW - 1 },
    'It was moved into the stream crm at 11:59:59.999 (1 ms ago): from then on it is with those who read that.',
  ],
  [{ state: 'empty', id: undefined }, 'The conversation has no message that waits or is with a worker.'],
  [
    { state: 'remembered' },
    'It is nowhere any more: it was handled, dropped or erased. Its id is remembered, so it was accepted; sent again now, it is a duplicate.',
  ],
  [{ state: 'remembered', ended: { event: 'completed', at: NOW } }, 'It was handled at 12:00:00.000 (0 ms ago).'],
  [
    { state: 'unknown', ended: { event: 'forwarded', at: NOW } },
    'It was moved into a stream, which has let go of it, at 12:00:00.000 (0 ms ago).',
  ],
  [{ state: 'unknown', ended: { event: 'dropped', at: NOW } }, 'It had died, and was dropped at 12:00:00.000 (0 ms ago).'],
  [
    { state: 'unknown' },
    'It is nowhere: it never came to this conversation, or it has ended longer ago than ids are remembered. The policy keeps no events that could tell more (`rapidfire policy events=10000`).',
  ],
  [
    { state: 'unknown', id: undefined, batch: '1-1', events: [] },
    'It is neither with a worker nor dead nor in a stream: it was completed or dropped, or never was. The events that are kept do not name it.',
  ],
])('in words: %j', (about, words) => {
  expect(said(about)).toBe(words)
})

it('times are those of the place where they are read, with the day unless it is today', () => {
  expect([NOW, NOW - 1, NOW + 43_200_000].map((at) => formatTime(at, NOW))).toEqual([
    '12:00:00.000',
    '11:59:59.999',
    '2026-09-22 00:00:00.000',
  ])
})

it('one screen has the words, the figures and what has happened, also in 60 columns, and steers no terminal', () => {
  const place = {
    ...NOTHING,
    state: 'dead' as const,
    batch: '1790000000000-2',
    count: 3,
    until: NOW - 500,
    cause: 'failed' as const,
    attempt: 5,
  }
  const told = {
    ...NOTHING,
    ...{ key: 'a\u001b', id: 'w'.repeat(70), state: 'retry' as const, batch: '1790000000000-17', attempt: 1, until: NOW + 1000, count: 1 },
    ...{ size: 2, position: 2, behind: true, receivedAt: NOW - 2000, reason: 'wait' as const, partition: 3 },
    others: [place, { ...place, state: 'streamed' as const, batch: '1790000000000-3', count: 1, stream: 'crm' }],
    events: [{ ...eventAt(`${NOW - 2000}-1`, 'added'), key: 'a\u001b', ids: ['m1', undefined] }],
  }
  const text = formatTrace(told, 60)
  expect(text).toBe(
    [
      'message',
      `  ${'w'.repeat(58)}`,
      `  ${'w'.repeat(12)} of "a\\u001b"`,
      '',
      '  It waits behind the first batch of its conversation: one',
      '  batch is handled at a time.',
      '  Attempt 1 has failed.',
      '  That pauses: the next attempt is due at 12:00:01.000 (in',
      '  1.0 s).',
      '',
      '  position  2 of 2 messages',
      '  received  11:59:58.000, 2.0 s ago',
      '  first     1790000000000-17, 1 message, closed by wait',
      '  partition 3',
      '',
      '  besides',
      '  1790000000000-2, 3 messages: dead since 11:59:59.500,',
      '    attempt 5 failed, its last.',
      '  1790000000000-3, 1 message: in the stream crm since',
      '    11:59:59.500.',
      '',
      '  what has happened, as far as kept',
      '  11:59:58.000  added     m1 -',
    ].join('\n'),
  )
  for (const width of [40, 60, 80]) for (const line of formatTrace(told, width).split('\n')) expect(line.length).toBeLessThanOrEqual(width)
  expect(formatTrace({ ...NOTHING, id: undefined, state: 'empty', events: [] })).toBe(
    'conversation "ann"\n\n  The conversation has no message that waits or is with a worker.\n\n  no event of it is kept',
  )
  expect(formatTrace({ ...NOTHING, ...held, key: undefined, id: undefined, count: 2, position: 1 })).toContain('batch 1-1\n')
  expect(formatTrace({ ...NOTHING, ...held, state: 'dead', count: 2, position: 1, receivedAt: NOW })).toContain(
    '1 of 2 messages of the batch\n',
  )
  expect(formatTrace({ ...NOTHING, id: undefined, state: 'ready', size: 12, count: 10 })).toContain('messages  12\n')
})

it('trace finds a message by its conversation, or by its id alone while events are kept', async () => {
  const rapidfire = client({ events: 1000 })
  await rapidfire.addMessage('ann', { text: 'secret' }, { id: 'm1' })
  await rapidfire.addMessage('bob', 1, { id: 'm1' })
  const one = await trace('m1', '--key', 'ann')
  expect(one).toMatchObject({ code: 0, stderr: '', stdout: expect.stringContaining('message m1 of "ann"\n\n  It waits until the person') })
  const both = await trace('m1', '--json')
  const found = both.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  expect(found.map(({ key, state, position, events }) => [key, state, position, events.length])).toEqual([
    ['ann', 'collecting', 1, 1],
    ['bob', 'collecting', 1, 1],
  ])
  for (const time of [found[0].now, found[0].deadline, found[0].receivedAt, found[0].events[0].at])
    expect(time).toMatch(/^\d{4}-.*\.\d{3}Z$/)
  expect((await trace('m1')).stdout.match(/^message m1 of "(ann|bob)"$/gm)).toHaveLength(2)
  expect(one.stdout + both.stdout).not.toContain('secret')
  expect(await trace('m2')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('names a message m2: name its conversation with --key'),
  })
  expect((await trace('--batch', '1-1')).stdout).toContain('batch 1-1\n\n  It is neither with a worker')
  expect((await trace('--key', 'bob')).stdout).toContain('conversation "bob"\n\n  Its first batch waits until')
})

it('trace says what is missing', async () => {
  expect(await trace('m1')).toMatchObject({ code: 1, stderr: expect.stringContaining('there is no queue salon') })
  expect(await trace('--key', 'ann')).toMatchObject({ code: 1, stderr: expect.stringContaining('there is no queue salon') })
  await client().addMessage('ann', 1)
  expect(await trace('m1')).toMatchObject({ code: 1, stderr: expect.stringContaining('name the key as well') })
  expect(await trace('--key', 'bob')).toMatchObject({ code: 0 })
  for (const args of [[], ['m1', '--batch', '1-1'], ['--key', 'ann', '--batch', '1-1']])
    expect(await trace(...args)).toMatchObject({ code: 2, stderr: expect.stringContaining('name a message') })
})
