// The build for servers without Functions: one script for each function, for EVALSHA.
import { createHash } from 'node:crypto'
import { visit } from './check.mjs'
import { versionLine } from './library.mjs'

const REGISTER = 'local REMEMBERS = false; local entry; local function register(_, callback)\n  entry = callback end'
// For Dragonfly, which refuses keys that a script was not given; to others it is a comment. It stands where the library has its first line.
const PRAGMA = '--!df flags=allow-undeclared-keys'
// Without Functions there is no allow-oom flag. Over maxmemory Redis refuses a script whose first write could need memory,
// and then lets it go on: so such a script begins with a write that cannot, and that changes nothing, whatever the key may be.
const ALLOW_OOM = "if KEYS[1] then redis.pcall('ZREMRANGEBYRANK', KEYS[1] .. ':', 1, 0) end"

/** The parts of the lib files that a function reaches. */
export function partsFor({ uses }, libs) {
  const needed = new Set(uses)
  const used = new Set()
  for (let grown = true; grown; ) {
    grown = false
    for (const part of libs.flatMap((lib) => lib.parts)) {
      if (used.has(part) || !part.names.some((name) => needed.has(name))) continue
      used.add(part)
      for (const name of part.uses) needed.add(name)
      grown = true
    }
  }
  return used
}

/**
 * The script of one function: the library, where everything that this function does not need is blank. So an error names the same line
 * in both builds.
 */
export function buildScript(version, pieces, wanted, used) {
  const asked = fieldsIn([wanted.tree, ...[...used].map((part) => part.node)])
  const slim = (lib) => {
    let text = ''
    let at = 0
    for (const part of lib.parts) {
      text += blank(lib.text.slice(at, part.range[0]))
      text += used.has(part) ? slimmed(part, asked) : blank(part.source)
      at = part.range[1]
    }
    return text + blank(lib.text.slice(at))
  }
  const files = pieces.map((piece) => (piece.lib ? slim(piece.lib) : piece.function === wanted ? piece.text : blank(piece.text)))
  const opening = wanted.flags.includes('allow-oom') ? `${ALLOW_OOM} ` : ''
  const text = `${PRAGMA}\n${versionLine(version)}\n${REGISTER}\n${files.join('').trimEnd()}\n${opening}return entry(KEYS, ARGV)\n`
  return { sha1: createHash('sha1').update(text).digest('hex'), text }
}

/** By variable, the fields that it is asked for by name; null when it is used in another way, as a whole. */
function fieldsIn(trees) {
  const fields = new Map()
  const known = new Set()
  visit(trees, (node) => {
    if (node.type === 'LocalStatement') for (const each of node.variables) known.add(each)
    if (node.type === 'TableKeyString') known.add(node.key)
    if (node.type === 'MemberExpression' && node.base.type === 'Identifier') {
      known.add(node.base).add(node.identifier)
      const { name } = node.base
      if (fields.get(name) !== null) fields.set(name, (fields.get(name) ?? new Set()).add(node.identifier.name))
    }
    if (node.type === 'Identifier' && !known.has(node)) fields.set(node.name, null)
  })
  return fields
}

/**
 * The source of a part. A constant that is a table, with a line for each field, has only the fields that are asked for: a script is run
 * as a whole by each call, and makes its constants anew.
 */
function slimmed({ node, names: [name, another], range, source }, asked) {
  const [table] = node.init ?? []
  const fields = asked.get(name)
  if (another || table?.type !== 'TableConstructorExpression' || !fields) return source
  let text = source
  for (const field of table.fields.toReversed()) {
    if (field.type !== 'TableKeyString' || fields.has(field.key.name)) continue
    const [start, end] = field.range.map((at) => at - range[0])
    const from = text.lastIndexOf('\n', start) + 1
    const to = text.indexOf('\n', end)
    const alone = /^ *$/.test(text.slice(from, start)) && text.slice(end, to) === ','
    if (alone) text = text.slice(0, from) + blank(text.slice(from, to)) + text.slice(to)
  }
  return text
}

const blank = (text) => '\n'.repeat(text.split('\n').length - 1)
