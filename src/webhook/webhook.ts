import type { EventEmitter } from 'node:events'
import type { Cluster, Redis } from 'ioredis'
import type { Stats } from '../batches/stats.ts'
import { RapidfireError } from '../errors.ts'
import type { WebhookEvents } from '../events.ts'
import type { MessageOptions, NewMessage } from '../options.ts'
import { parseJson, readBody } from './body.ts'
import { Gate } from './gate.ts'
import { Refusal, toRefusal } from './problem.ts'
import { type LimitedQueue, Limits, RATE_LIMIT_RANGES, type RateLimits } from './rate-limit.ts'
import { generic } from './sources/generic.ts'
import type { ChatMessage, GroupOptions, Source } from './sources/message.ts'
import { telegram } from './sources/telegram.ts'
import { whatsappCloud } from './sources/whatsapp-cloud.ts'
import { whatsappWeb } from './sources/whatsapp-web.ts'
import { Teller } from './teller.ts'
import { signatureCheck, tokenCheck } from './trust.ts'

/** Messages of one request: Meta sends at most 1000 at once. */
const MAX_MESSAGES = 1000

/** What a webhook needs of its queue; a `RapidFire` has it. */
export interface MessageQueue<T> extends LimitedQueue<T> {
  getStats(): Promise<Stats>
  version(): Promise<string>
}

export interface WebhookOptions<T> {
  /** Where messages are posted; the statistics are at `<path>/stats`. @default '/webhook/whatsapp/batched' */
  path?: string
  /** Tried in this order: the first that knows the form of a payload reads it. @default allSources() */
  sources?: readonly Source<T>[]
  /** `wait`, `maxWait`, `maxSize` and `flush` of a message. @example rules: ({ data }) => ({ flush: data.text === 'stop' }) */
  rules?: (message: NewMessage<T>) => Omit<MessageOptions, 'id'> | undefined
  /** The app secret: a POST needs the `X-Hub-Signature-256` made with it. @default unsigned requests are taken */
  secret?: string
  /**
   * The `secret_token` of Telegram's setWebhook: a POST needs it. With `secret` too, either will do. @default not asked for
   */
  telegramSecret?: string
  /** What Meta's verification must give as `hub.verify_token`. @default there is no verification */
  verifyToken?: string
  /** Bearer token of the statistics. @default they are open */
  statsToken?: string
  /** The client on which the limits are kept, best that of the queue. Needed unless `rateLimit` is false. */
  redis?: Redis | Cluster
  /**
   * Bounds of what is taken; `false` for none but the queue's `maxBacklog`. Who is refused gets 429 with `Retry-After`, and keeps the order of the
   * conversation: later messages of it are refused as well until that one has come again, or is two seconds late. `false` forgets
   * who was refused: then messages of a conversation that was full are stored in the order in which they come again.
   *
   * @default { newConversations: { points: 100, duration: 1 }, perConversation: false }
   * @example rateLimit: { newConversations: { points: 1000 }, perConversation: { points: 5, duration: 1 } }
   */
  rateLimit?: RateLimits | false
  /** Largest body, bytes. @default 3145728, the most that Meta sends */
  maxBytes?: number
  /** How long a call of Redis may take before the sender gets its 503, ms. @default 2000 */
  timeout?: number
  /** Where it tells what becomes of requests: see `WebhookEvents`. An error may quote what was sent: mind what you log. */
  events?: EventEmitter<WebhookEvents>
}

export type Webhook = (request: Request) => Promise<Response>

/** All sources that come with rapidfire. */
export function allSources(options: GroupOptions = {}): Source<ChatMessage>[] {
  return [whatsappCloud(options), whatsappWeb(options), telegram(options), generic<ChatMessage>()]
}

/**
 * A web-standard handler that stores the messages of a webhook and answers; nothing is answered 200 before it is stored. Every other
 * answer asks the sender to send the same body again, and ids see to it that a message that came twice is stored once.
 *
 * @throws RapidfireError `BAD_OPTION`
 * @example
 * const webhook = createWebhook(rapidfire, { redis, secret: process.env.APP_SECRET })
 * createServer(getRequestListener(webhook)).listen(3000) // from @hono/node-server
 */
export function createWebhook<T = ChatMessage>(rapidfire: MessageQueue<NoInfer<T>>, options: WebhookOptions<T> = {}): Webhook {
  checkOptions(options)
  const { path = '/webhook/whatsapp/batched', rules, maxBytes = 3_145_728, rateLimit = {} } = options
  const sources = options.sources ?? (allSources() as Source<any>[])
  const teller = options.events && new Teller(options.events)
  const gate = new Gate(options.timeout ?? 2000, () => rapidfire.version())
  const limits = rateLimit && options.redis && new Limits(options.redis, rapidfire, gate, rateLimit)
  const isSigned = options.secret === undefined ? undefined : signatureCheck(options.secret)
  const isTelegram = options.telegramSecret === undefined ? undefined : tokenCheck(options.telegramSecret)
  const isVerifier = options.verifyToken === undefined ? undefined : tokenCheck(options.verifyToken)
  const isReader = options.statsToken === undefined ? undefined : tokenCheck(`Bearer ${options.statsToken}`)

  async function trustedBody(request: Request): Promise<Uint8Array> {
    const signature = request.headers.get('x-hub-signature-256')
    const isTrusted = isTelegram ? isTelegram(request.headers.get('x-telegram-bot-api-secret-token')) : !isSigned
    // Strangers are turned away before their body is read.
    if (!isTrusted && !(isSigned && signature)) throw new Refusal('BAD_SIGNATURE', { 'www-authenticate': 'X-Hub-Signature-256' })
    const body = await readBody(request, maxBytes)
    if (!isTrusted && !isSigned?.(signature, body)) throw new Refusal('BAD_SIGNATURE', { 'www-authenticate': 'X-Hub-Signature-256' })
    return body
  }

  /** The messages of a payload, and the name of the source that knows its form. */
  function readMessages(payload: unknown): [messages: readonly NewMessage<T>[], source: string] {
    for (const [n, source] of sources.entries()) {
      const messages = source(payload)
      if (messages === undefined) continue
      if (messages.length > MAX_MESSAGES) throw new Refusal('TOO_MANY_MESSAGES')
      return [rules ? messages.map((message) => ({ ...message, ...rules(message) })) : messages, source.name || `source ${n + 1}`]
    }
    throw new Refusal('UNKNOWN_FORM')
  }

  async function receive(request: Request): Promise<Response> {
    const [messages, source] = readMessages(parseJson(await trustedBody(request)))
    let added = 0
    if (messages.length > 0) {
      const results = limits ? await limits.store(source, messages) : await gate.run(() => rapidfire.addMessages(messages))
      for (const result of results) if (result.status === 'added') added += 1
    }
    const duplicates = messages.length - added
    teller?.stored({ source, added, duplicates })
    return json(`{"added":${added},"duplicates":${duplicates}}`)
  }

  function verify(parameters: URLSearchParams): Response {
    const isRight = parameters.get('hub.mode') === 'subscribe' && isVerifier?.(parameters.get('hub.verify_token'))
    if (!isRight) throw new Refusal('BAD_VERIFY_TOKEN')
    const headers = { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' }
    return new Response(parameters.get('hub.challenge') ?? '', { headers })
  }

  async function stats(request: Request): Promise<Response> {
    if (isReader?.(request.headers.get('authorization')) === false) throw new Refusal('BAD_TOKEN', { 'www-authenticate': 'Bearer' })
    return json(JSON.stringify(await gate.run(() => rapidfire.getStats())))
  }

  async function route(request: Request): Promise<Response> {
    const url = new URL(request.url)
    if (url.pathname === path) {
      if (request.method === 'POST') return receive(request)
      if (request.method === 'GET' && (isVerifier || url.searchParams.has('hub.mode'))) return verify(url.searchParams)
      throw new Refusal('METHOD_NOT_ALLOWED', { allow: isVerifier ? 'GET, POST' : 'POST' })
    }
    if (url.pathname !== `${path}/stats`) throw new Refusal('NOT_FOUND')
    if (request.method !== 'GET') throw new Refusal('METHOD_NOT_ALLOWED', { allow: 'GET' })
    return stats(request)
  }

  return async (request) => {
    try {
      return await route(request)
    } catch (error) {
      const refusal = toRefusal(error)
      teller?.refused(refusal)
      return refusal.toResponse()
    }
  }
}

const JSON_HEADERS = { 'content-type': 'application/json', 'cache-control': 'no-store' }

const json = (body: string) => new Response(body, { headers: JSON_HEADERS })

function checkOptions(options: WebhookOptions<any>): void {
  const bad = (message: string) => new RapidfireError('BAD_OPTION', message)
  const { path, rateLimit, redis } = options
  if (path !== undefined && !/^(\/[\w.~-]+)+$/.test(path)) throw bad(`path must be like /webhook/whatsapp/batched, got '${path}'`)
  for (const name of ['secret', 'telegramSecret', 'verifyToken', 'statsToken'] as const) {
    const value: unknown = options[name]
    // Given but undefined or empty, as an unset variable is, it would leave the door open.
    if (name in options && (typeof value !== 'string' || value === '')) throw bad(`${name} must be a text that is not empty`)
  }
  for (const name of ['maxBytes', 'timeout'] as const) {
    const value = options[name]
    if (value !== undefined && !(Number.isSafeInteger(value) && value > 0)) throw bad(`${name} must be a positive integer, got ${value}`)
  }
  if (rateLimit !== undefined && rateLimit !== false) checkRateLimits(rateLimit, bad)
  if (rateLimit !== false && !redis) throw bad('redis, the client on which the limits are kept, must be given unless rateLimit is false')
}

function checkRateLimits(limits: RateLimits, bad: (message: string) => Error): void {
  const checkNames = (at: string, value: unknown, names: readonly string[]) => {
    if (typeof value !== 'object' || value === null) throw bad(`${at} must be false or an object of ${names.join(' and ')}`)
    const unknown = Object.keys(value).find((name) => !names.includes(name))
    if (unknown !== undefined) throw bad(`${at} has ${names.join(' and ')}, got '${unknown}'`)
  }
  checkNames('rateLimit', limits, ['newConversations', 'perConversation'])
  for (const [name, limit] of Object.entries(limits)) {
    if (limit === undefined || limit === false) continue
    checkNames(`rateLimit.${name}`, limit, Object.keys(RATE_LIMIT_RANGES))
    for (const [member, [least, most]] of Object.entries(RATE_LIMIT_RANGES)) {
      const value = (limit as Record<string, unknown>)[member]
      if (value === undefined && member === 'duration') continue
      if (!(Number.isInteger(value) && (value as number) >= least && (value as number) <= most)) {
        throw bad(`rateLimit.${name}.${member} must be an integer from ${least} to ${most}, got ${value}`)
      }
    }
  }
}
