import { isUtf8 } from 'node:buffer'
import { Refusal } from './problem.ts'

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

export function parseJson(body: Uint8Array): unknown {
  try {
    if (!isUtf8(body) || isDeep(body)) throw new SyntaxError('not UTF-8, or nested too deep')
    const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString()
    const payload = JSON.parse(text)
    // Hardly any body has the word, in which `_` may be written as an escape.
    if (/__proto__|\\u005f/i.test(text) && hasPrototype(payload)) throw new SyntaxError('a member is named __proto__')
    return payload
  } catch (error) {
    throw new Refusal('BAD_JSON', {}, { cause: error })
  }
}
