import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { assemble } from '../../lua/build/assemble.mjs'
import { type TestRedis, useRedis } from '../support/redis.ts'
import { findRedisCli, run } from '../support/shell.ts'
import { LUA, SHIPPED_SOURCE } from '../support/source.ts'

/**
 * The flags of each function. `allow-oom` for what makes room or costs none, so that a server that is full can be drained;
 * `no-writes` for what FCALL_RO and replicas run.
 */
const FLAGS: Record<string, string[]> = {
  rapidfire_add: [],
  rapidfire_archived: ['no-writes'],
  rapidfire_check: ['no-writes'],
  rapidfire_claim_ready: ['allow-oom'],
  rapidfire_complete: ['allow-oom'],
  rapidfire_dead: ['no-writes'],
  rapidfire_drop: ['allow-oom'],
  rapidfire_erase: ['allow-oom'],
  rapidfire_events: ['no-writes'],
  rapidfire_extend: ['allow-oom'],
  rapidfire_fail: ['allow-oom'],
  rapidfire_forward: [],
  rapidfire_layout: ['no-writes'],
  rapidfire_leave: ['allow-oom'],
  rapidfire_partition: ['allow-oom'],
  rapidfire_peek: ['no-writes'],
  rapidfire_policy: ['allow-oom'],
  rapidfire_present: ['allow-oom'],
  rapidfire_release: ['allow-oom'],
  rapidfire_repair: ['allow-oom'],
  rapidfire_repartition: ['allow-oom'],
  rapidfire_requeue: ['allow-oom'],
  rapidfire_rights: ['no-writes'],
  rapidfire_stats: ['no-writes'],
  rapidfire_trace: ['no-writes'],
  rapidfire_version: ['no-writes'],
}

/** A reply of names and values, from RESP2 or RESP3. */
const fields = (flat: unknown[]) => new Map(Array.from({ length: flat.length / 2 }, (_, n) => [flat[2 * n], flat[2 * n + 1]]))

// The shipped bytes, and the real clock.
describe('the library', () => {
  let server: TestRedis
  beforeAll(async () => {
    server = await useRedis()
  })
  beforeEach(async () => {
    await server.redis.flushall()
    await server.redis.function('FLUSH')
    expect(await server.redis.function('LOAD', SHIPPED_SOURCE.library)).toBe('rapidfire')
  })

  it('is listed with a name, a description and flags for each function', async () => {
    const [library, ...others] = (await server.redis.function('LIST')) as unknown[][]
    expect(others).toEqual([])
    const listed = fields(library as unknown[])
    expect(listed.get('library_name')).toBe('rapidfire')
    const functions = (listed.get('functions') as unknown[][]).map((each) => {
      const shown = fields(each)
      expect(shown.get('description')).toMatch(/^[A-Z].+\.$/)
      return [shown.get('name'), [...(shown.get('flags') as Iterable<string>)]]
    })
    expect(Object.fromEntries(functions)).toEqual(FLAGS)
  })

  it('leaves nothing in the keyspace when it is loaded', async () => {
    expect(await server.redis.dbsize()).toBe(0)
  })

  it.each(['0', '999', '1000', '99999', '100000', '999999'])('reads the clock of Redis to the ms, at %s us', async (micros) => {
    const [texts, clock] = ['texts', 'clock'].map((name) => readFileSync(join(LUA, `lib/${name}.lua`), 'utf8'))
    const script = `local redis = { call = function() return { '1700000000', ARGV[1] } end }
      ${texts} ${clock}
      local now = now_ms()
      return { now, digits(now), digits(now + 1) }`
    const now = 1_700_000_000_000 + Math.floor(Number(micros) / 1000)
    expect(await server.redis.eval(script, 0, micros)).toEqual([now, `${now}`, `${now + 1}`])
  })

  const examples = assemble().functions.flatMap(({ header }) => header.examples)

  it('has an example of each function', () => {
    expect([...new Set(examples.map((line) => line.split(' ')[1]))].sort()).toEqual(Object.keys(FLAGS))
  })

  it.for(examples)('redis-cli runs %s', async (line, { skip }) => {
    const cli = findRedisCli()
    if (!cli) {
      console.warn('skipped: the examples of the headers: there is no redis-cli')
      return skip()
    }
    const { code, stdout, stderr } = await run(
      'sh',
      ['-c', `printf '%s\\n' "$LINE" | '${cli}' --no-raw --no-auth-warning -u '${server.url}'`],
      {
        LINE: line,
      },
    )
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).not.toContain('(error)')
    expect(stdout.trim()).not.toBe('')
  })

  it('tells the time to the ms', async () => {
    // Over a whole second, for the ms are counted from its beginning.
    const until = Date.now() + 1100
    while (Date.now() < until) {
      const pipeline = server.redis.pipeline()
      for (let n = 0; n < 20; n += 1) pipeline.time().call('FCALL_RO', 'rapidfire_peek', 1, 'rapid-fire:{orders}', 'ann')
      const replies = (await pipeline.time().exec()) as [null, [number, number]][]
      const times = replies.map(([, reply], n) => (n % 2 === 0 ? Number(reply[0]) * 1000 + Math.floor(Number(reply[1]) / 1000) : reply[1]))
      expect(times).toEqual([...times].sort((a, b) => a - b))
    }
  })

  it('keeps the time of Redis', async () => {
    const now = async () => {
      const [seconds, micros] = (await server.redis.time()).map(Number) as [number, number]
      return seconds * 1000 + Math.floor(micros / 1000)
    }
    const before = await now()
    const call = (name: string, ...args: string[]) => server.redis.call('FCALL', `rapidfire_${name}`, 1, 'rapid-fire:{orders}', ...args)
    expect(await call('add', 'ann', 'x', 'FLUSH')).toEqual(['added', 1])
    const [at, , [, token, , , deadline]] = (await call('claim_ready')) as [number, number, [string, string, number, string, number]]
    expect(before).toBeLessThanOrEqual(deadline)
    expect(deadline).toBeLessThanOrEqual(at)
    expect(at).toBeLessThanOrEqual(await now())
    expect(await call('complete', 'ann', token)).toEqual(['completed'])
    expect(await server.redis.keys('*')).toEqual(['rapid-fire:{orders}'])
  })
})
