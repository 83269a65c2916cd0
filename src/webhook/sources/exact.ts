import { keepJson } from '../../messages/kept-json.ts'

/** Numbers with more digits than JavaScript keeps, or an exponent beyond what it knows; in a text such digits do no harm. */
const LARGE = /\d[\d.]{15}|\d[eE][+-]?\d{3}/

const [QUOTE, BACKSLASH, OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT, COLON, COMMA] = [0x22, 0x5c, 0x5b, 0x5d, 0x7b, 0x7d, 0x3a, 0x2c]

/**
 * Sees to it that data are stored as they came, to the last digit of their numbers.
 *
 * @param data of the messages, parsed: objects and lists
 * @param text JSON of an object, or of a list of objects, that have them as their member `data`, in the same order
 */
export function keepExact(data: readonly unknown[], text: string): void {
  if (!LARGE.test(text)) return
  for (const [n, json] of membersOf(text, 'data').entries()) {
    const value = data[n]
    if (typeof value === 'object' && value !== null) keepJson(value, json)
  }
}

/** The JSON of the member with this name, of each object: of several in one, the last, as `JSON.parse` has it. */
export function membersOf(text: string, name: string): string[] {
  const members: string[] = []
  const inObject = text.trimStart().startsWith('[') ? 2 : 1
  let [depth, begin, isNamed, found] = [0, 0, false, '']
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at)
    if (unit === QUOTE) {
      const start = at
      for (at += 1; text.charCodeAt(at) !== QUOTE; at += 1) if (text.charCodeAt(at) === BACKSLASH) at += 1
      // Of what stands at this depth the text before a colon is a name, which the colon tells below.
      if (depth === inObject && begin === 0) isNamed = JSON.parse(text.slice(start, at + 1)) === name
    } else if (unit === COLON && depth === inObject) {
      begin = at + 1
    } else if ((unit === COMMA || unit === CLOSE_OBJECT) && depth === inObject) {
      if (isNamed) found = text.slice(begin, at).trim()
      ;[begin, isNamed] = [0, false]
      if (unit === COMMA) continue
      members.push(found)
      depth -= 1
    } else if (unit === OPEN_LIST || unit === OPEN_OBJECT) depth += 1
    else if (unit === CLOSE_LIST || unit === CLOSE_OBJECT) depth -= 1
  }
  return members
}
