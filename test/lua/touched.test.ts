import { beforeAll, beforeEach, expect, it } from 'vitest'
import type { FunctionName } from '../../src/redis/generated/facts.ts'
import { Lua, START, TEST_SOURCE } from '../support/lua.ts'
import { useRedis } from '../support/redis.ts'
import { countingLibrary, TOUCHED, type Touched } from '../support/touched.ts'

/**
 * Each function with the largest content that it may find, and the largest arguments: what it touches is bounded, so that no call holds Redis for more
 * than about 2 ms, which are 10 million instructions. On Redis 7.0 a command costs some 7,000 of them, an element 500 to 5,000, by what is done with
 * it, and a byte that Lua gets to see 11, since it makes a hash of each text. Behind each entry stands what callgrind counted, in millions.
 */
interface Entry {
  /** What it finds. */
  content: string
  fill(lua: Lua): Promise<unknown>
  args: (string | number)[] | ((lua: Lua) => Promise<(string | number)[]>)
  most: Touched
}

type Pipeline = ReturnType<Lua['redis']['pipeline']>

const part = (lua: Lua, name: string) => `${lua.root}:${name}`
const bounded = (commands: number, elements: number, bytes: number): Touched => ({ commands, elements, bytes })
const numbers = (count: number) => Array.from({ length: count }, (_, n) => n)
const names = (count: number) => numbers(count).map((n) => `k${n}`)

async function piped(lua: Lua, fill: (pipeline: Pipeline) => void): Promise<void> {
  const pipeline = lua.redis.pipeline()
  fill(pipeline)
  for (const [error] of (await pipeline.exec()) ?? []) if (error) throw error
}

/** Keys with so many messages, due or not. */
const keep = (keys: readonly string[], count: number, { bytes = 1, options = '', due = true } = {}) => {
  const message = (n: number) => `${START - 100_000 + n} 0${options} ${'x'.repeat(bytes)}`
  return (lua: Lua) =>
    piped(lua, (redis) => {
      for (const key of keys) {
        redis.rpush(part(lua, `messages:${key}`), ...numbers(count).map(message))
        if (due) redis.zadd(part(lua, 'due'), START, key)
        if (options) redis.sadd(part(lua, 'overrides'), key)
      }
    })
}

/** Gives the first messages of keys to a worker. */
const hold =
  (keys: readonly string[], count: number, state = '') =>
  (lua: Lua) =>
    piped(lua, (redis) => {
      for (const [n, key] of keys.entries()) {
        redis.hset(part(lua, 'claims'), key, `${START}-${n}:1:1:0:${count}:${START}:size:3600000${state}`)
        redis.zadd(part(lua, 'active'), START + 3_600_000, key)
      }
    })

const pairs = (keys: readonly string[]) => keys.flatMap((key, n) => [key, `${START}-${n}:1`])

/** Dead batches of so many messages. */
const bury =
  (batches: number, count: number, key = (n: number) => `k${n}`) =>
  (lua: Lua) =>
    piped(lua, (redis) => {
      for (const n of numbers(batches)) {
        const id = `${START}-${n}`
        const about = [
          'key',
          key(n),
          'attempt',
          5,
          'claim',
          5,
          'deadline',
          START,
          'reason',
          'size',
          'cause',
          'failed',
          'error',
          'e',
          'count',
          count,
        ]
        redis.hset(part(lua, `dead:${id}`), ...about, ...numbers(count).flatMap((at) => [at + 1, `${START - 50_000 + at} 0 x`]))
        redis.zadd(part(lua, 'dead'), START + n, id)
        redis.hincrby(lua.root, 'deadMessages', count)
      }
    })

/** Entries with so many messages of so many bytes, in a stream that has a group. */
const stream =
  (entries: number, count: number, bytes = 1, key = 'ann') =>
  (lua: Lua) =>
    piped(lua, (redis) => {
      const messages = numbers(count).flatMap((n) => [`id:${n}`, `wamid.${n}`, `at:${n}`, START, `data:${n}`, 'x'.repeat(bytes)])
      redis.zadd(part(lua, 'streams'), 0, 'batches')
      for (const n of numbers(entries)) redis.xadd(part(lua, 'stream:batches'), '*', 'id', `${START}-${n}`, 'key', key, ...messages)
      redis.xgroup('CREATE', part(lua, 'stream:batches'), 'bots', 0)
    })

/** So many batches have been claimed. */
const claimed = (lua: Lua) => lua.redis.hset(lua.root, 'batches', 1_000_000)

/** All that is in the stream was read and acknowledged. */
const acknowledged = (lua: Lua) => lua.redis.xreadgroup('GROUP', 'bots', 'bot', 'NOACK', 'STREAMS', part(lua, 'stream:batches'), '>')

const ids = (batches: number) => numbers(batches).map((n) => `${START}-${n}`)

const LARGE = ['MAXSIZE', 500, 'MAXBACKLOG', 1_000_000] as const
const large =
  (...fills: ((lua: Lua) => Promise<unknown>)[]) =>
  async (lua: Lua) => {
    await lua.call('policy', ...LARGE)
    for (const fill of fills) await fill(lua)
  }

const added = (count: number, ...tokens: (string | number)[]) =>
  numbers(count)
    .flatMap((n) => ['NEXT', `k${n}`, 'x'.repeat(100), ...tokens.map((token) => (token === '#' ? `wamid.${n}` : token))])
    .slice(1)
const NOTHING = async () => {}
const ALL = ['ID', '#', 'WAIT', 5000, 'MAXWAIT', 50_000, 'MAXSIZE', 500]
const POLICY = [
  'WAIT',
  1,
  'MAXWAIT',
  2,
  'MAXSIZE',
  3,
  'MAXBACKLOG',
  4,
  'MAXMESSAGEBYTES',
  5,
  'DEDUPE',
  6,
  'MAXDEAD',
  7,
  'MAXDEADAGE',
  8,
  'MAXKEYS',
  9,
]

const ENTRIES: Record<FunctionName, Entry[]> = {
  add: [
    { content: 'new keys, ids', fill: NOTHING, args: added(115, 'ID', '#'), most: bounded(260, 1600, 33_400) }, // 10.0
    { content: 'new keys, all tokens', fill: NOTHING, args: added(48, ...ALL), most: bounded(170, 880, 17_100) }, // 6.6
    {
      ...{ content: 'keys with a thousand messages and options', fill: large(keep(names(48), 1000, { options: ',W5000' })) },
      ...{ args: added(48, ...ALL), most: bounded(220, 1300, 19_900) }, // 6.9
    },
    { content: 'full keys in no index', fill: keep(names(120), 20, { due: false }), args: added(120), most: bounded(640, 3300, 41_600) }, // 12.8
    {
      ...{ content: 'dead messages of another partition, into a key with ten thousand', fill: large(keep(['k'], 10_000)) },
      args: numbers(3)
        .flatMap((n) => ['NEXT', 'k', 'x', 'REQUEUED', `${START - 92_000}:${START}-1:${n + 1}`])
        .slice(1),
      most: bounded(140, 800, 10_400), // 19, in one with a hundred 4.8
    },
  ],
  claim_ready: [
    { content: 'keys with one message', fill: keep(names(1000), 1), args: ['LIMIT', 100], most: bounded(120, 1500, 16_000) },
    {
      content: 'keys with one message, and dead batches that are too old',
      fill: async (lua) => {
        await large(bury(100, 500), keep(names(1000), 1))(lua)
        await lua.call('policy', 'MAXDEADAGE', 1)
        await lua.tick(1000)
      },
      ...{ args: ['LIMIT', 100], most: bounded(200, 1800, 20_000) },
    },
    { content: 'a batch of five hundred', fill: large(keep(['k'], 2000)), args: [], most: bounded(27, 1300, 19_300) },
  ],
  forward: [
    { content: 'keys with one message', fill: keep(names(1000), 1), args: ['batches'], most: bounded(270, 3600, 33_800) },
    {
      ...{ content: 'entries that are done', fill: large(stream(3000, 1), acknowledged, keep(names(1000), 1)), args: ['batches'] },
      most: bounded(270, 3600, 33_800),
    },
    { content: 'a batch of five hundred', fill: large(keep(['k'], 2000)), args: ['batches'], most: bounded(38, 4200, 31_000) },
  ],
  complete: [
    {
      ...{ content: 'two thousand messages behind each', fill: large(keep(names(50), 2000, { due: false }), hold(names(50), 10)) },
      ...{ args: pairs(names(50)), most: bounded(330, 1500, 18_300) }, // 6.5
    },
    {
      ...{ content: 'the same, with options', fill: large(keep(names(50), 2000, { due: false, options: ',W5000' }), hold(names(50), 10)) },
      ...{ args: pairs(names(50)), most: bounded(280, 1300, 14_600) }, // 4.2
    },
    {
      ...{
        content: 'thirty messages with options',
        fill: large(keep(names(50), 40, { due: false, options: ',W5000' }), hold(names(50), 10)),
      },
      ...{ args: pairs(names(50)), most: bounded(290, 1500, 19_000) }, // 5.9
    },
  ],
  extend: [
    {
      ...{ content: 'five hundred claims', fill: large(keep(names(500), 10, { due: false }), hold(names(500), 5, ':by=a/1')) },
      ...{ args: [86_400_000, ...pairs(names(50))], most: bounded(62, 530, 9400) }, // 8.9
    },
  ],
  fail: [
    {
      ...{ content: 'five hundred messages of which one is done', fill: large(keep(['k0'], 2000, { due: false }), hold(['k0'], 500)) },
      ...{
        args: [
          ...pairs(['k0']),
          'KEEP',
          numbers(499)
            .map((n) => n + 1)
            .join(),
        ],
        most: bounded(22, 2300, 36_900),
      }, // 10.0
    },
    {
      ...{ content: 'five hundred messages that die', fill: large(keep(['k0'], 2000, { due: false }), hold(['k0'], 500)) },
      ...{ args: [...pairs(['k0']), 'ATTEMPTS', 1], most: bounded(30, 3400, 40_300) }, // 8.1
    },
  ],
  release: [
    {
      ...{ content: 'five hundred messages', fill: large(keep(['k0'], 2000, { due: false }), hold(['k0'], 500)) },
      ...{ args: pairs(['k0']), most: bounded(13, 71, 680) }, // 0.3
    },
  ],
  peek: [
    { content: 'two thousand messages', fill: large(keep(['k'], 2000)), args: ['k', 'LIMIT', 1000], most: bounded(33, 2300, 37_200) }, // 5.6
  ],
  dead: [
    { content: 'a hundred batches', fill: bury(100, 1), args: ['LIMIT', 50], most: bounded(120, 1200, 10_200) }, // 6.5
    { content: 'a batch of five hundred', fill: bury(1, 500), args: ['ID', `${START}-0`], most: bounded(9, 2200, 21_600) }, // 6.6
  ],
  requeue: [
    {
      ...{ content: 'batches of ten', fill: bury(100, 10), args: ids(100), most: bounded(510, 3100, 34_900) }, // 10
    },
  ],
  drop: [{ content: 'batches of five hundred', fill: bury(100, 500), args: ids(100), most: bounded(720, 2800, 35_800) }], // 5.2
  erase: [
    { content: 'ten thousand dead batches of others', fill: bury(10_000, 1), args: ['ann'], most: bounded(440, 2600, 36_500) }, // 5.2
    {
      ...{
        content: 'dead batches of five hundred',
        fill: large(
          claimed,
          bury(1000, 500, () => 'ann'),
        ),
        args: ['ann'],
      },
      most: bounded(850, 3500, 46_000),
    },
    { content: 'entries of one message', fill: stream(2000, 1), args: ['ann'], most: bounded(120, 950, 9100) },
    { content: 'entries of others', fill: stream(2000, 1, 1, 'bob'), args: ['ann'], most: bounded(110, 1500, 12_400) }, // 7.0
    { content: 'entries of five hundred', fill: stream(100, 500), args: ['ann'], most: bounded(28, 6300, 44_500) }, // 10.1
    { content: 'entries of a MiB', fill: stream(5, 1, 1_048_576), args: ['ann'], most: bounded(25, 150, 1_060_000) }, // 8.6
  ],
  policy: [{ content: 'nothing', fill: NOTHING, args: [...POLICY, 'GIVEN', 'a@b'], most: bounded(24, 165, 1300) }], // 0.7
  layout: [{ content: 'ten thousand keys', fill: keep(names(10_000), 1), args: [], most: bounded(10, 95, 780) }], // 0.4
  partition: [
    {
      ...{ content: 'ten thousand keys', fill: keep(names(10_000), 1) },
      ...{ args: ['RETIRE', 'GENERATION', 1, 'LAYOUT', '1:0:0:0'], most: bounded(10, 60, 470) }, // 0.5
    },
  ],
  repartition: [
    { content: 'nothing', fill: NOTHING, args: ['RESTORE', 1, 'LAYOUT', '4:0:0:0', ...POLICY], most: bounded(16, 140, 1010) }, // 0.6
  ],
  leave: [
    {
      content: 'a thousand workers that hear nothing',
      fill: (lua) =>
        piped(lua, (redis) => {
          for (const n of numbers(1000)) redis.zadd(part(lua, 'watch:standby'), START + 1000, `w${n}`)
          redis.hset(lua.root, 'watcher', 'w', 'watchAt', START + 1)
        }),
      ...{ args: ['w'], most: bounded(330, 1700, 17_600) }, // 5.6
    },
  ],
  present: [
    {
      content: 'a thousand workers that are gone',
      fill: (lua) =>
        piped(lua, (redis) => {
          for (const n of numbers(1000)) redis.zadd(part(lua, 'watch:present'), 1, `w${n}`)
        }),
      ...{ args: ['w'], most: bounded(11, 130, 1300) }, // 0.9
    },
  ],
  stats: [
    {
      ...{ content: 'ten thousand active keys', fill: large(keep(names(10_000), 3, { due: false }), hold(names(10_000), 1)) },
      ...{ args: [], most: bounded(120, 760, 11_800) }, // 4.3
    },
  ],
  check: [
    {
      ...{ content: 'keys with a thousand messages', fill: large(keep(names(100), 1000)) },
      ...{ args: names(100).map((key) => `messages:${key}`), most: bounded(83, 1400, 20_900) }, // 10.6
    },
    {
      ...{ content: 'keys with ten messages', fill: keep(names(100), 10), args: names(100).map((key) => `messages:${key}`) },
      most: bounded(370, 1700, 21_700), // 10.3
    },
    {
      content: 'dead batches of five hundred',
      fill: bury(10, 500),
      args: ids(10).map((id) => `dead:${id}`),
      most: bounded(20, 1200, 4400),
    },
    { content: 'a thousand keys', fill: keep(names(1000), 1), args: [], most: bounded(1100, 4300, 44_500) }, // 8
  ],
  repair: [
    {
      ...{ content: 'keys with a thousand messages in no index', fill: large(keep(names(100), 1000, { due: false })) },
      ...{ args: names(100).map((key) => `messages:${key}`), most: bounded(92, 1400, 21_100) }, // 7.3
    },
    {
      content: 'a dead batch of five hundred without its first message',
      fill: async (lua) => {
        await bury(10, 500)(lua)
        await piped(lua, (redis) => {
          for (const id of ids(10)) redis.hdel(part(lua, `dead:${id}`), '1')
        })
      },
      ...{ args: ids(10).map((id) => `dead:${id}`), most: bounded(39, 5400, 46_300) },
    },
  ],
  rights: [{ content: 'anything', fill: NOTHING, args: numbers(200).map(() => 'zadd'), most: bounded(0, 0, 0) }],
  version: [{ content: 'anything', fill: NOTHING, args: [], most: bounded(0, 0, 0) }],
}

let lua: Lua

beforeAll(async () => {
  lua = new Lua(await useRedis(), 'functions')
  await lua.redis.function('LOAD', 'REPLACE', countingLibrary())
})

beforeEach(() => lua.reset())

it('has an entry for each function', () => {
  expect(Object.keys(ENTRIES).sort()).toEqual(Object.keys(TEST_SOURCE.scripts).sort())
})

const CASES = Object.entries(ENTRIES).flatMap(([name, entries]) =>
  entries.map((entry) => [name as FunctionName, entry.content, entry] as const),
)

it.each(CASES)('%s touches little: %s', async (name, _, { fill, args, most }) => {
  await fill(lua)
  await lua.redis.fcall(TOUCHED, 0)
  await lua.callWith(name, name === 'version' ? [] : [lua.root], ...(typeof args === 'function' ? await args(lua) : args))
  const [commands, elements, bytes] = (await lua.redis.fcall(TOUCHED, 0)) as [number, number, number]
  const over = {
    commands: Math.max(commands, most.commands),
    elements: Math.max(elements, most.elements),
    bytes: Math.max(bytes, most.bytes),
  }
  expect(over).toEqual(most)
})
