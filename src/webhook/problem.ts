import { STATUS_CODES } from 'node:http'
import { type ErrorCode, RapidfireError, RefusedMessagesError } from '../errors.ts'
import { LIMITS, OPTIONS } from '../redis/generated/limits.ts'

/** Every answer that is not 200, with its status and what it says: nothing of what was sent, since that may be private. */
const PROBLEMS = {
  BAD_URL: [400, 'The URL of the request, with its Host, is none.'],
  UNKNOWN_FORM: [400, 'The body has none of the forms that are accepted here.'],
  BODY_UNREADABLE: [400, 'The body did not arrive whole, or something in front of this handler has read it already.'],
  BAD_JSON: [400, 'The body must be JSON in UTF-8, at most 100 levels deep, without members named __proto__.'],
  BAD_MESSAGE: [400, 'A message was refused: its key, its id or its data is not acceptable.'],
  RESERVED_KEY: [400, 'A key begins like those of another source.'],
  BAD_SIGNATURE: [401, 'The request must carry the proof of its source: a valid X-Hub-Signature-256 or X-Telegram-Bot-Api-Secret-Token.'],
  BAD_TOKEN: [401, 'The request must carry the bearer token of the statistics.'],
  BAD_VERIFY_TOKEN: [403, 'hub.mode must be subscribe, and hub.verify_token the token that is configured here.'],
  FOREIGN_ORIGIN: [403, 'A page of another origin may not post here.'],
  NOT_FOUND: [404, 'There is nothing at this path.'],
  METHOD_NOT_ALLOWED: [405, 'This method is not served at this path.'],
  BODY_TOO_SLOW: [408, 'The body took too long, or others needed its place. Send the same body again.'],
  BODY_TOO_LARGE: [413, 'The body is too large.'],
  TOO_MANY_MESSAGES: [413, 'The body has too many messages.'],
  MESSAGE_TOO_LARGE: [413, 'A message is larger than the queue accepts.'],
  NOT_JSON: [415, 'The content-type must be application/json.'],
  RATE_LIMITED: [
    429,
    'Too many new conversations, too many requests for one, or others of it come first. Send the same body again: what was stored is known by its id.',
  ],
  BACKLOG_FULL: [
    429,
    'Too many messages of one conversation, or too many conversations, wait to be handled. Send the same body again: what was stored is known by its id.',
  ],
  INTERNAL: [500, 'Something is wrong here. Send the same body again.'],
  OUT_OF_MEMORY: [503, 'The store is full. Send the same body again.'],
  UNAVAILABLE: [503, 'The store does not answer. Send the same body again.'],
} as const satisfies Record<string, readonly [number, string]>

export type ProblemCode = keyof typeof PROBLEMS

function bodyOf(code: ProblemCode, detail: string): string {
  const [status] = PROBLEMS[code]
  return JSON.stringify({ title: STATUS_CODES[status], status, detail, code })
}

/** Seconds until a sender should try again. */
export const RETRY_AFTER = { BACKLOG_FULL: 10, OUT_OF_MEMORY: 10, UNAVAILABLE: 5 } as const satisfies Partial<Record<ProblemCode, number>>

/** Ends a request with a problem. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  /** What the answer says: nothing of what was sent. */
  readonly detail: string

  constructor(
    readonly code: ProblemCode,
    readonly headers: Record<string, string> = {},
    { detail = PROBLEMS[code][1], ...options }: ErrorOptions & { detail?: string } = {},
  ) {
    super(code, options)
    this.detail = detail
  }

  get status(): number {
    return PROBLEMS[this.code][0]
  }

  /** The answer, as problem+json (RFC 9457). */
  toResponse(): Response {
    const retryAfter = (RETRY_AFTER as Partial<Record<ProblemCode, number>>)[this.code]
    const headers = {
      'content-type': 'application/problem+json',
      ...(retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }),
      ...this.headers,
    }
    return new Response(bodyOf(this.code, this.detail), { status: this.status, headers })
  }
}

/** Which member of a message is not acceptable. */
export const WRONG = {
  BAD_KEY: `A message was refused: its key must be a text of 1 to ${LIMITS.key} bytes, in well-formed Unicode.`,
  BAD_ID: `A message was refused: its id must be a text of 1 to ${OPTIONS.id.bytes} bytes, in well-formed Unicode.`,
  BAD_CHANGE: `A message was refused: edits or withdraws must be the id of another message, of 1 to ${OPTIONS.id.bytes} bytes, and not both.`,
  BAD_DATA: 'A message was refused: its data must be something that JSON can carry, and that the schema of the queue allows.',
} as const

const CODES: Partial<Record<ErrorCode, ProblemCode>> = {
  BAD_KEY: 'BAD_MESSAGE',
  BAD_ID: 'BAD_MESSAGE',
  BAD_DATA: 'BAD_MESSAGE',
  MESSAGE_TOO_LARGE: 'MESSAGE_TOO_LARGE',
  BACKLOG_FULL: 'BACKLOG_FULL',
  OUT_OF_MEMORY: 'OUT_OF_MEMORY',
  UNAVAILABLE: 'UNAVAILABLE',
  OVERLOADED: 'UNAVAILABLE',
  CLOSED: 'UNAVAILABLE',
  NOT_LOADED: 'UNAVAILABLE',
}

/** What is told of a payload whose messages were refused for several reasons: first what a repeated delivery can mend. */
const ORDER: readonly ProblemCode[] = [
  'UNAVAILABLE',
  'OUT_OF_MEMORY',
  'BACKLOG_FULL',
  'INTERNAL',
  'RATE_LIMITED',
  'MESSAGE_TOO_LARGE',
  'BAD_MESSAGE',
]

/**
 * The problem that an error amounts to.
 *
 * @param wait seconds, when other messages of the payload were refused for so long
 */
export function toRefusal(error: unknown, wait?: number): Refusal {
  if (wait !== undefined) {
    const { code } = error === undefined ? { code: undefined } : toRefusal(error)
    const told = ORDER.find((each) => each === code || each === 'RATE_LIMITED') as ProblemCode
    const seconds = Math.min(wait, (RETRY_AFTER as Partial<Record<ProblemCode, number>>)[told] ?? wait)
    return new Refusal(told, { 'retry-after': String(seconds) }, { cause: error })
  }
  if (error instanceof Refusal) return error
  const errors = error instanceof RefusedMessagesError ? error.results : [error]
  const codes = errors.flatMap((each) => {
    if (each instanceof RapidfireError) return [CODES[each.code] ?? 'INTERNAL']
    return each instanceof Error ? ['INTERNAL' as const] : []
  })
  const code = ORDER.find((each) => codes.includes(each)) ?? 'INTERNAL'
  const wrong = code === 'BAD_MESSAGE' && errors.find((each) => each instanceof RapidfireError && each.code in WRONG)
  const detail = wrong ? WRONG[(wrong as RapidfireError).code as keyof typeof WRONG] : undefined
  return new Refusal(code, {}, { cause: error, ...(detail && { detail }) })
}
