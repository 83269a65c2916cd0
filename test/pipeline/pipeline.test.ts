import { createHmac } from 'node:crypto'
import { Worker } from 'bullmq'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { freePort } from '../../cli/demo/private-redis.ts'
import { RapidFire } from '../../src/rapidfire.ts'
import { eventually, type Running, start } from '../cli/processes.ts'
import { type TestRedis, useRedis } from '../support/redis.ts'
import { cloudPayload, cloudText, cloudValue, TEXTS, venomText } from '../webhook/fixtures.ts'

const PATH = '/webhook/whatsapp/batched'
const QUEUE = 'whatsapp'

let server: TestRedis
let port: number
let env: Record<string, string>
const closing: (() => Promise<unknown>)[] = []

beforeAll(async () => {
  server = await useRedis()
})

beforeEach(async () => {
  await server.redis.flushall()
  port = await freePort()
  env = { REDIS_URL: server.url, RAPIDFIRE_QUEUE: QUEUE, RAPIDFIRE_PORT: String(port), RAPIDFIRE_RATE_LIMIT: '0' }
})

afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

const post = (body: unknown, headers: Record<string, string> = {}) =>
  fetch(`http://127.0.0.1:${port}${PATH}`, {
    method: 'POST',
    body: typeof body === 'string' ? body : JSON.stringify(body),
    headers: { 'content-type': 'application/json', ...headers },
  })

/** Stores how long a conversation has to be quiet. */
async function quiet(wait: number): Promise<RapidFire> {
  const rapidfire = new RapidFire({ redis: server.url, queue: QUEUE, policy: { wait, maxWait: 10 * wait, maxSize: 10 } })
  await rapidfire.policy()
  closing.push(() => rapidfire.close())
  return rapidfire
}

interface Job {
  text: string
  messages: { id: string; data: { text: string } }[]
}

/** The jobs that a worker of BullMQ gets. */
function jobs(): Job[] {
  const got: Job[] = []
  const worker = new Worker('messages', async ({ data }) => void got.push(data), { connection: { url: server.url } })
  worker.on('error', () => {})
  closing.push(() => worker.close())
  return got
}

const drained = (rapidfire: RapidFire) => eventually(async () => (await rapidfire.getStats()).messages === 0)

const MERGED = TEXTS.join(' ')

describe('webhook to BullMQ', () => {
  it("makes one job of the demo's four messages, posted in venom-bot's form with gaps", async () => {
    const rapidfire = await quiet(1000)
    const got = jobs()
    const processes = [start(['serve', '--unsigned', 'whatsapp-web'], env), start(['work', '--to', 'bullmq:messages'], env)]
    await Promise.all(processes.map((each) => each.ready()))
    for (let n = 0; n < 4; n += 1) {
      expect((await post(venomText(n))).status).toBe(200)
      await new Promise((resolve) => setTimeout(resolve, 30))
    }
    await eventually(() => got.length > 0)
    await drained(rapidfire)
    expect(got.map(({ text, messages }) => [text, messages.length])).toEqual([[MERGED, 4]])
    expect(await Promise.all(processes.map((each) => each.stop()))).toEqual([0, 0])
    expect(got).toHaveLength(1)
  })

  it('makes one job of a signed payload of the Cloud API with each message three times and out of order', async () => {
    const rapidfire = await quiet(1000)
    const got = jobs()
    await start(['serve'], { ...env, RAPIDFIRE_APP_SECRET: 'app secret' }).ready()
    await start(['work', '--to', 'bullmq:messages'], env).ready()
    const order = [2, 0, 3, 1, 1, 2, 0, 3, 0, 3, 1, 2]
    const body = JSON.stringify(
      cloudPayload(cloudValue(order.slice(0, 5).map((n) => cloudText(n))), cloudValue(order.slice(5).map((n) => cloudText(n)))),
    )
    const signed = (secret: string) => ({ 'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}` })
    expect((await post(body, signed('another'))).status).toBe(401)
    expect((await rapidfire.getStats()).messages).toBe(0)
    for (let n = 0; n < 3; n += 1) expect((await post(body, signed('app secret'))).status).toBe(200)
    await eventually(() => got.length > 0)
    await drained(rapidfire)
    expect(got).toHaveLength(1)
    expect(got[0]?.messages.map(({ id }) => id).sort()).toEqual([0, 1, 2, 3].map((n) => cloudText(n).id))
    expect(got[0]?.messages.map(({ data }) => data.text).sort()).toEqual([...TEXTS].sort())
  })
})

describe('webhook to stream', () => {
  it('loses nothing that was answered 200 and doubles nothing, whichever process is killed and when', { timeout: 120_000 }, async () => {
    const rapidfire = await quiet(20)
    const commands = { serve: ['serve', '--unsigned', 'generic'], forward: ['forward', 'batches'] }
    const now: Record<keyof typeof commands, Running> = { serve: start(commands.serve, env), forward: start(commands.forward, env) }
    await Promise.all([now.serve.ready(), now.forward.ready()])

    let posting = true
    const accepted = new Set<string>()
    /** Sends each message until it is stored, as providers do. */
    const sender = async (key: string) => {
      for (let n = 0; posting; n += 1) {
        const id = `${key}.${n}`
        await eventually(async () => {
          const response = await post({ key, id, data: { text: id } }).catch(() => undefined)
          await response?.text().catch(() => {})
          return response?.status === 200
        })
        accepted.add(id)
      }
    }
    const senders = Array.from({ length: 6 }, (_, n) => sender(`79${n}`))
    let kills = 0
    for (const victims of [
      ['forward'],
      ['serve'],
      ['forward', 'serve'],
      ['forward'],
      ['serve', 'forward'],
      ['forward'],
      ['serve'],
    ] as const) {
      const before = accepted.size
      await eventually(() => accepted.size > before + 20 + Math.random() * 100)
      await Promise.all(victims.map((name) => now[name].kill()))
      kills += victims.length
      for (const name of victims) now[name] = start(commands[name], env)
      await Promise.all(victims.map((name) => now[name].ready()))
    }
    posting = false
    await Promise.all(senders)
    await drained(rapidfire)
    expect(await Promise.all([now.serve.stop(), now.forward.stop()])).toEqual([0, 0])

    const entries = (await server.redis.xrange(`rapid-fire:{${QUEUE}}:stream:batches`, '-', '+')).map(([, flat]) => ({
      id: flat[flat.indexOf('id') + 1] as string,
      key: flat[flat.indexOf('key') + 1] as string,
      texts: flat.flatMap((name, n) => (n % 2 === 0 && name.startsWith('data:') ? [JSON.parse(flat[n + 1] as string).text as string] : [])),
    }))
    expect(kills).toBe(9)
    expect(new Set(entries.map(({ id }) => id)).size).toBe(entries.length)
    const arrived = entries.flatMap(({ texts }) => texts)
    expect(arrived.length).toBeGreaterThan(140)
    expect(arrived.slice().sort()).toEqual([...accepted].sort())
    for (let n = 0; n < 6; n += 1) {
      const numbers = entries.filter(({ key }) => key === `79${n}`).flatMap(({ texts }) => texts.map((text) => Number(text.split('.')[1])))
      expect(numbers).toEqual(numbers.map((_, at) => at))
    }
  })
})
