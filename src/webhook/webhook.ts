import { setImmediate } from 'node:timers'
import { Bodies } from './bodies.ts'
import { type Json, parseForm, parseJson } from './body.ts'
import { Gate } from './gate.ts'
import { checkOptions, type MessageQueue, type WebhookOptions } from './options.ts'
import { Refusal, toRefusal } from './problem.ts'
import { tokenCheck } from './proofs.ts'
import { openLimits } from './rate-limit.ts'
import { baileys } from './sources/baileys.ts'
import { chatwoot } from './sources/chatwoot.ts'
import { evolution } from './sources/evolution.ts'
import { openWa, wppconnect } from './sources/gateways.ts'
import { generic } from './sources/generic.ts'
import { line } from './sources/line.ts'
import { max } from './sources/max.ts'
import { type AccountOptions, type ChatMessage, checkAccount, plain, type Source } from './sources/message.ts'
import { instagram, messenger } from './sources/messenger.ts'
import { slack } from './sources/slack.ts'
import { telegram } from './sources/telegram.ts'
import { twilio } from './sources/twilio.ts'
import { viber } from './sources/viber.ts'
import { vk } from './sources/vk.ts'
import { waha } from './sources/waha.ts'
import { whatsappCloud, whatsappRelay } from './sources/whatsapp-cloud.ts'
import { whatsappWeb } from './sources/whatsapp-web.ts'
import { Teller } from './teller.ts'
import { Trust } from './trust.ts'

/** Messages of one request: Meta sends at most 1000 at once. */
const MAX_MESSAGES = 1000

/**
 * Answers a request. What a server gives beside it is looked at for the peer, so that one cannot take the place of all: `incoming`, the request of
 * Node, as `@hono/node-server` gives it.
 */
export type Webhook = (request: Request, environment?: unknown) => Promise<Response>

export interface AllOptions extends AccountOptions {
  /** What VK wants to hear from the server of a community, as its settings show it. @default the address cannot be confirmed */
  vkConfirmation?: string
}

/**
 * All sources that come with rapidfire, the one whose form is strictest first.
 *
 * @throws RapidfireError `BAD_OPTION`
 */
export function allSources({ vkConfirmation, ...options }: AllOptions = {}): Source<ChatMessage>[] {
  checkAccount('allSources', options)
  const { account: _, ...chat } = options
  return [
    whatsappCloud(chat),
    telegram(options),
    evolution(chat),
    waha(chat),
    messenger(chat),
    instagram(chat),
    twilio(chat),
    slack(chat),
    vk({ ...chat, ...(vkConfirmation !== undefined && { confirmation: vkConfirmation }) }),
    viber(options),
    line(chat),
    max(options),
    wppconnect(chat),
    openWa(chat),
    chatwoot(chat),
    whatsappRelay(chat),
    generic<ChatMessage>(),
    whatsappWeb(options),
    baileys(options),
  ]
}

/**
 * A web-standard handler that stores the messages of a webhook and answers; nothing is answered 200 before it is stored. Every other
 * answer asks the sender to send the same body again, and ids see to it that a message that came twice is stored once.
 *
 * @throws RapidfireError `BAD_OPTION`, also when no secret is given and nothing is `unsigned`
 * @example
 * const webhook = createWebhook(rapidfire, { redis, appSecret: process.env.APP_SECRET })
 * createServer(getRequestListener(webhook)).listen(3000) // from @hono/node-server
 */
export function createWebhook<T = ChatMessage>(rapidfire: MessageQueue<NoInfer<T>>, options: WebhookOptions<T>): Webhook {
  const { path, sources, unsigned, rules, maxBytes, maxBodyBytes, bodyTimeout, timeout, rateLimit, verifyToken, statsToken } = checkOptions(
    options,
    allSources() as Source<any>[],
  )
  const teller = options.events && new Teller(options.events)
  const gate = new Gate(timeout, () => rapidfire.version())
  const opening = rateLimit && options.redis ? openLimits(options.redis, rapidfire, gate, rateLimit) : undefined
  // Requests are told too, but whoever starts it should not have to wait for one.
  opening?.catch((error) => process.emitWarning(error))
  const bodies = new Bodies(maxBytes, maxBodyBytes, bodyTimeout)
  const trust = new Trust(sources, options, unsigned)
  const isVerifier = verifyToken === undefined ? undefined : tokenCheck(verifyToken)
  const isReader = statsToken === undefined ? undefined : tokenCheck(`Bearer ${statsToken}`)
  const statsPath = path === '/' ? '/stats' : `${path}/stats`
  const served = `There is nothing at this path. Messages are posted to ${path}, and the statistics are at ${statsPath}.`
  const formHeaders = sources.flatMap(({ formHeader }) => formHeader ?? [])
  const isPublic = sources.every(({ name }) => unsigned.includes(name))

  /** The messages of a payload, and the source that knows its form: one that is not trusted does not even look at it. */
  function readMessages({ payload, text }: Json, trusted: readonly Source<T>[]): [messages: Messages<T>, source: Source<T>] {
    const isForm = text === undefined
    for (const source of trusted) {
      if (isForm && source.formHeader === undefined) continue
      const messages = source.read(payload, text)
      if (messages === undefined) continue
      if (messages.length > MAX_MESSAGES) throw new Refusal('TOO_MANY_MESSAGES')
      return [rules ? messages.map((message) => ({ ...message, ...rules(message) })) : messages, source]
    }
    const mayKnow = (source: Source<T>) => !trusted.includes(source) && !(isForm && source.formHeader === undefined)
    if (sources.some((source) => mayKnow(source) && source.read(payload))) throw trust.refusal()
    const forms = trusted.map(({ name }) => name).join(', ')
    throw new Refusal('UNKNOWN_FORM', {}, { detail: `The body has none of the forms that are accepted here: ${forms}.` })
  }

  async function receive(request: Request, url: URL, peer: string | undefined): Promise<Response> {
    const trustedWith = trust.expect(request)
    const isForm = refuseBrowsers(request.headers, url, formHeaders)
    const body = await bodies.read(request, peer)
    const trusted = trustedWith(body)
    const said = isForm ? parseForm(body) : parseJson(body, maxBytes)
    const [messages, source] = readMessages(said, trusted)
    let [added, duplicates] = [0, 0]
    if (messages.length > 0) {
      await endOfTurn()
      const limits = await opening
      const results = limits ? await limits.store(source.name, messages) : await gate.run(() => rapidfire.addMessages(messages))
      for (const { status } of results) {
        if (status === 'added') added += 1
        if (status === 'duplicate') duplicates += 1
      }
    }
    const changed = messages.length - added - duplicates
    teller?.stored({ source: source.name, added, duplicates, changed })
    const answer = source.answer?.(said.payload)
    if (isResponse(answer)) return answer
    if (!answer && changed === 0) return json(`{"added":${added},"duplicates":${duplicates}}`)
    return json(JSON.stringify({ added, duplicates, ...(changed > 0 && { changed }), ...answer }))
  }

  function verify(parameters: URLSearchParams): Response {
    const isRight = parameters.get('hub.mode') === 'subscribe' && isVerifier?.(parameters.get('hub.verify_token'))
    if (!isRight) throw new Refusal('BAD_VERIFY_TOKEN')
    return plain(parameters.get('hub.challenge') ?? '')
  }

  async function stats(request: Request): Promise<Response> {
    const mayRead = isReader ? isReader(request.headers.get('authorization')) : isPublic
    if (!mayRead) throw new Refusal('BAD_TOKEN', { 'www-authenticate': 'Bearer' })
    return json(JSON.stringify(await gate.run(() => rapidfire.getStats())))
  }

  async function route(request: Request, peer: string | undefined): Promise<Response> {
    const url = urlOf(request)
    const pathname = url.pathname.length > 1 && url.pathname.endsWith('/') ? url.pathname.slice(0, -1) : url.pathname
    if (pathname === path) {
      if (request.method === 'POST') return receive(request, url, peer)
      if (request.method === 'GET' && (isVerifier || url.searchParams.has('hub.mode'))) return verify(url.searchParams)
      throw new Refusal('METHOD_NOT_ALLOWED', { allow: isVerifier ? 'GET, POST' : 'POST' })
    }
    if (pathname !== statsPath) throw new Refusal('NOT_FOUND', {}, { detail: served })
    if (request.method !== 'GET') throw new Refusal('METHOD_NOT_ALLOWED', { allow: 'GET' })
    return stats(request)
  }

  return async (request, environment) => {
    try {
      return await route(request, peerOf(environment))
    } catch (error) {
      const refusal = toRefusal(error)
      teller?.refused(refusal)
      return refusal.toResponse()
    }
  }
}

/** When this turn of the event loop ends. Each connection is heard apart, and those of one turn are to ask Redis together. */
function endOfTurn(): Promise<void> {
  turn ??= new Promise((resolve) =>
    setImmediate(() => {
      turn = undefined
      resolve()
    }),
  )
  return turn
}

let turn: Promise<void> | undefined

/** A `Host` may be anything. */
function urlOf(request: Request): URL {
  try {
    return new URL(request.url)
  } catch (cause) {
    throw new Refusal('BAD_URL', {}, { cause })
  }
}

/**
 * A page in a browser may send any server a request, if only its type is one that a form could have or it has none, and says by `Origin` whose page it
 * is. That this is the `Host` as well proves nothing: a name may be made to lead to this machine when the page is there already. Platforms send JSON,
 * or a form beside a header that no page can send, and no origin.
 *
 * @returns whether the body is a form
 */
function refuseBrowsers(headers: Headers, url: URL, formHeaders: readonly string[]): boolean {
  const origin = headers.get('origin')
  // The scheme is another one behind a proxy that brings TLS.
  const isOwn = origin?.replace(/^https?:\/\//, '') === url.host && /^(localhost|127\.0\.0\.1|\[::1\])$/.test(url.hostname)
  if (origin !== null && !isOwn) throw new Refusal('FOREIGN_ORIGIN')
  const type = headers.get('content-type') ?? ''
  if (/^application\/([\w.-]+\+)?json\s*(;|$)/i.test(type)) return false
  if (/^application\/x-www-form-urlencoded\s*(;|$)/i.test(type) && formHeaders.some((name) => headers.has(name))) return true
  throw new Refusal('NOT_JSON')
}

function peerOf(environment: unknown): string | undefined {
  const { incoming } = (environment ?? {}) as { incoming?: { socket?: { remoteAddress?: string } } }
  return incoming?.socket?.remoteAddress
}

/** Whichever class it is of: adapters put one of their own in the place of the global one. */
const isResponse = (answer: unknown): answer is Response => Object.prototype.toString.call(answer) === '[object Response]'

type Messages<T> = NonNullable<ReturnType<Source<T>['read']>>

// An object of its own: @hono/node-server 1 writes the length of the body into it.
const json = (body: string) => new Response(body, { headers: { 'content-type': 'application/json', 'cache-control': 'no-store' } })
