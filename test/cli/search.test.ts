import { beforeAll, beforeEach, expect, it, onTestFinished } from 'vitest'
import { RapidFire } from '../../src/rapidfire.ts'
import { type TestRedis, useRedis } from '../support/redis.ts'
import { command } from './command.ts'

let server: TestRedis
beforeAll(async () => {
  server = await useRedis()
})
beforeEach(async () => {
  await server.redis.flushall()
  const rapidfire = new RapidFire<any>({ redis: server.url, queue: 'salon', policy: { archive: 86_400_000 } })
  onTestFinished(() => rapidfire.close())
  for (const [key, text] of [
    ['ann', 'Запишите на стрижку'],
    ['bob', 'Hi\u001b[31m'],
  ]) {
    await rapidfire.addMessage(key as string, { text }, { flush: true })
    await rapidfire.processPendingBatches(() => ({ ok: true }))
  }
})

const search = (...args: string[]) => command(['search', '--queue', 'salon', '--redis', server.url, ...args])

it('search shows what was said and answered, and steers no terminal', async () => {
  const { code, stdout, stderr } = await search()
  expect([code, stderr]).toEqual([0, ''])
  expect(stdout.replace(/^\S+Z/gm, '<when>').replace(/\d{13}-\d/g, '<id>')).toBe(
    [
      '<when>  "ann"  1 message, closed by flush, attempt 1, batch <id>',
      '  said    "Запишите на стрижку"',
      '  result  "{\\"ok\\":true}"',
      '<when>  "bob"  1 message, closed by flush, attempt 1, batch <id>',
      '  said    "Hi\\u001b[31m"',
      '  result  "{\\"ok\\":true}"',
      '',
    ].join('\n'),
  )
})

it('search finds by words, conversation, time and reason', async () => {
  const keys = async (...args: string[]) =>
    (await search('--json', ...args)).stdout.split('\n').flatMap((line) => (line ? [JSON.parse(line).key] : []))
  expect(await keys('стрижку')).toEqual(['ann'])
  expect(await keys('--key', 'bob', '--since', '2h')).toEqual(['bob'])
  expect(await keys('--since', '2999-01-01')).toEqual([])
  expect(await keys('--reason', 'wait')).toEqual([])
  const { stdout, stderr } = await search('--limit', '1', '--json')
  expect(stdout.trim().split('\n')).toHaveLength(1)
  expect(stderr).toContain('There may be more')
})

it.each([
  [['--since', 'soon'], "--since must be so long ago, such as 30s, 10m, 2h or 7d, or a date; got 'soon'"],
  [['--reason', 'boredom'], 'Allowed choices are wait, maxWait, size, flush, bytes'],
  [['--limit', '0'], 'limit must be an integer from 1 to 1000'],
])('search refuses %j', async (args, says) => {
  expect(await search(...args)).toMatchObject({ code: 2, stderr: expect.stringContaining(says) })
})
