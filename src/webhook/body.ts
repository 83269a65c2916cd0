import { isUtf8 } from 'node:buffer'
import { gunzipSync } from 'node:zlib'
import { Refusal } from './problem.ts'

/** Deeper nesting is no message of anybody's, and functions that call themselves for each level would run out of stack. */
const MAX_DEPTH = 100

const AMPERSAND = 0x26

const [QUOTE, BACKSLASH, OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [0x22, 0x5c, 0x5b, 0x5d, 0x7b, 0x7d]

function isDeep(json: Uint8Array): boolean {
  let depth = 0
  let isText = false
  for (let at = 0; at < json.length; at += 1) {
    const byte = json[at]
    if (byte === BACKSLASH) at += 1
    else if (byte === QUOTE) isText = !isText
    else if (isText) continue
    else if (byte === OPEN_LIST || byte === OPEN_OBJECT) depth += 1
    else if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) depth -= 1
    if (depth > MAX_DEPTH) return true
  }
  return false
}

/** Whether an object in it has a member named `__proto__`: copied, that would become the prototype of the copy. */
function hasPrototype(payload: unknown): boolean {
  const open = [payload]
  while (open.length > 0) {
    const value = open.pop()
    if (typeof value !== 'object' || value === null) continue
    if (Object.hasOwn(value, '__proto__')) return true
    for (const each of Object.values(value)) if (typeof each === 'object') open.push(each)
  }
  return false
}

/** Fields of a form: Twilio sends a few dozen. */
const MAX_FIELDS = 1000

/** The fields of a form, in their order; undefined when it has too many, or is not in UTF-8. */
export function formOf(body: Uint8Array): URLSearchParams | undefined {
  if (!isUtf8(body) || body.filter((byte) => byte === AMPERSAND).length >= MAX_FIELDS) return undefined
  return new URLSearchParams(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString())
}

/**
 * Reads a form: of fields with one name the last.
 *
 * @throws Refusal `BAD_JSON`
 */
export function parseForm(body: Uint8Array): Json {
  const fields = formOf(body)
  if (!fields || fields.has('__proto__')) {
    throw new Refusal('BAD_JSON', {}, { detail: `A form must be in UTF-8, with at most ${MAX_FIELDS} fields, none named __proto__.` })
  }
  return { payload: Object.fromEntries(fields), text: undefined }
}

/** What a body says; `text` is the JSON that `payload` was parsed from, undefined for a form. */
export interface Json {
  payload: unknown
  text: string | undefined
}

/**
 * Reads a body, also one that was compressed by gzip or begins with a byte order mark.
 *
 * @param most bytes when it is inflated
 * @throws Refusal `BAD_JSON`, `BODY_TOO_LARGE`
 */
export function parseJson(body: Uint8Array, most: number): Json {
  // It says so itself, and behind some proxies alone.
  const isGzip = body[0] === 0x1f && body[1] === 0x8b
  try {
    const inflated = isGzip ? gunzipSync(body, { maxOutputLength: most }) : body
    const bytes = inflated[0] === 0xef && inflated[1] === 0xbb && inflated[2] === 0xbf ? inflated.subarray(3) : inflated
    if (!isUtf8(bytes) || isDeep(bytes)) throw new SyntaxError('not UTF-8, or nested too deep')
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString()
    const payload = JSON.parse(text)
    // Hardly any body has the word, in which `_` may be written as an escape.
    if (/__proto__|\\u005f/i.test(text) && hasPrototype(payload)) throw new SyntaxError('a member is named __proto__')
    return { payload, text }
  } catch (cause) {
    throw new Refusal((cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE' ? 'BODY_TOO_LARGE' : 'BAD_JSON', {}, { cause })
  }
}
