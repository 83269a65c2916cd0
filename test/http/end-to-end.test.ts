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

/**
 * A bot as a process. What it has got and what it has done it writes into a file, each before it answers; what it does with a person's first
 * message goes by who that is. One it does not answer before all are posted, which a second file tells.
 */
const BOT = `
import { createHmac } from 'node:crypto'
import { appendFileSync, existsSync } from 'node:fs'
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
  const messages = batch.messages.map(({ id, data: { text, edits, withdraws } }) => ({ id, text, edits, withdraws }))
  const delivery = { id: batch.id, key: batch.key, attempt: batch.attempt, messages, signed }
  note({ got: delivery })
  const first = messages[0].id.endsWith('-0') && batch.messages[0].data.name
  if (first === 'hangs' && !existsSync(file + '.posted')) return
  if (batch.attempt === 1) {
    if (first === 'fails') return response.writeHead(500).end()
    if (first === 'busy') return response.writeHead(429, { 'retry-after': '1' }).end()
    if (first === 'dies') return setTimeout(() => process.kill(process.pid, 'SIGKILL'), 200)
    if (first === 'closes') return response.destroy()
    if (first === 'hangs') return
    if (first === 'slow') await new Promise((resolve) => setTimeout(resolve, 300))
  }
  note({ done: delivery })
  response.end('{}')
}).listen(port, '127.0.0.1', () => process.send('ready'))
`

interface Delivery {
  id: string
  key: string
  attempt: number
  messages: { id: string; text: string; edits?: string; withdraws?: string }[]
  signed: boolean
}

const PEOPLE = ['fails', 'busy', 'dies', 'closes', 'hangs', 'slow', 'fine']

/** What a person does with the messages that have these numbers, as Evolution API posts it. */
type Act = ['says' | 'edits' | 'withdraws', number]

/** After the first message. The sender repeats one of its posts. */
const ACTS: Act[] = [
  ['says', 1],
  ['says', 2],
  ['edits', 0],
  ['edits', 2],
  ['says', 3],
  ['says', 3],
  ['says', 4],
  ['withdraws', 4],
  ['says', 5],
]

function eventOf(who: string, [act, n]: Act) {
  const key = { remoteJid: `${who}@s.whatsapp.net`, fromMe: false, id: `${who}-${n}` }
  const message = { conversation: `${who} ${n}${act === 'edits' ? ' changed' : ''}` }
  const data = act === 'withdraws' ? { ...key, status: 'DELETED' } : { key, pushName: who, message, messageTimestamp: 1_749_416_383 + n }
  const event = { says: 'messages.upsert', edits: 'messages.edited', withdraws: 'messages.delete' }[act]
  return { event, instance: 'salon', data, sender: '15550783881@s.whatsapp.net' }
}

it('what Evolution API has posted reaches a receiver that fails, is slow and dies: nothing is lost, each batch has one id, and each key its order', async () => {
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
  const gateway = 'of-the-gateway'
  const env = {
    REDIS_URL: url,
    RAPIDFIRE_QUEUE: 'bot',
    RAPIDFIRE_PORT: String(port),
    RAPIDFIRE_GATEWAY_SECRET: gateway,
    RAPIDFIRE_RECEIVER_SECRET: SECRET,
  }
  const rapidfire = new RapidFire({ redis: url, queue: 'bot' })
  onTestFinished(() => rapidfire.close())
  await rapidfire.policy({ wait: 100, maxWait: 1000, maxSize: 4 })
  const to = `http://user:password@127.0.0.1:${botPort}/secret-path`
  const processes = [start(['serve', '--rate-limit', '0'], env), start(['work', '--to', to, '--timeout', '1000', '--attempts', '10'], env)]
  await Promise.all(processes.map((each) => each.ready()))

  const deliveries = async (kind: 'got' | 'done') => {
    const lines = (await readFile(file, 'utf8')).split('\n').slice(0, -1)
    return lines.flatMap((line): Delivery[] => JSON.parse(line)[kind] ?? [])
  }
  const post = async (who: string, act: Act) => {
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${gateway}` }
    const body = JSON.stringify(eventOf(who, act))
    const response = await fetch(`http://127.0.0.1:${port}/webhook/whatsapp/batched`, { method: 'POST', headers, body })
    expect(response.status).toBe(200)
    return { who, act, ...((await response.json()) as { added: number; duplicates: number; changed?: number }) }
  }
  const answers = await Promise.all(PEOPLE.map((who) => post(who, ['says', 0])))
  // Then what is done to the first message comes too late for its batch.
  await eventually(async () => new Set((await deliveries('got')).map(({ key }) => key)).size === PEOPLE.length, 25_000)
  for (const act of ACTS) answers.push(...(await Promise.all(PEOPLE.map((who) => post(who, act)))))
  await writeFile(`${file}.posted`, '')
  await eventually(async () => (await rapidfire.getStats()).messages === 0, 25_000)
  expect(await Promise.all(processes.map((each) => each.stop()))).toEqual([0, 0])
  expect(await rapidfire.getStats()).toMatchObject({ dead: 0, messages: 0 })

  const [got, done] = [await deliveries('got'), await deliveries('done')]
  expect(got.filter(({ signed }) => !signed)).toEqual([])
  for (const who of PEOPLE) {
    const ofKey = got.filter(({ key }) => key === `evolution:salon:${who}@s.whatsapp.net`)
    // The same id has the same messages, and comes again before anything newer.
    const batches = new Map(ofKey.map(({ id, messages }) => [id, messages]))
    for (const { id, messages } of ofKey) expect(messages).toEqual(batches.get(id))
    const order = ofKey.map(({ id }) => [...batches.keys()].indexOf(id))
    expect(order).toEqual([...order].sort((a, b) => a - b))
    // As many as were added, but for those that were taken away before a process had them.
    const told = [...batches.values()].flat()
    const counted = answers.filter((answer) => answer.who === who)
    for (const { added, duplicates, changed = 0 } of counted) expect(added + duplicates + changed).toBe(1)
    const takenAway = counted.filter(({ act: [act], changed }) => act === 'withdraws' && changed === 1).length
    expect(told).toHaveLength(counted.reduce((sum, { added }) => sum + added, 0) - takenAway)
    // What the bot knows in the end is what the person sees.
    const seen = new Map<string, string>()
    for (const { id, text, edits, withdraws } of told) {
      if (withdraws) seen.delete(withdraws)
      else seen.set(edits ?? id, text)
    }
    expect([...seen.values()]).toEqual(['0 changed', '1', '2 changed', '3', '5'].map((text) => `${who} ${text}`))
    // Each was done. One whose answer the death of the bot has cut off is done twice.
    const doneOf = new Map(done.map(({ id, messages }) => [id, messages]))
    for (const [id, messages] of batches) expect(doneOf.get(id)).toEqual(messages)
    if (!['slow', 'fine'].includes(who)) expect(Math.max(...ofKey.map(({ attempt }) => attempt))).toBeGreaterThan(1)
  }
  // The first batch of each was with the bot, and behind the one of `hangs` all waited.
  for (const { who, act, added, changed } of answers) {
    if (act[0] === 'edits' && act[1] === 0) expect([who, added]).toEqual([who, 1])
    else if (act[0] !== 'says' && who === 'hangs') expect([act, changed]).toEqual([act, 1])
  }
  const said = processes.map(({ stdout, stderr }) => stdout + stderr).join('')
  expect(said).toMatch(new RegExp(`http://127.0.0.1:${botPort} (answered 500|cannot be reached)`))
  expect(said).not.toMatch(/password|secret-path|fine 1|of-the-gateway/)
})
