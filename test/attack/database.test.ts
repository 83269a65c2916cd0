import { beforeAll, expect, it, onTestFinished } from 'vitest'
import { openClient } from '../../cli/terminal/connection.ts'
import { RapidFire } from '../../src/rapidfire.ts'
import { type TestRedis, useRedis } from '../support/redis.ts'

/** Redis refuses a database that it has not, or that a user may not select. The first one, in which a client would go on, may be somebody else's. */
let server: TestRedis
const url = () => `${server.url}/99`
beforeAll(async () => {
  server = await useRedis()
})

it('a client whose database is refused stores nothing in another one', async () => {
  const client = new RapidFire({ redis: url(), queue: 'salon' })
  onTestFinished(() => client.close({ timeout: 0 }))
  const refused = { code: 'SERVER', message: expect.stringContaining('DB index is out of range') }
  await expect(client.addMessage('ann', 'Hi', { id: '1' })).rejects.toMatchObject(refused)
  await expect(client.getStats()).rejects.toMatchObject(refused)
  expect(await server.redis.keys('*')).toEqual([])
})

it('neither does a worker, nor a client of serve, work and forward', async () => {
  const redis = openClient(url(), false)
  const errors: string[] = []
  redis.on('error', (error: Error) => errors.push(error.message))
  onTestFinished(() => redis.disconnect())
  await expect(redis.connect()).rejects.toThrow()
  expect(errors[0]).toMatch(/DB index is out of range/)

  const client = new RapidFire({ redis: url(), queue: 'salon' })
  const worker = client.worker(() => {}).on('error', ({ message }) => errors.push(message))
  onTestFinished(() => worker.close({ timeout: 0 }))
  errors.length = 0
  worker.run()
  await expect.poll(() => errors.join(), { timeout: 10_000 }).toMatch(/DB index is out of range/)
  expect(worker.isHealthy()).toBe(false)
  expect(await server.redis.keys('*')).toEqual([])
})
