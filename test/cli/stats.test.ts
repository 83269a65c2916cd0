import { beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { listQueues, walkQueues } from '../../cli/terminal/queue.ts'
import type { Stats } from '../../src/batches/stats.ts'
import { RapidFire } from '../../src/rapidfire.ts'
import { urlOf } from '../support/acl.ts'
import { type TestRedis, useRedis } from '../support/redis.ts'
import { rapidfire } from '../support/shell.ts'
import { command } from './command.ts'

let server: TestRedis
beforeAll(async () => {
  server = await useRedis()
})
beforeEach(async () => {
  await server.redis.flushall()
  await server.redis.function('FLUSH')
})

/** Adds to a queue; the batches of `handled` keys are handled, those of `open` ones are not. */
async function fill(queue: string, { handled = [] as string[], open = [] as string[], binding = 'auto' as 'auto' | 'scripts' }) {
  await using client = new RapidFire({ redis: server.redis, queue, binding })
  for (const key of handled)
    await client.addMessages([
      { key, data: 'one', id: key },
      { key, data: 'two', id: key },
      { key, data: 'three', flush: true },
    ])
  await client.processPendingBatches(() => {})
  for (const key of open) await client.addMessage(key, 'one')
}

const walked = (why: string) => `rapidfire: these queues were looked for among all keys, since ${why}\n`

const parse = (stdout: string): Stats[] =>
  stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))

describe('one queue', () => {
  it('stats of a queue is shown as a table', async () => {
    await fill('whatsapp', { handled: ['ann', 'bob'], open: ['cyd'] })
    const { code, stdout, stderr } = await command(['stats', '--queue', 'whatsapp', '--redis', server.url])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/^whatsapp\n\n {2}now .* in all .* lateness\n/)
    for (const row of [
      /collecting +1 +messages +5 +mean +[\d.]+ ms/,
      /duplicates +2 +p50 +≤ \d+ ms/,
      /queued behind +0 +completed +2 +max +\d+ ms/,
    ])
      expect(stdout).toMatch(row)
    expect(stdout).toContain('closed by   wait 0, maxWait 0, size 0, flush 2')
    expect(stdout).toContain('on average  2.0 messages a batch, 2 handler calls saved (50 %)')
  })

  it('stats of a queue is one line of JSON with --json, the same as getStats', async () => {
    await fill('whatsapp', { handled: ['ann'], open: ['bob'] })
    const { code, stdout, stderr } = await command(['stats', '--queue', 'whatsapp', '--redis', server.url, '--json'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const expected = await new RapidFire({ redis: server.redis, queue: 'whatsapp' }).getStats()
    expect(parse(stdout)).toEqual([{ ...expected, now: expect.any(Number) }])
    expect(expected.totals.completed).toBe(1)
  })

  it('stats of a queue that nobody has used is zeros, and looking at it changes nothing', async () => {
    await server.redis.hset('rapid-fire:{nobody}', 'settings', 'wait=5000')
    const { code, stdout } = await command(['stats', '--queue', 'nobody', '--redis', server.url, '--json'])
    expect(code).toBe(0)
    expect(parse(stdout)).toEqual([expect.objectContaining({ queue: 'nobody', collecting: 0, messages: 0, callsSaved: 0 })])
    expect(await server.redis.keys('*')).toEqual(['rapid-fire:{nobody}'])
    expect(await server.redis.hgetall('rapid-fire:{nobody}')).toEqual({ settings: 'wait=5000' })
    expect(await server.redis.function('LIST')).toEqual([])
  })

  it('stats takes the queue from RAPIDFIRE_QUEUE and the server from REDIS_URL, and options win over both', async () => {
    await fill('whatsapp', { open: ['ann'] })
    await fill('telegram', { open: ['ann', 'bob'] })
    const env = { REDIS_URL: server.url, RAPIDFIRE_QUEUE: 'telegram' }
    expect(parse((await rapidfire(['stats', '--json'], env)).stdout)).toMatchObject([{ queue: 'telegram', collecting: 2 }])
    const wrong = { ...env, REDIS_URL: 'redis://127.0.0.1:1' }
    const { stdout } = await rapidfire(['stats', '--json', '--queue', 'whatsapp', '--redis', server.url], wrong)
    expect(parse(stdout)).toMatchObject([{ queue: 'whatsapp', collecting: 1 }])
  })

  it('stats of a queue with a name that is none is refused', async () => {
    const { code, stderr } = await command(['stats', '--queue', 'two words', '--redis', server.url])
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr:
        "rapidfire: a queue name must have 1 to 128 characters without braces and blanks, and must not end in a colon and digits; got 'two words'\n",
    })
  })

  it('stats of a queue whose root is something else is an error of one line', async () => {
    await server.redis.set('rapid-fire:{whatsapp}', 'text')
    const { code, stdout, stderr } = await command(['stats', '--queue', 'whatsapp', '--redis', server.url])
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(/^rapidfire: expected a hash at [^\n]+\n$/)
  })
})

describe('without --queue', () => {
  it('stats without --queue shows every queue, whatever else is on the server', async () => {
    await fill('whatsapp', { open: ['ann'] })
    await fill('чат:b', { open: ['a}', '{b}'] })
    await fill('scripted', { open: ['ann'], binding: 'scripts' })
    await server.redis.hset('rapid-fire:{not a queue}', 'a', '1')
    await server.redis.set('rapid-fire:{text}', 'text')
    await server.redis.hset('else', 'a', '1')
    const { code, stdout, stderr } = await command(['stats', '--redis', server.url, '--json'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(parse(stdout).map(({ queue, collecting }) => [queue, collecting])).toEqual([
      ['scripted', 1],
      ['whatsapp', 1],
      ['чат:b', 2],
    ])
    const table = await command(['stats', '--redis', server.url])
    expect(table.stdout).toBe(`queue     collecting  ready  active  dead  messages  batches  p99 late
scripted           1      0       0     0         1        0         -
whatsapp           1      0       0     0         1        0         -
чат:b              2      0       0     0         2        0         -
`)
  })

  it('stats without --queue says that there are none', async () => {
    const { code, stdout } = await command(['stats', '--redis', server.url])
    expect({ code, stdout }).toEqual({ code: 0, stdout: `No queues on ${new URL(server.url).host}.\n` })
    expect(await command(['stats', '--redis', server.url, '--json'])).toEqual({
      code: 0,
      stdout: '',
      stderr: walked('no queue is in rapid-fire:queues'),
    })
  })

  it('stats without --queue asks the registry, and walks over no keys', async () => {
    await fill('whatsapp', { open: ['ann'] })
    await fill('empty', { handled: ['ann'] })
    await server.redis.hset('rapid-fire:{by-hand}', 'added', 1)
    await server.redis.config('RESETSTAT')
    const { code, stdout, stderr } = await command(['stats', '--redis', server.url, '--json'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(parse(stdout).map(({ queue, messages }) => [queue, messages])).toEqual([
      ['empty', 0],
      ['whatsapp', 1],
    ])
    expect(await server.redis.info('commandstats')).not.toContain('cmdstat_scan')
  })

  it('stats without --queue leaves out what is registered and is not there, and changes nothing', async () => {
    await fill('whatsapp', { open: ['ann'] })
    await fill('gone', { open: ['ann'] })
    await fill('rootless', { open: ['ann'] })
    await server.redis.del(...(await server.redis.keys('rapid-fire:{gone}*')), 'rapid-fire:{rootless}')
    await server.redis.zadd('rapid-fire:queues', 0, 'no {queue}', 0, '', 0, 'x'.repeat(200), 0, 'whatsapp:7')
    const before = await server.redis.dump('rapid-fire:queues')
    const { code, stdout, stderr } = await command(['stats', '--redis', server.url, '--json'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(parse(stdout).map(({ queue }) => queue)).toEqual(['rootless', 'whatsapp'])
    expect(await server.redis.dump('rapid-fire:queues')).toEqual(before)
  })

  it('stats without --queue reads the registry in pages', async () => {
    const names = Array.from({ length: 1200 }, (_, n) => `queue${n}`)
    await server.redis.zadd('rapid-fire:queues', ...names.flatMap((name) => [0, name]))
    await server.redis.hset('rapid-fire:{queue7}', 'added', 1)
    await server.redis.hset('rapid-fire:{queue999}', 'added', 1)
    const { queues, gone } = await listQueues(server.redis)
    expect([queues, gone.length]).toEqual([['queue7', 'queue999'], 1198])
  })

  it('stats without --queue walks over the keys where the registry is missing, is something else or may not be read, and says so', async () => {
    await fill('whatsapp', { open: ['ann'] })
    await server.redis.del('rapid-fire:queues')
    const stats = async (url = server.url) => {
      const { stdout, stderr } = await command(['stats', '--redis', url, '--json'])
      expect(parse(stdout)).toMatchObject([{ queue: 'whatsapp', messages: 1 }])
      return stderr
    }
    expect(await stats()).toBe(walked('no queue is in rapid-fire:queues'))
    await server.redis.set('rapid-fire:queues', 'mine')
    expect(await stats()).toContain('since rapid-fire:queues cannot be read: WRONGTYPE ')
    await server.redis.call('ACL', 'SETUSER', 'narrow', 'reset', 'on', '>secret', '~rapid-fire:{whatsapp*', '&*', '+@all')
    onTestFinished(async () => void (await server.redis.call('ACL', 'DELUSER', 'narrow')))
    expect(await stats(urlOf(server.url, 'narrow'))).toContain('since rapid-fire:queues cannot be read: NOPERM ')
  })

  it('stats --walk finds queues that nobody has registered, and says how to', async () => {
    await fill('whatsapp', { open: ['ann'] })
    await server.redis.hset('rapid-fire:{by-hand}', 'added', 1)
    const { code, stdout, stderr } = await command(['stats', '--walk', '--redis', server.url, '--json'])
    expect(code).toBe(0)
    expect(parse(stdout).map(({ queue }) => queue)).toEqual(['by-hand', 'whatsapp'])
    expect(stderr).toBe('rapidfire: 1 queue is not registered: by-hand (`rapidfire check --repair --queue <name>` registers one)\n')
  })

  it('stats without --queue tells of all others when the root of one is something else', async () => {
    await fill('whatsapp', { open: ['ann'] })
    await server.redis.set('rapid-fire:{broken}', 'text')
    await server.redis.zadd('rapid-fire:queues', 0, 'broken')
    const { code, stdout, stderr } = await command(['stats', '--redis', server.url, '--json'])
    expect([code, parse(stdout).map(({ queue }) => queue)]).toEqual([1, ['whatsapp']])
    expect(stderr).toMatch(/^rapidfire: the queue broken is left out: expected a hash at [^\n]+\n$/)
  })

  it('stats without --queue ends its search on a server with very many keys, and says so', async () => {
    await server.redis.eval("for n = 1, 5000 do redis.call('SET', n, '') end", 0)
    const said = vi.spyOn(console, 'error').mockImplementation(() => {})
    onTestFinished(() => said.mockRestore())
    expect(await walkQueues(server.redis, 3000)).toEqual([])
    const { host } = new URL(server.url)
    expect(said.mock.calls).toEqual([[`rapidfire: looked at about 3000 keys of ${host}; there may be more queues (--queue names one)`]])
    said.mockClear()
    // A million by default.
    expect(await walkQueues(server.redis)).toEqual([])
    expect(said.mock.calls).toEqual([])
  })
})

it('stats reads a queue on a server without Functions', async () => {
  await fill('whatsapp', { handled: ['ann'], binding: 'scripts' })
  expect(await server.redis.function('LIST')).toEqual([])
  const { stdout } = await command(['stats', '--redis', server.url, '--json'])
  expect(parse(stdout)).toMatchObject([{ queue: 'whatsapp', totals: { completed: 1 } }])
  expect(await server.redis.function('LIST')).toEqual([])
})
