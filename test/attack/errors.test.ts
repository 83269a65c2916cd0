import { inspect } from 'node:util'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { type ErrorCode, toRapidfireError } from '../../src/errors.ts'
import { RapidFire } from '../../src/rapidfire.ts'
import { Caller } from '../../src/redis/caller.ts'
import { connect } from '../../src/redis/connection.ts'
import type { RedisInput } from '../../src/redis/input.ts'
import { Room } from '../../src/redis/room.ts'
import { SOURCE } from '../../src/redis/source.ts'
import { urlOf } from '../support/acl.ts'
import { type TestRedis, useRedis } from '../support/redis.ts'

/** Errors are logged, and sent to services that collect them: whatever they say, they hold neither password nor what belongs to people. */
const PASSWORD = 'h0rse-battery'
const KEY = '79001234567'
const TEXT = 'Запишите меня на стрижку'
const ROOT = 'rapid-fire:{salon}'

let server: TestRedis
let url: string
beforeAll(async () => {
  server = await useRedis()
  url = urlOf(server.url, 'bot', PASSWORD)
  await allow('+@all')
})
afterAll(() => server?.redis.call('ACL', 'DELUSER', 'bot'))

const allow = (...rights: string[]) => server.redis.call('ACL', 'SETUSER', 'bot', 'reset', 'on', `>${PASSWORD}`, '~*', '&*', ...rights)

function client(options: { redis?: RedisInput; load?: 'never'; queue?: string; timeout?: number } = {}) {
  const rapidfire = new RapidFire<any>({ redis: url, queue: 'salon', ...options })
  onTestFinished(() => rapidfire.close({ timeout: 0 }))
  return rapidfire
}

/** What an own client of ioredis throws has the command. */
function ownClient(address = url) {
  const redis = new Redis(address, { retryStrategy: null })
  redis.on('error', () => {})
  onTestFinished(() => redis.disconnect())
  return redis
}

/** Calls by hand, what the client would not send. */
function byHand(root: string, name: 'add' | 'complete' | 'extend' | 'stats', input: unknown) {
  const connection = connect(ownClient())
  return new Caller(connection).call(root, name, input as never)
}

const message = { key: KEY, data: TEXT, id: `wamid.${KEY}` }
const add = (options = {}, rapidfire = client()) => rapidfire.addMessage(KEY, { text: TEXT }, { id: `wamid.${KEY}`, ...options })

const circle: Record<string, unknown> = { text: TEXT, key: KEY }
circle.self = circle

/** How each code comes about, in every way that has its own words. */
const WAYS: Record<ErrorCode, [way: string, fails: () => unknown][]> = {
  BACKLOG_FULL: [
    [
      'a key that is full',
      async () => {
        await client().policy({ maxSize: 1, maxBacklog: 1 })
        await client().addMessages([
          { key: KEY, data: { text: TEXT } },
          { key: KEY, data: { text: TEXT } },
        ])
      },
    ],
  ],
  BAD_ARGUMENT: [
    ['options', () => add({ wait: 10, maxWait: 5 })],
    ['what is written wrongly', () => byHand(ROOT, 'add', { messages: [{ ...message, wait: TEXT }], generation: 0 })],
  ],
  BAD_DATA: [
    ['a circle', () => client().addMessage(KEY, circle)],
    ['nothing', () => client().addMessage(KEY, undefined)],
  ],
  BAD_ID: [
    ['empty', () => add({ id: '' })],
    ['long', () => add({ id: KEY.repeat(100) })],
    ['half a pair', () => add({ id: `${KEY}\ud800` })],
  ],
  BAD_KEY: [
    ['long', () => client().addMessage(KEY.repeat(100), TEXT)],
    ['half a pair', () => client().addMessage(`${KEY}\ud800`, TEXT)],
    ['a number', () => client().addMessage(Number(KEY) as never, TEXT)],
  ],
  BAD_LEASE: [['by hand', () => byHand(ROOT, 'extend', { lease: 0, claims: [{ key: KEY, token: '1-1:1' }] })]],
  BAD_OPTION: [
    ['a port that is none', () => client({ redis: `redis://bot:${PASSWORD}@127.0.0.1:99999` })],
    ['a password that is not escaped', () => client({ redis: `redis://bot:${PASSWORD}%@127.0.0.1` })],
    ['a text', () => client({ redis: `bot:${PASSWORD}@127.0.0.1` })],
  ],
  BAD_POLICY: [['a contradiction', () => client().policy({ wait: 10, maxWait: 5 })]],
  BAD_QUEUE: [['blanks', () => client({ queue: 'a b' })]],
  BAD_ROOT: [['by hand', () => byHand('orders', 'add', { messages: [message], generation: 0 })]],
  CLOSED: [
    [
      'a client that is closed',
      async () => {
        const rapidfire = client()
        await rapidfire.close()
        await add({}, rapidfire)
      },
    ],
  ],
  MESSAGE_TOO_LARGE: [['a long text', () => client().addMessage(KEY, TEXT.repeat(20_000))]],
  MISSING_ARGUMENT: [['by hand', () => byHand(ROOT, 'complete', [])]],
  NO_EVENTS: [['a queue without', () => client().events().next()]],
  NOT_LOADED: [
    [
      'functions that are away',
      async () => {
        await server.redis.function('FLUSH')
        await add({}, client({ load: 'never' }))
      },
    ],
  ],
  OUT_OF_MEMORY: [
    [
      'over maxmemory',
      async () => {
        const rapidfire = client()
        await rapidfire.version()
        await server.redis.config('SET', 'maxmemory', '1')
        onTestFinished(() => void server.redis.config('SET', 'maxmemory', '0'))
        await add({}, rapidfire)
      },
    ],
  ],
  OVERLOADED: [['no room', () => new Room(0).check()]],
  REPARTITIONED: [['another generation', () => byHand(ROOT, 'add', { messages: [message], generation: 7 })]],
  REPARTITIONING: [
    [
      'a change that is under way',
      async () => {
        const { call } = new Caller(connect(ownClient()))
        await call(ROOT, 'repartition', { prepare: 3 })
        await call(ROOT, 'repartition', { prepare: 4 })
      },
    ],
  ],
  SERVER: [
    ['a wrong password', () => add({}, client({ redis: url.replace(PASSWORD, `${PASSWORD}x`) }))],
    ['a wrong password of an own client', () => add({}, client({ redis: ownClient(url.replace(PASSWORD, `${PASSWORD}x`)) }))],
    [
      'a right that is missing',
      async () => {
        await allow('+@all', '-fcall', '-rpush')
        onTestFinished(() => void allow('+@all'))
        await add({}, client({ redis: ownClient(), load: 'never' }))
      },
    ],
    [
      'a right that is missing inside',
      async () => {
        await allow('+@all', '-rpush')
        onTestFinished(() => void allow('+@all'))
        await byHand(ROOT, 'add', { messages: [message], generation: 0 })
      },
    ],
  ],
  UNAVAILABLE: [
    ['nobody there', () => add({}, client({ redis: `redis://bot:${PASSWORD}@127.0.0.1:1`, timeout: 100 }))],
    ['an own client without a connection', () => add({}, client({ redis: ownClient(`redis://bot:${PASSWORD}@127.0.0.1:1`) }))],
  ],
  UNKNOWN_ARGUMENT: [
    [
      'by hand',
      async () => {
        const failure = await server.redis.call('FCALL', 'rapidfire_add', 1, ROOT, KEY, TEXT, TEXT).catch((error) => error)
        throw toRapidfireError(failure, 'rapidfire_add')
      },
    ],
  ],
  WRONG_TYPE: [
    [
      'a list that is none',
      async () => {
        await server.redis.set(`${ROOT}:messages:${KEY}`, TEXT)
        await client({ redis: ownClient() }).addMessages([
          { key: KEY, data: { text: TEXT } },
          { key: 'ann', data: { text: TEXT } },
        ])
      },
    ],
  ],
}

it.each(Object.entries(WAYS).flatMap(([code, ways]) => ways.map(([way, fails]) => ({ code, way, fails }))))(
  '$code: $way',
  async ({ code, fails }) => {
    await server.redis.flushall()
    await server.redis.function('LOAD', 'REPLACE', SOURCE.library)
    const error = await (async () => fails())().then(
      () => expect.unreachable('it worked'),
      (failure) => failure,
    )
    expect([error.name, error.code]).toEqual(['RapidfireError', code])
    const printed = [
      inspect(error, { depth: Infinity, showHidden: true, maxStringLength: null, maxArrayLength: null }),
      JSON.stringify(error),
      JSON.stringify(error, Object.getOwnPropertyNames(error)),
      String(error.stack),
    ]
    for (const secret of [PASSWORD, KEY, TEXT.slice(0, 8)]) expect(printed.filter((text) => text.includes(secret))).toEqual([])
  },
)

it.each<[where: string, made: () => unknown]>([
  ['the options of a client', () => new RapidFire(`redis://:${PASSWORD}@h:1` as never)],
  ['the options of a message', () => client().addMessage('ann', 1, PASSWORD as never)],
  ['messages', () => client().addMessages(PASSWORD as never)],
  ['a batch', () => client().fail(PASSWORD as never)],
  ['batches', () => client().extend(PASSWORD as never, 1000)],
  ['ids of dead batches', () => client().requeue(PASSWORD as never)],
])('a text that is given for %s is not told', async (_, made) => {
  const error = await (async () => made())().then(
    () => expect.unreachable('it worked'),
    (failure) => failure,
  )
  expect(error).toMatchObject({ name: 'RapidfireError', message: expect.stringContaining('got a text') })
  expect(inspect(error, { depth: Infinity, showHidden: true })).not.toContain(PASSWORD)
})
