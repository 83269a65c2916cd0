import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { QueueLog, readAppendOnlyFile } from './redis-log.ts'

type Commands = string[][]

const ROOT = 'rapid-fire:{log}'
const LEASE = 1000
const ATTEMPTS = 2

// Times are ms after this one.
const ZERO = 1_790_000_000_000
const time = (ms: number) => String(ZERO + ms)

const policy = (fields: Record<string, number>): Commands => [
  [
    ...['HSET', ROOT, 'settings'],
    Object.entries(fields)
      .map(([name, value]) => `${name}=${value}`)
      .join(' '),
  ],
]
const add = (at: number, id: string): Commands => [['RPUSH', `${ROOT}:messages:ann`, `${time(at)} ${id.length} ${id}{}`]]
const leased = (until: number): Commands => [['ZADD', `${ROOT}:active`, time(until), 'ann']]
const claimed = (batch: number, attempt: number, rest: string, number = attempt, lost = 0): Commands => [
  ['HSET', `${ROOT}:claims`, 'ann', `${ZERO}-${batch}:${number}:${attempt}:${lost}:${rest}`],
]
/** Claims at a time what was due at another. */
const claim = (at: number, batch: number, attempt: number, count: number, due: number, reason = 'wait'): Commands => [
  ...claimed(batch, attempt, `${count}:${time(due)}:${reason}:${LEASE}`),
  ...leased(at + LEASE),
]
const fail = (at: number, batch: number, attempt: number, count: number, due: number): Commands => [
  ...claimed(batch, attempt, `${count}:${time(due)}:wait:0:retry`),
  ...leased(at),
]
const free: Commands = [
  ['HDEL', `${ROOT}:claims`, 'ann'],
  ['ZREM', `${ROOT}:active`, 'ann'],
]
/** Gives the batch back that was claimed last. */
const given = (at: number): Commands => [...claimed(1, 1, `1:${time(100)}:wait:0:released`), ...leased(at)]
/** Claims with a NONCE: claim `number` of the batch, in an attempt, after so many that were lost. */
const by = (at: number, number: number, attempt: number, lost: number): Commands => [
  ...claimed(1, attempt, `1:${time(100)}:wait:${LEASE}:by=w1/${number}`, number, lost),
  ...leased(at + LEASE),
]
const cut = (count: number): Commands => [['LTRIM', `${ROOT}:messages:ann`, String(count), '-1']]
const bury = (at: number, batch: number, attempt: number, cause: string): Commands => [
  ['HSET', `${ROOT}:dead:${ZERO}-${batch}`, 'key', 'ann', 'attempt', String(attempt), 'cause', cause, 'count', '1'],
  ['HSET', `${ROOT}:dead:${ZERO}-${batch}`, '1', `${time(0)} 1 a{}`],
  ['ZADD', `${ROOT}:dead`, time(at), `${ZERO}-${batch}`],
  ...free,
]

const BASE = policy({ wait: 100, maxWait: 300, maxSize: 3, dedupe: 5000 })
const log = (...parts: Commands[]) => new QueueLog(ROOT, LEASE, ATTEMPTS, [...BASE, ...parts.flat()])

it.each<[string, Commands[]]>([
  ['nothing', []],
  [
    'a batch that was claimed late and completed',
    [add(0, 'a'), add(50, 'b'), claim(160, 1, 1, 2, 150), free, [['UNLINK', `${ROOT}:messages:ann`]]],
  ],
  [
    'a batch that was full, and the next one',
    [add(0, 'a'), add(1, 'b'), add(2, 'c'), add(3, 'd'), claim(4, 1, 1, 3, 2, 'size'), free, cut(3), claim(103, 2, 1, 1, 103)],
  ],
  ['a batch whose lease ended', [add(0, 'a'), claim(100, 1, 1, 1, 100), claim(1100, 1, 2, 1, 100)]],
  ['a batch that failed', [add(0, 'a'), claim(100, 1, 1, 1, 100), fail(200, 1, 1, 1, 100), claim(200, 1, 2, 1, 100)]],
  [
    'a batch of which the second message failed',
    [
      [...add(0, 'a'), ...add(1, 'b'), ...add(2, 'c')],
      claim(101, 1, 1, 3, 2, 'size'),
      [['LSET', `${ROOT}:messages:ann`, '2', `${time(1)} 1 b{}`]],
      claimed(1, 1, `1:${time(2)}:size:0:retry`),
      cut(2),
      fail(200, 1, 1, 1, 2),
      claim(300, 1, 2, 1, 2),
    ],
  ],
  [
    'a batch that failed for the last time',
    [add(0, 'a'), claim(100, 1, 1, 1, 100), claim(1100, 1, 2, 1, 100), bury(1200, 1, 2, 'failed'), cut(1)],
  ],
  ['a batch whose last lease ended', [add(0, 'a'), claim(100, 1, 1, 1, 100), claim(1100, 1, 2, 1, 100), bury(2100, 1, 2, 'lease'), cut(1)]],
  ['a batch that was given back', [add(0, 'a'), claim(100, 1, 1, 1, 100), given(200), by(200, 2, 1, 0)]],
  ['claims that nobody has acknowledged', [add(0, 'a'), by(100, 1, 1, 0), by(1100, 2, 1, 1), by(2100, 3, 1, 2)]],
  ['a claim that was acknowledged by a later one', [add(0, 'a'), by(100, 1, 1, 0), by(1100, 2, 2, 0)]],
  ['a message that was refused, and then not', [add(0, 'a'), [['RPOP', `${ROOT}:messages:ann`]], add(10, 'a'), claim(110, 1, 1, 1, 110)]],
  ['a message id that is used again when it is forgotten', [add(0, 'a'), claim(100, 1, 1, 1, 100), free, cut(1), add(5000, 'a')]],
  [
    'a message that was taken back, and one that was edited',
    [
      [...add(0, 'a'), ...add(50, 'b'), ['LREM', `${ROOT}:messages:ann`, '-1', `${time(50)} 1 b{}`]],
      [['LSET', `${ROOT}:messages:ann`, '0', `${time(0)} 1 a{"new":1}`]],
      claim(100, 1, 1, 1, 100),
    ],
  ],
  ['a policy that changes', [add(0, 'a'), policy({ wait: 20 }), claim(20, 1, 1, 1, 20)]],
  ['another queue', [[['RPUSH', 'rapid-fire:{other}:messages:ann', 'nonsense']]]],
])('finds nothing wrong with %s', (_, parts) => {
  expect(log(...parts).broken).toEqual([])
})

const first = `batch ${ZERO}-1:1 of ann`
const second = `batch ${ZERO}-1:2 of ann`

it.each<[string, Commands[]]>([
  ['b of ann was withdrawn and is not there', [add(0, 'a'), [['LREM', `${ROOT}:messages:ann`, '-1', `${time(50)} 1 b{}`]]]],
  [`${first} was claimed 1 ms before its deadline`, [add(0, 'a'), claim(99, 1, 1, 1, 100)]],
  [
    `${first} has 4 messages at ${time(100)} by wait, the policy makes 3 messages at ${time(2)} by size`,
    [add(0, 'a'), add(1, 'b'), add(2, 'c'), add(3, 'd'), claim(110, 1, 1, 4, 100)],
  ],
  [
    `${first} has 1 messages at ${time(100)} by wait, the policy makes 1 messages at ${time(20)} by wait`,
    [add(0, 'a'), policy({ wait: 20 }), claim(100, 1, 1, 1, 100)],
  ],
  [`${first} has 1 messages at ${time(100)} by wait, the policy makes nothing`, [claim(100, 1, 1, 1, 100)]],
  [
    `${first} has 2 messages at ${time(399)} by wait, the policy makes 2 messages at ${time(300)} by maxWait`,
    [add(0, 'a'), add(299, 'b'), claim(400, 1, 1, 2, 399)],
  ],
  [`${first} was leased for 9 ms`, [add(0, 'a'), claimed(1, 1, `1:${time(100)}:wait:9`), leased(109)]],
  [`${second} was claimed without an attempt before`, [add(0, 'a'), claim(100, 1, 2, 1, 100)]],
  [
    `${second} was claimed 1 ms before the lease of ${ZERO}-1:1 ended`,
    [add(0, 'a'), claim(100, 1, 1, 1, 100), leased(1400), claim(1399, 1, 2, 1, 100)],
  ],
  [
    `${second} was claimed 50 ms before the pause after ${ZERO}-1:1 ended`,
    [add(0, 'a'), claim(100, 1, 1, 1, 100), fail(200, 1, 1, 1, 100), claim(150, 1, 2, 1, 100)],
  ],
  [
    `batch ${ZERO}-2:1 of ann was claimed while ${ZERO}-1:1 was active`,
    [add(0, 'a'), claim(100, 1, 1, 1, 100), add(110, 'b'), claim(1200, 2, 1, 1, 100)],
  ],
  [`batch ${ZERO}-1 of ann died in attempt 1 of 2`, [add(0, 'a'), claim(100, 1, 1, 1, 100), bury(200, 1, 1, 'failed'), cut(1)]],
  [
    `batch ${ZERO}-1 of ann was buried 1 ms before the lease of ${ZERO}-1:2 ended`,
    [add(0, 'a'), claim(100, 1, 1, 1, 100), claim(1100, 1, 2, 1, 100), bury(2099, 1, 2, 'lease'), cut(1)],
  ],
  ['a of ann was stored again after 4999 ms', [add(0, 'a'), claim(100, 1, 1, 1, 100), free, cut(1), add(4999, 'a')]],
  ['the log has LINSERT on the messages of ann, which is not understood', [add(0, 'a'), [['LINSERT', `${ROOT}:messages:ann`, '0', 'b']]]],
  [
    `${second} counts 1 attempts and 0 lost claims after a claim that was released`,
    [add(0, 'a'), claim(100, 1, 1, 1, 100), given(200), claim(200, 1, 2, 1, 100)],
  ],
  [`${second} counts 0 attempts and 0 lost claims after a claim that was by=w1/1`, [add(0, 'a'), by(100, 1, 1, 0), by(1100, 2, 1, 0)]],
  [
    `${second} counts 0 attempts and 1 lost claims after a claim that was known`,
    [add(0, 'a'), claim(100, 1, 1, 1, 100), by(1100, 2, 1, 1)],
  ],
])('finds that %s', (broken, parts) => {
  expect(log(...parts).broken).toEqual([broken])
})

it('tells what each claim handed out, how attempts ended that were followed by another one, and how late batches were', () => {
  const { handed, over, lateness } = log(
    [...add(0, 'a'), ...add(1, 'b')],
    claim(111, 1, 1, 2, 101),
    claim(1111, 1, 2, 2, 101),
    fail(1200, 1, 2, 2, 101),
    claim(1200, 1, 3, 2, 101),
  )
  expect([...handed]).toEqual([1, 2, 3].map((attempt) => [`${ZERO}-1:${attempt} of ann`, ['a', 'b']]))
  expect(over).toEqual([
    { what: 'over', by: 'lease', key: 'ann', batch: `${ZERO}-1`, attempt: 1, claim: 1 },
    { what: 'over', by: 'failure', key: 'ann', batch: `${ZERO}-1`, attempt: 2, claim: 2 },
  ])
  expect(lateness).toEqual([10])
})

it('tells of a lease that ended without an attempt: nobody had got the batch', () => {
  const lost = [...claimed(1, 1, `1:${time(100)}:wait:${LEASE}:by=worker/7`), ...leased(100 + LEASE)]
  const again = [...claimed(1, 1, `1:${time(100)}:wait:${LEASE}`, 2, 1), ...leased(1100 + LEASE)]
  const { over, handed, broken } = log(add(0, 'a'), lost, again)
  expect(over).toEqual([{ what: 'over', by: 'lease', key: 'ann', batch: `${ZERO}-1`, attempt: 1, claim: 1, counted: false }])
  expect([...handed.keys()]).toEqual([1, 2].map((number) => `${ZERO}-1:${number} of ann`))
  expect(broken).toEqual([])
})

it('does not count the time in which the batch before had the key', () => {
  const behind = (...adds: ReturnType<typeof add>[]) => log(add(0, 'a'), claim(100, 1, 1, 1, 100), add(110, 'b'), ...adds)
  expect(behind(add(400, 'c'), free, cut(1), claim(430, 2, 1, 2, 410, 'maxWait')).lateness).toEqual([0, 20])
  const three = behind(add(120, 'c'), add(500, 'd'), free, cut(1), claim(530, 2, 1, 3, 410, 'maxWait'))
  expect(three.lateness).toEqual([0, 30])
})

it('reads the files of a server in their order, any bytes in them', () => {
  const folder = mkdtempSync(join(tmpdir(), 'rapidfire-log-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  mkdirSync(join(folder, 'appendonlydir'))
  const write = (name: string, bytes: string) => writeFileSync(join(folder, 'appendonlydir', name), bytes, 'latin1')
  write('appendonly.aof.1.base.rdb', 'REDIS')
  write('appendonly.aof.10.incr.aof', '*1\r\n$4\r\nEXEC\r\n')
  write('appendonly.aof.2.incr.aof', '*3\r\n$3\r\nSET\r\n$1\r\na\r\n$4\r\n\r\n\xff \r\n*1\r\n$5\r\nMULTI\r\n')
  expect(readAppendOnlyFile(folder)).toEqual([['SET', 'a', '\r\n\xff '], ['MULTI'], ['EXEC']])
})
