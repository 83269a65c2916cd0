import { Queue, Worker } from 'bullmq'
import { Redis } from 'ioredis'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type BatchJob, toBullmq } from '../../src/bullmq/index.ts'
import { RapidFire } from '../../src/rapidfire.ts'
import { START, TEST_SOURCE } from '../support/lua.ts'
import { type TestRedis, useRedis } from '../support/redis.ts'

type Data = { text: string }
const TEXTS = ['Запишите на стрижку меня', 'На завтра', 'В 18:00', 'К Бари']

let server: TestRedis
let rapidfire: RapidFire<Data>
let queue: Queue<BatchJob<Data>>
const open: { close(): Promise<unknown> }[] = []

beforeAll(async () => {
  server = await useRedis()
})

beforeEach(async () => {
  await server.redis.flushall()
  await server.redis.set('test:clock', START)
  const connection = new Redis(server.url, { maxRetriesPerRequest: null })
  rapidfire = new RapidFire<Data>({ redis: connection, queue: 'whatsapp' }, TEST_SOURCE)
  queue = new Queue('messages', { connection })
  open.push({ close: async () => connection.disconnect() }, rapidfire, queue)
  for (const [n, text] of TEXTS.entries()) await rapidfire.addMessage('79001234567', { text }, { id: `wamid.${n}` })
  await tick(10_000)
})

afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close()
})

const tick = (ms: number) => server.redis.incrby('test:clock', ms)

/** A worker of BullMQ and the jobs that it gets, `count` of them awaited. */
function work(count: number): Promise<{ id: string | undefined; name: string; data: BatchJob<Data> }[]> {
  return new Promise((resolve, reject) => {
    const jobs: { id: string | undefined; name: string; data: BatchJob<Data> }[] = []
    const worker = new Worker<BatchJob<Data>>(
      'messages',
      async ({ id, name, data }) => {
        jobs.push({ id, name, data })
      },
      { connection: new Redis(server.url, { maxRetriesPerRequest: null }) },
    )
    open.push(worker)
    worker.on('error', reject)
    worker.on('completed', () => jobs.length === count && resolve(jobs))
  })
}

const count = async () => Object.values(await queue.getJobCounts()).reduce((sum, each) => sum + each, 0)

describe('toBullmq', () => {
  it('makes one job of a batch, with the merged text', async () => {
    const summary = await rapidfire.processPendingBatches(toBullmq(queue))
    expect(summary).toMatchObject({ batches: 1, completed: 1, messages: 4 })
    const [job] = await work(1)
    expect(job).toMatchObject({
      name: 'batch',
      data: {
        id: job?.id,
        key: '79001234567',
        text: 'Запишите на стрижку меня На завтра В 18:00 К Бари',
        reason: 'wait',
        openedAt: START,
        deadline: START + 10_000,
        messages: TEXTS.map((text, n) => ({ id: `wamid.${n}`, data: { text }, receivedAt: START })),
      },
    })
    expect(await count()).toBe(1)
  })

  it('makes no second job of a batch that is handed over again', async () => {
    const handler = toBullmq(queue)
    const [first] = (await rapidfire.claimReady({ lease: 1000 })).batches
    await handler(first as NonNullable<typeof first>)
    // The worker dies here: the batch is not completed.
    await tick(1001)
    const [again] = (await rapidfire.claimReady()).batches
    expect([again?.id, again?.token]).toEqual([first?.id, `${first?.id}:2`])
    await handler(again as NonNullable<typeof again>)
    expect(await rapidfire.complete(again as NonNullable<typeof again>)).toBe('completed')
    expect(await count()).toBe(1)
  })

  it('makes no second job either when the first is done, whatever the queue keeps by itself', async () => {
    const forgetful = new Queue<BatchJob<Data>>('messages', { connection: server.redis, defaultJobOptions: { removeOnComplete: true } })
    open.push(forgetful)
    const [batch] = (await rapidfire.claimReady()).batches
    await toBullmq(forgetful)(batch as NonNullable<typeof batch>)
    await work(1)
    await toBullmq(forgetful)(batch as NonNullable<typeof batch>)
    // An older BullMQ counts those that are paused beside those that wait.
    expect(await queue.getJobCounts('waiting', 'completed')).toMatchObject({ waiting: 0, completed: 1 })
  })

  it('makes a job of every batch, also of the same key', async () => {
    await rapidfire.processPendingBatches(toBullmq(queue))
    await rapidfire.addMessage('79001234567', { text: 'Спасибо' }, { flush: true })
    await rapidfire.processPendingBatches(toBullmq(queue))
    const jobs = await work(2)
    expect(jobs.map(({ data }) => data.text)).toEqual([TEXTS.join(' '), 'Спасибо'])
  })

  it('keeps batches of several queues apart by a prefix', async () => {
    const batch = {
      id: '1700000000000-1',
      root: 'rapid-fire:{orders}',
      key: 'ann',
      token: '1700000000000-1:1',
      attempt: 1,
      reason: 'wait',
      openedAt: 1,
      deadline: 2,
      due: 2,
      messages: [],
    } as const
    await toBullmq(queue, { prefix: 'sales-' })({ ...batch, messages: [] })
    await toBullmq(queue, { prefix: 'support-' })({ ...batch, messages: [] })
    expect((await queue.getWaiting()).map(({ id }) => id).sort()).toEqual(['sales-1700000000000-1', 'support-1700000000000-1'])
    expect(() => toBullmq(queue, { prefix: 'sales:' })).toThrow(expect.objectContaining({ code: 'BAD_OPTION' }))
  })

  it('gives jobs their name and options, but no other id', async () => {
    const options = { name: 'answer', job: () => ({ attempts: 3, removeOnComplete: 5, jobId: 'mine' }) }
    await rapidfire.processPendingBatches(toBullmq(queue, options))
    const [job] = await queue.getWaiting()
    expect(job).toMatchObject({ name: 'answer', opts: { attempts: 3, removeOnComplete: 5 } })
    expect(job?.id).toBe(job?.data.id)
  })

  it('fails the batch when BullMQ does not take it', async () => {
    const tooSmall = toBullmq(queue, { job: () => ({ sizeLimit: 10 }) })
    expect(await rapidfire.processPendingBatches(tooSmall)).toMatchObject({ completed: 0, retry: 1 })
    expect(await count()).toBe(0)
  })
})
