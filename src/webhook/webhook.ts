import { setImmediate } from 'node:timers'
import { Bodies } from './bodies.ts'
import { type Json, parseJson } from './body.ts'
import { Gate } from './gate.ts'
import { checkOptions, type MessageQueue, type WebhookOptions } from './options.ts'
import { Refusal, toRefusal } from './problem.ts'
import { openLimits } from './rate-limit.ts'
import { generic } from './sources/generic.ts'
import { type AccountOptions, type ChatMessage, checkAccount, type Source } from './sources/message.ts'
import { telegram } from './sources/telegram.ts'
import { whatsappCloud } from './sources/whatsapp-cloud.ts'
import { whatsappWeb } from './sources/whatsapp-web.ts'
import { Teller } from './teller.ts'
import { Trust, tokenCheck } from './trust.ts'

/** Messages of one request: Meta sends at most 1000 at once. */
const MAX_MESSAGES = 1000

/**
 * Answers a request. What a server gives beside it is looked at for the peer, so that one cannot take the place of all: `incoming`, the request of
 * Node, as `@hono/node-server` gives it.
 */
export type Webhook = (request: Request, environment?: unknown) => Promise<Response>

/**
 * All sources that come with rapidfire, the one whose form is strictest first.
 *
 * @throws RapidfireError `BAD_OPTION`
 */
export function allSources(options: AccountOptions = {}): Source<ChatMessage>[] {
  checkAccount('allSources', options)
  const { account: _, ...chat } = options
  return [whatsappCloud(chat), telegram(options), generic<ChatMessage>(), whatsappWeb(options)]
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
  const isPublic = sources.every(({ name }) => unsigned.includes(name))

  /** The messages of a payload, and the source that knows its form: one that is not trusted does not even look at it. */
  function readMessages({ payload, text }: Json, trusted: readonly Source<T>[]): [messages: Messages<T>, source: Source<T>] {
    for (const source of trusted) {
      const messages = source.read(payload, text)
      if (messages === undefined) continue
      if (messages.length > MAX_MESSAGES) throw new Refusal('TOO_MANY_MESSAGES')
      return [rules ? messages.map((message) => ({ ...message, ...rules(message) })) : messages, source]
    }
    if (sources.some((source) => !trusted.includes(source) && source.read(payload))) throw trust.refusal()
    const forms = trusted.map(({ name }) => name).join(', ')
    throw new Refusal('UNKNOWN_FORM', {}, { detail: `The body has none of the forms that are accepted here: ${forms}.` })
  }

  async function receive(request: Request, url: URL, peer: string | undefined): Promise<Response> {
    const trustedWith = trust.expect(request.headers)
    refuseBrowsers(request.headers, url)
    const body = await bodies.read(request, peer)
    const trusted = trustedWith(body)
    const said = parseJson(body, maxBytes)
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
    if (!answer && changed === 0) return json(`{"added":${added},"duplicates":${duplicates}}`)
    return json(JSON.stringify({ added, duplicates, ...(changed > 0 && { changed }), ...answer }))
  }

  function verify(parameters: URLSearchParams): Response {
    const isRight = parameters.get('hub.mode') === 'subscribe' && isVerifier?.(parameters.get('hub.verify_token'))
    if (!isRight) throw new Refusal('BAD_VERIFY_TOKEN')
    const headers = { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' }
    return new Response(parameters.get('hub.challenge') ?? '', { headers })
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
 * and no origin.
 */
function refuseBrowsers(headers: Headers, url: URL): void {
  const origin = headers.get('origin')
  // The scheme is another one behind a proxy that brings TLS.
  const isOwn = origin?.replace(/^https?:\/\//, '') === url.host && /^(localhost|127\.0\.0\.1|\[::1\])$/.test(url.hostname)
  if (origin !== null && !isOwn) throw new Refusal('FOREIGN_ORIGIN')
  if (!/^application\/([\w.-]+\+)?json\s*(;|$)/i.test(headers.get('content-type') ?? '')) throw new Refusal('NOT_JSON')
}

function peerOf(environment: unknown): string | undefined {
  const { incoming } = (environment ?? {}) as { incoming?: { socket?: { remoteAddress?: string } } }
  return incoming?.socket?.remoteAddress
}

type Messages<T> = NonNullable<ReturnType<Source<T>['read']>>

// An object of its own: @hono/node-server 1 writes the length of the body into it.
const json = (body: string) => new Response(body, { headers: { 'content-type': 'application/json', 'cache-control': 'no-store' } })
