import { beforeAll, expect, it } from 'vitest'
import { assemble } from '../../lua/build/assemble.mjs'
import { REGISTRY } from '../../src/redis/registry.ts'
import { type TestRedis, useRedis } from '../support/redis.ts'
import { settingsOf } from '../support/settings.ts'
import { codes, read, tableOf } from './blocks.ts'

const text = read('lua/README.md')
const api = read('src/README.md')
const { functions, library, codes: refusals } = assemble()
const root = 'rapid-fire:{reference}'
let server: TestRedis
let token: string
const call = (name: string, ...args: (string | number)[]): Promise<any> => server.redis.fcall(`rapidfire_${name}`, 1, root, ...args)

// A queue in which every kind of key and field exists: a claimed batch, an open one with options of its own, a dead one, a dropped one, one
// in a stream, and two workers.
beforeAll(async () => {
  server = await useRedis()
  await server.redis.flushall()
  await server.redis.function('LOAD', 'REPLACE', library)
  await call('policy', 'WAIT', 5000, 'EVENTS', 100, 'ARCHIVE', 60_000)
  await call('add', 'fay', 'x'.repeat(5000))
  await call('add', 'ann', 'one', 'ID', 'm1', 'FLUSH')
  await call('add', 'bob', 'one', 'WAIT', 1000, 'MAXWAIT', 2000, 'MAXSIZE', 3, 'NEXT', 'cyd', 'one', 'FLUSH', 'NEXT', 'dan', 'one', 'FLUSH')
  await call('add', 'hal', 'one', 'FLUSH')
  const [, , ...batches] = await call('claim_ready', 'WORKER', '~w1', 'NONCE', 'w1/1')
  for (const [key, proof] of batches) {
    if (key === 'ann') token = proof
    // It fills the archive.
    else if (key === 'hal') expect(await call('complete', key, proof)).toEqual(['completed'])
    else expect(await call('fail', key, proof, 'ATTEMPTS', 1)).toBe('dead')
    if (key === 'dan') expect(await call('drop', proof.replace(/:1$/, ''))).toEqual(['dropped'])
  }
  await call('claim_ready', 'WORKER', '~w2')
  await call('present', '~w2')
  await server.redis.set(`${root}:rate:ann`, 1, 'PX', 100_000)
  // As a client does.
  await server.redis.zadd(REGISTRY, 0, 'reference')
  await call('add', 'eve', '"one"', 'FLUSH')
  expect((await call('forward', 'batches'))[2]).toBe(1)
})

it('names every call with its arguments, replies and refusals, as the headers do', () => {
  const sorted = (names: Iterable<string>) => [...names].sort()
  const everywhere = ['BAD_ROOT', 'WRONG_TYPE']
  const documented = tableOf(text, '| call |').map(([call = '', args = '', reply = '', refusals = '']) => ({
    call,
    args: sorted(codes(args)),
    reply: sorted(codes(reply)),
    refusals: sorted(codes(refusals)),
  }))
  const real = functions.map(({ name, path, header, flags }) => ({
    call: `[\`${name}\`](${path.replace(/^lua\//, '')})${flags.includes('no-writes') ? ', reads' : ''}`,
    args: sorted(header.ARGV),
    reply: sorted(header.RETURNS),
    refusals: sorted(header.ERRORS.filter((code) => !everywhere.includes(code))),
  }))
  expect(documented).toEqual(real)
  for (const { name, header } of functions) {
    expect(everywhere.filter((code) => header.ERRORS.includes(code))).toEqual(
      name === 'version' ? [] : name === 'rights' ? ['BAD_ROOT'] : everywhere,
    )
  }
})

it('names every figure that stats replies', async () => {
  const reply: string[] = await call('stats')
  const fields = reply.filter((_, n) => n % 2 === 0)
  expect(
    tableOf(text, '| field |')
      .flatMap(([names = '']) => codes(names))
      .sort(),
  ).toEqual([...fields].sort())
})

it('names every key with its type', async () => {
  const patterns = tableOf(text, '| key |').map(([key = '', type]) => ({
    pattern: new RegExp(
      `^${codes(key)[0]
        ?.replace('root', root.replace(/[{}]/g, '\\$&'))
        .replace(/<[^>]+>/, '.+')}$`,
    ),
    type,
  }))
  const keys = await server.redis.keys('*')
  const found = new Set<number>()
  for (const key of keys) {
    const matching = patterns.findLastIndex(({ pattern }) => pattern.test(key))
    found.add(matching)
    expect([key, await server.redis.type(key)]).toEqual([key, patterns[matching]?.type])
  }
  expect([...found].sort((a, b) => a - b)).toEqual([...patterns.keys()])
})

it('names every field of the root', async () => {
  const fields = tableOf(text, '| fields |').map(([names = '']) => codes(names))
  const [policy, ...others] = tableOf(text, '| settings |').map(([names = '']) => codes(names))
  const figures = tableOf(text, '| field |').flatMap(([names = '']) => codes(names))
  const members: string[] = await call('policy')
  expect(policy?.sort()).toEqual(members.filter((_, n) => n % 2 === 0).sort())
  const known = [...fields.flat(), ...figures]
  expect((await server.redis.hkeys(root)).filter((field) => !known.includes(field))).toEqual([])
  // A queue that has partitions, and one that had none before.
  const other = 'rapid-fire:{partitioned}'
  await server.redis.fcall('rapidfire_repartition', 1, other, 'PREPARE', 4)
  await server.redis.fcall('rapidfire_policy', 1, other, 'WAIT', 5000, 'GIVEN', 'bot.js@host1')
  await server.redis.fcall('rapidfire_partition', 1, other, 'RETIRE')
  const stored = { ...(await server.redis.hgetall(root)), ...(await server.redis.hgetall(other)) }
  expect(fields.flat().filter((field) => field !== 'figures' && !(field in stored))).toEqual([])
  // Behind a longer `dedupe`, beside a large message, and in a queue that is opened.
  const [many, opened] = ['rapid-fire:{many}', 'rapid-fire:{opened}']
  for (const size of [1, 5000]) await server.redis.fcall('rapidfire_add', 1, many, 'ann', 'x'.repeat(size), 'ID', `m${size}`, 'WAIT', 5000)
  await server.redis.fcall('rapidfire_partition', 1, opened, 'OPEN', 'GENERATION', 1, 'LAYOUT', '1:0:0:0')
  const set = await Promise.all([root, other, many, opened].map((each) => settingsOf(server.redis, each)))
  expect(others.flat().filter((name) => name !== 'overrides' && name !== 'sliceBefore' && !set.some((all) => name in all))).toEqual([])
  expect(set.flatMap(Object.keys).filter((name) => ![...(policy ?? []), ...others.flat()].includes(name))).toEqual([])
  expect(stored).toMatchObject({ dead: '2', deadMessages: '1', droppedMessages: '1', watcher: '~w1', longestWait: '10000' })
})

it('writes messages, claims, dead batches and entries of a stream as it says', async () => {
  const { redis } = server
  expect(text).toContain('\n`<receivedAt> <id length>[,options] <id><data>`\n')
  expect(await redis.lrange(`${root}:messages:ann`, 0, -1)).toEqual([expect.stringMatching(/^\d{13} 2,F m1one$/)])
  expect(await redis.lrange(`${root}:messages:bob`, 0, -1)).toEqual([expect.stringMatching(/^\d{13} 0,W1000,X2000,S3 one$/)])

  expect(text).toContain('\n`<batch id>:<claim>:<attempt>:<lost>:<count>:<deadline>:<reason>:<span>[:<state>]`\n')
  expect(await redis.hget(`${root}:claims`, 'ann')).toMatch(new RegExp(`^${token}:1:0:1:\\d{13}:flush:30000:by=w1/1$`))
  expect(token).toMatch(/^\d{13}-\d+:1$/)
  await call('fail', 'ann', token)
  expect(await redis.hget(`${root}:claims`, 'ann')).toMatch(/:flush:1000:retry$/)

  const row = tableOf(text, '| key |').find(([key]) => key === '`root:dead:<batch id>`')
  const [id] = await redis.zrange(`${root}:dead`, '0', '-1')
  expect((await redis.hkeys(`${root}:dead:${id}`)).sort()).toEqual(
    codes(row?.[2] as string)
      .filter((field) => field !== '2')
      .sort(),
  )

  const [entry] = await redis.xrange(`${root}:stream:batches`, '-', '+')
  const stream = tableOf(text, '| key |').find(([key]) => key === '`root:stream:<name>`')
  expect(entry?.[1].filter((_, n) => n % 2 === 0)).toEqual(
    codes(stream?.[2] as string)
      .filter((word) => word !== 'forward')
      .map((word) => word.replace('<n>', '1')),
  )
})

it('tells the policy that a new queue has', async () => {
  const reply = await server.redis.fcall('rapidfire_policy', 1, 'rapid-fire:{new}')
  const documented = tableOf(api, '| member |').flatMap(([name = '', , value = '']) => [codes(name)[0], Number(value.replaceAll(' ', ''))])
  expect(documented).toEqual(reply)
})

it('explains every error code', () => {
  const [, union = ''] = /export type ErrorCode =([\s\S]*?)\n\n/.exec(read('src/errors.ts')) ?? []
  const own = [...union.matchAll(/'([A-Z_]+)'/g)].map((found) => found[1] as string)
  expect(own).toContain('UNAVAILABLE')
  expect(
    tableOf(api, '| code |')
      .flatMap(([names = '']) => codes(names))
      .sort(),
  ).toEqual([...own, ...refusals].sort())
})
