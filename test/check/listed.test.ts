import { beforeAll, beforeEach, expect, it, onTestFinished } from 'vitest'
import { RapidFire } from '../../src/rapidfire.ts'
import { REGISTRY } from '../../src/redis/registry.ts'
import { command } from '../cli/command.ts'
import { urlOf } from '../support/acl.ts'
import { type TestRedis, useRedis } from '../support/redis.ts'

const ROOT = 'rapid-fire:{salon}'
let server: TestRedis

beforeAll(async () => {
  server = await useRedis()
})

beforeEach(async () => {
  await server.redis.flushall()
  await using client = new RapidFire({ redis: server.url, queue: 'salon' })
  await client.addMessage('79001', 'Hi')
})

const check = (...args: string[]) => command(['check', '--queue', 'salon', '--redis', server.url, ...args])
const listed = () => server.redis.zrange(REGISTRY, '0', '-1')

it('finds nothing wrong with a queue that is registered, also when it is empty', async () => {
  await using client = new RapidFire({ redis: server.url, queue: 'salon' })
  await client.erase('79001')
  expect(await check()).toEqual({ code: 0, stdout: 'salon: 0 keys looked at, all laws hold.\n', stderr: '' })
  expect(await check('--repair')).toMatchObject({ code: 0 })
  expect(await listed()).toEqual(['salon'])
})

it.each([
  ['a queue', async () => {}],
  ['a queue whose root is lost', async () => void (await server.redis.del(ROOT))],
])('%s that is not in the registry is told, and put there', async (_, damage) => {
  await server.redis.zrem(REGISTRY, 'salon')
  await damage()
  const line = 'listed: "rapid-fire:{salon}": it is not in rapid-fire:queues, by which queues are found'
  const { code, stdout } = await check()
  expect([code, stdout.split('\n').filter((each) => each.startsWith('listed'))]).toEqual([1, [`${line} (--repair mends it)`]])
  expect(await listed()).toEqual([])
  expect((await check('--repair')).stdout).toContain(`${line} (mended: it was put there)`)
  expect(await listed()).toEqual(['salon'])
  expect((await check()).stdout).not.toContain('listed')
})

it('a queue in the registry that does not exist any more is told, and taken out', async () => {
  await server.redis.del(...(await server.redis.keys(`${ROOT}*`)))
  const line = 'listed-is-there: "rapid-fire:{salon}": it is in rapid-fire:queues, and there is no such queue'
  expect(await check()).toMatchObject({ code: 1, stdout: expect.stringContaining(`${line} (--repair mends it)`) })
  expect((await check('--repair')).stdout).toContain(`${line} (mended: it was taken out)`)
  expect(await listed()).toEqual([])
  expect(await check('--repair')).toMatchObject({ code: 1, stderr: expect.stringContaining('there is no queue salon') })
})

it('a queue of which only partitions are left is there', async () => {
  await using client = new RapidFire({ redis: server.url, queue: 'salon' })
  await client.policy({ partitions: 2 })
  await server.redis.del(...(await server.redis.keys(`${ROOT}*`)))
  expect((await check()).stdout).not.toContain('listed')
})

it('a registry of another type is left to a person', async () => {
  await server.redis.set(REGISTRY, 'mine')
  for (const args of [[], ['--repair']]) {
    expect(await check(...args)).toMatchObject({
      code: 1,
      stdout: expect.stringContaining(
        'registry-type: "rapid-fire:{salon}": rapid-fire:queues should be a zset and is something else (only a person',
      ),
    })
  }
  expect(await server.redis.get(REGISTRY)).toBe('mine')
})

it('who may not see the registry is told nothing of it', async () => {
  await server.redis.zrem(REGISTRY, 'salon')
  await server.redis.call('ACL', 'SETUSER', 'narrow', 'reset', 'on', '>secret', '~rapid-fire:{salon}*', '&*', '+@all')
  onTestFinished(async () => void (await server.redis.call('ACL', 'DELUSER', 'narrow')))
  const { stdout } = await command(['check', '--repair', '--queue', 'salon', '--redis', urlOf(server.url, 'narrow')])
  expect(stdout).toBe('salon: 1 key looked at, all laws hold.\n')
  const doctor = await command(['doctor', '--queue', 'salon', '--redis', urlOf(server.url, 'narrow'), '--json'])
  expect(JSON.parse(doctor.stdout).findings.filter((each: { check: string }) => each.check === 'rights')).toMatchObject([
    { level: 'ok' },
    {
      level: 'note',
      text: 'user narrow may not write rapid-fire:queues: `rapidfire stats` lists its queues only when another user has registered them',
      mend: [expect.stringMatching(/ACL SETUSER narrow '~rapid-fire:queues'$/)],
    },
  ])
})
