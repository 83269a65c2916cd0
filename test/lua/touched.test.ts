import { beforeAll, beforeEach, expect, it } from 'vitest'
import type { FunctionName } from '../../src/redis/generated/facts.ts'
import { Lua, noteCoverage, START, TEST_SOURCE } from '../support/lua.ts'
import { useRedis } from '../support/redis.ts'
import { countingLibrary, TOUCHED, type Touched } from '../support/touched.ts'

/**
 * Each function with the largest content that it may find, and the largest arguments: what it touches is bounded, so that no call holds Redis for more
 * than about 2 ms, which are 10 million instructions. On Redis 7.0 a command costs some 7,000 of them, an element 500 to 5,000, by what is done with
 * it, and a byte that Lua gets to see 11, since it makes a hash of each text. Behind each entry stands what callgrind counted, in millions. Commands
 * and elements are told to the last one, so that nothing comes to them, or goes, unseen; the ids in a stream have some bytes more, or fewer. Where next to
 * nothing is found it is what every caller pays.
 */
interface Entry {
  /** What it finds. */
  content: string
  fill(lua: Lua): Promise<unknown>
  args: (string | number)[] | ((lua: Lua) => Promise<(string | number)[]>)
  touches: Touched
  /** It may touch a little less: what ZSCAN replies depends on hashes that differ from server to server. */
  about?: true
}

type Pipeline = ReturnType<Lua['redis']['pipeline']>

const part = (lua: Lua, name: string) => `${lua.root}:${name}`
const counted = (commands: number, elements: number, bytes: number): Touched => ({ commands, elements, bytes })
const numbers = (count: number) => Array.from({ length: count }, (_, n) => n)
/** A message that is traced, and is nowhere. */
const MESSAGE = ['KEY', 'ann', 'ID', 'm1']
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

/** Dead batches of so many messages, the first of which came at `from`. */
const bury =
  (batches: number, count: number, { key = (n: number) => `k${n}`, from = START - 50_000 } = {}) =>
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
        redis.hset(part(lua, `dead:${id}`), ...about, ...numbers(count).flatMap((at) => [at + 1, `${from + at} 0 x`]))
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
/** Parts of each kind, some of which are there. */
const KINDS = ['k', 'none'].flatMap((key) => [`messages:${key}`, `dead:${START}-${key === 'k' ? 0 : 1}`, `seen:${key}`, `calls:${key}`])
KINDS.push('due', 'active', 'claims', 'overrides', 'dead', 'stream:k', 'watch:standby', 'watch:present', 'mine')
const kinds = (lua: Lua) =>
  piped(lua, (redis) => {
    redis.sadd(part(lua, 'seen:k'), 'x').set(part(lua, 'calls:k'), 'x').set(part(lua, 'mine'), 'x')
    redis.zadd(part(lua, 'watch:standby'), START, 'w').xadd(part(lua, 'stream:k'), '*', 'a', 'b')
  })

const ids = (batches: number) => numbers(batches).map((n) => `${START}-${n}`)

const LARGE = ['MAXSIZE', 500, 'MAXBACKLOG', 1_000_000] as const
const large =
  (...fills: ((lua: Lua) => Promise<unknown>)[]) =>
  async (lua: Lua) => {
    await lua.call('policy', ...LARGE)
    for (const fill of fills) await fill(lua)
  }

const telling =
  (...fills: ((lua: Lua) => Promise<unknown>)[]) =>
  async (lua: Lua) => {
    for (const fill of fills) await fill(lua)
    await lua.call('policy', 'EVENTS', 10_000)
  }

const added = (count: number, ...tokens: (string | number)[]) =>
  numbers(count)
    .flatMap((n) => ['NEXT', `k${n}`, 'x'.repeat(100), ...tokens.map((token) => (token === '#' ? `wamid.${n}` : token))])
    .slice(1)
const NOTHING = async () => {}

/** So many batches of the archive, each with a text of so many bytes. */
const archive = (count: number, bytes: number) => (lua: Lua) =>
  piped(lua, (redis) => {
    for (const n of numbers(count)) {
      redis.hset(part(lua, `archive:${START}-${n}`), 'id', `${START}-${n}`, 'key', 'ann', 'text', 'x'.repeat(bytes))
      redis.zadd(part(lua, 'archived'), START + n, `${START}-${n}`)
    }
  })
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
    { content: 'nothing', fill: NOTHING, args: ['k', 'x'], touches: counted(7, 31, 280) },
    { content: 'nothing, an id', fill: NOTHING, args: ['k', 'x', 'ID', 'm1'], touches: counted(11, 48, 620) },
    { content: 'a message', fill: keep(['k'], 1), args: ['k', 'x'], touches: counted(5, 21, 200) },

    { content: 'a message, and events are kept', fill: telling(keep(['k'], 1)), args: ['k', 'x'], touches: counted(6, 36, 300) },

    { content: 'new keys, ids', fill: NOTHING, args: added(115, 'ID', '#'), touches: counted(239, 1416, 32_500) }, // 10.0
    { content: 'new keys, ids, and events are kept', fill: telling(), args: added(115, 'ID', '#'), touches: counted(240, 1887, 40_000) },
    { content: 'new keys, all tokens', fill: NOTHING, args: added(48, ...ALL), touches: counted(153, 804, 16_600) }, // 6.6
    {
      ...{ content: 'keys with a thousand messages and options', fill: large(keep(names(48), 1000, { options: ',W5000' })) },
      ...{ args: added(48, ...ALL), touches: counted(201, 1140, 19_200) }, // 6.9
    },
    { content: 'full keys in no index', fill: keep(names(120), 20, { due: false }), args: added(120), touches: counted(604, 3017, 40_400) }, // 12.8
    {
      content: 'the newest of twenty messages, which is edited',
      fill: large(keep(['k'], 20), (lua) => lua.call('add', 'k', 'x', 'ID', 'm1')),
      ...{ args: ['k', 'y', 'ID', 'e1', 'EDITS', 'm1'], touches: counted(10, 49, 750) },
    },
    {
      ...{ content: 'messages, of which one is taken away', fill: (lua: Lua) => lua.call('add', 'k', 'x', 'ID', 'm1', 'NEXT', 'k', 'y') },
      ...{ args: ['k', '', 'ID', 'w1', 'WITHDRAWS', 'm1'], touches: counted(11, 52, 650) },
    },
    {
      content: 'edits of what is not found, in a key with a thousand messages and options',
      fill: large(keep(['k'], 1000, { options: ',W5000', bytes: 100 })),
      args: numbers(3)
        .flatMap((n) => ['NEXT', 'k', 'x', 'EDITS', `m${n}`])
        .slice(1),
      touches: counted(52, 518, 38_500), // 4.4
    },
    {
      content: 'an edit of what is not found, in a key with messages of 1 MiB',
      fill: large(keep(['k'], 5, { bytes: 1_048_576 }), (lua) => lua.set({ largest: 1_048_576 })),
      ...{ args: ['k', 'x', 'EDITS', 'm1', 'NEXT', 'k', 'x', 'EDITS', 'm2'], touches: counted(11, 44, 1_049_100) },
    },
    {
      ...{ content: 'dead messages of another partition, into a key with ten thousand', fill: large(keep(['k'], 10_000)) },
      args: numbers(3)
        .flatMap((n) => ['NEXT', 'k', 'x', 'REQUEUED', `${START - 92_000}:${START}-1:${n + 1}`])
        .slice(1),
      touches: counted(131, 730, 10_100), // 19, in one with a hundred 4.8
    },
  ],
  claim_ready: [
    { content: 'nothing', fill: NOTHING, args: [], touches: counted(4, 29, 230) },
    { content: 'a key with a message', fill: keep(['k'], 1), args: ['WORKER', 'w', 'NONCE', 'w/1'], touches: counted(19, 115, 1100) },
    { content: 'a key that is not due yet', fill: (lua) => lua.call('add', 'k', 'x'), args: [], touches: counted(4, 31, 250) },
    {
      content: 'a key with a message, beside one with a worker',
      fill: large(keep(['k', 'a'], 1), hold(['a'], 1), (lua) => lua.redis.zrem(part(lua, 'due'), 'a')),
      args: [],
      touches: counted(15, 95, 850),
    },
    { content: 'a key with ten messages', fill: large(keep(['k'], 10)), args: [], touches: counted(15, 101, 980) },
    {
      content: 'a key with ten messages and options',
      fill: large(keep(['k'], 10, { options: ',W5000' })),
      args: [],
      touches: counted(15, 102, 1100),
    },
    {
      content: 'a key with thirty messages and options, of which ten are a batch',
      fill: keep(['k'], 30, { options: ',W5000' }),
      args: [],
      touches: counted(15, 102, 1100),
    },

    { content: 'keys with one message', fill: keep(names(1000), 1), args: ['LIMIT', 100], touches: counted(105, 1172, 15_500) },
    {
      ...{ content: 'keys with one message, and events are kept', fill: telling(keep(names(1000), 1)) },
      ...{ args: ['LIMIT', 100, 'WORKER', 'w'], touches: counted(107, 2510, 20_000) },
    },
    {
      ...{ content: 'a batch of five hundred, and events are kept', fill: telling(large(keep(['k'], 2000))) },
      ...{ args: ['WORKER', 'w'], touches: counted(22, 1646, 10_800) },
    },
    {
      content: 'keys with one message, and dead batches that are too old',
      fill: async (lua) => {
        await large(bury(100, 500), keep(names(1000), 1))(lua)
        await lua.call('policy', 'MAXDEADAGE', 1)
        await lua.tick(1000)
      },
      ...{ args: ['LIMIT', 100], touches: counted(176, 1459, 18_800) },
    },
    ...[1, 1000].map((limit) => ({
      content: `batches that have come back, at most ${limit}`,
      fill: async (lua: Lua) => {
        await large(keep(names(1000), 1, { due: false }), hold(names(1000), 1))(lua)
        await lua.tick(3_600_000)
      },
      ...{ args: ['LIMIT', limit], touches: limit === 1 ? counted(13, 83, 820) : counted(104, 1500, 23_400) },
    })),
    { content: 'a batch of five hundred', fill: large(keep(['k'], 2000)), args: [], touches: counted(18, 603, 10_000) },
    {
      content: 'messages of half a MiB, of which two fit into a batch',
      fill: large(keep(['k'], 5, { bytes: 500_000 }), (lua) => lua.set({ largest: 524_288 })),
      ...{ args: [], touches: counted(17, 102, 2_001_300) },
    },
  ],
  forward: [
    { content: 'a key with a message', fill: keep(['k'], 1), args: ['batches'], touches: counted(23, 143, 1300) },

    { content: 'keys with one message', fill: keep(names(1000), 1), args: ['batches'], touches: counted(251, 3188, 32_900) },
    {
      ...{ content: 'entries that are done', fill: large(stream(3000, 1), acknowledged, keep(names(1000), 1)), args: ['batches'] },
      touches: counted(254, 3218, 32_600),
    },
    { content: 'a batch of five hundred', fill: large(keep(['k'], 2000)), args: ['batches'], touches: counted(31, 3670, 27_600) },
  ],
  complete: [
    {
      content: 'a batch of one message',
      fill: large(keep(['k'], 1, { due: false }), hold(['k'], 1)),
      args: pairs(['k']),
      touches: counted(9, 37, 410),
    },

    {
      ...{ content: 'two thousand messages behind each', fill: large(keep(names(50), 2000, { due: false }), hold(names(50), 10)) },
      ...{ args: pairs(names(50)), touches: counted(308, 1380, 17_800) }, // 6.5
    },
    {
      ...{ content: 'the same, with options', fill: large(keep(names(50), 2000, { due: false, options: ',W5000' }), hold(names(50), 10)) },
      ...{ args: pairs(names(50)), touches: counted(258, 1180, 14_200) }, // 4.2
    },
    {
      ...{
        content: 'thirty messages with options',
        fill: large(keep(names(50), 40, { due: false, options: ',W5000' }), hold(names(50), 10)),
      },
      ...{ args: pairs(names(50)), touches: counted(264, 1384, 18_400) }, // 5.9
    },
    {
      content: 'batches for the archive, and old ones in it',
      fill: large(archive(1000, 10), keep(names(50), 10, { due: false }), hold(names(50), 10), (lua) =>
        lua.set({ archive: 1, maxArchived: 1 }),
      ),
      ...{ args: pairs(names(50)), touches: counted(216, 2790, 37_400) },
    },
  ],
  extend: [
    {
      content: 'a batch of one message',
      fill: large(keep(['k'], 1, { due: false }), hold(['k'], 1)),
      args: [1000, ...pairs(['k'])],
      touches: counted(6, 25, 300),
    },

    {
      ...{ content: 'five hundred claims', fill: large(keep(names(500), 10, { due: false }), hold(names(500), 5, ':by=a/1')) },
      ...{ args: [86_400_000, ...pairs(names(50))], touches: counted(56, 471, 9100) }, // 8.9
    },
  ],
  fail: [
    {
      content: '100 messages that die',
      fill: large(keep(['k0'], 100, { due: false }), hold(['k0'], 100)),
      args: [...pairs(['k0']), 'ATTEMPTS', 1],
      touches: counted(19, 387, 4700),
    },
    {
      content: '101 messages that die',
      fill: large(keep(['k0'], 101, { due: false }), hold(['k0'], 101)),
      args: [...pairs(['k0']), 'ATTEMPTS', 1],
      touches: counted(21, 399, 4900),
    },
    {
      content: 'a batch of one message',
      fill: large(keep(['k'], 1, { due: false }), hold(['k'], 1)),
      args: pairs(['k']),
      touches: counted(10, 40, 480),
    },

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
        touches: counted(17, 1068, 18_400),
      }, // 10.0
    },
    {
      ...{ content: 'five hundred messages that die', fill: large(keep(['k0'], 2000, { due: false }), hold(['k0'], 500)) },
      ...{ args: [...pairs(['k0']), 'ATTEMPTS', 1], touches: counted(24, 1609, 20_200) }, // 8.1
    },
  ],
  release: [
    {
      content: 'a batch of one message',
      fill: large(keep(['k'], 1, { due: false }), hold(['k'], 1)),
      args: pairs(['k']),
      touches: counted(9, 35, 440),
    },

    {
      ...{ content: 'five hundred messages', fill: large(keep(['k0'], 2000, { due: false }), hold(['k0'], 500)) },
      ...{ args: pairs(['k0']), touches: counted(9, 35, 450) }, // 0.3
    },
  ],
  peek: [
    { content: 'nothing', fill: NOTHING, args: ['k'], touches: counted(3, 12, 110) },
    { content: 'a message', fill: keep(['k'], 1), args: ['k'], touches: counted(8, 33, 340) },

    { content: 'two thousand messages', fill: large(keep(['k'], 2000)), args: ['k', 'LIMIT', 1000], touches: counted(27, 1606, 27_400) }, // 5.6
  ],
  dead: [
    { content: 'a hundred batches', fill: bury(100, 1), args: ['LIMIT', 50], touches: counted(102, 1060, 10_000) }, // 6.5
    { content: 'a batch of five hundred', fill: bury(1, 500), args: ['ID', `${START}-0`], touches: counted(5, 1047, 10_800) }, // 6.6
  ],
  requeue: [
    {
      ...{ content: 'batches of ten', fill: bury(100, 10), args: ids(100), touches: counted(502, 2949, 33_961) }, // 10
    },
    {
      ...{
        content: 'ten messages among the first of two thousand',
        fill: large(keep(['k0'], 2000), bury(1, 10, { from: START - 99_990 })),
      },
      ...{ args: ids(1), touches: counted(29, 222, 2900) },
    },
    {
      ...{ content: 'ten messages among the last of two thousand', fill: large(keep(['k0'], 2000), bury(1, 10, { from: START - 98_020 })) },
      ...{ args: ids(1), touches: counted(53, 372, 5300) },
    },
    {
      content: 'a message behind large ones',
      fill: large(keep(['k0'], 60, { bytes: 20_000 }), bury(1, 1, { from: START - 99_942 })),
      ...{ args: ids(1), touches: counted(28, 136, 301_800) },
    },
  ],
  drop: [{ content: 'batches of five hundred', fill: bury(100, 500), args: ids(100), touches: counted(701, 2706, 34_900) }], // 4.6
  erase: [
    {
      content: 'ten thousand dead batches of others',
      fill: bury(10_000, 1),
      args: ['ann'],
      touches: counted(440, 2700, 37_500),
      about: true,
    }, // 5.2
    {
      ...{
        content: 'dead batches of five hundred',
        fill: large(claimed, bury(1000, 500, { key: () => 'ann' })),
        args: ['ann'],
      },
      touches: counted(870, 3600, 47_000),
      about: true,
    },
    { content: 'batches in the archive', fill: archive(1000, 10), args: ['ann'], touches: counted(440, 2600, 36_500), about: true },
    { content: 'entries of one message', fill: stream(2000, 1), args: ['ann'], touches: counted(114, 901, 9100) },
    { content: 'entries of others', fill: stream(2000, 1, 1, 'bob'), args: ['ann'], touches: counted(100, 1440, 12_400) }, // 7.0
    { content: 'entries of five hundred', fill: stream(100, 500), args: ['ann'], touches: counted(27, 6135, 44_500) }, // 10.1
    { content: 'entries of a MiB', fill: stream(5, 1, 1_048_576), args: ['ann'], touches: counted(24, 121, 1_060_000) }, // 8.6
  ],
  policy: [{ content: 'nothing', fill: NOTHING, args: [...POLICY, 'GIVEN', 'a@b'], touches: counted(14, 93, 924) }], // 0.7
  layout: [{ content: 'ten thousand keys', fill: keep(names(10_000), 1), args: [], touches: counted(5, 44, 430) }], // 0.4
  partition: [
    {
      ...{ content: 'ten thousand keys', fill: keep(names(10_000), 1) },
      ...{ args: ['RETIRE', 'GENERATION', 1, 'LAYOUT', '1:0:0:0'], touches: counted(6, 24, 220) }, // 0.5
    },
  ],
  repartition: [
    { content: 'nothing', fill: NOTHING, args: ['RESTORE', 1, 'LAYOUT', '4:0:0:0', ...POLICY], touches: counted(14, 69, 650) }, // 0.6
  ],
  leave: [
    {
      content: 'a thousand workers that hear nothing',
      fill: (lua) =>
        piped(lua, (redis) => {
          for (const n of numbers(1000)) redis.zadd(part(lua, 'watch:standby'), START + 1000, `w${n}`)
          redis.hset(lua.root, 'watcher', 'w', 'watchAt', START + 1)
        }),
      ...{ args: ['w'], touches: counted(308, 1536, 17_100) }, // 5.6
    },
  ],
  present: [
    {
      content: 'a thousand workers that are gone',
      fill: (lua) =>
        piped(lua, (redis) => {
          for (const n of numbers(1000)) redis.zadd(part(lua, 'watch:present'), 1, `w${n}`)
        }),
      ...{ args: ['w'], touches: counted(7, 89, 980) }, // 0.9
    },
  ],
  stats: [
    {
      ...{ content: 'ten thousand active keys', fill: large(keep(names(10_000), 3, { due: false }), hold(names(10_000), 1)) },
      ...{ args: [], touches: counted(107, 682, 11_400) }, // 4.3
    },
  ],
  check: [
    {
      content: 'one part of each kind',
      fill: large(keep(['k'], 3, { options: ',W5000' }), bury(1, 2), kinds),
      args: KINDS,
      touches: counted(60, 195, 2500),
    },

    {
      ...{ content: 'keys with a thousand messages', fill: large(keep(names(100), 1000)) },
      ...{ args: names(100).map((key) => `messages:${key}`), touches: counted(70, 1272, 20_700) }, // 10.6
    },
    {
      ...{ content: 'keys with ten messages', fill: keep(names(100), 10), args: names(100).map((key) => `messages:${key}`) },
      touches: counted(310, 1444, 19_100), // 10.3
    },
    {
      content: 'dead batches of five hundred',
      fill: bury(10, 500),
      args: ids(10).map((id) => `dead:${id}`),
      touches: counted(17, 1073, 3700),
    },
    { content: 'a thousand keys', fill: keep(names(1000), 1), args: [], touches: counted(1009, 4040, 43_300) }, // 8
  ],
  repair: [
    {
      content: 'one part of each kind',
      fill: large(keep(['k'], 3, { options: ',W5000' }), bury(1, 2), kinds),
      args: KINDS,
      touches: counted(50, 175, 2290),
    },

    {
      ...{ content: 'keys with a thousand messages in no index', fill: large(keep(names(100), 1000, { due: false })) },
      ...{ args: names(100).map((key) => `messages:${key}`), touches: counted(80, 1301, 20_900) }, // 7.3
    },
    {
      content: 'a dead batch of five hundred without its first message',
      fill: async (lua) => {
        await bury(10, 500)(lua)
        await piped(lua, (redis) => {
          for (const id of ids(10)) redis.hdel(part(lua, `dead:${id}`), '1')
        })
      },
      ...{ args: ids(10).map((id) => `dead:${id}`), touches: counted(38, 5131, 45_300) },
    },
  ],
  events: [
    { content: 'nothing', fill: NOTHING, args: [], touches: counted(2, 12, 100) },
    {
      content: 'a thousand entries, of which none names the key',
      fill: (lua) =>
        piped(lua, (redis) => {
          for (const n of numbers(1000)) redis.xadd(part(lua, 'events'), `${n + 1}-0`, 'event', 'added', 'key', 'ann', 'id', `m${n}`)
        }),
      ...{ args: ['KEY', 'bob'], touches: counted(69, 5111, 21_100) },
    },
  ],
  trace: [
    { content: 'nothing', fill: NOTHING, args: MESSAGE, touches: counted(12, 47, 500) },
    { content: 'a long list', fill: keep(['ann'], 5000), args: MESSAGE, touches: counted(47, 2035, 35_000) },
    {
      content: 'a list of large messages',
      fill: async (lua) => {
        await large(keep(['ann'], 10, { bytes: 1_000_000 }))(lua)
        await lua.set({ largest: 1_048_576 })
      },
      ...{ args: MESSAGE, touches: counted(11, 42, 1_100_000) },
    },
    {
      ...{ content: 'a key with options', fill: large(keep(['ann'], 1000, { options: ',W5000' })) },
      ...{ args: ['KEY', 'ann'], touches: counted(18, 569, 13_000) },
    },
    { content: 'dead batches of others', fill: bury(10_000, 1), args: MESSAGE, touches: counted(522, 2584, 39_000) },
    { content: 'dead batches', fill: bury(1000, 1, { key: () => 'ann' }), args: ['KEY', 'ann'], touches: counted(389, 2952, 32_000) },
    {
      content: 'dead batches, for a message',
      fill: bury(1000, 1, { key: () => 'ann' }),
      args: MESSAGE,
      touches: counted(514, 4652, 45_000),
    },
    {
      content: 'dead batches of five hundred',
      fill: large(bury(100, 500, { key: () => 'ann' })),
      args: MESSAGE,
      touches: counted(18, 1141, 12_000),
    },
    {
      content: 'ten thousand claims',
      fill: hold(names(10_000), 1),
      args: ['BATCH', '1-1'],
      touches: counted(36, 3000, 82_000),
      about: true,
    },
    { content: 'entries of one message', fill: stream(2000, 1, 1, 'bob'), args: MESSAGE, touches: counted(87, 1323, 12_000) },
    { content: 'entries of five hundred', fill: stream(100, 500), args: MESSAGE, touches: counted(13, 3059, 23_000) },
    { content: 'entries of a MiB', fill: stream(5, 1, 1_048_576), args: ['BATCH', '1-1'], touches: counted(12, 75, 1_100_000) },
  ],
  archived: [
    { content: 'nothing', fill: NOTHING, args: [], touches: counted(2, 9, 100) },
    {
      content: 'a thousand batches, of which none is of the key',
      fill: archive(1000, 10),
      args: ['KEY', 'bob'],
      touches: counted(512, 4059, 52_800),
    },
    { content: 'batches of 20 KiB', fill: archive(100, 20_000), args: [], touches: counted(17, 226, 282_700) },
  ],
  rights: [{ content: 'anything', fill: NOTHING, args: numbers(200).map(() => 'zadd'), touches: counted(0, 0, 0) }],
  version: [{ content: 'anything', fill: NOTHING, args: [], touches: counted(0, 0, 0) }],
}

let lua: Lua

beforeAll(async () => {
  lua = new Lua(await useRedis(), 'functions')
  await lua.redis.function('LOAD', 'REPLACE', countingLibrary())
  // The first call of all finds out whether this is a node of a cluster.
  await lua.call('layout')
})

beforeEach(() => lua.reset())
noteCoverage(() => lua.redis)

it('a dead batch of many messages is a hash that finds its fields while they are written', async () => {
  await large(keep(['k'], 101, { due: false }), hold(['k'], 101))(lua)
  await lua.call('fail', ...pairs(['k']), 'ATTEMPTS', 1)
  expect(await lua.redis.object('ENCODING', part(lua, `dead:${START}-0`))).toBe('hashtable')
})

it('has an entry for each function', () => {
  expect(Object.keys(ENTRIES).sort()).toEqual(Object.keys(TEST_SOURCE.scripts).sort())
})

const CASES = Object.entries(ENTRIES).flatMap(([name, entries]) =>
  entries.map((entry) => [name as FunctionName, entry.content, entry] as const),
)

it.each(CASES)('%s touches so much and no more: %s', async (name, _, { fill, args, touches, about }) => {
  await fill(lua)
  await lua.redis.fcall(TOUCHED, 0)
  await lua.callWith(name, name === 'version' ? [] : [lua.root], ...(typeof args === 'function' ? await args(lua) : args))
  const [commands, elements, bytes] = (await lua.redis.fcall(TOUCHED, 0)) as [number, number, number]
  const most = (found: number, allowed: number) => (about ? Math.max(found, allowed) : found)
  const found = counted(most(commands, touches.commands), most(elements, touches.elements), Math.max(bytes, touches.bytes))
  expect(found).toEqual(touches)
})
