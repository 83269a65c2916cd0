import { type Batch, joinText, keyOf } from '../batches/batch.ts'
import { bare } from '../errors.ts'
import { checkFlag, checkNames, ms, type Names } from '../given.ts'
import { queueOf } from '../partitions/roots.ts'
import type { Reason } from '../protocol/replies.ts'
import type { HandlerContext } from '../worker/handler.ts'
import { refusalOf, resultOf } from './answer.ts'
import { type Receiver, receiverOf } from './receiver.ts'
import { signer } from './signature.ts'

/** What a receiver gets, as JSON. */
export interface PostedBatch<T = unknown> {
  /** Of the batch, the same on each delivery; unique in its queue. */
  id: string
  queue: string
  /** The conversation. */
  key: string
  /** The bytes of the key in base64, when it is no UTF-8: then `key` shows it only nearly. */
  keyBytes?: string
  reason: Reason
  /** 1 for the first time; a delivery of which nobody has heard is not counted. */
  attempt: number
  /** How many messages it has. */
  size: number
  /** When the first message was received, ms since 1970. */
  openedAt: number
  /** When the batch became ready, ms since 1970. */
  deadline: number
  /** `joinText(batch)`: empty when nobody wrote words. */
  text: string
  /** Oldest first. `id` is null when it was added without one. */
  messages: { id: string | null; receivedAt: number; data: T }[]
}

export interface HttpOptions {
  /** `whsec_` and 24 to 64 bytes in base64, by which the receiver knows who posts. With several each signs: for the time in which they change. */
  secret: string | readonly string[]
  /** How long one delivery may take, ms, 1 to 300000, with the answer's body. @default 30000 */
  timeout?: number
  /** More headers, such as `authorization`. @default none */
  headers?: Readonly<Record<string, string>>
  /** Whether `http://` may lead to another machine than this. @default false */
  insecure?: boolean
}

const HTTP_OPTIONS: Names<HttpOptions> = { secret: true, timeout: true, headers: true, insecure: true }

/** Five minutes are what `fetch` waits for an answer, ms. */
const TIMEOUT = { least: 1, most: 300_000 }

/**
 * A handler that posts each batch to a receiver, signed by the rules of Standard Webhooks. A status from 200 to 299 completes the batch, and the
 * answer's JSON is what the handler returns.
 *
 * @param url where to; `user:password@` in it becomes an `authorization` header
 * @throws RapidfireError `BAD_OPTION`
 * @example const worker = rapidfire.worker(toHttp('https://bot.example.com/batches', { secret: process.env.RAPIDFIRE_RECEIVER_SECRET }))
 */
export function toHttp<T = any>(url: string | URL, options: HttpOptions): (batch: Batch<T>, context: HandlerContext) => Promise<unknown> {
  checkNames('toHttp', options, HTTP_OPTIONS)
  const { secret, timeout: given = 30_000, headers, insecure } = options
  checkFlag('insecure', insecure)
  const timeout = ms('timeout', given, TIMEOUT)
  const sign = signer(typeof secret === 'string' ? [secret] : Array.from(secret ?? []))
  const receiver = receiverOf(url, headers, insecure === true)
  return async (batch, { signal, log }) => {
    const body = Buffer.from(JSON.stringify(bodyOf(batch)))
    const headers = { ...Object.fromEntries(receiver.headers), ...FIXED, ...sign(batch.id, new Date(), body) }
    const within = limited(signal, timeout, new Error(`${receiver.name} did not answer within ${timeout} ms`))
    try {
      const response = await post(receiver, { headers, body, signal: within.signal })
      if (!response.ok) {
        await response.body?.cancel().catch(() => {})
        throw refusalOf(receiver.name, response)
      }
      return await resultOf(response).catch((error) => {
        // Done is done: what is lost is what the receiver says of it.
        log.warn({ status: response.status, error: (error as Error).message }, 'answer not kept')
      })
    } finally {
      within.end()
    }
  }
}

const FIXED = { 'content-type': 'application/json', 'user-agent': 'rapidfire' }

function bodyOf<T>(batch: Batch<T>): PostedBatch<T> {
  const { id, key, root, reason, attempt, openedAt, deadline } = batch
  const bytes = keyOf(batch)
  const messages = batch.messages.map(({ id = null, receivedAt, data }) => ({ id, receivedAt, data }))
  return {
    id,
    queue: queueOf(root),
    key,
    ...(typeof bytes === 'string' ? {} : { keyBytes: bytes.toString('base64') }),
    reason,
    attempt,
    size: messages.length,
    openedAt,
    deadline,
    text: joinText(batch),
    messages,
  }
}

/** Aborts with the attempt, or after so many ms, with the error `late`: one timer, which ends with the delivery. */
function limited(signal: AbortSignal, timeout: number, late: Error): { signal: AbortSignal; end(): void } {
  const controller = new AbortController()
  const stop = () => controller.abort(signal.reason)
  const timer = setTimeout(() => controller.abort(late), timeout)
  signal.addEventListener('abort', stop, { once: true })
  if (signal.aborted) stop()
  const end = () => {
    clearTimeout(timer)
    signal.removeEventListener('abort', stop)
  }
  return { signal: controller.signal, end }
}

async function post({ url, name }: Receiver, init: RequestInit & { signal: AbortSignal }): Promise<Response> {
  try {
    return await fetch(url, { ...init, method: 'POST', redirect: 'manual' })
  } catch (error) {
    init.signal.throwIfAborted()
    const cause = (error as Error).cause ?? error
    const { message, code } = cause as NodeJS.ErrnoException
    // Both addresses of a host name can fail: then the error has a code and no text.
    throw new Error(`${name} cannot be reached: ${message || code}`, { cause: bare(cause) })
  }
}
