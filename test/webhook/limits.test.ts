import { EventEmitter, once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis, type RedisOptions } from 'ioredis'
import { describe, expect, it, onTestFinished } from 'vitest'
import { RapidFire } from '../../src/rapidfire.ts'
import { createWebhook, generic, type MessageQueue } from '../../src/webhook/index.ts'
import { additionsFor, setUser, urlOf } from '../support/acl.ts'
import { brokenLaws } from '../support/laws.ts'
import * as given from './fixtures.ts'
import { message, RATE, status, useLimits } from './limited.ts'
import { post, read, source } from './webhook.ts'

const { queue, limited, perConversation, newConversations, stored, endLimits, line, passTime, commandsOf } = useLimits()

describe('requests for one conversation', () => {
  it('have no limit unless it is asked for', async () => {
    // They take turns, each with a trip of its own: on a busy machine that may be long.
    const webhook = limited({}, { timeout: 20_000 })
    await Promise.all(Array.from({ length: 200 }, async (_, n) => expect(await status(webhook(post(message(n))))).toBe(200)))
  })

  it('over the limit are answered 429 with the time to wait, and nothing is stored', async () => {
    const webhook = perConversation(2)
    for (const n of [1, 2]) expect(await status(webhook(post(message(n))))).toBe(200)
    const answer = await read(await webhook(post(message(3))))
    expect([answer.status, answer.type, answer.body.code]).toEqual([429, 'application/problem+json', 'RATE_LIMITED'])
    const wait = Number(answer.headers.get('retry-after'))
    expect([wait >= 1, wait <= 60, await stored()]).toEqual([true, true, [1, 2]])
    expect(await status(webhook(post(message(1, 'bob'))))).toBe(200)
  })

  it('count once however many messages they have, and all of them pass or none', async () => {
    const webhook = perConversation(1)
    const many = Array.from({ length: 50 }, (_, n) => message(n))
    expect((await read(await webhook(post(many)))).body).toEqual({ added: 50, duplicates: 0 })
    expect(await status(webhook(post([message(51), message(52)])))).toBe(429)
    await endLimits()
    expect(await status(webhook(post([message(51), message(52)])))).toBe(200)
    expect((await stored()).slice(50)).toEqual([51, 52])
  })

  it('keep their place when they come again in other payloads', async () => {
    const webhook = perConversation(1)
    for (const payload of [message(1), [message(2), message(3)], message(4)]) await webhook(post(payload))
    await endLimits()
    expect(await status(webhook(post([message(3), message(4)])))).toBe(429)
    expect(await status(webhook(post(message(2))))).toBe(200)
    await endLimits()
    expect(await status(webhook(post([message(3), message(4), message(5)])))).toBe(200)
    expect([await stored(), await line()]).toEqual([[1, 2, 3, 4, 5], null])
  })

  it('that are over the limit do not hold back those for others in the same payload', async () => {
    const webhook = perConversation(1)
    await webhook(post(message(1)))
    const mixed = [message(1, 'bob'), message(2), message(2, 'bob'), message(3)]
    const answer = await read(await webhook(post(mixed)))
    expect([answer.status, answer.body.code]).toEqual([429, 'RATE_LIMITED'])
    expect([await stored(), await stored('bob')]).toEqual([[1], [1, 2]])
    await endLimits()
    expect((await read(await webhook(post(mixed)))).body).toEqual({ added: 2, duplicates: 2 })
    expect([await stored(), await stored('bob')]).toEqual([
      [1, 2, 3],
      [1, 2],
    ])
  })

  it('in one payload may come again when the first of them may', async () => {
    const webhook = perConversation(1)
    await webhook(post([message(1), message(1, 'bob')]))
    await queue.redis.pexpire(`${RATE}:key:bob`, 5000)
    const mixed = [message(2), message(2, 'bob')]
    expect((await webhook(post(mixed))).headers.get('retry-after')).toBe('5')
    await queue.redis.del(`${RATE}:key:bob`)
    expect(await status(webhook(post(mixed)))).toBe(429)
    expect([await stored(), await stored('bob')]).toEqual([[1], [1, 2]])
  })

  it('store nothing of a payload that has a message without an id, and nothing comes before it until it may come again', async () => {
    const sources = [source((payload) => payload)]
    const webhook = limited({ newConversations: false, perConversation: { points: 1, duration: 60 } }, { sources })
    await webhook(post([message(1)]))
    const mixed = [message(2), { key: 'bob', data: 1 }]
    expect(await status(webhook(post(mixed)))).toBe(429)
    expect([await stored(), await stored('bob')]).toEqual([[1], []])
    await endLimits()
    for (const other of [message(3), message(3, 'bob')]) expect(await status(webhook(post([other])))).toBe(429)
    for (const key of ['ann', 'bob']) await passTime(60_000, key)
    expect(await status(webhook(post(mixed)))).toBe(200)
    expect([await stored(), await stored('bob')]).toEqual([[1, 2], [1]])
  })

  it('without ids are refused until the first that was refused may come again, and pass then', async () => {
    const webhook = limited(
      { newConversations: false, perConversation: { points: 1, duration: 60 } },
      { sources: [source((payload) => payload)] },
    )
    const nameless = (n: number) => [{ key: 'ann', data: n }]
    for (const n of [1, 2, 3]) await webhook(post(nameless(n)))
    await passTime(59_000)
    await endLimits()
    expect(await status(webhook(post(nameless(3))))).toBe(429)
    await passTime(1000)
    for (const n of [2, 3]) {
      expect(await status(webhook(post(nameless(n))))).toBe(200)
      await endLimits()
    }
    expect(await stored()).toEqual([1, 2, 3])
  })

  it('tell of a refusal that a repetition mends, whatever else is wrong', async () => {
    await queue.rapidfire.policy({ maxMessageBytes: 100 })
    const webhook = perConversation(1)
    await webhook(post(message(1)))
    const mixed = [message(2), { ...message(1, 'bob'), data: 'x'.repeat(200) }]
    expect((await read(await webhook(post(mixed)))).body.code).toBe('RATE_LIMITED')
    await endLimits()
    expect((await read(await webhook(post(mixed)))).body.code).toBe('MESSAGE_TOO_LARGE')
    expect(await stored()).toEqual([1, 2])
  })
})

/** A request whose body has come already, as a server gives it. */
function arrived(body: unknown): Request {
  const request = post(body, { 'content-length': String(JSON.stringify(body).length) })
  const bytes = Buffer.from(JSON.stringify(body))
  return Object.defineProperty(request, 'arrayBuffer', { value: async () => new Uint8Array(bytes).buffer })
}

describe('new conversations of a source', () => {
  const strangers = (webhook: (request: Request) => Promise<Response>, count: number, from = 0) =>
    Promise.all(Array.from({ length: count }, (_, n) => status(webhook(post(message(1, `key-${from + n}`))))))
  const accepted = (answers: number[]) => answers.filter((each) => each === 200).length

  it('are 100 a second by default, also when they come at once', async () => {
    const answers = await strangers(limited({}), 300)
    expect([accepted(answers), new Set(answers)]).toEqual([100, new Set([200, 429])])
    expect((await queue.rapidfire.getStats()).messages).toBe(100)
    expect(await queue.redis.pttl(`${RATE}:new:generic`)).toBeLessThanOrEqual(1000)
  })

  it('are refused one by one with the time to wait, and taken when it is over', async () => {
    const webhook = newConversations(3)
    for (let n = 0; n < 3; n += 1) expect(await strangers(webhook, 1, n)).toEqual([200])
    const answer = await read(await webhook(post(message(1, 'key-3'))))
    expect([answer.status, answer.body.code, await stored('key-3')]).toEqual([429, 'RATE_LIMITED', []])
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(1)
    await endLimits()
    expect(await strangers(webhook, 1, 3)).toEqual([200])
  })

  it('over the bound do not touch those that are open: collecting, in work, or pausing', async () => {
    await queue.rapidfire.policy({ wait: 1 })
    const webhook = newConversations(3)
    expect(await strangers(webhook, 3)).toEqual([200, 200, 200])
    await sleep(5)
    const { batches } = await queue.rapidfire.claimReady({ limit: 2 })
    expect(batches).toHaveLength(2)
    for (const batch of batches.slice(1)) await queue.rapidfire.fail(batch, { delay: 60_000 })
    expect(await strangers(webhook, 1, 3)).toEqual([429])
    for (let n = 2; n < 20; n += 1) {
      for (const key of ['key-0', 'key-1', 'key-2']) expect(await status(webhook(post(message(n, key))))).toBe(200)
    }
  })

  it('are no more than the bound when one is stored while it is asked for another how many there are', async () => {
    const [asked, go] = [new EventEmitter(), new EventEmitter()]
    const until = async (name: string) => {
      asked.emit(name)
      await once(go, name)
    }
    const slow = {
      queue: 'whatsapp',
      peek: (key: string, limit: number) => queue.rapidfire.peek(key, limit),
      addMessages: async (messages: any) => {
        if (messages[0].key === 'ann') await until('add')
        return queue.rapidfire.addMessages(messages)
      },
    } as unknown as MessageQueue<any>
    let looks = 0
    const redis = new Proxy(queue.redis, {
      get: (target, name) =>
        name !== 'mget'
          ? Reflect.get(target, name)
          : async (...names: any) => {
              const found = await target.mget(...names)
              if (++looks === 2) await until('look')
              return found
            },
    })
    const webhook = createWebhook<any>(slow, { redis, unsigned: ['generic'], rateLimit: { newConversations: { points: 1, duration: 60 } } })
    const isAdding = once(asked, 'add')
    const ann = status(webhook(post(message(1))))
    await isAdding
    const isLooking = once(asked, 'look')
    const bob = status(webhook(post(message(1, 'bob'))))
    await isLooking
    go.emit('add')
    expect(await ann).toBe(200)
    go.emit('look')
    expect([await bob, await stored('bob')]).toEqual([429, []])
  })

  it('count again when a conversation has been handled', async () => {
    await queue.rapidfire.policy({ wait: 1 })
    const webhook = newConversations(1)
    expect(await strangers(webhook, 1)).toEqual([200])
    await sleep(5)
    await queue.rapidfire.processPendingBatches(() => {})
    expect(await status(webhook(post(message(2, 'key-0'))))).toBe(429)
  })

  it('that are refused are not turned around by a later message of theirs', async () => {
    const webhook = newConversations(1)
    await strangers(webhook, 1)
    expect(await status(webhook(post(message(1))))).toBe(429)
    await endLimits()
    expect(await status(webhook(post(message(2))))).toBe(429)
    for (const n of [1, 2]) expect(await status(webhook(post(message(n))))).toBe(200)
    expect(await stored()).toEqual([1, 2])
  })

  it('in one payload pass as far as the bound goes, beside messages of open ones', async () => {
    const webhook = newConversations(3)
    expect(await strangers(webhook, 1)).toEqual([200])
    const payload = [message(1, 'a'), message(2, 'key-0'), message(1, 'b'), message(1, 'c'), message(2, 'a')]
    expect(await status(webhook(post(payload)))).toBe(429)
    expect([await stored('a'), await stored('b'), await stored('c'), await stored('key-0')]).toEqual([[1, 2], [1], [], [1, 2]])
    await endLimits()
    expect((await read(await webhook(post(payload)))).body).toEqual({ added: 1, duplicates: 4 })
  })

  it('are counted for each source, by its name', async () => {
    const of = (name: string) => source((payload) => (payload[name] ? [payload[name]] : undefined), name)
    const options = { sources: [of('shop'), of('other'), generic()] }
    const webhook = limited({ newConversations: { points: 1, duration: 60 } }, options)
    expect(await status(webhook(post({ shop: message(1, 'a') })))).toBe(200)
    expect(await status(webhook(post({ shop: message(1, 'b') })))).toBe(429)
    expect(await status(webhook(post({ other: message(1, 'c') })))).toBe(200)
    expect(await status(webhook(post(message(1, 'd'))))).toBe(200)
    const counters = (await queue.keys()).filter((key) => key.startsWith(`${RATE}:new:`))
    expect(counters).toEqual(['generic', 'other', 'shop'].map((name) => `${RATE}:new:${name}`))
  })

  it('of the sources that come with rapidfire are counted under their names', async () => {
    const webhook = limited({})
    for (const payload of [given.cloudPayload(given.cloudValue([given.cloudText(0)])), given.venomText(0), given.telegramUpdate(0)]) {
      expect(await status(webhook(post(payload)))).toBe(200)
    }
    const counters = (await queue.keys()).filter((key) => key.startsWith(`${RATE}:new:`))
    expect(counters).toEqual(['telegram', 'whatsapp', 'whatsapp-web'].map((name) => `${RATE}:new:${name}`))
  })

  it('have no bound when it is turned off', async () => {
    expect(accepted(await strangers(limited({ newConversations: false }), 300))).toBe(300)
  })

  it('that were not stored do not count', async () => {
    await queue.rapidfire.policy({ maxMessageBytes: 10 })
    const webhook = newConversations(2)
    for (let n = 0; n < 5; n += 1) {
      expect(await status(webhook(post({ ...message(1, `large-${n}`), data: 'x'.repeat(20) })))).toBe(413)
    }
    await limited({})(post({ object: 'whatsapp_business_account', entry: [] }))
    await limited({})(post('{'))
    expect(await strangers(webhook, 2)).toEqual([200, 200])
  })

  it('cost a message of an open one a single command', async () => {
    const webhook = limited({})
    await webhook(post(message(1)))
    const commands = await commandsOf(async () => {
      for (let n = 2; n < 12; n += 1) await webhook(post(message(n)))
    })
    expect(commands).toMatchObject({ mget: 10, fcall: 10 })
    expect(Object.keys(commands).filter((name) => /^(eval|get$|set$|incrby|pttl|multi)/.test(name))).toEqual([])
  })

  it('cost requests that come at the same moment the commands of one', async () => {
    const webhook = limited({})
    const arrive = (n: number) =>
      new Promise<Response>((resolve, reject) => setImmediate(() => webhook(arrived(message(1, `key-${n}`))).then(resolve, reject)))
    await arrive(0)
    const commands = await commandsOf(async () => {
      const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => status(arrive(n + 1))))
      expect(new Set(answers)).toEqual(new Set([200]))
    })
    expect(commands).toMatchObject({ mget: 1, fcall: 1, evalsha: 1 })
  })
})

describe('limits', () => {
  it('hold no longer than they may after the clock of Redis was set back', async () => {
    const webhook = limited({ newConversations: { points: 1, duration: 60 }, perConversation: { points: 1, duration: 60 } })
    await webhook(post(message(1)))
    expect(await status(webhook(post(message(2))))).toBe(429)
    await passTime(-3_600_000)
    for (const name of ['key:ann', 'new:generic']) await queue.redis.pexpire(`${RATE}:${name}`, 3_600_000)
    expect((await webhook(post(message(3)))).headers.get('retry-after')).toBe('60')
    for (const accepted of [message(2), message(1, 'bob')]) expect(await status(webhook(post(accepted)))).toBe(200)
    expect(await queue.redis.pttl(`${RATE}:key:ann`)).toBeLessThanOrEqual(60_000)
  })

  it.each([
    ['new conversations', { newConversations: { points: 1, duration: 60 } }],
    ['requests', { newConversations: false, perConversation: { points: 1, duration: 60 } }],
  ] as const)('that cannot be kept because Redis is full are 503: of %s', async (_, rateLimit) => {
    const webhook = limited(rateLimit)
    await webhook(post(message(1, 'bob')))
    try {
      await queue.redis.config('SET', 'maxmemory', '1mb')
      const answer = await read(await webhook(post(message(1))))
      expect([answer.status, answer.body.code]).toEqual([503, 'OUT_OF_MEMORY'])
    } finally {
      await queue.redis.config('SET', 'maxmemory', '0')
    }
    expect([await stored(), await line()]).toEqual([[], null])
  })

  it('are kept by a user of Redis with the rights of cli/README.md', async () => {
    await setUser(queue.redis, 'producer', ...additionsFor('`serve`').more)
    onTestFinished(async () => void (await queue.redis.call('ACL', 'DELUSER', 'producer')))
    const { host, port } = queue.redis.options
    const redis = new Redis(urlOf(`redis://${host}:${port}`, 'producer'))
    const rapidfire = new RapidFire({ redis, queue: 'whatsapp' })
    onTestFinished(() => redis.disconnect())
    const webhook = createWebhook<any>(rapidfire, {
      redis,
      unsigned: ['generic'],
      rateLimit: { newConversations: { points: 1, duration: 60 }, perConversation: { points: 2, duration: 60 } },
    })
    const answers = []
    for (const each of [message(1), message(2), message(3), message(1, 'bob'), message(4)]) answers.push(await status(webhook(post(each))))
    expect(answers).toEqual([200, 200, 429, 429, 429])
    await endLimits()
    for (const each of [message(3), message(4)]) expect(await status(webhook(post(each)))).toBe(200)
  })
})

it('a client that queues nothing and has not connected yet is waited for', async () => {
  const { host, port, password } = queue.redis.options
  const redis = new Redis({ host, port, password, enableOfflineQueue: false, lazyConnect: true } as RedisOptions)
  onTestFinished(() => redis.disconnect())
  const webhook = createWebhook<any>(new RapidFire({ redis, queue: 'whatsapp' }), { redis, unsigned: ['generic'] })
  expect(await status(webhook(post(message(1))))).toBe(200)
})

describe('keys that mean harm', () => {
  const HOSTILE = [
    'new:generic',
    'key:ann',
    'line:ann',
    '{other}',
    'a b\r\nDEL x',
    '-',
    '- 9999999999999;',
    '%0',
    '\u0000',
    'x'.repeat(1024),
  ]

  it.each(HOSTILE)('are limited like others: %j', async (key) => {
    // Some begin as those of a platform do.
    const sources = [generic({ anyKey: true })]
    const webhook = limited({ perConversation: { points: 1, duration: 60 } }, { sources })
    expect(await status(webhook(post(message(1, key))))).toBe(200)
    expect(await status(webhook(post(message(2, key))))).toBe(429)
    expect(await status(webhook(post(message(1))))).toBe(200)
    await endLimits()
    expect(await status(webhook(post(message(3, key))))).toBe(429)
    expect(await status(webhook(post(message(2, key))))).toBe(200)
    expect(await stored(key)).toEqual([1, 2])
    expect(await brokenLaws(queue.redis, 'rapid-fire:{whatsapp}')).toEqual([])
  })

  it('are limited by ids that mean harm, too', async () => {
    const webhook = perConversation(1)
    await webhook(post(message(1)))
    const hostile = HOSTILE.map((id) => ({ key: 'ann', id: id.slice(0, 512), data: id }))
    for (const each of hostile) expect(await status(webhook(post(each)))).toBe(429)
    for (const each of hostile) {
      await endLimits()
      expect(await status(webhook(post(each)))).toBe(200)
    }
    expect(await stored()).toEqual([1, ...HOSTILE])
  })

  it('that cannot be are refused as they are without a limit', async () => {
    const sources = [source((payload) => payload)]
    const webhook = limited({ newConversations: { points: 1, duration: 60 } }, { sources })
    await webhook(post([message(1)]))
    const answer = await read(await webhook(post([{ ...message(2), key: 'x'.repeat(1025) }, message(3)])))
    expect([answer.status, answer.body.code, await stored()]).toEqual([400, 'BAD_MESSAGE', [1, 3]])
  })
})
