import { beforeAll, beforeEach, expect, it, onTestFinished } from 'vitest'
import { formatEvent } from '../../cli/terminal/format.ts'
import { eventAt } from '../../src/history/entry.ts'
import { RapidFire } from '../../src/rapidfire.ts'
import { type TestRedis, useRedis } from '../support/redis.ts'
import { command } from './command.ts'

let server: TestRedis
beforeAll(async () => {
  server = await useRedis()
})
beforeEach(() => server.redis.flushall())

const tail = (...args: string[]) => command(['tail', '--queue', 'salon', '--redis', server.url, ...args])
const client = (events: number) => {
  const rapidfire = new RapidFire<any>({ redis: server.url, queue: 'salon', policy: { events } })
  onTestFinished(() => rapidfire.close())
  return rapidfire
}

it('tail shows what is kept, of all or of one conversation, and goes on where it has stopped', async () => {
  const rapidfire = client(1000)
  await rapidfire.addMessages([
    { key: 'ann', data: { text: 'secret' }, id: 'm1' },
    { key: 'ann', data: 1, flush: true },
    { key: 'bob', data: 1 },
  ])
  await rapidfire.processPendingBatches(() => {})
  const { code, stdout } = await tail('--from', '0', '--no-follow')
  expect(code).toBe(0)
  expect(stdout.replace(/^\S+Z/gm, '<when>').replace(/\d{13}-1/g, '<id>')).toBe(
    [
      '<when>  added      "ann"  m1 -',
      '<when>  added      "bob"',
      '<when>  claimed    "ann"  batch <id>, 2 messages, attempt 1, closed by flush, m1 -',
      '<when>  completed  "ann"  batch <id>, 2 messages',
      '',
    ].join('\n'),
  )
  const read = async (...args: string[]) =>
    (await tail('--json', '--no-follow', ...args)).stdout
      .trim()
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line))
  const ann = await read('--from', '0', '--key', 'ann')
  expect(ann.map(({ event, key }) => [event, key])).toEqual([
    ['added', 'ann'],
    ['claimed', 'ann'],
    ['completed', 'ann'],
  ])
  expect((await read('--from', ann[1].id)).map(({ event }) => event)).toEqual(['completed'])
  expect(await read()).toEqual([])
})

it('tail waits for more until it is stopped', async () => {
  const rapidfire = client(1000)
  await rapidfire.addMessage('ann', 1)
  const before = process.listenerCount('SIGINT')
  const ended = tail('--from', '0')
  await expect.poll(() => process.listenerCount('SIGINT')).toBe(before + 1)
  process.listeners('SIGINT').at(-1)?.('SIGINT')
  expect(await ended).toMatchObject({ code: 0, stderr: '' })
  expect(process.listenerCount('SIGINT')).toBe(before)
})

it('tail says that a queue keeps none, and what an id is', async () => {
  await client(0).addMessage('ann', 1)
  expect(await tail()).toMatchObject({ code: 1, stderr: expect.stringContaining('keeps no events') })
  expect(await tail('--from', 'x')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("from must be the id of an event, or 0; got 'x'"),
  })
})

it('a line of an event tells all that is said of it, and steers no terminal', () => {
  const told = {
    ...eventAt('1790000000000-5', 'failed'),
    key: 'a\u001b',
    batch: '1-1',
    count: 2,
    done: 1,
    attempt: 3,
    until: 1_790_000_001_000,
  }
  expect(formatEvent(told)).toBe(
    '2026-09-21T14:13:20.000Z  failed     "a\\u001b"  batch 1-1, 2 messages, 1 done, attempt 3, again at 2026-09-21T14:13:21.000Z',
  )
  const others = { ...eventAt('1790000000000-5', 'dead'), key: 'ann', cause: 'lease', worker: 'w', stream: 's' }
  expect(formatEvent(others)).toBe('2026-09-21T14:13:20.000Z  dead       "ann"  (lease), by w, into s')
  expect(formatEvent(eventAt('1790000000000-5', 'gap'))).toBe('2026-09-21T14:13:20.000Z  gap')
})
