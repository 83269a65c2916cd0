import { isUtf8 } from 'node:buffer'
import { Refusal } from './problem.ts'

/** The bytes of a body, never more than `limit` of them in memory. */
export async function readBody(request: Request, limit: number): Promise<Uint8Array> {
  const length = request.headers.get('content-length')
  if (length !== null && Number(length) > limit) throw new Refusal('BODY_TOO_LARGE')
  try {
    // A server passes on no more than the length that was announced; this is the fast way through every adapter.
    const body = length === null ? await readStream(request.body, limit) : new Uint8Array(await request.arrayBuffer())
    if (body !== undefined && body.byteLength <= limit) return body
  } catch (error) {
    throw new Refusal('BODY_UNREADABLE', {}, { cause: error })
  }
  throw new Refusal('BODY_TOO_LARGE')
}

async function readStream(stream: ReadableStream<Uint8Array> | null, limit: number): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  if (stream) {
    // Leaving the loop cancels the stream.
    for await (const chunk of stream) {
      bytes += chunk.byteLength
      if (bytes > limit) return undefined
      chunks.push(chunk)
    }
  }
  return Buffer.concat(chunks, bytes)
}

/** Deeper nesting is no message of anybody's, and functions that call themselves for each level would run out of stack. */
const MAX_DEPTH = 100

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

/** Refuses a member that would become the prototype of the object it is copied into. */
function noPrototype(name: string, value: unknown): unknown {
  if (name === '__proto__') throw new SyntaxError('a member is named __proto__')
  return value
}

export function parseJson(body: Uint8Array): unknown {
  try {
    if (!isUtf8(body) || isDeep(body)) throw new SyntaxError('not UTF-8, or nested too deep')
    const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString()
    // Looking at each member is slow, and hardly any body has the word; `_` may be written as an escape.
    return /__proto__|\\u005f/i.test(text) ? JSON.parse(text, noPrototype) : JSON.parse(text)
  } catch (error) {
    throw new Refusal('BAD_JSON', {}, { cause: error })
  }
}
