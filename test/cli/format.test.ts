import { describe, expect, it } from 'vitest'
import { formatBar, formatMs, formatQueues, formatStats, type Paint } from '../../cli/terminal/format.ts'
import { readStats } from '../../src/batches/stats.ts'

/** A queue in the middle of its work, as Redis replies it. */
const REPLY: [string, number][] = [
  ['collecting', 12],
  ['ready', 1],
  ['active', 3],
  ['queued', 5],
  ['dead', 2],
  ['messages', 48],
  ['added', 10_482],
  ['duplicates', 31],
  ['batches', 3120],
  ['closedBy:wait', 2901],
  ['closedBy:maxWait', 12],
  ['closedBy:size', 203],
  ['closedBy:flush', 4],
  ['closedBy:bytes', 2],
  ['completed', 3115],
  ['completedMessages', 10_428],
  ['failed', 7],
  ['redelivered', 8],
  ['died', 2],
  ['latenessSum', 2496],
  ['latenessMax', 1840],
  ['lateness:1', 3000],
  ['lateness:2', 100],
  ['lateness:5000', 20],
]

describe('formatStats', () => {
  it('formatStats makes a table of three columns', () => {
    expect(formatStats(readStats('whatsapp', 1, [REPLY]))).toBe(
      [
        'whatsapp',
        '',
        '  now                   in all                  lateness',
        '  collecting     12     messages     10,482     mean  0.8 ms',
        '  ready           1     duplicates       31     p50   ≤ 1 ms',
        '  active          3     batches       3,120     p99   ≤ 2 ms',
        '  queued behind   5     completed     3,115     max    1.8 s',
        '  dead            2     failed            7',
        '  messages       48     redelivered       8',
        '                        died              2',
        '',
        '  closed by   wait 2,901, maxWait 12, size 203, flush 4, bytes 2',
        '  on average  3.3 messages a batch, 7,313 handler calls saved (70 %)',
      ].join('\n'),
    )
  })

  it('formatStats shows zeros and no lateness for a queue that has done nothing', () => {
    const text = formatStats(readStats('new', 1, [[]]))
    expect(text).toMatch(/collecting +0 /)
    expect(text).toMatch(/max +-$/m)
    expect(text).toContain('no batch is completed yet')
  })

  it('formatStats is as wide with colours as without', () => {
    const marked: Paint = (style, text) => `<${style}>${text}</>`
    const text = formatStats(readStats('whatsapp', 1, [REPLY]), marked)
    expect(text).toContain('<red> 2</>')
    expect(text).toContain('<yellow> 1</>')
    expect(text.replace(/<[^>]+>/g, '').replace(/ +$/gm, '')).toBe(formatStats(readStats('whatsapp', 1, [REPLY])))
  })
})

describe('formatQueues', () => {
  it('formatQueues makes a table with a row for each, in 80 columns', () => {
    const text = formatQueues([readStats('whatsapp', 1, [REPLY]), readStats('new\u001b', 1, [[]])])
    expect(text).toBe(
      [
        'queue      collecting  ready  active  dead  messages  batches  p99 late',
        'whatsapp           12      1       3     2        48    3,120    ≤ 2 ms',
        'new\\u001b           0      0       0     0         0        0         -',
      ].join('\n'),
    )
  })
})

describe('formatMs', () => {
  it.each([
    [0, '0 ms'],
    [0.84, '0.8 ms'],
    [999, '999 ms'],
    [1500, '1.5 s'],
    [60_000, '1.0 min'],
  ])('formatMs: %d ms is %s', (ms, text) => expect(formatMs(ms)).toBe(text))
})

describe('formatBar', () => {
  it.each([
    [-1, '░░░░'],
    [0, '░░░░'],
    [0.5, '██░░'],
    [1, '████'],
    [7, '████'],
  ])('formatBar: %d of four', (part, bar) => expect(formatBar(part, 4)).toBe(bar))
})
