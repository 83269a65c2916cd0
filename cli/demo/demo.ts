import { type ChildProcess, fork } from 'node:child_process'
import { createHmac, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { styleText } from 'node:util'
import { Redis } from 'ioredis'
import { joinText } from '../../src/batches/batch.ts'
import { RapidFire } from '../../src/rapidfire.ts'
import { NO_RETRY } from '../terminal/connection.ts'
import { CliError } from '../terminal/errors.ts'
import { formatBar, formatStats } from '../terminal/format.ts'
import { needed } from '../terminal/needed.ts'
import { ANSWER, CONVERSATION, LANGUAGES, MERGED, type Said } from './conversation.ts'
import { ended, endTogether, freePort, startRedis } from './private-redis.ts'

const WAIT = 10_000
const QUEUE = 'demo'
const STREAM = 'batches'
const CHAT = '79001234567@c.us'
const OWN = '15550783881@c.us'
const KEY = `whatsapp-web:${OWN}:${CHAT}`
const WIDEST = Math.max(...CONVERSATION.flatMap(({ text, gloss }) => [text.length, gloss.length]))
/** The column in which what was said begins. */
const INDENT = ' '.repeat(9)
const FRAME = 50
/** Made up for this run: nobody else can post into it. */
const SECRETS = { RAPIDFIRE_SENDER_SECRET: randomUUID(), RAPIDFIRE_STATS_TOKEN: randomUUID() }
const NO_LIMIT = { RAPIDFIRE_RATE_LIMIT: '0', RAPIDFIRE_CONVERSATION_LIMIT: '0' }

export interface DemoOptions {
  /** How many times faster than in life. */
  speed: number
  lang: keyof typeof LANGUAGES
}

/** A batch as it stands in the stream. */
interface HandedOver {
  text: string
  messages: number
  openedAt: number
  deadline: number
}

/** Starts what the demo needs, and ends it however the demo ends. */
export async function run({ speed, lang }: DemoOptions, stop: AbortController): Promise<void> {
  await needed('the demo', '@hono/node-server hono', () => import('@hono/node-server'))
  const server = await startRedis().catch((error: Error) => {
    throw new CliError(error.message)
  })
  const children: ChildProcess[] = []
  let release = () => {}
  const client = new Redis(server.url, NO_RETRY)
  client.on('error', () => {})
  try {
    stop.signal.throwIfAborted()
    const policy = { wait: Math.round(WAIT / speed), maxWait: Math.round((6 * WAIT) / speed) }
    const rapidfire = new RapidFire<{ text: string }>({ redis: client, queue: QUEUE, policy })
    await rapidfire.policy()
    const port = await freePort()
    const env = { ...process.env, REDIS_URL: server.url, RAPIDFIRE_QUEUE: QUEUE, RAPIDFIRE_PORT: String(port), ...NO_LIMIT, ...SECRETS }
    const gone = () => stop.abort(new CliError('the webhook or the worker of the demo has ended'))
    const start = (...args: string[]) => {
      // The program that runs: it may be the TypeScript itself.
      const child = fork(process.argv[1] as string, args, { env, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
      children.push(child.once('exit', gone))
      return child
    }
    const [webhook, worker] = [start('serve'), start('work', '--to', `stream:${STREAM}`)]
    release = endTogether(children.map((child) => child.pid))
    await Promise.all([webhook, worker].map((child) => once(child, 'message', { signal: stop.signal })))
    await play(rapidfire, client, `http://127.0.0.1:${port}`, { speed, lang }, policy, stop.signal)
  } finally {
    release()
    for (const child of children) child.removeAllListeners('exit')
    await Promise.all(children.map((child) => ended(child, 'SIGTERM')))
    client.disconnect()
    await server.stop()
  }
}

/** Tells the conversation twice, without batching and with it. */
async function play(
  rapidfire: RapidFire<{ text: string }>,
  client: Redis,
  server: string,
  { speed, lang }: DemoOptions,
  policy: { wait: number; maxWait: number },
  signal: AbortSignal,
): Promise<void> {
  const words = LANGUAGES[lang]
  const webhook = `${server}/webhook/whatsapp/batched`
  // A line that is written again and again must fit into one row.
  const live = process.stdout.isTTY && process.stdout.columns >= 76
  const line = (text = '') => process.stdout.write(`${live ? '\r\x1b[2K' : ''}${text}\n`)
  const dim = (text: string) => styleText('dim', text)
  /** Seconds of the conversation: those of the clock times `speed`. */
  const seconds = (ms: number, digits = 0) => `${((ms * speed) / 1000).toFixed(digits)} ${words.seconds}`
  const at = (ms: number) => dim(seconds(ms).padStart(7))
  const gloss = (text: string) => words.glossed && line(dim(text))
  const answered = (text: string) => `${dim('->')}  ${text}`
  const said = ({ text, gloss: meaning }: Said, paint = (text: string) => text, lead = '') => {
    line(`${INDENT}${lead && answered('')}${paint(text)}`)
    gloss(`${INDENT}${' '.repeat(lead.length)}${meaning}`)
    line()
  }

  line(`\n${words.about(speed)}`)
  line(styleText('bold', `\n${words.without}\n`))
  for (const { at: sent, text, gloss: meaning, answer } of CONVERSATION) {
    line(`${at(sent / speed)}  ${text.padEnd(WIDEST)}  ${answered(answer.text)}`)
    gloss(`${INDENT}${meaning.padEnd(WIDEST + 6)}${answer.gloss}`)
  }
  line(styleText('bold', `\n${words.with}\n`))
  line(dim(`  webhook ${server}  ->  Redis  ->  worker  ->  stream ${STREAM}\n`))

  /** The batch as it fills: how far its deadline is. */
  const progress = async () => {
    const { now, deadline = now, count } = await rapidfire.peek(KEY)
    const left = Math.max(deadline - now, 0)
    const bar = live ? `${formatBar(1 - left / policy.wait, 24)}  ` : ''
    return `${INDENT}${dim(`${bar}${words.waiting(count, seconds(left, 1))}`)}`
  }
  let batch: HandedOver | undefined
  /** Passes the time until `end`, or until the batch is handed over. */
  const watch = async (end: number) => {
    while (!batch && Date.now() < end) {
      if (live) process.stdout.write(`\r\x1b[2K${await progress()}`)
      await sleep(Math.max(Math.min(FRAME, end - Date.now()), 0), undefined, { signal })
    }
  }

  // The first request loads the library; the conversation should not wait for it.
  await fetch(`${webhook}/stats`, { headers: { authorization: `Bearer ${SECRETS.RAPIDFIRE_STATS_TOKEN}` } })
  const handedOver = nextEntry(client).then((entry) => (batch = entry))
  /** When the first message was received: the times that are printed count from there. */
  let start = Date.now()
  for (const [n, { at: sent, text, gloss: meaning }] of CONVERSATION.entries()) {
    await watch(start + sent / speed)
    await post(webhook, text, n + 1)
    const { messages } = await rapidfire.peek(KEY)
    start = messages[0]?.receivedAt ?? start
    const elapsed = (messages.at(-1)?.receivedAt ?? start) - start
    line(`${at(elapsed)}  ${words.glossed ? `${text.padEnd(WIDEST)}  ${dim(meaning)}` : text}`)
    if (!live) line(await progress())
  }
  await watch(start + policy.maxWait + 5000)
  if (!batch) throw new CliError('the batch has not been handed over')
  await handedOver

  const stats = await rapidfire.getStats()
  const { text, messages, openedAt, deadline } = batch
  line(`${at(deadline - openedAt)}  ${words.done(messages, stats.lateness.max)}\n`)
  if (text !== MERGED.text) throw new CliError(`the text should have been: ${MERGED.text}`)
  said(MERGED, (text) => styleText('bold', styleText('green', text)))
  said(ANSWER, undefined, '->  ')
  line(`${words.stats}\n`)
  line(`${formatStats(stats, styleText)}\n`)
  line(words.next)
}

/** Sends a message as venom-bot has it. */
async function post(webhook: string, text: string, n: number): Promise<void> {
  const message = {
    id: `false_${CHAT}_${n}`,
    from: CHAT,
    to: OWN,
    type: 'chat',
    body: text,
    t: Math.floor(Date.now() / 1000),
    isGroupMsg: false,
  }
  const body = JSON.stringify(message)
  const signature = createHmac('sha256', SECRETS.RAPIDFIRE_SENDER_SECRET).update(body).digest('hex')
  const headers = { 'content-type': 'application/json', 'x-hub-signature-256': `sha256=${signature}` }
  const response = await fetch(webhook, { method: 'POST', headers, body })
  if (!response.ok) throw new CliError(`the webhook answers ${response.status}: ${await response.text()}`)
}

/** The first entry of the stream, asked for until it is there. */
async function nextEntry(client: Redis): Promise<HandedOver | undefined> {
  while (client.status === 'ready') {
    const [entry] = await client.xrange(`rapid-fire:{${QUEUE}}:stream:${STREAM}`, '-', '+', 'COUNT', 1).catch(() => [])
    if (entry) {
      const fields = new Map(Array.from({ length: entry[1].length / 2 }, (_, n) => [entry[1][2 * n], entry[1][2 * n + 1]]))
      const count = Number(fields.get('count'))
      const messages = Array.from({ length: count }, (_, n) => ({
        data: JSON.parse(fields.get(`data:${n + 1}`) ?? 'null') as { text: string },
      }))
      return {
        text: joinText({ messages }),
        messages: count,
        openedAt: Number(fields.get('openedAt')),
        deadline: Number(fields.get('deadline')),
      }
    }
    await sleep(20)
  }
  return undefined
}
