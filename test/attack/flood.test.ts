import { expect, it } from 'vitest'
import { createWebhook } from '../../src/webhook/index.ts'
import * as given from '../webhook/fixtures.ts'
import { post, read, useQueue } from '../webhook/webhook.ts'

/** Meta puts the messages of several people into one payload, and sends it again until it is answered 200. One who floods must not make others wait. */
const queue = useQueue()

const PHONE = '106540352242922'
const [FLOODER, ANN, BOB] = ['79001234567', '79007654321', '16505551234']
const keyOf = (from: string) => `whatsapp:${PHONE}:${from}`
const MANY = 40

let serial = 0
const message = (from: string, body = `of ${from}`) => ({ ...given.cloudText(0, from), id: `wamid.${from}.${++serial}`, text: { body } })
const flood = (body?: string) => Array.from({ length: MANY }, () => message(FLOODER as string, body))
const sizes = () => Promise.all([FLOODER, ANN, BOB].map(async (from) => (await queue.rapidfire.peek(keyOf(from as string))).size))

function webhookWith(perConversation: { points: number; duration: number } | false = false) {
  const webhook = createWebhook<any>(queue.rapidfire, { redis: queue.redis, unsigned: ['whatsapp'], rateLimit: { perConversation } })
  return async (...messages: unknown[]) => {
    const { status, body } = await read(await webhook(post(given.cloudPayload(given.cloudValue(messages)))))
    return [status, body.code]
  }
}

it.each(['in front', 'behind', 'in between'])('who writes too often, %s', async (where) => {
  const send = webhookWith({ points: 1, duration: 60 })
  expect(await send(message(FLOODER as string))).toEqual([200, undefined])
  const others = [message(ANN as string), message(BOB as string)]
  const payload =
    where === 'in front' ? [...flood(), ...others] : where === 'behind' ? [...others, ...flood()] : [others[0], ...flood(), others[1]]
  for (let time = 0; time < 3; time += 1) {
    expect(await send(...payload)).toEqual([429, 'RATE_LIMITED'])
    expect(await sizes()).toEqual([1, 1, 1])
  }
})

it('whose conversation is full', async () => {
  await queue.rapidfire.policy({ maxSize: 2, maxBacklog: 2 })
  const send = webhookWith()
  const payload = [...flood(), message(ANN as string), message(BOB as string)]
  for (let time = 0; time < 3; time += 1) {
    expect((await send(...payload))[0]).toBe(429)
    expect(await sizes()).toEqual([2, 1, 1])
  }
  // What the others write next is taken at once, beside more of the flood.
  expect((await send(...flood(), message(ANN as string)))[0]).toBe(429)
  expect(await sizes()).toEqual([2, 2, 1])
})

it('who writes more than a message may have', async () => {
  await queue.rapidfire.policy({ maxMessageBytes: 3000 })
  const send = webhookWith()
  await send(...flood('x'.repeat(4000)), message(ANN as string), message(BOB as string))
  expect((await sizes()).slice(1)).toEqual([1, 1])
})

it('whose list is none', async () => {
  await queue.redis.set(`rapid-fire:{whatsapp}:messages:${keyOf(FLOODER as string)}`, 'theirs')
  const send = webhookWith()
  const webhook = await send(message(ANN as string), ...flood(), message(BOB as string))
  expect(webhook[0]).toBe(500)
  await queue.redis.del(`rapid-fire:{whatsapp}:messages:${keyOf(FLOODER as string)}`)
  expect(await sizes()).toEqual([0, 1, 1])
})

it('opens so many conversations that no more may be opened: those that are open do not wait', async () => {
  const webhook = createWebhook<any>(queue.rapidfire, {
    redis: queue.redis,
    unsigned: ['whatsapp'],
    rateLimit: { newConversations: { points: 3, duration: 60 } },
  })
  const send = async (...messages: unknown[]) => (await webhook(post(given.cloudPayload(given.cloudValue(messages))))).status
  expect(await send(message(ANN as string))).toBe(200)
  const strangers = Array.from({ length: MANY }, (_, n) => message(`4915${n}`))
  expect(await send(...strangers, message(ANN as string))).toBe(429)
  expect((await sizes())[1]).toBe(2)
})
