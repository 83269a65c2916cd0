// The build for servers without Functions: one script for each function, for EVALSHA.
import { createHash } from 'node:crypto'
import { versionLine, wrap } from './library.mjs'

const REGISTER = 'local entry; local function register(_, callback)\n  entry = callback end'
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
export function buildScript(version, libs, functions, { name, flags }, used) {
  const slim = libs.map((lib) => {
    let text = ''
    let at = 0
    for (const part of lib.parts) {
      text += blank(lib.text.slice(at, part.range[0]))
      text += used.has(part) ? part.source : blank(part.source)
      at = part.range[1]
    }
    return text + blank(lib.text.slice(at))
  })
  const blocks = functions.map((each) => (each.name === name ? wrap(each) : blank(wrap(each)))).join('')
  const opening = flags.includes('allow-oom') ? `${ALLOW_OOM} ` : ''
  const text = `${PRAGMA}\n${versionLine(version)}\n${REGISTER}\n${slim.join('')}${blocks.trimEnd()}\n${opening}return entry(KEYS, ARGV)\n`
  return { sha1: createHash('sha1').update(text).digest('hex'), text }
}

const blank = (text) => '\n'.repeat(text.split('\n').length - 1)
