// Makes the two builds of lua/: one library for servers with Functions, and one script per function for EVALSHA.
import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { AssembleError, globals, identifiers, parse } from './check.mjs'
import { commandsOf } from './commands.mjs'
import { constantsOf, optionsOf } from './constants.mjs'
import { checkCodes, readHeader } from './header.mjs'
import { buildLibrary } from './library.mjs'
import { piecesOf } from './order.mjs'
import { buildScript, partsFor } from './scripts.mjs'

const LUA = fileURLToPath(new URL('..', import.meta.url))

/**
 * Reads lua/ and returns the library text, the scripts by name, the line map, and the codes.
 * `clock` replaces lua/lib/clock.lua, `version` the one of package.json: both are for tests.
 */
export function assemble({ root = LUA, clock, version } = {}) {
  version ??= JSON.parse(readFileSync(join(LUA, '../package.json'), 'utf8')).version
  const read = (path) => ({ path: `lua/${path}`, text: readFileSync(join(root, path), 'utf8') })
  const libs = readdirSync(join(root, 'lib'))
    .sort()
    .map((name) => readLib(name === 'clock.lua' && clock ? { ...read(`lib/${name}`), text: clock } : read(`lib/${name}`)))
  const functions = readdirSync(join(root, 'functions'), { recursive: true })
    .filter((path) => path.endsWith('.lua'))
    .map((path) => readFunction(read(`functions/${path}`)))
    .sort((a, b) => (a.name < b.name ? -1 : 1))

  const pieces = piecesOf(libs, functions)
  const constants = constantsOf(pieces.flatMap(({ lib }) => lib ?? []))
  const scripts = {}
  for (const each of functions) {
    const used = partsFor(each, libs)
    each.commands = commandsOf([{ path: each.path, node: each.tree }, ...used])
    each.options = optionsOf(each.tree, constants)
    checkCodes(
      each,
      [...used].map((part) => part.source),
    )
    scripts[each.name] = buildScript(version, pieces, each, used)
  }
  const codes = [...new Set(functions.flatMap((each) => each.header.ERRORS))].sort()
  return { version, ...buildLibrary(version, pieces), scripts, codes, functions, constants }
}

/** A lib file and its parts: each a local function or a constant, which a script has or leaves out. */
function readLib({ path, text }) {
  const tree = parse(path, text)
  const parts = tree.body.map((statement) => {
    const names = statement.type === 'FunctionDeclaration' ? [statement.identifier.name] : statement.variables?.map((each) => each.name)
    if (!names) throw new AssembleError(`${path}: a lib file has nothing but local functions and constants`)
    return { path, names, node: statement, uses: identifiers(statement), range: statement.range, source: text.slice(...statement.range) }
  })
  return { path, text, parts, globals: globals(tree) }
}

/** A function file: what its header says, and what it registers at its end. */
function readFunction({ path, text }) {
  const name = basename(path, '.lua')
  const tree = parse(path, text)
  const header = readHeader(path, text)
  const last = tree.body.at(-1)
  const call = last?.type === 'CallStatement' && last.expression.base.name === 'register' ? last.expression : undefined
  const [registered, , flags, description] = call?.arguments ?? []
  const string = (node) => (node?.type === 'StringLiteral' ? node.raw.slice(1, -1) : undefined)
  if (string(registered) !== name) throw new AssembleError(`${path}: must end with register('${name}', ...)`)
  if (string(description) !== header.sentence) throw new AssembleError(`${path}: the description must be the first sentence of the header`)
  return {
    path,
    text,
    name,
    header,
    tree,
    uses: identifiers(tree),
    globals: globals(tree),
    flags: flags.fields.map((field) => string(field.value)),
  }
}
