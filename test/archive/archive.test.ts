import { join } from 'node:path'
import { Redis } from 'ioredis'
import { beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { Archive } from '../../src/archive/index.ts'
import { indexNameOf } from '../../src/archive/schema.ts'
import type { Policy } from '../../src/options.ts'
import { rootKey } from '../../src/partitions/roots.ts'
import { RapidFire } from '../../src/rapidfire.ts'
import { debian, skip } from '../support/packages.ts'
import { type TestRedis, useRedis } from '../support/redis.ts'

const DAY = 86_400_000
const SAID: [key: string, texts: string[], result: unknown][] = [
  ['ann|1', ['Запишите на стрижку меня', 'На завтра'], { booked: true }],
  ['bob', ['A haircut, please'], 'booked'],
  ['ann|1', ['Спасибо!'], undefined],
]

/** Batches of two people in the archive of a queue, one after the other. */
async function fill(url: string, policy: Partial<Policy> = {}): Promise<RapidFire<any>> {
  const rapidfire = new RapidFire<any>({ redis: url, queue: 'salon', policy: { archive: DAY, ...policy } })
  onTestFinished(() => rapidfire.close())
  for (const [n, [key, texts, result]] of SAID.entries()) {
    const last = texts.length - 1
    for (const [at, text] of texts.entries()) await rapidfire.addMessage(key, { text }, { id: `m${n}.${at}`, flush: at === last })
    await rapidfire.processPendingBatches(() => result)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
  return rapidfire
}

function archiveOf(redis: any): Archive {
  const archive = new Archive({ redis, queue: 'salon' })
  onTestFinished(() => archive.close())
  return archive
}

const keysOf = ({ batches }: { batches: { key: string }[] }) => batches.map(({ key }) => key)
const listed = async (archive: Archive, options = {}) => {
  const batches = []
  for await (const batch of archive.list(options)) batches.push(batch)
  return batches
}

describe('without a search engine', () => {
  let server: TestRedis
  beforeAll(async () => {
    server = await useRedis()
  })
  beforeEach(() => server.redis.flushall())

  it.each([1, 4])('a batch is had by its id, listed, and searched by reading: %i partitions', async (partitions) => {
    await fill(server.url, { partitions })
    const archive = archiveOf(server.url)
    const all = await listed(archive)
    expect(all).toMatchObject([
      {
        key: 'ann|1',
        size: 2,
        ids: ['m0.0', 'm0.1'],
        text: 'Запишите на стрижку меня\nНа завтра',
        result: '{"booked":true}',
        reason: 'flush',
      },
      { key: 'bob', size: 1, result: 'booked', attempts: 1 },
      { key: 'ann|1', text: 'Спасибо!', result: undefined },
    ])
    for (const batch of all) expect(await archive.get(batch.id)).toEqual(batch)
    expect(await archive.get('1-1')).toBe(undefined)
    expect(await listed(archive, { key: 'bob' })).toEqual([all[1]])
    expect(await listed(archive, { id: 'm2.0' })).toEqual([all[2]])
    expect(await listed(archive, { from: all[1]?.completedAt, to: new Date(all[1]?.completedAt as number) })).toEqual([all[1]])

    expect(await archive.search({ text: 'СТРИЖКУ завтра' })).toEqual({ batches: [all[0]], partial: false, by: 'reading' })
    expect(await archive.search({ text: 'cut' })).toMatchObject({ batches: [] })
    expect(await archive.search({ key: 'ann|1', reason: 'flush', from: all[1]?.completedAt as number })).toMatchObject({
      batches: [all[2]],
    })
    expect(await archive.search({ reason: 'wait' })).toMatchObject({ batches: [], partial: false })
    expect(await archive.search({ limit: 2 })).toEqual({ batches: all.slice(0, 2), partial: true, by: 'reading' })
    expect(await archive.search({ limit: 3 })).toMatchObject({ partial: false })
  })

  it('what was kept in partitions that serve no more is found until it expires', async () => {
    const rapidfire = await fill(server.url, { partitions: 3 })
    await rapidfire.policy({ partitions: 2 })
    const archive = archiveOf(server.url)
    expect(keysOf(await archive.search())).toEqual(['ann|1', 'bob', 'ann|1'])
    const { batches } = await archive.search({ key: 'bob' })
    expect(await archive.get(batches[0]?.id as string)).toEqual(batches[0])
  })

  it('with a client of its own it does not need redis-om', async () => {
    await fill(server.url)
    const redis = new Redis(server.url)
    onTestFinished(() => redis.disconnect())
    const archive = archiveOf(redis)
    const { batches, by } = await archive.search({ text: 'haircut' })
    expect([keysOf({ batches }), by]).toEqual([['bob'], 'reading'])
    expect(await archive.get(batches[0]?.id as string)).toEqual(batches[0])
  })

  it('refuses what it does not know', async () => {
    expect(() => new Archive({ queues: 'x' } as never)).toThrow("Archive has no option 'queues'")
    const archive = archiveOf(server.url)
    await expect(archive.search({ limit: 0 })).rejects.toMatchObject({ code: 'BAD_OPTION' })
    await expect(archive.search({ text: 5 } as never)).rejects.toMatchObject({ code: 'BAD_OPTION' })
    await expect(archive.search({ key: 5 } as never)).rejects.toMatchObject({ code: 'BAD_KEY' })
    await expect(archive.search({ from: 'soon' } as never)).rejects.toMatchObject({ code: 'BAD_OPTION' })
  })
})

/** What Debian has of it, 1.2.2, which knows neither indexes of hashes nor their prefixes: it is given the batches by hand. */
async function findModule(): Promise<string | undefined> {
  const skipped = 'searches by an index of the server'
  if (process.env.REDIS_URL || process.env.REDIS_BINARY) return void skip(skipped, new Error('it takes the redis-server of this system'))
  const folder = await debian(skipped, 'redis-redisearch')
  return folder && join(folder, 'usr/lib/redis/modules/redisearch.so')
}
const MODULE = await findModule()

describe.runIf(MODULE)('with a search engine', () => {
  let server: TestRedis
  beforeAll(async () => {
    server = await useRedis(['--loadmodule', MODULE as string])
  })
  beforeEach(() => server.redis.flushall())

  it('one that cannot index hashes is not asked', async () => {
    await fill(server.url)
    expect(await archiveOf(server.url).search({ key: 'bob' })).toMatchObject({ batches: [{ key: 'bob' }], by: 'reading' })
  })

  it('is asked by key, time, reason and words, and tells what reading tells', async () => {
    await fill(server.url)
    const root = rootKey('salon')
    const fields = ['key', 'TAG', 'SEPARATOR', '\u001f', 'reason', 'TAG', 'completedAt', 'NUMERIC', 'SORTABLE', 'text', 'TEXT']
    await server.redis.call('FT.CREATE', indexNameOf(root), 'SCHEMA', ...fields)
    for (const key of await server.redis.keys(`${root}:archive:*`)) await server.redis.call('FT.ADDHASH', indexNameOf(root), key, '1')
    const archive = archiveOf(server.url)
    const all = await listed(archive)
    const search = async (options: object) => {
      const { batches, by } = await archive.search(options)
      expect(by).toBe('index')
      return batches.map(({ id }) => all.findIndex((each) => each.id === id))
    }
    expect((await archive.search()).batches).toEqual(all)
    expect(await search({ key: 'ann|1' })).toEqual([0, 2])
    expect(await search({ key: 'ann|1', from: all[1]?.completedAt })).toEqual([2])
    expect(await search({ to: all[1]?.completedAt })).toEqual([0, 1])
    expect(await search({ reason: 'flush', key: 'bob' })).toEqual([1])
    expect(await search({ reason: 'wait' })).toEqual([])
    expect(await search({ text: 'haircut please' })).toEqual([1])
    expect(await archive.search({ limit: 2 })).toMatchObject({ partial: true, batches: [all[0], all[1]] })
  })
})
