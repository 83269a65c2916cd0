import { once } from 'node:events'
import { setImmediate } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { Batch } from '../../src/batches/batch.ts'
import { RapidFire } from '../../src/rapidfire.ts'
import type { FunctionName } from '../../src/redis/generated/facts.ts'
import { SCRIPTS } from '../../src/redis/generated/scripts.ts'
import type { RedisInput } from '../../src/redis/input.ts'
import type { BindingMode } from '../../src/redis/loader.ts'
import { RetryLater } from '../../src/worker/verdicts.ts'
import { clientOf, TestCluster } from '../support/cluster.ts'
import { type PrivateRedis, startRedis } from '../support/redis.ts'
import { proxyTo } from '../worker/proxy.ts'
import { lacksServer } from './clients.ts'

type Client = RapidFire<any>

/** Cuts off the answer of the next call of a function. */
type Cut = (name: FunctionName) => void

interface Case {
  /** Makes what the call needs. */
  given?: (rapidfire: Client) => Promise<unknown>
  call: (rapidfire: Client, given: any, state: { readonly left: number }) => Promise<unknown>
  /** What it says although its answer was lost. */
  says: unknown
  /** Messages that are held, and dead batches, after it. */
  leaves?: { messages: number; dead: number }
}

const EMPTY = { messages: 0, dead: 0 }
const ONE = { messages: 1, dead: 0 }

const due = (rapidfire: Client) => rapidfire.addMessage('ann', 1, { id: 'first', flush: true })
const taken = async (rapidfire: Client) => {
  await due(rapidfire)
  return (await rapidfire.claimReady()).batches[0] as Batch
}
const dead = async (rapidfire: Client) => {
  const batch = await taken(rapidfire)
  await rapidfire.fail(batch, { attempts: 1 })
  return batch.id
}

/** Every function: what a client says whose answer is cut off once. A repeated add finds its message there. */
const CASES: Record<FunctionName, Case> = {
  add: { call: (rapidfire) => rapidfire.addMessage('ann', 1, { id: 'a' }), says: { status: 'duplicate', size: 1 }, leaves: ONE },
  archived: {
    given: async (rapidfire) => {
      await rapidfire.policy({ archive: 60_000 })
      await rapidfire.complete(await taken(rapidfire), { result: 'answered' })
    },
    call: async (rapidfire) => (await rapidfire.archived().next()).value,
    says: { key: 'ann', size: 1, result: 'answered' },
    leaves: EMPTY,
  },
  check: { given: due, call: (rapidfire) => rapidfire.check(), says: { keys: 1, violations: [] }, leaves: ONE },
  claim_ready: {
    given: due,
    call: async (rapidfire) => {
      const { batches } = await rapidfire.claimReady()
      const ends = await Promise.all(batches.map((batch) => rapidfire.complete(batch)))
      return { batches, ends, more: (await rapidfire.claimReady()).batches }
    },
    says: { batches: [{ key: 'ann', attempt: 1 }], ends: ['completed'], more: [] },
    leaves: EMPTY,
  },
  complete: { given: taken, call: (rapidfire, batch) => rapidfire.complete(batch), says: 'completed', leaves: EMPTY },
  dead: { given: dead, call: (rapidfire) => rapidfire.dead(), says: [{ key: 'ann' }], leaves: { messages: 0, dead: 1 } },
  erase: {
    given: due,
    call: (rapidfire) => rapidfire.erase('ann'),
    says: { messages: 1, claimed: false, deadBatches: 0, deadMessages: 0, streamEntries: 0, rateKeys: 0, archivedBatches: 0 },
    leaves: EMPTY,
  },
  events: {
    given: async (rapidfire) => {
      await rapidfire.policy({ events: 10 })
      await due(rapidfire)
    },
    call: async (rapidfire) => (await rapidfire.events({ from: '0' }).next()).value,
    says: { event: 'added', key: 'ann', ids: ['first'] },
    leaves: ONE,
  },
  drop: { given: dead, call: (rapidfire, id) => rapidfire.drop([id]), says: ['dropped'], leaves: EMPTY },
  extend: { given: taken, call: (rapidfire, batch) => rapidfire.extend([batch], 60_000), says: [{ status: 'extended' }], leaves: ONE },
  fail: { given: taken, call: (rapidfire, batch) => rapidfire.fail(batch), says: 'retry', leaves: ONE },
  forward: { given: due, call: (rapidfire) => rapidfire.forward('out'), says: { forwarded: 1 }, leaves: EMPTY },
  layout: { given: due, call: (rapidfire) => rapidfire.peek('ann'), says: { size: 1 }, leaves: ONE },
  // Made by workers alone, and once: what it has not told others find when they look.
  leave: {
    call: async (rapidfire) => {
      const worker = rapidfire.worker(() => {}).on('error', () => {})
      const ended = worker.run()
      await new Promise<void>((resolve) => worker.on('ready', resolve))
      await Promise.all([worker.close(), ended])
      return 'closed'
    },
    says: 'closed',
    leaves: EMPTY,
  },
  partition: { call: (rapidfire) => rapidfire.policy({ partitions: 2 }), says: { partitions: 2 }, leaves: EMPTY },
  peek: { given: due, call: (rapidfire) => rapidfire.peek('ann'), says: { size: 1 }, leaves: ONE },
  policy: { call: (rapidfire) => rapidfire.policy({ wait: 5000 }), says: { wait: 5000 }, leaves: EMPTY },
  present: {
    call: async (rapidfire, _, state) => {
      await rapidfire.policy({ partitions: 2 })
      const worker = rapidfire.worker(() => {}, { timing: { present: 5 } }).on('error', () => {})
      const ended = worker.run()
      await expect.poll(() => state.left).toBe(0)
      await Promise.all([worker.close(), ended])
      return 'closed'
    },
    says: 'closed',
    leaves: EMPTY,
  },
  release: { given: taken, call: (rapidfire, batch) => rapidfire.release(batch), says: 'released', leaves: ONE },
  repair: { call: (rapidfire) => rapidfire.check({ repair: true }), says: { violations: [{ mended: expect.any(String) }] }, leaves: EMPTY },
  repartition: { call: (rapidfire) => rapidfire.policy({ partitions: 3 }), says: { partitions: 3 }, leaves: EMPTY },
  requeue: { given: dead, call: (rapidfire, id) => rapidfire.requeue([id]), says: ['requeued'], leaves: ONE },
  rights: { call: (rapidfire) => rapidfire.addMessage('ann', 1, { id: 'a' }), says: { status: 'added' }, leaves: ONE },
  stats: { given: due, call: (rapidfire) => rapidfire.getStats(), says: { messages: 1 }, leaves: ONE },
  trace: { given: due, call: (rapidfire) => rapidfire.trace({ key: 'ann' }), says: [{ key: 'ann', state: 'ready' }], leaves: ONE },
  version: { call: (rapidfire) => rapidfire.version(), says: expect.any(String), leaves: EMPTY },
}

/** Notes which function a client calls, and cuts its connection before the answer. */
function cutter() {
  let wanted: string[] = []
  let cuts = 0
  const seen = new WeakMap<object, number>()
  const due = new WeakSet<object>()
  return {
    cut: ((name) => {
      wanted = [`rapidfire_${name}`, SCRIPTS[name].sha1]
      cuts += 1
    }) as Cut,
    get left() {
      return cuts
    },
    hooks: {
      send: (line: { sent: string }) => {
        const fresh = line.sent.slice(seen.get(line) ?? 0)
        seen.set(line, line.sent.length)
        if (cuts > 0 && wanted.some((name) => fresh.includes(name))) due.add(line)
      },
      reply: (line: { client: { destroy(): void } }) => {
        if (!due.delete(line)) return
        cuts -= 1
        line.client.destroy()
      },
    },
  }
}

/** The ways to reach Redis through something that cuts answers off. */
const WAYS: [string, { cluster: boolean; own: boolean; binding: BindingMode }][] = [
  ['one server by its URL, functions', { cluster: false, own: true, binding: 'functions' }],
  ['one server by its URL, scripts', { cluster: false, own: true, binding: 'scripts' }],
  ["one server with a client of the caller's", { cluster: false, own: false, binding: 'functions' }],
  ["a cluster with a client of the caller's", { cluster: true, own: false, binding: 'functions' }],
]

describe.skipIf(lacksServer('lost answers')).each(WAYS)('a call whose answer is lost, on %s,', (_, { cluster, own, binding }) => {
  let server: PrivateRedis
  let servers: TestCluster | undefined
  let direct: Redis
  beforeAll(async () => {
    if (cluster) servers = await TestCluster.start({ primaries: 1, replicas: 0 })
    server = servers?.nodes[0]?.server ?? (await startRedis())
    direct = new Redis(server.url)
  })
  afterAll(async () => {
    direct?.disconnect()
    await (servers ?? server)?.stop()
  })

  async function client() {
    await direct.flushall()
    const { hooks, cut, ...rest } = cutter()
    const proxy = await proxyTo(server.url, hooks)
    const port = Number(new URL(proxy.url).port)
    let redis: RedisInput = proxy.url
    if (cluster) {
      const natMap = { [`127.0.0.1:${server.port}`]: { host: '127.0.0.1', port } }
      redis = clientOf([port], { natMap, clusterRetryStrategy: () => 20 })
    } else if (!own) redis = new Redis(proxy.url, { retryStrategy: () => 20 })
    const rapidfire = new RapidFire<any>({ redis, queue: 'orders', binding })
    onTestFinished(async () => {
      await rapidfire.close()
      if (typeof redis === 'object' && 'disconnect' in redis) redis.disconnect()
    })
    return { rapidfire, cut, state: rest }
  }

  async function left(rapidfire: Client) {
    const { messages, dead } = await rapidfire.getStats()
    return { messages, dead }
  }

  it.each(Object.entries(CASES))('is made again and says the same: %s', async (name, each) => {
    const { rapidfire, cut, state } = await client()
    if (name === 'repair') await direct.sadd('rapid-fire:{orders}:overrides', 'nobody')
    const given = await each.given?.(rapidfire)
    await rapidfire.version()
    cut(name as FunctionName)
    const said = await each.call(rapidfire, given, state)
    expect(state.left).toBe(0)
    if (typeof each.says === 'object') expect(said).toMatchObject(each.says as object)
    else expect(said).toBe(each.says)
    if (each.leaves) expect(await left(rapidfire)).toEqual(each.leaves)
    expect((await rapidfire.check()).violations).toEqual([])
  })

  it('is made again when it was the first one, which loads the functions and stores the policy', async () => {
    for (const name of ['version', 'policy'] as const) {
      const { rapidfire, cut } = await client()
      cut(name)
      expect(await rapidfire.addMessage('ann', 1, { id: 'a' })).toEqual({ status: 'added', size: 1 })
    }
  })

  it('stores a message without an id once at most, and does not pretend to know', async () => {
    const { rapidfire, cut } = await client()
    await rapidfire.version()
    cut('add')
    const said = rapidfire.addMessage('ann', 1)
    // A client that sends again by itself stores an id with each.
    if (!own) expect(await said).toEqual({ status: 'duplicate', size: 1 })
    else {
      await expect(said).rejects.toMatchObject({
        name: 'RapidfireError',
        code: 'UNAVAILABLE',
        command: 'rapidfire_add',
        message: expect.stringMatching(
          /^Redis at 127\.0\.0\.1:\d+ cannot be used: the connection was lost; it may have been stored all the same$/,
        ),
      })
    }
    expect(await rapidfire.addMessage('ann', 2)).toEqual({ status: 'added', size: 2 })
  })

  it('stores each of several messages once at most, and makes those again that have an id', async () => {
    const { rapidfire, cut } = await client()
    await rapidfire.version()
    cut('add')
    const results = await Promise.allSettled([
      rapidfire.addMessage('ann', 1, { id: 'a' }),
      rapidfire.addMessage('bob', 2),
      rapidfire.addMessage('ann', 3, { id: 'c' }),
    ])
    expect(results.map((result) => (result.status === 'fulfilled' ? result.value.status : result.reason.code))).toEqual([
      'duplicate',
      own ? 'UNAVAILABLE' : 'duplicate',
      'duplicate',
    ])
    expect(await left(rapidfire)).toEqual({ messages: 3, dead: 0 })
  })

  it('costs a batch of a worker no attempt, whichever answers are lost', async () => {
    const { rapidfire, cut, state } = await client()
    const told: unknown[] = []
    const worker = rapidfire.worker((batch) => {
      told.push(['handled', batch.key, batch.attempt])
      cut(batch.key === 'bob' && batch.attempt === 1 ? 'fail' : 'complete')
      if (batch.key === 'bob' && batch.attempt === 1) throw new RetryLater(1)
    })
    onTestFinished(() => worker.close({ timeout: 0 }))
    for (const event of ['completed', 'failed', 'dead', 'lost'] as const) {
      worker.on(event, (batch: Batch) => void told.push([event, batch.key, batch.attempt]))
    }
    worker.on('error', () => {})
    const ready = once(worker, 'ready')
    worker.run()
    await ready
    for (const key of ['ann', 'bob']) {
      cut('claim_ready')
      await rapidfire.addMessage(key, 1, { id: 'a', flush: true })
      await expect.poll(() => told, { timeout: 20_000 }).toContainEqual(['completed', key, key === 'bob' ? 2 : 1])
    }
    expect(state.left).toBe(0)
    // That it has failed is told when the answer has come, perhaps after the next attempt has begun.
    expect(told.map(String).sort()).toEqual([
      'completed,ann,1',
      'completed,bob,2',
      'failed,bob,1',
      'handled,ann,1',
      'handled,bob,1',
      'handled,bob,2',
    ])
    expect(await left(rapidfire)).toEqual(EMPTY)
  })

  it('handles a batch once, in its first attempt, whichever answers are lost', async () => {
    const { rapidfire, cut } = await client()
    await due(rapidfire)
    const seen: unknown[] = []
    cut('claim_ready')
    const summary = await rapidfire.processPendingBatches((batch) => {
      seen.push([batch.key, batch.attempt])
      cut('complete')
    })
    expect(summary).toMatchObject({ batches: 1, completed: 1, lost: 0 })
    expect(seen).toEqual([['ann', 1]])
    expect(await left(rapidfire)).toEqual(EMPTY)
  })
})

describe.skipIf(lacksServer('a connection that is cut'))('a connection that is cut again and again', () => {
  it.each<BindingMode>(['functions', 'scripts'])(
    'loses, doubles and turns around nothing that was said to be stored, %s',
    { timeout: 120_000 },
    async (binding) => {
      const server = await startRedis()
      let replies = 0
      // Cut before the request, before its answer, and in the middle of it.
      const proxy = await proxyTo(server.url, {
        reply: ({ client }, bytes) => {
          replies += 1
          if (replies % 7 === 0) client.destroy()
          else if (replies % 11 === 0) {
            client.write(bytes.subarray(0, bytes.length >> 1))
            client.destroy()
          }
        },
      })
      const policy = { maxSize: 500, maxBacklog: 100_000 }
      // So cut off, a start takes the longer the slower the machine is.
      const rapidfire = new RapidFire<number>({ redis: proxy.url, queue: 'orders', binding, policy, timeout: 60_000 })
      onTestFinished(async () => {
        await rapidfire.close()
        await server.stop()
      })
      const keys = ['ann', 'bob', 'cid', 'dan']
      const unsure: Record<string, Set<number>> = Object.fromEntries(keys.map((key) => [key, new Set<number>()]))
      const adds: Promise<unknown>[] = []
      for (let n = 0; n < 200; n += 1) {
        const key = keys[(n * 7 + (n >> 3)) % keys.length] as string
        const id = n % 5 === 0 ? undefined : `id ${n}`
        adds.push(
          rapidfire.addMessage(key, n, { id }).catch((error) => {
            if (id === undefined && error.code === 'UNAVAILABLE') unsure[key]?.add(n)
            else throw error
          }),
        )
        if (n % 3 === 0) for (let turn = 0; turn < 4; turn += 1) await setImmediate()
        if (n % 20 === 19) await Promise.all(adds)
      }
      await Promise.all(adds)
      expect(replies).toBeGreaterThan(40)
      const direct = new RapidFire<number>({ redis: server.url, queue: 'orders', binding })
      onTestFinished(() => direct.close())
      let held = 0
      for (const key of keys) {
        const stored = (await direct.peek(key, 1000)).messages.map(({ data }) => data)
        held += stored.length
        // Each once, in the order in which they were given; only of those that failed it is not known.
        expect(stored).toEqual([...new Set(stored)].sort((a, b) => a - b))
        const given = Array.from({ length: 200 }, (_, n) => n).filter((n) => keys[(n * 7 + (n >> 3)) % keys.length] === key)
        expect(given.filter((n) => !stored.includes(n) && !unsure[key]?.has(n))).toEqual([])
      }
      expect(held).toBeGreaterThan(160)
    },
  )
})

describe.skipIf(lacksServer('a server that is away'))('a server that is away for a moment', () => {
  it('delays what could not be sent, whatever it is, and loses and doubles nothing', async () => {
    let server = await startRedis(['--appendonly', 'yes', '--appendfsync', 'always'])
    const rapidfire = new RapidFire<number>({ redis: server.url })
    onTestFinished(async () => {
      await rapidfire.close()
      await server.stop()
    })
    await rapidfire.addMessage('ann', 0)
    const { port, folder } = server
    const gone = new Promise((resolve) => server.process.once('exit', resolve))
    server.process.kill('SIGKILL')
    await gone
    // By then the client has noticed: what is sent from now on is certainly not on its way.
    await new Promise((resolve) => setTimeout(resolve, 50))
    const adds = [1, 2, 3].map((n) => rapidfire.addMessage('ann', n))
    server = await startRedis(['--appendonly', 'yes', '--appendfsync', 'always'], { port, folder })
    expect(await Promise.all(adds)).toMatchObject([{ size: 2 }, { size: 3 }, { size: 4 }])
  })
})
