import { EventEmitter } from 'node:events'
import { createServer, type Server } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Command, Option } from 'commander'
import type { Cluster, Redis } from 'ioredis'
import type { ProcessEvents, WebhookEvents } from '../../src/events.ts'
import { RapidFire } from '../../src/rapidfire.ts'
import type { ChatMessage, RateLimits, Webhook } from '../../src/webhook/index.ts'
import { openClient } from '../terminal/connection.ts'
import { CliError, UsageError } from '../terminal/errors.ts'
import { logEvents, loggerOf } from '../terminal/log.ts'
import { integerOption } from '../terminal/options.ts'
import { addRunOptions, type RunOptions, untilSignal } from '../terminal/run.ts'
import { answerHealth } from './health.ts'

interface ServeOptions extends RunOptions {
  port: number
  host: string
  path: string
  group: 'chat' | 'sender'
  rateLimit: number
  conversationLimit: number
  maxBytes: number
  flushOn: string[]
}

/** How long a call of Redis may take before the sender is told to send again, ms. */
const TIMEOUT = 2000

export function serve(program: Command): void {
  addRunOptions(program.command('serve'))
    .description('store what WhatsApp, Telegram or own senders post: POST <path>, GET <path>/stats, GET /healthz and /readyz')
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
    .addHelpText(
      'after',
      '\nSecrets come from the environment: RAPIDFIRE_APP_SECRET, RAPIDFIRE_VERIFY_TOKEN, RAPIDFIRE_TELEGRAM_SECRET, RAPIDFIRE_STATS_TOKEN.',
    )
    .action(run)
}

async function run(options: ServeOptions): Promise<void> {
  const parts = await Promise.all([import('@hono/node-server'), import('../../src/webhook/index.ts')]).catch(() => {
    throw new UsageError('the webhook needs two packages more: npm install @hono/node-server rate-limiter-flexible')
  })
  const [{ getRequestListener }, { allSources, createWebhook }] = parts
  const [events, requests] = [new EventEmitter<ProcessEvents>(), new EventEmitter<WebhookEvents>()]
  logEvents(loggerOf(options), [events, requests])
  const redis = openClient(options.redis, options.cluster === true)
  redis.on('error', (error: Error) => events.emit('error', error))
  const rapidfire = new RapidFire<ChatMessage>({ redis, queue: options.queue })
  const flushOn = new Set(options.flushOn.map((text) => text.trim().toLowerCase()))
  const { RAPIDFIRE_APP_SECRET, RAPIDFIRE_VERIFY_TOKEN, RAPIDFIRE_TELEGRAM_SECRET, RAPIDFIRE_STATS_TOKEN } = process.env
  const webhook: Webhook = createWebhook<ChatMessage>(rapidfire, {
    redis,
    path: options.path,
    sources: allSources({ groups: options.group }),
    timeout: TIMEOUT,
    maxBytes: options.maxBytes,
    rateLimit: limitsOf(options),
    events: requests,
    ...(flushOn.size > 0 ? { rules: ({ data }) => ({ flush: flushOn.has(data.text?.trim().toLowerCase() ?? '') }) } : {}),
    ...(RAPIDFIRE_APP_SECRET ? { secret: RAPIDFIRE_APP_SECRET } : {}),
    ...(RAPIDFIRE_VERIFY_TOKEN ? { verifyToken: RAPIDFIRE_VERIFY_TOKEN } : {}),
    ...(RAPIDFIRE_TELEGRAM_SECRET ? { telegramSecret: RAPIDFIRE_TELEGRAM_SECRET } : {}),
    ...(RAPIDFIRE_STATS_TOKEN ? { statsToken: RAPIDFIRE_STATS_TOKEN } : {}),
  })
  const listener = getRequestListener(webhook)
  const server = createServer((request, response) => {
    if (!answerHealth(request, response, () => answers(redis))) void listener(request, response)
  })
  await listening(server, options.port, options.host)
  const { host, path } = options
  events.emit('listening', { host, port: (server.address() as { port: number }).port, path, signed: Boolean(RAPIDFIRE_APP_SECRET) })
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
