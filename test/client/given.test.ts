import { Redis } from 'ioredis'
import { describe, expect, it } from 'vitest'
import { toBullmq } from '../../src/bullmq/index.ts'
import { checkNames, nearest } from '../../src/given.ts'
import { exponentialBackoff, RapidFire } from '../../src/index.ts'
import { allSources, generic, telegram, whatsappCloud, whatsappWeb } from '../../src/webhook/index.ts'
import { describeBindings } from '../support/lua.ts'
import { useClients } from './clients.ts'

/** What a call refuses with, at once or later. */
async function refusal(call: () => unknown): Promise<unknown> {
  try {
    await call()
  } catch (error) {
    return error
  }
  return expect.unreachable()
}

const bad = (message: string) => ({ name: 'RapidfireError', code: 'BAD_OPTION', message })

describe('a client is not made', () => {
  it.each<[unknown, string]>([
    [{ polcy: { wait: 5 } }, "RapidFire has no option 'polcy': did you mean policy?"],
    [{ queu: 'a' }, "RapidFire has no option 'queu': did you mean queue?"],
    [{ Queue: 'a' }, "RapidFire has no option 'Queue': did you mean queue?"],
    [{ weight: 5 }, "RapidFire has no option 'weight': it takes redis, queue, policy, timeout, durability, schema, binding, load"],
    ['redis://127.0.0.1', 'RapidFire takes an object with redis, queue, policy, timeout, durability, schema, binding, load, got a text'],
    [['redis'], 'RapidFire takes an object with redis, queue, policy, timeout, durability, schema, binding, load, got a list'],
    [null, 'RapidFire takes an object with redis, queue, policy, timeout, durability, schema, binding, load, got null'],
    [{ redis: undefined }, 'redis is undefined, as a variable that is not set is: leave it out to mean redis://127.0.0.1:6379'],
    [{ redis: null }, 'redis must be a URL such as redis://127.0.0.1:6379, ioredis options or a client; got null'],
    [{ redis: { url: 'redis://:secret@a' } }, "redis has no option 'url': give the URL itself, as in redis: process.env.REDIS_URL"],
    [{ redis: { hots: 'a' } }, "redis has no option 'hots': did you mean host?"],
    [{ redis: { user: 'a' } }, "redis has no option 'user': did you mean username?"],
    [{ policy: { wiat: 5 } }, "policy has no option 'wiat': did you mean wait?"],
    [{ policy: 5000 }, expect.stringMatching(/^policy takes an object with wait, .*, got 5000$/)],
    [{ durability: { replica: 1 } }, "durability has no option 'replica': did you mean replicas?"],
    [{ durability: { aof: 'yes' } }, "durability.aof must be true or false, got 'yes'"],
    [{ durability: true }, 'durability takes an object with replicas, aof, timeout, got true'],
    [{ timeout: '5s' }, "timeout must be an integer of ms from 1 to 600000, got '5s'"],
    [{ timeout: Number.POSITIVE_INFINITY }, 'timeout must be an integer of ms from 1 to 600000, got Infinity'],
  ])('with %o', async (options, message) => {
    expect(await refusal(() => new RapidFire(options as object))).toMatchObject(bad(message))
  })

  it('without the names that ioredis knows', () => {
    const { sentinels: _, ...known } = new Redis({ lazyConnect: true }).options
    new RapidFire({ redis: { ...known, port: 6379 } })
  })
})

describe('no option that nobody knows is passed over', () => {
  const rapidfire = new RapidFire({ redis: 'redis://127.0.0.1:1' })
  const options = (names: Record<string, unknown>) => names as never
  const batch = { root: 'rapid-fire:{default}', key: 'ann', token: '1-1:1' } as never

  it.each<[string, () => unknown, string]>([
    ['addMessage', () => rapidfire.addMessage('ann', 1, options({ fush: true })), "addMessage has no option 'fush': did you mean flush?"],
    [
      'addMessage, with an id alone',
      () => rapidfire.addMessage('ann', 1, 'wamid.1' as never),
      expect.stringMatching(/^addMessage takes an object/),
    ],
    [
      'addMessages',
      () => rapidfire.addMessages([], options({ durabilty: {} })),
      "addMessages has no option 'durabilty': did you mean durability?",
    ],
    [
      'a message',
      () => rapidfire.addMessages([options({ key: 'ann', data: 1, ID: '1' })]),
      "a message has no option 'ID': did you mean id?",
    ],
    [
      'a message of a long list',
      () =>
        rapidfire.addMessages(Array.from({ length: 300 }, (_, n) => options({ key: 'ann', data: 1, ...(n === 299 && { fush: true }) }))),
      "a message has no option 'fush': did you mean flush?",
    ],
    [
      'no message',
      () => rapidfire.addMessages([null as never]),
      'a message takes an object with key, data, id, wait, maxWait, maxSize, flush, edits, withdraws, traceContext, got null',
    ],
    [
      'worker',
      () => rapidfire.worker(() => {}, options({ concurency: 3 })),
      "worker has no option 'concurency': did you mean concurrency?",
    ],
    [
      'processPendingBatches',
      () => rapidfire.processPendingBatches(() => {}, options({ limits: 3 })),
      expect.stringMatching(/did you mean limit\?/),
    ],
    ['forwarder', () => rapidfire.forwarder('a', options({ maxLenght: 3 })), "forward has no option 'maxLenght': did you mean maxLength?"],
    ['forward', () => rapidfire.forward('a', options({ kep: 3 })), "forward has no option 'kep': did you mean keep?"],
    ['claimReady', () => rapidfire.claimReady(options({ leese: 3 })), "claimReady has no option 'leese': did you mean lease?"],
    ['fail', () => rapidfire.fail(batch, options({ delai: 3 })), "fail has no option 'delai': did you mean delay?"],
    ['release', () => rapidfire.release(batch, options({ raeson: '' })), "release has no option 'raeson': did you mean reason?"],
    ['dead', () => rapidfire.dead(options({ ofset: 3 })), "dead has no option 'ofset': did you mean offset?"],
    ['check', () => rapidfire.check(options({ repare: true })), "check has no option 'repare': did you mean repair?"],
    ['policy', () => rapidfire.policy(options({ maxsize: 3 })), "policy has no option 'maxsize': did you mean maxSize?"],
    ['close', () => rapidfire.close(options({ timout: 3 })), "close has no option 'timout': did you mean timeout?"],
    [
      'close of a worker',
      () => rapidfire.worker(() => {}).close(options({ timout: 3 })),
      "close has no option 'timout': did you mean timeout?",
    ],
    ['toBullmq', () => toBullmq({ add: async () => {} }, options({ prefx: 'a' })), "toBullmq has no option 'prefx': did you mean prefix?"],
    ['generic', () => generic(options({ anykey: true })), "generic has no option 'anykey': did you mean anyKey?"],
    ['telegram', () => telegram(options({ acount: 'a' })), "telegram has no option 'acount': did you mean account?"],
    ['whatsappWeb', () => whatsappWeb(options({ group: 'chat' })), "whatsappWeb has no option 'group': did you mean groups?"],
    [
      'whatsappCloud',
      () => whatsappCloud(options({ account: 'a' })),
      "whatsappCloud has no option 'account': it takes groups, reactions, raw",
    ],
    ['allSources', () => allSources(options({ groups: 'all' })), "groups must be 'chat' or 'sender', got 'all'"],
  ])('by %s', async (_, call, message) => {
    expect(await refusal(call)).toMatchObject(bad(message))
  })

  it.each<[string, () => unknown, string, string]>([
    ['flush', () => rapidfire.addMessage('ann', 1, options({ flush: 'yes' })), 'BAD_OPTION', "flush must be true or false, got 'yes'"],
    ['repair', () => rapidfire.check(options({ repair: 'yes' })), 'BAD_OPTION', "repair must be true or false, got 'yes'"],
    [
      'a list',
      () => rapidfire.addMessages({ key: 'ann', data: 1 } as never),
      'BAD_ARGUMENT',
      'addMessages takes a list of messages, got an object',
    ],
    ['ids', () => rapidfire.requeue('1-1' as never), 'BAD_ARGUMENT', 'expected a list of ids of dead batches, got a text'],
    [
      'a batch to complete',
      () => rapidfire.complete(undefined as never),
      'BAD_ARGUMENT',
      expect.stringMatching(/^a batch must be one .*; got undefined$/),
    ],
    [
      'a batch to fail',
      () => rapidfire.fail('1-1:1' as never),
      'BAD_ARGUMENT',
      expect.stringMatching(/^a batch must be one .*; got a text$/),
    ],
    ['a batch to release', () => rapidfire.release(7 as never), 'BAD_ARGUMENT', expect.stringMatching(/^a batch must be one .*; got 7$/)],
    ['batches', () => rapidfire.extend(batch, 5), 'BAD_ARGUMENT', 'extend takes a list of batches, got an object'],
    ['one of the batches', () => rapidfire.extend([undefined as never], 5), 'BAD_ARGUMENT', expect.stringMatching(/^a batch must be one/)],
    ['a key to look at', () => rapidfire.peek(7 as never), 'BAD_KEY', 'a key must be a string, got number'],
    ['a key to erase', () => rapidfire.erase(undefined as never), 'BAD_KEY', 'a key must be a string, got undefined'],
    ['a stream', () => rapidfire.forward(undefined as never), 'BAD_OPTION', 'the name of a stream must be a text, got undefined'],
    [
      'a stream of a forwarder',
      () => rapidfire.forwarder('a', { maxLength: 0 }),
      'BAD_OPTION',
      'maxLength must be an integer from 1 to 10000000, got 0',
    ],
    [
      'a logger',
      () => rapidfire.worker(() => {}, options({ logger: { log() {} } })),
      'BAD_OPTION',
      'logger.debug must be a function, got undefined',
    ],
    [
      'a lease',
      () => rapidfire.worker(() => {}, { lease: 86_400_001 }),
      'BAD_OPTION',
      'lease must be an integer of ms from 1 to 86400000, got 86400001',
    ],
    ['a queue of BullMQ', () => toBullmq('jobs' as never), 'BAD_OPTION', 'toBullmq takes a Queue of BullMQ, got a text'],
    ['a base', () => exponentialBackoff('1s' as never), 'BAD_OPTION', "base must be an integer of ms from 0 to 31536000000, got '1s'"],
    [
      'a longest pause',
      () => exponentialBackoff(1000, Number.POSITIVE_INFINITY),
      'BAD_OPTION',
      'max must be an integer of ms from 0 to 31536000000, got Infinity',
    ],
    [
      'a time to close in',
      () => rapidfire.close({ timeout: 600_001 }),
      'BAD_OPTION',
      'timeout must be an integer of ms from 0 to 600000, got 600001',
    ],
    ...[Number.NaN, -1, 1.5, 2 ** 31, '5s'].map((timeout): [string, () => unknown, string, string] => [
      `a time of ${timeout} for a worker to close in`,
      () => rapidfire.worker(() => {}).close({ timeout: timeout as number }),
      'BAD_OPTION',
      expect.stringMatching(/^timeout must be an integer of ms from 0 to 2147483647, got /),
    ]),
  ])('nor %s that is none', async (_, call, code, message) => {
    expect(await refusal(call)).toMatchObject({ name: 'RapidfireError', code, message })
  })

  it.each<[unknown, string]>([
    [Number.NaN, 'NaN'],
    [{ price: Number.NaN }, 'NaN'],
    [[1, { price: Number.NEGATIVE_INFINITY }], '-Infinity'],
    [{ at: new Date('never') }, 'a date that is none'],
    [[() => 1], 'a function'],
  ])('nor data of which JSON would make null: %o', async (data, what) => {
    const message = `data must be something that JSON can carry, and ${what} in it would become null`
    expect(await refusal(() => rapidfire.addMessage('ann', data))).toMatchObject({ name: 'RapidfireError', code: 'BAD_DATA', message })
    expect(await refusal(() => rapidfire.addMessages([{ key: 'ann', data }]))).toMatchObject({ name: 'RapidfireError', code: 'BAD_DATA' })
  })
})

it('names that are inherited are looked at as well, and those of every object are none', () => {
  expect(() => checkNames('it', Object.create({ waite: 1 }), { wait: true })).toThrow('did you mean wait?')
  expect(() => checkNames('it', { toString: 1 }, { wait: true })).toThrow("it has no option 'toString': it takes wait")
})

it.each<[string, string[], string | undefined]>([
  ['wiat', ['wait', 'maxWait'], 'wait'],
  ['maxwait', ['wait', 'maxWait'], 'maxWait'],
  ['x', ['id', 'data'], undefined],
  ['weight', ['wait'], undefined],
  ['', ['id'], undefined],
])('the name nearest to %j of %j is %j', (name, names, near) => {
  expect(nearest(name, names)).toBe(near)
})

describeBindings('refusals of Redis', (lua) => {
  const client = useClients(lua)

  it.each<[string, (rapidfire: RapidFire<any>) => Promise<unknown>, string, string]>([
    [
      'a wait',
      (r) => r.addMessage('ann', 1, { wait: '10s' as never }),
      'BAD_ARGUMENT',
      "wait must be an integer of ms from 1 to 31536000000, got '10s'",
    ],
    ['a size', (r) => r.addMessage('ann', 1, { maxSize: 501 }), 'BAD_ARGUMENT', "maxSize must be an integer from 1 to 500, got '501'"],
    [
      'two times',
      (r) => r.addMessage('ann', 1, { wait: 20, maxWait: 10 }),
      'BAD_ARGUMENT',
      'maxWait must not be shorter than wait (20), got 10',
    ],
    ['a policy', (r) => r.policy({ dedupe: 1.5 }), 'BAD_POLICY', "dedupe must be an integer of ms from 1 to 31536000000, got '1.5'"],
    ['a claim', (r) => r.claimReady({ lease: 0 }), 'BAD_ARGUMENT', "lease must be an integer of ms from 1 to 86400000, got '0'"],
    ['a number of claims', (r) => r.claimReady({ limit: 1001 }), 'BAD_ARGUMENT', "limit must be an integer from 1 to 1000, got '1001'"],
    ['a look', (r) => r.peek('ann', 0), 'BAD_ARGUMENT', "limit must be an integer from 1 to 1000, got '0'"],
    ['a place', (r) => r.dead({ offset: -1 }), 'BAD_ARGUMENT', "offset must be an integer from 0 to 1000000, got '-1'"],
    [
      'a policy against what is stored',
      (r) => r.policy({ maxWait: 5000 }),
      'BAD_POLICY',
      'maxWait must not be shorter than wait (10000), got 5000; wait is what the queue has in Redis, or its default: give both',
    ],
    [
      'the other member of it',
      (r) => r.policy({ maxSize: 400, maxBacklog: undefined as never }).then(() => r.policy({ maxBacklog: 300 })),
      'BAD_POLICY',
      'maxBacklog must not be less than maxSize (400), got 300; maxSize is what the queue has in Redis, or its default: give both',
    ],
  ])('name %s in the words of the caller', async (_, call, code, message) => {
    expect(await refusal(() => call(client()))).toMatchObject({ name: 'RapidfireError', code, message })
  })

  it('name what a policy given at the start contradicts', async () => {
    const message =
      'maxWait must not be shorter than wait (70000), got 60000; maxWait is what the queue has in Redis, or its default: give both'
    expect(await refusal(() => client({ policy: { wait: 70_000 } }).getStats())).toMatchObject({ code: 'BAD_POLICY', message })
  })

  it('name the pause and the messages of a batch that failed', async () => {
    const rapidfire = client()
    await rapidfire.addMessage('ann', 1, { flush: true })
    const [batch] = (await rapidfire.claimReady()).batches
    if (!batch) throw new Error('nothing was claimed')
    expect(await refusal(() => rapidfire.fail(batch, { delay: -1 }))).toMatchObject({
      code: 'BAD_ARGUMENT',
      message: "delay must be an integer of ms from 0 to 31536000000, got '-1'",
    })
    const foreign = { id: undefined, data: 1, receivedAt: 0 }
    expect(await refusal(() => rapidfire.fail(batch, { messages: [foreign] }))).toMatchObject({
      code: 'BAD_ARGUMENT',
      message: 'messages must be some of the messages of the batch, at least one, none of them twice',
    })
  })
})
