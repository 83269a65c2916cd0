// Which commands of Redis a function can reach: those that its own file calls, and the lib functions that it uses. Redis checks each of them
// against the rights of the caller, so this is what a user of Redis must be allowed.
import { AssembleError, visit } from './check.mjs'

/** Commands whose rights are given by subcommand, such as `xinfo|groups`. */
const CONTAINERS = new Set(['XINFO', 'XGROUP', 'OBJECT', 'MEMORY', 'CLIENT', 'CONFIG', 'PUBSUB'])

/** What is asked only to save time: who may not, goes without. */
const NOT_NEEDED = new Set(['INFO'])

/** What only these files call is a note of what was done: who may not write it, goes without. */
const NOTES = ['lua/lib/events.lua', 'lua/lib/archive.lua']

/**
 * The commands that pieces of Lua call, as ACL SETUSER names them. A command must be written out where it is called, or it could not be
 * found here.
 *
 * @param pieces each with the path of its file and its syntax tree
 */
export function commandsOf(pieces) {
  const found = new Set()
  const read = pieces.map(({ path, node }) => ({ path, ...readCalls(path, node) }))
  // A function that hands its arguments on to Redis: its callers name the command.
  const passing = new Set(read.flatMap((each) => each.passing))
  for (const { path, calls, isRedis } of read) {
    for (const { base, arguments: args } of calls) {
      if (!isRedis(base) && !passing.has(base.name)) continue
      const [command, subcommand] = args
      if (NOTES.includes(path)) continue
      if (isRedis(base) && command?.type === 'VarargLiteral') continue
      if (command?.type !== 'StringLiteral') throw new AssembleError(`${path}: the command of a call must be written out`)
      if (NOT_NEEDED.has(text(command))) continue
      found.add((CONTAINERS.has(text(command)) ? `${text(command)}|${text(subcommand)}` : text(command)).toLowerCase())
    }
  }
  return [...found].sort()
}

const text = (node) => node.raw.slice(1, -1)

const isRedisCall = (node) =>
  node?.type === 'MemberExpression' && node.base.name === 'redis' && ['call', 'pcall'].includes(node.identifier.name)

/** The calls in a piece, what is redis.call there under another name, and the functions that hand `...` on to it. */
function readCalls(path, tree) {
  const calls = []
  const functions = []
  const aliases = []
  let mentioned = 0
  visit(tree, (node) => {
    if (isRedisCall(node)) mentioned += 1
    if (node.type === 'CallExpression') calls.push(node)
    if (node.type === 'FunctionDeclaration' && node.identifier) functions.push(node)
    if (node.type === 'LocalStatement')
      for (const [n, value] of node.init.entries()) if (isRedisCall(value)) aliases.push(node.variables[n].name)
  })
  const isRedis = (node) => isRedisCall(node) || (node.type === 'Identifier' && aliases.includes(node.name))
  if (mentioned !== aliases.length + calls.filter(({ base }) => isRedisCall(base)).length) {
    throw new AssembleError(`${path}: redis.call and redis.pcall may only be called, or be given a local name`)
  }
  const handsOn = (node) => node.type === 'CallExpression' && isRedis(node.base) && node.arguments[0]?.type === 'VarargLiteral'
  const passing = functions.filter((each) => has(each, handsOn)).map((each) => each.identifier.name)
  return { calls, isRedis, passing }
}

function has(tree, wanted) {
  let found = false
  visit(tree, (node) => (found ||= wanted(node)))
  return found
}
