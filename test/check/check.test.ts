import { beforeAll, beforeEach, expect, it } from 'vitest'
import { RapidFire } from '../../src/rapidfire.ts'
import { type TestRedis, useRedis } from '../support/redis.ts'
import { rapidfire } from '../support/shell.ts'

const ROOT = 'rapid-fire:{salon}'
let server: TestRedis

beforeAll(async () => {
  server = await useRedis()
})

beforeEach(async () => {
  await server.redis.flushall()
  await using client = new RapidFire({ redis: server.url, queue: 'salon' })
  for (const key of ['79001', '79002', '79003']) await client.addMessage(key, { text: key })
})

const check = (...args: string[]) => rapidfire(['check', ...args], { REDIS_URL: server.url, RAPIDFIRE_QUEUE: 'salon' })

it('says that all laws hold, exit code 0', async () => {
  expect(await check()).toEqual({ code: 0, stdout: 'salon: 3 keys looked at, all laws hold.\n', stderr: '' })
  expect(JSON.parse((await check('--json')).stdout)).toEqual({ queue: 'salon', keys: 3, violations: [], counted: true })
})

it('names what is broken and since when, exit code 1, and repairs it', async () => {
  await server.redis.zrem(`${ROOT}:due`, '79001')
  await server.redis.hset(`${ROOT}:claims`, '79002', '1-1:1:1:0:1:1:wait:30000')
  const broken = await check()
  expect(broken.code).toBe(1)
  expect(broken.stdout).toMatch(/^messages-indexed: key "79001": it has 1 message .+, since \d{4}-.+Z \(--repair mends it\)$/m)
  expect(broken.stdout).toMatch(/^claim-is-active: key "79002": /m)
  const repaired = await check('--repair', '--json')
  expect(repaired.code).toBe(1)
  expect(JSON.parse(repaired.stdout).violations).toMatchObject([
    { law: expect.any(String), key: expect.any(String), mended: expect.any(String) },
    { mended: expect.any(String) },
  ])
  expect(await check()).toMatchObject({ code: 0 })
})

it('names the key of Redis that no conversation has, and both of a dead batch', async () => {
  await server.redis.sadd(`${ROOT}:seen:1790000000000`, 'm1')
  await server.redis.hset(`${ROOT}:dead:1790000000000-17`, 'key', '79001', 'count', 2, '1', '1790000000000 0 x')
  await server.redis.zadd(`${ROOT}:dead`, 1_790_000_060_000, '1790000000000-17')
  const { code, stdout } = await check()
  expect(code).toBe(1)
  expect(stdout.split('\n').sort()).toEqual([
    '',
    'The counters were not compared with what is held: messages are not where they should be.',
    'dead-complete: key "79001" ("rapid-fire:{salon}:dead:1790000000000-17"): a dead batch says that it has 2 messages, there are 1, ' +
      'since 2026-09-21T14:14:20.000Z (--repair mends it)',
    'expires: "rapid-fire:{salon}:seen:1790000000000": it never expires (--repair mends it)',
    'salon: 3 keys looked at, 2 broken.',
  ])
})

it('finds nothing wrong with a conversation that was put off while its list was on another node, unless that is too long', async () => {
  await server.redis.zadd(`${ROOT}:due`, `${Date.now() + 10_000}.5`, '79001')
  expect(await check()).toMatchObject({ code: 0 })
  await server.redis.zadd(`${ROOT}:due`, `${Date.now() + 20_000}.5`, '79001')
  expect((await check()).stdout).toMatch(/^due-in-time: key "79001": /m)
})

it('does not say that it has mended what it has not', async () => {
  await server.redis.zrem(`${ROOT}:due`, '79001')
  await server.redis.set(`${ROOT}:overrides`, 'mine')
  const { code, stdout } = await check('--repair')
  expect(code).toBe(1)
  expect(stdout).toMatch(/^messages-indexed: key "79001": .+ \(not mended: nothing was found that may be changed\)$/m)
  expect(stdout).not.toContain('(mended')
})

it('tells of a foreign key, which only a person can mend', async () => {
  await server.redis.del(`${ROOT}:messages:79001`, `${ROOT}:claims`)
  await server.redis.hset(`${ROOT}:messages:79001`, 'a', 'b')
  await server.redis.set(`${ROOT}:claims`, 'mine')
  const { code, stdout } = await check('--repair')
  expect(code).toBe(1)
  expect(stdout).toContain('list-type: key "79001": its messages should be a list and are a hash (only a person can mend it)')
  expect(stdout).toContain('index-type: "rapid-fire:{salon}:claims": claims should be a hash and is a string (only a person can mend it)')
  expect(stdout).toContain('The counters were not compared with what is held: messages are not where they should be.')
  expect(await server.redis.hget(`${ROOT}:messages:79001`, 'a')).toBe('b')
  expect(await server.redis.get(`${ROOT}:claims`)).toBe('mine')
})
