// What is refused in any Lua file: what Redis would refuse, and what would make the two builds differ.
import luaparse from 'luaparse'

/** Every complaint is one line: the file, and what is wrong with it. */
export class AssembleError extends Error {}

/** Parses one file, or refuses it. Returns the syntax tree. */
export function parse(path, text) {
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

/** The names that a piece of a syntax tree mentions. */
export function identifiers(node) {
  const names = new Set()
  visit(node, (each) => each.type === 'Identifier' && names.add(each.name))
  return names
}

/** Those of them that are declared elsewhere: in another file, or by Redis. */
export function globals(tree) {
  const names = new Set()
  visit(tree, (each) => each.type === 'Identifier' && each.isLocal === false && names.add(each.name))
  return names
}

/** Shows every node of a syntax tree, a parent before what is in it. */
export function visit(node, see) {
  if (Array.isArray(node)) for (const each of node) visit(each, see)
  else if (node && typeof node === 'object') {
    if (typeof node.type === 'string') see(node)
    for (const key in node) if (key !== 'range') visit(node[key], see)
  }
}
