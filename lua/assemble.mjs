// Makes the two builds of lua/: one library for servers with Functions, and one script per function for EVALSHA.
// `node lua/assemble.mjs` writes src/redis/generated/library.ts, `--dist` writes dist/rapidfire.lua for redis-cli,
// `--check` fails when the committed file is not what lua/ gives.
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import luaparse from 'luaparse'

const here = dirname(fileURLToPath(import.meta.url))
const LIB = ['reply', 'args', 'clock', 'keys', 'policy', 'batch', 'ahead', 'index', 'watch', 'nonce', 'claim']
const SHEBANG = '#!lua name=rapidfire'
const REGISTER = `local function register(name, callback, flags, text)
  redis.register_function{ function_name = 'rapidfire_' .. name, callback = callback, flags = flags, description = text } end`
const SCRIPT_REGISTER = 'local entry; local function register(_, callback)\n  entry = callback end'
// For Dragonfly, which refuses keys that a script was not given; to others it is a comment. It stands where the library has its first line.
const SCRIPT_PRAGMA = '--!df flags=allow-undeclared-keys'
// Without Functions there is no allow-oom flag. Over maxmemory Redis refuses a script whose first write could need memory,
// and then lets it go on: so such a script begins with a write that cannot, and that changes nothing, whatever the key may be.
const SCRIPT_ALLOW_OOM = "if KEYS[1] then redis.pcall('ZREMRANGEBYRANK', KEYS[1] .. ':', 1, 0) end"

/** Every complaint is one line: the file, and what is wrong with it. */
class AssembleError extends Error {}

/** Parses one file and refuses what Redis would refuse, or what would make the two builds differ. */
function parse(path, text) {
  if (text.includes('\r')) throw new AssembleError(`${path}: has a carriage return`)
  let tree
  try {
    tree = luaparse.parse(text, { luaVersion: '5.1', ranges: true, scope: true, comments: false })
  } catch (error) {
    throw new AssembleError(`${path}: ${error.message}`)
  }
  visit(tree, (node) => {
    if (node.type === 'AssignmentStatement') {
      for (const target of node.variables) {
        if (target.type === 'Identifier' && !target.isLocal) throw new AssembleError(`${path}: writes the global ${target.name}`)
      }
    }
    if (node.type === 'FunctionDeclaration' && node.identifier?.type === 'Identifier' && !node.isLocal) {
      throw new AssembleError(`${path}: writes the global ${node.identifier.name}`)
    }
  })
  if (tree.body.some((statement) => statement.type === 'ReturnStatement')) throw new AssembleError(`${path}: returns at the top level`)
  return tree
}

function visit(node, see) {
  if (Array.isArray(node)) for (const each of node) visit(each, see)
  else if (node && typeof node === 'object') {
    if (typeof node.type === 'string') see(node)
    for (const key in node) if (key !== 'range') visit(node[key], see)
  }
}

function identifiers(node) {
  const names = new Set()
  visit(node, (each) => each.type === 'Identifier' && names.add(each.name))
  return names
}

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

/** The codes that a function can reply: those of its own file and of the lib functions that it reaches. */
function codesOf(sources) {
  const codes = new Set()
  for (const source of sources) {
    for (const found of source.matchAll(/\bfail\(\s*(?:token\.code or )?'([A-Z_]+)'/g)) codes.add(found[1])
    for (const found of source.matchAll(/\bcode = '([A-Z_]+)'/g)) codes.add(found[1])
  }
  return codes
}

/**
 * Reads lua/ and returns the library text, the scripts by name, the line map, and the codes.
 * `clock` replaces lua/lib/clock.lua, `version` the one of package.json: both are for tests.
 */
export function assemble({ root = here, clock, version } = {}) {
  version ??= JSON.parse(readFileSync(join(here, '../package.json'), 'utf8')).version
  const read = (path) => ({ path: `lua/${path}`, text: readFileSync(join(root, path), 'utf8') })
  const libs = LIB.map((name) => {
    const file = read(`lib/${name}.lua`)
    if (name === 'clock' && clock) file.text = clock
    const tree = parse(file.path, file.text)
    const parts = tree.body.map((statement) => {
      const names = statement.type === 'FunctionDeclaration' ? [statement.identifier.name] : statement.variables?.map((each) => each.name)
      if (!names) throw new AssembleError(`${file.path}: a lib file has nothing but local functions and constants`)
      return { names, uses: identifiers(statement), range: statement.range, source: file.text.slice(...statement.range) }
    })
    return { ...file, parts }
  })
  const functions = readdirSync(join(root, 'functions'))
    .sort()
    .map((name) => {
      const file = read(`functions/${name}`)
      const tree = parse(file.path, file.text)
      const header = readHeader(file.path, file.text)
      const last = tree.body.at(-1)
      const call = last?.type === 'CallStatement' && last.expression.base.name === 'register' ? last.expression : undefined
      const [registered, , flags, description] = call?.arguments ?? []
      const text = (node) => (node?.type === 'StringLiteral' ? node.raw.slice(1, -1) : undefined)
      if (`${text(registered)}.lua` !== name) throw new AssembleError(`${file.path}: must end with register('${name.slice(0, -4)}', ...)`)
      if (text(description) !== header.sentence)
        throw new AssembleError(`${file.path}: the description must be the first sentence of the header`)
      return { ...file, name: name.slice(0, -4), header, uses: identifiers(tree), flags: flags.fields.map((field) => text(field.value)) }
    })

  const head = `local VERSION = '${version}'`
  const lines = [] // [first line in the build, path]
  let length = 5
  const place = (file, before) => {
    lines.push([length + before, file.path])
    length += before + file.text.split('\n').length - 1 + (before ? 1 : 0)
  }
  for (const lib of libs) place(lib, 0)
  for (const each of functions) place(each, 1)
  const wrap = (file) => `do -- ${file.path}\n${file.text}end\n`
  const library = `${SHEBANG}\n${head}\n${REGISTER}\n${libs.map((lib) => lib.text).join('')}${functions.map(wrap).join('')}`

  const blank = (text) => '\n'.repeat(text.split('\n').length - 1)
  const scripts = {}
  const codes = new Set()
  for (const each of functions) {
    const needed = new Set(each.uses)
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
    const declared = new Set(each.header.ERRORS)
    const possible = codesOf([each.text, ...[...used].map((part) => part.source)])
    for (const code of codesOf([each.text]))
      if (!declared.has(code)) throw new AssembleError(`${each.path}: the header lacks the code ${code}`)
    for (const code of declared) {
      if (!possible.has(code)) throw new AssembleError(`${each.path}: the header names ${code}, which nothing replies`)
      codes.add(code)
    }
    // Everything that this function does not need is blank, so that the lines are those of the library.
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
    const others = functions.map((other) => (other === each ? wrap(other) : blank(wrap(other)))).join('')
    const opening = each.flags.includes('allow-oom') ? `${SCRIPT_ALLOW_OOM} ` : ''
    const script = `${SCRIPT_PRAGMA}\n${head}\n${SCRIPT_REGISTER}\n${slim.join('')}${others.trimEnd()}\n${opening}return entry(KEYS, ARGV)\n`
    scripts[each.name] = { sha1: createHash('sha1').update(script).digest('hex'), text: script }
  }
  return { version, library, scripts, lines, codes: [...codes].sort(), functions }
}

function generated(built) {
  return `// Generated from lua/ by lua/assemble.mjs. Do not edit: run \`npm run build\`.

/** Codes of the refusals that the Lua functions return. */
export type LuaErrorCode = ${built.codes.map((code) => `'${code}'`).join(' | ')}

export type FunctionName = ${built.functions.map((each) => `'${each.name}'`).join(' | ')}

/** One build of the Lua files, ready to be loaded. */
export interface LibrarySource {
  version: string
  /** Text for FUNCTION LOAD. */
  library: string
  /** One script for each function, for servers without Functions. */
  scripts: Record<FunctionName, { sha1: string; text: string }>
  /** Where each Lua file begins in both builds: [first line, path], in order. */
  lines: readonly (readonly [number, string])[]
}

export const SOURCE: LibrarySource = {
  version: ${JSON.stringify(built.version)},
  library: ${JSON.stringify(built.library)},
  scripts: {
${Object.entries(built.scripts)
  .map(([name, script]) => `    ${name}: { sha1: '${script.sha1}', text: ${JSON.stringify(script.text)} },`)
  .join('\n')}
  },
  lines: ${JSON.stringify(built.lines)},
}
`
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    const built = assemble()
    const target = join(here, '../src/redis/generated/library.ts')
    if (process.argv.includes('--check')) {
      if (readFileSync(target, 'utf8') !== generated(built))
        throw new AssembleError('src/redis/generated/library.ts is stale: run `npm run build`')
    } else if (process.argv.includes('--dist')) {
      mkdirSync(join(here, '../dist'), { recursive: true })
      writeFileSync(join(here, '../dist/rapidfire.lua'), built.library)
    } else {
      mkdirSync(dirname(target), { recursive: true })
      writeFileSync(target, generated(built))
    }
  } catch (error) {
    if (!(error instanceof AssembleError)) throw error
    console.error(error.message)
    process.exitCode = 1
  }
}
