import type { EventEmitter } from 'node:events'
import type { Cluster, Redis } from 'ioredis'
import type { Stats } from '../batches/stats.ts'
import { RapidfireError } from '../errors.ts'
import type { WebhookEvents } from '../events.ts'
import { checkFunction, checkNames, ms, type Names, whole } from '../given.ts'
import type { MessageOptions, NewMessage } from '../options.ts'
import { type LimitedQueue, RATE_LIMIT_RANGES, type RateLimit, type RateLimits } from './rate-limit.ts'
import { type Served, servedSources } from './served.ts'
import type { Source } from './sources/message.ts'
import { SECRETS, type Secrets } from './trust.ts'

/** What a webhook needs of its queue; a `RapidFire` has it. */
export interface MessageQueue<T> extends LimitedQueue<T> {
  getStats(): Promise<Stats>
  version(): Promise<string>
}

/** Without a secret nothing is taken: at least one of `appSecret`, `telegramSecret` and `senderSecret` is needed, or `unsigned`. */
export interface WebhookOptions<T> extends Secrets {
  /**
   * Where messages are posted, as the handler sees it; the statistics are at `<path>/stats`. Next.js shows it the whole path, `app.use` of Express what
   * comes behind its own: `'/'`. @default '/webhook/whatsapp/batched'
   */
  path?: string
  /**
   * Of those that a request has the proof of, the first that knows the form of the payload reads it. @default those of allSources() whose secret is given,
   * or that are `unsigned`
   */
  sources?: readonly Source<T>[]
  /** Names of sources that need no proof: whoever reaches the port may post to them. @default none @example unsigned: ['generic'] */
  unsigned?: readonly string[]
  /** `wait`, `maxWait`, `maxSize` and `flush` of a message. @example rules: ({ data }) => ({ flush: data.text === 'stop' }) */
  rules?: (message: NewMessage<T>) => Omit<MessageOptions, 'id' | 'edits' | 'withdraws'> | undefined
  /** What Meta's verification must give as `hub.verify_token`. @default there is no verification */
  verifyToken?: string
  /** Bearer token of the statistics. @default nobody gets them, or everybody when all sources are `unsigned` */
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
  /**
   * The most of all bodies together that are being read, bytes; one peer may have half of it. When it is used up, the slowest is answered 408. At
   * least twice `maxBytes` @default 67108864
   */
  maxBodyBytes?: number
  /** How long a body may take, ms; then the answer is 408. @default 10000 */
  bodyTimeout?: number
  /** How long a call of Redis may take before the sender gets its 503, ms. @default 2000 */
  timeout?: number
  /** Where it tells what becomes of requests: see `WebhookEvents`. An error may quote what was sent: mind what you log. */
  events?: EventEmitter<WebhookEvents>
}

const WEBHOOK_OPTIONS: Names<WebhookOptions<unknown>> = {
  path: true,
  sources: true,
  unsigned: true,
  appSecret: true,
  telegramSecret: true,
  senderSecret: true,
  rules: true,
  verifyToken: true,
  statsToken: true,
  redis: true,
  rateLimit: true,
  maxBytes: true,
  maxBodyBytes: true,
  bodyTimeout: true,
  timeout: true,
  events: true,
}

const bad = (message: string) => new RapidfireError('BAD_OPTION', message)

/** The options with their defaults. Throws `BAD_OPTION`; a secret is in none of the messages. */
export function checkOptions<T>(options: WebhookOptions<T>, all: readonly Source<T>[]) {
  checkNames('createWebhook', options, WEBHOOK_OPTIONS)
  const { path = '/webhook/whatsapp/batched', rateLimit = {}, redis, maxBytes = 3_145_728, timeout = 2000 } = options
  if (typeof path !== 'string' || !/^(\/|(\/[\w.~-]+)+)$/.test(path))
    throw bad(`path must be like /webhook/whatsapp/batched, or / behind a mount, got '${path}'`)
  for (const name of [...Object.values(SECRETS), 'verifyToken', 'statsToken'] as const) {
    // Given but undefined or empty, as an unset variable is, it would leave the door open.
    if (name in options) checkSecret(name, options[name])
  }
  const { maxBodyBytes = Math.max(67_108_864, 2 * maxBytes), bodyTimeout = 10_000 } = options
  for (const [name, value] of Object.entries({ maxBytes, maxBodyBytes })) whole(name, value, { least: 1, most: Number.MAX_SAFE_INTEGER })
  for (const [name, value] of Object.entries({ timeout, bodyTimeout })) ms(name, value)
  if (options.rules !== undefined) checkFunction('rules', options.rules)
  if (maxBodyBytes < 2 * maxBytes) throw bad(`maxBodyBytes must be at least twice maxBytes (${maxBytes}), got ${maxBodyBytes}`)
  if (rateLimit !== false) checkRateLimits(rateLimit)
  if (rateLimit !== false && !redis) throw bad('redis, the client on which the limits are kept, must be given unless rateLimit is false')
  const { rules, verifyToken, statsToken } = options
  return { ...checkSources(options, all), path, rateLimit, maxBytes, maxBodyBytes, bodyTimeout, timeout, rules, verifyToken, statsToken }
}

/** What can never come in a header, or never would be sent, is a mistake that would turn everybody away. */
function checkSecret(name: string, value: unknown): void {
  if (typeof value !== 'string' || value === '') throw bad(`${name} must be a text that is not empty`)
  if (value !== value.trim()) throw bad(`${name} must not begin or end with a blank or a line end`)
  if (name === 'telegramSecret' && !/^[\w-]{1,256}$/.test(value))
    throw bad(`${name} must have 1 to 256 letters, digits, _ or -, as Telegram says`)
  if (name === 'statsToken' && !/^[\x20-\x7e]+$/.test(value)) throw bad(`${name} must be printable ASCII, since it comes in a header`)
}

function checkSources<T>(options: WebhookOptions<T>, all: readonly Source<T>[]): Served<T> {
  const { sources: given, unsigned, verifyToken } = options
  const known = given ?? all
  for (const { name, proof, read } of known) {
    const isRight =
      typeof name === 'string' && /^[a-z0-9-]{1,40}$/.test(name) && Object.hasOwn(SECRETS, proof) && typeof read === 'function'
    if (!isRight) throw bad('a source is { name, proof, read }: a name of a-z, 0-9 and dashes, and the proof app, telegram or sender')
  }
  const served = servedSources(known, { secrets: options, unsigned, named: given !== undefined })
  if (verifyToken !== undefined && !served.sources.some(({ proof }) => proof === 'app')) {
    throw bad('verifyToken is of the WhatsApp Cloud API, which needs appSecret as well')
  }
  return served
}

function checkRateLimits(limits: RateLimits): void {
  checkNames<RateLimits>('rateLimit, unless it is false,', limits, { newConversations: true, perConversation: true })
  for (const [name, limit] of Object.entries(limits)) {
    if (limit === undefined || limit === false) continue
    checkNames<RateLimit>(`rateLimit.${name}, unless it is false,`, limit, { points: true, duration: true })
    for (const [member, [least, most]] of Object.entries(RATE_LIMIT_RANGES)) {
      const value = (limit as Record<string, unknown>)[member]
      if (value === undefined && member === 'duration') continue
      whole(`rateLimit.${name}.${member}`, value, { least, most })
    }
  }
}
