import { EventEmitter } from 'node:events'
import fc from 'fast-check'
import { Redis } from 'ioredis'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { joinText } from '../../src/batches/batch.ts'
import type { WebhookEvents } from '../../src/events.ts'
import { RapidFire } from '../../src/rapidfire.ts'
import { createWebhook } from '../../src/webhook/index.ts'
import { brokenLaws } from '../support/laws.ts'
import * as given from './fixtures.ts'
import { post, read, sign, useQueue } from './webhook.ts'

const queue = useQueue()
const message = (n: number, key = 'ann') => ({ key, id: `${key}-${n}`, data: { text: `message ${n}` } })
const ids = async (key: string) => (await queue.rapidfire.peek(key)).messages.map(({ id }) => id)

describe('redelivery', () => {
  it('of all messages three times and out of order makes one batch in order', async () => {
    const webhook = queue.webhook({ appSecret: 'app secret', rules: ({ data }) => ({ flush: data.text === given.TEXTS[3] }) })
    const order = [3, 0, 2, 1, 0, 3, 1, 2, 2, 1, 0, 3]
    const body = JSON.stringify(given.cloudPayload(given.cloudValue(order.map((n) => given.cloudText(n)))))
    const answer = await read(await webhook(post(body, { 'x-hub-signature-256': sign(body) })))
    expect([answer.status, answer.body]).toEqual([200, { added: 4, duplicates: 8 }])
    const texts: string[] = []
    await queue.rapidfire.processPendingBatches((batch) => texts.push(joinText(batch)))
    expect(texts).toEqual([given.TEXTS.join(' ')])
  })

  it('in any order and any mixture stores each message once', async () => {
    const webhook = queue.webhook()
    const deliveries = fc.array(fc.array(fc.nat(7), { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 8 })
    await fc.assert(
      fc.asyncProperty(deliveries, async (payloads) => {
        await queue.redis.flushdb()
        const answers = await Promise.all(
          payloads.map(async (numbers) => read(await webhook(post(numbers.map((n) => message(n, `key-${n % 3}`)))))),
        )
        const distinct = new Set(payloads.flat())
        expect(answers.every(({ status }) => status === 200)).toBe(true)
        expect(answers.reduce((sum, { body }) => sum + body.added, 0)).toBe(distinct.size)
        const stored = (await Promise.all(['key-0', 'key-1', 'key-2'].map(ids))).flat()
        expect(stored.sort()).toEqual([...distinct].map((n) => message(n, `key-${n % 3}`).id).sort())
        expect(await brokenLaws(queue.redis, 'rapid-fire:{whatsapp}')).toEqual([])
      }),
      { numRuns: 50 },
    )
  })
})

describe('refusals of the queue', () => {
  it('a full backlog is 429, and what was stored is known when it comes again', async () => {
    await queue.rapidfire.policy({ maxSize: 2, maxBacklog: 2 })
    const webhook = queue.webhook()
    const payload = [1, 2, 3].map((n) => message(n))
    const answer = await read(await webhook(post(payload)))
    expect([answer.status, answer.body.code, answer.headers.get('retry-after')]).toEqual([429, 'BACKLOG_FULL', '10'])
    await queue.rapidfire.processPendingBatches(() => {})
    expect((await read(await webhook(post(payload)))).body).toEqual({ added: 1, duplicates: 2 })
    expect(await ids('ann')).toEqual(['ann-3'])
  })

  it('one conversation more than maxKeys is answered like a full backlog', async () => {
    await queue.rapidfire.policy({ maxKeys: 1 })
    const webhook = queue.webhook()
    expect((await webhook(post(message(1)))).status).toBe(200)
    const answer = await read(await webhook(post(message(1, 'bob'))))
    expect([answer.status, answer.body.code, answer.headers.get('retry-after')]).toEqual([429, 'BACKLOG_FULL', '10'])
    expect((await webhook(post(message(2)))).status).toBe(200)
    expect([await ids('ann'), await ids('bob')]).toEqual([['ann-1', 'ann-2'], []])
  })

  it('a message that is too large is 413', async () => {
    await queue.rapidfire.policy({ maxMessageBytes: 100 })
    const answer = await read(await queue.webhook()(post({ ...message(1), data: 'x'.repeat(100) })))
    expect([answer.status, answer.body.code, await ids('ann')]).toEqual([413, 'MESSAGE_TOO_LARGE', []])
  })

  it('of several reasons the one is told that passes', async () => {
    await queue.rapidfire.policy({ maxSize: 1, maxBacklog: 1, maxMessageBytes: 100 })
    const payload = [{ ...message(1, 'bob'), data: 'x'.repeat(100) }, message(1), message(2)]
    expect((await read(await queue.webhook()(post(payload)))).body.code).toBe('BACKLOG_FULL')
  })

  it('a Redis that is full is 503', async () => {
    const errors: unknown[] = []
    const events = new EventEmitter<WebhookEvents>().on('error', (error) => errors.push(error))
    const webhook = queue.webhook({ events })
    try {
      await queue.redis.config('SET', 'maxmemory', '1mb')
      const answer = await read(await webhook(post(message(1))))
      expect([answer.status, answer.body.code, answer.headers.get('retry-after')]).toEqual([503, 'OUT_OF_MEMORY', '10'])
    } finally {
      await queue.redis.config('SET', 'maxmemory', '0')
    }
    expect(errors).toHaveLength(1)
    expect((await read(await webhook(post(message(1))))).body.added).toBe(1)
  })

  it('data that the schema refuses is 400, and nothing of it is repeated', async () => {
    const strict = new RapidFire({ redis: queue.redis, queue: 'strict', schema: z.object({ text: z.enum(['yes', 'no']) }) })
    const answer = await read(await createWebhook<any>(strict, { rateLimit: false, unsigned: ['generic'] })(post(message(1))))
    expect([answer.status, answer.body.code]).toEqual([400, 'BAD_MESSAGE'])
    expect(JSON.stringify(answer.body)).not.toMatch(/message 1|yes/)
    expect(await queue.keys()).toEqual([])
  })

  it('a rule that asks for the impossible is 500', async () => {
    const errors: any[] = []
    const events = new EventEmitter<WebhookEvents>().on('error', (error) => errors.push(error))
    const answer = await read(await queue.webhook({ rules: () => ({ wait: -1 }), events })(post(message(1))))
    expect([answer.status, answer.body.code, errors[0].code, await ids('ann')]).toEqual([500, 'INTERNAL', 'BAD_ARGUMENT', []])
  })

  it('a key of another type is 500', async () => {
    await queue.redis.set('rapid-fire:{whatsapp}', 'occupied')
    expect((await queue.webhook()(post(message(1)))).status).toBe(500)
  })

  it('requests that cannot be counted are 503', async () => {
    const closed = new Redis({ lazyConnect: true })
    closed.disconnect()
    const answer = await read(await queue.webhook({ redis: closed, rateLimit: {} })(post(message(1))))
    expect([answer.status, answer.body.code, await ids('ann')]).toEqual([503, 'UNAVAILABLE', []])
  })
})
