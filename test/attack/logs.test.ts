import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { expect, it, onTestFinished } from 'vitest'
import { startRedis } from '../../cli/demo/private-redis.ts'
import { RapidFire } from '../../src/rapidfire.ts'
import { eventually, type Running, start } from '../cli/processes.ts'
import { cloudPayload, cloudText, cloudValue } from '../webhook/fixtures.ts'
import { sign } from '../webhook/webhook.ts'

/** Whoever reads the logs, or the list of processes, learns no password and nothing of people. */
const PASSWORD = 'h0rse-battery'
const SECRET = 'of-our-own'
const KEY = '79001234567'
const TEXT = 'Запишите меня'
const PATH = '/webhook/whatsapp/batched'

async function guardedServer() {
  const server = await startRedis([], { password: PASSWORD })
  const redis = new Redis(server.url)
  redis.on('error', () => {})
  onTestFinished(async () => {
    redis.disconnect()
    await server.stop()
  })
  return { server, redis }
}

const expectSilent = ({ stdout, stderr }: Running) => {
  const shown = [PASSWORD, SECRET, KEY, TEXT].filter((secret) => `${stdout}${stderr}`.includes(secret))
  expect([shown, stdout]).toEqual([[], stdout])
}

it('serve and work log nothing of people on any path, at any level', async () => {
  const { server, redis } = await guardedServer()
  const env = { REDIS_URL: server.url, RAPIDFIRE_QUEUE: 'salon', RAPIDFIRE_LOG_LEVEL: 'debug' }
  const secrets = { RAPIDFIRE_SENDER_SECRET: SECRET, RAPIDFIRE_APP_SECRET: SECRET, RAPIDFIRE_STATS_TOKEN: SECRET }
  const serve = await start(['serve', '--port', '0', '--conversation-limit', '3'], { ...env, ...secrets }).ready()
  const { port } = (await eventually(() => serve.lines.find(({ msg }) => msg === 'listening'))) as { port: number }
  const url = `http://127.0.0.1:${port}${PATH}`
  const post = async (body: string, secret = SECRET) => {
    const headers = { 'content-type': 'application/json', 'x-hub-signature-256': sign(body, secret) }
    return (await fetch(url, { method: 'POST', body, headers })).status
  }
  const message = (fields = {}) => JSON.stringify({ key: KEY, id: `wamid.${KEY}`, data: { text: TEXT }, ...fields })
  const list = `rapid-fire:{salon}:messages:${KEY}`

  // What is taken, and taken once.
  expect([await post(message()), await post(message())]).toEqual([200, 200])
  expect(await post(JSON.stringify(cloudPayload(cloudValue([cloudText(0)]))))).toBe(200)
  // What is refused: by its proof, its form, its size, its key, its rate.
  expect(await post(message(), 'x')).toBe(401)
  expect([await post(`{"key":"${KEY}","data":"${TEXT}`), await post(JSON.stringify({ [KEY]: TEXT }))]).toEqual([400, 400])
  expect(await post(message({ key: KEY.repeat(100) }))).toBe(400)
  expect(await post(message({ id: '2', data: TEXT.repeat(20_000) }))).toBe(413)
  const statuses: number[] = []
  for (let n = 0; n < 6; n += 1) statuses.push(await post(message({ id: `${n} of ${KEY}` })))
  expect(statuses).toContain(429)
  expect((await fetch(`${url}/${KEY}?text=${TEXT}`)).status).toBe(404)
  // What fails: a list that is none, and a limiter whose counters are none.
  await redis.flushall()
  await redis.set(list, TEXT)
  expect(await post(message({ id: '3' }))).toBe(500)
  await redis.flushall()

  const folder = await mkdtemp(join(tmpdir(), 'rapidfire-logs-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const handler = join(folder, 'handler.mjs')
  await writeFile(handler, 'export default async ({ attempt }) => { if (attempt < 3) throw new Error("no") }')
  const work = await start(['work', handler, '--attempts', '2'], env).ready()
  const rapidfire = new RapidFire({ redis: server.url, queue: 'salon' })
  onTestFinished(() => rapidfire.close({ timeout: 0 }))
  for (const key of [KEY, `${KEY}0`]) await rapidfire.addMessage(key, { text: TEXT }, { id: `wamid.${KEY}`, flush: true })
  await eventually(() => work.lines.some(({ msg }) => msg === 'dead'))
  // Somebody else's list, and a lease that is lost.
  await redis.set(list, TEXT)
  await redis.zadd('rapid-fire:{salon}:due', 1, KEY)
  // Redis refuses the password, and goes.
  await redis.config('SET', 'requirepass', 'another')
  await redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'no').catch(() => {})
  await eventually(() =>
    [serve, work].every(({ lines }) => lines.some(({ msg, error }) => msg === 'error' && /WRONGPASS|NOAUTH/.test(error))),
  )
  await server.stop()
  await eventually(() => work.lines.some(({ msg, error }) => msg === 'error' && /ECONN/.test(error)))
  expect([await post(message({ id: '4' }))]).toEqual([503])
  for (const each of [serve, work]) expectSilent(each)
}, 60_000)
