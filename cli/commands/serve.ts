import { EventEmitter } from 'node:events'
import type { Server } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Command, Option } from 'commander'
import type { Cluster, Redis } from 'ioredis'
import { RapidfireError } from '../../src/errors.ts'
import type { ProcessEvents, WebhookEvents } from '../../src/events.ts'
import { renderMetrics, WebhookMetrics } from '../../src/metrics/index.ts'
import { RapidFire } from '../../src/rapidfire.ts'
import type { ChatMessage, RateLimits, Source, Webhook } from '../../src/webhook/index.ts'
import { servedSources } from '../../src/webhook/served.ts'
import { SECRETS as PROOF_SECRETS, type Secrets } from '../../src/webhook/trust.ts'
import { openClient } from '../terminal/connection.ts'
import { CliError, UsageError } from '../terminal/errors.ts'
import { logEvents, loggerOf } from '../terminal/log.ts'
import { needed } from '../terminal/needed.ts'
import { integerOption } from '../terminal/options.ts'
import { addRunOptions, type RunOptions, untilSignal } from '../terminal/run.ts'
import { answerScrape, readers, STATS_TOKEN } from '../terminal/scrape.ts'
import { createBoundedServer } from '../terminal/server.ts'
import { answerHealth } from './health.ts'

type Webhooks = typeof import('../../src/webhook/index.ts')

interface ServeOptions extends RunOptions {
  port: number
  host: string
  path: string
  group: 'chat' | 'sender'
  rateLimit: number
  conversationLimit: number
  maxBytes: number
  flushOn: string[]
  source?: string[]
  unsigned: string[]
  account?: string
  publicUrl?: string
  vkConfirmation?: string
  reactions?: boolean
  raw?: boolean
}

/** Secrets are in no flag, since others can see a command line. */
const SECRETS = {
  ...Object.fromEntries(Object.entries(PROOF_SECRETS).map(([proof, name]) => [name, `RAPIDFIRE_${proof.toUpperCase()}_SECRET`])),
  verifyToken: 'RAPIDFIRE_VERIFY_TOKEN',
  statsToken: STATS_TOKEN,
} as Readonly<Record<keyof Secrets | 'verifyToken' | 'statsToken', string>>

/** How long a call of Redis may take before the sender is told to send again, ms. */
const TIMEOUT = 2000

const HELP = `
Sources, and the variable with the secret that serves each;
one at least is needed:
  whatsapp      RAPIDFIRE_APP_SECRET, and for Meta to verify
                the address RAPIDFIRE_VERIFY_TOKEN
  telegram      RAPIDFIRE_TELEGRAM_SECRET
  whatsapp-web  RAPIDFIRE_SENDER_SECRET
                (venom-bot, whatsapp-web.js)
  baileys       RAPIDFIRE_SENDER_SECRET
  generic       RAPIDFIRE_SENDER_SECRET (your own senders)
  evolution     RAPIDFIRE_GATEWAY_SECRET (Evolution API)
  waha          RAPIDFIRE_GATEWAY_SECRET
  messenger     RAPIDFIRE_APP_SECRET
  instagram     RAPIDFIRE_APP_SECRET
  twilio        RAPIDFIRE_TWILIO_SECRET, and
                RAPIDFIRE_PUBLIC_URL
  slack         RAPIDFIRE_SLACK_SECRET
  vk            RAPIDFIRE_VK_SECRET, and for VK to confirm
                the address RAPIDFIRE_VK_CONFIRMATION
  viber         RAPIDFIRE_VIBER_SECRET
  line          RAPIDFIRE_LINE_SECRET
  max           RAPIDFIRE_MAX_SECRET
  wppconnect    RAPIDFIRE_GATEWAY_SECRET
  open-wa       RAPIDFIRE_GATEWAY_SECRET
  chatwoot      RAPIDFIRE_GATEWAY_SECRET
  whatsapp-relay
                RAPIDFIRE_GATEWAY_SECRET
RAPIDFIRE_STATS_TOKEN is the token of the statistics and
metrics.`

export function serve(program: Command): void {
  const command = program
    .command('serve')
    .summary('receive messages: a webhook for chat platforms, own senders')
    .description(
      'Stores what chat platforms or own senders post. It answers POST <path>, GET <path>/stats, GET /metrics, /healthz and /readyz.',
    )
    .addOption(integerOption('--port <port>', 'port', 'RAPIDFIRE_PORT', { least: 0, most: 65_535, default: 3000 }))
    .addOption(new Option('--host <host>', 'address to listen on').env('RAPIDFIRE_HOST').default('127.0.0.1'))
    .addOption(new Option('--path <path>', 'of the webhook').env('RAPIDFIRE_PATH').default('/webhook/whatsapp/batched'))
    .addOption(
      new Option('--group <by>', 'conversation in a group chat').env('RAPIDFIRE_GROUP').choices(['chat', 'sender']).default('chat'),
    )
    .addOption(
      integerOption(
        '--rate-limit <n>',
        'new conversations a second of one source, 0 for no limit; an open one is not refused by it',
        'RAPIDFIRE_RATE_LIMIT',
        { least: 0, most: 1_000_000, default: 100 },
      ),
    )
    .addOption(
      integerOption('--conversation-limit <n>', 'requests a second for one conversation, 0 for no limit', 'RAPIDFIRE_CONVERSATION_LIMIT', {
        least: 0,
        most: 1_000_000,
        default: 0,
      }),
    )
    .addOption(integerOption('--max-bytes <n>', 'largest body', 'RAPIDFIRE_MAX_BYTES', { least: 1, most: 104_857_600, default: 3_145_728 }))
    .addOption(new Option('--flush-on <text...>', 'texts that close a batch at once, such as stop').default([]))
    .addOption(new Option('--source <source...>', 'serve only these, of those that have a secret or are unsigned'))
    .addOption(new Option('--unsigned <source...>', 'take what is posted by these without proof: whoever reaches the port may').default([]))
    .addOption(new Option('--account <name>', 'your bot or number, in the keys: when several share the queue').env('RAPIDFIRE_ACCOUNT'))
    .addOption(new Option('--public-url <url>', 'the address that Twilio was given, to the letter').env('RAPIDFIRE_PUBLIC_URL'))
    .addOption(new Option('--vk-confirmation <code>', 'what VK wants to hear from the address').env('RAPIDFIRE_VK_CONFIRMATION'))
    .addOption(new Option('--reactions', 'take reactions as messages').env('RAPIDFIRE_REACTIONS'))
    .addOption(new Option('--raw', 'keep what the platform sent in data.raw').env('RAPIDFIRE_RAW'))
  addRunOptions(command).addHelpText('after', HELP).action(run)
}

async function run(options: ServeOptions): Promise<void> {
  if (/^\/(metrics|healthz|readyz)$/.test(options.path))
    throw new UsageError(`--path must not be ${options.path}, which is answered otherwise`)
  const { getRequestListener } = await needed('the webhook', '@hono/node-server hono', () => import('@hono/node-server'))
  const rateLimit = limitsOf(options)
  // What the webhook loads by itself is asked for here, so that it does not start without.
  if (rateLimit) await needed('a limit', 'rate-limiter-flexible', () => import('rate-limiter-flexible'))
  const webhooks = await import('../../src/webhook/index.ts')
  const secrets = secretsOf(process.env)
  const [events, requests] = [new EventEmitter<ProcessEvents>(), new EventEmitter<WebhookEvents>()]
  logEvents(loggerOf(options), [events, requests])
  const redis = openClient(options.redis, options.cluster === true)
  redis.on('error', (error: Error) => events.emit('error', error))
  const rapidfire = new RapidFire<ChatMessage>({ redis, queue: options.queue })
  const flushOn = new Set(options.flushOn.map((text) => text.trim().toLowerCase()))
  const { sources, unsigned } = inWords(() =>
    servedSources(namedSources(webhooks, options), { secrets, unsigned: options.unsigned, named: options.source !== undefined }),
  )
  const webhook: Webhook = inWords(() =>
    webhooks.createWebhook<ChatMessage>(rapidfire, {
      ...secrets,
      redis,
      path: options.path,
      sources,
      unsigned,
      timeout: TIMEOUT,
      maxBytes: options.maxBytes,
      rateLimit,
      events: requests,
      ...(options.publicUrl === undefined ? {} : { publicUrl: options.publicUrl }),
      ...(flushOn.size > 0 ? { rules: ({ data }) => ({ flush: flushOn.has(data.text?.trim().toLowerCase() ?? '') }) } : {}),
    }),
  )
  const listener = getRequestListener(webhook)
  const metrics = new WebhookMetrics(options.queue, requests)
  const mayRead = readers(sources.every(({ name }) => unsigned.includes(name)))
  const figures = async () => {
    if (!(await answers(redis))) throw new RapidfireError('UNAVAILABLE', 'Redis does not answer')
    return rapidfire.getStats()
  }
  const scrape = { mayRead, text: async () => renderMetrics(await figures()) + metrics.render() }
  const server = createBoundedServer((request, response) => {
    if (answerHealth(request, response, () => answers(redis)) || answerScrape(request, response, scrape)) return
    void listener(request, response)
  })
  await listening(server, options.port, options.host)
  const { host, path } = options
  const proofs = sources.map(({ name, proof }) => [name, unsigned.includes(name) ? 'unsigned' : proof && SECRETS[PROOF_SECRETS[proof]]])
  events.emit('listening', { host, port: (server.address() as { port: number }).port, path, sources: Object.fromEntries(proofs) })
  const stopped = untilSignal(events).then(() => 'stopped')
  // The listener above says why it cannot be connected to, and it is tried again.
  const tried = redis.connect().catch(() => {})
  if ((await Promise.race([tried, stopped])) !== 'stopped') {
    events.emit('ready')
    process.send?.('ready')
  }
  await stopped
  // Requests under way are answered; kept-alive connections would hold the process.
  const timer = setTimeout(() => server.closeAllConnections(), options.closeTimeout)
  await new Promise((resolve) => {
    server.close(resolve)
    server.closeIdleConnections()
  })
  clearTimeout(timer)
  // All requests are answered: a call that is still under way was given up on.
  await rapidfire.close({ timeout: TIMEOUT })
  redis.disconnect()
  if (process.connected) process.disconnect()
  events.emit('stopped')
}

/** What the environment has of them. One that is set to nothing, as compose sets a variable that it lacks, would close a door that was meant to be open. */
function secretsOf(env: NodeJS.ProcessEnv): { -readonly [Name in keyof typeof SECRETS]?: string } {
  const given = Object.entries(SECRETS).filter(([, variable]) => env[variable] !== undefined)
  const [empty] = given.filter(([, variable]) => env[variable] === '')
  if (empty) throw new UsageError(`${empty[1]} is set, and empty: give it a value, or take it away`)
  return Object.fromEntries(given.map(([name, variable]) => [name, env[variable]]))
}

/** Those that `--source` names, or all that come with rapidfire. */
function namedSources(
  { allSources }: Webhooks,
  { group, source: named, account, vkConfirmation, reactions = false, raw = false }: ServeOptions,
): Source<ChatMessage>[] {
  const given = Object.entries({ account, vkConfirmation }).filter(([, value]) => value !== undefined)
  const all = allSources({ groups: group, reactions, raw, ...Object.fromEntries(given) })
  const names = all.map(({ name }) => name)
  const unknown = named?.find((name) => !names.includes(name))
  if (unknown !== undefined) throw new UsageError(`--source may name ${names.join(', ')}, got '${unknown}'`)
  return named ? all.filter(({ name }) => named.includes(name)) : all
}

/** What the webhook refuses, by the names that these things have here. */
function inWords<T>(make: () => T): T {
  try {
    return make()
  } catch (error) {
    if (!(error instanceof RapidfireError) || error.code !== 'BAD_OPTION') throw error
    const names = Object.entries({ ...SECRETS, unsigned: '--unsigned', publicUrl: '--public-url' })
    throw new UsageError(names.reduce((text, [name, here]) => text.replace(new RegExp(`\\b${name}\\b`, 'g'), here), error.message))
  }
}

/** Whether Redis is there, and does not only seem to be. What it refuses, for want of the right, is an answer too. */
async function answers(redis: Redis | Cluster): Promise<boolean> {
  if (redis.status !== 'ready') return false
  const answer = redis.ping().then(
    () => true,
    (error: Error) => error.name === 'ReplyError',
  )
  return Promise.race([answer, sleep(TIMEOUT, false, { ref: false })])
}

function limitsOf({ rateLimit, conversationLimit }: ServeOptions): RateLimits | false {
  const perSecond = (points: number) => points > 0 && { points, duration: 1 }
  const limits = { newConversations: perSecond(rateLimit), perConversation: perSecond(conversationLimit) }
  return (limits.newConversations || limits.perConversation) && limits
}

function listening(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(new CliError(`port ${port} cannot be used: ${error.message}`)))
    server.listen(port, host, resolve)
  })
}
