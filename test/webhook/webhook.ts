import { createHmac } from 'node:crypto'
import type { Redis } from 'ioredis'
import { afterEach, beforeAll, beforeEach } from 'vitest'
import { RapidFire } from '../../src/rapidfire.ts'
import { allSources, createWebhook, type Source, type Webhook, type WebhookOptions } from '../../src/webhook/index.ts'
import { type TestRedis, useRedis } from '../support/redis.ts'

export const URL = 'http://localhost/webhook/whatsapp/batched'

/** A queue, and webhooks that fill it, on an empty server for each test. */
export function useQueue() {
  let server: TestRedis
  let rapidfire: RapidFire
  beforeAll(async () => {
    server = await useRedis()
  })
  beforeEach(async () => {
    await server.redis.flushall()
    rapidfire = new RapidFire({ redis: server.redis, queue: 'whatsapp' })
    // The library is in place, so that what a request leaves behind is its own.
    await rapidfire.version()
  })
  afterEach(() => rapidfire.close())
  return {
    get redis(): Redis {
      return server.redis
    },
    get rapidfire(): RapidFire {
      return rapidfire
    },
    /** Without limits, and without a secret for whoever posts, unless the options say otherwise. */
    webhook: <T = any>(options: WebhookOptions<T> = {}): Webhook => {
      const isOpen = !Object.keys(options).some((name) => name.endsWith('Secret'))
      const unsigned = (options.sources ?? allSources()).map(({ name }) => name)
      return createWebhook<any>(rapidfire, { rateLimit: false, ...(isOpen && { unsigned }), ...options })
    },
    keys: async () => (await server.redis.keys('*')).sort(),
    /** The data of the messages of a key. */
    data: async (key: string): Promise<any[]> => (await rapidfire.peek(key)).messages.map((message) => message.data),
  }
}

export const sign = (body: string | Uint8Array, secret = 'app secret') =>
  `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`

/** A source of somebody's own. */
export const source = (read: Source<any>['read'], name = 'own'): Source<any> => ({ name, proof: 'sender', read })

/** A POST; anything but text and bytes is written as JSON. */
export function post(body: unknown, headers: Record<string, string> = {}, url = URL): Request {
  const raw = typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body)
  return new Request(url, { method: 'POST', body: raw as RequestInit['body'], headers: { 'content-type': 'application/json', ...headers } })
}

/** Status, headers and body of an answer. */
export async function read(response: Response): Promise<{ status: number; type: string | null; headers: Headers; body: any }> {
  const text = await response.text()
  const type = response.headers.get('content-type')
  return { status: response.status, type, headers: response.headers, body: type?.includes('json') ? JSON.parse(text) : text }
}
