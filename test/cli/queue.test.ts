import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { expectQueue } from '../../cli/terminal/queue.ts'
import { RapidFire } from '../../src/rapidfire.ts'
import { type TestRedis, useRedis } from '../support/redis.ts'
import { command } from './command.ts'

/** Commands that find nothing in a queue with a name that is mistyped. */
const COMMANDS = [
  ['check'],
  ['stats', '--json'],
  ['dead', 'list', '--json'],
  ['dead', 'show', '1-1'],
  ['dead', 'requeue', '--all'],
  ['dead', 'drop', '1-1'],
  ['erase', '79001234567'],
  ['policy'],
  ['tail', '--no-follow'],
  ['search'],
]

describe('a queue that is not there', () => {
  let server: TestRedis
  beforeAll(async () => {
    server = await useRedis()
  })
  afterEach(() => server.redis.flushall())

  const add = (queue: string, partitions = 1) =>
    new RapidFire({ redis: server.redis, queue, policy: { partitions } }).addMessage('79001234567', 'Hi')

  it('every command that looks into one says so, and names those that are there', async () => {
    await add('salon')
    await add('clinic', 2)
    const { host, port } = server.redis.options
    const stderr = `rapidfire: there is no queue salo on ${host}:${port}; there are salon, clinic\n`
    const keys = await server.redis.keys('*')
    for (const args of COMMANDS) {
      expect([args, await command([...args, '--queue', 'salo', '--redis', server.url])]).toEqual([args, { code: 1, stdout: '', stderr }])
    }
    expect((await server.redis.keys('*')).sort()).toEqual(keys.sort())
  })

  it('one that is there may be empty, and have lost its root or its partitions', async () => {
    const wanted = () => expectQueue(server.redis, 'salon')
    await expect(wanted()).rejects.toThrow(/^there is no queue salon on [^;]+; there are none$/)
    await new RapidFire({ redis: server.redis, queue: 'salon' }).policy({ wait: 5000 })
    await wanted()
    await server.redis.flushall()
    await add('salon', 2)
    await server.redis.del('rapid-fire:{salon}')
    await wanted()
    await server.redis.del('rapid-fire:{salon:0}')
    await wanted()
    await server.redis.del('rapid-fire:{salon:1}')
    await expect(wanted()).rejects.toThrow('there are none')
  })

  it('names the nearest of many', async () => {
    for (let n = 0; n < 12; n += 1) await server.redis.hset(`rapid-fire:{queue${n}}`, 'settings', 'wait=1')
    await expect(expectQueue(server.redis, 'queue11x')).rejects.toThrow(/; there are queue11, queue1, queue10, .* and 2 more$/)
  })
})
