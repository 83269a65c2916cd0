import { Queue } from 'bullmq'
import { Redis } from 'ioredis'
import { describe, it } from 'vitest'
import { type BatchJob, toBullmq } from '../../src/bullmq/index.ts'
import { RapidFire } from '../../src/rapidfire.ts'
import { allSources, createWebhook, generic, whatsappCloud } from '../../src/webhook/index.ts'

const redis = new Redis()

describe('a webhook', () => {
  it('fills a queue of anything, or of messages with a text', () => {
    createWebhook(new RapidFire({ redis }), { redis, appSecret: 's', rules: ({ data }) => ({ flush: data.text === 'stop' }) })
    createWebhook(new RapidFire<{ text: string }>({ redis }), { redis, sources: allSources({ groups: 'sender' }) })
    createWebhook(new RapidFire({ redis }), { redis, sources: [whatsappCloud(), generic<any>()] })
  })

  it('has limits, or none', () => {
    createWebhook(new RapidFire({ redis }), {
      redis,
      rateLimit: { newConversations: { points: 1000 }, perConversation: { points: 5, duration: 1 } },
    })
    createWebhook(new RapidFire({ redis }), { redis, rateLimit: { newConversations: false } })
    createWebhook(new RapidFire({ redis }), { rateLimit: false })
    // @ts-expect-error a limit is of something
    createWebhook(new RapidFire({ redis }), { redis, rateLimit: { points: 5, duration: 1 } })
  })

  it('takes the type of its messages from its sources', () => {
    const orders = new RapidFire<{ order: number }>({ redis })
    createWebhook(orders, { redis, sources: [generic<{ order: number }>()], rules: ({ data }) => ({ maxSize: data.order }) })
    createWebhook(orders, {
      redis,
      sources: [
        {
          name: 'orders',
          proof: 'sender',
          read: (payload: any) => (payload.order ? [{ key: payload.phone, data: { order: 1 } }] : undefined),
        },
      ],
    })
    // @ts-expect-error the queue holds other data
    createWebhook(orders, { redis })
  })
})

describe('toBullmq', () => {
  it('fits a worker and a queue of BullMQ', () => {
    const rapidfire = new RapidFire<{ text: string }>({ redis })
    rapidfire.worker(toBullmq(new Queue('messages', { connection: redis })))
    const queue = new Queue<BatchJob<{ text: string }>>('messages', { connection: redis })
    rapidfire.worker(toBullmq(queue, { job: (batch) => ({ delay: batch.messages[0]?.data.text.length ?? 0 }) }))
    // @ts-expect-error the jobs hold other data
    new RapidFire<{ order: number }>({ redis }).worker(toBullmq<{ text: string }>(queue))
  })
})
