import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer } from 'node:tls'
import { promisify } from 'node:util'
import { Redis } from 'ioredis'
import { beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { assemble } from '../../lua/build/assemble.mjs'
import type { RapidFireOptions } from '../../src/options.ts'
import { RapidFire } from '../../src/rapidfire.ts'
import { setUser, urlOf } from '../support/acl.ts'
import { describeBindings } from '../support/lua.ts'
import { startRedis, useRedis } from '../support/redis.ts'
import { settingsOf } from '../support/settings.ts'
import { Trips } from '../support/trips.ts'
import { lacksServer } from './clients.ts'

const build = (version: string) => assemble({ version })
const [OLDER, OURS, NEWER] = [build('0.9.0'), build('1.0.0'), build('1.1.0')]

type Options = RapidFireOptions<unknown>

const trips = new Trips()

/** A process that has just begun. */
function fresh(options: Options): RapidFire {
  const rapidfire = new RapidFire({ queue: 'orders', ...options }, OURS)
  onTestFinished(() => rapidfire.close())
  return rapidfire
}

describeBindings('round trips', (lua) => {
  const flush = () => (lua().mode === 'functions' ? lua().redis.function('FLUSH') : lua().redis.script('FLUSH'))
  const start = async (options: Options = {}) => fresh({ redis: await trips.to(lua().server.url), binding: lua().mode, ...options })

  /** Those of a fresh process that adds a message. */
  const adding = async (options?: Options) => {
    const rapidfire = await start(options)
    return trips.of(async () => expect(await rapidfire.addMessage('ann', 'Hi')).toMatchObject({ status: 'added' }))
  }

  /** A client of the caller's. */
  const clientOf = async (options = {}) => {
    const redis = new Redis(await trips.to(lua().server.url), options)
    onTestFinished(() => redis.disconnect())
    return redis
  }

  beforeEach(async () => {
    await start().then((rapidfire) => rapidfire.version())
  })

  it('are three for a process that adds a message: to be let in, to know what is there, and to add', async () => {
    expect(await adding()).toBe(3)
  })

  it('are one for each further message, and two for what is due', async () => {
    const rapidfire = await start()
    expect(await trips.of(() => rapidfire.addMessage('ann', 'Hi'))).toBe(3)
    expect(await trips.of(() => rapidfire.addMessage('ann', 'there', { flush: true }))).toBe(1)
    expect(await trips.of(async () => expect(await rapidfire.processPendingBatches(() => {})).toMatchObject({ completed: 1 }))).toBe(2)
    expect(await trips.of(async () => expect(await rapidfire.processPendingBatches(() => {})).toMatchObject({ batches: 0 }))).toBe(1)
  })

  it('are four for a process that handles what is due, and three for one that looks or claims', async () => {
    await start().then((rapidfire) => rapidfire.addMessage('ann', 'Hi', { flush: true }))
    const [pending, peeking, counting, claiming] = [await start(), await start(), await start(), await start()]
    expect(await trips.of(() => peeking.peek('ann'))).toBe(3)
    expect(await trips.of(() => counting.getStats())).toBe(3)
    expect(await trips.of(() => pending.processPendingBatches(() => {}))).toBe(4)
    expect(await trips.of(() => claiming.claimReady())).toBe(3)
  })

  it('are one more where the functions are missing', async () => {
    await flush()
    expect(await adding()).toBe(4)
    expect(await adding()).toBe(3)
  })

  it('are one more when the policy that the process gives is another one than before', async () => {
    expect(await adding({ policy: { wait: 5000, maxSize: 3 } })).toBe(4)
    expect(await adding({ policy: { wait: 5000, maxSize: 3 } })).toBe(3)
    await start().then((operator) => operator.policy({ wait: 7000 }))
    expect(await adding({ policy: { wait: 5000, maxSize: 3 } })).toBe(3)
    expect(await lua().settings()).toMatchObject({ wait: '7000' })
    expect(await adding({ policy: { wait: 5000, maxSize: 4 } })).toBe(4)
    expect(await lua().settings()).toMatchObject({ wait: '7000', maxSize: '4' })
  })

  it('are one more for the partition of a message, and one more to compare the policies of all of them', async () => {
    const policy = { wait: 5000, partitions: 3 }
    await start({ policy }).then((rapidfire) => rapidfire.version())
    expect(await adding()).toBe(4)
    expect(await adding({ policy })).toBe(5)
    expect(await lua().redis.exists(lua().root, 'rapid-fire:{orders}:due')).toBe(1)
    const rapidfire = await start()
    expect(await trips.of(() => rapidfire.addMessage('ann', 'there', { flush: true }))).toBe(4)
    // Once a minute it also looks after the partitions.
    expect(await trips.of(() => rapidfire.processPendingBatches(() => {}))).toBe(4)
    await rapidfire.addMessage('ann', 'there', { flush: true })
    expect(await trips.of(() => rapidfire.processPendingBatches(() => {}))).toBe(2)
  })

  it('are no more with a user and a database', async () => {
    await setUser(lua().redis, 'producer', ...(lua().mode === 'scripts' ? ['+evalsha', '+script|load'] : []), '+select')
    const url = urlOf(await trips.to(lua().server.url), 'producer')
    expect(await adding({ redis: `${url}/3` })).toBe(3)
    const other = new Redis(`${lua().server.url}/3`)
    expect(await other.llen(`${lua().root}:messages:ann`)).toBe(1)
    other.disconnect()
  })

  it('end before the message where a right is missing', async () => {
    await setUser(lua().redis, 'producer', ...(lua().mode === 'scripts' ? ['+evalsha', '+script|load'] : []), '-zadd')
    const url = urlOf(await trips.to(lua().server.url), 'producer')
    const rapidfire = await start({ redis: url })
    const refused = { code: 'SERVER', message: /NOPERM .* \+zadd .*: nothing was done$/ }
    expect(await trips.of(() => expect(rapidfire.addMessage('ann', 'Hi')).rejects.toMatchObject(refused))).toBe(3)
    expect(await lua().keyspace()).toEqual({})
    await setUser(lua().redis, 'producer', ...(lua().mode === 'scripts' ? ['+evalsha', '+script|load'] : []))
    expect(await trips.of(() => rapidfire.addMessage('ann', 'Hi'))).toBe(2)
  })

  it('of a client of the caller are its own, the look and the message', async () => {
    const connected = await clientOf()
    await connected.ping()
    expect(await adding({ redis: connected })).toBe(2)
    // To be let in, and the ready check.
    expect(await adding({ redis: await clientOf({ lazyConnect: true }) })).toBe(4)
    expect(await adding({ redis: await clientOf({ lazyConnect: true, enableOfflineQueue: false }) })).toBe(4)
    expect(await adding({ redis: await clientOf({ lazyConnect: true, enableReadyCheck: false }) })).toBe(3)
  })

  it('are no more by TLS, beside those of TLS itself', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'rapidfire-tls-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const files = ['-keyout', join(folder, 'key'), '-out', join(folder, 'cert')]
    const made = [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
      '-days',
      '2',
      '-subj',
      '/CN=localhost',
    ]
    await promisify(execFile)('openssl', [...made, ...files, '-addext', 'subjectAltName=DNS:localhost'])
    const [key, cert] = [await readFile(join(folder, 'key')), await readFile(join(folder, 'cert'))]
    const url = new URL(await trips.to(lua().server.url, (accept) => createServer({ key, cert }, accept)))
    expect(await adding({ redis: { host: 'localhost', port: Number(url.port), password: url.password, tls: { ca: cert } } })).toBe(3)
  })
})

describe('round trips where the library is another one', () => {
  let redis: Redis
  let url: string
  beforeAll(async () => {
    ;({ redis, url } = await useRedis())
  })
  beforeEach(() => redis.flushall())

  const start = async (options: Options = {}) => fresh({ redis: await trips.to(url), ...options })
  const load = (library: string) => redis.function('LOAD', 'REPLACE', library)
  const loaded = () => redis.fcall('rapidfire_version', 0)

  it('are one more where it is older, and what that one says does not count', async () => {
    await load(OURS.library)
    await start({ policy: { partitions: 2 } }).then((rapidfire) => rapidfire.version())
    await load(OLDER.library.replace('layout_reply(read_layout(root))', "{ 'steady', 0, 0, 0, 0, 0 }"))
    const rapidfire = await start()
    // One of them for the rights on the partition.
    expect(await trips.of(() => rapidfire.addMessage('ann', 'Hi'))).toBe(5)
    expect(await loaded()).toBe('1.0.0')
    expect(await redis.keys('rapid-fire:{orders*}:messages:ann')).toEqual([expect.stringMatching(/^rapid-fire:\{orders:[01]\}/)])
  })

  it('are spent before the policy is written: an older library writes none', async () => {
    await load(OLDER.library.replace('local function policy(keys, args)\n', "$&redis.call('SET', 'written by', VERSION)\n"))
    const rapidfire = await start({ policy: { wait: 5000 } })
    expect(await trips.of(() => rapidfire.addMessage('ann', 'Hi'))).toBe(5)
    expect(await redis.exists('written by')).toBe(0)
    expect(await settingsOf(redis, 'rapid-fire:{orders}')).toMatchObject({ wait: '5000' })
  })

  it('are three where it is newer, or the operator loads it', async () => {
    for (const [source, options] of [
      [NEWER, {}],
      [OLDER, { load: 'never' }],
    ] as const) {
      await load(source.library)
      const rapidfire = await start(options)
      expect(await trips.of(() => rapidfire.addMessage('ann', 'Hi'))).toBe(3)
      expect(await loaded()).toBe(source.version)
    }
  })
})

it.skipIf(lacksServer('a server without functions'))('round trips are one more to find that there are no functions', async () => {
  const server = await startRedis(['FCALL', 'FCALL_RO', 'FUNCTION'].flatMap((command) => ['--rename-command', command, '']))
  onTestFinished(() => server.stop())
  const adding = async (options: Options = {}) => {
    const rapidfire = fresh({ redis: await trips.to(server.url), ...options })
    return trips.of(() => rapidfire.addMessage('ann', 'Hi'))
  }
  expect([await adding(), await adding(), await adding({ binding: 'scripts' })]).toEqual([5, 4, 3])
})

describe.skipIf(lacksServer('a server that loads its data'))('a server that loads its data', () => {
  const SLOWLY = ['--enable-debug-command', 'yes', '--loading-process-events-interval-bytes', '1024', '--key-load-delay', '20000']

  it('is waited for, without being asked whether it is ready', async () => {
    const server = await startRedis(SLOWLY)
    onTestFinished(() => server.stop())
    const redis = new Redis(server.url, { enableReadyCheck: false })
    onTestFinished(() => redis.disconnect())
    await redis.function('LOAD', OURS.library)
    for (let n = 0; n < 200; n += 1) await redis.set(`filler ${n}`, randomBytes(1024))
    const reloading = new Redis(server.url)
    onTestFinished(() => reloading.disconnect())
    const reloaded = reloading.call('DEBUG', 'RELOAD')
    await vi.waitFor(() => expect(redis.get('filler 1')).rejects.toThrow('LOADING'))

    const impatient = fresh({ redis: server.url, timeout: 1000 })
    await expect(impatient.addMessage('ann', 'Hi')).rejects.toMatchObject({ code: 'UNAVAILABLE', message: /LOADING(?!.*stored)/ })
    const added = fresh({ redis: server.url, timeout: 30_000 }).addMessage('ann', 'there')
    const refused = async () => Number(/cmdstat_fcall_ro:.*rejected_calls=(\d+)/.exec(await redis.info('commandstats'))?.[1] ?? 0)
    const before = await refused()
    await vi.waitFor(async () => expect(await refused()).toBeGreaterThan(before + 1), 10_000)
    await redis.config('SET', 'key-load-delay', '0')
    expect(await added).toEqual({ status: 'added', size: 1 })
    await reloaded
  })
})
