import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { freePort } from '../../cli/demo/private-redis.ts'
import { RapidFire } from '../../src/rapidfire.ts'
import { eventually, start } from '../cli/processes.ts'
import { ended, useRedis } from '../support/redis.ts'
import { SECRET } from './receiver.ts'

/** A bot as a process. What it has got and what it has done it writes into a file, each before it answers; what it does with the first of a key goes by that. */
const BOT = `
import { createHmac } from 'node:crypto'
import { appendFileSync } from 'node:fs'
import { createServer } from 'node:http'
const [, , file, port] = process.argv
const note = (line) => appendFileSync(file, JSON.stringify(line) + '\\n')
createServer(async (request, response) => {
  let body = ''
  for await (const chunk of request.setEncoding('utf8')) body += chunk
  const { headers } = request
  const key = Buffer.from(process.env.SECRET.slice(6), 'base64')
  const mac = createHmac('sha256', key).update(headers['webhook-id'] + '.' + headers['webhook-timestamp'] + '.' + body).digest('base64')
  const batch = JSON.parse(body)
  const signed = headers['webhook-signature'] === 'v1,' + mac && headers['webhook-id'] === batch.id
  const delivery = { id: batch.id, key: batch.key, attempt: batch.attempt, texts: batch.messages.map(({ data }) => data.text), signed }
  note({ got: delivery })
  if (batch.attempt === 1 && delivery.texts[0].endsWith(' 0')) {
    if (batch.key === 'fails') return response.writeHead(500).end()
    if (batch.key === 'busy') return response.writeHead(429, { 'retry-after': '1' }).end()
    if (batch.key === 'dies') return setTimeout(() => process.kill(process.pid, 'SIGKILL'), 200)
    if (batch.key === 'closes') return response.destroy()
    if (batch.key === 'hangs') return
    if (batch.key === 'slow') await new Promise((resolve) => setTimeout(resolve, 300))
  }
  note({ done: delivery })
  response.end('{}')
}).listen(port, '127.0.0.1', () => process.send('ready'))
`

interface Delivery {
  id: string
  key: string
  attempt: number
  texts: string[]
  signed: boolean
}

const KEYS = ['fails', 'busy', 'dies', 'closes', 'hangs', 'slow', 'fine']
const EACH = 6

it('what a sender has posted reaches a receiver that fails, is slow and dies: nothing is lost, each batch has one id, and each key its order', async () => {
  const { url, redis } = await useRedis()
  await redis.flushall()
  const folder = await mkdtemp(join(tmpdir(), 'rapidfire-http-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const [script, file] = [join(folder, 'bot.mjs'), join(folder, 'deliveries.jsonl')]
  await Promise.all([writeFile(script, BOT), writeFile(file, '')])

  const botPort = await freePort()
  let bot: ChildProcess | undefined
  let stopped = false
  const startBot = async () => {
    const child = spawn(process.execPath, [script, file, String(botPort)], {
      env: { ...process.env, SECRET },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    bot = child
    child.once('exit', () => void (stopped || startBot()))
    await Promise.race([once(child, 'message'), once(child, 'exit')])
  }
  onTestFinished(async () => {
    stopped = true
    if (bot) await ended(bot, 'SIGKILL')
  })
  await startBot()

  const port = await freePort()
  const env = { REDIS_URL: url, RAPIDFIRE_QUEUE: 'bot', RAPIDFIRE_PORT: String(port), RAPIDFIRE_RECEIVER_SECRET: SECRET }
  const rapidfire = new RapidFire({ redis: url, queue: 'bot' })
  onTestFinished(() => rapidfire.close())
  await rapidfire.policy({ wait: 100, maxWait: 1000, maxSize: 4 })
  const to = `http://user:password@127.0.0.1:${botPort}/secret-path`
  const processes = [
    start(['serve', '--unsigned', 'generic', '--rate-limit', '0'], env),
    start(['work', '--to', to, '--timeout', '1000', '--attempts', '10'], env),
  ]
  await Promise.all(processes.map((each) => each.ready()))

  for (let n = 0; n < EACH; n += 1) {
    const posted = KEYS.map(async (key) => {
      const body = JSON.stringify({ key, id: `${key}-${n}`, data: { text: `${key} ${n}` } })
      const headers = { 'content-type': 'application/json' }
      const response = await fetch(`http://127.0.0.1:${port}/webhook/whatsapp/batched`, { method: 'POST', headers, body })
      expect(response.status).toBe(200)
    })
    await Promise.all(posted)
  }
  await eventually(async () => (await rapidfire.getStats()).messages === 0, 25_000)
  expect(await Promise.all(processes.map((each) => each.stop()))).toEqual([0, 0])
  expect(await rapidfire.getStats()).toMatchObject({ dead: 0, messages: 0 })

  const lines = (await readFile(file, 'utf8')).trim().split('\n')
  const of = (kind: 'got' | 'done') => lines.flatMap((line): Delivery[] => JSON.parse(line)[kind] ?? [])
  expect(of('got').filter(({ signed }) => !signed)).toEqual([])
  for (const key of KEYS) {
    const deliveries = of('got').filter((delivery) => delivery.key === key)
    // The same id has the same messages, and comes again before anything newer.
    const batches = new Map(deliveries.map(({ id, texts }) => [id, texts]))
    for (const { id, texts } of deliveries) expect(texts).toEqual(batches.get(id))
    expect(deliveries.map(({ id }) => [...batches.keys()].indexOf(id))).toEqual(
      deliveries.map(({ id }) => [...batches.keys()].indexOf(id)).sort((a, b) => a - b),
    )
    expect([...batches.values()].flat()).toEqual(Array.from({ length: EACH }, (_, n) => `${key} ${n}`))
    // Each was done. One whose answer the death of the bot has cut off is done twice.
    const done = new Map(of('done').map((delivery) => [delivery.id, delivery.texts]))
    for (const [id, texts] of batches) expect(done.get(id)).toEqual(texts)
    if (!['slow', 'fine'].includes(key)) expect(Math.max(...deliveries.map(({ attempt }) => attempt))).toBeGreaterThan(1)
  }
  const said = processes.map(({ stdout, stderr }) => stdout + stderr).join('')
  expect(said).toMatch(new RegExp(`http://127.0.0.1:${botPort} (answered 500|cannot be reached)`))
  expect(said).not.toMatch(/password|secret-path|fine 1/)
})
