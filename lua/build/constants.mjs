// The constants of Lua files: what TypeScript, the tests and the documents take from there instead of saying it again.
import { visit } from './check.mjs'

/** The constants at the top of lib files, by name. What is no constant, such as a function, is left out. */
export function constantsOf(libs) {
  const known = {}
  for (const { parts } of libs) for (const part of parts) learn(part.node, known)
  return known
}

/** The options that a function takes: what it hands to read_options or read_tokens, by token. */
export function optionsOf(tree, constants) {
  const known = { ...constants }
  for (const statement of tree.body) learn(statement, known)
  let options = {}
  visit(tree, ({ type, base, arguments: args }) => {
    if (type === 'CallExpression' && ['read_options', 'read_tokens'].includes(base.name)) options = evaluate(args[2], known)
  })
  return options
}

function learn({ type, variables, init }, known) {
  if (type !== 'LocalStatement') return
  for (const [n, { name }] of variables.entries()) {
    const value = init[n] && evaluate(init[n], known)
    if (value !== undefined) known[name] = value
  }
}

const OPERATORS = { '+': (a, b) => a + b, '-': (a, b) => a - b, '*': (a, b) => a * b }

/** What an expression is, or undefined when it is known only when the library runs. */
function evaluate(node, known) {
  if (node.type === 'NumericLiteral' || node.type === 'BooleanLiteral') return node.value
  if (node.type === 'StringLiteral') return node.raw.slice(1, -1)
  if (node.type === 'Identifier') return known[node.name]
  if (node.type === 'MemberExpression') return evaluate(node.base, known)?.[node.identifier.name]
  if (node.type === 'BinaryExpression') {
    const [left, right] = [evaluate(node.left, known), evaluate(node.right, known)]
    return left === undefined || right === undefined ? undefined : OPERATORS[node.operator]?.(left, right)
  }
  if (node.type !== 'TableConstructorExpression') return undefined
  if (node.fields.length > 0 && node.fields.every(({ type }) => type === 'TableValue'))
    return node.fields.map(({ value }) => evaluate(value, known))
  const fields = node.fields.filter(({ type }) => type === 'TableKeyString').map(({ key, value }) => [key.name, evaluate(value, known)])
  return Object.fromEntries(fields.filter(([, value]) => value !== undefined))
}
