import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import type { RateLimits, WebhookOptions } from '../../src/webhook/index.ts'
import { post, useQueue } from './webhook.ts'

export const RATE = 'rapid-fire:{whatsapp}:rate'

export const message = (n: number, key = 'ann') => ({ key, id: `${key.slice(0, 100)}-${n}`, data: n })
export const status = async (answer: Promise<Response>) => (await answer).status
/** What README tells a sender to do, but without waiting for the message before. */
export const deliver = async (webhook: (request: Request) => Promise<Response>, body: unknown) => {
  for (;;) {
    const answer = await webhook(post(body))
    if (answer.status === 200) return
    expect(answer.status).toBe(429)
    await sleep(Number(answer.headers.get('retry-after')) * 1000)
  }
}

/** A queue, webhooks that limit what comes into it, and what moves their time. */
export function useLimits() {
  const queue = useQueue()
  const limited = (rateLimit: RateLimits, options: WebhookOptions<any> = {}) => queue.webhook({ redis: queue.redis, rateLimit, ...options })
  /** A limit of a minute: it ends when a test says so. */
  const perConversation = (points: number) => limited({ newConversations: false, perConversation: { points, duration: 60 } })
  const newConversations = (points: number) => limited({ newConversations: { points, duration: 60 } })

  const stored = async (key = 'ann'): Promise<any[]> => queue.data(key)
  /** As when the minute of all limits is over. */
  const endLimits = async () => {
    const counters = [...(await queue.redis.keys(`${RATE}:new:*`)), ...(await queue.redis.keys(`${RATE}:key:*`))]
    if (counters.length > 0) await queue.redis.del(...counters)
  }
  const line = (key = 'ann') => queue.redis.get(`${RATE}:line:${key}`)
  /** As when so many ms have passed for those who wait. */
  const passTime = async (ms: number, key = 'ann') => {
    const text = ((await line(key)) as string).replace(/\d{13}/g, (time) => String(Number(time) - ms))
    await queue.redis.set(`${RATE}:line:${key}`, text, 'KEEPTTL')
  }
  /** Commands that Redis has carried out meanwhile, by name. */
  const commandsOf = async (work: () => Promise<unknown>): Promise<Record<string, number>> => {
    await queue.redis.config('RESETSTAT')
    await work()
    const stats = await queue.redis.info('commandstats')
    const counts = [...stats.matchAll(/cmdstat_(\S+):calls=(\d+)/g)].map(([, name, calls]) => [name, Number(calls)] as const)
    return Object.fromEntries(counts.filter(([name]) => !/^(config|info)/.test(name as string)))
  }
  return { queue, limited, perConversation, newConversations, stored, endLimits, line, passTime, commandsOf }
}
