import { EventEmitter, once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createWebhook, type MessageQueue } from '../../src/webhook/index.ts'
import { brokenLaws } from '../support/laws.ts'
import { deliver, message, RATE, status, useLimits } from './limited.ts'
import { post, read } from './webhook.ts'

const { queue, limited, perConversation, stored, endLimits, line, passTime } = useLimits()

describe('the messages of one person', () => {
  it('are stored in order by default, however fast they come', async () => {
    const webhook = limited({})
    const answers = []
    for (let n = 1; n <= 50; n += 1) answers.push(await status(webhook(post(message(n)))))
    expect([new Set(answers), await stored()]).toEqual([new Set([200]), Array.from({ length: 50 }, (_, n) => n + 1)])
  })

  it('are stored in order when 14 come 100 ms apart, 5 a second pass, and senders send again without waiting for each other', async () => {
    const webhook = limited({ perConversation: { points: 5, duration: 1 } })
    const senders = []
    for (let n = 1; n <= 14; n += 1) {
      senders.push(deliver(webhook, message(n)))
      await sleep(100)
    }
    await Promise.all(senders)
    expect(await stored()).toEqual(Array.from({ length: 14 }, (_, n) => n + 1))
    expect(await line()).toBeNull()
  })

  it('that come new while refused ones are on their way back wait behind them', async () => {
    const webhook = perConversation(1)
    expect(await status(webhook(post(message(1))))).toBe(200)
    for (const n of [2, 3, 4]) expect(await status(webhook(post(message(n))))).toBe(429)
    for (const next of [2, 3, 4]) {
      await endLimits()
      for (const other of [4, 3, 9].filter((n) => n > next)) expect(await status(webhook(post(message(other))))).toBe(429)
      expect(await status(webhook(post(message(next))))).toBe(200)
    }
    await endLimits()
    expect(await status(webhook(post(message(9))))).toBe(200)
    expect([await stored(), await line()]).toEqual([[1, 2, 3, 4, 9], null])
  })

  it('wait behind a refused one in every process', async () => {
    const [first, second] = [perConversation(1), perConversation(1)]
    expect(await status(first(post(message(1))))).toBe(200)
    expect(await status(first(post(message(2))))).toBe(429)
    await endLimits()
    expect(await status(second(post(message(3))))).toBe(429)
    expect(await status(second(post(message(2))))).toBe(200)
    await endLimits()
    expect(await status(first(post(message(3))))).toBe(200)
    expect(await stored()).toEqual([1, 2, 3])
  })

  it('go on without one that does not come again within two seconds of its time', async () => {
    const webhook = perConversation(1)
    await webhook(post(message(1)))
    const answer = await webhook(post(message(2)))
    await endLimits()
    await passTime(Number(answer.headers.get('retry-after')) * 1000 + 1500)
    expect(await status(webhook(post(message(3))))).toBe(429)
    await passTime(1000)
    expect(await status(webhook(post(message(3))))).toBe(200)
    await endLimits()
    expect(await status(webhook(post(message(2))))).toBe(200)
    expect(await stored()).toEqual([1, 3, 2])
  })

  it('are told to come when the one before them has come', async () => {
    const webhook = perConversation(1)
    await webhook(post(message(1)))
    await queue.redis.pexpire(`${RATE}:key:ann`, 30_000)
    for (const n of [2, 3, 4]) expect((await webhook(post(message(n)))).headers.get('retry-after')).toBe('30')
    await passTime(28_500)
    expect((await webhook(post(message(5)))).headers.get('retry-after')).toBe('2')
    await endLimits()
    expect(await status(webhook(post(message(2))))).toBe(200)
  })

  it('leave nothing behind that does not expire, and break no law', async () => {
    const webhook = perConversation(1)
    for (const n of [1, 2, 3]) await webhook(post(message(n)))
    const keys = (await queue.keys()).filter((key) => key.startsWith(`${RATE}:`))
    expect(keys).toEqual([`${RATE}:key:ann`, `${RATE}:line:ann`])
    for (const key of keys) {
      const left = await queue.redis.pttl(key)
      expect([left > 0, left <= 62_000]).toEqual([true, true])
    }
    expect(await brokenLaws(queue.redis, 'rapid-fire:{whatsapp}')).toEqual([])
  })

  it('are bounded in their line', async () => {
    const webhook = perConversation(1)
    await webhook(post(message(0)))
    for (let n = 1; n <= 120; n += 1) await webhook(post(message(n)))
    expect((await line())?.split(';')).toHaveLength(101)
    await endLimits()
    expect(await status(webhook(post(message(120))))).toBe(429)
    expect(await status(webhook(post(message(1))))).toBe(200)
  })

  it('wait for one that met a full backlog', async () => {
    await queue.rapidfire.policy({ maxSize: 2, maxBacklog: 2 })
    const webhook = limited({})
    for (const n of [1, 2]) expect(await status(webhook(post(message(n))))).toBe(200)
    const full = await read(await webhook(post(message(3))))
    expect([full.status, full.body.code, full.headers.get('retry-after')]).toEqual([429, 'BACKLOG_FULL', '10'])
    await queue.rapidfire.processPendingBatches(() => {})
    const behind = await read(await webhook(post(message(4))))
    expect([behind.status, behind.body.code, behind.headers.get('retry-after')]).toEqual([429, 'RATE_LIMITED', '10'])
    for (const n of [3, 4]) expect(await status(webhook(post(message(n))))).toBe(200)
    expect([await stored(), await line()]).toEqual([[3, 4], null])
  })

  it('are stored in the order in which they came, also when it takes longer to decide on the first', async () => {
    const [asked, answered] = [new EventEmitter(), new EventEmitter()]
    const slow = {
      queue: 'whatsapp',
      addMessages: (messages: any) => queue.rapidfire.addMessages(messages),
      peek: async () => {
        asked.emit('peek')
        await once(answered, 'peek')
        return { size: 0 }
      },
    } as unknown as MessageQueue<any>
    const webhook = createWebhook<any>(slow, {
      redis: queue.redis,
      unsigned: ['generic'],
      rateLimit: { newConversations: { points: 5, duration: 60 } },
    })
    await queue.redis.set(`${RATE}:new:generic`, 5, 'EX', 60)
    const isAsked = once(asked, 'peek')
    const first = status(webhook(post(message(1))))
    await isAsked
    await endLimits()
    const second = status(webhook(post(message(2))))
    // Time enough to be stored before the first.
    await status(webhook(post(message(1, 'bob'))))
    answered.emit('peek')
    expect([await first, await second, await stored()]).toEqual([200, 200, [1, 2]])
  })

  it('do not wait for one that can never be stored', async () => {
    await queue.rapidfire.policy({ maxMessageBytes: 100 })
    const webhook = perConversation(1)
    await webhook(post(message(1)))
    const large = { ...message(2), data: 'x'.repeat(200) }
    expect(await status(webhook(post(large)))).toBe(429)
    await endLimits()
    expect(await status(webhook(post(large)))).toBe(413)
    await endLimits()
    expect(await status(webhook(post(message(3))))).toBe(200)
    expect(await stored()).toEqual([1, 3])
  })
})

describe('any mixture of requests, repeated in any order,', () => {
  const KEYS = ['ann', 'bob', 'cyd']
  const keys = fc.array(fc.constantFrom(...KEYS), { minLength: 1, maxLength: 4 })
  const step = fc.oneof(
    keys.map((keys) => ({ do: 'send' as const, keys })),
    fc.nat().map((which) => ({ do: 'repeat' as const, which })),
    fc.constant({ do: 'end' as const }),
  )

  it('leaves the messages of each conversation in the order in which they came first, and stores each once', async () => {
    const limits = fc.record({ opened: fc.integer({ min: 1, max: 3 }), requests: fc.integer({ min: 1, max: 3 }) })
    await fc.assert(
      fc.asyncProperty(limits, fc.array(step, { maxLength: 30 }), async ({ opened, requests }, steps) => {
        await queue.redis.flushdb()
        const limit = (points: number) => ({ points, duration: 60 })
        const webhook = limited({ newConversations: limit(opened), perConversation: limit(requests) })
        let refused: object[] = []
        const expected = new Map<string, number[]>(KEYS.map((key) => [key, []]))
        let last = 0
        const send = async (payload: object) => {
          refused = refused.filter((each) => each !== payload)
          if ((await status(webhook(post(payload)))) !== 200) refused.push(payload)
        }
        for (const each of steps) {
          if (each.do === 'end') await endLimits()
          else if (each.do === 'repeat')
            await Promise.all(
              refused
                .slice(each.which % (refused.length + 1))
                .slice(0, 1)
                .map(send),
            )
          else {
            const payload = each.keys.map((key) => message((last += 1), key))
            for (const { key, data } of payload) expected.get(key)?.push(data)
            await send(payload)
          }
        }
        for (let round = 0; refused.length > 0 && round < 200; round += 1) {
          await endLimits()
          for (const payload of [...refused].reverse()) await send(payload)
        }
        expect(await Promise.all(KEYS.map(stored))).toEqual(KEYS.map((key) => expected.get(key)))
        expect(await brokenLaws(queue.redis, 'rapid-fire:{whatsapp}')).toEqual([])
      }),
      { numRuns: 60 },
    )
  }, 60_000)
})
