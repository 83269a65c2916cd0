import { beforeAll, beforeEach, expect, it } from 'vitest'
import { type TestRedis, useRedis } from '../support/redis.ts'
import { settingsOf } from '../support/settings.ts'
import { command } from './command.ts'

let server: TestRedis
beforeAll(async () => {
  server = await useRedis()
})
beforeEach(() => server.redis.flushall())

const policy = (...args: string[]) => command(['policy', '--queue', 'salon', '--redis', server.url, ...args])

it('policy shows the policy, and changes what is named', async () => {
  await server.redis.hset('rapid-fire:{salon}', 'settings', 'maxSize=10')
  expect((await policy()).stdout).toBe(`wait             10,000 ms
maxWait          60,000 ms
maxSize          10 messages a batch
maxBacklog       1,000 messages a conversation
maxMessageBytes  262,144 bytes
maxBatchBytes    1,048,576 bytes
dedupe           3,600,000 ms
maxDead          10,000 dead batches
maxDeadAge       0, no limit
maxKeys          0, no limit
events           0, none are written
archive          0, nothing is kept
maxArchived      10,000 batches
partitions       1 partition
`)
  const { code, stdout } = await policy('wait=5000', 'partitions=4', '--json')
  expect(code).toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({ wait: 5000, maxWait: 60_000, partitions: 4 })
  expect((await settingsOf(server.redis, 'rapid-fire:{salon:3}')).wait).toBe('5000')
  expect(JSON.parse((await policy('--json')).stdout)).toMatchObject({ wait: 5000, partitions: 4 })
})

it.each([
  [['wait'], 2, "a member must be given as name=integer, such as wait=5000; got 'wait'"],
  [['wait=x'], 2, "got 'wait=x'"],
  [
    ['weight=5'],
    2,
    "rapidfire: policy has no option 'weight': it takes wait, maxWait, maxSize, maxBacklog, maxMessageBytes, maxBatchBytes, dedupe, maxDead, maxDeadAge, maxKeys, events, archive, maxArchived, partitions\n",
  ],
  [['wait=0'], 1, 'rapidfire: wait must be an integer of ms from 1'],
  [['wait=5', 'maxWait=4'], 1, 'rapidfire: maxWait must not be shorter than wait'],
  [['partitions=2000'], 1, 'partitions must be an integer from 1 to 1024, got 2000'],
])('policy refuses %j', async (members, expected, says) => {
  const { code, stderr } = await policy(...members)
  expect([code, stderr]).toEqual([expected, expect.stringContaining(says)])
  expect(await server.redis.keys('*')).toEqual([])
})
