import { beforeAll, expect, it } from 'vitest'
import { RapidFire } from '../../src/rapidfire.ts'
import { type TestRedis, useRedis } from '../support/redis.ts'
import { rapidfire } from '../support/shell.ts'

/** What people, handlers and other users of Redis name and write must not steer the terminal of whoever looks. */
const EVIL = '\u001b]0;owned\u0007\u009b2J\u007f\u202e'
let server: TestRedis
beforeAll(async () => {
  server = await useRedis()
})

it('no command that looks passes on control characters', async () => {
  const queue = `q${EVIL}`
  await using client = new RapidFire({ redis: server.url, queue })
  await client.addMessage(`key${EVIL}`, `text${EVIL}`, { id: `id${EVIL}`, flush: true })
  const fail = () => Promise.reject(new Error(`it failed\n${EVIL}`))
  await client.processPendingBatches(fail, { attempts: 1 })
  const [batch] = await client.dead()
  await server.redis.rpush(`rapid-fire:{${queue}}:messages:lost${EVIL}`, 'x')
  await server.redis.set(`rapid-fire:{${queue}}:other${EVIL}`, 'x')

  const commands = [
    ['stats'],
    ['check', '--queue', queue],
    ['dead', 'list', '--queue', queue],
    ['dead', 'show', String(batch?.id), '--queue', queue],
  ]
  const results = await Promise.all([...commands, ['policy', '--queue', 'nope']].map((args) => rapidfire(args, { REDIS_URL: server.url })))
  expect(results.map(({ code }) => code)).toEqual([0, 1, 0, 0, 1])
  for (const { stdout, stderr } of results) {
    expect(`${stdout}${stderr}`).toMatch(/owned/)
    expect(`${stdout}${stderr}`.match(/[^\P{Cc}\n]|[\u202a-\u202e]/gu)).toBeNull()
  }
})
