import { Redis } from 'ioredis'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { CALLS, commandsOf, missingRights, type Role } from '../../cli/doctor/rights.ts'
import { RapidFire } from '../../src/rapidfire.ts'
import type { BindingMode } from '../../src/redis/loader.ts'
import { SOURCE } from '../../src/redis/source.ts'
import { eventually, start } from '../cli/processes.ts'
import { additionsFor, rulesOf, setUser, urlOf } from '../support/acl.ts'
import { type TestRedis, useRedis } from '../support/redis.ts'
import { rapidfire } from '../support/shell.ts'

const ROLES = Object.keys(CALLS) as Role[]

const scripts = additionsFor('scripts')
const changes = [...scripts.more, ...scripts.instead.map((right) => right.replace('+', '-'))]

describe.each(ROLES)('the ACL line of a %s', (role) => {
  it.each<BindingMode>(['functions', 'scripts'])('has what the functions it calls need, and no more: %s', (binding) => {
    const rules = new Set([...rulesOf(role), ...(binding === 'scripts' ? scripts.more : [])])
    if (binding === 'scripts') for (const right of scripts.instead) rules.delete(right)
    const expected = ['on', '>secret', '~rapid-fire:*', '&rapid-fire:*', ...commandsOf(role, binding).map((command) => `+${command}`)]
    expect([...rules].sort()).toEqual(expected.sort())
  })
})

describe.each<BindingMode>(['functions', 'scripts'])('users with the rights of cli/README.md, %s', (binding) => {
  let server: TestRedis
  let admin: Redis
  beforeAll(async () => {
    server = await useRedis()
    admin = server.redis
  })
  beforeEach(async () => {
    await admin.flushall()
    await admin.function('LOAD', 'REPLACE', SOURCE.library)
    for (const role of ROLES) await setUser(admin, role, ...(binding === 'scripts' ? changes : []))
  })
  afterAll(() => admin?.call('ACL', 'DELUSER', ...ROLES))

  function client(role: Role, options = {}): RapidFire<any> {
    const rapidfire = new RapidFire<any>({ redis: urlOf(server.url, role), queue: 'salon', binding, ...options })
    onTestFinished(() => rapidfire.close())
    return rapidfire
  }

  it('do all that they are for', async () => {
    const [producer, operator] = [client('producer', { policy: { wait: 5 } }), client('operator', { policy: { maxDead: 100 } })]
    await operator.policy({ wait: 1, maxWait: 100, dedupe: 60_000 })
    expect(await producer.version()).toBe(SOURCE.version)
    const add = async (key: string, id: string, options = {}) =>
      expect(await producer.addMessage(key, id, { id, ...options })).toMatchObject({ status: 'added' })
    for (const [key, options] of [
      ['ann', { wait: 10 }],
      ['bob', { maxSize: 2 }],
      ['cyd', { flush: true }],
      ['dan', {}],
    ] as const) {
      await add(key, `${key} 1`, options)
      await add(key, `${key} 2`, options)
      expect(await producer.addMessage(key, 'again', { id: `${key} 2` })).toMatchObject({ status: 'duplicate' })
    }
    expect(await operator.peek('ann')).toMatchObject({ size: 2 })

    const worker = client('worker', { policy: { maxWait: 50 } }).worker(
      async ({ key, attempt }, { extend }) => {
        expect(await extend()).toMatchObject({ status: 'extended' })
        if (key === 'bob' || (key === 'ann' && attempt === 1)) throw new Error('no')
      },
      { attempts: 2, backoff: () => 0 },
    )
    onTestFinished(() => worker.close({ timeout: 0 }))
    const told: string[] = []
    worker.on('dead', ({ key }) => told.push(`dead ${key}`)).on('completed', ({ key }) => told.push(key))
    worker.on('error', (error) => told.push(error.message)).run()
    await expect.poll(() => [...new Set(told)].sort(), { timeout: 20_000 }).toEqual(['ann', 'cyd', 'dan', 'dead bob'])
    await worker.close()
    await add('eve', 'eve 1', { flush: true })
    expect(await client('worker').forward('batches')).toMatchObject({ forwarded: 1 })
    await admin.xgroup('CREATE', 'rapid-fire:{salon}:stream:batches', 'bots', 0)
    expect(await client('worker').forward('batches', { maxLength: 1 })).toMatchObject({ forwarded: 0 })

    const [dead] = await operator.dead()
    expect(await operator.trace({ key: 'bob', id: 'bob 1' })).toMatchObject([{ state: 'dead' }])
    expect(await operator.trace({ key: 'eve' })).toMatchObject([{ others: [{ state: 'streamed' }] }])
    expect(await operator.trace({ batch: '1-1' })).toMatchObject([{ state: 'unknown' }])
    expect(await operator.dead({ id: dead?.id as string })).toMatchObject([{ key: 'bob', messages: expect.any(Array) }])
    expect(await operator.requeue([dead?.id as string])).toEqual(['requeued'])
    const { batches } = await client('worker').claimReady({ attempts: 1 })
    expect(batches).toMatchObject([{ key: 'bob' }])
    for (const batch of batches) expect(await client('worker').fail(batch, { attempts: 1 })).toBe('dead')
    expect(await operator.drop((await operator.dead()).map(({ id }) => id))).not.toContain('unknown')
    await add('fay', 'fay 1')
    await admin.zrem('rapid-fire:{salon}:due', 'fay')
    expect((await operator.check({ repair: true })).violations).toMatchObject([{ repairable: true }])
    expect((await operator.check()).violations).toEqual([])
    expect(await operator.getStats()).toMatchObject({ totals: { added: 10 } })
    expect(await operator.erase('eve')).toMatchObject({ streamEntries: 1 })
    await operator.policy({ maxDeadAge: 1 })
    await client('worker').claimReady()
  })

  it('go on while the operator changes the partitions', async () => {
    const [producer, worker, operator] = ROLES.map((role) => client(role, { queue: 'parted' })) as [RapidFire, RapidFire, RapidFire]
    const add = (key: string) => producer.addMessage(key, 1, { flush: true })
    await add('ann')
    expect(await operator.policy({ partitions: 4 })).toMatchObject({ partitions: 4 })
    for (const key of ['ann', 'bob', 'cyd', 'dan']) expect(await add(key)).toMatchObject({ status: 'added' })
    expect(await worker.processPendingBatches(() => {})).toMatchObject({ messages: 5, dead: 0, retry: 0, lost: 0 })
    expect(await operator.getStats()).toMatchObject({ messages: 0, totals: { added: 5 } })
    expect((await operator.check()).violations).toEqual([])
  })

  it('may do nothing else', async () => {
    await client('producer').addMessage('ann', 1, { flush: true })
    await admin.set('other', 'kept')
    const connections = ROLES.map((role) => new Redis(urlOf(server.url, role)))
    onTestFinished(() => connections.forEach((each) => void each.disconnect()))
    const before = await admin.dump('rapid-fire:{salon}')
    const dangerous = [
      'FLUSHALL',
      'FLUSHDB',
      'KEYS *',
      'CONFIG GET *',
      'CONFIG SET maxmemory 1',
      'ACL LIST',
      'ACL SETUSER producer +@all',
      'CLIENT LIST',
    ]
    const foreign = [
      'HGET other f',
      'HSET other f v',
      'PUBLISH other m',
      'SUBSCRIBE other',
      'GET other',
      'DEL other',
      'APPEND rapid-fire:{salon} x',
    ]
    const code = ['FUNCTION DELETE rapidfire', 'FUNCTION FLUSH', 'SCRIPT FLUSH', 'EVAL return 0', 'MONITOR', 'REPLICAOF NO ONE']
    for (const [n, redis] of connections.entries()) {
      const load = ROLES[n] === 'operator' ? [] : ['FUNCTION LOAD x', 'SCAN 0']
      for (const command of [...dangerous, ...foreign, ...code, ...load]) {
        const [name, ...args] = command.split(' ') as [string, ...string[]]
        await expect(redis.call(name, ...args), `${ROLES[n]}: ${command}`).rejects.toThrow(/^NOPERM/)
      }
    }
    const calls: [Role, (rapidfire: RapidFire) => Promise<unknown>][] = [
      ['producer', (rapidfire) => rapidfire.claimReady()],
      ['producer', (rapidfire) => rapidfire.getStats()],
      ['producer', (rapidfire) => rapidfire.dead()],
      ['producer', (rapidfire) => rapidfire.trace({ key: 'ann' })],
      ['worker', (rapidfire) => rapidfire.addMessage('ann', 1)],
      ['worker', (rapidfire) => rapidfire.addMessage('ann', 1, { id: 'one' })],
      ['worker', (rapidfire) => rapidfire.getStats()],
      ['operator', (rapidfire) => rapidfire.claimReady()],
      ['operator', (rapidfire) => rapidfire.addMessage('ann', 1)],
    ]
    for (const [role, call] of calls) {
      await expect(call(client(role)), `${role}: ${call}`).rejects.toMatchObject({
        code: 'SERVER',
        message: /NOPERM|ACL failure|can't run this command/,
      })
    }
    expect(await admin.get('other')).toBe('kept')
    expect(await admin.dump('rapid-fire:{salon}')).toEqual(before)
  })
})

it('the command line does what an operator needs, and doctor knows each role', async () => {
  const { url, redis } = await useRedis()
  await redis.flushall()
  await redis.function('FLUSH')
  for (const role of ROLES) await setUser(redis, role)
  onTestFinished(async () => void (await redis.call('ACL', 'DELUSER', ...ROLES)))
  const as = (role: Role, ...args: string[]) => rapidfire([...args, '--redis', urlOf(url, role)])
  await expect(new RapidFire({ redis: urlOf(url, 'producer') }).addMessage('ann', 1)).rejects.toThrow(/NOPERM/)
  expect(await as('operator', 'load')).toMatchObject({ code: 0, stderr: '' })
  await using producer = new RapidFire({ redis: urlOf(url, 'producer') })
  await producer.addMessage('ann', 1, { flush: true })
  for (const args of [
    ['stats'],
    ['stats', '--queue', 'default'],
    ['check'],
    ['check', '--repair'],
    ['trace', '--key', 'ann'],
    ['dead', 'list'],
    ['dead', 'requeue', '--all'],
    ['dead', 'drop', '--all'],
  ]) {
    expect(await as('operator', ...args), args.join(' ')).toMatchObject({ code: 0, stderr: '' })
  }
  for (const role of ROLES) {
    const { stdout } = await as(role, 'doctor', '--role', role, '--json')
    const { findings } = JSON.parse(stdout)
    expect(findings.filter((each: { check: string }) => each.check === 'rights')).toMatchObject([
      { level: 'ok', text: `user ${role} has the rights of a${role === 'operator' ? 'n' : ''} ${role}` },
    ])
  }
  expect(await redis.function('LIST')).toHaveLength(1)
})

it('a queue that keeps events needs what cli/README.md adds for it, and who lacks that writes none', async () => {
  const { url, redis } = await useRedis()
  await redis.flushall()
  await redis.function('LOAD', 'REPLACE', SOURCE.library)
  onTestFinished(async () => void (await redis.call('ACL', 'DELUSER', ...ROLES)))
  const [more] = [additionsFor('a queue that keeps').more]
  await new RapidFire({ redis, queue: 'default', policy: { events: 10 } }).version()
  for (const granted of [false, true]) {
    for (const role of ROLES) await setUser(redis, role, ...(granted ? more : []))
    for (const role of ROLES) {
      const user = new Redis(urlOf(url, role))
      const missing = await missingRights(user, 'rapid-fire:{default}', 'functions', true)
      user.disconnect()
      // Who forwards may do so anyway.
      expect([role, missing?.[role]]).toEqual([role, granted || role === 'worker' ? [] : more])
    }
    await using producer = new RapidFire({ redis: urlOf(url, 'producer') })
    expect(await producer.addMessage('ann', 1)).toMatchObject({ status: 'added' })
    expect(await redis.exists('rapid-fire:{default}:events')).toBe(granted ? 1 : 0)
  }
})

it('serve and the consumers of a stream do with what cli/README.md adds for them', async () => {
  const { url, redis } = await useRedis()
  await redis.flushall()
  await redis.function('LOAD', 'REPLACE', SOURCE.library)
  await setUser(redis, 'producer', ...additionsFor('`serve`').more)
  const [stream, consumer] = ['rapid-fire:{default}:stream:batches', 'consumer']
  await redis.call('ACL', 'SETUSER', consumer, 'reset', 'on', '>secret', '~rapid-fire:*', '+info', ...additionsFor('consumers').more)
  onTestFinished(async () => void (await redis.call('ACL', 'DELUSER', 'producer', consumer)))

  const env = { REDIS_URL: urlOf(url, 'producer'), RAPIDFIRE_STATS_TOKEN: 'stats' }
  const serve = await start(['serve', '--port', '0', '--unsigned', 'generic'], env).ready()
  const { port } = (await eventually(() => serve.lines.find(({ msg }) => msg === 'listening'))) as { port: number }
  const path = `http://127.0.0.1:${port}/webhook/whatsapp/batched`
  const body = JSON.stringify({ key: 'ann', id: '1', data: { text: 'Hi' } })
  expect((await fetch(path, { method: 'POST', body, headers: { 'content-type': 'application/json' } })).status).toBe(200)
  expect((await fetch(`${path}/stats`, { headers: { authorization: 'Bearer stats' } })).status).toBe(200)
  expect(await serve.stop()).toBe(0)
  expect(serve.lines.filter(({ level }) => level > 30)).toEqual([])

  const reader = new Redis(urlOf(url, consumer))
  onTestFinished(() => reader.disconnect())
  await reader.xgroup('CREATE', stream, 'bots', 0, 'MKSTREAM')
  const id = (await redis.xadd(stream, '*', 'key', 'ann')) as string
  expect(await reader.xreadgroup('GROUP', 'bots', 'bot', 'STREAMS', stream, '>')).toHaveLength(1)
  expect(await reader.xpending(stream, 'bots')).toContain(id)
  expect(await reader.xautoclaim(stream, 'bots', 'bot 2', 0, '0')).toHaveLength(3)
  expect(await reader.xack(stream, 'bots', id)).toBe(1)
  await expect(reader.hset('rapid-fire:{default}', 'settings', 'wait=1')).rejects.toThrow(/^NOPERM/)
})
