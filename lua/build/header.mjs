// The comment at the top of a function file. It is the reference of the call, so it is read, and must be true.
import { AssembleError } from './check.mjs'

/** The header of a function file: first sentence, examples, and the names under KEYS, ARGV, RETURNS and ERRORS. */
export function readHeader(path, text) {
  const lines = []
  for (const line of text.split('\n')) {
    if (!line.startsWith('--')) break
    lines.push(line.replace(/^--+ ?/, ''))
  }
  const header = { sentence: lines[0] ?? '', examples: [], KEYS: [], ARGV: [], RETURNS: [], ERRORS: [] }
  let section
  for (const line of lines.slice(1)) {
    if (/^ {2,}FCALL/.test(line)) header.examples.push(line.trim())
    else if (/^(KEYS|ARGV|RETURNS|ERRORS)$/.test(line)) section = line
    else if (section && /^ {2}\S/.test(line)) header[section].push(line.trim().split(/\s+/)[0])
    else if (line !== '' && !line.startsWith(' ')) section = undefined
  }
  if (!text.startsWith('--- ') || !header.sentence.endsWith('.')) throw new AssembleError(`${path}: must begin with '--- ' and a sentence`)
  if (!lines.includes('RETURNS')) throw new AssembleError(`${path}: header without RETURNS`)
  if (header.examples.length === 0) throw new AssembleError(`${path}: header without an FCALL line`)
  return header
}

/**
 * Refuses a header whose ERRORS are not what the function replies: all codes of its own file, and others only when a lib function replies
 * them that it reaches.
 */
export function checkCodes({ path, text, header }, reached) {
  const own = codesOf([text])
  const possible = codesOf([text, ...reached])
  for (const code of own) if (!header.ERRORS.includes(code)) throw new AssembleError(`${path}: the header lacks the code ${code}`)
  for (const code of header.ERRORS) {
    if (!possible.has(code)) throw new AssembleError(`${path}: the header names ${code}, which nothing replies`)
  }
}

function codesOf(sources) {
  const codes = new Set()
  for (const source of sources) {
    for (const found of source.matchAll(/\bfail\(\s*(?:token\.code or )?'([A-Z_]+)'/g)) codes.add(found[1])
    for (const found of source.matchAll(/\bcode = '([A-Z_]+)'/g)) codes.add(found[1])
  }
  return codes
}
